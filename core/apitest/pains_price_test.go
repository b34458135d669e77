package apitest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Prices: what other brokers charge at the wrong level, change behind one's
// back, or show to the wrong people.

// TestPain04_CustomerPaysUpstreamPrice: each buyer of a three-leg chain pays its
// own seller's price, and the cloud's net and all margins make the customer's.
func TestPain04_CustomerPaysUpstreamPrice(t *testing.T) {
	s := openShop(t, nil)
	list, before := s.list(t), s.wallets(t)
	if o := s.buy(t); o.State != "active" {
		t.Fatalf("the order ended as %s", o.State)
	}
	for i, w := range s.wallets(t) {
		if paid := before[i].posted - w.posted; paid != share(list, rates[i+1]) || paid == 0 {
			t.Errorf("%s paid %d fen, want %s of %d", s.buyers()[i].name, paid, rates[i+1], list)
		}
	}
	var margins int64
	for i, p := range s.sellers() {
		var q struct{ Price priced }
		p.must(t, http.MethodPost, "/v1/quotes", fields{"product_id": s.product, "org_id": s.customer.org}, &q)
		margins += fen(t, q.Price.Margin)
		if fen(t, q.Price.Margin) != share(list, rates[i+1])-share(list, rates[i]) {
			t.Errorf("%s keeps %s of %d", p.name, q.Price.Margin, list)
		}
	}
	if net := share(list, rates[0]); net+margins != share(list, rates[3]) {
		t.Errorf("the cloud gets %d, the sellers keep %d, the customer pays %d", net, margins, share(list, rates[3]))
	}
	s.finish(t)
}

// TestPain06_MarkUpCompounds: a price that is saved again and again stays what
// was saved, of the list amount; and a seller may sell below list as long as its
// own cost is covered.
func TestPain06_MarkUpCompounds(t *testing.T) {
	s := openShop(t, nil)
	list := s.list(t)
	lines := "/v1/protocols/" + s.terms[s.customer] + "/lines"
	for _, rate := range []string{"1.2", "1.2", "1.2", "0.8"} {
		s.clock.advance(time.Second)
		s.sub.make(t, lines, fields{"product_id": s.product, "rate": rate})
		s.clock.advance(time.Second)
		var q struct{ Price priced }
		s.customer.must(t, http.MethodPost, "/v1/quotes", fields{"product_id": s.product}, &q)
		if got := q.Price.leg(t, s.sub.org, s.customer.org); got != share(list, rate) {
			t.Errorf("at %s of %d the price is %d", rate, list, got)
		}
	}
	if o := s.buy(t); o.State != "active" {
		t.Errorf("sold below list and above cost: %s", o.State)
	}
	a := s.sub.do(t, http.MethodPost, lines, fields{"product_id": s.product, "rate": "0.7"})
	if p, err := a.problem(); a.status < 400 || err != nil || !strings.Contains(p.Detail, "margin") {
		t.Errorf("a price below the seller's own cost: %d %s", a.status, a.body)
	}
	s.finish(t)
}

// TestPain07_ResellerCannotSetPrices: a reseller at any depth writes its own
// prices without the operator, for one customer and one product, and nobody
// above can write them.
func TestPain07_ResellerCannotSetPrices(t *testing.T) {
	s := openShop(t, nil)
	list := s.list(t)
	lines := "/v1/protocols/" + s.terms[s.customer] + "/lines"
	if !slices.Contains(s.sub.ids(t, "/v1/products"), s.product) || !slices.Contains(s.sub.ids(t, "/v1/providers"), s.provider) {
		t.Error("a reseller does not see what it sells under its seller's account")
	}
	s.sub.make(t, lines, fields{"product_id": s.product, "rate": "1.5"})
	for _, p := range []*person{s.reseller, s.customer} {
		if a := p.do(t, http.MethodPost, lines, fields{"product_id": s.product, "rate": "0.9"}); a.status < 400 {
			t.Errorf("%s writes the prices of another seller", p.name)
		}
	}
	s.clock.advance(time.Second)
	before := s.wallets(t)
	if o := s.buy(t); o.State != "active" {
		t.Fatalf("the order ended as %s", o.State)
	}
	after := s.wallets(t)
	if got := before[2].posted - after[2].posted; got != share(list, "1.5") {
		t.Errorf("the customer paid %d of %d", got, list)
	}
	if got := before[1].posted - after[1].posted; got != share(list, rates[2]) {
		t.Errorf("its seller paid %d of %d", got, list)
	}
	s.finish(t)
}

// TestPain08_UpstreamDataLeaks: nothing that a customer can read names an org,
// a protocol or an amount above its seller.
func TestPain08_UpstreamDataLeaks(t *testing.T) {
	s := openShop(t, nil)
	list, o := s.list(t), s.buy(t)
	if o.State != "active" {
		t.Fatalf("the order ended as %s", o.State)
	}
	s.clock.advance(26 * time.Hour)
	s.sub.must(t, http.MethodPost, "/v1/statements/run", fields{}, nil)
	hidden := map[string]string{
		"the cloud's org": upstream, "its seller's seller": "harbour", "the operator's contract": contracted, "the operator's terms": s.terms[s.boss],
		"the reseller's terms": s.terms[s.reseller], "its seller's terms": s.terms[s.sub],
		"the cloud's price": yuan(share(list, rates[0])), "the operator's price": yuan(share(list, rates[1])), "the reseller's price": yuan(share(list, rates[2])),
	}
	reads := []string{"/v1/orders/" + o.ID, "/v1/resources/" + o.ResourceIDs[0], "/v1/products/" + s.product}
	for _, l := range []string{"quotes", "orders", "bills", "statements", "wallets", "ledger/accounts", "ledger/transactions", "protocols", "discounts", "products", "providers", "enablements", "resources", "recharges", "orgs", "users", "jobs", "audit"} {
		reads = append(reads, "/v1/"+l+"?limit=500")
	}
	bodies := 0
	for _, path := range reads {
		a := s.customer.do(t, http.MethodGet, path, nil)
		if a.status == http.StatusOK {
			bodies++
		}
		for what, text := range hidden {
			if strings.Contains(string(a.body), text) {
				t.Errorf("%s shows the customer %s: %s", path, what, text)
			}
		}
	}
	if bodies < 12 {
		t.Errorf("only %d answers were searched", bodies)
	}
	if a := s.sub.do(t, http.MethodGet, "/v1/orders/"+o.ID, nil); !strings.Contains(string(a.body), yuan(share(list, rates[2]))) {
		t.Errorf("its seller does not see its own cost: the search proves nothing: %s", a.body)
	}
	s.finish(t)
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// TestPain13_PricesHaveNoDates: a price is published today and begins next week.
// Until then the old one holds, from that instant the new one, and what was sold
// before keeps its price.
func TestPain13_PricesHaveNoDates(t *testing.T) {
	s := openShop(t, nil)
	list := s.list(t)
	begins := s.clock.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second)
	s.sub.make(t, "/v1/protocols/"+s.terms[s.customer]+"/lines", fields{"product_id": s.product, "rate": "1.1", "from": begins.Format(time.RFC3339)})
	price := func() int64 {
		var q struct{ Price priced }
		s.customer.must(t, http.MethodPost, "/v1/quotes", fields{"product_id": s.product}, &q)
		return q.Price.leg(t, s.sub.org, s.customer.org)
	}
	if got := price(); got != share(list, rates[3]) {
		t.Errorf("the announced price holds already: %d", got)
	}
	o := s.buy(t)
	s.clock.advance(begins.Sub(s.clock.Now()) - 30*time.Second)
	if got := price(); got != share(list, rates[3]) {
		t.Errorf("half a minute before it begins: %d", got)
	}
	s.clock.advance(31 * time.Second)
	if got := price(); got != share(list, "1.1") {
		t.Errorf("after it began: %d", got)
	}
	if got := s.order(t, o.ID).Price.leg(t, s.sub.org, s.customer.org); got != share(list, rates[3]) {
		t.Errorf("an order of before costs %d now", got)
	}
	past := s.sub.do(t, http.MethodPost, "/v1/protocols/"+s.terms[s.customer]+"/lines", fields{
		"product_id": s.product, "rate": "0.9", "from": s.clock.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339),
	})
	if past.status < 400 {
		t.Error("a price was changed for days that have passed")
	}
	s.finish(t)
}
