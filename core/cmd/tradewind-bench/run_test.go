package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyNamesParts(t *testing.T) {
	t.Parallel()
	work := filepath.Join(t.TempDir(), "kept")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := root()
	cmd.SetOut(io.Discard)
	cmd.SetArgs([]string{"--only", "accept,no-such", "--bin", t.TempDir(), "--work", work, "--out", filepath.Join(work, "out.json")})
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), `"no-such"`) || !strings.Contains(err.Error(), "settlement") {
		t.Errorf("an unknown part is refused with its name and those that exist, got %v", err)
	}
	if _, err := os.Stat(work); err != nil {
		t.Errorf("before anything is emptied: %v", err)
	}
	for _, p := range parts() {
		if err := known([]string{p.name}); err != nil {
			t.Errorf("a part is refused: %v", err)
		}
	}
}
