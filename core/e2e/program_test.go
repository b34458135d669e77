package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// workshop builds each program once for all tests, into a folder that goes when
// they have ended. They are real ones, without debug information: children of
// the tests, which the race detector does not look into.
type workshop struct {
	mu    sync.Mutex
	dir   string
	built map[string]string // path by folder, tags and package
}

var programs workshop

func TestMain(m *testing.M) {
	code := 1
	dir, err := os.MkdirTemp("", "tw-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		programs = workshop{dir: dir, built: map[string]string{}}
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program returns the path of a program of a module.
func (w *workshop) program(t *testing.T, module, tags, pkg string) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	key := strings.Join([]string{module, tags, pkg}, " ")
	if path := w.built[key]; path != "" {
		return path
	}
	path := filepath.Join(w.dir, fmt.Sprintf("program-%d", len(w.built)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	w.built[key] = path
	return path
}
