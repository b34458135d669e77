package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"tradewind.example/core/money"
)

const cny = money.Currency("CNY")

// report is what the run writes as JSON.
type report struct {
	Orders            int                          `json:"orders"`
	Accepted          int                          `json:"accepted"`
	Refused           map[string]int               `json:"refused"`
	ResourcesAtCloud  int                          `json:"resources_at_cloud"`
	ResourcesInBroker int                          `json:"resources_in_broker"`
	DoublePurchases   int                          `json:"double_purchases"`
	LostOrders        int                          `json:"lost_orders"`
	CustomerPaid      string                       `json:"customer_paid"`
	Margins           map[string]string            `json:"margins"`
	ProviderNet       string                       `json:"provider_net"`
	LedgerSums        map[string]map[string]string `json:"ledger_sums"`
	Statements        []statement                  `json:"statements"`
}

type statement struct {
	ID         string `json:"id"`
	Seller     string `json:"seller"`
	Buyer      string `json:"buyer"`
	State      string `json:"state"`
	Amount     string `json:"amount"`
	Commission string `json:"commission"`
	Net        string `json:"net"`
	Count      int64  `json:"count"`
	File       string `json:"file"`
}

// settle closes the month of every pair that has unsettled bills.
func (p *play) settle(ctx context.Context) error {
	if err := p.passMonth(ctx); err != nil {
		return err
	}
	for _, seller := range []*client{p.cast.operator, p.cast.reseller, p.cast.sub} {
		if err := seller.post(ctx, "/v1/statements/run", map[string]string{}, nil); err != nil {
			return err
		}
		if err := seller.post(ctx, "/v1/statements/run", map[string]string{}, nil); err != nil {
			return fmt.Errorf("running it twice: %w", err)
		}
	}
	for _, who := range []*client{p.cast.operator, p.cast.reseller, p.cast.sub} {
		err := each(ctx, who, "/v1/statements?state=open", func(s statement) error { return p.close1(ctx, who, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// close1 agrees to a statement and exports it.
func (p *play) close1(ctx context.Context, who *client, s statement) error {
	if err := who.pay(ctx, "/v1/statements/"+s.ID+"/agree", "agree-"+s.ID, map[string]string{"note": "checked"}, &s); err != nil {
		return err
	}
	name := filepath.Join(p.cfg.Work, "statement-"+s.ID+".xlsx")
	if err := who.download(ctx, "/v1/statements/"+s.ID+"/export", name); err != nil {
		return err
	}
	p.say("   %s → %s: %d bills, amount %s, commission %s, net %s CNY: %s", p.nameOf(s.Seller), p.nameOf(s.Buyer), s.Count, s.Amount, s.Commission, s.Net, s.State)
	return nil
}

func (c *client) download(ctx context.Context, path, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	resp, err := httpClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "PK") {
		return fmt.Errorf("GET %s: %d, not a workbook", path, resp.StatusCode)
	}
	return os.WriteFile(file, body, 0o600)
}

func (p *play) nameOf(org string) string {
	for _, who := range p.cast.all() {
		if who.org == org {
			return who.name
		}
	}
	return org
}

// book is the sums of one org's ledger accounts by kind.
type book map[string]money.Amount

func (b book) of(kinds ...string) (money.Amount, error) {
	var sum money.Amount
	var err error
	for _, k := range kinds {
		if sum, err = sum.Add(b[k]); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

func (p *play) book(ctx context.Context, who *client) (book, error) {
	b := book{}
	err := each(ctx, who, "/v1/ledger/accounts", func(a struct {
		Kind     string         `json:"kind"`
		Currency money.Currency `json:"currency"`
		Balance  string         `json:"balance"`
	}) error {
		amount, err := money.Parse(a.Currency, a.Balance)
		if err != nil {
			return err
		}
		b[a.Kind], err = b[a.Kind].Add(amount)
		return err
	})
	return b, err
}

// held is the money set aside in somebody's wallets.
func (p *play) held(ctx context.Context, who *client) (money.Amount, error) {
	var sum money.Amount
	err := each(ctx, who, "/v1/wallets", func(w struct {
		Buyer    string         `json:"buyer"`
		Currency money.Currency `json:"currency"`
		Held     string         `json:"held"`
	}) error {
		if w.Buyer != who.org {
			return nil
		}
		amount, err := money.Parse(w.Currency, w.Held)
		if err != nil {
			return err
		}
		sum, err = sum.Add(amount)
		return err
	})
	return sum, err
}

// account reads everything back, adds it up and writes the report.
func (p *play) account(ctx context.Context) error {
	r := report{
		Orders: p.sold.requests, Accepted: len(p.sold.accepted), Refused: p.sold.refused,
		Margins: map[string]string{}, LedgerSums: map[string]map[string]string{},
	}
	problems := []error{p.countResources(ctx, &r), p.countOrders(ctx, &r), p.addUp(ctx, &r), p.listStatements(ctx, &r)}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if p.cfg.Out != "" {
		problems = append(problems, os.WriteFile(p.cfg.Out, append(text, '\n'), 0o600))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p.tell(r)
	return nil
}

func (p *play) countResources(ctx context.Context, r *report) error {
	cloud, err := p.cloudReport(ctx)
	if err != nil {
		return err
	}
	r.ResourcesAtCloud, r.DoublePurchases = cloud.Hosts, len(cloud.BoughtTwice)
	err = each(ctx, p.cast.operator, "/v1/resources", func(idOf) error { r.ResourcesInBroker++; return nil })
	if err != nil {
		return err
	}
	if r.ResourcesAtCloud != r.ResourcesInBroker || r.DoublePurchases != 0 {
		return fmt.Errorf("the cloud has %d servers, the broker %d; bought twice: %v", r.ResourcesAtCloud, r.ResourcesInBroker, cloud.BoughtTwice)
	}
	return nil
}

// countOrders looks for orders that are neither delivered nor refused.
func (p *play) countOrders(ctx context.Context, r *report) error {
	for _, id := range p.sold.accepted {
		var o orderState
		if err := p.sold.owner[id].get(ctx, "/v1/orders/"+id, &o); err != nil {
			r.LostOrders++
			continue
		}
		if o.State != "active" && o.State != "failed" {
			r.LostOrders++
		}
	}
	if r.LostOrders > 0 {
		return fmt.Errorf("%d orders are lost", r.LostOrders)
	}
	if r.Orders != theOrders || p.sold.adopted == "" || p.sold.released == "" || r.Refused["under_floor"] != 1 || r.Refused["no_money"] != 1 {
		return fmt.Errorf("the story was not played whole: %+v", p.sold)
	}
	return nil
}

// addUp reads every book: each sums to zero, and what the customers paid is
// what the provider and everybody between kept.
func (p *play) addUp(ctx context.Context, r *report) error {
	var paid, kept money.Amount
	var problems []error
	for _, who := range p.cast.all() {
		b, err := p.book(ctx, who)
		if err != nil {
			return err
		}
		var sum money.Amount
		for _, a := range b {
			if sum, err = sum.Add(a); err != nil {
				return err
			}
		}
		r.LedgerSums[who.name] = map[string]string{string(cny): sum.Format(cny)}
		if sum != 0 {
			problems = append(problems, fmt.Errorf("the book of %s sums to %s", who.name, sum.Format(cny)))
		}
		result, err := b.of("revenue", "commission_expense", "cost", "commission_income")
		if err != nil {
			return err
		}
		switch who {
		case p.cast.customers[0], p.cast.customers[1], p.cast.customers[2]:
			paid, err = paid.Add(result)
		case p.cast.viewer:
			r.ProviderNet = (-result).Format(cny)
			kept, err = kept.Sub(result)
		default:
			r.Margins[who.name] = (-result).Format(cny)
			kept, err = kept.Sub(result)
		}
		if err != nil {
			return err
		}
	}
	r.CustomerPaid = paid.Format(cny)
	if paid != kept {
		problems = append(problems, fmt.Errorf("customers paid %s, provider and margins are %s", paid.Format(cny), kept.Format(cny)))
	}
	return errors.Join(problems...)
}

func (p *play) listStatements(ctx context.Context, r *report) error {
	seen := map[string]bool{}
	for _, who := range []*client{p.cast.operator, p.cast.reseller, p.cast.sub} {
		err := each(ctx, who, "/v1/statements", func(s statement) error {
			if seen[s.ID] {
				return nil
			}
			seen[s.ID] = true
			s.File = "statement-" + s.ID + ".xlsx"
			r.Statements = append(r.Statements, s)
			if s.State != "settled" {
				return fmt.Errorf("statement %s is %s", s.ID, s.State)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(r.Statements) < 3 {
		return fmt.Errorf("only %d statements", len(r.Statements))
	}
	return nil
}

// tell prints the account of the books.
func (p *play) tell(r report) {
	w := p.cfg.Stdout
	fmt.Fprintf(w, "\nThe books\n")
	fmt.Fprintf(w, "  %-34s %12s CNY\n", "customers paid", r.CustomerPaid)
	fmt.Fprintf(w, "  %-34s %12s CNY\n", "the cloud's party keeps", r.ProviderNet)
	names := make([]string, 0, len(r.Margins))
	for n := range r.Margins {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(w, "  %-34s %12s CNY\n", "margin of "+n, r.Margins[n])
	}
	fmt.Fprintf(w, "  %-34s %12d\n", "servers at the cloud", r.ResourcesAtCloud)
	fmt.Fprintf(w, "  %-34s %12d\n", "servers in the broker", r.ResourcesInBroker)
	fmt.Fprintf(w, "  %-34s %12d\n", "bought twice", r.DoublePurchases)
	fmt.Fprintf(w, "  %-34s %12d\n", "orders lost", r.LostOrders)
	fmt.Fprintf(w, "  every one of %d books sums to zero; everything adds up\n", len(r.LedgerSums))
}
