package main

import (
	"encoding/json"
	"flag"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

func TestConformance(t *testing.T) {
	account := func(id, code string) provider.Account {
		return provider.Account{
			ID: id, Settings: map[string]string{"stock": "1000"},
			Credentials: map[string]secret.Value{"master": secret.New(code)},
		}
	}
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) { return newShelf(version), nil },
		Fixture: conformance.Fixture{
			Account: account("a", "sesame-a-2718281828"), Other: account("b", "sesame-b-2718281828"), Wrong: account("a", "short"),
			Kinds: map[string]conformance.Kind{"box": {Spec: json.RawMessage(`{"article":"lamp"}`)}},
		},
	})
	conformance.Publish(t, report, "README.md", *update)
}
