package host_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/guard"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/procfs"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// TestCancelIsQuick: a caller that leaves is noticed by the plugin's own code
// within 100 ms. The machine may be busy, so one try of several must do it.
func TestCancelIsQuick(t *testing.T) {
	t.Parallel()
	_, p, book := started(t, dev())
	best := hosttest.Bound
	for try := 1; try <= 10 && best > 100*time.Millisecond; try++ {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := ask(ctx, p, "do", "wait")
			failed <- err
		}()
		hosttest.Eventually(t, "the call is at work", func() bool { return strings.Count(book.String(), "msg=waiting") == try })
		begin := time.Now()
		cancel()
		hosttest.Eventually(t, "the plugin notices", func() bool { return strings.Count(book.String(), "cancelled in the plugin") == try })
		best = min(best, time.Since(begin))
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if best > 100*time.Millisecond {
		t.Errorf("the plugin noticed after %s at best", best)
	}
}

// TestAStuckPluginStopsNoOther: with every slot and every place in the queue of
// one plugin taken, and its process stopped, another one serves, and none of its
// calls counts against the first.
func TestAStuckPluginStopsNoOther(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Limits = guard.Limits{Concurrent: 4, Queue: 2, QueueWait: time.Hour}
	cfg.Policy.ProbeEvery = time.Hour
	cfg.Plugins = append(cfg.Plugins, catalog.Entry{Name: "other", Path: fakeBinary, Env: map[string]string{"FAKE_NAME": "other"}})
	h, stuck, _ := started(t, cfg)
	if err := h.Start(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	other, err := h.Plugin("other")
	if err != nil {
		t.Fatal(err)
	}
	pid := status(h).PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the process has stopped", func() bool { return hosttest.Stopped(pid) })
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 6 {
		calls.Go(func() { _, _ = ask(ctx, stuck) })
	}
	hosttest.Eventually(t, "all places are taken", func() bool { l := stuck.Limits(); return l.Busy == 4 && l.Waiting == 2 })
	if _, err := ask(t.Context(), stuck); !fault.Is(err, fault.ClassThrottled) {
		t.Errorf("the stuck plugin: got %v", err)
	}
	before := stuck.Limits()
	for i := range 200 {
		if _, err := ask(t.Context(), other, "echo", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if l := stuck.Limits(); l.Busy != before.Busy || l.Waiting != before.Waiting || l.Refused != before.Refused {
		t.Errorf("the other plugin's calls changed %+v to %+v", before, l)
	}
	if l := other.Limits(); l.Busy != 0 || l.Refused != 0 {
		t.Errorf("the other plugin has %+v", l)
	}
	cancel()
	calls.Wait()
}

// TestABreakerHoldsCallsBack: an account whose calls are not answered in time is
// left alone after some of them, others are served, and a person can end it.
func TestABreakerHoldsCallsBack(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Breaker = guard.BreakerPolicy{Failures: 3, OpenFor: time.Hour, MaxOpen: time.Hour}
	cfg.Deadlines = map[string]guard.Times{"RegionsService/Regions": {Deadline: 50 * time.Millisecond, Max: hosttest.Bound}}
	_, p, _ := started(t, cfg)
	for range 3 {
		if _, err := ask(t.Context(), p, "do", "wait"); !errors.Is(err, context.DeadlineExceeded) && !fault.Is(err, fault.ClassUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), hosttest.Bound)
	defer cancel()
	_, err := ask(ctx, p)
	if f := fault.As(err); f == nil || f.Class != fault.ClassUnavailable || f.Outcome != fault.OutcomeNotDone || f.RetryAfter < time.Minute {
		t.Errorf("got %#v", f)
	}
	states := p.BreakerStates()
	if len(states) != 1 || states[0].State != guard.CircuitOpen || states[0].Account != "acc" || states[0].Failures != 3 {
		t.Fatalf("states are %+v", states)
	}
	if _, err := p.Regions(ctx, provider.RegionsRequest{Call: provider.Call{Account: provider.Account{ID: "another"}}}); err != nil {
		t.Errorf("another account: %v", err)
	}
	if err := p.ResetBreaker(states[0].BreakerKey); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(ctx, p); err != nil {
		t.Errorf("after the reset: %v", err)
	}
}

func TestWrongDeadlinesAreRefused(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Dir = hosttest.ShortDir(t)
	cfg.Deadlines = map[string]guard.Times{"Regions": {Deadline: time.Second}}
	if _, err := host.Open(t.Context(), cfg); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestLongListsTakeNoMemory: neither side holds more than some pages of a list
// of any length, also when its reader is slow.
func TestLongListsTakeNoMemory(t *testing.T) {
	const rows, sampled, most = 100_000, 20_000, 8 << 20
	h, p, _ := started(t, dev())
	warm := func(n int, seen func(int)) {
		i := 0
		err := p.Offerings(t.Context(), provider.OfferingsRequest{Call: settings("rows", strconv.Itoa(n))}, func(provider.Offering) error {
			i++
			seen(i)
			return nil
		})
		if err != nil || i != n {
			t.Fatalf("%d rows of %d, %v", i, n, err)
		}
	}
	warm(sampled, func(int) {})
	pid := status(h).PID
	heap, far := heapInUse(), resident(t, pid)
	var grown int64
	var farGrown int64
	warm(rows, func(i int) {
		if i%sampled == 0 {
			grown, farGrown = max(grown, heapInUse()-heap), max(farGrown, resident(t, pid)-far)
		}
	})
	if grown > most || farGrown > 4*most {
		t.Errorf("the host grew by %d KiB, the plugin by %d KiB", grown>>10, farGrown>>10)
	}
}

// heapInUse is what is reachable, in bytes.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// resident is how much memory a process has in use, in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	f, err := procfs.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	return f.ResidentBytes
}
