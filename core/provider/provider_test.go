package provider_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
)

// wantClass fails unless err is a fault of the class; 0 means no error.
func wantClass(t *testing.T, reason string, err error, class fault.Class) {
	t.Helper()
	if got := fault.ClassOf(err); got != class {
		t.Errorf("%s: error %v, want class %v", reason, err, class)
	}
}

func paths(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	for _, f := range fault.As(err).Fields {
		out = append(out, f.Path)
	}
	return out
}

func TestRegister(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	good := provider.RegisterInput{PluginName: "cloud", OrgID: w.Commercial.ID}
	cases := map[string]struct {
		reason string
		edit   func(*provider.RegisterInput)
		as     access.Caller
		class  fault.Class
		paths  []string
	}{
		"Good": {reason: "a plugin, an org and nothing else is enough", as: w.As(w.Root)},
		"Settings": {
			reason: "defaults need not be complete, but fit the schema", as: w.As(w.Root),
			edit: func(in *provider.RegisterInput) { in.Settings = map[string]string{"project": "org-a", "retries": "3"} },
		},
		"BadSettings": {
			reason: "settings outside the schema are refused with their paths", as: w.As(w.Root),
			edit: func(in *provider.RegisterInput) {
				in.Settings = map[string]string{"project": "org-x", "retries": "many"}
			},
			class: fault.ClassInvalid, paths: []string{"settings.project", "settings.retries"},
		},
		"UnknownSetting": {
			reason: "a setting the plugin does not know is refused", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.Settings = map[string]string{"colour": "red"} },
			class: fault.ClassInvalid, paths: []string{"settings.colour"},
		},
		"SecretSetting": {
			reason: "a secret has no place among settings", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.Settings = map[string]string{"private_key": "12345678"} },
			class: fault.ClassInvalid, paths: []string{"settings.private_key"},
		},
		"NoPlugin": {
			reason: "only installed plugins can be sold", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.PluginName = "other" },
			class: fault.ClassInvalid, paths: []string{"plugin_name"},
		},
		"WrongKind": {
			reason: "a reseller is not a cloud's commercial org", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.OrgID = w.Reseller.ID },
			class: fault.ClassInvalid, paths: []string{"org_id"},
		},
		"ForeignOrg": {
			reason: "an org of another root does not exist here", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.OrgID = w.ForeignCommercial.ID },
			class: fault.ClassInvalid, paths: []string{"org_id"},
		},
		"Fields": {
			reason: "all wrong fields are told at once", as: w.As(w.Root),
			edit: func(in *provider.RegisterInput) {
				in.Settle, in.Endpoint, in.Title = "never", "ftp://x", "a\x00b"
				in.ContractFrom, in.ContractTo = day, day
			},
			class: fault.ClassInvalid, paths: []string{"title", "settle", "endpoint", "contract_to"},
		},
		"UserInEndpoint": {
			reason: "an endpoint is no place for a password", as: w.As(w.Root),
			edit:  func(in *provider.RegisterInput) { in.Endpoint = "https://u:p@cloud.example" },
			class: fault.ClassInvalid, paths: []string{"endpoint"},
		},
		"Reseller": {reason: "only the operator registers", as: w.As(w.Reseller), class: fault.ClassForbidden},
		"Customer": {reason: "only the operator registers", as: w.As(w.Customer), class: fault.ClassForbidden},
		"Auditor":  {reason: "an auditor reads only", as: w.As(w.Root, access.RoleAuditor), class: fault.ClassForbidden},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := good
			if c.edit != nil {
				c.edit(&in)
			}
			p, err := w.Providers.Register(t.Context(), c.as, in)
			wantClass(t, c.reason, err, c.class)
			if diff := cmp.Diff(c.paths, paths(err)); diff != "" {
				t.Errorf("%s: fields (-want +got):\n%s", c.reason, diff)
			}
			if err == nil && (p.State != provider.StateActive || p.Title != "Test Cloud" || p.Settle != "realtime" || p.Rev == 0) {
				t.Errorf("%s: registered %+v", c.reason, p)
			}
		})
	}
}

func TestProviderUpdateAndVisibility(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	for _, c := range []struct {
		reason string
		as     access.Caller
		class  fault.Class
	}{
		{"the operator sees its provider", w.As(w.Root), 0},
		{"the provider's own org sees itself", w.As(w.Commercial), 0},
		{"without a grant it does not exist", w.As(w.Reseller), fault.ClassNotFound},
		{"in another root it does not exist", w.As(w.Foreign), fault.ClassNotFound},
	} {
		_, err := w.Providers.Provider(ctx, c.as, p.ID)
		wantClass(t, c.reason, err, c.class)
	}
	w.Grant(p, w.Root, w.Reseller, false)
	seen, err := w.Providers.Provider(ctx, w.As(w.Reseller), p.ID)
	wantClass(t, "a granted provider is seen", err, 0)
	if seen.Endpoint != "" || seen.Settle != "" {
		t.Errorf("a reseller sees the operator's terms: %+v", seen)
	}
	if _, err := w.Providers.Update(ctx, w.As(w.Reseller), provider.UpdateInput{ID: p.ID, Title: "Mine"}); !fault.Is(err, fault.ClassNotFound) && !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("a reseller changed the provider: %v", err)
	}
	up, err := w.Providers.Update(ctx, w.As(w.Root), provider.UpdateInput{ID: p.ID, Rev: p.Rev, Title: "New", Settle: "period"})
	wantClass(t, "the operator changes it", err, 0)
	if up.Title != "New" || up.Settle != "period" || up.Rev != p.Rev+1 {
		t.Errorf("updated to %+v", up)
	}
	_, err = w.Providers.Update(ctx, w.As(w.Root), provider.UpdateInput{ID: p.ID, Rev: p.Rev, Title: "Late"})
	wantClass(t, "a stale revision is refused", err, fault.ClassConflict)
	page, err := w.Providers.Providers(ctx, w.As(w.Foreign), provider.ProviderFilter{Limit: 10})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("another root lists %d providers, error %v", len(page.Items), err)
	}
	page, err = w.Providers.Providers(ctx, w.As(w.Reseller), provider.ProviderFilter{Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("the reseller lists %d providers, error %v", len(page.Items), err)
	}
}

func TestGrantRules(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	cases := []struct {
		reason   string
		as       access.Caller
		from, to string
		class    fault.Class
	}{
		{"a reseller without a grant has nothing to grant", w.As(w.Reseller), "", w.Sub.ID, fault.ClassNotFound},
		{"nobody grants to itself", w.As(w.Root), "", w.Root.ID, fault.ClassInvalid},
		{"a provider org is no buyer", w.As(w.Root), "", w.Commercial.ID, fault.ClassInvalid},
		{"another root does not exist", w.As(w.Root), "", w.Foreign.ID, fault.ClassInvalid},
		{"another root's operator has no such provider", w.As(w.Foreign), "", w.Foreign.ID, fault.ClassNotFound},
		{"a customer grants nothing", w.As(w.Customer), "", w.Customer.ID, fault.ClassForbidden},
		{"the operator grants to a reseller", w.As(w.Root), "", w.Reseller.ID, 0},
		{"one grant at a time", w.As(w.Root), "", w.Reseller.ID, fault.ClassConflict},
		{"nobody grants in another's name", w.As(w.Sub), w.Reseller.ID, w.SubCustomer.ID, fault.ClassNotFound},
		{"the reseller grants below itself", w.As(w.Reseller), "", w.Sub.ID, 0},
		{"but not beside itself", w.As(w.Sub), "", w.Customer.ID, fault.ClassInvalid},
		{"the sub-reseller passes it on", w.As(w.Sub), "", w.SubCustomer.ID, 0},
		{"a deeper org can be granted directly", w.As(w.Root), "", w.Customer.ID, 0},
	}
	for _, c := range cases {
		_, err := w.Providers.Grant(t.Context(), c.as, provider.GrantInput{ProviderID: p.ID, From: c.from, To: c.to})
		wantClass(t, c.reason, err, c.class)
	}
	for _, c := range []struct {
		reason string
		as     access.Caller
		want   int
	}{
		{"the operator sees all grants below", w.As(w.Root), 4},
		{"the reseller sees its own and those below", w.As(w.Reseller), 4},
		{"the sub-reseller sees its own and its customer's", w.As(w.Sub), 2},
		{"a customer sees its own", w.As(w.Customer), 1},
		{"another root sees none", w.As(w.Foreign), 0},
	} {
		page, err := w.Providers.Grants(t.Context(), c.as, provider.GrantFilter{Limit: 50})
		if err != nil || len(page.Items) != c.want {
			t.Errorf("%s: %d grants, error %v, want %d", c.reason, len(page.Items), err, c.want)
		}
	}
}

func TestRevokeCascades(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	w.Enable(p, w.Root, providertest.Key("master"), true)
	top := w.Grant(p, w.Root, w.Reseller, false)
	w.Grant(p, w.Reseller, w.Sub, true)
	w.Grant(p, w.Sub, w.SubCustomer, true)
	aside := w.Grant(p, w.Root, w.Customer, false)
	e := []provider.Enablement{
		w.Enable(p, w.Reseller, providertest.Key("reseller"), true),
		w.Enable(p, w.Sub, nil, true),
		w.Enable(p, w.SubCustomer, nil, false),
	}
	own := w.Enable(p, w.Customer, providertest.Key("customer"), false)
	if got := serves(t, w, p, w.SubCustomer, provider.PurposeOrder); got != "reseller" {
		t.Fatalf("shared through two grants the account is %q", got)
	}
	_, err := w.Providers.Revoke(ctx, w.As(w.Sub), top.ID, 0)
	wantClass(t, "only the granter revokes", err, fault.ClassNotFound)
	_, err = w.Providers.Revoke(ctx, w.As(w.Foreign), top.ID, 0)
	wantClass(t, "another root does not see it", err, fault.ClassNotFound)
	got, err := w.Providers.Revoke(ctx, w.As(w.Root), top.ID, top.Rev)
	wantClass(t, "revoke", err, 0)
	if got.State != provider.StateRevoked || got.Revoked.IsZero() {
		t.Errorf("revoked: %+v", got)
	}
	for i, x := range e {
		after, err := w.Providers.Enablement(ctx, w.As(w.Root), x.ID)
		if err != nil || after.State != provider.StateRevoked {
			t.Errorf("enablement %d below the grant is %s, error %v", i, after.State, err)
		}
	}
	after, _ := w.Providers.Enablement(ctx, w.As(w.Root), own.ID)
	if after.State != provider.StateActive {
		t.Errorf("an enablement by another grant became %s", after.State)
	}
	if g, _ := w.Providers.GetGrant(ctx, w.As(w.Root), aside.ID); g.State != provider.StateActive {
		t.Errorf("a grant beside became %s", g.State)
	}
	for purpose, want := range map[provider.Purpose]string{
		provider.PurposeOrder: "precondition", provider.PurposeOperate: "precondition", provider.PurposeWindDown: "reseller",
	} {
		if got := serves(t, w, p, w.SubCustomer, purpose); got != want && purpose != provider.PurposeWindDown {
			t.Errorf("after the revocation, %s is served by %q, want %q", purpose, got, want)
		}
		w.View(func(r store.Reader) {
			a, err := w.Providers.CallVia(ctx, r, w.SubCustomer.ID, e[2].ID, purpose)
			if purpose == provider.PurposeWindDown && (err != nil || a.EnablementID != e[2].ID) {
				t.Errorf("what exists cannot be released: %v", err)
			}
			if purpose != provider.PurposeWindDown {
				wantClass(t, "a revoked account does nothing but wind down", err, fault.ClassPrecondition)
			}
		})
	}
	again, err := w.Providers.Revoke(ctx, w.As(w.Root), top.ID, 0)
	wantClass(t, "revoking twice changes nothing", err, 0)
	if again.Rev != got.Rev {
		t.Errorf("the second revocation wrote revision %d", again.Rev)
	}
	_, err = w.Providers.Resume(ctx, w.As(w.Reseller), e[0].ID, 0)
	wantClass(t, "a revoked enablement stays so", err, fault.ClassPrecondition)
	w.Grant(p, w.Root, w.Reseller, false)
	w.Enable(p, w.Reseller, providertest.Key("again"), true)
	if got := serves(t, w, p, w.SubCustomer, provider.PurposeOrder); got != "precondition" {
		t.Errorf("a new grant above revives a revoked branch below: %q", got)
	}
	if got := serves(t, w, p, w.Second, provider.PurposeOrder); got != "again" {
		t.Errorf("after a new grant the customer is served by %q", got)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	w.Grant(p, w.Root, w.Reseller, false)
	w.View(func(r store.Reader) {
		for org, want := range map[string]int{w.Root.ID: 2, w.Reseller.ID: 1, w.Commercial.ID: 1, w.Customer.ID: 0} {
			got, err := w.Providers.Holds(r, org)
			if err != nil || len(got) != want {
				t.Errorf("org is held by %q, error %v, want %d", got, err, want)
			}
		}
	})
	err := w.Tenants.DeleteOrg(t.Context(), access.System(w.Root.ID), w.Second.ID, 0)
	wantClass(t, "an org that nothing holds can go", err, 0)
}
