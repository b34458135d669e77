package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"tradewind.example/core/money"
)

const cny = money.Currency("CNY")

// cloudReport is what the simulator knows of its own sales.
type cloudReport struct {
	Hosts    int `json:"hosts"`
	Accounts map[string]struct {
		Spent    money.Amount `json:"spent_fen"`
		Refunded money.Amount `json:"refunded_fen"`
	} `json:"accounts"`
	Bought map[string]map[string]struct {
		Orders, Resources int
	} `json:"bought"`
	BoughtTwice []string `json:"bought_twice"`
}

type orderRow struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	Units []struct {
		State string `json:"state"`
	} `json:"units"`
	Attention *struct{} `json:"attention"`
}

type billRow struct {
	ID, Operation, Amount, Commission, Settle string
}

// audit holds everything against everything else: requests against orders,
// orders against the cloud, the cloud against the books.
type audit struct {
	ctx    context.Context
	w      *world
	s      *shop
	cloud  cloudReport
	orders map[string]orderRow
}

// check waits until all is decided and audits it. The broker must be up and
// nobody must be ordering.
func (w *world) check(ctx context.Context, s *shop) error {
	if err := s.quiet(); err != nil {
		return err
	}
	if err := w.decided(ctx); err != nil {
		return err
	}
	a := &audit{ctx: ctx, w: w, s: s, orders: map[string]orderRow{}}
	if err := a.read(); err != nil {
		return fmt.Errorf("reading what there is: %w", err)
	}
	var errs []error
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"requests", a.requests}, {"orders", a.decisions}, {"resources", a.resources}, {"replays", a.replays},
		{"books", a.books}, {"wallets", a.wallets}, {"the cloud's books", a.cloudBooks}, {"jobs", a.jobs},
	} {
		if err := c.do(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	if len(errs) > 0 {
		open, err := w.open(ctx)
		errs = append(errs, err, w.situation(ctx, open))
	}
	return errors.Join(errs...)
}

func (a *audit) read() error {
	if err := a.w.admin.get(a.ctx, "/state?limit=100000", &a.cloud); err != nil {
		return err
	}
	all, err := list[orderRow](a.ctx, a.w.operator, "/v1/orders")
	for _, o := range all {
		a.orders[o.ID] = o
	}
	return err
}

// requests: each acknowledged request is one order, and each order was asked
// for by one request.
func (a *audit) requests() error {
	seen := map[string]string{}
	for _, r := range a.s.receipts() {
		if _, ok := a.orders[r.id]; !ok {
			return fmt.Errorf("order %q of key %q is lost", r.id, r.key)
		}
		if other, twice := seen[r.id]; twice {
			return fmt.Errorf("keys %q and %q are both order %q", r.key, other, r.id)
		}
		seen[r.id] = r.key
	}
	if len(seen) != len(a.orders) {
		return fmt.Errorf("%d requests were acknowledged, %d orders exist", len(seen), len(a.orders))
	}
	return nil
}

func (a *audit) decisions() error {
	for _, o := range a.orders {
		final := o.State == "active" || o.State == "failed" || o.State == "refunded"
		if !final || o.Attention != nil {
			return fmt.Errorf("order %q is not decided: %+v", o.ID, o)
		}
	}
	return nil
}

// resources: what was bought is what was delivered, once.
func (a *audit) resources() error {
	if len(a.cloud.BoughtTwice) > 0 {
		return fmt.Errorf("bought twice: %v", a.cloud.BoughtTwice)
	}
	delivered, bought := 0, 0
	for _, o := range a.orders {
		for _, u := range o.Units {
			if o.Kind == "buy" && u.State == "made" {
				delivered++
			}
		}
	}
	for _, b := range a.cloud.Bought["uhost.tag"] {
		bought += b.Resources
	}
	if bought != delivered {
		return fmt.Errorf("the cloud sold %d servers, %d were delivered", bought, delivered)
	}
	here, err := list[made](a.ctx, a.w.operator, "/v1/resources")
	if err == nil && len(here) != a.cloud.Hosts {
		err = fmt.Errorf("the cloud has %d servers, the broker %d", a.cloud.Hosts, len(here))
	}
	return err
}

// replays: the same key answers the same order, whatever happened since. Keys
// are forgotten before a month has passed.
func (a *audit) replays() error {
	if a.w.offset > 0 {
		return nil
	}
	for i, r := range a.s.receipts() {
		if i%7 != 0 {
			continue
		}
		var again made
		if err := r.who.post(a.ctx, r.path, r.key, r.body, &again); err != nil || again.ID != r.id {
			return fmt.Errorf("key %q was order %q, now %q: %w", r.key, r.id, again.ID, err)
		}
	}
	return nil
}

// books: each sums to zero, and what the customers paid is what the provider
// and everybody between kept.
func (a *audit) books() error {
	var paid, kept money.Amount
	for _, who := range a.w.everybody() {
		rows, err := list[struct{ Kind, Balance string }](a.ctx, who, "/v1/ledger/accounts")
		if err != nil {
			return err
		}
		var sum, result money.Amount
		for _, r := range rows {
			amount, err := parse(r.Balance)
			if err != nil {
				return err
			}
			sum += amount
			switch r.Kind {
			case "revenue", "commission_expense", "cost", "commission_income":
				result += amount
			}
		}
		if sum != 0 {
			return fmt.Errorf("the book of %s sums to %s", who.login, sum.Format(cny))
		}
		if a.isCustomer(who) {
			paid += result
		} else {
			kept -= result
		}
	}
	if paid != kept {
		return fmt.Errorf("customers paid %s, provider and margins are %s", paid.Format(cny), kept.Format(cny))
	}
	return nil
}

func (a *audit) isCustomer(who *client) bool {
	for _, c := range a.w.customers {
		if c == who {
			return true
		}
	}
	return false
}

func parse(s string) (money.Amount, error) { return money.Parse(cny, s) }

// total adds up the amounts of some bills, less commissions that were paid.
func total(rows []billRow, paid bool, wanted func(billRow) bool) (money.Amount, error) {
	var sum money.Amount
	for _, r := range rows {
		if !wanted(r) {
			continue
		}
		amount, err := parse(r.Amount)
		if err != nil {
			return 0, err
		}
		commission, err := parse(r.Commission)
		if err != nil {
			return 0, err
		}
		if sum += amount; paid {
			sum -= commission
		}
	}
	return sum, nil
}

// wallets: what was paid in is there or was billed, and nothing is held any
// more.
func (a *audit) wallets() error {
	for _, who := range append([]*client{a.w.reseller, a.w.sub}, a.w.customers...) {
		bills, err := list[billRow](a.ctx, who, "/v1/bills?side=buyer")
		if err != nil {
			return err
		}
		spent, err := total(bills, a.w.settled, func(b billRow) bool { return b.Settle == "realtime" })
		if err != nil {
			return err
		}
		wallets, err := list[struct{ Buyer, Seller, Posted, Held string }](a.ctx, who, "/v1/wallets?side=buyer")
		if err != nil {
			return err
		}
		if len(wallets) != 1 {
			return fmt.Errorf("%s has %d wallets, want one", who.login, len(wallets))
		}
		for _, x := range wallets {
			posted, err := parse(x.Posted)
			if err != nil {
				return err
			}
			paid, err := parse(a.w.recharged[[2]string{x.Buyer, x.Seller}])
			if err != nil {
				return err
			}
			if held, err := parse(x.Held); err != nil || held != 0 || posted != paid-spent {
				return fmt.Errorf("%s paid in %s, spent %s, has %s, of it held %s: %w", who.login, paid.Format(cny), spent.Format(cny), x.Posted, x.Held, err)
			}
		}
	}
	return nil
}

// refundSlack is what the cloud may give back less than it quoted for one
// server: the seconds between question and deed, and the roundings.
const refundSlack = money.Amount(50)

// cloudBooks: the operator pays list prices, so what the cloud took is what the
// provider's bills say, to the cent.
func (a *audit) cloudBooks() error {
	bills, err := list[billRow](a.ctx, a.w.viewer, "/v1/bills?side=seller")
	if err != nil {
		return err
	}
	sold, err := total(bills, false, func(b billRow) bool { return b.Operation != "REFUND" })
	if err != nil {
		return err
	}
	back, err := total(bills, false, func(b billRow) bool { return b.Operation == "REFUND" })
	if err != nil {
		return err
	}
	cloud, refunds := a.cloud.Accounts["operator"], 0
	for _, b := range bills {
		if b.Operation == "REFUND" {
			refunds++
		}
	}
	if sold != cloud.Spent {
		return fmt.Errorf("the cloud took %s, the provider's bills are %s", cloud.Spent.Format(cny), sold.Format(cny))
	}
	if gap := -back - cloud.Refunded; gap < -refundSlack*money.Amount(refunds) || gap > refundSlack*money.Amount(refunds) {
		return fmt.Errorf("the cloud gave %s back, the provider's bills %s, for %d servers", cloud.Refunded.Format(cny), (-back).Format(cny), refunds)
	}
	return nil
}

// jobs: nothing is left to do and nothing was given up.
func (a *audit) jobs() error {
	for _, state := range []string{"ready", "running", "parked", "dead"} {
		rows, err := list[struct{ Kind, Ref string }](a.ctx, a.w.operator, "/v1/jobs?state="+state)
		if err != nil {
			return err
		}
		for _, j := range rows {
			if j.Kind == "order.provision" {
				return fmt.Errorf("a job of order %q is %s", j.Ref, state)
			}
		}
	}
	return nil
}

// verifyStopped checks the file that a killed broker left behind: the store
// opens, its books and audit log are whole, and a copy of it passes the check
// of every page that restoring makes.
func (w *world) verifyStopped(no int) error {
	copyOf := filepath.Join(w.dir, "copy-"+strconv.Itoa(no))
	for _, args := range [][]string{
		{"ledger", "verify"}, {"audit", "verify"}, {"backup", "--to", copyOf},
		{"restore", "--from", copyOf, "--set", "data_dir=" + filepath.Join(w.dir, "restored-"+strconv.Itoa(no))},
	} {
		if err := w.command(args...); err != nil {
			return err
		}
	}
	return nil
}
