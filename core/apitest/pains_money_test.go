package apitest

import (
	"net/http"
	"testing"
	"time"
)

// Money: what other brokers leave unpaid, count twice, or bill for one day too
// many.

// TestPain05_SecondLevelIsUnpaid: an order costs every level of the chain, and
// one for which a level in the middle has no money is refused with nothing held
// anywhere.
func TestPain05_SecondLevelIsUnpaid(t *testing.T) {
	s := openShop(t, nil)
	list, before := s.list(t), s.wallets(t)
	s.buy(t)
	paid := s.wallets(t)
	for i, w := range paid {
		if before[i].posted-w.posted != share(list, rates[i+1]) {
			t.Errorf("level %d paid %d of %d", i, before[i].posted-w.posted, list)
		}
	}
	// Everybody has the money for one more but the sub-reseller.
	q := 1 + paid[1].posted/share(list, rates[2])
	s.pay(t, s.sub, s.customer, "900000.00")
	s.pay(t, s.boss, s.reseller, "900000.00")
	paid = s.wallets(t)
	a := s.customer.do(t, http.MethodPost, "/v1/orders", fields{"product_id": s.product, "term": fields{"periods": q}})
	if q > 120 {
		a = s.customer.do(t, http.MethodPost, "/v1/orders", fields{"product_id": s.product, "term": fields{"periods": 100, "quantity": q/100 + 1}})
	}
	if p, err := a.problem(); a.status != http.StatusPaymentRequired || err != nil {
		t.Errorf("an order that its seller cannot pay: %d %+v", a.status, p)
	}
	if got := s.wallets(t); got != paid {
		t.Errorf("wallets %+v before, %+v after the refusal", paid, got)
	}
	s.finish(t)
}

// charge is a bill as its seller reads it.
type charge struct {
	ID, Operation, Amount string
	OrderID               string `json:"order_id"`
	StatementID           string `json:"statement_id"`
}

// TestPain14_ChargedTwice: whatever is sent twice, run twice or settled twice,
// each order has one bill on each leg, in one statement.
func TestPain14_ChargedTwice(t *testing.T) {
	s := openShop(t, nil)
	orders := map[string]bool{s.buy(t).ID: true, s.buy(t).ID: true}
	s.clock.advance(26 * time.Hour)
	for range 3 {
		for _, p := range s.sellers() {
			p.must(t, http.MethodPost, "/v1/statements/run", fields{}, nil)
		}
	}
	for _, p := range s.sellers() {
		bills := rowsAt[charge](t, p, "/v1/bills?side=seller")
		seen := map[string]bool{}
		for _, b := range bills {
			p.must(t, http.MethodGet, "/v1/bills/"+b.ID, nil, &b)
			if seen[b.OrderID] || !orders[b.OrderID] || b.StatementID == "" {
				t.Errorf("%s: the bill %+v", p.name, b)
			}
			seen[b.OrderID] = true
		}
		if len(seen) != len(orders) {
			t.Errorf("%s billed %d of %d orders", p.name, len(seen), len(orders))
		}
		statements := rowsAt[struct {
			ID    string
			Count int
		}](t, p, "/v1/statements?side=seller")
		if len(statements) != 1 || statements[0].Count != len(orders) {
			t.Errorf("%s has statements %+v", p.name, statements)
		}
	}
	s.finish(t)
}

// TestPain15_TimeZonesBillTwice: a seller's days are those of its own zone, also
// on the days on which the clocks change. Whoever asks every three hours gets
// each bill once, and statements that touch and never overlap.
func TestPain15_TimeZonesBillTwice(t *testing.T) {
	zones := map[string]string{"a zone with summer time": "America/New_York", "a zone of half hours with summer time": "Australia/Lord_Howe"}
	for reason, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			loc, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			s := openShop(t, nil)
			s.inZone(t, s.sub, zone)
			s.buy(t)
			// To the day before the clocks change, and over it.
			s.clock.advance(nextChange(s.clock.Now().In(loc)).Sub(s.clock.Now()) - 30*time.Hour)
			for _, p := range []*person{s.boss, s.reseller, s.sub, s.customer} {
				p.bearer = ""
				p.signIn(t) // the sessions have ended meanwhile
			}
			for range 20 {
				s.clock.advance(3 * time.Hour)
				s.sub.must(t, http.MethodPost, "/v1/statements/run", fields{}, nil)
			}
			s.buy(t)
			s.clock.advance(26 * time.Hour)
			s.sub.must(t, http.MethodPost, "/v1/statements/run", fields{}, nil)
			s.eachOnce(t, reason, loc)
			s.finish(t)
		})
	}
}

// inZone moves an org into a time zone.
func (s *shop) inZone(t *testing.T, p *person, zone string) {
	t.Helper()
	var org fields
	p.must(t, http.MethodGet, "/v1/orgs/"+p.org, nil, &org)
	in := fields{"name": org["name"], "state": "active", "time_zone": zone, "currency": org["currency"], "floor_policy": org["floor_policy"]}
	s.reseller.must(t, http.MethodPut, "/v1/orgs/"+p.org, in, nil)
}

// nextChange is the first midnight by which the zone has another offset than at t.
func nextChange(t time.Time) time.Time {
	_, was := t.Zone()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	for range 400 {
		day = day.AddDate(0, 0, 1)
		if _, now := day.Zone(); now != was {
			return day
		}
	}
	return day
}

func (s *shop) eachOnce(t *testing.T, reason string, loc *time.Location) {
	t.Helper()
	in := map[string]string{}
	var last time.Time
	all := rowsAt[struct {
		ID, State string
		From, Due time.Time
	}](t, s.sub, "/v1/statements?side=seller&sort=created")
	for _, st := range all {
		if st.From.Before(last) {
			t.Errorf("%s: a statement from %v, the one before ends %v", reason, st.From, last)
		}
		last = st.Due
		for _, l := range rowsAt[struct {
			BillID string `json:"bill_id"`
		}](t, s.sub, "/v1/statements/"+st.ID+"/lines") {
			if in[l.BillID] != "" {
				t.Errorf("%s: bill %s is in two statements", reason, l.BillID)
			}
			in[l.BillID] = st.ID
		}
	}
	if h, m, sec := last.In(loc).Clock(); h != 0 || m != 0 || sec != 0 {
		t.Errorf("%s: the last day ends at %v", reason, last.In(loc))
	}
	bills := rowsAt[charge](t, s.sub, "/v1/bills?side=seller")
	if len(bills) == 0 || len(in) != len(bills) {
		t.Errorf("%s: %d of %d bills are in statements", reason, len(in), len(bills))
	}
}

// TestPain16_NoParentAndChild: the customer of a reseller of a reseller is billed
// by its own seller; each pair has its own statement; who stands above sees the
// org, and nobody beside or below does.
func TestPain16_NoParentAndChild(t *testing.T) {
	s := openShop(t, nil)
	o := s.buy(t)
	for i, seller := range s.sellers() {
		buyer := s.buyers()[i]
		for _, side := range []struct {
			p    *person
			name string
		}{{seller, "seller"}, {buyer, "buyer"}} {
			bills := rowsAt[struct{ Seller, Buyer string }](t, side.p, "/v1/bills?side="+side.name)
			if len(bills) != 1 || bills[0].Seller != seller.org || bills[0].Buyer != buyer.org {
				t.Errorf("%s as %s has bills %+v", side.p.name, side.name, bills)
			}
		}
		if a := seller.do(t, http.MethodGet, "/v1/orders/"+o.ID, nil); a.status != http.StatusOK {
			t.Errorf("%s does not see the order below it: %d", seller.name, a.status)
		}
	}
	beside := s.join(t, s.reseller, "reseller", "mole")
	for _, path := range []string{"/v1/orders/" + o.ID, "/v1/orgs/" + s.customer.org, "/v1/resources/" + o.ResourceIDs[0]} {
		if a := beside.do(t, http.MethodGet, path, nil); a.status != http.StatusNotFound {
			t.Errorf("the reseller beside reads %s: %d", path, a.status)
		}
	}
	s.finish(t)
}

// TestProvidersStatementsAreRunByTheOperator: what the operator owes its cloud is
// settled by the operator, as nobody works in the cloud's own org here.
func TestProvidersStatementsAreRunByTheOperator(t *testing.T) {
	s := openShop(t, nil)
	s.buy(t)
	s.clock.advance(26 * time.Hour)
	in := fields{"seller": s.cloudOrg}
	for _, p := range []*person{s.second, s.reseller, s.customer} {
		if a := p.do(t, http.MethodPost, "/v1/statements/run", in); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
			t.Errorf("%s settles the operator's purchases: %d %s", p.name, a.status, a.body)
		}
	}
	var report struct{ Opened []string }
	s.boss.must(t, http.MethodPost, "/v1/statements/run", in, &report)
	if len(report.Opened) != 1 {
		t.Errorf("opened %q", report.Opened)
	}
	s.finish(t)
}

// TestPain17_WalletIsNoOverdraft: a credit line is money that may be spent
// beyond the balance, not a rest that has to be kept; an order moves the wallet
// at once; and the line ends where it ends.
func TestPain17_WalletIsNoOverdraft(t *testing.T) {
	s := openShop(t, nil)
	price := share(s.list(t), rates[3])
	poor := s.join(t, s.sub, "customer", "raft")
	s.agree(t, s.sub, poor, fields{"settle": "realtime", "default_rate": rates[3]})
	buy := func() answer {
		return poor.do(t, http.MethodPost, "/v1/orders", fields{"product_id": s.product})
	}
	if a := buy(); a.status != http.StatusPaymentRequired {
		t.Errorf("without money: %d %s", a.status, a.body)
	}
	credit := "/v1/wallets/" + poor.org + "/" + s.sub.org + "/CNY/credit"
	s.sub.must(t, http.MethodPut, credit, fields{"credit": yuan(price)}, nil)
	if got := s.wallet(t, s.sub, poor); got.available != price || got.posted != 0 {
		t.Errorf("with a line of %d: %+v", price, got)
	}
	a := buy()
	if a.status != http.StatusCreated {
		t.Fatalf("on credit: %d %s", a.status, a.body)
	}
	if got := s.wallet(t, s.sub, poor); got.available != 0 || got.posted-got.held != -price {
		t.Errorf("after an order of %d: %+v", price, got)
	}
	if a := buy(); a.status != http.StatusPaymentRequired {
		t.Errorf("beyond the line: %d", a.status)
	}
	if a := s.sub.do(t, http.MethodPut, credit, fields{"credit": "-1.00"}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a negative line: %d %s", a.status, a.body)
	}
	eventually(t, "the order", func() bool {
		var o sale
		poor.must(t, http.MethodGet, "/v1/orders/"+idOf(t, a), nil, &o)
		return o.State == "active"
	})
	if got := s.wallet(t, s.sub, poor); got != (purse{posted: -price, credit: price}) {
		t.Errorf("after the delivery: %+v", got)
	}
	s.finish(t)
}
