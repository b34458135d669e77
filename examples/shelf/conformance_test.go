package main

import (
	"encoding/json"
	"flag"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

func account(id, code string) provider.Account {
	return provider.Account{
		ID: id, Settings: map[string]string{"stock": "1000"}, Credentials: map[string]secret.Value{"master": secret.New(code)},
	}
}

// fixture is on a storage of its own.
func fixture(t *testing.T) conformance.Fixture {
	s := &storage{Host: plugintest.NewHost()}
	s.fill(t, provider.Scope{RootOrg: conformance.Org}, "full", 100_000)
	return conformance.Fixture{
		Account: account("a", "sesame-a-2718281828"), Other: account("b", "sesame-b-2718281828"), Wrong: account("a", "short"),
		Kinds: map[string]conformance.Kind{"box": {
			Spec:    json.RawMessage(`{"article":"lamp"}`),
			Term:    provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1},
			Actions: map[string]json.RawMessage{"try": json.RawMessage(`{"code":"guess-1618033988"}`)},
		}},
		Big:  &conformance.Big{Account: account("full", "sesame-c-2718281828"), Stream: conformance.StreamList, Kind: "box"},
		Host: s, Cloud: s,
	}
}

func TestConformance(t *testing.T) {
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) { return newShelf(version), nil }, Fixture: fixture(t),
	})
	if testing.Short() {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		built := conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "shelf"), Fixture: fixture(t)})
		report = report.With(built)
	})
	conformance.Publish(t, report, "README.md", *update)
}
