package hosttest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
)

// TestOverLongSocketPath: a folder in which no plugin could listen is refused
// before anything starts, and another run folder helps.
func TestOverLongSocketPath(t *testing.T) {
	long := filepath.Join(hosttest.ShortDir(t), strings.Repeat("long/", 20))
	cfg := host.Config{
		Dir: long, Dev: true, Lazy: true, Policy: prompt(),
		Plugins: []catalog.Entry{{Name: "fake", Path: withSDK}},
	}
	_, err := host.Open(t.Context(), cfg)
	if !errors.Is(err, launch.ErrPathTooLong) {
		t.Fatalf("got %v, want %v", err, launch.ErrPathTooLong)
	}
	cfg.RunDir = hosttest.ShortDir(t)
	h, err := host.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trap{Host: h, dir: cfg.RunDir}
	defer tr.close(t)
	if err := tr.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if tr.plugin, err = tr.Plugin("fake"); err != nil {
		t.Fatal(err)
	}
	tr.check(t)
}

// TestBinaryOutOfTheFolder: a path may not lead out of the plugin folder, by
// symlink neither, and a file that others may write does not run.
func TestBinaryOutOfTheFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		reason, path string
		prepare      func(t *testing.T, plugins string)
		part         string
	}{
		"Symlink": {
			reason: "a link out of the folder is somebody else's file", path: "link", part: "escapes",
			prepare: func(t *testing.T, plugins string) {
				t.Helper()
				if err := os.Symlink(withSDK, filepath.Join(plugins, "link")); err != nil {
					t.Fatal(err)
				}
			},
		},
		"FolderLink": {
			reason: "so is a file in a folder that is such a link", path: "folder/fakeplugin", part: "escapes",
			prepare: func(t *testing.T, plugins string) {
				t.Helper()
				if err := os.Symlink(filepath.Dir(withSDK), filepath.Join(plugins, "folder")); err != nil {
					t.Fatal(err)
				}
			},
		},
		"Writable": {
			reason: "who may write the file decides what runs", path: "shared", part: catalog.ErrUnsafe.Error(),
			prepare: func(t *testing.T, plugins string) {
				t.Helper()
				path := filepath.Join(plugins, "shared")
				err := os.Link(withSDK, path)
				if err == nil {
					err = os.Chmod(path, 0o777)
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.Chmod(path, 0o755) }) // the link's mode is the program's
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := hosttest.ShortDir(t)
			plugins := filepath.Join(dir, "plugins")
			if err := os.MkdirAll(plugins, 0o700); err != nil {
				t.Fatal(err)
			}
			tc.prepare(t, plugins)
			h, err := host.Open(t.Context(), host.Config{
				Dir: dir, Lazy: true, Policy: prompt(),
				Plugins: []catalog.Entry{{Name: "fake", Version: "1.0.0", Path: tc.path, SHA256: strings.Repeat("a", 64)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			tr := &trap{Host: h, dir: dir}
			defer tr.close(t)
			err = tr.Start(t.Context(), "fake")
			expect(t, tc.reason, err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
			st := h.Statuses()[0]
			says(t, tc.reason, st.LastError, tc.part)
			if st.State != supervise.StateBackingOff || st.PID != 0 || len(hosttest.Marked(t, dir)) != 0 {
				t.Errorf("%s: status is %+v", tc.reason, st)
			}
		})
	}
}
