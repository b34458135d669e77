package catalog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/catalog"
	"tradewind.example/sdk/fault"
)

const declaration = `plugins:
  - {name: fake, version: 1.0.0, path: fake/1, sha256: HASH}
  - {name: fake, version: 2.0.0, path: fake/2, sha256: HASH}
  - {name: fake, version: 3.0.0, path: fake/3, sha256: HASH, disabled: true}
  - {name: other, version: 1.0.0, path: other/1, sha256: HASH}
selections:
  - name: fake
    active: 2.0.0
    previous: 1.0.0
    pins:
      - {group: pilot, orgs: [org-1, root-2], version: 1.0.0, isolated: true}
`

func declare(t *testing.T, dir, text string) {
	t.Helper()
	write(t, filepath.Join(dir, "catalog", "site.yaml"), strings.ReplaceAll(text, "HASH", hash), 0o600)
}

func TestDeclaredSelection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	declare(t, dir, declaration)
	c := open(t, catalog.Config{Dir: dir})
	want := catalog.Selection{
		Name: "fake", Active: "2.0.0", Previous: "1.0.0", Source: "site.yaml",
		Pins: []catalog.Pin{{Group: "pilot", Orgs: []string{"org-1", "root-2"}, Version: "1.0.0", Isolated: true}},
	}
	if diff := cmp.Diff(want, selection(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e, isolated, err := c.Resolve("fake", "root-2", "org-9"); err != nil || e.Version != "1.0.0" || !isolated {
		t.Errorf("a pinned org: %+v, %v, %v", e, isolated, err)
	}
	if e, err := c.Entry("fake", "3.0.0"); err != nil || !e.Disabled || e.Source != "site.yaml" {
		t.Errorf("a disabled version: %+v, %v", e, err)
	}
	if s, err := c.Selection("other"); err != nil || s.Active != "1.0.0" {
		t.Errorf("one version needs no selection: %+v, %v", s, err)
	}
	for name, change := range map[string]func() (catalog.Selection, error){
		"activate": func() (catalog.Selection, error) { return c.Activate("fake", "1.0.0", catalog.Edit{}) },
		"unpin":    func() (catalog.Selection, error) { return c.Unpin("fake", "pilot", catalog.Edit{}) },
		"remove":   func() (catalog.Selection, error) { return c.Remove("fake", "1.0.0", catalog.Edit{}) },
	} {
		if _, err := change(); !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), "site.yaml") {
			t.Errorf("%s of a declared plugin: got %v", name, err)
		}
	}
	_, err := commit(t, stage(t, c, "binary"), "4.0.0")
	if !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), "site.yaml") {
		t.Errorf("installing beside a declared plugin: got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "plugins", "*")); len(left) != 0 {
		t.Errorf("a refused installation left %v", left)
	}
}

func TestConfiguredSelection(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{
		Dir: t.TempDir(),
		Entries: []catalog.Entry{
			{Name: "fake", Version: "1.0.0", Path: "fake/1", SHA256: hash}, {Name: "fake", Version: "2.0.0", Path: "fake/2", SHA256: hash},
		},
		Selections: []catalog.Selection{{Name: "fake", Active: "1.0.0"}},
	})
	if s := selection(t, c); s.Active != "1.0.0" || s.Source != catalog.SourceConfig {
		t.Errorf("got %+v", s)
	}
	if _, err := c.Activate("fake", "2.0.0", catalog.Edit{}); !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), "config") {
		t.Errorf("a configured plugin: got %v", err)
	}
}

func TestDeclarationsAreChecked(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, old, new, want string }{
		"NoSelection":     {"with several versions it is said which one is active", declaration[strings.Index(declaration, "selections"):], "", "say in selections"},
		"Active":          {"what is active exists", "active: 2.0.0", "active: 9.0.0", `"9.0.0" does not exist`},
		"ActiveDisabled":  {"what is disabled may be active", "active: 2.0.0", "active: 3.0.0", ""},
		"Previous":        {"what was active exists", "previous: 1.0.0", "previous: 9.0.0", `"9.0.0" does not exist`},
		"Pinned":          {"what is pinned exists", "version: 1.0.0, isolated", "version: 9.0.0, isolated", `"9.0.0" does not exist`},
		"Group":           {"a group has a name", "group: pilot", `group: ""`, "group"},
		"Stranger":        {"a selection is of a plugin in the file", "name: fake\n    active", "name: none\n    active", `"none"`},
		"Twice":           {"a version is declared once", "version: 3.0.0", "version: 1.0.0", "declared twice"},
		"MisspeltField":   {"a misspelt field is an error", "isolated: true", "isolatd: true", "isolatd"},
		"SecondDocument":  {"nothing is read over", "selections:", "---\nselections:", "second document"},
		"InBothPlaces":    {"a plugin is declared in one place", "name: other", "name: configured", "declared in config and in site.yaml"},
		"TwoSelections":   {"one selection for each plugin", "selections:", "selections:\n  - {name: fake, active: 1.0.0}", "may be one"},
		"OrgInTwoGroups":  {"an org is in one group", "      - {group", "      - {group: two, orgs: [org-1], version: 1.0.0}\n      - {group", "org-1"},
		"UnpinnedVersion": {"what is not pinned by its hash does not run", ", sha256: HASH, disabled", ", disabled", "sha256 is missing"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, text := t.TempDir(), strings.Replace(declaration, tc.old, tc.new, 1)
			if text == declaration {
				t.Fatalf("%q is not in the declaration", tc.old)
			}
			declare(t, dir, text)
			c, err := catalog.Open(catalog.Config{Dir: dir, Entries: []catalog.Entry{{Name: "configured", Version: "1", Path: "x", SHA256: hash}}})
			if c != nil {
				_ = c.Close()
			}
			if tc.want == "" && err == nil {
				return
			}
			if !errors.Is(err, catalog.ErrInvalid) || tc.want == "" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want %q", tc.reason, err, tc.want)
			}
		})
	}
}

// TestReadmeExample: what the README shows can be used.
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("the README has no YAML")
	}
	dir := t.TempDir()
	declare(t, dir, strings.ReplaceAll(text, "0f…", "HASH"))
	c := open(t, catalog.Config{Dir: dir})
	if e, isolated, err := c.Resolve("hello", "root-3", "any"); err != nil || e.Version != "1.1.0" || !isolated {
		t.Errorf("got %+v, %v, %v", e, isolated, err)
	}
}

// TestInstalledFileMovesToADeclaration: the formats are the same, so an operator
// may take an installed plugin over by renaming its file.
func TestInstalledFileMovesToADeclaration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0", "2.0.0")
	if _, err := c.Pin("fake", catalog.Pin{Group: "pilot", Orgs: []string{"o"}, Version: "2.0.0"}, catalog.Edit{Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	want := selection(t, c)
	folder := filepath.Join(dir, "catalog")
	if err := os.Rename(filepath.Join(folder, "installed-fake.json"), filepath.Join(folder, "site.json")); err != nil {
		t.Fatal(err)
	}
	want.Source = "site.json"
	again := open(t, catalog.Config{Dir: dir})
	if diff := cmp.Diff(want, selection(t, again)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := again.Unpin("fake", "pilot", catalog.Edit{}); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("it is declared now: %v", err)
	}
}

// TestOldInstalledFile: a file with one entry and no selection is of a plugin
// whose one version is active.
func TestOldInstalledFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "catalog", "installed-fake.json"),
		`{"plugins":[{"name":"fake","version":"1.0.0","path":"fake/1","sha256":"`+hash+`"}]}`, 0o600)
	c := open(t, catalog.Config{Dir: dir})
	if s := selection(t, c); s.Active != "1.0.0" || s.Revision != 0 {
		t.Errorf("got %+v", s)
	}
	if _, err := commit(t, stage(t, c, "binary"), "2.0.0"); err != nil || versions(c) != "1.0.0 2.0.0" {
		t.Errorf("an installation beside it: %v, %v", versions(c), err)
	}
	write(t, filepath.Join(dir, "catalog", "installed-none.json"), `{"plugins":[{"name":"some","version":"1","path":"x","sha256":"`+hash+`"}]}`, 0o600)
	if _, err := catalog.Open(catalog.Config{Dir: dir}); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("another plugin in an installed plugin's file: got %v", err)
	}
}
