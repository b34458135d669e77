package apitest

import (
	"slices"
	"strings"
	"testing"
)

// place is one place of a request that takes an id.
type place struct {
	in   string // path, query or body
	name string
	kind string // of thing
	list bool   // takes a list of ids
}

// pathKinds says what {id} is below a path.
var pathKinds = map[string]string{
	"/v1/action-runs/": "run", "/v1/bills/": "bill", "/v1/discounts/": "discount", "/v1/enablements/": "enablement", "/v1/grants/": "grant",
	"/v1/jobs/": "job", "/v1/ledger/transactions/": "transaction", "/v1/orders/": "order", "/v1/orgs/": "org", "/v1/products/": "product",
	"/v1/protocols/": "protocol", "/v1/providers/": "provider", "/v1/quotes/": "quote", "/v1/recharges/": "recharge",
	"/v1/resources/": "resource", "/v1/sessions/": "session", "/v1/sub-accounts/": "sub_account", "/v1/statements/": "statement", "/v1/tokens/": "token", "/v1/users/": "user",
}

// nameKinds says what a field or parameter names.
var nameKinds = map[string]string{
	"org_id": "org", "parent_id": "org", "below": "org", "buyer": "org", "seller": "org", "book": "org", "other": "org", "owner_org": "org",
	"covers_customers": "org", "assigned": "org", "user_id": "user", "salesperson": "user", "provider_id": "provider", "product_id": "product",
	"quote_id": "quote", "order_id": "order", "resource_id": "resource", "line": "line",
	"orgs": "org", "account": "enablement", "thing": "rack", "import": "account_import", "change": "account_change", "for_org": "org",
}

// plainNames are texts that name nothing of ours.
var plainNames = strings.Fields(`
	cursor limit state kind mode side order operation text class region status name verb action currency settle template file login password old new
	email phone roles scopes expires reason note vendor_id credit amount reference rate price default_rate list_price at start end contract_from
	contract_to part container command ticket plugin_name title endpoint sha256 type zone code group label area spec_note spec_pattern sale_mode description billing periods
	period contact address province_id city_id district_id main_business org_code licence_image identity_image payment_account time_zone
	floor_policy version report level network addr sort filter subject target number vendor_order vendor_resource sub_account role ref actor thing_id parts`)

// places lists where an operation takes ids. A text that is neither known as
// an id nor as plain fails the test: somebody has to say what it is.
func (d document) places(t testing.TB, o operation) []place {
	t.Helper()
	var out []place
	for _, p := range o.Parameters {
		if p.In == "header" || !p.Schema.is("string") && !p.Schema.is("array") {
			continue
		}
		if kind, ok := kindOf(t, o, p.Name, p.Schema); ok {
			out = append(out, place{in: p.In, name: p.Name, kind: kind, list: p.Schema.is("array")})
		}
	}
	if s, ok := o.body(); ok {
		out = append(out, d.fields(t, o, d.resolve(s))...)
	}
	return out
}

// fields lists the ids of a body. Ids stand at its top: one further down fails
// the test, as the walk would not reach it.
func (d document) fields(t testing.TB, o operation, s schema) []place {
	t.Helper()
	var out []place
	for _, name := range sortedKeys(s.Properties) {
		f := d.resolve(s.Properties[name])
		if f.is("object") {
			if inner := d.fields(t, o, f); len(inner) > 0 {
				t.Errorf("%s: %s holds an id, %v: let the walk reach it", o.ID, name, inner)
			}
			continue
		}
		if !f.is("string") && !f.is("array") {
			continue
		}
		if kind, ok := kindOf(t, o, name, f); ok {
			out = append(out, place{in: "body", name: name, kind: kind, list: f.is("array")})
		}
	}
	return out
}

func kindOf(t testing.TB, o operation, name string, s schema) (string, bool) {
	t.Helper()
	switch {
	case s.Format == "date-time":
		return "", false
	case name == "id":
		for prefix, kind := range pathKinds {
			if strings.HasPrefix(o.path, prefix) {
				return kind, true
			}
		}
	case (name == "from" || name == "to") && strings.HasPrefix(o.path, "/v1/grants"):
		return "org", true
	case name == "parent_id" && o.ID == "list-resources":
		return "resource", true
	case name == "operation" && o.ID == "get-inventory-operation":
		return "rack", true // the sandbox calls an inspection as its rack
	case nameKinds[name] != "":
		return nameKinds[name], true
	case slices.Contains(plainNames, name):
		return "", false
	}
	t.Errorf("%s %s: say what %q is: an id of what, or plain text", o.method, o.path, name)
	return "", false
}
