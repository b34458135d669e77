package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBackupKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, tc := range map[string]struct {
		reason, before string
		force, fails   bool
		late           string // what somebody else writes there meanwhile
		want           string
		refused        bool
	}{
		"New":         {reason: "a new file is written", want: "new"},
		"Old":         {reason: "the only copy of yesterday is not lost to a typing error", before: "old", want: "old", refused: true},
		"Forced":      {reason: "unless that is wanted", before: "old", force: true, want: "new"},
		"Meanwhile":   {reason: "whoever came first stays", late: "other", want: "other", refused: true},
		"Broken":      {reason: "half a copy leaves nothing", fails: true, refused: true},
		"BrokenForce": {reason: "half a copy replaces nothing", before: "old", force: true, fails: true, want: "old", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			to := filepath.Join(dir, "copy")
			put := func(text string) {
				if text != "" {
					if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			put(tc.before)
			_, err := writeBackup(t.Context(), to, tc.force, func(_ context.Context, w io.Writer) (int64, error) {
				put(tc.late)
				n, err := io.WriteString(w, "new")
				if tc.fails {
					err = broken
				}
				return int64(n), err
			})
			if (err != nil) != tc.refused {
				t.Errorf("%s: %v", tc.reason, err)
			}
			got := map[string]string{}
			all, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got[e.Name()] = string(raw)
			}
			want := map[string]string{}
			if tc.want != "" {
				want["copy"] = tc.want
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: the folder (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}
