package apitest

import (
	"net/http"
	"testing"
	"time"
)

// TestTheFirstSaleIsSoonMade connects a cloud, reads its catalogue, sets a mark-up
// and sells: a dozen requests, and no waiting for people.
func TestTheFirstSaleIsSoonMade(t *testing.T) {
	b := start(t)
	boss, began, requests := b.first, time.Now(), 0
	post := func(by *person, path string, in fields) string {
		t.Helper()
		requests++
		return by.make(t, path, in)
	}
	cloud := post(boss, "/v1/orgs", fields{"kind": "provider", "name": "the cloud"})
	provider := post(boss, "/v1/providers", fields{"plugin_name": "sandbox", "org_id": cloud, "title": "sandbox"})
	requests++
	enable(t, b, boss, provider)
	requests++
	boss.must(t, http.MethodPost, "/v1/providers/"+provider+"/sync", nil, nil)
	post(boss, "/v1/protocols", fields{"seller": cloud, "buyer": boss.org, "mode": "discount", "settle": "period", "default_rate": "0.6"})
	org := post(boss, "/v1/orgs", fields{"kind": "customer", "name": "the first customer"})
	requests += 2 // its user, who signs in
	customer := hire(t, boss, org, "first", "first", "customer_admin")
	post(boss, "/v1/protocols", fields{"buyer": org, "mode": "discount", "settle": "realtime", "default_rate": "0.9"})
	post(boss, "/v1/recharges", fields{"buyer": org, "currency": "CNY", "amount": "10000.00", "reference": "slip"})
	requests++
	product := customer.ids(t, "/v1/products?kind=instance")[0]
	order := post(customer, "/v1/orders", fields{
		"product_id": product, "term": fields{"billing": "prepaid", "period": "month", "periods": 1, "quantity": 1},
	})
	eventually(t, "the first order", func() bool {
		var o struct{ State string }
		customer.must(t, http.MethodGet, "/v1/orders/"+order, nil, &o)
		if o.State == "failed" {
			t.Fatal("the order failed")
		}
		return o.State == "active"
	})
	if took := time.Since(began); requests > 12 || took > 10*time.Minute {
		t.Errorf("it took %d requests and %s", requests, took)
	}
}
