package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// sequence drives a ledger and a model of its wallets with random sales along
// the chain provider → operator → reseller → customer.
type sequence struct {
	books
	t        *rapid.T
	wallets  map[ledger.WalletKey]ledger.Wallet // the model
	sales    []sale
	writes   []func(store.Tx) error // everything that succeeded, to be repeated
	instants []snapshot
	n        int
}

type sale struct {
	hold     string
	priced   pricing.Result
	open     bool
	captured pricing.Result
	charge   string // transaction id
	refunded int64  // of 10
}

// snapshot is what the customer's wallet said at an instant.
type snapshot struct {
	at     time.Time
	posted money.Amount
}

func chainOrgs() []string { return []string{"provider", "operator", "reseller", "customer"} }

func (s *sequence) next(kind string) string {
	s.n++
	return fmt.Sprintf("%s-%d", kind, s.n)
}

// try runs a write, remembers it when it succeeds, and returns its error.
func (s *sequence) try(fn func(store.Tx) error) error {
	err := s.st.Update(s.books.t.Context(), fn)
	if err == nil {
		s.writes = append(s.writes, fn)
	}
	return err
}

func (s *sequence) must(fn func(store.Tx) error) {
	s.t.Helper()
	if err := s.try(fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sequence) pair() ledger.WalletKey {
	i := rapid.IntRange(1, 3).Draw(s.t, "buyer")
	return walletOf(chainOrgs()[i], chainOrgs()[i-1])
}

// change applies a difference to the model.
func (s *sequence) change(k ledger.WalletKey, posted, held money.Amount) {
	w := s.wallets[k]
	w.Posted, w.Held = w.Posted+posted, w.Held+held
	w.Available = w.Posted - w.Held + w.Credit
	s.wallets[k] = w
}

func (s *sequence) Recharge(t *rapid.T) {
	s.t = t
	k, amount, key := s.pair(), money.Amount(rapid.IntRange(1, 5000).Draw(t, "amount")), s.next("recharge")
	s.must(func(tx store.Tx) error {
		_, err := s.PostTx(tx, ledger.Transaction{Kind: "recharge", Key: key, Postings: ledger.RechargePostings(k, amount)})
		return err
	})
	s.change(k, amount, 0)
}

// Credit only raises lines, so that no available balance may be negative.
func (s *sequence) Credit(t *rapid.T) {
	s.t = t
	k := s.pair()
	w := s.wallets[k]
	w.Credit += money.Amount(rapid.IntRange(0, 300).Draw(t, "more"))
	credit := w.Credit
	if err := s.update(func(tx store.Tx) error { return s.SetCreditTx(tx, k, credit) }); err != nil {
		t.Fatal(err)
	}
	s.wallets[k] = w
	s.change(k, 0, 0)
}

func (s *sequence) Hold(t *rapid.T) {
	s.t = t
	r := drawSale(t)
	h := ledger.Hold{ID: s.next("hold"), Ref: "order", Legs: holdLegs(r)}
	enough := true
	for _, g := range h.Legs {
		enough = enough && s.wallets[walletOf(g.Buyer, g.Seller)].Available >= g.Amount
	}
	err := s.try(func(tx store.Tx) error { return s.HoldTx(tx, h) })
	if !enough {
		var short *ledger.ShortError
		if !fault.Is(err, fault.ClassInsufficientBalance) || !errors.As(err, &short) {
			t.Fatalf("a hold beyond the balance: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range h.Legs {
		s.change(walletOf(g.Buyer, g.Seller), 0, g.Amount)
	}
	s.sales = append(s.sales, sale{hold: h.ID, priced: r, open: true})
}

// pick draws one of the sales that qualify; the action is skipped when none does.
func (s *sequence) pick(t *rapid.T, qualifies func(sale) bool) *sale {
	var is []int
	for i := range s.sales {
		if qualifies(s.sales[i]) {
			is = append(is, i)
		}
	}
	if len(is) == 0 {
		t.Skip("no such sale")
	}
	return &s.sales[rapid.SampledFrom(is).Draw(t, "sale")]
}

func (s *sequence) Capture(t *rapid.T) {
	s.t = t
	x := s.pick(t, func(x sale) bool { return x.open })
	part, err := x.priced.Refund(rapid.Int64Range(1, 4).Draw(t, "delivered"), 4) // a share of the whole, as a partial delivery is
	if err != nil {
		t.Fatal(err)
	}
	x.captured, x.open = part, false
	var amounts []money.Amount
	charge := ledger.Transaction{Kind: "charge", Ref: "order", Key: s.next("charge")}
	for i, leg := range part.Legs {
		charge.Postings = append(charge.Postings, ledger.ChargePostings(leg, "CNY")...)
		if leg.Settle == pricing.SettleRealtime {
			amounts = append(amounts, leg.Amount)
			s.change(walletOf(leg.Buyer, leg.Seller), -leg.Amount, -x.priced.Legs[i].Amount)
		}
	}
	hold := x.hold
	s.must(func(tx store.Tx) error {
		stored, err := s.CaptureTx(tx, hold, amounts, charge)
		x.charge = stored.ID
		return err
	})
}

func (s *sequence) Release(t *rapid.T) {
	s.t = t
	x := s.pick(t, func(x sale) bool { return x.open })
	hold := x.hold
	s.must(func(tx store.Tx) error { return s.ReleaseTx(tx, hold) })
	x.open = false
	for _, g := range holdLegs(x.priced) {
		s.change(walletOf(g.Buyer, g.Seller), 0, -g.Amount)
	}
}

func (s *sequence) Refund(t *rapid.T) {
	s.t = t
	x := s.pick(t, func(x sale) bool { return x.charge != "" && x.refunded < 10 })
	part := rapid.Int64Range(1, 10-x.refunded).Draw(t, "part")
	back, err := x.captured.RefundAfter(x.refunded, part, 10)
	if err != nil {
		t.Fatal(err)
	}
	x.refunded += part
	refund := ledger.Transaction{Kind: "refund", Ref: "order", Key: s.next("refund"), Reverses: x.charge}
	for _, leg := range back.Legs {
		refund.Postings = append(refund.Postings, ledger.RefundPostings(leg, "CNY")...)
		if leg.Settle == pricing.SettleRealtime {
			s.change(walletOf(leg.Buyer, leg.Seller), leg.Amount, 0)
		}
	}
	s.must(func(tx store.Tx) error { _, err := s.PostTx(tx, refund); return err })
}

// Repeat writes something again that was written before. A hold that has ended
// meanwhile refuses; nothing ever changes.
func (s *sequence) Repeat(t *rapid.T) {
	s.t = t
	if len(s.writes) == 0 {
		t.Skip("nothing was written")
	}
	fn := rapid.SampledFrom(s.writes).Draw(t, "write")
	if err := s.update(fn); err != nil && !fault.Is(err, fault.ClassPrecondition) {
		t.Fatalf("a repeated write: %v", err)
	}
}

// Wait lets time pass, sometimes none, and remembers what the wallet said.
func (s *sequence) Wait(t *rapid.T) {
	s.instants = append(s.instants, snapshot{at: s.clock.Now(), posted: s.wallets[walletOf("customer", "reseller")].Posted})
	s.clock.Advance(time.Duration(rapid.IntRange(1, 1000).Draw(t, "nanoseconds")))
}

// Check compares with the model after every action.
func (s *sequence) Check(t *rapid.T) {
	for k, want := range s.wallets {
		got := s.wallet(k)
		if got != want {
			t.Fatalf("wallet of %s: %+v, want %+v", k.Buyer, got, want)
		}
		if got.Available < 0 || got.Held < 0 {
			t.Fatalf("wallet of %s is under: %+v", k.Buyer, got)
		}
	}
	for _, past := range s.instants {
		if got := s.balance(account("customer", "reseller", ledger.KindWallet), past.at); got != past.posted {
			t.Fatalf("the balance at %s is %d, it was %d", past.at, got, past.posted)
		}
	}
}

// drawSale prices a sale along the chain with random modes and settle modes.
func drawSale(t *rapid.T) pricing.Result {
	orgs := chainOrgs()
	in := pricing.Input{Currency: "CNY", Quantity: rapid.IntRange(1, 3).Draw(t, "quantity"), Periods: 1}
	list, err := money.DecimalOf(rapid.Int64Range(0, 30).Draw(t, "list"))
	if err != nil {
		t.Fatal(err)
	}
	in.List = list
	for i := range 3 {
		modes := []pricing.Mode{pricing.ModeDiscount, pricing.ModeList, pricing.ModeRebate}
		leg := pricing.Terms{
			Seller: orgs[i], Buyer: orgs[i+1], Mode: rapid.SampledFrom(modes[:3-i/2]).Draw(t, "mode"),
			Settle: rapid.SampledFrom([]pricing.SettleMode{pricing.SettleRealtime, pricing.SettlePeriod}).Draw(t, "settle"),
		}
		if leg.Rate, err = money.ParseDecimal(rapid.SampledFrom([]string{"0.333", "0.5", "0.0777", "0.9"}).Draw(t, "rate")); err != nil {
			t.Fatal(err)
		}
		in.Legs = append(in.Legs, leg)
	}
	r, err := pricing.Price(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func holdLegs(r pricing.Result) []ledger.HoldLeg {
	var legs []ledger.HoldLeg
	for _, l := range r.Legs {
		if l.Settle == pricing.SettleRealtime {
			legs = append(legs, ledger.HoldLeg{Buyer: l.Buyer, Seller: l.Seller, Currency: r.Currency, Amount: l.Amount})
		}
	}
	return legs
}

func TestSequencesKeepTheBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := &sequence{books: open(t), t: rt, wallets: map[ledger.WalletKey]ledger.Wallet{}}
		rt.Repeat(map[string]func(*rapid.T){
			"recharge": s.Recharge, "credit": s.Credit, "hold": s.Hold, "capture": s.Capture,
			"release": s.Release, "refund": s.Refund, "repeat": s.Repeat, "wait": s.Wait, "": s.Check,
		})
		s.verify(rt)
		s.instantsBalance(rt)
	})
}

func (s *sequence) verify(t *rapid.T) {
	if err := s.st.View(s.books.t.Context(), ledger.Verify); err != nil {
		t.Fatal(err)
	}
}

// instantsBalance sums every book at every instant that was remembered.
func (s *sequence) instantsBalance(t *rapid.T) {
	err := s.st.View(s.books.t.Context(), func(r store.Reader) error {
		for _, past := range s.instants {
			for _, book := range chainOrgs() {
				page, err := s.Accounts(r, book, past.at, ledger.Span{Limit: 100})
				if err != nil {
					return err
				}
				var sum money.Amount
				for _, a := range page.Items {
					sum += a.Balance
				}
				if sum != 0 || page.Next != "" {
					t.Fatalf("the book of %s is off by %d at %s", book, sum, past.at)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSettlementClearsWhatAccrued(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := open(t)
		total := ledger.Settlement{Seller: "seller", Buyer: "buyer", Currency: "CNY"}
		b.recharge(walletOf("buyer", "seller"), 1_000_000, "r")
		for i := range rapid.IntRange(1, 8).Draw(rt, "bills") {
			leg := pricing.Leg{
				Terms:  pricing.Terms{Seller: "seller", Buyer: "buyer", Settle: rapid.SampledFrom([]pricing.SettleMode{pricing.SettleRealtime, pricing.SettlePeriod}).Draw(rt, "settle")},
				Amount: money.Amount(rapid.IntRange(0, 1000).Draw(rt, "amount")),
			}
			leg.Commission = money.Amount(rapid.IntRange(0, int(leg.Amount)).Draw(rt, "commission"))
			postings, sign := ledger.ChargePostings(leg, "CNY"), money.Amount(1)
			if rapid.Bool().Draw(rt, "refund") {
				postings, sign = ledger.RefundPostings(leg, "CNY"), -1
			}
			b.must(func(tx store.Tx) error {
				_, err := b.PostTx(tx, ledger.Transaction{Kind: "bill", Key: fmt.Sprint("bill-", i), Postings: postings})
				return err
			})
			if leg.Settle == pricing.SettleRealtime {
				total.RealtimeCommission += sign * leg.Commission
				continue
			}
			total.Period += sign * leg.Amount
			total.PeriodCommission += sign * leg.Commission
		}
		postings, err := ledger.SettlePostings(total)
		if err != nil {
			rt.Fatal(err)
		}
		b.must(func(tx store.Tx) error {
			_, err := b.PostTx(tx, ledger.Transaction{Kind: "settle", Key: "settle", Postings: postings})
			return err
		})
		for _, a := range []ledger.Account{
			account("buyer", "seller", ledger.KindAccruedPayable), account("buyer", "seller", ledger.KindCommissionReceivable),
			account("seller", "buyer", ledger.KindAccruedReceivable), account("seller", "buyer", ledger.KindCommissionPayable),
		} {
			if got := b.balance(a, time.Time{}); got != 0 {
				rt.Fatalf("%s of %s keeps %d after the statement was agreed", a.Kind, a.Book, got)
			}
		}
		owed := b.balance(account("buyer", "seller", ledger.KindPayable), time.Time{})
		due := b.balance(account("seller", "buyer", ledger.KindReceivable), time.Time{})
		want := total.Period - total.PeriodCommission - min(total.RealtimeCommission, 0)
		if owed != -want || due != want {
			rt.Fatalf("payable %d, receivable %d, want %d", owed, due, want)
		}
	})
}

func TestListsPageThroughEverything(t *testing.T) {
	t.Parallel()
	b := open(t)
	k := walletOf("buyer", "seller")
	const n = 25
	for i := range n {
		b.recharge(k, money.Amount(i+1), fmt.Sprint("r", i))
		b.clock.Advance(time.Second)
	}
	b.recharge(walletOf("buyer2", "seller"), 7, "other")
	for limit := 1; limit <= n+1; limit += 6 {
		span := ledger.Span{Limit: limit}
		var amounts []money.Amount
		var transactions []string
		for {
			err := b.st.View(t.Context(), func(r store.Reader) error {
				entries, err := b.Entries(r, account("buyer", "seller", ledger.KindWallet), span)
				for _, e := range entries.Items {
					amounts = append(amounts, e.Amount)
				}
				span.Cursor = entries.Next
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if span.Cursor == "" {
				break
			}
		}
		if len(amounts) != n || !slices.IsSortedFunc(amounts, func(a, b money.Amount) int { return int(b - a) }) {
			t.Errorf("limit %d: entries %v, want %d, newest first", limit, amounts, n)
		}
		for {
			err := b.st.View(t.Context(), func(r store.Reader) error {
				page, err := b.Transactions(r, "buyer", span)
				for _, tx := range page.Items {
					transactions = append(transactions, tx.ID)
					for _, p := range tx.Postings {
						if p.Account.Book != "buyer" {
							t.Errorf("the buyer's list holds a posting of %s", p.Account.Book)
						}
					}
				}
				span.Cursor = page.Next
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if span.Cursor == "" {
				break
			}
		}
		if slices.Sort(transactions); len(slices.Compact(transactions)) != n {
			t.Errorf("limit %d: %d transactions, want %d", limit, len(transactions), n)
		}
	}
	err := b.st.View(t.Context(), func(r store.Reader) error {
		first, err := b.Accounts(r, "seller", time.Time{}, ledger.Span{Limit: 2})
		if err != nil || len(first.Items) != 2 || first.Next == "" {
			t.Errorf("first page: %+v, %v", first, err)
		}
		second, err := b.Accounts(r, "seller", time.Time{}, ledger.Span{Limit: 2, Cursor: first.Next})
		if err != nil || len(second.Items) != 2 || second.Next != "" {
			t.Errorf("second page: %+v, %v; want the other two of four accounts", second, err)
		}
		for _, cursor := range []string{"%", "AAAA", first.Next + "x"} {
			if _, err := b.Entries(r, account("buyer", "seller", ledger.KindWallet), ledger.Span{Limit: 1, Cursor: cursor}); !fault.Is(err, fault.ClassInvalid) {
				t.Errorf("cursor %q: %v, want invalid", cursor, err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
