package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecisionsAreListed: each page has the next number, says it in its title,
// and stands in the list.
func TestDecisionsAreListed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(root(t), "docs", "adr")
	list, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "0*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("found %d pages, %v", len(pages), err)
	}
	for i, page := range pages {
		name := filepath.Base(page)
		if want := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(name, want) {
			t.Errorf("docs/adr/%s: two pages have one number, or one is left out; expected %s", name, want)
			return
		}
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(raw), "\n")
		title, ok := strings.CutPrefix(first, fmt.Sprintf("# %d. ", i+1))
		if !ok {
			t.Errorf("docs/adr/%s: begins with %q; write # %d. and the decision", name, first, i+1)
		}
		if row := fmt.Sprintf("| %d | [%s](%s) |\n", i+1, title, name); !strings.Contains(string(list), row) {
			t.Errorf("docs/adr/README.md lacks the row %s", row)
		}
	}
}

// TestDependenciesAreExplained: each direct dependency of a module has a line in
// that module's section.
func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	text := document(t, "docs", "dependencies.md")
	for _, module := range append([]string{"sdk", "simkit", "host", "core", "examples", "tools"}, clouds(t)...) {
		_, section, found := strings.Cut(text, "\n## "+module+"\n")
		if !found {
			t.Errorf("docs/dependencies.md has no section %s", module)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, path := range required(document(t, filepath.FromSlash(module), "go.mod")) {
			family := strings.HasPrefix(path, "go.opentelemetry.io/otel/") && strings.Contains(section, "go.opentelemetry.io/otel ")
			if !family && !strings.Contains(section, path) {
				t.Errorf("docs/dependencies.md does not say why %s needs %s", module, path)
			}
		}
	}
}

// clouds lists the modules of the plugins.
func clouds(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root(t), "plugins", "*", "go.mod"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no plugin modules: %v", err)
	}
	for i, f := range found {
		found[i] = "plugins/" + filepath.Base(filepath.Dir(f))
	}
	return found
}

// required lists the direct requirements in a go.mod, but for our own modules.
func required(mod string) []string {
	var out []string
	for line := range strings.Lines(mod) {
		path, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "require "), " ")
		if ok && strings.HasPrefix(rest, "v") && !strings.Contains(rest, "// indirect") && !strings.HasPrefix(path, "tradewind.example/") {
			out = append(out, path)
		}
	}
	return out
}

// TestPackagesAreListed: whoever looks for something finds each package with its
// reason, in both languages.
func TestPackagesAreListed(t *testing.T) {
	t.Parallel()
	lists := map[string][]string{"core": {"README.md", "README.zh-CN.md"}, "host": {"host/README.md"}}
	for _, p := range packages(t) {
		module, name, _ := strings.Cut(strings.TrimPrefix(p.ImportPath, "tradewind.example/"), "/")
		if name == "" || strings.HasSuffix(name, "test") || strings.HasPrefix(name, "hosttest/") || name == "e2e" {
			continue // what serves tests alone
		}
		for _, list := range lists[module] {
			if !strings.Contains(document(t, filepath.FromSlash(list)), "`"+name+"`") {
				t.Errorf("%s lists no %s/%s", list, module, name)
			}
		}
	}
}

func document(t *testing.T, path ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{root(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
