package provider_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/provider/providertest"
)

// TestFitsPlugin: another version of a plugin is checked with the settings and
// credentials of every account before it comes into use.
func TestFitsPlugin(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	same := contract.Description{Config: json.RawMessage(providertest.ConfigSchema)}
	if n, err := w.Providers.FitsPlugin(t.Context(), p.PluginName, same); err != nil || n != 1 {
		t.Errorf("the same schema: %d accounts, %v", n, err)
	}
	stricter := same
	stricter.Config = json.RawMessage(strings.Replace(string(same.Config), `"required": [`, `"required": ["project", `, 1))
	if string(stricter.Config) == string(same.Config) {
		t.Fatalf("the schema requires nothing: %s", same.Config)
	}
	n, err := w.Providers.FitsPlugin(t.Context(), p.PluginName, stricter)
	wantClass(t, "a setting is needed that the account does not have", err, fault.ClassInvalid)
	if n != 1 || !slices.ContainsFunc(paths(err), func(path string) bool {
		return strings.HasPrefix(path, "enablements.") && strings.Contains(path, "project")
	}) {
		t.Errorf("%d accounts, wrong fields %v", n, paths(err))
	}
	if n, err := w.Providers.FitsPlugin(t.Context(), "other", stricter); err != nil || n != 0 {
		t.Errorf("another plugin: %d accounts, %v", n, err)
	}
}

// TestCheckThrough: the shadow read before a new version comes into use is the
// check of an account that is known to be good, and changes nothing.
func TestCheckThrough(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	if id, err := w.Providers.CheckThrough(t.Context(), "ucloud", w.Cloud); err != nil || id != "" {
		t.Errorf("no account: %q, %v", id, err)
	}
	p := w.Serve()
	id, err := w.Providers.CheckThrough(t.Context(), p.PluginName, w.Cloud)
	if err != nil || id == "" {
		t.Fatalf("a good account: %q, %v", id, err)
	}
	broken := errors.New("broken with " + providertest.Key("master")["private_key"].Reveal())
	answers := map[string]struct {
		reason string
		answer contract.CheckResponse
		err    error
		class  fault.Class
	}{
		"Refused": {"a good account must stay good", contract.CheckResponse{Problem: "no such key"}, nil, fault.ClassPrecondition},
		"Fails":   {"the new version must answer", contract.CheckResponse{}, fault.Unavailable("%v", broken), fault.ClassUnavailable},
	}
	for name, tc := range answers {
		w.Cloud.Set(func(x *providertest.Cloud) {
			x.OnCheck = func(contract.CheckRequest) (contract.CheckResponse, error) { return tc.answer, tc.err }
		})
		_, err := w.Providers.CheckThrough(t.Context(), p.PluginName, w.Cloud)
		wantClass(t, name+": "+tc.reason, err, tc.class)
		if strings.Contains(err.Error(), providertest.Key("master")["private_key"].Reveal()) {
			t.Errorf("%s: the error holds a secret", name)
		}
		if got := serves(t, w, p, w.Customer, "order"); got != "master" {
			t.Errorf("%s: served by %q", name, got)
		}
	}
}
