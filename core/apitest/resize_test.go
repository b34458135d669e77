package apitest

import (
	"net/http"
	"testing"
)

// TestAResizeIsBilledAtEachHop gives a server a larger size, then a smaller one,
// at a broker with a plugin of its own: every hop pays its part of what the
// cloud quotes, and gets it back.
func TestAResizeIsBilledAtEachHop(t *testing.T) {
	s := openShop(t, nil)
	o := s.buy(t)
	server := "/v1/resources/" + o.ResourceIDs[0]
	var r struct {
		Spec, State struct{ Flavour string }
		Busy        string `json:"busy_order"`
	}
	s.customer.must(t, http.MethodGet, server, nil, &r)
	larger := map[string]string{"small": "large", "medium": "gpu", "large": "gpu", "gpu": "small"}[r.Spec.Flavour]
	var price struct {
		Price    *priced
		Refunded []priced
	}
	s.customer.must(t, http.MethodPost, server+"/resize-price", fields{"size": fields{"flavour": larger}}, &price)
	if price.Price == nil || len(price.Refunded) != 0 {
		t.Fatalf("from %s to %s: %+v", r.Spec.Flavour, larger, price)
	}
	a := s.customer.do(t, http.MethodPost, server+"/actions/resize", fields{"input": fields{"flavour": larger}})
	if a.status != http.StatusPreconditionFailed {
		t.Errorf("the action, which nobody would be billed for: %d %s", a.status, a.body)
	}
	before := s.wallets(t)
	up := s.ended(t, s.customer.make(t, server+"/resize", fields{"size": fields{"flavour": larger}}))
	after := s.wallets(t)
	if up.State != "active" {
		t.Fatalf("the order ended as %s", up.State)
	}
	paid := before[2].posted - after[2].posted
	if quoted := price.Price.leg(t, s.sub.org, s.customer.org); paid <= 0 || quoted < paid || quoted-paid > 1000 {
		t.Errorf("the customer paid %d, %d were told a moment before", paid, quoted)
	}
	for i := range s.buyers() {
		if got := before[i].posted - after[i].posted; after[i].held != 0 || i > 0 && got <= before[i-1].posted-after[i-1].posted {
			t.Errorf("leg %d paid %d, the one above it %d", i, got, before[max(i-1, 0)].posted-after[max(i-1, 0)].posted)
		}
	}
	s.customer.must(t, http.MethodGet, server+"?refresh=true", nil, &r)
	if r.Spec.Flavour != larger || r.State.Flavour != larger || r.Busy != "" {
		t.Errorf("the server is %+v", r)
	}
	down := s.ended(t, s.customer.make(t, server+"/resize", fields{"size": fields{"flavour": "small"}}))
	for i, w := range s.wallets(t) {
		if down.State != "active" || w.posted <= after[i].posted || w.held != 0 {
			t.Errorf("leg %d: %+v before, %+v after the smaller size (%s)", i, after[i], w, down.State)
		}
	}
	s.finish(t)
}
