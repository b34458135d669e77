package hosttest_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	root      = filepath.Join("..", "..")
	namedTest = regexp.MustCompile("`([a-z0-9/_-]+)\\.(Test\\w+)`")
	trapRow   = regexp.MustCompile("(?m)^\\| ([\\w-]+) \\| (fakeplugin|rawplugin) \\| `host/hosttest\\.(Test\\w+)` \\|")
)

// TestIndex: the index names every trap and only tests that exist, and the test
// of a trap is in a file that runs it.
func TestIndex(t *testing.T) {
	indexed := map[string]bool{}
	for _, row := range trapRow.FindAllStringSubmatch(read(t, "README.md"), -1) {
		trap, program, test := row[1], row[2], row[3]
		indexed[program+" "+trap] = true
		if !strings.Contains(testText(t, test), `"`+trap) {
			t.Errorf("%s does not run %s", test, trap)
		}
	}
	traps := map[string]bool{}
	for _, program := range []string{withSDK, raw} {
		out, err := exec.CommandContext(t.Context(), program, "modes").Output()
		if err != nil {
			t.Fatal(err)
		}
		for trap := range strings.FieldsSeq(string(out)) {
			traps[filepath.Base(program)+" "+trap] = true
			file := filepath.Join(filepath.Base(program), strings.ReplaceAll(trap, "-", "_")+".go")
			if _, err := os.Stat(file); err != nil {
				t.Errorf("trap %s has no file of its own: %v", trap, err)
			}
		}
	}
	if want, got := slices.Sorted(maps.Keys(traps)), slices.Sorted(maps.Keys(indexed)); !slices.Equal(want, got) {
		t.Errorf("there are the traps\n%q\nand the index has\n%q", want, got)
	}
}

// TestNamedTestsExist holds for the index and for the host's own README.
func TestNamedTestsExist(t *testing.T) {
	for file, least := range map[string]int{"README.md": 50, filepath.Join("..", "README.md"): 15} {
		named := namedTest.FindAllStringSubmatch(read(t, file), -1)
		if len(named) < least {
			t.Errorf("%s names %d tests only", file, len(named))
		}
		for _, n := range named {
			if !hasTest(t, filepath.Join(root, n[1]), n[2]) {
				t.Errorf("%s names %s.%s, which does not exist", file, n[1], n[2])
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(f string) bool {
		return strings.Contains(read(t, f), "\nfunc "+name+"(t *testing.T) {")
	})
}

// testText returns the source of one test of this package.
func testText(t *testing.T, name string) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, rest, ok := strings.Cut(read(t, f), "\nfunc "+name+"(t *testing.T) {"); ok {
			body, _, _ := strings.Cut(rest, "\n}\n")
			return body
		}
	}
	return ""
}
