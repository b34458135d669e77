package conformance_test

import (
	"context"
	"testing"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
)

// bare implements only what every plugin must.
type bare struct{}

func (bare) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "bare", Version: "0.1.0"}, nil
}

func (bare) Check(context.Context, provider.CheckRequest) (provider.CheckResponse, error) {
	return provider.CheckResponse{OK: true}, nil
}

func TestTheSmallestPluginPasses(t *testing.T) {
	t.Parallel()
	report := conformance.Run(t, conformance.Target{New: func() (provider.Provider, error) { return bare{}, nil }})
	if !report.Passed() || report.Plugin != "bare" || report.Count(conformance.Pass) == 0 {
		t.Errorf("report: %+v", report)
	}
}
