package provider_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/provider"
)

type oldConfig struct {
	Project string `json:"project" deprecated:"Use workspace."`
	Space   string `json:"workspace"`
}

func TestDeprecations(t *testing.T) {
	t.Parallel()
	config, err := provider.ConfigSchema[oldConfig]()
	if err != nil {
		t.Fatal(err)
	}
	d := provider.Description{Config: config, Kinds: []provider.KindDescription{
		{Name: "server", Deprecated: "Use instance."},
		{
			Name: "instance",
			Spec: []byte(`{"properties":{"disks":{"items":{"properties":{"iops":{"deprecated":true,"x-instead":"Use class."}}}}}}`),
			Actions: []provider.ActionDescription{
				{Name: "reboot", Deprecated: "Use restart."},
				{Name: "stop", Input: []byte(`{"properties":{"hard":{"deprecated":true}}}`)},
			},
		},
		{Name: "odd", Spec: []byte(`[`)},
	}}
	want := []provider.Deprecation{
		{Place: "config.project", Instead: "Use workspace."},
		{Place: "instance.actions.reboot", Instead: "Use restart."},
		{Place: "instance.actions.stop.input.hard", Instead: "see its description"},
		{Place: "instance.spec.disks[].iops", Instead: "Use class."},
		{Place: "server", Instead: "Use instance."},
	}
	if diff := cmp.Diff(want, d.Deprecations()); diff != "" {
		t.Errorf("deprecations (-want +got):\n%s", diff)
	}
	if got := (provider.Description{}).Deprecations(); len(got) != 0 {
		t.Errorf("a plugin without any has %v", got)
	}
}
