package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
)

func TestCreateOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	sales := w.as("operator", "salesperson", access.RoleSales)
	cases := map[string]struct {
		reason string
		caller access.Caller
		parent string
		kind   tenant.Kind
		edit   func(*tenant.Profile)
		want   fault.Class
		path   string
	}{
		"ResellerUnderOperator": {reason: "operators have resellers", caller: w.super, parent: "operator", kind: tenant.KindReseller},
		"CustomerUnderReseller": {reason: "resellers have customers", caller: admin, parent: "reseller", kind: tenant.KindCustomer},
		"ResellerUnderSub":      {reason: "depth is free", caller: admin, parent: "sub", kind: tenant.KindReseller},
		"CustomerUnderCustomer": {reason: "customers are leaves", caller: w.super, parent: "shop", kind: tenant.KindCustomer, want: fault.ClassInvalid, path: "parent_id"},
		"ProviderUnderReseller": {reason: "providers belong to a root", caller: w.super, parent: "reseller", kind: tenant.KindProvider, want: fault.ClassInvalid, path: "parent_id"},
		"UnderProvider":         {reason: "providers have no buyers here", caller: w.super, parent: "cloud", kind: tenant.KindReseller, want: fault.ClassInvalid, path: "parent_id"},
		"Operator":              {reason: "roots are not made by users", caller: w.super, parent: "operator", kind: tenant.KindOperator, want: fault.ClassInvalid, path: "kind"},
		"ForeignParent":         {reason: "a foreign org does not exist", caller: admin, parent: "rival", kind: tenant.KindCustomer, want: fault.ClassNotFound},
		"OwnSeller":             {reason: "the org above does not exist either", caller: admin, parent: "operator", kind: tenant.KindCustomer, want: fault.ClassNotFound},
		"OtherRoot":             {reason: "nothing crosses a root", caller: w.super, parent: "other", kind: tenant.KindReseller, want: fault.ClassNotFound},
		"WithoutRight":          {reason: "sales sees the operator and may not", caller: sales, parent: "operator", kind: tenant.KindCustomer, want: fault.ClassForbidden},
		"BadTimeZone":           {reason: "periods begin by the zone", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.TimeZone = "Mars/Base" }, want: fault.ClassInvalid, path: "time_zone"},
		"LocalTimeZone":         {reason: "Local differs between machines", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.TimeZone = "Local" }, want: fault.ClassInvalid, path: "time_zone"},
		"BadCurrency":           {reason: "amounts need known decimals", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Currency = "XXQ" }, want: fault.ClassInvalid, path: "currency"},
		"BadPolicy":             {reason: "an unknown policy would silently block", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.FloorPolicy = "hope" }, want: fault.ClassInvalid, path: "floor_policy"},
		"NoName":                {reason: "an org has a name", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Name = "  " }, want: fault.ClassInvalid, path: "name"},
		"LongName":              {reason: "names are bounded", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Name = strings.Repeat("字", 201) }, want: fault.ClassInvalid, path: "name"},
		"ControlCharacter":      {reason: "no control characters", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Address = "a\x00b" }, want: fault.ClassInvalid, path: "address"},
		"BadEmail":              {reason: "an email address has a form", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Email = "nobody" }, want: fault.ClassInvalid, path: "email"},
		"BadUTF8":               {reason: "text is UTF-8", caller: w.super, parent: "operator", kind: tenant.KindCustomer, edit: func(p *tenant.Profile) { p.Contact = "\xff" }, want: fault.ClassInvalid, path: "contact"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := tenant.CreateOrgInput{ParentID: w.org[tc.parent].ID, Kind: tc.kind, Profile: tenant.Profile{Name: name}}
			if tc.edit != nil {
				tc.edit(&in.Profile)
			}
			doc, err := w.svc.CreateOrg(w.ctx, tc.caller, in)
			wantClass(t, tc.reason, err, tc.want)
			if tc.path != "" && !slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Path == tc.path }) {
				t.Errorf("%s: no field %q in %v", tc.reason, tc.path, err)
			}
			if err == nil {
				want := append(slices.Clone(w.org[tc.parent].Path), doc.Value.ID)
				if diff := cmp.Diff(want, doc.Value.Path); diff != "" {
					t.Errorf("%s: path (-want +got):\n%s", tc.reason, diff)
				}
				if doc.Value.FloorPolicy != pricing.PolicyBlock || doc.Value.Currency != "CNY" {
					t.Errorf("%s: defaults not taken: %+v", tc.reason, doc.Value.Profile)
				}
			}
		})
	}
}

func TestGetOrgHidesWhatIsOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	for name, want := range map[string]fault.Class{
		"reseller": 0, "sub": 0, "shop": 0, "farm": 0,
		"operator": fault.ClassNotFound, "direct": fault.ClassNotFound, "rival": fault.ClassNotFound,
		"stranger": fault.ClassNotFound, "cloud": fault.ClassNotFound, "other": fault.ClassNotFound,
	} {
		_, err := w.svc.GetOrg(w.ctx, admin, w.org[name].ID)
		wantClass(t, name, err, want)
		if want == fault.ClassNotFound && err.Error() != fault.NotFound("org", w.org[name].ID).Error() {
			t.Errorf("%s: %q differs from the answer to a missing id", name, err)
		}
	}
	seller, err := w.svc.GetSeller(w.ctx, admin)
	if diff := cmp.Diff(tenant.Seller{ID: w.root.Org.ID, Name: "Operator"}, seller); err != nil || diff != "" {
		t.Errorf("the seller's public facts: %v\n%s", err, diff)
	}
	_, err = w.svc.GetSeller(w.ctx, w.super)
	wantClass(t, "a root has no seller", err, fault.ClassNotFound)
}

func (w *world) names(c access.Caller, in tenant.ListOrgsInput) []string {
	w.t.Helper()
	var out []string
	for {
		page, err := w.svc.ListOrgs(w.ctx, c, in)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page.Items) > in.Limit {
			w.t.Fatalf("a page of %d for a limit of %d", len(page.Items), in.Limit)
		}
		for _, d := range page.Items {
			out = append(out, d.Value.Name)
		}
		if page.Next == "" {
			return out
		}
		in.Cursor = page.Next
	}
}

func TestListOrgs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	customer := w.as("shop", "cadmin", access.RoleCustomerAdmin)
	sales := w.newUser("reseller", "rsales", access.RoleResellerSales)
	in := tenant.UpdateUserInput{UserID: sales.Value.ID, Name: "S", Roles: sales.Value.Roles, State: tenant.UserActive,
		Assigned: []string{w.org["mill"].ID}}
	if _, err := w.svc.UpdateUser(w.ctx, w.super, in); err != nil {
		t.Fatal(err)
	}
	salesperson := w.signIn("rsales", goodSecret())
	cases := map[string]struct {
		reason string
		caller access.Caller
		in     tenant.ListOrgsInput
		want   []string
	}{
		"Superadmin":  {"all of the root, nothing of the other", w.super, tenant.ListOrgsInput{}, []string{"cloud", "direct", "farm", "mill", "Operator", "reseller", "rival", "shop", "stranger", "sub"}},
		"Reseller":    {"the subtree", admin, tenant.ListOrgsInput{}, []string{"farm", "mill", "reseller", "shop", "sub"}},
		"Below":       {"part of the subtree", admin, tenant.ListOrgsInput{Below: w.org["sub"].ID}, []string{"farm", "sub"}},
		"Children":    {"direct buyers, by name", admin, tenant.ListOrgsInput{ParentID: w.org["reseller"].ID}, []string{"mill", "shop", "sub"}},
		"ByAge":       {"direct buyers, by age", admin, tenant.ListOrgsInput{ParentID: w.org["reseller"].ID, Sort: tenant.SortCreated}, []string{"sub", "shop", "mill"}},
		"Salesperson": {"the own org and the assigned customer", salesperson, tenant.ListOrgsInput{}, []string{"mill", "reseller"}},
		"Customer":    {"itself", customer, tenant.ListOrgsInput{}, []string{"shop"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 100} {
				tc.in.Limit = limit
				if diff := cmp.Diff(tc.want, w.names(tc.caller, tc.in)); diff != "" {
					t.Errorf("%s, limit %d (-want +got):\n%s", tc.reason, limit, diff)
				}
			}
		})
	}
	_, err := w.svc.ListOrgs(w.ctx, admin, tenant.ListOrgsInput{Below: w.org["rival"].ID, Limit: 10})
	wantClass(t, "a foreign subtree does not exist", err, fault.ClassNotFound)
	_, err = w.svc.ListOrgs(w.ctx, admin, tenant.ListOrgsInput{Limit: 1, Sort: "phone"})
	wantClass(t, "an unknown key", err, fault.ClassInvalid)
	_, err = w.svc.ListOrgs(w.ctx, admin, tenant.ListOrgsInput{Limit: 0})
	wantClass(t, "no list without a limit", err, fault.ClassInvalid)
}

// has is a holder that says what it was told to.
type has map[string][]string

func (h has) Holds(_ store.Reader, org string) ([]string, error) { return h[org], nil }

func TestUpdateOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.svc.AddHolder("wallets", has{w.org["mill"].ID: {"CNY 12.00 in a wallet"}})
	admin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	edit := func(name string, f func(*tenant.UpdateOrgInput)) tenant.UpdateOrgInput {
		o := w.org[name]
		in := tenant.UpdateOrgInput{OrgID: o.ID, State: o.State, Profile: o.Profile}
		f(&in)
		return in
	}
	cases := map[string]struct {
		reason string
		in     tenant.UpdateOrgInput
		want   fault.Class
	}{
		"Rename":          {"a seller keeps its buyers' data", edit("shop", func(in *tenant.UpdateOrgInput) { in.Name = "new" }), 0},
		"OwnName":         {"and its own", edit("reseller", func(in *tenant.UpdateOrgInput) { in.Name = "new" }), 0},
		"OwnState":        {"but not its own state", edit("reseller", func(in *tenant.UpdateOrgInput) { in.State = tenant.OrgSuspended }), fault.ClassForbidden},
		"Suspend":         {"a seller suspends its buyer", edit("sub", func(in *tenant.UpdateOrgInput) { in.State = tenant.OrgSuspended }), 0},
		"ToDeleted":       {"deleting is not an update", edit("shop", func(in *tenant.UpdateOrgInput) { in.State = tenant.OrgDeleted }), fault.ClassInvalid},
		"StaleRevision":   {"somebody was faster", edit("farm", func(in *tenant.UpdateOrgInput) { in.Rev = 99 }), fault.ClassConflict},
		"Currency":        {"an empty org may change its currency", edit("farm", func(in *tenant.UpdateOrgInput) { in.Currency = "JPY" }), 0},
		"CurrencyOfMoney": {"one with money may not", edit("mill", func(in *tenant.UpdateOrgInput) { in.Currency = "JPY" }), fault.ClassPrecondition},
		"WrongZone":       {"a zone that is given is checked", edit("farm", func(in *tenant.UpdateOrgInput) { in.TimeZone = "Mars/Base" }), fault.ClassInvalid},
		"NoName":          {"a name is required", edit("farm", func(in *tenant.UpdateOrgInput) { in.Name = "" }), fault.ClassInvalid},
		"Foreign":         {"foreign orgs do not exist", edit("stranger", func(in *tenant.UpdateOrgInput) { in.Name = "mine" }), fault.ClassNotFound},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.svc.UpdateOrg(w.ctx, admin, tc.in)
			wantClass(t, tc.reason, err, tc.want)
		})
	}
}

func TestUpdateOrgKeepsWhatIsNeverEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.org["farm"].ID
	full := tenant.Profile{Name: "farm", Phone: "5550100", TimeZone: "Asia/Tokyo", Currency: "JPY", FloorPolicy: pricing.PolicyWarn}
	if _, err := w.svc.UpdateOrg(w.ctx, w.super, tenant.UpdateOrgInput{OrgID: id, State: tenant.OrgSuspended, Profile: full}); err != nil {
		t.Fatal(err)
	}
	got, err := w.svc.UpdateOrg(w.ctx, w.super, tenant.UpdateOrgInput{OrgID: id, Profile: tenant.Profile{Name: "acre"}})
	if err != nil {
		t.Fatal(err)
	}
	want := tenant.Profile{Name: "acre", TimeZone: "Asia/Tokyo", Currency: "JPY", FloorPolicy: pricing.PolicyWarn}
	if diff := cmp.Diff(want, got.Value.Profile); diff != "" || got.Value.State != tenant.OrgSuspended {
		t.Errorf("zone, currency, policy and state that are left out stay, texts go; state %q (-want +got):\n%s", got.Value.State, diff)
	}
}

func TestDeleteOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.svc.AddHolder("resources", has{w.org["mill"].ID: {"2 active resources", "1 suspended resource"}})
	w.svc.AddHolder("wallets", has{w.org["mill"].ID: {"CNY 12.00 in a wallet"}})
	member := w.bearerOf("shop", "cadmin", access.RoleCustomerAdmin)
	err := w.svc.DeleteOrg(w.ctx, w.super, w.org["mill"].ID, 0)
	wantClass(t, "what an org has holds it", err, fault.ClassPrecondition)
	var held *tenant.HeldError
	if !errors.As(err, &held) || len(held.Things) != 3 {
		t.Errorf("the refusal names what holds the org: %v", err)
	}
	wantClass(t, "a reseller with buyers stays", w.svc.DeleteOrg(w.ctx, w.super, w.org["sub"].ID, 0), fault.ClassPrecondition)
	wantClass(t, "a root stays", w.svc.DeleteOrg(w.ctx, w.super, w.root.Org.ID, 0), fault.ClassPrecondition)
	wantClass(t, "a stale revision", w.svc.DeleteOrg(w.ctx, w.super, w.org["shop"].ID, 9), fault.ClassConflict)
	wantClass(t, "an empty org goes", w.svc.DeleteOrg(w.ctx, w.super, w.org["shop"].ID, 1), 0)
	_, err = w.svc.GetOrg(w.ctx, w.super, w.org["shop"].ID)
	wantClass(t, "and does not exist any more", err, fault.ClassNotFound)
	_, err = w.svc.Authenticate(w.ctx, member)
	wantClass(t, "nor do its users", err, fault.ClassUnauthenticated)
	_, err = w.svc.CreateOrg(w.ctx, w.super, tenant.CreateOrgInput{ParentID: w.org["shop"].ID, Kind: tenant.KindCustomer})
	wantClass(t, "it gets no children", err, fault.ClassNotFound)
	wantClass(t, "it goes once", w.svc.DeleteOrg(w.ctx, w.super, w.org["shop"].ID, 0), fault.ClassNotFound)
	w.view(func(r store.Reader) {
		path, err := w.svc.PathTx(r, w.org["shop"].ID)
		if diff := cmp.Diff(w.org["shop"].Path, path); err != nil || diff != "" {
			t.Errorf("its place in the tree stays for old orders: %v\n%s", err, diff)
		}
		_, err = w.svc.ChainTx(r, w.org["shop"].ID)
		wantClass(t, "but it buys nothing", err, fault.ClassNotFound)
	})
	w.newUser("mill", "cadmin", access.RoleCustomerAdmin) // the login is free again
}

func TestMoveOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.svc.AddHolder("orders", has{w.org["sub"].ID: {"1 open order"}})
	sales := w.newUser("reseller", "rsales", access.RoleResellerSales)
	_, err := w.svc.UpdateUser(w.ctx, w.super, tenant.UpdateUserInput{UserID: sales.Value.ID, Name: "S", Roles: sales.Value.Roles,
		State: tenant.UserActive, Assigned: []string{w.org["sub"].ID, w.org["shop"].ID}})
	if err != nil {
		t.Fatal(err)
	}
	farmer := w.bearerOf("farm", "farmer", access.RoleCustomerAdmin)
	w.caller(farmer) // remembered with the old path

	var followed []string
	w.svc.AddFollower(func(_ store.Tx, org tenant.Org) error {
		followed = append(followed, org.ID)
		return nil
	})
	in := tenant.MoveOrgInput{OrgID: w.org["sub"].ID, ParentID: w.org["rival"].ID, DryRun: true}
	dry, err := w.svc.MoveOrg(w.ctx, w.super, in)
	want := tenant.Move{
		Org: w.org["sub"].ID, From: w.org["sub"].Path, To: append(slices.Clone(w.org["rival"].Path), w.org["sub"].ID),
		Orgs: []string{w.org["sub"].ID, w.org["farm"].ID}, Count: 2,
		Unassign: []tenant.UserRef{{ID: sales.Value.ID, Login: "rsales"}},
		Remains:  []tenant.HeldThing{{Holder: "orders", What: "1 open order"}},
	}
	if diff := cmp.Diff(want, dry); err != nil || diff != "" {
		t.Fatalf("the dry run: %v\n%s", err, diff)
	}
	if got, err := w.svc.GetOrg(w.ctx, w.super, w.org["sub"].ID); err != nil || got.Rev != 1 {
		t.Fatalf("the dry run changed the org: %+v %v", got, err)
	}
	if len(followed) != 0 {
		t.Errorf("the dry run is told to those who follow: %v", followed)
	}

	in.DryRun = false
	done, err := w.svc.MoveOrg(w.ctx, w.super, in)
	want.Done = true
	if diff := cmp.Diff(want, done); err != nil || diff != "" {
		t.Fatalf("the move does what the dry run said: %v\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{w.org["sub"].ID}, followed); diff != "" {
		t.Errorf("who follows is told of the move once:\n%s", diff)
	}
	if got := w.caller(farmer).Path; len(got) != 4 || got[1] != w.org["rival"].ID {
		t.Errorf("a signed-in user below stands in the new chain at once: %v", got)
	}
	w.view(func(r store.Reader) {
		chain, err := w.svc.ChainTx(r, w.org["farm"].ID)
		var names []string
		for _, o := range chain {
			names = append(names, o.Name)
		}
		if diff := cmp.Diff([]string{"Operator", "rival", "sub", "farm"}, names); err != nil || diff != "" {
			t.Errorf("the sale chain: %v\n%s", err, diff)
		}
	})
	user, err := w.svc.GetUser(w.ctx, w.super, sales.Value.ID)
	if diff := cmp.Diff([]string{w.org["shop"].ID}, user.Value.Assigned); err != nil || diff != "" {
		t.Errorf("the old seller's salesperson loses the org only: %v\n%s", err, diff)
	}
}

// TestADeletedOrgMovesWithItsTree: what is left of it is read by the chain that
// it would stand in, and no longer by the one that it has left.
func TestADeletedOrgMovesWithItsTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.as("reseller", "radmin", access.RoleResellerAdmin)
	after := w.as("rival", "riadmin", access.RoleResellerAdmin)
	if err := w.svc.DeleteOrg(w.ctx, w.super, w.org["farm"].ID, 0); err != nil {
		t.Fatal(err)
	}
	done, err := w.svc.MoveOrg(w.ctx, w.super, tenant.MoveOrgInput{OrgID: w.org["sub"].ID, ParentID: w.org["rival"].ID})
	if diff := cmp.Diff([]string{w.org["sub"].ID}, done.Orgs); err != nil || diff != "" || done.Count != 1 {
		t.Errorf("the move tells of what is there alone: %d, %v\n%s", done.Count, err, diff)
	}
	w.view(func(r store.Reader) {
		left := access.Target{OrgID: w.org["farm"].ID, Thing: "order", ID: "1"}
		wantClass(t, "the old chain", w.svc.Authority().Check(r, before, access.OrderRead, left), fault.ClassNotFound)
		if err := w.svc.Authority().Check(r, after, access.OrderRead, left); err != nil {
			t.Errorf("the new chain: %v", err)
		}
	})
}

func TestMoveOrgRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	cases := map[string]struct {
		reason      string
		caller      access.Caller
		org, parent string
		want        fault.Class
	}{
		"Cycle":        {"an org cannot stand under itself", w.super, "reseller", "sub", fault.ClassInvalid},
		"Itself":       {"nor under its own id", w.super, "reseller", "reseller", fault.ClassInvalid},
		"UnderLeaf":    {"customers are leaves", w.super, "sub", "direct", fault.ClassInvalid},
		"Provider":     {"providers stand outside the tree", w.super, "cloud", "reseller", fault.ClassPrecondition},
		"UnderCloud":   {"providers have no buyers here", w.super, "sub", "cloud", fault.ClassInvalid},
		"Root":         {"an operator's own org is moved by nobody", w.super, "operator", "reseller", fault.ClassForbidden},
		"OtherRoot":    {"nothing crosses a root", w.super, "sub", "other", fault.ClassNotFound},
		"FromOther":    {"in neither direction", w.super, "other", "operator", fault.ClassNotFound},
		"Same":         {"it stands there already", w.super, "sub", "reseller", fault.ClassInvalid},
		"OwnOrg":       {"a reseller does not choose its seller", admin, "reseller", "sub", fault.ClassForbidden},
		"OutOfReach":   {"nor give its buyers away", admin, "shop", "rival", fault.ClassNotFound},
		"WithinOwn":    {"but sorts its own subtree", admin, "shop", "sub", 0},
		"ForeignOrg":   {"and takes no foreign one", admin, "stranger", "sub", fault.ClassNotFound},
		"UpToOperator": {"the org above does not exist for it", admin, "mill", "operator", fault.ClassNotFound},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, dry := range []bool{true, false} {
				_, err := w.svc.MoveOrg(w.ctx, tc.caller, tenant.MoveOrgInput{OrgID: w.org[tc.org].ID, ParentID: w.org[tc.parent].ID, DryRun: dry})
				wantClass(t, fmt.Sprintf("%s (dry run %v)", tc.reason, dry), err, tc.want)
			}
		})
	}
}

func TestChainOfProviderIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.view(func(r store.Reader) {
		_, err := w.svc.ChainTx(r, w.org["cloud"].ID)
		wantClass(t, "a provider does not buy", err, fault.ClassPrecondition)
		_, err = w.svc.ChainTx(r, "nothing")
		wantClass(t, "nor does what is not there", err, fault.ClassNotFound)
	})
}
