package apitest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tradewind.example/core/app"
)

// TestChangesKeepWhatTheyLeaveOut sends {} to every PUT of the document: it is
// refused, or it changes nothing.
func TestChangesKeepWhatTheyLeaveOut(t *testing.T) {
	s := perform(t)
	s.fill(t)
	boss := s.a.actor(s.a.boss)
	boss.fields["update-user/id"], boss.fields["update-user/org_id"] = s.r1.people[1].user, ""
	walked, kept := 0, 0
	for _, o := range s.doc.operations {
		if o.method != http.MethodPut {
			continue
		}
		walked++
		r := s.doc.compose(t, o, *boss, s.doc.places(t, o), nil)
		read := request{method: http.MethodGet, path: r.path, bearer: r.bearer}
		before := s.client.send(t, read)
		r.body, r.header["If-Match"] = []byte(`{}`), before.header.Get("ETag")
		if r.header["If-Match"] == "" {
			r.header["If-Match"] = "*"
		}
		a := s.client.send(t, r)
		if a.status >= 400 && a.status < 500 {
			continue
		}
		kept++
		after := s.client.send(t, read)
		if a.status != http.StatusOK || before.status != http.StatusOK || !reflect.DeepEqual(timeless(t, before.body), timeless(t, after.body)) {
			t.Errorf("%s %s with {}: %d %s\nbefore %s\nafter  %s", r.method, r.path, a.status, a.body, before.body, after.body)
		}
	}
	if walked < 15 || kept < 5 {
		t.Errorf("%d changes were tried, %d of them accepted: the walk proves too little", walked, kept)
	}
	s.emptied(t)
	s.finish(t)
}

// TestAProviderIsPaidByPeriod: one that nobody said anything else about is paid by
// its statements, not from a wallet of the operator's that has to be filled first.
func TestAProviderIsPaidByPeriod(t *testing.T) {
	b := startWith(t, app.Options{})
	boss := b.first
	org := boss.make(t, "/v1/orgs", fields{"kind": "provider", "name": "one"})
	id := boss.make(t, "/v1/providers", fields{"plugin_name": "sandbox", "org_id": org, "title": "one"})
	var got struct{ Settle string }
	boss.must(t, http.MethodGet, "/v1/providers/"+id, nil, &got)
	if got.Settle != "period" {
		t.Errorf("it is paid %q", got.Settle)
	}
}

// timeless is a thing without what moves by itself.
func timeless(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, own := range []string{"updated", "checked", "checking"} { // move by themselves
		delete(out, own)
	}
	return out
}

// full are good values for everything that a change may name.
var full = map[string]map[string]any{
	"enablements": {"covers_all": false, "settings": map[string]any{"create_millis": "5"}},
	"providers":   {"title": "Filled", "settle": "realtime", "endpoint": "https://cloud.example/api", "settings": map[string]any{"create_millis": "5"}, "contract_from": "2026-01-01T00:00:00Z", "contract_to": "2099-01-01T00:00:00Z"},
	"products": {
		"description": "d", "label": "l", "group": "g", "code": "c", "spec_note": "n", "spec_pattern": "p", "area": "a", "sale_mode": "s",
		"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z",
	},
	"protocols": {"template": "monthly:3", "file": "f.pdf", "end": "2099-01-01T00:00:00Z"},
	"users":     {"name": "Filled", "email": "filled@mail.example", "phone": "5550100", "roles": []any{"auditor"}, "state": "active"},
	"orgs":      {"name": "Filled", "contact": "c", "phone": "5550100", "email": "filled@mail.example", "address": "a", "main_business": "m", "org_code": "o", "payment_account": "p", "floor_policy": "warn"},
}

// empties takes away what may be empty.
var empties = map[string]map[string]any{
	"enablements": {"settings": map[string]any{}, "covers_customers": []any{}},
	"providers":   {"endpoint": "", "settings": map[string]any{}, "contract_from": nil, "contract_to": nil},
	"products":    {"description": "", "label": "", "area": "", "from": nil, "to": nil},
	"protocols":   {"file": "", "end": nil},
	"users":       {"email": "", "phone": "", "assigned": []any{}},
	"orgs":        {"contact": "", "phone": "", "address": ""},
}

// changeable names one thing of each kind.
func (s *stage) changeable() map[string]string {
	return map[string]string{
		"enablements": s.a.own["enablement"][0], "providers": s.a.provider, "products": s.a.products[0], "protocols": s.a.own["protocol"][0],
		"users": s.r1.people[1].user, "orgs": s.r1.reseller.org,
	}
}

// fill gives every changeable thing a value in every place, one at a time, and
// makes sure that the others stay meanwhile.
func (s *stage) fill(t *testing.T) {
	t.Helper()
	for kind, id := range s.changeable() {
		for _, member := range order(full[kind]) {
			s.changesOnly(t, "/v1/"+kind+"/"+id, member, full[kind][member])
		}
	}
}

// order puts an end after its beginning.
func order(members map[string]any) []string {
	names := sortedKeys(members)
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, "_to"), strings.TrimSuffix(b, "_to"))
	})
	return names
}

// emptied takes the values away again, one at a time.
func (s *stage) emptied(t *testing.T) {
	t.Helper()
	for kind, id := range s.changeable() {
		for _, member := range sortedKeys(empties[kind]) {
			s.changesOnly(t, "/v1/"+kind+"/"+id, member, empties[kind][member])
		}
	}
}

// changesOnly changes one member and looks at all others.
func (s *stage) changesOnly(t *testing.T, path, member string, to any) {
	t.Helper()
	boss := s.a.boss
	before := timeless(t, boss.do(t, http.MethodGet, path, nil).body)
	a := boss.do(t, http.MethodPut, path, map[string]any{member: to})
	if a.status != http.StatusOK {
		t.Errorf("PUT %s {%q: %v}: %d %s", path, member, to, a.status, a.body)
		return
	}
	after := timeless(t, boss.do(t, http.MethodGet, path, nil).body)
	now, there := after[member]
	if there && !blank(to) && !reflect.DeepEqual(now, to) || blank(to) && there && !blank(now) {
		t.Errorf("PUT %s {%q: %v} left it at %v", path, member, to, now)
	}
	delete(before, member)
	delete(after, member)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("PUT %s {%q: %v} changed other members:\nbefore %v\nafter  %v", path, member, to, before, after)
	}
}

// blank reports whether a value is empty.
func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}
