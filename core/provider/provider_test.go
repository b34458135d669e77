package provider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
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

func TestEnable(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	key := providertest.Key("own")
	in := provider.EnableInput{ProviderID: p.ID, Credentials: key}
	_, err := w.Providers.Enable(ctx, w.As(w.Reseller), in)
	wantClass(t, "without a grant the provider does not exist", err, fault.ClassNotFound)
	w.Grant(p, w.Root, w.Reseller, false)
	w.Grant(p, w.Reseller, w.Customer, true)

	for _, c := range []struct {
		reason string
		as     access.Caller
		edit   func(*provider.EnableInput)
		class  fault.Class
		paths  []string
	}{
		{"a plugin's required secret is asked for", w.As(w.Reseller), func(in *provider.EnableInput) { in.Credentials = nil }, fault.ClassInvalid, []string{"credentials.private_key"}},
		{"a secret must fit the schema", w.As(w.Reseller), func(in *provider.EnableInput) {
			in.Credentials = map[string]secret.Value{"private_key": secret.New("MARK")}
		}, fault.ClassInvalid, []string{"credentials.private_key"}},
		{"what is not secret is a setting", w.As(w.Reseller), func(in *provider.EnableInput) {
			in.Credentials = map[string]secret.Value{"private_key": secret.New("12345678"), "public_key": secret.New("x")}
		}, fault.ClassInvalid, []string{"credentials.public_key"}},
		{"a covered org is a customer below", w.As(w.Reseller), func(in *provider.EnableInput) { in.CoversCustomers = []string{w.Sub.ID, w.Customer.ID} }, fault.ClassInvalid, []string{"covers_customers[0]"}},
		{"all and some is one too many", w.As(w.Reseller), func(in *provider.EnableInput) { in.CoversAll, in.CoversCustomers = true, []string{w.Customer.ID} }, fault.ClassInvalid, []string{"covers_customers"}},
		{"a customer covers nobody", w.As(w.Customer), func(in *provider.EnableInput) { in.CoversAll = true }, fault.ClassInvalid, []string{"covers_customers"}},
		{"nobody enables for another org", w.As(w.Reseller), func(in *provider.EnableInput) { in.OrgID = w.Customer.ID }, fault.ClassForbidden, nil},
		{"nor in another root", w.As(w.Foreign), func(in *provider.EnableInput) { in.OrgID = w.Reseller.ID }, fault.ClassNotFound, nil},
		{"a customer user may not", w.As(w.Customer, access.RoleCustomerUser), nil, fault.ClassForbidden, nil},
		{"the granter must have an account to share", w.As(w.Customer), func(in *provider.EnableInput) { in.Credentials = nil }, fault.ClassPrecondition, nil},
	} {
		x := in
		if c.edit != nil {
			c.edit(&x)
		}
		_, err := w.Providers.Enable(ctx, c.as, x)
		wantClass(t, c.reason, err, c.class)
		if diff := cmp.Diff(c.paths, paths(err)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", c.reason, diff)
		}
		if err != nil && strings.Contains(err.Error(), "MARK") {
			t.Errorf("%s: the error repeats a secret: %v", c.reason, err)
		}
	}
	e, err := w.Providers.Enable(ctx, w.As(w.Reseller), in)
	wantClass(t, "the org's admin enables", err, 0)
	if e.State != provider.StatePending || !e.Checking || len(e.CredentialNames) != 0 {
		t.Errorf("before its check the enablement is %+v", e)
	}
	_, err = w.Providers.Enable(ctx, w.As(w.Reseller), in)
	wantClass(t, "one enablement per org and provider", err, fault.ClassConflict)
	w.Jobs.Run(t)
	e, err = w.Providers.Enablement(ctx, w.As(w.Reseller), e.ID)
	wantClass(t, "it can be read", err, 0)
	if e.State != provider.StateActive || e.Checking || e.Account != "acct-1" || !cmp.Equal(e.CredentialNames, []string{"private_key"}) {
		t.Errorf("after its check the enablement is %+v", e)
	}
	got := w.Cloud.Checks()
	if len(got) != 1 || got[0].Call.Account.Credentials["private_key"].Reveal() != providertest.Marker+"-own" ||
		got[0].Call.Account.Endpoint != p.Endpoint || got[0].Call.Org != w.Reseller.ID {
		t.Errorf("the cloud was asked %d times, first %+v", len(got), got)
	}
}

func TestCheckOutcomes(t *testing.T) {
	t.Parallel()
	refuse := func(contract.CheckRequest) (contract.CheckResponse, error) {
		return contract.CheckResponse{Problem: "key " + providertest.Marker + "-new is disabled", Details: []string{"seen " + providertest.Marker + "-new"}}, nil
	}
	cases := map[string]struct {
		reason  string
		answer  func(contract.CheckRequest) (contract.CheckResponse, error)
		runs    int
		state   provider.State
		problem string
		retried bool
	}{
		"Refused": {"bad credentials are an answer", refuse, 1, provider.StateFailed, "key ****** is disabled", false},
		"Unauthenticated": {"some plugins answer with a fault", func(contract.CheckRequest) (contract.CheckResponse, error) {
			return contract.CheckResponse{}, fault.Unauthenticated("bad key")
		}, 1, provider.StateFailed, "bad key", false},
		"Unavailable": {"a cloud that is down is asked again", func(contract.CheckRequest) (contract.CheckResponse, error) {
			return contract.CheckResponse{}, fault.Unavailable("down")
		}, 1, provider.StatePending, "", true},
		"GivenUp": {"but not for ever", func(contract.CheckRequest) (contract.CheckResponse, error) {
			return contract.CheckResponse{}, fault.Unavailable("down")
		}, 6, provider.StateFailed, "the check could not be made: down", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := providertest.New(t)
			p := w.Register()
			w.Cloud.Set(func(x *providertest.Cloud) { x.OnCheck = c.answer })
			e, err := w.Providers.Enable(t.Context(), w.As(w.Root), provider.EnableInput{ProviderID: p.ID, Credentials: providertest.Key("new")})
			wantClass(t, "enable", err, 0)
			j := w.Jobs.Take()[0]
			for i := range c.runs {
				j.Failures = i
				err = w.Jobs.Do(j)
			}
			if (err != nil) != c.retried {
				t.Errorf("%s: the job ended with %v", c.reason, err)
			}
			if err != nil && strings.Contains(err.Error(), providertest.Marker) {
				t.Errorf("%s: the job's error holds a secret: %v", c.reason, err)
			}
			e, err = w.Providers.Enablement(t.Context(), w.As(w.Root), e.ID)
			wantClass(t, c.reason, err, 0)
			if e.State != c.state || e.Problem != c.problem || strings.Contains(fmt.Sprint(e.Notes), providertest.Marker) {
				t.Errorf("%s: state %s, problem %q, notes %q", c.reason, e.State, e.Problem, e.Notes)
			}
		})
	}
}

func TestReplaceCredentials(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	e := w.Enable(p, w.Root, providertest.Key("old"), true)
	key := func() string {
		var got string
		w.View(func(r store.Reader) {
			a, err := w.Providers.CallFor(ctx, r, w.Customer.ID, p.ID, provider.PurposeOrder)
			if err != nil {
				t.Fatal(err)
			}
			got = a.Call.Account.Credentials["private_key"].Reveal()
		})
		return got
	}
	w.Cloud.Set(func(x *providertest.Cloud) {
		x.OnCheck = func(r contract.CheckRequest) (contract.CheckResponse, error) {
			ok := strings.HasSuffix(r.Call.Account.Credentials["private_key"].Reveal(), "good")
			return contract.CheckResponse{OK: ok, Account: "acct-2", Problem: "no"}, nil
		}
	})
	for _, c := range []struct {
		reason, give, want, problem string
	}{
		{"refused credentials do not displace good ones", "bad", "old", "the new credentials were refused, the old ones stay in use: no"},
		{"accepted ones do", "good", "good", ""},
	} {
		got, err := w.Providers.ReplaceCredentials(ctx, w.As(w.Root), e.ID, 0, providertest.Key(c.give))
		wantClass(t, c.reason, err, 0)
		if got.State != provider.StateActive || !got.Checking {
			t.Errorf("%s: while checking it is %+v", c.reason, got)
		}
		w.Jobs.Run(t)
		after, err := w.Providers.Enablement(ctx, w.As(w.Root), e.ID)
		wantClass(t, c.reason, err, 0)
		if after.State != provider.StateActive || after.Problem != c.problem || key() != providertest.Marker+"-"+c.want {
			t.Errorf("%s: state %s, problem %q, key %q", c.reason, after.State, after.Problem, key())
		}
	}
	after, _ := w.Providers.Enablement(ctx, w.As(w.Root), e.ID)
	if len(after.Notes) != 1 || !strings.Contains(after.Notes[0], "acct-1") {
		t.Errorf("a change of account is not noted: %q", after.Notes)
	}
	_, err := w.Providers.ReplaceCredentials(ctx, w.As(w.Foreign), e.ID, 0, providertest.Key("x"))
	wantClass(t, "another root does not see it", err, fault.ClassNotFound)
}

func TestLateCheckDoesNotDecideNewCredentials(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	e, err := w.Providers.Enable(t.Context(), w.As(w.Root), provider.EnableInput{ProviderID: p.ID, Credentials: providertest.Key("first")})
	wantClass(t, "enable", err, 0)
	w.Cloud.Set(func(x *providertest.Cloud) {
		x.OnCheck = func(contract.CheckRequest) (contract.CheckResponse, error) {
			x.Set(func(x *providertest.Cloud) { x.OnCheck = nil })
			_, err := w.Providers.ReplaceCredentials(t.Context(), w.As(w.Root), e.ID, 0, providertest.Key("second"))
			wantClass(t, "replace during the check", err, 0)
			return contract.CheckResponse{Problem: "the first key is bad"}, nil
		}
	})
	if err := w.Jobs.Do(w.Jobs.Take()[0]); err != nil {
		t.Fatal(err)
	}
	got, _ := w.Providers.Enablement(t.Context(), w.As(w.Root), e.ID)
	if got.State != provider.StatePending || !got.Checking {
		t.Errorf("the verdict on old credentials was applied to new ones: %+v", got)
	}
	w.Jobs.Run(t)
	got, _ = w.Providers.Enablement(t.Context(), w.As(w.Root), e.ID)
	if got.State != provider.StateActive {
		t.Errorf("after its own check it is %+v", got)
	}
}

// waitFor polls until ok, at most ten seconds.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("waited too long")
		}
	}
}

func TestAwaitCheck(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	e, err := w.Providers.Enable(t.Context(), w.As(w.Root), provider.EnableInput{ProviderID: p.ID, Credentials: providertest.Key("k")})
	wantClass(t, "enable", err, 0)
	got := make(chan provider.Enablement, 1)
	wait := func() {
		out, err := w.Providers.AwaitCheck(t.Context(), w.As(w.Root), e.ID, 5*time.Second)
		if err != nil {
			t.Error(err)
		}
		got <- out
	}
	go wait()
	waitFor(t, func() bool { return w.Clock.Waiters() > 0 })
	w.Clock.Advance(6 * time.Second)
	if out := <-got; !out.Checking {
		t.Errorf("when time runs out the enablement is %+v", out)
	}
	go wait()
	waitFor(t, func() bool { return w.Clock.Waiters() > 0 })
	w.Jobs.Run(t)
	if out := <-got; out.State != provider.StateActive {
		t.Errorf("after the check the enablement is %+v", out)
	}
}

// serves says which account serves a buyer: the key's name, or the class of
// the refusal.
func serves(t *testing.T, w *providertest.World, p provider.Provider, org tenant.Org, purpose provider.Purpose) string {
	t.Helper()
	var out string
	w.View(func(r store.Reader) {
		a, err := w.Providers.CallFor(t.Context(), r, org.ID, p.ID, purpose)
		if err != nil {
			out = fault.ClassOf(err).String()
			return
		}
		out = strings.TrimPrefix(a.Call.Account.Credentials["private_key"].Reveal(), providertest.Marker+"-")
		if a.Call.Org != org.ID || a.Call.RootOrg != w.Root.ID || a.Plugin != "cloud" {
			t.Errorf("the call is %+v", a)
		}
	})
	return out
}

func TestCallForNearest(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	order := func(reason string, org tenant.Org, want string) {
		t.Helper()
		if got := serves(t, w, p, org, provider.PurposeOrder); got != want {
			t.Errorf("%s: served by %q, want %q", reason, got, want)
		}
	}
	order("nothing is enabled yet", w.Customer, "precondition")
	w.Enable(p, w.Root, providertest.Key("master"), false)
	order("the operator has its own", w.Root, "master")
	order("an enablement that covers nobody else serves nobody else", w.Customer, "precondition")
	w.Grant(p, w.Root, w.Reseller, false)
	e := w.Enable(p, w.Reseller, providertest.Key("reseller"), false, w.Customer.ID)
	order("a named customer is covered", w.Customer, "reseller")
	order("the other customer is not", w.Second, "precondition")
	order("nor is the sub-reseller", w.Sub, "precondition")
	_, err := w.Providers.Change(ctx, w.As(w.Reseller), provider.ChangeInput{ID: e.ID, CoversAll: true})
	wantClass(t, "cover all", err, 0)
	order("now every customer below is", w.SubCustomer, "reseller")
	order("but a reseller below needs its own", w.Sub, "precondition")
	w.Grant(p, w.Reseller, w.Customer, true)
	w.Enable(p, w.Customer, nil, false)
	order("a shared account is the granter's", w.Customer, "reseller")
	_, err = w.Providers.Disable(ctx, w.As(w.Reseller), e.ID, 0)
	wantClass(t, "disable the owner", err, 0)
	order("with its owner disabled a shared account takes no orders", w.Customer, "precondition")
	_, err = w.Providers.Resume(ctx, w.As(w.Reseller), e.ID, 0)
	wantClass(t, "resume the owner", err, 0)
	w.Jobs.Run(t)
	w.Grant(p, w.Reseller, w.Sub, false)
	sub := w.Enable(p, w.Sub, providertest.Key("sub"), true)
	order("the nearest enablement wins", w.SubCustomer, "sub")
	_, err = w.Providers.Disable(ctx, w.As(w.Sub), sub.ID, 0)
	wantClass(t, "disable", err, 0)
	order("a disabled one is not passed over", w.SubCustomer, "precondition")
	if got := serves(t, w, p, w.SubCustomer, provider.PurposeOperate); got != "sub" {
		t.Errorf("what exists under a disabled enablement is operated by %q", got)
	}
	_, err = w.Providers.Resume(ctx, w.As(w.Sub), sub.ID, 0)
	wantClass(t, "resume", err, 0)
	order("resumed it waits for its check, and others serve meanwhile", w.SubCustomer, "reseller")
	w.Jobs.Run(t)
	order("then it serves again", w.SubCustomer, "sub")
	w.View(func(r store.Reader) {
		_, err := w.Providers.CallFor(ctx, r, w.Foreign.ID, p.ID, provider.PurposeOrder)
		wantClass(t, "another root has no such provider", err, fault.ClassNotFound)
	})
}

func TestCallForFollowsAMove(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	w.Enable(p, w.Root, providertest.Key("master"), true)
	w.Grant(p, w.Root, w.Sub, false)
	w.Enable(p, w.Sub, providertest.Key("sub"), true)
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Fatalf("before the move served by %q", got)
	}
	_, err := w.Tenants.MoveOrg(t.Context(), access.System(w.Root.ID), tenant.MoveOrgInput{OrgID: w.Customer.ID, ParentID: w.Sub.ID})
	wantClass(t, "move", err, 0)
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "sub" {
		t.Errorf("after the move served by %q", got)
	}
}

func TestProviderStateAndContract(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Serve()
	check := func(reason, order, operate string) {
		t.Helper()
		if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != order {
			t.Errorf("%s: orders served by %q, want %q", reason, got, order)
		}
		if got := serves(t, w, p, w.Customer, provider.PurposeOperate); got != operate {
			t.Errorf("%s: operated by %q, want %q", reason, got, operate)
		}
	}
	check("active", "master", "master")
	_, err := w.Providers.SetProviderState(ctx, w.As(w.Root), p.ID, provider.StateDisabled, 0)
	wantClass(t, "disable", err, 0)
	check("a disabled provider takes no orders", "precondition", "master")
	_, err = w.Providers.SetProviderState(ctx, w.As(w.Root), p.ID, provider.StateActive, 0)
	wantClass(t, "resume", err, 0)
	end := w.Clock.Now().Add(time.Hour)
	_, err = w.Providers.Update(ctx, w.As(w.Root), provider.UpdateInput{ID: p.ID, ContractTo: end})
	wantClass(t, "set the contract", err, 0)
	check("within the contract", "master", "master")
	w.Clock.Set(end)
	check("the contract is half-open: its end is outside", "precondition", "master")
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

func TestResealAndCache(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	before := w.Sealer.Opens()
	for range 10 {
		if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
			t.Fatalf("served by %q", got)
		}
	}
	if n := w.Sealer.Opens() - before; n > 1 {
		t.Errorf("the same account was opened %d times", n)
	}
	w.Sealer.Rotate(t)
	n, err := w.Providers.Reseal(t.Context())
	if err != nil || n != 1 {
		t.Fatalf("resealed %d, error %v", n, err)
	}
	w.Sealer.Forget()
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Errorf("after the rotation served by %q", got)
	}
}

func TestGivenMapIsACopy(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	w.View(func(r store.Reader) {
		a, err := w.Providers.CallFor(t.Context(), r, w.Customer.ID, p.ID, provider.PurposeOrder)
		if err != nil {
			t.Fatal(err)
		}
		delete(a.Call.Account.Credentials, "private_key")
		a.Call.Account.Settings["x"] = "y"
	})
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Errorf("one caller changed another's credentials: %q", got)
	}
}

// TestSecretsStayInside looks for the marker everywhere but in the opened call.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Serve()
	w.Grant(p, w.Root, w.Reseller, true)
	w.Cloud.Set(func(x *providertest.Cloud) {
		x.OnCheck = func(r contract.CheckRequest) (contract.CheckResponse, error) {
			return contract.CheckResponse{OK: true, Account: r.Call.Account.Credentials["private_key"].Reveal()}, nil
		}
	})
	w.Enable(p, w.Reseller, providertest.Key("reseller"), true)
	var out bytes.Buffer
	see := func(v any, err error) {
		_ = json.NewEncoder(&out).Encode(v)
		_, _ = fmt.Fprintf(&out, "%v %+v %#v %v\n", v, v, v, err)
	}
	see2 := func(reason string, fn func() (any, error)) {
		v, err := fn()
		see(v, err)
		if strings.Contains(out.String(), providertest.Marker) {
			t.Errorf("%s shows a secret: %s", reason, out.String())
		}
		out.Reset()
	}
	see2("list", func() (any, error) {
		return w.Providers.Enablements(ctx, w.As(w.Root), provider.EnablementFilter{Limit: 10})
	})
	see2("providers", func() (any, error) {
		return w.Providers.Providers(ctx, w.As(w.Root), provider.ProviderFilter{Limit: 10})
	})
	see2("enable twice", func() (any, error) {
		return w.Providers.Enable(ctx, w.As(w.Reseller), provider.EnableInput{ProviderID: p.ID, Credentials: providertest.Key("x")})
	})
	w.View(func(r store.Reader) {
		see2("the opened call, printed", func() (any, error) {
			return w.Providers.CallFor(ctx, r, w.Customer.ID, p.ID, provider.PurposeOrder)
		})
		see2("audit", func() (any, error) { return audit.List(r, audit.Query{Root: w.Root.ID, Limit: 100}) })
	})
	var file bytes.Buffer
	if _, err := w.Store.Backup(ctx, &file); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file.Bytes(), []byte(providertest.Marker)) {
		t.Error("the store's file holds a secret in the clear")
	}
}

func TestSealedTextsCannotBeSwapped(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	sealed, err := w.Sealer.Seal([]byte(`{}`), []byte("enablement/a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sealer.Open(sealed, []byte("enablement/b")); err == nil {
		t.Error("a sealed text opens under another id")
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
	err := w.Tenants.DeleteOrg(context.Background(), access.System(w.Root.ID), w.Second.ID, 0)
	wantClass(t, "an org that nothing holds can go", err, 0)
}
