package main

import (
	"encoding/json"
	"flag"
	"testing"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

// account is one whose instances take a while to come up.
func account(id, key string, settings map[string]string) provider.Account {
	return provider.Account{ID: id, Credentials: map[string]secret.Value{"api_key": secret.New(key)}, Settings: settings}
}

func fixture(createMillis string) conformance.Fixture {
	settings := map[string]string{"create_millis": createMillis}
	return conformance.Fixture{
		Account: account("a1", "marker-first-3f0d", settings), Other: account("a2", "marker-second-91c7", settings),
		Wrong: account("a1", "wrong", settings), Region: "east",
		Own: []string{"instance", "rack"}, // flavours say what a server has; racks are the sandbox's own
		Kinds: map[string]conformance.Kind{"instance": {
			Name: "web", Spec: json.RawMessage(`{"flavour":"small","disk_gb":20,"disks":2}`),
			Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
			Actions: map[string]json.RawMessage{
				"start": json.RawMessage(`{}`), "stop": json.RawMessage(`{}`), "reboot": json.RawMessage(`{}`), "console": json.RawMessage(`{}`),
				"resize":         json.RawMessage(`{"flavour":"medium"}`),
				"reset_password": json.RawMessage(`{"password":"marker-password-5b22"}`),
			},
			Commands: &conformance.Commands{Exit: []string{"exit", "3"}, Code: 3, Says: "exit 3", Echo: []string{"cat"}, Flood: []string{"yes"}},
		}, "rack": {
			Name: "row 1", Spec: json.RawMessage(`{"name":"row 1","units":42}`), Update: json.RawMessage(`{"name":"row 2","units":48}`),
			Term:    provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1},
			Actions: map[string]json.RawMessage{"inspect": json.RawMessage(`{}`)},
		}},
		Big: &conformance.Big{
			Account: account("a3", "marker-third-77de", map[string]string{"more_offerings": "100000"}), Stream: conformance.StreamOfferings,
		},
		Cloud: &conformance.Switches{
			Lose: map[string]string{"lose_answer_every": "1"},
			Slow: map[string]string{"latency_millis": "60000"},
			Refused: map[fault.Class]map[string]string{
				fault.ClassOutOfStock: {"refuse_every": "1"}, fault.ClassThrottled: {"throttle_every": "1"},
			},
		},
	}
}

func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Unix(1_700_000_000, 0))
	f := fixture("5000")
	f.Now, f.Advance = clk.Now, clk.Advance
	report := conformance.Run(t, conformance.Target{
		New:     func() (provider.Provider, error) { return newSandbox(clk), nil },
		Fixture: f,
	})
	if testing.Short() {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "sandbox"), Fixture: fixture("20")}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
