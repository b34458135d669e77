package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
)

func TestConformance(t *testing.T) {
	conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) { return &Notes{byAccount: map[string][]thing{}}, nil },
		Fixture: conformance.Fixture{
			Account: provider.Account{ID: "a"}, Other: provider.Account{ID: "b"},
			Kinds: map[string]conformance.Kind{"note": {Spec: json.RawMessage(`{"text":"milk"}`)}},
		},
	})
}
