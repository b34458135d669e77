package apitest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
)

// TestEveryWrongFieldHasItsPath breaks good bodies of every route, one member
// at a time: left out, of another type, unknown.
func TestEveryWrongFieldHasItsPath(t *testing.T) {
	s := perform(t)
	boss := s.a.actor(s.a.boss)
	n := 0
	for _, o := range s.doc.operations {
		root, ok := o.body()
		if !ok || !s.doc.resolve(root).is("object") {
			continue
		}
		r := s.doc.compose(t, o, *boss, s.doc.places(t, o), nil)
		var good map[string]any
		if err := json.Unmarshal(r.body, &good); err != nil {
			t.Fatal(err)
		}
		for path, body := range s.doc.broken(root, "body", good, good) {
			n++
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			r.body = raw
			s.wantPath(t, r, path)
		}
	}
	if n < 300 {
		t.Errorf("only %d bodies were broken", n)
	}
	s.judgedLater(t)
	s.finish(t)
}

// judgedLater breaks what the document cannot say: the use-cases name the same
// places.
func (s *stage) judgedLater(t *testing.T) {
	t.Helper()
	product := s.a.products[1]
	recharge := func(amount string) map[string]any {
		return map[string]any{"buyer": s.r1.reseller.org, "currency": "CNY", "amount": amount, "reference": "slip"}
	}
	for name, tc := range map[string]struct {
		reason, method, route string
		body                  map[string]any
		path                  string
	}{
		"Amount":    {"a text that is no amount", http.MethodPost, "/v1/recharges", recharge("much"), "body.amount"},
		"Negative":  {"an amount of the wrong sign", http.MethodPost, "/v1/recharges", recharge("-0.00"), "body.amount"},
		"SpecMore":  {"a field that the kind does not have", http.MethodPost, "/v1/quotes", map[string]any{"product_id": product, "spec": map[string]any{"flavour": "small", "disk_gb": 20, "nope": 1}}, "body.spec.nope"},
		"SpecLess":  {"a field that the kind wants", http.MethodPost, "/v1/quotes", map[string]any{"product_id": product, "spec": map[string]any{"disk_gb": 20}}, "body.spec.flavour"},
		"SpecType":  {"a field of another type", http.MethodPost, "/v1/quotes", map[string]any{"product_id": product, "spec": map[string]any{"flavour": "small", "disk_gb": "x"}}, "body.spec.disk_gb"},
		"Order":     {"the same on the way to an order", http.MethodPost, "/v1/orders", map[string]any{"product_id": product, "spec": map[string]any{"flavour": "small", "disk_gb": 20, "nope": 1}}, "body.spec.nope"},
		"Rate":      {"a text that is no rate", http.MethodPost, "/v1/discounts", map[string]any{"product_id": product, "rate": "much"}, "body.rate"},
		"RateRange": {"a rate beyond its bounds", http.MethodPost, "/v1/discounts", map[string]any{"product_id": product, "rate": "-1"}, "body.rate"},
		"Template":  {"a template that there is not", http.MethodPost, "/v1/protocols", map[string]any{"buyer": s.r1.reseller.org, "mode": "floor", "settle": "period", "template": "weekly:9"}, "body.template"},
		"Zone":      {"a zone that there is not", http.MethodPost, "/v1/orgs", map[string]any{"kind": "reseller", "name": "x", "time_zone": "Moon/Base"}, "body.time_zone"},
		"Role":      {"a role that there is not", http.MethodPost, "/v1/users", map[string]any{"login": "walker-fields", "password": brand + "-walker", "name": "x", "roles": []string{"king"}}, "body.roles[0]"},
		"Scope":     {"a right that there is not", http.MethodPost, "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"all"}, "expires": "2027-01-01T00:00:00Z"}, "body.scopes[0]"},
		"Facts":     {"a price inside the facts", http.MethodPut, "/v1/products/" + product, map[string]any{"facts": map[string]any{"kind": "instance", "name": "x", "currency": "CNY", "list_price": "much"}}, "body.facts.list_price"},
		"Settings":  {"a setting that the plugin does not have", http.MethodPost, "/v1/enablements", map[string]any{"provider_id": s.a.provider, "settings": map[string]any{"nope": "1"}, "credentials": map[string]any{"api_key": brand + "-walker"}}, "body.settings.nope"},
		"Query":     {"a cursor of another list", http.MethodGet, "/v1/orders?cursor=nope", nil, "query.cursor"},
	} {
		t.Log(name, tc.reason)
		r := request{method: tc.method, path: tc.route, bearer: s.a.boss.bearer, header: map[string]string{"Idempotency-Key": freshKey(), "If-Match": "*"}}
		if tc.body != nil {
			raw, err := json.Marshal(tc.body)
			if err != nil {
				t.Fatal(err)
			}
			r.body = raw
		}
		s.wantPath(t, r, tc.path)
	}
}

// wantPath sends a request of which one place alone is wrong.
func (s *stage) wantPath(t *testing.T, r request, path string) {
	t.Helper()
	a := s.client.send(t, r)
	p, err := a.problem()
	if err != nil || a.status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Path != path {
		t.Errorf("%s %s %.300s: want one wrong place, %s, got %d %.500s", r.method, r.path, r.body, path, a.status, a.body)
	}
}

// broken lists bodies by the path of what is wrong with them. The root stays
// what is sent; node is the object in it that is broken, and it is good again
// before the next body.
func (d document) broken(s schema, path string, root, node map[string]any) func(yield func(string, any) bool) {
	return func(yield func(string, any) bool) {
		s := d.resolve(s)
		try := func(at string) bool { return yield(at, root) }
		node["nope"] = 1
		if !s.open() && !try(path+".nope") {
			return
		}
		delete(node, "nope")
		for _, name := range sortedKeys(s.Properties) {
			of := d.resolve(s.Properties[name])
			before, had := node[name]
			node[name] = of.otherType()
			if !try(path + "." + name) {
				return
			}
			delete(node, name)
			if slices.Contains(s.Required, name) && !try(path+"."+name) {
				return
			}
			if of.is("object") && len(of.Properties) > 0 {
				inner := map[string]any{}
				maps.Copy(inner, d.least(of))
				node[name] = inner
				for at, body := range d.broken(of, path+"."+name, root, inner) {
					if !yield(at, body) {
						return
					}
				}
			}
			delete(node, name)
			if had {
				node[name] = before
			}
		}
	}
}

// least is an object with what the schema requires.
func (d document) least(s schema) map[string]any {
	out := map[string]any{}
	for _, name := range s.Required {
		of := d.resolve(s.Properties[name])
		out[name] = sample(of)
		if of.is("object") && len(of.Properties) > 0 {
			out[name] = d.least(of)
		}
	}
	return out
}

// open reports whether an object may have members that are not declared.
func (s schema) open() bool { return s.More != nil && s.More != false }

// otherType is a value of none of the schema's types.
func (s schema) otherType() any {
	switch {
	case s.is("string"):
		return 7
	case s.is("array"):
		return map[string]any{"x": 1}
	default:
		return "x"
	}
}
