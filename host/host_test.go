package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	pid := status(h).PID
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_, err := ask(t.Context(), p)
	if f := fault.As(err); f.Class != fault.ClassUnavailable || f.Outcome != fault.OutcomeNotDone {
		t.Errorf("call to a stopped plugin: got %#v", f)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("call to a stopped plugin waited %s", took)
	}
	if hosttest.Alive(pid) || status(h).State != supervise.StateStopped {
		t.Errorf("status is %+v", status(h))
	}
	if err := h.Restart(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t.Context(), p); err != nil {
		t.Error(err)
	}
	if err := h.Start(t.Context(), "none"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("start of an unknown plugin: got %v", err)
	}
	if err := h.Resume(t.Context(), "fake"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("resume of a serving plugin: got %v", err)
	}
}

func TestStopDrains(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Policy.DrainTimeout = hosttest.Bound
	h, p, book := started(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := ask(ctx, p, "do", "wait")
		failed <- err
	}()
	hosttest.Eventually(t, "the call is at work", func() bool { return book.Has("waiting") })
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		// The plugin sees the deadline, too, and may be faster to say so.
		if !errors.Is(err, context.DeadlineExceeded) && fault.As(err).Source != fault.SourcePlugin {
			t.Errorf("the call was cut off: %v", err)
		}
	default:
		t.Error("stop did not wait for the call")
	}
}

func TestQuarantineAndResume(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Policy.Budget = 2
	h, p, _ := started(t, cfg)
	for range 3 {
		_, _ = ask(t.Context(), p, "do", "exit")
	}
	hosttest.Eventually(t, "quarantine", func() bool { return status(h).State == supervise.StateQuarantined })
	if _, err := ask(t.Context(), p); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("call: got %v", err)
	}
	if err := h.Start(t.Context(), "fake"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("start: got %v", err)
	}
	if err := h.Resume(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestInstallUpgradeAndTamper(t *testing.T) {
	t.Parallel()
	dir := hosttest.ShortDir(t)
	h, _ := open(t, host.Config{Dir: dir, Policy: supervise.Policy{Backoff: time.Hour}})
	hash := hashOf(t, fakeBinary)
	e, err := h.Install(t.Context(), fakeBinary, host.InstallOptions{SHA256: hash})
	if err != nil || e.SHA256 != hash || e.Version != "1.0.0" {
		t.Fatalf("installed %+v, %v", e, err)
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start checks the same pin again
		if err := h.Restart(t.Context(), "fake"); err != nil {
			t.Fatal(err)
		}
	}
	if e, err = h.Install(t.Context(), otherBinary, host.InstallOptions{AcceptComputed: true, Activate: true}); err != nil {
		t.Fatal(err)
	}
	if st := status(h); st.Version != "1.0.0" {
		t.Errorf("the new version came into use by itself: %+v", st)
	}
	if err := h.Restart(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if st := status(h); st.Version != "2.0.0" || st.SHA256 != e.SHA256 {
		t.Errorf("after the restart: %+v", st)
	}
	tamper(t, filepath.Join(dir, "plugins", e.Path))
	err = h.Restart(t.Context(), "fake")
	if !errors.Is(err, launch.ErrHash) && !strings.Contains(fmt.Sprint(err), launch.ErrHash.Error()) {
		t.Errorf("a tampered binary: got %v", err)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	h, _ := open(t, host.Config{})
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho '{}'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason, file string
		opts         host.InstallOptions
	}{
		"NoTrust":   {"a hash or a word of the operator is needed", fakeBinary, host.InstallOptions{}},
		"BothTrust": {"one of them", fakeBinary, host.InstallOptions{SHA256: strings.Repeat("a", 64), AcceptComputed: true}},
		"WrongHash": {"the file is another one", fakeBinary, host.InstallOptions{SHA256: strings.Repeat("a", 64)}},
		"OddHash":   {"a hash is 64 digits", fakeBinary, host.InstallOptions{SHA256: "abc"}},
		"Missing":   {"there is no file", "/nonexistent", host.InstallOptions{AcceptComputed: true}},
		"NoPlugin":  {"a script is no plugin", script, host.InstallOptions{AcceptComputed: true}},
	}
	for name, tc := range cases {
		if _, err := h.Install(t.Context(), tc.file, tc.opts); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: %s: got %v, want invalid", name, tc.reason, err)
		}
	}
	if n := len(h.Entries()); n != 0 {
		t.Errorf("%d entries after failed installations", n)
	}
}

func TestDifferentManifestIsNoticed(t *testing.T) {
	t.Parallel()
	dir := hosttest.ShortDir(t)
	h, _ := open(t, host.Config{Dir: dir, Policy: supervise.Policy{Backoff: time.Hour}})
	e, err := h.Install(t.Context(), fakeBinary, host.InstallOptions{AcceptComputed: true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plugins", filepath.Dir(e.Path), "manifest.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), `"1.0.0"`, `"1.0.1"`, 1)), 0o400); err != nil {
		t.Fatal(err)
	}
	err = h.Restart(t.Context(), "fake")
	if err == nil || !strings.Contains(err.Error(), "differs from its manifest") || !strings.Contains(err.Error(), "describe") {
		t.Errorf("got %v", err)
	}
}

func TestPluginsStartInParallel(t *testing.T) {
	t.Parallel()
	cfg := dev()
	for i := range 5 {
		name := fmt.Sprintf("fake%d", i)
		cfg.Plugins = append(cfg.Plugins, catalog.Entry{Name: name, Path: fakeBinary, Env: map[string]string{"FAKE_NAME": name}})
	}
	cfg.Plugins = append(cfg.Plugins, catalog.Entry{Name: "broken", Path: noPlugin, Args: []string{"silent"}},
		catalog.Entry{Name: "off", Path: fakeBinary, Disabled: true})
	cfg.Policy.StartTimeout = hosttest.Bound
	h, _ := open(t, cfg)
	for i := range 5 {
		if err := h.Start(t.Context(), fmt.Sprintf("fake%d", i)); err != nil {
			t.Error(err)
		}
	}
	if err := h.Start(t.Context(), "off"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("start of a disabled plugin: got %v", err)
	}
	var states []string
	for _, st := range h.Statuses() {
		states = append(states, st.Name+"="+string(st.State))
	}
	want := "broken=starting fake=ready fake0=ready fake1=ready fake2=ready fake3=ready fake4=ready off=disabled"
	hosttest.Eventually(t, "fake is ready", func() bool { p, _ := h.Plugin("fake"); return p.Status().State.Serving() })
	if got := strings.Replace(strings.Join(states, " "), "fake=starting", "fake=ready", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHostServices(t *testing.T) {
	t.Parallel()
	cfg := dev("stores")
	cfg.Services = func(plugin string) provider.HostServices { return services{plugin: plugin} }
	_, p, _ := started(t, cfg)
	if got, err := p.Check(t.Context(), provider.CheckRequest{}); err != nil || got.Account != "1999" {
		t.Errorf("the host's time: got %q, %v", got.Account, err)
	}
	cfg = dev("stores")
	cfg.Policy.Backoff, cfg.Lazy = time.Hour, true
	h, _ := open(t, cfg)
	if err := h.Start(t.Context(), "fake"); err == nil || !strings.Contains(err.Error(), "offers no storage") {
		t.Errorf("without services: got %v", err)
	}
}

func TestCallersMayNotEndOrLink(t *testing.T) {
	t.Parallel()
	_, p, _ := started(t, dev())
	if err := p.Shutdown(t.Context()); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("shutdown: got %v", err)
	}
	if err := p.LinkHost(t.Context(), nil); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("link: got %v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	dir := hosttest.ShortDir(t)
	before := goleak.IgnoreCurrent()
	cfg := dev()
	cfg.Dir = dir
	h, err := host.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.Open(t.Context(), cfg); !errors.Is(err, launch.ErrLocked) {
		t.Errorf("a second host in the same folder: got %v, want %v", err, launch.ErrLocked)
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	pid := status(h).PID
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
	if hosttest.Alive(pid) {
		t.Error("the process is still there")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "run", "*")); len(left) != 1 { // the lock
		t.Errorf("left in the run folder: %v", left)
	}
	if err := h.Start(t.Context(), "fake"); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("start after close: got %v", err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestReadyHasAProcess: a status is of one moment, also while the plugin crashes.
func TestReadyHasAProcess(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Policy.Backoff, cfg.Policy.MaxBackoff, cfg.Policy.Budget = time.Millisecond, time.Millisecond, 100
	h, _, _ := started(t, cfg)
	for range 5 {
		dead := status(h).PID
		if err := syscall.Kill(dead, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); ; {
			st := status(h)
			if st.State.Serving() != (st.PID != 0) || st.Runs[0].State.Serving() != (st.Runs[0].PID != 0) {
				t.Fatalf("the plugin is %s as pid %d, its run %s as %d", st.State, st.PID, st.Runs[0].State, st.Runs[0].PID)
			}
			if st.PID != 0 && st.PID != dead {
				break
			}
			if time.Since(began) > 20*time.Second {
				t.Fatalf("it does not come back: %+v", st)
			}
		}
	}
}
