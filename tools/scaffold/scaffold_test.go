package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/tools/scaffold"
)

func TestNamesAndTitles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in     scaffold.Plugin
		title  string // "": refused
		reason string
	}{
		"one word":  {scaffold.Plugin{Name: "skylark"}, "Skylark", "the title follows from the name"},
		"two words": {scaffold.Plugin{Name: "sky-lark2"}, "Sky Lark2", "each word has a capital"},
		"own title": {scaffold.Plugin{Name: "skylark", Title: "SKY 云"}, "SKY 云", "a given title is kept"},
		"capital":   {scaffold.Plugin{Name: "Skylark"}, "", "the name becomes a file's"},
		"path":      {scaffold.Plugin{Name: "../sky"}, "", "the name becomes a file's"},
		"empty":     {scaffold.Plugin{}, "", "a plugin has a name"},
		"long":      {scaffold.Plugin{Name: strings.Repeat("x", 33)}, "", "names are bounded"},
		"code":      {scaffold.Plugin{Name: "sky", Title: "\" + panic(1) + \""}, "", "a title is no code"},
		"line feed": {scaffold.Plugin{Name: "sky", Module: "a\nreplace b => c"}, "", "a module path is one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.in.Complete()
			if (err != nil) != (tc.title == "") || err == nil && got.Title != tc.title {
				t.Errorf("%s: title %q, %v; want %q", tc.reason, got.Title, err, tc.title)
			}
		})
	}
}

func TestWriteOverwritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := scaffold.Plugin{Name: "skylark", SDKVersion: "v0.1.0"}
	if err := scaffold.Write(dir, p); err == nil {
		t.Error("wrote into a folder that is not empty")
	}
	fresh := filepath.Join(t.TempDir(), "a", "b")
	if err := scaffold.Write(fresh, p); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(fresh, "go.mod"))
	if err != nil || !strings.Contains(string(mod), "module plugin.example/skylark\n") || strings.Contains(string(mod), "replace") {
		t.Errorf("go.mod: %v\n%s", err, mod)
	}
}

func TestNoPlaceholderIsLeft(t *testing.T) {
	t.Parallel()
	files, err := scaffold.Files(scaffold.Plugin{Name: "skylark", SDKVersion: "v0.1.0", SDKReplace: "../sdk"})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.Contains(string(text), "[[.") || strings.HasSuffix(name, ".tmpl") {
			t.Errorf("%s is not filled in", name)
		}
	}
	for _, name := range []string{"main.go", "go.mod", ".gitignore", "README.md", "Makefile", "fixture.yaml", "conformance_test.go"} {
		if len(files[name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}
