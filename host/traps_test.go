package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/host/guard"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestCallsReachThePlugin(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	got, err := ask(t.Context(), p, "echo", "hello")
	if err != nil || got.ID != "hello" {
		t.Fatalf("got %q, %v", got.ID, err)
	}
	st := status(h)
	if st.State != supervise.StateReady || st.Version != "1.0.0" || strconv.Itoa(st.PID) != got.Zones[0].ID || len(st.SHA256) != 64 {
		t.Errorf("status is %+v", st)
	}
	if len(st.Capabilities) == 0 || st.Since.IsZero() || st.Reason == "" {
		t.Errorf("status is incomplete: %+v", st)
	}
}

// TestStartFailuresSayWhy: phase, exit and the last output, without secrets.
func TestStartFailuresSayWhy(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		binary string
		want   []string
	}{
		"garbage": {"a line without end", noPlugin, []string{"phase handshake"}},
		"outside": {"a socket outside the plugin's folder", noPlugin, []string{"phase handshake", "instead of a socket in its folder"}},
		"tells":   {"a secret instead of a handshake", noPlugin, []string{"phase handshake", "password=******"}},
		"fails":   {"a plugin that complains", fakeBinary, []string{"phase handshake", "status 3", "cannot start: password=******"}},
	}
	for mode, tc := range cases {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cfg := dev(mode)
			cfg.Plugins[0].Path = tc.binary
			cfg.Policy.StartTimeout, cfg.Policy.Backoff = 2*time.Second, time.Hour
			cfg.Lazy = true
			h, book := open(t, cfg)
			err := h.Start(t.Context(), "fake")
			if !fault.Is(err, fault.ClassUnavailable) {
				t.Fatalf("%s: got %v, want an unavailable fault", tc.reason, err)
			}
			for _, text := range append(tc.want, "backing_off") {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%s: error does not say %q: %v", tc.reason, text, err)
				}
			}
			if book.Has("hunter2") || strings.Contains(status(h).LastError, "hunter2") {
				t.Errorf("%s: a secret is told", tc.reason)
			}
			if st := status(h); st.PID != 0 || st.LastError == "" {
				t.Errorf("%s: status is %+v", tc.reason, st)
			}
		})
	}
}

// TestEnvironmentIsSealed: of the host's variables only allowed ones arrive.
func TestEnvironmentIsSealed(t *testing.T) {
	t.Setenv("TRADEWIND_HOST_SECRET", "must-not-travel")
	t.Setenv("TW_ALLOWED", "may-travel")
	cfg := dev()
	cfg.EnvAllow = []string{"TW_ALLOWED"}
	cfg.Plugins[0].Env = map[string]string{"DECLARED": "travels"}
	_, p, _ := started(t, cfg)
	got, err := ask(t.Context(), p, "do", "env")
	if err != nil {
		t.Fatal(err)
	}
	want := "DECLARED HOME PLUGIN_CLIENT_CERT PLUGIN_MAX_PORT PLUGIN_MIN_PORT PLUGIN_PROTOCOL_VERSIONS " +
		"PLUGIN_UNIX_SOCKET_DIR TMPDIR TRADEWIND_LAUNCH TRADEWIND_PLUGIN TW_ALLOWED"
	if got.ID != want {
		t.Errorf("got  %s\nwant %s", got.ID, want)
	}
}

func TestCallsWaitForARestart(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	first := status(h).PID
	if _, err := ask(t.Context(), p, "do", "exit"); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("the call that ended the process: got %v", err)
	}
	if _, err := ask(t.Context(), p); err != nil {
		t.Errorf("the call after it: %v", err)
	}
	st := status(h)
	if st.Restarts != 1 || st.PID == first || !strings.Contains(st.LastError, "status 9") {
		t.Errorf("status is %+v", st)
	}
}

// TestKilledUnderACreate: nobody knows whether the change happened, so the
// outcome must be unknown, and only then.
func TestKilledUnderACreate(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Policy.Backoff = time.Hour
	cfg.WaitReady = 50 * time.Millisecond
	h, p, book := started(t, cfg)
	create := func() error {
		_, err := p.Create(t.Context(), provider.CreateRequest{Call: settings(), Token: "t1", Kind: "note", Name: "n", Spec: []byte(`{"text":"hang"}`)})
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- create() }()
	hosttest.Eventually(t, "the create is at work", func() bool { return book.Has("creating") })
	if err := syscall.Kill(status(h).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f := fault.As(<-failed)
	if f.Outcome != fault.OutcomeUnknown || f.Class != fault.ClassUnavailable || f.Source != fault.SourceHost {
		t.Errorf("under the create: got %#v", f)
	}
	f = fault.As(create())
	if f.Outcome != fault.OutcomeNotDone || f.Class != fault.ClassUnavailable || f.Source != fault.SourceHost || f.RetryAfter <= 0 {
		t.Errorf("with no process: got %#v", f)
	}
}

func TestPanicUnderACreate(t *testing.T) {
	t.Parallel()
	_, p, _ := started(t, dev())
	_, err := p.Create(t.Context(), provider.CreateRequest{Call: settings(), Token: "t1", Kind: "note", Name: "n", Spec: []byte(`{"text":"panic"}`)})
	if f := fault.As(err); f.Class != fault.ClassInternal || f.Outcome != fault.OutcomeUnknown {
		t.Errorf("got %#v", f)
	}
	got, err := p.Create(t.Context(), provider.CreateRequest{Call: settings(), Token: "t2", Kind: "note", Name: "n", Spec: []byte(`{"text":"fine"}`)})
	if err != nil || got.Resource == nil || got.Resource.ID != "n1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCancelReachesThePlugin(t *testing.T) {
	t.Parallel()
	_, p, book := started(t, dev())
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := ask(ctx, p, "do", "wait")
		failed <- err
	}()
	hosttest.Eventually(t, "the call is at work", func() bool { return book.Has("waiting") })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	hosttest.Eventually(t, "the plugin notices", func() bool { return book.Has("cancelled in the plugin") })
}

func TestMessageLimits(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	const limit = 16 << 20
	cases := map[string]struct {
		reason string
		kv     []string
		class  fault.Class // 0: it does not fail
		says   string
	}{
		"RequestBelow": {reason: "15 MiB to the plugin pass", kv: []string{"pad", strings.Repeat("x", limit-1<<20)}},
		"RequestAbove": {
			reason: "17 MiB to the plugin do not", kv: []string{"pad", strings.Repeat("x", limit+1<<20)},
			class: fault.ClassInvalid, says: "was not sent",
		},
		"AnswerBelow": {reason: "15 MiB from the plugin pass", kv: []string{"size", strconv.Itoa(limit - 1<<20)}},
		"AnswerAbove": {
			reason: "17 MiB from the plugin do not", kv: []string{"size", strconv.Itoa(limit + 1<<20)},
			class: fault.ClassUnavailable, says: "larger than allowed",
		},
	}
	for name, tc := range cases {
		_, err := ask(t.Context(), p, tc.kv...)
		if (err != nil) != (tc.class != 0) {
			t.Errorf("%s: %s: got %v", name, tc.reason, err)
		}
		if tc.class != 0 && (!fault.Is(err, tc.class) || !strings.Contains(fmt.Sprint(err), tc.says)) {
			t.Errorf("%s: %s, and that is told: got %v", name, tc.reason, err)
		}
	}
	if st := status(h); st.Restarts != 0 {
		t.Errorf("the process did not survive: %+v", st)
	}
}

func TestLongStream(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	const rows = 100_000
	n := 0
	err := p.Offerings(t.Context(), provider.OfferingsRequest{Call: settings("rows", strconv.Itoa(rows))}, func(o provider.Offering) error {
		if o.ID != strconv.Itoa(n) {
			return fmt.Errorf("row %d is %q", n, o.ID)
		}
		n++
		return nil
	})
	if err != nil || n != rows {
		t.Errorf("got %d rows, %v", n, err)
	}
	stop := errors.New("enough")
	err = p.Offerings(t.Context(), provider.OfferingsRequest{Call: settings("rows", strconv.Itoa(rows))}, func(provider.Offering) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("left early: got %v", err)
	}
	hosttest.Eventually(t, "slots are given back", func() bool { return status(h).Calls == 0 })
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	_, p, book := started(t, dev())
	call := settings("do", "log_secrets")
	call.Account.Credentials = credentials("public", "AKID-marker-1234567", "private", "marker/private+secret")
	if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the plugin has logged", func() bool { return book.Has("all secrets are logged") })
	for _, marker := range []string{"marker", "hunter2", "deepdeep"} {
		if book.Has(marker) {
			t.Errorf("the log holds %q", marker)
		}
	}
}

func TestOverloadIsRefused(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Limits = guard.Limits{Concurrent: 2, Queue: 1, QueueWait: time.Hour}
	h, p, _ := started(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() { _, _ = ask(ctx, p, "do", "wait") })
	}
	hosttest.Eventually(t, "all places are taken", func() bool { st := status(h); return st.Calls == 2 && st.Waiting == 1 })
	_, err := ask(t.Context(), p)
	if f := fault.As(err); f.Class != fault.ClassThrottled || f.RetryAfter <= 0 || f.Outcome != fault.OutcomeNotDone {
		t.Errorf("got %#v", f)
	}
	cancel()
	calls.Wait()
	if _, err := ask(t.Context(), p); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLostSocketIsNoticed: a plugin that lives and answers on the open
// connection, but cannot be dialled any more, is down.
func TestLostSocketIsNoticed(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Dir = hosttest.ShortDir(t)
	cfg.Policy.ProbeEvery, cfg.Policy.ProbeFailures = 50*time.Millisecond, 2
	h, p, _ := started(t, cfg)
	first := status(h)
	removeSockets(t, filepath.Join(cfg.Dir, "run"))
	if _, err := ask(t.Context(), p); err != nil {
		t.Errorf("the open connection: %v", err)
	}
	hosttest.Eventually(t, "it is started again", func() bool { return status(h).State.Serving() && status(h).Restarts == 1 })
	st := status(h)
	if st.PID == first.PID || hosttest.Alive(first.PID) || !strings.Contains(st.LastError, "cannot be dialled") {
		t.Errorf("status is %+v", st)
	}
}

func removeSockets(t *testing.T, dir string) {
	t.Helper()
	removed := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() != fs.ModeSocket {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil || removed == 0 {
		t.Fatalf("removed %d sockets: %v", removed, err)
	}
}
