package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// failing lets the simulator fail as the suite wants.
type failing struct{ cloud *sim.Cloud }

// LoseAnswers closes the connection after each install.
func (f failing) LoseAnswers(context.Context) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"install"}})
}

// Delay makes every call wait.
func (f failing) Delay(_ context.Context, d time.Duration) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindLatency, DelayMS: int(d.Milliseconds())})
}

// Refuse answers each install with a refusal of the console that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	refusal, ok := map[fault.Class]sim.Fault{
		fault.ClassInvalid:             {Status: 400, RetCode: codeInvalid},
		fault.ClassUnauthenticated:     {Status: 401, RetCode: 401},
		fault.ClassForbidden:           {Status: 403, RetCode: 10402},
		fault.ClassNotFound:            {Status: 404, RetCode: 404},
		fault.ClassConflict:            {Status: 400, RetCode: 21003},
		fault.ClassPrecondition:        {Status: 401, RetCode: 10421},
		fault.ClassThrottled:           {Status: 409, RetCode: 409, Message: "操作过于频繁"},
		fault.ClassOutOfStock:          {Status: 412, RetCode: 10406},
		fault.ClassInsufficientBalance: {Status: 412, RetCode: 10410},
		fault.ClassUnavailable:         {Status: 500, RetCode: codeUnhandled},
		fault.ClassUnsupported:         {Status: 405, RetCode: 405},
	}[class]
	if !ok {
		return fault.Unsupported("the cloud refuses no install with the class %s", class)
	}
	refusal.Kind, refusal.Actions = sim.KindRetCode, []string{"install", "create_app"}
	if refusal.Message == "" {
		refusal.Message = "refused"
	}
	return f.cloud.SetFaults(refusal)
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error { return f.cloud.SetFaults() }

var update = flag.Bool("update", false, "write the conformance result into README.md")

// bulkVersions is how many versions each app model of the long catalogue has.
const bulkVersions = 20

// catalogue is a store with that many versions of app models on sale.
func catalogue(rows int) []sim.StoreApp {
	var out []sim.StoreApp
	for i := range rows / bulkVersions {
		a := sim.StoreApp{Key: fmt.Sprintf("bulk%08d", i), Name: fmt.Sprintf("App %d", i)}
		for v := range bulkVersions {
			a.Versions = append(a.Versions, sim.StoreVersion{
				Version: fmt.Sprintf("1.%d", v), Components: []sim.Template{{Key: "web", Name: "web", CPU: 500, MemoryMB: 512, Nodes: 1}},
			})
		}
		out = append(out, a)
	}
	return out
}

// simulated is a simulator for the suite, with its clock and the time of one
// change of state.
func simulated(t *testing.T, now func() time.Time, step time.Duration) conformance.Fixture {
	t.Helper()
	const one, two, wrong = "1a6c1e0000000000000000000000000000000001", "2b88d40000000000000000000000000000000002", "3c02b70000000000000000000000000000000003"
	cloud, err := sim.New(sim.Config{
		Now: now, TransitionMS: int(step.Milliseconds()),
		Users: []sim.User{
			{Name: "one", Key: one, Teams: []string{"first"}},
			{Name: "two", Key: two, Teams: []string{"second"}},
		},
		Teams:     []sim.TeamSeed{{Name: "first", Regions: []string{home}}, {Name: "second", Regions: []string{home}}},
		StoreKeys: []sim.StoreKey{{Key: storeKey}},
		Regions:   []sim.Region{{Name: home, Status: "1", Nodes: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	account := func(id, team, key string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL,
			Settings:    map[string]string{"team": team, "market_url": srv.URL, "plain_http": "true", "allow_resize": "true", "install_seconds": "60"},
			Credentials: map[string]secret.Value{"access_key": secret.New(key), "market_access_key": secret.New(storeKey)},
		}
	}
	t.Cleanup(func() {
		if twice := cloud.Report(1000).BoughtTwice; len(twice) > 0 {
			t.Errorf("bought twice: %v", twice)
		}
	})
	return conformance.Fixture{
		Account: account("a1", "first", one), Other: account("a2", "second", two), Wrong: account("a1", "first", wrong),
		Region: home, Now: now, Cloud: failing{cloud}, SubAccount: "reseller-1",
		Kinds: map[string]conformance.Kind{kindApp: {
			Name: "shop", Spec: json.RawMessage(`{"app_model_id":"` + blog + `","app_model_version":"1.0","app_note":"for tests"}`), Term: month(1), Many: 12,
			Actions: map[string]json.RawMessage{
				"versions": json.RawMessage(`{}`), "rules": json.RawMessage(`{}`), "deploy": json.RawMessage(`{}`),
				"set_envs": json.RawMessage(`{"service_id":"none","envs":[{"name":"A","value":"Marker-value-9921"}]}`),
			},
		}},
	}
}

// longList is a store of its own with a long catalogue.
func longList(t *testing.T) *conformance.Big {
	t.Helper()
	const key = "4d51aa0000000000000000000000000000000004"
	cloud, err := sim.New(sim.Config{
		Users: []sim.User{{Name: "bulk", Key: key, Teams: []string{"bulk"}}}, Teams: []sim.TeamSeed{{Name: "bulk", Regions: []string{home}}},
		StoreKeys: []sim.StoreKey{{Key: storeKey}}, StoreApps: catalogue(bulk),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	return &conformance.Big{
		Stream: conformance.StreamOfferings, Rows: bulk,
		Account: provider.Account{
			ID: "a3", Endpoint: srv.URL, Settings: map[string]string{"team": "bulk", "market_url": srv.URL, "plain_http": "true"},
			Credentials: map[string]secret.Value{"access_key": secret.New(key), "market_access_key": secret.New(storeKey)},
		},
	}
}

// TestConformance runs the suite against the simulator; both share a clock.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	f := simulated(t, clk.Now, transition)
	f.Advance = clk.Advance
	if !testing.Short() {
		f.Big = longList(t)
	}
	big := f.Big
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 3 * time.Second}), nil
		},
		Fixture: f,
	})
	if testing.Short() || raced {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		f := simulated(t, time.Now, -time.Millisecond) // at once: polls are three seconds apart
		f.Big = big
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "rainbond"), Fixture: f}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
