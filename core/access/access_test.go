package access_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tree is a directory of orgs by id, with their paths, and of assignments.
type tree struct {
	paths    map[string][]string
	assigned map[string][]string
}

func (d tree) PathTx(_ store.Reader, org string) ([]string, error) {
	p, ok := d.paths[org]
	if !ok {
		return nil, fault.NotFound("org", org)
	}
	return p, nil
}

func (d tree) AssignedTx(_ store.Reader, user string) ([]string, error) { return d.assigned[user], nil }

func newAuthority(t testing.TB, d access.Directory) *access.Authority {
	t.Helper()
	a, err := access.New(access.Config{Directory: d})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sample is two roots; the first with two branches and a provider.
func sample() tree {
	return tree{
		paths: map[string][]string{
			"op": {"op"}, "res": {"op", "res"}, "sub": {"op", "res", "sub"}, "shop": {"op", "res", "shop"},
			"mill": {"op", "res", "mill"}, "farm": {"op", "res", "sub", "farm"}, "rival": {"op", "rival"},
			"stranger": {"op", "rival", "stranger"}, "cloud": {"op", "cloud"}, "op2": {"op2"}, "far": {"op2", "far"},
		},
		assigned: map[string][]string{"sales": {"mill", "farm", "rival", "gone"}},
	}
}

func caller(d tree, org string, roles ...access.Role) access.Caller {
	p := d.paths[org]
	return access.Caller{UserID: "someone", OrgID: org, RootID: p[0], Path: p, Roles: roles}
}

func TestTableGolden(t *testing.T) {
	t.Parallel()
	got := access.Markdown()
	golden := filepath.Join("testdata", "rights.golden.md")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the rights changed; if that is meant, run with -update (-was +is):\n%s", diff)
	}
}

func TestTableIsSound(t *testing.T) {
	t.Parallel()
	rows := map[access.Right]access.Row{}
	for _, row := range access.Table() {
		if _, twice := rows[row.Right]; twice {
			t.Errorf("%s stands twice in the table", row.Right)
		}
		rows[row.Right] = row
	}
	private := []string{"protocol", "line", "discount", "wallet", "bill", "ledger", "statement"}
	readOnly := slices.Index(roles(), access.RoleAuditor)
	for right, row := range rows {
		reading, known := rows[right.Reading()]
		if !known {
			t.Errorf("%s has no read right", right)
		}
		thing, verb, _ := strings.Cut(string(right), ".")
		for i, e := range row.Extents {
			role := access.Roles()[i]
			if slices.Contains(private, thing) && e&(access.Subtree|access.All) != 0 {
				t.Errorf("%s of %s opens the books of orgs that are not a party", right, role)
			}
			if e != 0 && verb != "read" && reading.Extents[i] == 0 && thing != "token" && thing != "system" {
				t.Errorf("%s may %s and not read the result", role, right)
			}
		}
		if verb != "read" && verb != "export" && thing != "token" && row.Extents[readOnly] != 0 {
			t.Errorf("an auditor only reads, but has %s", right)
		}
	}
}

func roles() []access.Role {
	all := access.Roles()
	return all[:]
}

func TestCheck(t *testing.T) {
	t.Parallel()
	d := sample()
	a := newAuthority(t, d)
	sales := caller(d, "res", access.RoleResellerSales)
	sales.UserID = "sales"
	scoped := caller(d, "op", access.RoleSuperadmin)
	scoped.Scopes = []access.Right{access.OrderRead}
	noScopes := scoped
	noScopes.Scopes = []access.Right{}
	cases := map[string]struct {
		reason string
		caller access.Caller
		right  access.Right
		org    string
		id     string
		want   fault.Class
	}{
		"OwnThing":           {"a customer's own order", caller(d, "shop", access.RoleCustomerUser), access.OrderRead, "shop", "1", 0},
		"BelowReseller":      {"a reseller sees orders down to the leaves", caller(d, "res", access.RoleResellerAdmin), access.OrderRead, "farm", "1", 0},
		"Sideways":           {"a sibling's order does not exist", caller(d, "shop", access.RoleCustomerAdmin), access.OrderRead, "mill", "1", fault.ClassNotFound},
		"Upwards":            {"nor does the seller's", caller(d, "res", access.RoleResellerAdmin), access.OrderRead, "op", "1", fault.ClassNotFound},
		"OtherBranch":        {"nor one of another branch", caller(d, "res", access.RoleResellerAdmin), access.OrderRead, "stranger", "1", fault.ClassNotFound},
		"OtherRoot":          {"nothing crosses a root", caller(d, "op", access.RoleSuperadmin), access.OrgRead, "far", "1", fault.ClassNotFound},
		"MissingOrg":         {"an org that is not there", caller(d, "op", access.RoleSuperadmin), access.OrgRead, "gone", "1", fault.ClassNotFound},
		"InsideNoRight":      {"who sees the order may learn that it may not release it", caller(d, "shop", access.RoleCustomerUser), access.OrderRelease, "shop", "1", fault.ClassForbidden},
		"OutsideNoRight":     {"who does not see it learns nothing", caller(d, "shop", access.RoleCustomerUser), access.OrderRelease, "mill", "1", fault.ClassNotFound},
		"NewThingOwnOrg":     {"no right to make one in the own org", caller(d, "shop", access.RoleAuditor), access.OrderCreate, "shop", "", fault.ClassForbidden},
		"NewThingForeignOrg": {"a foreign org does not exist as a place either", caller(d, "shop", access.RoleCustomerAdmin), access.OrderCreate, "mill", "", fault.ClassNotFound},
		"Assigned":           {"a salesperson's customer", sales, access.OrderRead, "mill", "1", 0},
		"NotAssigned":        {"another salesperson's customer", sales, access.OrderRead, "shop", "1", fault.ClassNotFound},
		"AssignedTooDeep":    {"only direct buyers count: what a reseller sells on is not ours", sales, access.OrderRead, "farm", "1", fault.ClassNotFound},
		"AssignedOutside":    {"an assignment does not lead out of the subtree", sales, access.OrderRead, "rival", "1", fault.ClassNotFound},
		"SalesOwnOrg":        {"orders of the own org are not a customer's", sales, access.OrderRead, "res", "1", fault.ClassNotFound},
		"SalesOwnOrgPage":    {"the own org itself is visible", sales, access.OrgRead, "res", "res", 0},
		"MoneyBelow":         {"the operator does not read a reseller's protocols", caller(d, "op", access.RoleSuperadmin), access.ProtocolRead, "res", "1", fault.ClassNotFound},
		"Provider":           {"a root's provider is within reach of the root", caller(d, "op", access.RoleSuperadmin), access.OrgRead, "cloud", "cloud", 0},
		"ProviderSeesBuyer":  {"a provider sees no buyer", caller(d, "cloud", access.RoleProviderViewer), access.OrgRead, "op", "op", fault.ClassNotFound},
		"ProviderOwnBill":    {"but its own bills", caller(d, "cloud", access.RoleProviderViewer), access.BillRead, "cloud", "1", 0},
		"AuditorOfReseller":  {"all means all of the own org outside the operator", caller(d, "res", access.RoleAuditor), access.AuditRead, "rival", "1", fault.ClassNotFound},
		"AuditorOfOperator":  {"and the root's at the operator", caller(d, "op", access.RoleAuditor), access.AuditRead, "rival", "1", 0},
		"TokenInScope":       {"a token has its scopes", scoped, access.OrderRead, "farm", "1", 0},
		"TokenOutOfScope":    {"and nothing else", scoped, access.OrderCreate, "farm", "1", fault.ClassForbidden},
		"TokenBlind":         {"not even existence", scoped, access.BillRead, "op", "1", fault.ClassNotFound},
		"TokenNoScopes":      {"no scopes are no rights", noScopes, access.OrderRead, "op", "1", fault.ClassNotFound},
		"NoRoles":            {"no roles are no rights", caller(d, "op"), access.OrgRead, "op", "op", fault.ClassNotFound},
		"UnknownRole":        {"an unknown role gives nothing", caller(d, "op", "emperor"), access.OrgRead, "op", "op", fault.ClassNotFound},
		"UnknownRight":       {"an unknown right is nobody's", caller(d, "op", access.RoleSuperadmin), "moon.sell", "op", "1", fault.ClassNotFound},
		"UnknownRightSystem": {"not even the system's", access.System("op"), "moon.sell", "op", "1", fault.ClassNotFound},
		"System":             {"the broker's own work", access.System("op"), access.StatementRun, "farm", "1", 0},
		"SystemOtherRoot":    {"stays within its root", access.System("op"), access.StatementRun, "far", "1", fault.ClassNotFound},
		"Nobody":             {"the zero caller is nobody", access.Caller{}, access.OrgRead, "op", "op", fault.ClassNotFound},
		"NobodyNowhere":      {"and an empty org is no org", access.Caller{}, access.OrgRead, "", "", fault.ClassNotFound},
		"RootlessSystem":     {"a system caller has a root", access.System(""), access.OrgRead, "op", "op", fault.ClassNotFound},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := a.Check(nil, tc.caller, tc.right, access.Target{OrgID: tc.org, Thing: "thing", ID: tc.id})
			if got := fault.ClassOf(err); got != tc.want {
				t.Errorf("%s: got %v (%v), want %v", tc.reason, got, err, tc.want)
			}
			missing := fault.NotFound("thing", tc.id)
			if tc.id == "" {
				missing = fault.NotFound("org", tc.org)
			}
			if tc.want == fault.ClassNotFound && err != nil && err.Error() != missing.Error() {
				t.Errorf("%s: %q is not the answer to a missing id, %q", tc.reason, err, missing)
			}
		})
	}
}

func TestCheckAny(t *testing.T) {
	t.Parallel()
	d := sample()
	a := newAuthority(t, d)
	sales := caller(d, "res", access.RoleResellerSales)
	sales.UserID = "sales"
	cases := map[string]struct {
		reason        string
		caller        access.Caller
		right         access.Right
		seller, buyer string
		want          fault.Class
	}{
		"Seller":       {"the seller reads the bill", caller(d, "res", access.RoleResellerAdmin), access.BillRead, "res", "shop", 0},
		"Buyer":        {"the buyer reads it", caller(d, "shop", access.RoleCustomerAdmin), access.BillRead, "res", "shop", 0},
		"Above":        {"who sells to the seller does not", caller(d, "op", access.RoleFinance), access.BillRead, "res", "shop", fault.ClassNotFound},
		"Salesperson":  {"the buyer's salesperson does", sales, access.BillRead, "res", "mill", 0},
		"OtherSales":   {"another buyer's does not", sales, access.BillRead, "res", "shop", fault.ClassNotFound},
		"SellerOfSub":  {"nor does the seller's seller's salesperson", sales, access.BillRead, "sub", "farm", fault.ClassNotFound},
		"WithoutRight": {"a party that may not agree learns so", caller(d, "res", access.RoleAuditor), access.StatementAgree, "res", "shop", fault.ClassForbidden},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := a.CheckAny(nil, tc.caller, tc.right, access.Target{Thing: "bill", ID: "1"}, tc.seller, tc.buyer)
			if got := fault.ClassOf(err); got != tc.want {
				t.Errorf("%s: got %v (%v), want %v", tc.reason, got, err, tc.want)
			}
		})
	}
	err := a.CheckAny(nil, caller(d, "op", access.RoleSuperadmin), access.BillRead, access.Target{Thing: "bill", ID: "1"})
	if !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a thing of nobody is nobody's to read: %v", err)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	d := sample()
	a := newAuthority(t, d)
	sales := caller(d, "res", access.RoleResellerSales)
	sales.UserID = "sales"
	cases := map[string]struct {
		reason string
		caller access.Caller
		right  access.Right
		want   access.Reach
	}{
		"Own":       {"own", caller(d, "shop", access.RoleCustomerUser), access.OrderRead, access.Reach{Org: "shop", Path: d.paths["shop"]}},
		"Subtree":   {"subtree", caller(d, "res", access.RoleResellerAdmin), access.OrderRead, access.Reach{Org: "res", Path: d.paths["res"], Subtree: true}},
		"All":       {"all", caller(d, "op", access.RoleSuperadmin), access.OrgRead, access.Reach{Org: "op", Path: d.paths["op"], Subtree: true}},
		"Customers": {"the named ones", sales, access.OrderRead, access.Reach{Org: "res", Path: d.paths["res"], Subtree: true, Customers: map[string]bool{"mill": true, "farm": true, "rival": true, "gone": true}}},
		"OwnToo":    {"the named ones and the own org", sales, access.OrgRead, access.Reach{Org: "res", Path: d.paths["res"], Subtree: true, Customers: map[string]bool{"mill": true, "farm": true, "rival": true, "gone": true, "res": true}}},
		"Widest":    {"two roles: the wider one", caller(d, "res", access.RoleResellerSales, access.RoleResellerAdmin), access.OrderRead, access.Reach{Org: "res", Path: d.paths["res"], Subtree: true}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Reach(nil, tc.caller, tc.right)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", tc.reason, err, diff)
			}
		})
	}
	if _, err := a.Reach(nil, caller(d, "shop", access.RoleCustomerUser), access.LedgerRead); !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("a list without the right is forbidden: %v", err)
	}
}

func TestMayGrant(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		held   access.Role
		may    []access.Role
	}{
		"Superadmin":    {"everything, its own role included", access.RoleSuperadmin, roles()},
		"Operations":    {"all below itself, not itself", access.RoleOperations, slices.DeleteFunc(roles(), func(r access.Role) bool { return r == access.RoleSuperadmin || r == access.RoleOperations })},
		"ResellerAdmin": {"its own role and those below", access.RoleResellerAdmin, slices.DeleteFunc(roles(), func(r access.Role) bool { return r == access.RoleSuperadmin || r == access.RoleOperations })},
		"CustomerAdmin": {"its own role and those below", access.RoleCustomerAdmin, []access.Role{access.RoleAuditor, access.RoleCustomerAdmin, access.RoleCustomerUser, access.RoleProviderViewer}},
		"CustomerUser":  {"none", access.RoleCustomerUser, nil},
		"Unknown":       {"an unknown role outranks nobody", "emperor", nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []access.Role
			for _, r := range append(roles(), "emperor") {
				if access.MayGrant([]access.Role{tc.held}, r) {
					got = append(got, r)
				}
			}
			if diff := cmp.Diff(tc.may, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	d := sample()
	a := newAuthority(t, d)
	if got := a.Rights(caller(d, "shop", access.RoleCustomerUser)); !slices.Contains(got, access.OrderCreate) || slices.Contains(got, access.BillRead) {
		t.Errorf("a customer's user: %v", got)
	}
	if got := a.Rights(access.System("op")); len(got) != len(access.Table()) {
		t.Errorf("the system has every right, got %d", len(got))
	}
	for want, c := range map[string]access.Caller{
		"system": access.System("op"), "user:u": {UserID: "u"}, "user:u/token:t": {UserID: "u", TokenID: "t"},
	} {
		if got := c.Actor(); got != want {
			t.Errorf("got actor %q, want %q", got, want)
		}
	}
	if _, err := access.New(access.Config{}); err == nil {
		t.Error("an authority has a directory")
	}
}

// drawTree draws some roots with orgs below them.
func drawTree(rt *rapid.T) tree {
	d := tree{paths: map[string][]string{}, assigned: map[string][]string{}}
	ids := []string{}
	for i := range rapid.IntRange(1, 30).Draw(rt, "orgs") {
		id := fmt.Sprintf("org-%d", i)
		var path []string
		if len(ids) > 0 && rapid.IntRange(0, 9).Draw(rt, "root") > 0 {
			path = slices.Clone(d.paths[rapid.SampledFrom(ids).Draw(rt, "parent")])
		}
		d.paths[id] = append(path, id)
		ids = append(ids, id)
	}
	d.assigned["someone"] = rapid.SliceOf(rapid.SampledFrom(ids)).Draw(rt, "assigned")
	return d
}

func TestNobodyReachesOutsideItsSubtree(t *testing.T) {
	t.Parallel()
	rights := access.Table()
	rapid.Check(t, func(rt *rapid.T) {
		d := drawTree(rt)
		a := newAuthority(t, d)
		ids := make([]string, 0, len(d.paths))
		for i := range len(d.paths) {
			ids = append(ids, fmt.Sprintf("org-%d", i))
		}
		c := caller(d, rapid.SampledFrom(ids).Draw(rt, "own"), rapid.SliceOfN(rapid.SampledFrom(roles()), 0, 3).Draw(rt, "roles")...)
		right := rapid.SampledFrom(rights).Draw(rt, "right").Right
		reach, reachErr := a.Reach(nil, c, right)
		for _, org := range ids {
			path := d.paths[org]
			err := a.Check(nil, c, right, access.Target{OrgID: org, Thing: "thing", ID: "1"})
			within := len(path) >= len(c.Path) && slices.Equal(path[:len(c.Path)], c.Path)
			if !within && (err == nil || err.Error() != fault.NotFound("thing", "1").Error()) {
				rt.Fatalf("%v of %s with %s over %v: %v", c.Roles, c.OrgID, right, path, err)
			}
			if admits := reachErr == nil && reach.Admits(path); admits != (err == nil) {
				rt.Fatalf("reach says %v, check says %v for %s over %v", admits, err, right, path)
			}
		}
	})
}

func BenchmarkCheckOwn(b *testing.B) {
	d := sample()
	a := newAuthority(b, d)
	c := caller(d, "shop", access.RoleCustomerUser)
	for b.Loop() {
		if err := a.Check(nil, c, access.QuoteCreate, access.Target{OrgID: "shop", Thing: "quote"}); err != nil {
			b.Fatal(err)
		}
	}
}
