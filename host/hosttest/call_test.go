package hosttest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/crash"
	"tradewind.example/host/guard"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// idle waits until no call is at work or waiting.
func (tr *trap) idle(t *testing.T) {
	t.Helper()
	hosttest.Eventually(t, "no slot is taken", func() bool { st := tr.status(); return st.Calls == 0 && st.Waiting == 0 })
}

// survived verifies that the same process serves on, and well.
func (tr *trap) survived(t *testing.T, pid int) {
	t.Helper()
	tr.check(t)
	tr.idle(t)
	if st := tr.status(); st.State != supervise.StateReady || st.PID != pid || st.Restarts != 0 || st.LastError != "" {
		t.Errorf("the process did not survive: %+v", st)
	}
}

// TestPanicsOnCall: a panic stays in its call, and is reported with what was
// asked, without values.
func TestPanicsOnCall(t *testing.T) {
	tr := spring(t, host.Config{Policy: prompt()}, withSDK, "panics-on-call")
	pid := tr.status().PID
	_, err := tr.regions(t.Context())
	expect(t, "a read", err, fault.ClassInternal, fault.OutcomeNotDone, fault.SourcePlugin)
	err = tr.create(t.Context(), "t1", "hunter2")
	expect(t, "a create", err, fault.ClassInternal, fault.OutcomeUnknown, fault.SourcePlugin)
	r := tr.report(t, 2)
	if r.Kind != crash.KindPanic || r.PID != pid || r.Message != "panic: lost in the middle of a create" || len(r.Calls) != 1 {
		t.Fatalf("report is %+v", r)
	}
	if c := r.Calls[0]; c.Method != "ResourcesService/Create" || !slices.Contains(c.Input, "token string(2)") {
		t.Errorf("call is %+v", c)
	}
	if trace := strings.Join(r.Trace, "\n"); !strings.Contains(trace, "panickingNotes") || strings.Contains(trace, "hunter2") {
		t.Errorf("trace is %s", trace)
	}
	tr.survived(t, pid)
}

// TestDeadlocksOnCall: calls that never return end with their deadlines and
// give their slots back, the process serves on, and its end is bounded.
func TestDeadlocksOnCall(t *testing.T) {
	cfg := host.Config{Policy: prompt(), Breaker: guard.BreakerPolicy{Failures: 1000}}
	cfg.Limits = guard.Limits{Concurrent: 4, Queue: 100, QueueWait: hosttest.Bound}
	cfg.Deadlines = map[string]guard.Times{"RegionsService/Regions": {Deadline: 100 * time.Millisecond, Max: hosttest.Bound}}
	tr := spring(t, cfg, withSDK, "deadlocks-on-call")
	pid := tr.status().PID
	var calls sync.WaitGroup
	for range 3 * cfg.Limits.Concurrent {
		calls.Go(func() {
			_, err := tr.regions(t.Context())
			if f := fault.As(err); f == nil || f.Class != fault.ClassUnavailable || f.Outcome != fault.OutcomeNotDone {
				t.Errorf("got %#v", f)
			}
		})
	}
	calls.Wait()
	_, err := tr.regions(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	expect(t, "a deadlock", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	if !tr.book.Has("deadlocked") {
		t.Error("the calls did not reach the plugin")
	}
	tr.survived(t, pid)
	tr.stopIn(t, 6*time.Second)
}

// TestHugeAnswer: an answer beyond the limit fails its call alone, with and
// without the SDK's help.
func TestHugeAnswer(t *testing.T) {
	for name, program := range map[string]string{"SDK": withSDK, "Raw": raw} {
		t.Run(name, func(t *testing.T) {
			tr := spring(t, host.Config{Policy: prompt()}, program, "huge-answer")
			pid := tr.status().PID
			for range 3 {
				_, err := tr.regions(t.Context())
				expect(t, "a huge answer", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
				if err != nil {
					says(t, "the error", err.Error(), "larger than allowed")
				}
			}
			tr.survived(t, pid)
		})
	}
}

// TestSlowStream: a stream without end ends with its deadline, with its caller
// and with the plugin, and the plugin's code notices.
func TestSlowStream(t *testing.T) {
	cfg := host.Config{Policy: prompt()}
	cfg.Deadlines = map[string]guard.Times{"OfferingsService/Offerings": {Deadline: 2 * time.Second, Max: hosttest.Bound}}
	tr := spring(t, cfg, withSDK, "slow-stream")
	pid, noticed := tr.status().PID, 0
	left := func() {
		t.Helper()
		noticed++
		hosttest.Eventually(t, "the plugin notices", func() bool { return len(tr.book.Lines("nobody reads any more")) == noticed })
		tr.survived(t, pid)
	}
	rows := 0
	err := tr.offerings(t.Context(), func() error { rows++; return nil })
	expect(t, "its deadline", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	if !errors.Is(err, context.DeadlineExceeded) || rows == 0 {
		t.Errorf("after %d rows: %v", rows, err)
	}
	left()
	enough := errors.New("enough")
	if err := tr.offerings(t.Context(), func() error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a caller who leaves got %v", err)
	}
	left()
	ctx, cancel := context.WithTimeout(t.Context(), hosttest.Bound)
	defer cancel()
	first, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		var once sync.Once
		failed <- tr.offerings(ctx, func() error { once.Do(func() { close(first) }); return nil })
	}()
	<-first
	tr.stopIn(t, 6*time.Second)
	expect(t, "a stop", <-failed, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
}

func (tr *trap) offerings(ctx context.Context, each func() error) error {
	return tr.plugin.Offerings(ctx, provider.OfferingsRequest{Call: envelope()}, func(provider.Offering) error { return each() })
}

// TestReportsUnhealthy: a plugin that says that it is unwell is degraded; it
// serves on, is not started again, and is ready when it says that it is well.
func TestReportsUnhealthy(t *testing.T) {
	cfg := host.Config{Policy: prompt()}
	cfg.Policy.ProbeEvery, cfg.Policy.ProbeFailures = 20*time.Millisecond, 2
	tr := spring(t, cfg, raw, "reports-unhealthy")
	pid := tr.status().PID
	probes := 0
	var at time.Time
	hosttest.Eventually(t, "it was probed more often than silence would be borne", func() bool {
		if st := tr.status(); st.State == supervise.StateDegraded && !st.Health.At.Equal(at) {
			at = st.Health.At
			probes++
		}
		return probes > 3*cfg.Policy.ProbeFailures
	})
	st := tr.status()
	if h := st.Health; h.Process != supervise.LevelOK || h.Connection != supervise.LevelOK || h.Provider != supervise.LevelFailed {
		t.Errorf("health is %+v", h)
	}
	says(t, "the health", st.Health.Detail, "the cloud's gate is shut")
	says(t, "the reason", st.Reason, "the cloud's gate is shut")
	if st.PID != pid || st.Restarts != 0 {
		t.Errorf("it was started again: %+v", st)
	}
	if _, err := tr.regions(t.Context()); err != nil { // which heals
		t.Errorf("a degraded plugin does not serve: %v", err)
	}
	hosttest.Eventually(t, "it is ready", func() bool { return tr.status().State == supervise.StateReady })
	sameEvents(t, tr.events(), supervise.EventStart, supervise.EventStarted, supervise.EventProbeFailed, supervise.EventProbeOK)
	if st := tr.status(); st.PID != pid || st.Health.Provider != supervise.LevelOK {
		t.Errorf("status is %+v", st)
	}
	tr.report(t, 0)
}

// TestCrashesEveryNCalls: each crash costs the call that met it and no other,
// however often it happens.
func TestCrashesEveryNCalls(t *testing.T) {
	cfg := host.Config{Policy: prompt(), WaitReady: hosttest.Bound}
	cfg.Policy.Budget, cfg.Policy.Backoff, cfg.Policy.MaxBackoff = 100, time.Millisecond, time.Millisecond
	tr := spring(t, cfg, withSDK, "crashes-every-n-calls", "5")
	const calls = 30
	for i := 1; i <= calls; i++ {
		_, err := tr.regions(t.Context())
		if i%5 != 0 {
			if err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			continue
		}
		expect(t, "the call that meets the crash", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
		tr.serving(t, i/5)
	}
	st := tr.status()
	says(t, "the last error", st.LastError, "status 5")
	if st.Crashes != calls/5 {
		t.Errorf("%d crashes are counted", st.Crashes)
	}
	if r := tr.report(t, calls/5); r.Kind != crash.KindExit || r.Status != 5 || len(r.Calls) != 1 || r.Calls[0].Method != "RegionsService/Regions" {
		t.Errorf("report is %+v", r)
	}
}

// TestForgetsIdempotency: with a plugin that would make a second thing, nothing
// on the way makes a second call; the outcome of the first one is unknown.
func TestForgetsIdempotency(t *testing.T) {
	cfg := host.Config{Policy: prompt(), WaitReady: hosttest.Bound}
	tr := spring(t, cfg, withSDK, "forgets-idempotency")
	err := tr.create(t.Context(), "t1", "die")
	expect(t, "the plugin ends in the middle of a create", err, fault.ClassUnavailable, fault.OutcomeUnknown, fault.SourceHost)
	tr.serving(t, 1)
	tr.check(t)
	if n := len(tr.book.Lines(`msg="made one more"`)); n != 1 {
		t.Errorf("one create made %d notes", n)
	}
	if err := tr.create(t.Context(), "t2", "live"); err != nil {
		t.Errorf("the next create: %v", err)
	}
	hosttest.Eventually(t, "it is made", func() bool { return len(tr.book.Lines(`msg="made one more"`)) == 2 })
	says(t, "the last error", tr.status().LastError, "status 6")
}

// TestKilledInTheMiddleOfACreate: the same from outside, by SIGKILL, with calls
// of both kinds at work.
func TestKilledInTheMiddleOfACreate(t *testing.T) {
	tr := spring(t, host.Config{Policy: prompt(), WaitReady: hosttest.Bound}, withSDK, "well")
	failed := make(chan error, 1)
	go func() { failed <- tr.create(t.Context(), "t1", "hang") }()
	hosttest.Eventually(t, "the create is at work", func() bool { return tr.book.Has("creating") })
	if err := syscall.Kill(tr.status().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	expect(t, "the create", <-failed, fault.ClassUnavailable, fault.OutcomeUnknown, fault.SourceHost)
	tr.serving(t, 1)
	tr.check(t)
	if n := len(tr.book.Lines("msg=creating")); n != 1 {
		t.Errorf("the plugin was asked %d times to create", n)
	}
	if r := tr.report(t, 1); r.Kind != crash.KindExit || r.Signal != "SIGKILL" || len(r.Calls) != 1 || r.Calls[0].Method != "ResourcesService/Create" {
		t.Errorf("report is %+v", r)
	}
}
