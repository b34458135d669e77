package apitest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// versioned is a change that must name the version it was made for.
type versioned struct {
	id     string // of the operation
	who    *person
	method string
	thing  string // where its ETag is read; empty: etag
	etag   string
	path   string
	body   fields
}

// unversioned are the changes by PUT and DELETE that know no version.
var unversioned = map[string]string{
	"end-session": "a session is only ended", "sign-out": "a session is only ended", "revoke-token": "a token is only revoked",
	"set-plugin-log-level": "the last one who turns it wins, and it is kept nowhere",
	"attach-plugin":        "in development only, and kept nowhere", "detach-plugin": "the same",
	"update-inventory": "the plugin keeps it, and no version of it is known here", "delete-inventory": "the same",
}

// unreached are versioned changes that this world cannot reach.
var unreached = map[string]string{
	"accept-product-price": "core/catalog: a price must have risen at the cloud",
	"upgrade-plugin":       "plugin_test.go: it takes a key as well", "roll-back-plugin": "plugin_test.go: it takes a key as well",
}

func (s *stage) versions(t *testing.T) []versioned {
	t.Helper()
	boss, r := s.first, s.r1.reseller
	at := func(kind string, own things, list string) string { return list + "/" + own[kind][0] }
	org, user := at("org", things{"org": {s.r1.customer.org}}, "/v1/orgs"), "/v1/users/"+s.r1.people[1].user
	protocol, discount := "/v1/protocols/"+s.r1.protocol, at("discount", s.r1.own, "/v1/discounts")
	enablement, grant := at("enablement", s.r1.own, "/v1/enablements"), at("grant", s.r1.own, "/v1/grants")
	product, provider := "/v1/products/"+s.a.products[4], "/v1/providers/"+s.a.provider
	line := r.do(t, http.MethodPost, protocol+"/lines", fields{"product_id": s.a.products[5], "rate": "0.95"})
	next, err := nextVersion()
	if err != nil {
		t.Fatal(err)
	}
	boss.must(t, http.MethodPost, "/v1/plugins", s.drop(t, next), nil)
	forgetful, wallet := hire(t, r, s.r1.customer.org, "forgetful", "forgetful", "customer_user"), "/v1/wallets/"+s.r1.customer.org+"/"+r.org+"/CNY"
	guest, spare := s.guest(t), r.make(t, "/v1/orgs", fields{"kind": "customer", "name": "spare"})
	return []versioned{
		{"update-org", r, http.MethodPut, org, "", org, fields{"name": "c", "state": "active", "time_zone": "Asia/Shanghai", "currency": "CNY", "floor_policy": "warn"}},
		{"update-user", r, http.MethodPut, user, "", user, fields{"name": "u", "roles": []string{"reseller_sales"}, "state": "active"}},
		{"change-password", forgetful, http.MethodPut, "/v1/users/" + forgetful.user, "", "/v1/users/current/password", fields{"old": forgetful.password, "new": s.secrets.fresh("another password")}},
		{"reset-password", r, http.MethodPut, "/v1/users/" + forgetful.user, "", "/v1/users/" + forgetful.user + "/password", fields{"password": s.secrets.fresh("a third password")}},
		{"set-credit", r, http.MethodPut, wallet, "", wallet + "/credit", fields{"credit": "7.50"}},
		{"update-protocol", r, http.MethodPut, protocol, "", protocol, fields{"template": "daily", "file": "new"}},
		{"close-line", r, http.MethodPost, "", line.header.Get("ETag"), protocol + "/lines/" + idOf(t, line) + "/close", fields{}},
		{"close-discount", r, http.MethodPost, discount, "", discount + "/close", fields{}},
		{"update-enablement", r, http.MethodPut, enablement, "", enablement, fields{"covers_all": true}},
		{"replace-credentials", r, http.MethodPut, enablement, "", enablement + "/credentials", fields{"credentials": fields{"api_key": s.secrets.credential("a new account")}}},
		{"disable-enablement", r, http.MethodPost, enablement, "", enablement + "/disable", nil},
		{"resume-enablement", r, http.MethodPost, enablement, "", enablement + "/resume", nil},
		{"update-product", boss, http.MethodPut, product, "", product, fields{"label": "l"}},
		{"set-product-state", boss, http.MethodPut, product, "", product + "/state", fields{"state": "disabled"}},
		{"update-provider", boss, http.MethodPut, provider, "", provider, fields{"title": "p"}},
		{"set-provider-state", boss, http.MethodPut, provider, "", provider + "/state", fields{"state": "disabled"}},
		{"revoke-grant", boss, http.MethodPost, grant, "", grant + "/revoke", nil},
		{"pin-plugin", boss, http.MethodPut, sandboxPath, "", sandboxPath + "/pins/alone", fields{"orgs": []string{r.org}, "isolated": true}},
		{"unpin-plugin", boss, http.MethodDelete, sandboxPath, "", sandboxPath + "/pins/alone", nil},
		{"set-plugin-version-state", boss, http.MethodPut, sandboxPath, "", sandboxPath + "/versions/1.1.0/state", fields{"state": "disabled"}},
		{"remove-plugin-version", boss, http.MethodDelete, sandboxPath, "", sandboxPath + "/versions/1.1.0", nil},
		{"delete-user", r, http.MethodDelete, "/v1/users/" + guest, "", "/v1/users/" + guest, nil},
		{"delete-org", r, http.MethodDelete, "/v1/orgs/" + spare, "", "/v1/orgs/" + spare, nil},
	}
}

func (s *stage) guest(t *testing.T) string {
	t.Helper()
	return hire(t, s.r1.reseller, s.r1.customer.org, "guest", "guest", "customer_user").user
}

func TestChangesNameTheirVersion(t *testing.T) {
	s := perform(t)
	done := map[string]bool{}
	for _, x := range s.versions(t) {
		s.change(t, x)
		done[x.id] = true
	}
	for _, o := range s.doc.operations {
		takes := o.has("header", "If-Match")
		if takes && !done[o.ID] && unreached[o.ID] == "" {
			t.Errorf("%s takes If-Match and is not tried here", o.ID)
		}
		if (o.method == http.MethodPut || o.method == http.MethodDelete) && !takes && unversioned[o.ID] == "" {
			t.Errorf("%s %s changes a thing without If-Match", o.method, o.path)
		}
	}
	s.finish(t)
}

// change tries a change without a version, with a wrong one, with the right
// one, and once more with the one that is stale by then.
func (s *stage) change(t *testing.T, x versioned) {
	t.Helper()
	etag := x.etag
	if x.thing != "" {
		etag = s.etag(t, x.who, x.thing)
	}
	rev, err := strconv.Atoi(strings.Trim(etag, `"`))
	if err != nil {
		t.Fatalf("%s: the ETag %q: %v", x.id, etag, err)
	}
	stale := []int{http.StatusPreconditionFailed}
	if x.method == http.MethodDelete {
		stale = append(stale, http.StatusNotFound)
	}
	if x.id == "revoke-grant" {
		stale = append(stale, http.StatusOK) // a revoked grant is only read
	}
	for _, step := range []struct {
		reason, match string
		want          []int
	}{
		{"no If-Match", "", []int{http.StatusUnprocessableEntity, http.StatusPreconditionRequired}},
		{"no ETag at all", "x", []int{http.StatusUnprocessableEntity}},
		{"another version", strconv.Quote(strconv.Itoa(rev + 1000)), []int{http.StatusPreconditionFailed}},
		{"the version that was read", etag, []int{http.StatusOK, http.StatusNoContent}},
		{"the version before", etag, stale},
	} {
		got := s.match(t, x, step.match)
		if !contains(step.want, got.status) || got.status >= 300 && !got.isProblem() {
			t.Errorf("%s with %s: want %v, got %d %s", x.id, step.reason, step.want, got.status, got.body)
		}
	}
}

func contains(all []int, n int) bool {
	for _, x := range all {
		if x == n {
			return true
		}
	}
	return false
}

func (s *stage) match(t *testing.T, x versioned, etag string) answer {
	t.Helper()
	r := request{method: x.method, path: x.path, bearer: x.who.bearer, header: map[string]string{"Idempotency-Key": freshKey()}}
	if etag != "" {
		r.header["If-Match"] = etag
	}
	if x.body != nil {
		raw, err := json.Marshal(x.body)
		if err != nil {
			t.Fatal(err)
		}
		r.body = raw
	}
	return s.client.send(t, r)
}

// etag reads the version of a thing that nobody works on.
func (s *stage) etag(t *testing.T, p *person, path string) string {
	t.Helper()
	var etag string
	eventually(t, path+" to be at rest", func() bool {
		a := p.do(t, http.MethodGet, path, nil)
		var v struct{ Checking bool }
		if err := json.Unmarshal(a.body, &v); err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		etag = a.header.Get("ETag")
		return !v.Checking
	})
	return etag
}
