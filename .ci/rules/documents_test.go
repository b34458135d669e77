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
