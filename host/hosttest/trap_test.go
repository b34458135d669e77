package hosttest_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/crash"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The programs that misbehave, by how they are made.
var (
	withSDK string // hosttest/fakeplugin
	raw     string // hosttest/rawplugin
)

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "twbin")
	if err == nil {
		withSDK, err = hosttest.Build(dir, "fakeplugin")
	}
	if err == nil {
		raw, err = hosttest.Build(dir, "rawplugin")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// trap is a host with one misbehaving plugin. These tests do not run in
// parallel, so that what a test leaves behind is known to be its own.
type trap struct {
	*host.Host
	plugin *host.Plugin
	book   *hosttest.LogBook
	dir    string
}

const shownLines = 100 // of the log of a test that failed: a flood fills megabytes

// prompt is a policy with short times.
func prompt() supervise.Policy {
	return supervise.Policy{
		StartTimeout: hosttest.Bound, Backoff: 20 * time.Millisecond, ProbeEvery: time.Hour,
		DrainTimeout: 300 * time.Millisecond, StopTimeout: 300 * time.Millisecond,
	}
}

// set opens a host for the program in the given mode and does not start it. At
// the test's end the host is closed, and nothing of it or of the plugin may be left.
func set(t *testing.T, cfg host.Config, program string, args ...string) *trap {
	t.Helper()
	tr := &trap{book: &hosttest.LogBook{}, dir: hosttest.ShortDir(t)}
	tr.verifyLeftovers(t)
	cfg.Dir, cfg.Dev, cfg.Lazy = tr.dir, true, true
	cfg.Plugins = []catalog.Entry{{Name: "fake", Path: program, Args: args}}
	cfg.Log = slog.New(slog.NewTextHandler(tr.book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if tr.Host, err = host.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if tr.plugin, err = tr.Plugin("fake"); err != nil {
		t.Fatal(err)
	}
	return tr
}

// spring is set with a plugin that was started.
func spring(t *testing.T, cfg host.Config, program string, args ...string) *trap {
	t.Helper()
	tr := set(t, cfg, program, args...)
	if err := tr.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	return tr
}

// verifyLeftovers closes the host when the test has ended and fails it if a
// goroutine, descriptor, process, socket or folder is left.
func (tr *trap) verifyLeftovers(t *testing.T) {
	t.Helper()
	before, files := goleak.IgnoreCurrent(), hosttest.OpenFiles(t)
	t.Cleanup(func() {
		tr.close(t)
		goleak.VerifyNone(t, before)
		if left := hosttest.Children(t); len(left) != 0 {
			t.Errorf("processes %v are left", left)
		}
		if left := hosttest.Marked(t, tr.dir); len(left) != 0 {
			t.Errorf("processes %v are left in groups or sessions of their own", left)
		}
		if left, err := filepath.Glob(filepath.Join(tr.dir, "run", "*")); err != nil || len(left) != 1 { // the lock
			t.Errorf("left in the run folder: %v, %v", left, err)
		}
		if n := hosttest.OpenFiles(t); n > files {
			t.Errorf("%d descriptors are open, %d were before", n, files)
		}
		if tr.book.Has("hunter2") {
			t.Error("a secret is logged")
		}
		if t.Failed() {
			lines := slices.Collect(strings.Lines(tr.book.String()))
			for _, line := range lines[max(0, len(lines)-shownLines):] {
				t.Logf("%.400s", line)
			}
		}
	})
}

func (tr *trap) close(t *testing.T) {
	t.Helper()
	if tr.Host == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), hosttest.Bound)
	defer cancel()
	if err := tr.Close(ctx); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func (tr *trap) status() host.Status { return tr.plugin.Status() }

// events returns the events of the plugin's history.
func (tr *trap) events() []supervise.Event {
	var out []supervise.Event
	for _, h := range tr.status().History {
		out = append(out, h.Event)
	}
	return out
}

// serving waits until the plugin serves after so many restarts.
func (tr *trap) serving(t *testing.T, restarts int) {
	t.Helper()
	hosttest.Eventually(t, fmt.Sprintf("it serves after %d restarts", restarts), func() bool {
		st := tr.status()
		return st.State == supervise.StateReady && st.Restarts == restarts
	})
}

func envelope() provider.Call {
	return provider.Call{Account: provider.Account{ID: "acc", Settings: map[string]string{}}}
}

func (tr *trap) regions(ctx context.Context) ([]provider.Region, error) {
	return tr.plugin.Regions(ctx, provider.RegionsRequest{Call: envelope()})
}

// create asks for a note with the given text.
func (tr *trap) create(ctx context.Context, token, text string) error {
	_, err := tr.plugin.Create(ctx, provider.CreateRequest{
		Call: envelope(), Token: token, Kind: "note", Name: "n", Spec: []byte(`{"text":"` + text + `"}`),
	})
	return err
}

// check verifies that the plugin answers a call that is good.
func (tr *trap) check(t *testing.T) {
	t.Helper()
	if _, err := tr.plugin.Check(t.Context(), provider.CheckRequest{Call: envelope()}); err != nil {
		t.Errorf("a good call: %v", err)
	}
}

// stopIn stops the plugin and verifies that this takes at most that long.
func (tr *trap) stopIn(t *testing.T, most time.Duration) {
	t.Helper()
	pid, begin := tr.status().PID, time.Now()
	if err := tr.Stop(t.Context(), "fake"); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(begin); took > most {
		t.Errorf("the stop took %s, more than %s", took, most)
	}
	if st := tr.status(); st.State != supervise.StateStopped || st.PID != 0 || hosttest.Alive(pid) {
		t.Errorf("after the stop: state %s, pid %d, the old process lives: %v", st.State, st.PID, hosttest.Alive(pid))
	}
}

// report returns the newest crash report, of which there must be count.
func (tr *trap) report(t *testing.T, count int) crash.Report {
	t.Helper()
	var all []crash.Report
	hosttest.Eventually(t, fmt.Sprintf("there are %d crash reports", count), func() bool {
		var err error
		if all, err = tr.CrashReports("fake"); err != nil {
			t.Fatal(err)
		}
		return len(all) == count
	})
	if count == 0 {
		return crash.Report{}
	}
	r, err := tr.CrashReport("fake", all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// expect verifies what a fault says.
func expect(t *testing.T, what string, err error, class fault.Class, outcome fault.Outcome, source fault.Source) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Class != class || f.Outcome != outcome || f.Source != source {
		t.Errorf("%s: got %#v, want class %v, outcome %v, source %v", what, f, class, outcome, source)
	}
}

// says verifies that text holds all parts.
func says(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q: %s", what, part, text)
		}
	}
}

func sameEvents(t *testing.T, got []supervise.Event, want ...supervise.Event) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
}
