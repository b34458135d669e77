package hosttest_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/crash"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
)

// TestStopsItself: a process that lives and does not answer is down; it is
// ended, reaped and started again, and the call that it held is told.
func TestStopsItself(t *testing.T) {
	cfg := host.Config{Policy: prompt()}
	cfg.Policy.ProbeEvery, cfg.Policy.ProbeTimeout, cfg.Policy.ProbeFailures = 50*time.Millisecond, 500*time.Millisecond, 2
	tr := spring(t, cfg, withSDK, "stops-itself")
	first := tr.status().PID
	_, err := tr.regions(t.Context())
	expect(t, "the call", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	tr.serving(t, 1)
	st := tr.status()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", first)); err == nil || st.PID == first {
		t.Errorf("the stopped process is still there: %v", err)
	}
	says(t, "the last error", st.LastError, "no answer to 2 probes in a row")
	sameEvents(t, tr.events(), supervise.EventStart, supervise.EventStarted, supervise.EventProbeFailed,
		supervise.EventDown, supervise.EventRetry, supervise.EventStarted)
	tr.check(t)
	r := tr.report(t, 1)
	says(t, "the report", r.Message, "killed: no answer to 2 probes")
	if r.Kind != crash.KindLost || r.Signal != "SIGKILL" || len(r.Calls) != 1 || r.Calls[0].Method != "RegionsService/Regions" {
		t.Errorf("report is %+v", r)
	}
}

// TestStopOfAStoppedProcess: nothing that is asked of it is answered, and its
// end is bounded all the same.
func TestStopOfAStoppedProcess(t *testing.T) {
	tr := spring(t, host.Config{Policy: prompt()}, withSDK, "stops-itself")
	failed := make(chan error, 1)
	go func() { _, err := tr.regions(t.Context()); failed <- err }()
	pid := tr.status().PID
	hosttest.Eventually(t, "it is stopped", func() bool { return hosttest.Stopped(pid) })
	tr.stopIn(t, 6*time.Second)
	expect(t, "the call", <-failed, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	tr.report(t, 0)
}

// TestForksAChild: a child that holds the output and ignores signals ends with
// its parent, wherever it went and however the parent ends.
func TestForksAChild(t *testing.T) {
	ends := map[string]func(t *testing.T, tr *trap){
		"Stopped": func(t *testing.T, tr *trap) { t.Helper(); tr.stopIn(t, 6*time.Second) },
		"Killed": func(t *testing.T, tr *trap) {
			t.Helper()
			if err := syscall.Kill(tr.status().PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			tr.serving(t, 1)
			says(t, "the last error", tr.status().LastError, "SIGKILL")
		},
		"Exits": func(t *testing.T, tr *trap) {
			t.Helper()
			call := envelope()
			call.Account.Settings["do"] = "exit"
			_, _ = tr.plugin.Regions(t.Context(), regionsOf(call))
			tr.serving(t, 1)
			says(t, "the last error", tr.status().LastError, "status 9")
		},
	}
	for where, args := range map[string][]string{"Group": {"forks-a-child"}, "Session": {"forks-a-child", "session"}} {
		for how, end := range ends {
			t.Run(where+how, func(t *testing.T) {
				tr := spring(t, host.Config{Policy: prompt()}, withSDK, args...)
				rs, err := tr.regions(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				child, err := strconv.Atoi(rs[0].ID)
				if err != nil || !hosttest.Alive(child) {
					t.Fatalf("%q is no living child: %v", rs[0].ID, err)
				}
				end(t, tr)
				// The signal is sent by now; the system takes a moment to act on it.
				hosttest.Eventually(t, "the child is gone", func() bool { return !hosttest.Alive(child) })
			})
		}
	}
}

// TestIgnoresShutdown: a plugin gets its time, and no more.
func TestIgnoresShutdown(t *testing.T) {
	cfg := host.Config{Policy: prompt()}
	tr := spring(t, cfg, withSDK, "ignores-shutdown")
	begin := time.Now()
	tr.stopIn(t, cfg.Policy.StopTimeout+5*time.Second)
	if took := time.Since(begin); took < cfg.Policy.StopTimeout {
		t.Errorf("it was ended after %s, before its time was over", took)
	}
	sameEvents(t, tr.events(), supervise.EventStart, supervise.EventStarted,
		supervise.EventStop, supervise.EventDrained, supervise.EventEnded)
	if st := tr.status(); st.LastError != "" || st.Reason != "ended" {
		t.Errorf("status is %+v", st)
	}
	tr.report(t, 0)
}

// TestLeaksMemory: a plugin that takes more than it may is ended, with the
// reason, and started again.
func TestLeaksMemory(t *testing.T) {
	cfg := host.Config{Policy: prompt(), Isolation: launch.Isolation{MemoryBytes: 128 << 20}}
	cfg.Policy.ProbeEvery = 50 * time.Millisecond
	tr := spring(t, cfg, withSDK, "leaks-memory")
	_, err := tr.regions(t.Context())
	expect(t, "the call", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	tr.serving(t, 1)
	says(t, "the last error", tr.status().LastError, "memory")
	tr.check(t)
	if r := tr.report(t, 1); r.Kind != crash.KindLost || !r.OutOfMemory || r.ResidentBytes < cfg.Isolation.MemoryBytes || r.ResidentBytes > 8*cfg.Isolation.MemoryBytes {
		t.Errorf("report is %+v", r)
	}
}
