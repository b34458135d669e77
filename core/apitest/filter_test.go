package apitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// filters are what lists can be narrowed by: for each a value that keeps
// something, by what the answer then says, and one that keeps nothing.
var filters = map[string]struct {
	member     string // of every row that is kept; empty: it is not shown
	some, none string // RES, ... name what the stage made
}{
	"recharges?state": {"state", "posted", ""}, "recharges?currency": {"currency", "CNY", "USD"}, "recharges?other": {"buyer", "RESELLER", "MISSING"},
	"recharges?from": {"", "PAST", "FUTURE"}, "recharges?to": {"", "FUTURE", "PAST"},
	"quotes?product_id": {"product_id", "PRODUCT", "MISSING"}, "quotes?provider_id": {"provider_id", "PROVIDER", "MISSING"},
	"quotes?from": {"", "PAST", "FUTURE"}, "quotes?to": {"", "FUTURE", "PAST"}, "quotes?org_id": {"org_id", "CUSTOMER", "MISSING"},
	"orders?product_id": {"product_id", "PRODUCT", "MISSING"}, "orders?provider_id": {"provider_id", "PROVIDER", "MISSING"},
	"orders?from": {"", "PAST", "FUTURE"}, "orders?to": {"", "FUTURE", "PAST"}, "orders?kind": {"kind", "buy", "release"},
	"users?role": {"", "finance", "customer_admin"}, "users?state": {"state", "active", "disabled"}, "users?text": {"", "MALPHA5E8 Aud", "nobody"},
	"orgs?kind": {"kind", "reseller", ""}, "orgs?state": {"state", "active", "suspended"}, "orgs?text": {"", "mKILO1c9", "nobody"},
	"statements?other": {"buyer", "RESELLER", "MISSING"}, "statements?from": {"", "PAST", "FUTURE"}, "statements?to": {"", "FUTURE", "PAST"},
	"statements?state": {"state", "open", "refused"}, "protocols?mode": {"mode", "discount", "floor"}, "protocols?other": {"buyer", "RESELLER", "MISSING"},
	"protocols?at": {"", "FUTURE", "PAST"}, "ledger/transactions?from": {"", "PAST", "FUTURE"}, "ledger/transactions?to": {"", "FUTURE", "PAST"},
	"bills?from": {"", "PAST", "FUTURE"}, "bills?to": {"", "FUTURE", "PAST"}, "jobs?kind": {"kind", "JOB", "none.such"},
	"audit?action": {"action", "org.create", "org.move"}, "audit?thing": {"thing", "provider", "none"}, "audit?thing_id": {"thing_id", "PROVIDER", "MISSING"},
	"wallets?currency": {"currency", "CNY", "USD"}, "wallets?other": {"buyer", "RESELLER", "MISSING"},
	"ledger/accounts?kind": {"kind", "cash", "wallet"}, "ledger/accounts?other": {"party", "RESELLER", "MISSING"}, "ledger/accounts?currency": {"currency", "CNY", "USD"},
	"ledger/transactions?kind": {"kind", "recharge", "none"}, "ledger/transactions?ref": {"ref", "REF", "MISSING"},
	"ledger/transactions?other": {"", "RESELLER", "MISSING"}, "ledger/transactions?currency": {"", "CNY", "USD"},
	"resources?parent_id": {"parent_id", "PARENT", "MISSING"}, "resources?parts": {"", "true", ""},
	"bills?product_id": {"product_id", "SOLD", "MISSING"}, "bills?currency": {"currency", "CNY", "USD"}, "statements?currency": {"currency", "CNY", "USD"},
	"resources?product_id": {"product_id", "SOLD", "MISSING"}, "resources?text": {"name", "NAMED", "no-such-name"}, "resources?provider_id": {"provider_id", "PROVIDER", "MISSING"},
	"audit?actor": {"actor", "system", "nobody"}, "audit?from": {"", "PAST", "FUTURE"}, "audit?to": {"", "FUTURE", "PAST"},
}

func TestListsAreNarrowed(t *testing.T) {
	s := perform(t)
	for name, f := range filters {
		list, param, _ := strings.Cut(name, "?")
		for _, order := range s.orders(t, list) {
			items := s.narrowed(t, list, param, s.said(t, f.some), order)
			if len(items) == 0 {
				t.Errorf("%s=%s keeps nothing, %s", name, f.some, order)
			}
			for _, row := range items {
				if f.member != "" && row[f.member] != s.said(t, f.some) {
					t.Errorf("%s=%s keeps a row whose %s is %v", name, f.some, f.member, row[f.member])
				}
			}
			if f.none != "" {
				if items := s.narrowed(t, list, param, s.said(t, f.none), order); len(items) > 0 {
					t.Errorf("%s=%s keeps %v", name, f.none, items)
				}
			}
		}
		if s.takes(param) {
			bad := s.a.boss.do(t, http.MethodGet, "/v1/"+list+"?"+param+"=no-such-value", nil)
			if bad.status != http.StatusUnprocessableEntity {
				t.Errorf("a bad %s: %d %s", name, bad.status, bad.body)
			}
		}
	}
	s.finish(t)
}

// orders are all in which a list can be sorted.
func (s *stage) orders(t *testing.T, list string) (out []string) {
	t.Helper()
	for _, o := range s.doc.operations {
		if o.method != http.MethodGet || o.path != "/v1/"+list {
			continue
		}
		for _, key := range o.sorts(t) {
			if narrowed[o.ID+"/"+key] == "" {
				out = append(out, key, "-"+key)
			}
		}
	}
	return out
}

// takes reports whether a filter takes a closed list or a time.
func (s *stage) takes(param string) bool {
	return strings.Contains(" state kind role mode from to at ", " "+param+" ") && param != "kind"
}

// said replaces the names of what the stage made by their values.
func (s *stage) said(t *testing.T, value string) string {
	t.Helper()
	switch value {
	case "RESELLER":
		return s.r1.reseller.org
	case "CUSTOMER":
		return s.r1.customer.org
	case "PRODUCT":
		return s.a.products[1]
	case "PROVIDER":
		return s.a.provider
	case "PARENT":
		return s.r1.own["resource"][0]
	case "MISSING":
		return missing(0)
	case "PAST":
		return time.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
	case "FUTURE":
		return time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	case "REF":
		var page struct{ Items []struct{ Ref string } }
		s.a.boss.must(t, http.MethodGet, "/v1/ledger/transactions?limit=1", nil, &page)
		return page.Items[0].Ref
	case "SOLD", "NAMED":
		var page struct {
			Items []struct {
				Name      string
				ProductID string `json:"product_id"`
			}
		}
		s.a.boss.must(t, http.MethodGet, "/v1/resources?limit=1&parts=false", nil, &page)
		if value == "NAMED" {
			return page.Items[0].Name
		}
		return page.Items[0].ProductID
	case "JOB":
		var page struct{ Items []struct{ Kind string } }
		s.a.boss.must(t, http.MethodGet, "/v1/jobs?limit=1", nil, &page)
		return page.Items[0].Kind
	}
	return value
}

// narrowed walks a filtered list in small pages.
func (s *stage) narrowed(t *testing.T, list, param, value, order string) (all []map[string]any) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []map[string]any
			Next  string
		}
		path := fmt.Sprintf("/v1/%s?%s=%s&limit=3&sort=%s&cursor=%s&%s", list, param, url.QueryEscape(value), order, url.QueryEscape(cursor), narrowed["list-"+list])
		a := s.a.boss.do(t, http.MethodGet, path, nil)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}
