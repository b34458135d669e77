package apitest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The marks are part of every name, note and reference of what must stay
// unseen by others.
const (
	markA  = "Malpha5e8"
	markB  = "Mbravo7f3"
	markR1 = "Mkilo1c9"
	markR2 = "Msierra2d4"
)

// things are ids by kind.
type things map[string][]string

func (x things) add(kind string, ids ...string) { x[kind] = append(x[kind], ids...) }

// world is one root with everything in it.
type world struct {
	name     string
	mark     string
	boss     *person
	people   []*person // of the operator and the provider, boss included
	own      things    // of the root itself: operator and provider
	provider string
	products []string
	trees    []*tree
}

// tree is a reseller with its customer.
type tree struct {
	name, mark         string
	world              *world
	reseller, customer *person   // their admins
	people             []*person // of both orgs
	own                things
	protocol, line     string // between reseller and customer
}

// all returns every id of the root.
func (w *world) all() things {
	out := things{}
	for k, ids := range w.own {
		out.add(k, ids...)
	}
	for _, tr := range w.trees {
		for k, ids := range tr.own {
			out.add(k, ids...)
		}
	}
	return out
}

// build fills a root: every kind of org, a user for each role, and one of
// everything that can be made.
func build(t testing.TB, b *broker, boss *person, name, mark string, trees map[string]string) *world {
	t.Helper()
	w := &world{name: name, mark: mark, boss: boss, people: []*person{boss}, own: things{}}
	for _, role := range []string{"operations", "sales", "finance", "ops", "auditor"} {
		w.people = append(w.people, hire(t, boss, boss.org, name+"/operator", mark, role))
	}
	org := boss.make(t, "/v1/orgs", map[string]any{"kind": "provider", "name": mark + " clouds"})
	w.people = append(w.people, hire(t, boss, org, name+"/provider", mark, "provider_viewer"))
	w.own.add("org", boss.org, org)
	w.provider = boss.make(t, "/v1/providers", map[string]any{"plugin_name": "sandbox", "org_id": org, "title": mark + " sandbox"})
	w.own.add("provider", w.provider)
	w.own.add("enablement", enable(t, b, boss, w.provider))
	w.own.add("rack", rack(t, boss, w.racks(), mark))
	boss.must(t, http.MethodPost, "/v1/providers/"+w.provider+"/sync", nil, nil)
	w.products = boss.ids(t, "/v1/products?sort=-name")
	w.own.add("protocol", boss.make(t, "/v1/protocols", map[string]any{
		"seller": org, "buyer": boss.org, "mode": "discount", "settle": "period", "template": "daily", "default_rate": "0.5",
	}))
	w.own.add("discount", boss.make(t, "/v1/discounts", map[string]any{"product_id": w.products[2], "rate": "0.97"}))
	w.own.add("token", token(t, boss, mark))
	for _, name := range sortedKeys(trees) {
		w.trees = append(w.trees, grow(t, b, w, name, trees[name]))
	}
	return w
}

// hire makes a user and signs it in.
func hire(t testing.TB, by *person, org, place, mark, role string, assigned ...string) *person {
	t.Helper()
	n := keyCount.next()
	p := &person{
		client: by.client, name: place + "/" + role, org: org, role: role,
		login: strings.ToLower(fmt.Sprintf("%s-%s-%d", mark, role, n)), password: by.client.secrets.password(place + "/" + role),
	}
	by.must(t, http.MethodPost, "/v1/users", map[string]any{
		"org_id": org, "login": p.login, "password": p.password, "name": mark + " " + role, "roles": []string{role}, "assigned": assigned,
	}, nil)
	p.signIn(t)
	return p
}

// enable enables the provider with credentials of the org's own.
func enable(t testing.TB, b *broker, by *person, provider string) string {
	t.Helper()
	id := by.make(t, "/v1/enablements", map[string]any{
		"provider_id": provider, "covers_all": true, "credentials": map[string]string{"api_key": b.secrets.credential("the cloud account of " + by.name)},
	})
	eventually(t, "the credentials of "+by.name, func() bool {
		var e struct{ State, Problem string }
		by.must(t, http.MethodGet, "/v1/enablements/"+id, nil, &e)
		if e.State == "failed" {
			t.Fatalf("%s: the cloud refuses the credentials: %s", by.name, e.Problem)
		}
		return e.State == "active"
	})
	return id
}

// racks is where the operator keeps its racks.
func (w *world) racks() string {
	return "/v1/enablements/" + w.own["enablement"][0] + "/inventory/rack"
}

// racks is where the reseller keeps its racks.
func (tr *tree) racks() string {
	return "/v1/enablements/" + tr.own["enablement"][0] + "/inventory/rack"
}

// rack adds one to the inventory at a path.
func rack(t testing.TB, by *person, path, mark string) string {
	t.Helper()
	return by.make(t, path, map[string]any{"spec": map[string]any{"name": mark + " rack"}})
}

func token(t testing.TB, p *person, mark string) string {
	t.Helper()
	var out struct {
		Secret string
		Token  struct{ ID string }
	}
	p.must(t, http.MethodPost, "/v1/tokens", map[string]any{
		"name": mark + " token", "scopes": []string{"order.read"}, "expires": time.Now().Add(200 * time.Hour).UTC().Format(time.RFC3339),
	}, &out)
	p.client.secrets.plant("a token of "+p.name, out.Secret)
	return out.Token.ID
}

// grow makes a reseller with a customer, their people and terms.
func grow(t testing.TB, b *broker, w *world, name, mark string) *tree {
	t.Helper()
	tr := &tree{name: w.name + "/" + name, mark: mark, world: w, own: things{}}
	r := w.boss.make(t, "/v1/orgs", map[string]any{"kind": "reseller", "name": mark + " reseller", "contact": mark})
	tr.reseller = hire(t, w.boss, r, tr.name, mark, "reseller_admin")
	c := tr.reseller.make(t, "/v1/orgs", map[string]any{"kind": "customer", "name": mark + " customer", "contact": mark})
	tr.customer = hire(t, tr.reseller, c, tr.name, mark, "customer_admin")
	tr.people = []*person{
		tr.reseller, hire(t, tr.reseller, r, tr.name, mark, "reseller_sales", c), hire(t, w.boss, r, tr.name, mark, "finance"),
		hire(t, tr.reseller, r, tr.name, mark, "auditor"), tr.customer, hire(t, tr.reseller, c, tr.name, mark, "customer_user"),
		hire(t, tr.reseller, c, tr.name, mark, "auditor"),
	}
	tr.own.add("org", r, c)
	tr.own.add("grant", w.boss.make(t, "/v1/grants", map[string]any{"provider_id": w.provider, "to": r}))
	tr.own.add("enablement", enable(t, b, tr.reseller, w.provider))
	tr.own.add("rack", rack(t, tr.reseller, tr.racks(), mark))
	tr.terms(t)
	tr.trade(t)
	tr.cloud(t)
	return tr
}

// cloud reads what the cloud tells of the reseller's account and makes an
// account below it.
func (tr *tree) cloud(t testing.TB) {
	t.Helper()
	path := "/v1/enablements/" + tr.own["enablement"][0]
	server := "/v1/resources/" + tr.own["resource"][0]
	tr.own.add("order", tr.customer.make(t, server+"/renew", map[string]any{"periods": 1}))
	eventually(t, "the renewal of "+tr.name, func() bool {
		var r struct {
			BusyOrder string `json:"busy_order"`
		}
		tr.customer.must(t, http.MethodGet, server, nil, &r)
		return r.BusyOrder == ""
	})
	for _, subject := range []string{"bill_lines", "vendor_orders"} {
		now := time.Now().UTC()
		id := tr.reseller.make(t, path+"/imports", map[string]any{"subject": subject, "from": now.AddDate(0, -6, 0), "to": now.AddDate(0, 6, 0)})
		tr.own.add("account_import", id)
		eventually(t, "the import of "+subject, func() bool {
			var v struct{ State, Problem string }
			tr.reseller.must(t, http.MethodGet, path+"/imports/"+id, nil, &v)
			if v.State == "failed" {
				t.Fatalf("%s: the import failed: %s", tr.name, v.Problem)
			}
			return v.State == "done"
		})
	}
	for _, name := range []string{"one", "two"} {
		tr.subAccount(t, path, strings.ToLower(tr.mark)+name)
	}
}

// subAccount makes an account below that of the reseller for its customer.
func (tr *tree) subAccount(t testing.TB, path, name string) {
	t.Helper()
	change := tr.reseller.make(t, path+"/sub-accounts", map[string]any{"name": name, "for_org": tr.customer.org})
	tr.own.add("account_change", change)
	eventually(t, "the sub-account of "+tr.name, func() bool {
		var v struct {
			State, Problem string
			SubAccountID   string `json:"sub_account_id"`
		}
		tr.reseller.must(t, http.MethodGet, path+"/changes/"+change, nil, &v)
		if v.State == "done" {
			tr.own.add("sub_account", v.SubAccountID)
		}
		return v.State == "done"
	})
}

// terms agrees on prices and pays money in.
func (tr *tree) terms(t testing.TB) {
	t.Helper()
	w, r, c := tr.world, tr.reseller.org, tr.customer.org
	tr.own.add("upstream", w.boss.make(t, "/v1/protocols", map[string]any{
		"buyer": r, "mode": "discount", "settle": "realtime", "template": "daily", "default_rate": "0.7",
	}))
	tr.protocol = tr.reseller.make(t, "/v1/protocols", map[string]any{
		"buyer": c, "mode": "discount", "settle": "period", "template": "daily", "default_rate": "0.9", "file": tr.mark + ".pdf",
	})
	tr.line = tr.reseller.make(t, "/v1/protocols/"+tr.protocol+"/lines", map[string]any{"product_id": w.products[1], "rate": "0.91"})
	tr.own.add("protocol", tr.protocol)
	tr.own.add("line", tr.line)
	tr.own.add("discount", tr.reseller.make(t, "/v1/discounts", map[string]any{"product_id": w.products[3], "rate": "0.93"}))
	w.boss.make(t, "/v1/recharges", map[string]any{"buyer": r, "currency": "CNY", "amount": "5000.00", "reference": tr.mark + " slip", "note": tr.mark})
	tr.own.add("recharge", tr.reseller.make(t, "/v1/recharges", map[string]any{
		"buyer": c, "currency": "CNY", "amount": "4000.00", "reference": tr.mark + " slip", "note": tr.mark,
	}))
}

// trade quotes, orders, waits for the resource and acts on it.
func (tr *tree) trade(t testing.TB) {
	t.Helper()
	product, c := tr.world.products[1], tr.customer
	tr.own.add("quote", c.make(t, "/v1/quotes", map[string]any{"product_id": product}))
	var p struct{ Spec map[string]any }
	c.must(t, http.MethodGet, "/v1/products/"+product, nil, &p)
	p.Spec["disks"] = 1 // what it consists of is theirs too
	order := c.make(t, "/v1/orders", map[string]any{"product_id": product, "name": strings.ToLower(tr.mark) + "-server", "spec": p.Spec})
	tr.own.add("order", order)
	var o struct {
		State       string
		ResourceIDs []string `json:"resource_ids"`
	}
	eventually(t, "the order of "+c.name, func() bool {
		c.must(t, http.MethodGet, "/v1/orders/"+order, nil, &o)
		if o.State == "failed" {
			t.Fatalf("%s: the order failed: %s", c.name, c.do(t, http.MethodGet, "/v1/orders/"+order, nil).body)
		}
		return o.State == "active"
	})
	tr.own.add("resource", o.ResourceIDs...)
	parts := c.ids(t, "/v1/resources?parent_id="+o.ResourceIDs[0])
	if len(parts) != 1 {
		t.Fatalf("%s: the server has the parts %v, want one disk", c.name, parts)
	}
	tr.own.add("resource", parts...)
	for _, action := range []string{"stop", "start"} {
		var run struct{ ID, State, Problem string }
		c.must(t, http.MethodPost, "/v1/resources/"+o.ResourceIDs[0]+"/actions/"+action, map[string]any{}, &run)
		tr.own.add("run", run.ID)
		eventually(t, "the action "+action, func() bool {
			c.must(t, http.MethodGet, "/v1/action-runs/"+run.ID, nil, &run)
			return run.State != "waiting" && run.State != "calling" && run.State != "started"
		})
		if run.State != "done" {
			t.Fatalf("%s: %s ended as %s: %s", c.name, action, run.State, run.Problem)
		}
	}
	tr.own.add("token", token(t, tr.reseller, tr.mark), token(t, c, tr.mark))
}

// settle lets a day pass for everybody and notes the ids of what came of it.
func settle(t testing.TB, b *broker, worlds ...*world) {
	t.Helper()
	b.clock.advance(26 * time.Hour)
	for _, w := range worlds {
		w.boss.must(t, http.MethodPost, "/v1/statements/run", map[string]any{}, nil)
		for _, tr := range w.trees {
			tr.reseller.must(t, http.MethodPost, "/v1/statements/run", map[string]any{}, nil)
			tr.note(t)
		}
		w.note(t)
	}
}

// note lists what belongs to the operator alone.
func (w *world) note(t testing.TB) {
	t.Helper()
	w.own.add("product", w.products...)
	for _, p := range w.people {
		w.own.add("user", p.user)
		w.own.add("session", p.session)
	}
	w.own.add("job", w.boss.ids(t, "/v1/jobs")...)
	w.own.add("bill", w.boss.ids(t, "/v1/bills?side=buyer")...)
	w.own.add("statement", w.boss.ids(t, "/v1/statements?side=buyer")...)
	w.full(t, w.own, "org", "user", "session", "token", "provider", "enablement", "rack", "product", "protocol", "discount", "job", "bill")
}

// note lists what belongs to the tree: the business of reseller and customer.
func (tr *tree) note(t testing.TB) {
	t.Helper()
	for _, p := range tr.people {
		tr.own.add("user", p.user)
		tr.own.add("session", p.session)
	}
	tr.own.add("bill", tr.reseller.ids(t, "/v1/bills?side=seller")...)
	tr.own.add("statement", tr.reseller.ids(t, "/v1/statements?side=seller")...)
	tr.own.add("transaction", tr.customer.ids(t, "/v1/ledger/transactions")...)
	tr.world.full(t, tr.own, "org", "user", "session", "token", "grant", "enablement", "rack", "protocol", "line", "discount", "quote", "order",
		"resource", "run", "recharge", "bill", "statement", "transaction", "account_import", "account_change", "sub_account")
}

// full makes sure that no kind is missing: a walk without ids proves nothing.
func (w *world) full(t testing.TB, have things, kinds ...string) {
	t.Helper()
	for _, k := range kinds {
		if len(have[k]) == 0 {
			t.Fatalf("world %s has no %s", w.name, k)
		}
	}
}
