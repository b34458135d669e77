package secretfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/tools/secretfile"
)

func TestOnlyPrivateFilesAreRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode   os.FileMode
		most   int64
		ok     bool
		reason string
	}{
		"private":   {0o600, 100, true, "its owner alone reads it"},
		"read only": {0o400, 100, true, "its owner alone reads it"},
		"group":     {0o640, 100, false, "the group reads it"},
		"others":    {0o604, 100, false, "others read it"},
		"writable":  {0o622, 100, false, "others write it"},
		"long":      {0o600, 5, false, "no file without a limit"},
	} {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, []byte("hunter2"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, tc.mode); err != nil {
			t.Fatal(err)
		}
		raw, err := secretfile.Read(file, tc.most)
		if (err == nil) != tc.ok || tc.ok && string(raw) != "hunter2" || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %v; %s", name, raw, err, tc.reason)
		}
	}
	if _, err := secretfile.Read(t.TempDir(), 100); err == nil {
		t.Error("a folder was read")
	}
}
