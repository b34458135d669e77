package catalog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/catalog"
	"tradewind.example/host/manifest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

var hash = strings.Repeat("ab", 32)

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, cfg catalog.Config) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDeclaredEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "catalog", "a.yaml"),
		"plugins:\n  - name: one\n    version: 1.0.0\n    path: one/bin\n    sha256: "+hash+"\n    args: [x]\n    env: {MODE: y}\n", 0o600)
	write(t, filepath.Join(dir, "catalog", "b.json"),
		`{"plugins":[{"name":"two","version":"2","path":"two","sha256":"`+hash+`","disabled":true}]}`, 0o600)
	write(t, filepath.Join(dir, "catalog", "ignored.txt"), "garbage", 0o600)
	c := open(t, catalog.Config{Dir: dir, Entries: []catalog.Entry{{Name: "zero", Version: "1", Path: "z", SHA256: hash}}})
	want := []catalog.Entry{
		{Name: "one", Version: "1.0.0", Path: "one/bin", SHA256: hash, Args: []string{"x"}, Env: map[string]string{"MODE": "y"}, Source: "a.yaml"},
		{Name: "two", Version: "2", Path: "two", SHA256: hash, Disabled: true, Source: "b.json"},
		{Name: "zero", Version: "1", Path: "z", SHA256: hash, Source: catalog.SourceConfig},
	}
	if diff := cmp.Diff(want, all(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := c.Entry("none", ""); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("missing entry: got %v", err)
	}
}

func TestEntriesAreValidated(t *testing.T) {
	t.Parallel()
	good := catalog.Entry{Name: "one", Version: "1.0.0", Path: "one/bin", SHA256: hash}
	cases := map[string]struct {
		reason string
		change func(e *catalog.Entry)
		dev    bool
		fails  bool
	}{
		"Good":        {reason: "a pinned entry is fine", change: func(*catalog.Entry) {}},
		"Unpinned":    {reason: "what is not pinned does not run", change: func(e *catalog.Entry) { e.SHA256 = "" }, fails: true},
		"UnpinnedDev": {reason: "but for development", change: func(e *catalog.Entry) { e.SHA256 = "" }, dev: true},
		"ShortHash":   {reason: "a pin is a whole hash", change: func(e *catalog.Entry) { e.SHA256 = "abcd" }, fails: true},
		"UpperHash":   {reason: "one spelling", change: func(e *catalog.Entry) { e.SHA256 = strings.ToUpper(hash) }, fails: true},
		"Name":        {reason: "names are plain", change: func(e *catalog.Entry) { e.Name = "One/.." }, fails: true},
		"Version":     {reason: "a version is given", change: func(e *catalog.Entry) { e.Version = "" }, fails: true},
		"Escape":      {reason: "no way out", change: func(e *catalog.Entry) { e.Path = "../../bin/sh" }, fails: true},
		"Absolute":    {reason: "no way out", change: func(e *catalog.Entry) { e.Path = "/bin/sh" }, fails: true},
		"AbsoluteDev": {reason: "but for development", change: func(e *catalog.Entry) { e.Path = "/bin/sh" }, dev: true},
		"NoPath":      {reason: "a binary is named", change: func(e *catalog.Entry) { e.Path = "" }, fails: true},
		"SecretEnv":   {reason: "secrets travel in calls", change: func(e *catalog.Entry) { e.Env = map[string]string{"API_KEY": "x"} }, fails: true},
		"HostEnv":     {reason: "the host's variables are the host's", change: func(e *catalog.Entry) { e.Env = map[string]string{"TRADEWIND_LIFELINE_FD": "9"} }, fails: true},
		"Preload":     {reason: "nothing is loaded into a verified binary", change: func(e *catalog.Entry) { e.Env = map[string]string{"LD_PRELOAD": "x"} }, fails: true},
		"OddEnv":      {reason: "names are names", change: func(e *catalog.Entry) { e.Env = map[string]string{"A=B": "x"} }, fails: true},
		"ManyArgs":    {reason: "no list without a limit", change: func(e *catalog.Entry) { e.Args = make([]string, 65) }, fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := good
			tc.change(&e)
			c, err := catalog.Open(catalog.Config{Dir: t.TempDir(), Entries: []catalog.Entry{e}, Dev: tc.dev})
			if (err != nil) != tc.fails || err != nil && !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			if c != nil {
				_ = c.Close()
			}
		})
	}
}

func TestFilesAreStrict(t *testing.T) {
	t.Parallel()
	entry := `{"name":"one","version":"1","path":"one","sha256":"` + hash + `"}`
	cases := map[string]struct{ reason, text string }{
		"Unknown field": {"a misspelt field is an error", `{"plugins":[{"name":"one","sha265":"x"}]}`},
		"Not YAML":      {"garbage is an error", "{{{"},
		"Twice":         {"one plugin, one entry", `{"plugins":[` + entry + `,` + entry + `]}`},
		"Too many":      {"no list without a limit", `{"plugins":[` + strings.TrimSuffix(strings.Repeat(entry+",", 300), ",") + `]}`},
		"Too long":      {"no file without a limit", "plugins: []\n#" + strings.Repeat("x", 2<<20)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "catalog", "x.yaml"), tc.text, 0o600)
			if _, err := catalog.Open(catalog.Config{Dir: dir}); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, catalog.ErrInvalid)
			}
		})
	}
}

func TestBinaryStaysInTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plugins := filepath.Join(dir, "plugins")
	write(t, filepath.Join(plugins, "good"), "x", 0o500)
	write(t, filepath.Join(plugins, "shared"), "x", 0o722)
	outside := write(t, filepath.Join(t.TempDir(), "outside"), "x", 0o500)
	for link, target := range map[string]string{"out": outside, "up": "../../../../../../bin", "in": "good"} {
		if err := os.Symlink(target, filepath.Join(plugins, link)); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		reason, path string
		fails        bool
	}{
		"Plain":      {"a file in the folder runs", "good", false},
		"InnerLink":  {"a link that stays inside is fine", "in", false},
		"OuterLink":  {"a link out of the folder is refused", "out", true},
		"LinkOnPath": {"also as a part of the path", "up/sh", true},
		"Writable":   {"a file that others may write is refused", "shared", true},
		"Folder":     {"a folder is no binary", ".", true},
		"Missing":    {"nothing is nothing", "none", true},
	}
	c := open(t, catalog.Config{Dir: dir})
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := c.Binary(catalog.Entry{Name: "x", Path: tc.path})
			if (err != nil) != tc.fails {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			if f != nil {
				_ = f.Close()
			}
		})
	}
}

// all returns every version of every plugin.
func all(c *catalog.Catalog) []catalog.Entry {
	var out []catalog.Entry
	for _, name := range c.Names() {
		out = append(out, c.Entries(name)...)
	}
	return out
}

func stage(t *testing.T, c *catalog.Catalog, text string) *catalog.Staged {
	t.Helper()
	s, err := c.Stage(t.Context(), write(t, filepath.Join(t.TempDir(), "new"), text, 0o700), "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func commit(t *testing.T, s *catalog.Staged, version string) (catalog.Entry, error) {
	t.Helper()
	m, err := manifest.New(s.SHA256, provider.Description{Name: "fake", Version: version})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Describe(m); err != nil {
		t.Fatal(err)
	}
	e, err := s.Commit(catalog.CommitOptions{})
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	return e, err
}

func TestInstallReplacesAndPersists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	for _, version := range []string{"1.0.0", "2.0.0", "2.0.0"} {
		e, err := commit(t, stage(t, c, "binary "+version), version)
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.Binary(e)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		_, _ = got.ReadFrom(f)
		_ = f.Close()
		if got.String() != "binary "+version || e.Version != version {
			t.Errorf("installed %q as %+v", got.String(), e)
		}
		m, err := c.Manifest(e)
		if err != nil || m.Description.Version != version {
			t.Errorf("manifest: %+v, %v", m, err)
		}
	}
	again := open(t, catalog.Config{Dir: dir})
	if diff := cmp.Diff(all(c), all(again)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "plugins", ".*"))
	if len(left) != 0 {
		t.Errorf("staging folders are left: %v", left)
	}
}

func TestReinstallRepairsATamperedCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	e, err := commit(t, stage(t, c, "genuine"), "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plugins", e.Path)
	_ = os.Chmod(path, 0o700)
	write(t, path, "tampered", 0o500)
	if _, err := commit(t, stage(t, c, "genuine"), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if raw, _ := os.ReadFile(path); string(raw) != "genuine" {
		t.Errorf("installed copy is %q", raw)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir, Entries: []catalog.Entry{{Name: "fake", Version: "1", Path: "x", SHA256: hash}}})
	s := stage(t, c, "binary")
	if _, err := commit(t, s, "1.0.0"); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a declared name: got %v, want a conflict", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
	_, err := c.Stage(t.Context(), write(t, filepath.Join(t.TempDir(), "new"), "x", 0o700), hash)
	if !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a wrong hash: got %v, want invalid", err)
	}
	if _, err := c.Stage(t.Context(), filepath.Join(t.TempDir(), "none"), ""); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a missing file: got %v, want invalid", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "plugins", ".*")); len(left) != 0 {
		t.Errorf("staging folders are left: %v", left)
	}
}

func TestManifestOfAnotherBinary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	e, err := commit(t, stage(t, c, "binary"), "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plugins", filepath.Dir(e.Path), manifest.FileName)
	raw, _ := os.ReadFile(path)
	var m manifest.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	m.SHA256 = hash
	raw, _ = m.Encode()
	_ = os.Remove(path)
	write(t, path, string(raw), 0o400)
	if _, err := c.Manifest(e); !errors.Is(err, manifest.ErrInvalid) {
		t.Errorf("got %v, want %v", err, manifest.ErrInvalid)
	}
}
