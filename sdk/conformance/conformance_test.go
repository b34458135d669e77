package conformance_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

func TestATargetIsOneThing(t *testing.T) {
	t.Parallel()
	for reason, target := range map[string]conformance.Target{
		"nothing":  {},
		"two ways": {Binary: "plugin", New: func() (provider.Provider, error) { return bare{}, nil }},
		"no file":  {Binary: "no-such-binary"},
		"no name":  {New: func() (provider.Provider, error) { return nameless{}, nil }},
	} {
		if _, err := conformance.Check(t.Context(), target, conformance.Options{}); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

// nameless is a plugin that cannot be served.
type nameless struct{ bare }

func (nameless) Describe(context.Context) (provider.Description, error) {
	return provider.Description{}, nil
}

func TestAConnectionStaysTheCallers(t *testing.T) {
	t.Parallel()
	served, err := plugintest.Serve(t.Context(), bare{}, plugintest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	target := conformance.Target{Conn: served.Conn(), Manifest: []byte(`{"name":"bare","version":"0.1.0","title":"","regions":{"has_regions":false,"has_zones":false},"limits":{}}`)}
	report, err := conformance.Check(t.Context(), target, conformance.Options{})
	if err != nil || !report.Passed() || report.Way != "connection" {
		t.Errorf("report: %+v, %v", report, err)
	}
	if err := served.Client().Health(t.Context()); err != nil {
		t.Errorf("the suite ended a plugin that is not its own: %v", err)
	}
	target.Manifest = []byte(`{"name":"bare","version":"0.2.0"}`)
	report, err = conformance.Check(t.Context(), target, conformance.Options{Only: []string{"describe-same"}})
	if err != nil || report.Passed() || len(report.Results) != 1 {
		t.Errorf("a manifest of another version: %+v, %v", report, err)
	}
	if err := served.Close(); err != nil {
		t.Error(err)
	}
}
