package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

func fixture() conformance.Fixture {
	return conformance.Fixture{
		Account: provider.Account{ID: "a"}, Other: provider.Account{ID: "b"}, Alone: true,
		Kinds: map[string]conformance.Kind{"note": {Spec: json.RawMessage(`{"text":"milk"}`)}},
	}
}

// full is a provider with an account that has many notes.
func full() *Notes {
	var notes []thing
	for i := range 100_000 {
		notes = append(notes, thing{ID: fmt.Sprint("full-", i), Status: provider.StatusRunning, State: Note{Text: "milk"}})
	}
	return &Notes{byAccount: map[string][]thing{"full": notes}}
}

func TestConformance(t *testing.T) {
	f := fixture()
	f.Big = &conformance.Big{Account: provider.Account{ID: "full"}, Stream: conformance.StreamList, Kind: "note"}
	report := conformance.Run(t, conformance.Target{New: func() (provider.Provider, error) { return full(), nil }, Fixture: f})
	if testing.Short() {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "hello"), Fixture: fixture()}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
