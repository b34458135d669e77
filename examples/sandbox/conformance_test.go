package main

import (
	"encoding/json"
	"testing"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// account is one whose instances take five seconds to come up.
func account(id, key string) provider.Account {
	return provider.Account{
		ID: id, Credentials: map[string]secret.Value{"api_key": secret.New(key)}, Settings: map[string]string{"create_millis": "5000"},
	}
}

func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Unix(1_700_000_000, 0))
	conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) { return newSandbox(clk), nil },
		Fixture: conformance.Fixture{
			Account: account("a1", "marker-first-3f0d"), Other: account("a2", "marker-second-91c7"), Wrong: account("a1", "wrong"),
			Region: "east", Now: clk.Now, Advance: clk.Advance,
			Kinds: map[string]conformance.Kind{"instance": {
				Name: "web", Spec: json.RawMessage(`{"flavour":"small","disk_gb":20}`),
				Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
				Actions: map[string]json.RawMessage{
					"start": json.RawMessage(`{}`), "stop": json.RawMessage(`{}`), "reboot": json.RawMessage(`{}`), "console": json.RawMessage(`{}`),
					"reset_password": json.RawMessage(`{"password":"marker-password-5b22"}`),
				},
			}},
			Cloud: &conformance.Switches{
				Lose:    map[string]string{"lose_answer_every": "1"},
				Slow:    map[string]string{"latency_millis": "60000"},
				Refused: map[fault.Class]map[string]string{fault.ClassOutOfStock: {"refuse_every": "1"}},
			},
		},
	})
}
