package apitest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// repeated is a request that may be sent twice; other is a different one under
// the same key.
type repeated struct {
	id           string // of the operation
	who          *person
	method, path string
	body, other  map[string]any
}

type fields = map[string]any

// repeats has a request for the operations that take an idempotency key. The
// order matters: the resource is given back last.
func (s *stage) repeats(t *testing.T) []repeated {
	t.Helper()
	c, r := s.r1.customer, s.r1.reseller
	resource, product := "/v1/resources/"+s.r1.own["resource"][0], s.a.products[1]
	pay := func(amount string) fields {
		return fields{"buyer": c.org, "currency": "CNY", "amount": amount, "reference": "slip"}
	}
	set := func(what string) fields {
		return fields{"input": fields{"password": s.secrets.fresh("password " + what + " of a resource")}}
	}
	spec := func(name string) fields { return fields{"spec": fields{"name": name}} }
	imported := func(subject string) fields {
		return fields{"subject": subject, "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
	}
	account := "/v1/enablements/" + s.r1.own["enablement"][0]
	kept := s.r1.racks() + "/" + rack(t, r, s.r1.racks(), "kept")
	return []repeated{
		{"create-inventory", r, http.MethodPost, s.r1.racks(), spec("one"), spec("two")},
		{"update-inventory", r, http.MethodPut, kept, spec("one"), spec("two")},
		{"act-on-inventory", r, http.MethodPost, kept + "/actions/inspect", fields{}, fields{"input": fields{"note": "the fan"}}},
		{"create-recharge", r, http.MethodPost, "/v1/recharges", pay("10.00"), pay("11.00")},
		{"set-credit", r, http.MethodPut, "/v1/wallets/" + c.org + "/" + r.org + "/CNY/credit", fields{"credit": "5.00"}, fields{"credit": "6.00"}},
		{"create-order", c, http.MethodPost, "/v1/orders", fields{"product_id": product, "name": "one"}, fields{"product_id": product, "name": "two"}},
		{"act-on-resource", c, http.MethodPost, resource + "/actions/reset_password", set("one"), set("two")},
		{"create-account-import", r, http.MethodPost, account + "/imports", imported("bill_lines"), imported("vendor_orders")},
		{"create-sub-account", r, http.MethodPost, account + "/sub-accounts", fields{"name": "one"}, fields{"name": "two"}},
		{"resize-resource", c, http.MethodPost, resource + "/resize", fields{"size": fields{"disk_gb": 40}}, fields{"size": fields{"disk_gb": 60}}},
		{"renew-resource", c, http.MethodPost, resource + "/renew", fields{"periods": 1}, fields{"periods": 2}},
		{"agree-statement", r, http.MethodPost, "/v1/statements/" + s.r1.own["statement"][0] + "/agree", fields{"note": "a"}, fields{"note": "b"}},
		{"refuse-statement", s.r2.reseller, http.MethodPost, "/v1/statements/" + s.r2.own["statement"][0] + "/refuse", fields{"note": "a"}, fields{"note": "b"}},
		{"release-resource", c, http.MethodPost, resource + "/release", fields{"reason": "a"}, fields{"reason": "b"}},
	}
}

// elsewhere are the operations whose repeats are proved beside their use-case.
var elsewhere = map[string]string{
	"resolve-order":       "core/order: only an order in doubt can be resolved",
	"change-vendor-order": "core/cloudaccount: it has no body, its path says it all",
	"upgrade-plugin":      "plugin_test.go: it needs a second version", "roll-back-plugin": "plugin_test.go: it needs a second version",
}

// keyless are the operations that take a key and need none: a repeat changes
// nothing in any case.
var keyless = map[string]string{"install-plugin": "core/plugin TestInstallingByKey"}

func TestRepeatsAreHarmless(t *testing.T) {
	s := perform(t)
	done := map[string]bool{"cancel-order": true, "delete-inventory": true}
	s.removeTwice(t)
	for _, x := range s.repeats(t) {
		s.settled(t)
		s.carriedOut(t, x, s.repeat(t, x))
		done[x.id] = true
	}
	s.cancelTwice(t) // last: a sandbox that was stopped has forgotten its instances
	for _, o := range s.doc.operations {
		if !o.has("header", "Idempotency-Key") || keyless[o.ID] != "" {
			continue
		}
		if !done[o.ID] && elsewhere[o.ID] == "" {
			t.Errorf("%s takes an idempotency key and is not repeated here", o.ID)
		}
		s.withoutKey(t, o)
	}
	s.finish(t)
}

// cancelTwice cancels an order that the cloud has not seen: its plugin stands.
func (s *stage) cancelTwice(t *testing.T) {
	t.Helper()
	c := s.r1.customer
	quote := c.make(t, "/v1/quotes", fields{"product_id": s.a.products[1]})
	s.first.must(t, http.MethodPost, "/v1/plugins/sandbox/stop", nil, nil)
	var o struct{ ID, State string }
	c.must(t, http.MethodPost, "/v1/orders", fields{"product_id": s.a.products[1], "quote_id": quote}, &o)
	if o.State != "held" {
		t.Errorf("an order whose plugin stands is %s", o.State)
	}
	s.repeat(t, repeated{"cancel-order", c, http.MethodPost, "/v1/orders/" + o.ID + "/cancel", fields{"reason": "a"}, fields{"reason": "b"}})
	s.first.must(t, http.MethodPost, "/v1/plugins/sandbox/start", nil, nil)
	eventually(t, "the plugin to be ready again", func() bool {
		var p struct{ State string }
		s.first.must(t, http.MethodGet, "/v1/plugins/sandbox", nil, &p)
		return p.State == "ready"
	})
}

// removeTwice removes a thing of an inventory, and another one under its key.
func (s *stage) removeTwice(t *testing.T) {
	t.Helper()
	r, key := s.r1.reseller, freshKey()
	one, two := rack(t, r, s.r1.racks(), "one"), rack(t, r, s.r1.racks(), "two")
	for _, step := range []struct {
		id   string
		want int
	}{{one, http.StatusOK}, {one, http.StatusOK}, {two, http.StatusConflict}} {
		got := s.client.send(t, request{method: http.MethodDelete, path: s.r1.racks() + "/" + step.id, bearer: r.bearer, header: map[string]string{"Idempotency-Key": key}})
		if got.status != step.want {
			t.Errorf("removing a rack: want %d, got %d %s", step.want, got.status, got.body)
		}
	}
	r.must(t, http.MethodGet, s.r1.racks()+"/"+two, nil, nil)
}

// settled waits until nothing works on the customer's resource.
func (s *stage) settled(t *testing.T) {
	t.Helper()
	eventually(t, "the resource to be free", func() bool {
		var r struct {
			BusyOrder string `json:"busy_order"`
		}
		s.r1.customer.must(t, http.MethodGet, "/v1/resources/"+s.r1.own["resource"][0], nil, &r)
		return r.BusyOrder == ""
	})
}

// carriedOut waits until what was ordered is done at the cloud: a repeat of what
// fails proves nothing.
func (s *stage) carriedOut(t *testing.T, x repeated, order string) {
	t.Helper()
	want := map[string]string{"create-order": "active", "resize-resource": "active", "renew-resource": "active", "release-resource": "refunded"}[x.id]
	if want == "" {
		return
	}
	eventually(t, x.id+" to be carried out", func() bool {
		var o struct {
			State     string
			Attention any
		}
		x.who.must(t, http.MethodGet, "/v1/orders/"+order, nil, &o)
		if o.State == "failed" || o.Attention != nil {
			t.Fatalf("%s ended as %s: %s", x.id, o.State, x.who.do(t, http.MethodGet, "/v1/orders/"+order, nil).body)
		}
		return o.State == want
	})
}

// repeat sends a request, the same again, and another one under its key. It
// returns the id of what came of it.
func (s *stage) repeat(t *testing.T, x repeated) string {
	t.Helper()
	key := freshKey()
	send := func(body fields) answer {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return s.client.send(t, request{method: x.method, path: x.path, bearer: x.who.bearer, body: raw, header: map[string]string{"Idempotency-Key": key, "If-Match": "*"}})
	}
	first, again, other := send(x.body), send(x.body), send(x.other)
	if first.status >= 300 {
		t.Fatalf("%s: the first request: %d %s", x.id, first.status, first.body)
	}
	if again.status != first.status || idOf(t, again) != idOf(t, first) {
		t.Errorf("%s: the same request again: want %d and the same thing, got %d %s", x.id, first.status, again.status, again.body)
	}
	if p, err := other.problem(); other.status != http.StatusConflict || err != nil || p.Type != "urn:tradewind:problem:conflict" {
		t.Errorf("%s: another request under the key: want a 409, got %d %s", x.id, other.status, other.body)
	}
	return idOf(t, first)
}

func idOf(t *testing.T, a answer) string {
	t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v.ID
}

// withoutKey wants requests without a key, or with an unusable one, refused.
func (s *stage) withoutKey(t *testing.T, o operation) {
	t.Helper()
	a := s.r1.actor(s.r1.reseller)
	for reason, key := range map[string]string{"no key": "", "a key with spaces": "a b"} {
		r := s.doc.compose(t, o, *a, s.doc.places(t, o), nil)
		delete(r.header, "Idempotency-Key")
		if key != "" {
			r.header["Idempotency-Key"] = key
		}
		if got := s.client.send(t, r); got.status != http.StatusUnprocessableEntity || !got.isProblem() {
			t.Errorf("%s, %s: want a 422, got %d %s", o.ID, reason, got.status, got.body)
		}
	}
}
