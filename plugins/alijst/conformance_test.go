package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// buying are the actions that the suite makes fail.
func buying() []string {
	return []string{
		"CreateApp", "CreateDeployConfig", "CreateEnvironment", "CreatePersistentVolumeClaim", "CreateService", "CreatePersistentVolume",
	}
}

// failing lets the simulator fail as the suite wants.
type failing struct{ cloud *sim.Cloud }

// LoseAnswers closes the connection after each creation.
func (f failing) LoseAnswers(context.Context) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindDrop, After: true, Actions: buying()})
}

// Delay makes every action wait.
func (f failing) Delay(_ context.Context, d time.Duration) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindLatency, DelayMS: int(d.Milliseconds())})
}

// Refuse answers each creation with a code of the cloud that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	numbers := map[fault.Class]int{
		fault.ClassForbidden: 3, fault.ClassNotFound: 1001, fault.ClassConflict: 1002, fault.ClassInvalid: 1003, fault.ClassOutOfStock: 1004,
		fault.ClassInsufficientBalance: 1005, fault.ClassUnavailable: 1500,
	}
	words := map[fault.Class]string{
		fault.ClassUnauthenticated: "SignatureDoesNotMatch", fault.ClassThrottled: "Throttling.User", fault.ClassQuota: "QuotaExceeded",
		fault.ClassUnsupported: "InvalidAction.NotFound",
	}
	number, word := numbers[class], words[class]
	if number == 0 && word == "" {
		return fault.Unsupported("the cloud refuses no creation with the class %s", class)
	}
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindRetCode, RetCode: number, ErrorCode: word, Message: "refused", Actions: buying()})
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error { return f.cloud.SetFaults() }

var update = flag.Bool("update", false, "write the conformance result into README.md")

// simulated is a simulator for the suite, with its clock and the time of one
// step. Orders of the suite need an application, an environment and a cluster,
// which are made before.
func simulated(t *testing.T, clk clock.Clock, advance func(time.Duration), step time.Duration) conformance.Fixture {
	t.Helper()
	login := httptest.NewUnstartedServer(nil)
	cloud, err := sim.New(sim.Config{
		Now: clk.Now, TransitionMS: int(step.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", AccessKeyID: "key-one", AccessKeySecret: "marker-one-secret-6c1e"},
			{Name: "two", AccessKeyID: "key-two", AccessKeySecret: "marker-two-secret-88d4"},
		},
		SignIn: sim.SignIn{
			AppID: "app-one", AppSecret: "marker-sign-secret-33e0", AllowHosts: []string{"mall.example"}, PageURL: "https://login.example",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	login.Config.Handler = cloud.SignIn()
	login.Start()
	srv := httptest.NewServer(cloud)
	t.Cleanup(func() { srv.Close(); login.Close() })
	account := func(id, key, text string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL,
			Settings: map[string]string{
				"access_key_id": key, "rds_instances": rds, "zone_hours": "0", "replica_price": "99.90", "sign_in_url": login.URL,
				"sign_in_app_id": "app-one", "sign_in_targets": "https://mall.example/", "sign_in_page_url": "https://login.example",
			},
			Credentials: map[string]secret.Value{"access_key_secret": secret.New(text), "sign_in_app_secret": secret.New("marker-sign-secret-33e0")},
		}
	}
	f := conformance.Fixture{
		Account: account("a1", "key-one", "marker-one-secret-6c1e"),
		Other:   account("a2", "key-two", "marker-two-secret-88d4"),
		Wrong:   account("a1", "key-one", "marker-wrong-secret-02b7"),
		Region:  home, Now: clk.Now, Cloud: failing{cloud},
	}
	s := prepare(t, f.Account, clk, advance)
	f.Kinds = map[string]conformance.Kind{
		kindApp: {
			Name: "shop", Spec: json.RawMessage(`{"language":"Java","description":"a shop"}`), Update: json.RawMessage(`{"language":"PHP"}`), Term: forOnce(),
			Actions: map[string]json.RawMessage{"destroy": json.RawMessage(`{"confirm":"x"}`)},
		},
		kindConfig:      {Name: "main", Spec: json.RawMessage(fmt.Sprintf(`{"app_id":%q}`, s.app)), Term: forOnce()},
		kindEnvironment: {Name: "live", Spec: json.RawMessage(s.environment(2)), Term: month(1), Actions: map[string]json.RawMessage{"scale": json.RawMessage(`{"replicas":3}`), "destroy": json.RawMessage(`{"confirm":"x"}`)}},
		kindClaim:       {Name: "data", Spec: json.RawMessage(s.in(`"capacity":"10Gi","storage_class":"nas"`)), Term: forOnce()},
		kindService: {
			Name: "web", Spec: json.RawMessage(s.in(`"ports":[` + aPort + `]`)), Term: forOnce(), Actions: map[string]json.RawMessage{"rename": json.RawMessage(`{"name":"front"}`)},
		},
		kindVolume: {Name: "disk", Spec: json.RawMessage(s.on(`"mount_target":"nas.example","capacity":"10Gi","storage_class":"nas"`)), Term: forOnce(), Many: 110},
	}
	return f
}

// prepare makes what orders of the suite need through a plugin of its own.
func prepare(t *testing.T, a provider.Account, clk clock.Clock, advance func(time.Duration)) stage {
	t.Helper()
	p := newPlugin(clk, retry.Policy{})
	w := &world{Client: plugintest.Start(t, p), plugin: p}
	call := provider.Call{Org: "o", RootOrg: "o", Account: a, Region: home}
	made := func(kind, spec string) string {
		change, err := w.Create(t.Context(), provider.CreateRequest{
			Call: call, Token: "base-" + kind, Kind: kind, Name: "base", Spec: json.RawMessage(spec), Term: month(1),
		})
		if err != nil {
			t.Fatalf("making the base %s: %v", kind, err)
		}
		return change.Resource.ID
	}
	s := stage{world: w}
	s.app = made(kindApp, `{}`)
	s.config = made(kindConfig, fmt.Sprintf(`{"app_id":%q}`, s.app))
	s.env = made(kindEnvironment, s.environment(1))
	s.cluster = made(kindCluster, aCluster)
	advance(transition)
	return s
}

// longList is a cloud of its own with an account that has many applications.
func longList(t *testing.T) *conformance.Big {
	t.Helper()
	began := time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
	cloud, err := sim.New(sim.Config{
		Now:      func() time.Time { return began },
		Accounts: []sim.Account{{Name: "bulk", AccessKeyID: "key-bulk", AccessKeySecret: "marker-bulk-secret-51aa", Apps: bulk}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	a := provider.Account{
		ID: "a3", Endpoint: srv.URL, Settings: map[string]string{"access_key_id": "key-bulk"},
		Credentials: map[string]secret.Value{"access_key_secret": secret.New("marker-bulk-secret-51aa")},
	}
	return &conformance.Big{Account: a, Stream: conformance.StreamList, Kind: kindApp, Rows: bulk}
}

// TestConformance runs the suite against the simulator; both share a clock.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	f := simulated(t, clk, clk.Advance, transition)
	f.Advance = clk.Advance
	if !testing.Short() {
		f.Big = longList(t)
	}
	big := f.Big
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}), nil
		},
		Fixture: f,
	})
	if testing.Short() || raced {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		f := simulated(t, clock.Real{}, func(time.Duration) {}, -time.Millisecond) // at once: polls are three seconds apart
		f.Big = big
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "alijst"), Fixture: f}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
