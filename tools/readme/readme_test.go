package readme_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
	"tradewind.example/sdk/secret"
	"tradewind.example/tools/readme"
)

var update = flag.Bool("update", false, "write the golden files")

type disk struct {
	Size int    `json:"size_gb" required:"true" min:"10" max:"100" doc:"In GB."`
	Type string `json:"type" enum:"ssd,hdd" default:"ssd" title:"Type"`
}

type spec struct {
	Image    string       `json:"image" required:"true" pattern:"^img-|x$" title:"Image"`
	Disks    []disk       `json:"disks" max:"4"`
	Boot     disk         `json:"boot"`
	Password secret.Value `json:"password" min:"8"`
	Until    time.Time    `json:"until"`
}

type config struct {
	Key     secret.Value `json:"key" required:"true" title:"Key"`
	Project string       `json:"project"`
}

func of[T any](t *testing.T) json.RawMessage {
	t.Helper()
	raw, err := schema.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSection(t *testing.T) {
	t.Parallel()
	got, err := readme.Section(provider.Description{
		Name: "sky", Version: "1.2.3", Title: "Sky", Summary: "A cloud.", Currency: "EUR", Config: of[config](t),
		Capabilities: []provider.Capability{provider.CapRegions, provider.CapQuote},
		Regions:      provider.RegionsModel{HasRegions: true, HasZones: true},
		Limits:       provider.Limits{MaxPageSize: 50, TokenWindow: 24 * time.Hour},
		Kinds: []provider.KindDescription{
			{Name: "disk", Title: "Disk"},
			{
				Name: "instance", Title: "Server", PartKinds: []string{"disk"}, Spec: of[spec](t), State: of[disk](t), Verbs: []provider.Verb{provider.VerbGet},
				Actions: []provider.ActionDescription{{Name: "resize", Title: "Resize", Changes: true, Input: of[disk](t)}, {Name: "console"}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/section.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	const b, e = readme.Begin, readme.End
	for name, tc := range map[string]struct {
		doc, want string
		err       error
		reason    string
	}{
		"empty":     {"a\n" + b + "\n" + e + "\nz\n", "a\n" + b + "\nS\n" + e + "\nz\n", nil, "what stands around stays"},
		"old":       {b + "\nold\n" + e, b + "\nS\n" + e, nil, "what stands between goes"},
		"none":      {"a", "", readme.ErrMarkers, "there is no place"},
		"no end":    {b + "\n", "", readme.ErrMarkers, "there is no end"},
		"turned":    {e + "\n" + b + "\n", "", readme.ErrMarkers, "the end is before the beginning"},
		"two":       {b + "\n" + e + b + "\n" + e, "", readme.ErrMarkers, "which of them"},
		"same line": {b + e, "", readme.ErrMarkers, "markers are lines"},
	} {
		got, err := readme.Replace(tc.doc, "S\n")
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %q, %v; %s", name, got, err, tc.reason)
		}
	}
}

func TestBadSchemas(t *testing.T) {
	t.Parallel()
	bad := json.RawMessage(`{"properties":7}`)
	for name, d := range map[string]provider.Description{
		"config": {Config: bad},
		"spec":   {Kinds: []provider.KindDescription{{Spec: bad}}},
		"action": {Kinds: []provider.KindDescription{{Actions: []provider.ActionDescription{{Input: bad}}}}},
	} {
		if _, err := readme.Section(d); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
