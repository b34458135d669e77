package main

import (
	"encoding/json"
	"flag"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

func fixture() conformance.Fixture {
	return conformance.Fixture{
		Account: provider.Account{ID: "a"}, Other: provider.Account{ID: "b"},
		Kinds: map[string]conformance.Kind{"note": {Spec: json.RawMessage(`{"text":"milk"}`)}},
	}
}

func TestConformance(t *testing.T) {
	report := conformance.Run(t, conformance.Target{
		New:     func() (provider.Provider, error) { return &Notes{byAccount: map[string][]thing{}}, nil },
		Fixture: fixture(),
	})
	conformance.Publish(t, report, "README.md", *update)
}

func TestConformanceOfTheBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the plugin")
	}
	conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "hello"), Fixture: fixture()})
}
