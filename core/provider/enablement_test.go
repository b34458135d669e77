package provider_test

import (
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
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
)

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
				err = w.Jobs.Do(t.Context(), j)
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

// TestAnotherAccountIsRefusedWhileThingsLiveInIt: a server that is looked for in
// the wrong account is not found, and would pass for released.
func TestAnotherAccountIsRefusedWhileThingsLiveInIt(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		lives   bool
		account string
		refused bool
	}{
		"Other":   {"another account is refused while something lives in the old one", true, "acct-2", true},
		"Empty":   {"an account with nothing in it may become another", false, "acct-2", false},
		"Same":    {"new credentials of the same account are welcome", true, "acct-1", false},
		"Unknown": {"a cloud that does not tell its account refuses nobody", true, "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := providertest.New(t)
			e := w.Enable(w.Register(), w.Root, providertest.Key("old"), true)
			w.Providers.AddUser(func(_ store.Reader, id string) (bool, error) { return tc.lives && id == e.ID, nil })
			w.Cloud.Set(func(x *providertest.Cloud) {
				x.OnCheck = func(contract.CheckRequest) (contract.CheckResponse, error) {
					return contract.CheckResponse{OK: true, Account: tc.account}, nil
				}
			})
			_, err := w.Providers.ReplaceCredentials(t.Context(), w.As(w.Root), e.ID, 0, providertest.Key("new"))
			wantClass(t, tc.reason, err, 0)
			w.Jobs.Run(t)
			after, err := w.Providers.Enablement(t.Context(), w.As(w.Root), e.ID)
			wantClass(t, tc.reason, err, 0)
			if refused := strings.Contains(after.Problem, "acct-1"); refused != tc.refused || after.State != provider.StateActive {
				t.Errorf("%s: state %s, problem %q", tc.reason, after.State, after.Problem)
			}
		})
	}
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
	if err := w.Jobs.Do(t.Context(), w.Jobs.Take()[0]); err != nil {
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
