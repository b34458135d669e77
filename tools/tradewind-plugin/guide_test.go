package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tradewind.example/tools/scaffold"
)

const guide = "../../docs/guide/author"

// sourceOf finds the label before an excerpt: a link, or the name of a file
// that new writes.
var sourceOf = regexp.MustCompile("^(?:\\[[^]]+\\]\\(([^)]+)\\)|`skylark/([^`]+)`):$")

// TestExcerptsAreCompiledCode holds every excerpt of the author guide to the
// file that it names.
func TestExcerptsAreCompiledCode(t *testing.T) {
	t.Parallel()
	written, err := scaffold.Files(scaffold.Plugin{Name: "skylark", SDKVersion: "v0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(read(t, filepath.Join(guide, "README.md")), "\n")
	excerpts := 0
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```go" && lines[i] != "```yaml" {
			continue
		}
		begin := i + 1
		for i++; i < len(lines) && lines[i] != "```"; i++ {
		}
		excerpts++
		text := strings.Join(lines[begin:i], "\n") + "\n"
		m := sourceOf.FindStringSubmatch(lines[max(begin-3, 0)])
		switch {
		case m == nil:
			t.Errorf("line %d: the excerpt does not say where it is from", begin)
		case m[1] != "" && !strings.Contains(read(t, filepath.Join(guide, m[1])), text):
			t.Errorf("line %d: %s has other code", begin, m[1])
		case m[2] != "" && !strings.Contains(string(written[m[2]]), text):
			t.Errorf("line %d: new writes another %s", begin, m[2])
		}
	}
	if excerpts < 15 {
		t.Errorf("only %d excerpts were found", excerpts)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestCommandsOfTheGuideExist holds every command line of the guide to the tool.
func TestCommandsOfTheGuideExist(t *testing.T) {
	t.Parallel()
	commands := 0
	for _, page := range []string{"README.md", "compatibility.md"} {
		text := strings.ReplaceAll(read(t, filepath.Join(guide, page)), "\\\n", " ")
		for _, line := range regexp.MustCompile("(?m)tradewind-plugin ([a-z]+)([^`\n]*)").FindAllStringSubmatch(text, -1) {
			found, _, err := root().Find([]string{line[1]})
			if err != nil {
				t.Errorf("%s: %q: %v", page, line[0], err)
				continue
			}
			commands++
			for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(line[2], -1) {
				if found.Flags().Lookup(flag[1]) == nil {
					t.Errorf("%s: %q: there is no flag --%s", page, line[0], flag[1])
				}
			}
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands were found", commands)
	}
}
