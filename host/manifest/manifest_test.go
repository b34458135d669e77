package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tradewind.example/host/manifest"
	"tradewind.example/sdk/provider"
)

var hash = strings.Repeat("ab", 32)

func description() provider.Description {
	return provider.Description{
		Name: "fake", Version: "1.2.3", Title: "Fake", Currency: "USD",
		Config:       []byte(`{"type":"object","properties":{"key":{"type":"string","x-secret":true}}}`),
		Capabilities: []provider.Capability{provider.CapRegions, provider.CapQuote},
		Kinds:        []provider.KindDescription{{Name: "instance", Spec: []byte(`{"type":"object"}`), Verbs: []provider.Verb{provider.VerbCreate}}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want, err := manifest.New(hash, description())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := manifest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Check(want.Description); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want.Description.Capabilities, got.Description.Capabilities, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(m *manifest.Manifest)
	}{
		"Format":     {"another layout cannot be read safely", func(m *manifest.Manifest) { m.Format = 2 }},
		"Protocol":   {"another protocol cannot be spoken", func(m *manifest.Manifest) { m.Protocol = 99 }},
		"Hash":       {"the hash is the binary's name", func(m *manifest.Manifest) { m.SHA256 = "abc" }},
		"NameFolder": {"the name becomes a folder", func(m *manifest.Manifest) { m.Description.Name = "../evil" }},
		"NameEmpty":  {"a plugin has a name", func(m *manifest.Manifest) { m.Description.Name = "" }},
		"Version":    {"the version becomes a folder", func(m *manifest.Manifest) { m.Description.Version = "1/../../x" }},
		"Dots":       {"the version becomes a folder", func(m *manifest.Manifest) { m.Description.Version = ".." }},
		"Kind":       {"a kind has a name", func(m *manifest.Manifest) { m.Description.Kinds[0].Name = "" }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.New(hash, description())
			if err != nil {
				t.Fatal(err)
			}
			tc.change(&m)
			if err := m.Verify(); !errors.Is(err, manifest.ErrInvalid) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, manifest.ErrInvalid)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(d *provider.Description)
		want   error
	}{
		"Same":         {reason: "the same is the same", change: func(*provider.Description) {}},
		"SchemaBlanks": {reason: "blanks and the order of keys mean nothing", change: func(d *provider.Description) { d.Kinds[0].Spec = []byte("{ \"type\" : \"object\" }\n") }},
		"Order": {reason: "the order of capabilities means nothing", change: func(d *provider.Description) {
			d.Capabilities = []provider.Capability{provider.CapQuote, provider.CapRegions}
		}},
		"Empty":      {reason: "the wire does not tell empty from absent", change: func(d *provider.Description) { d.Kinds[0].Actions = []provider.ActionDescription{} }},
		"Name":       {reason: "another plugin", change: func(d *provider.Description) { d.Name = "other" }, want: manifest.ErrDifferent},
		"Version":    {reason: "another version", change: func(d *provider.Description) { d.Version = "1.2.4" }, want: manifest.ErrDifferent},
		"Capability": {reason: "one ability less", change: func(d *provider.Description) { d.Capabilities = d.Capabilities[:1] }, want: manifest.ErrDifferent},
		"Schema":     {reason: "another input", change: func(d *provider.Description) { d.Kinds[0].Spec = []byte(`{"type":"string"}`) }, want: manifest.ErrDifferent},
		"Limits":     {reason: "another promise", change: func(d *provider.Description) { d.Limits.MaxPageSize = 7 }, want: manifest.ErrDifferent},
		"NotJSON":    {reason: "a broken schema equals nothing", change: func(d *provider.Description) { d.Config = []byte(`{`) }, want: manifest.ErrDifferent},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.New(hash, description())
			if err != nil {
				t.Fatal(err)
			}
			running := description()
			tc.change(&running)
			if err := m.Check(running); !errors.Is(err, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, tc.want)
			}
		})
	}
	if err := (manifest.Manifest{}).Check(description()); err != nil {
		t.Errorf("no manifest expects nothing: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	m, _ := manifest.New(hash, description())
	raw, _ := m.Encode()
	f.Add(raw)
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := manifest.Parse(raw)
		if err != nil {
			if !errors.Is(err, manifest.ErrInvalid) {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := manifest.Parse(again); err != nil {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}
