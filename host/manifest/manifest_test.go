package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

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
		"Format":             {"another layout cannot be read safely", func(m *manifest.Manifest) { m.Format = 2 }},
		"Minor":              {"a newer revision cannot be spoken", func(m *manifest.Manifest) { m.ContractMinor = 99 }},
		"MinorOfDescription": {"a newer revision cannot be spoken, whoever says so", func(m *manifest.Manifest) { m.Description.ContractMinor = 99 }},
		"MinorBelow":         {"revisions count from 0", func(m *manifest.Manifest) { m.ContractMinor = -1 }},
		"Protocol":           {"another protocol cannot be spoken", func(m *manifest.Manifest) { m.Protocol = 99 }},
		"Hash":               {"the hash is the binary's name", func(m *manifest.Manifest) { m.SHA256 = "abc" }},
		"Platform":           {"a platform is a system and a processor", func(m *manifest.Manifest) { m.Platform = "PDP-11" }},
		"NameFolder":         {"the name becomes a folder", func(m *manifest.Manifest) { m.Description.Name = "../evil" }},
		"NameEmpty":          {"a plugin has a name", func(m *manifest.Manifest) { m.Description.Name = "" }},
		"Version":            {"the version becomes a folder", func(m *manifest.Manifest) { m.Description.Version = "1/../../x" }},
		"Dots":               {"the version becomes a folder", func(m *manifest.Manifest) { m.Description.Version = ".." }},
		"Kind":               {"a kind has a name", func(m *manifest.Manifest) { m.Description.Kinds[0].Name = "" }},
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

// TestOtherContract: what to do is told even where the manifest has fields that
// this host has never heard of.
func TestOtherContract(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, text, want string }{
		"NewerMinor": {"a newer plugin", `{"format":1,"protocol":1,"contract_minor":99,"novelty":true,"description":{"name":"fake","version":"3.0.0"}}`,
			"plugin needs contract 1.99, this host speaks 1.0-1.1; update the broker"},
		"NewerDescription": {"a newer plugin that says so itself", `{"format":1,"protocol":1,"description":{"name":"fake","version":"3.0.0","contract_minor":98}}`,
			"plugin needs contract 1.98, this host speaks 1.0-1.1; update the broker"},
		"NewerMajor": {"a much newer plugin", `{"format":2,"protocol":2,"description":{"name":"fake","version":"3.0.0"}}`,
			"plugin needs contract 2.0, this host speaks 1.0-1.1; update the broker"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.Parse([]byte(tc.text))
			if !errors.Is(err, manifest.ErrContract) || !errors.Is(err, manifest.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want %q", tc.reason, err, tc.want)
			}
			if m.Description.Name != "fake" || m.Description.Version != "3.0.0" {
				t.Errorf("%s: whose it is, is lost: %+v", tc.reason, m)
			}
		})
	}
	if _, err := manifest.Parse([]byte(`{"format":1}`)); errors.Is(err, manifest.ErrContract) {
		t.Errorf("a manifest without a protocol is broken, not newer: got %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	ascending := []string{
		"0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
		"1.0.0-rc.1", "1.0.0", "1.0.0+build", "1.2.0", "1.10.0", "2", "2.0", "2.0.1", "10.0.0", "v1",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := manifest.CompareVersions(a, b), cmpInt(i, j); got != want {
				t.Errorf("%s against %s: got %d, want %d", a, b, got, want)
			}
		}
	}
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestCompareVersionsIsAnOrder: any two texts have one order, and it is transitive.
func TestCompareVersionsIsAnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[0-9ab.+-]{0,6}`)
		a, b, c := part.Draw(t, "a"), part.Draw(t, "b"), part.Draw(t, "c")
		ab, ba := manifest.CompareVersions(a, b), manifest.CompareVersions(b, a)
		if ab != -ba || (ab == 0) != (a == b) {
			t.Fatalf("%q, %q: %d and %d", a, b, ab, ba)
		}
		if ab <= 0 && manifest.CompareVersions(b, c) <= 0 && manifest.CompareVersions(a, c) > 0 {
			t.Fatalf("%q <= %q <= %q, but not the ends", a, b, c)
		}
	})
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
