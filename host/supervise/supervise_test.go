package supervise_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/supervise"
)

var errBroken = errors.New("broken")

// instance is a plugin that lives until it is told to end.
type instance struct {
	done   chan struct{}
	once   sync.Once
	mu     sync.Mutex
	probe  error
	closed int
}

func (i *instance) Done() <-chan struct{} { return i.done }
func (i *instance) Err() error            { return errBroken }
func (i *instance) end()                  { i.once.Do(func() { close(i.done) }) }

func (i *instance) Probe(context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.probe
}

func (i *instance) answer(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.probe = err
}

func (i *instance) Close(context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed++
	i.end()
	return nil
}

// world starts instances and remembers when.
type world struct {
	*supervise.Supervisor[*instance]
	begin  time.Time
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	starts []time.Duration // since begin
	last   *instance
	start  func(ctx context.Context, n int) error // n counts from 1
}

// run supervises inside a synctest bubble; the returned world ends with the test.
func run(t *testing.T, policy supervise.Policy, start func(ctx context.Context, n int) error) *world {
	t.Helper()
	w := &world{begin: time.Now(), ended: make(chan struct{}), start: start}
	if policy.Jitter == nil {
		policy.Jitter = func() float64 { return 1 } // no jitter: the whole pause
	}
	w.Supervisor = supervise.New(supervise.Config[*instance]{Start: w.launch, Policy: policy})
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { defer close(w.ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-w.ended })
	return w
}

func (w *world) launch(ctx context.Context) (*instance, error) {
	w.mu.Lock()
	w.starts = append(w.starts, time.Since(w.begin))
	n := len(w.starts)
	w.mu.Unlock()
	if w.start != nil {
		if err := w.start(ctx, n); err != nil {
			return nil, err
		}
	}
	i := &instance{done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = i
	return i, nil
}

func (w *world) instance() *instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *world) startTimes() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.starts...)
}

func (w *world) expect(t *testing.T, want supervise.State) {
	t.Helper()
	synctest.Wait()
	if st := w.Status(); st.State != want {
		t.Fatalf("state is %s (%s), want %s", st.State, st.Reason, want)
	}
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }

func alwaysFails(context.Context, int) error { return errBroken }

func TestBackoffDoublesToItsCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Budget: 100, Window: time.Hour}, alwaysFails)
		if err := w.Start(t.Context()); err == nil {
			t.Fatal("a failed start returned no error")
		}
		pass(5 * time.Minute)
		var pauses []time.Duration
		times := w.startTimes()
		for i := 1; i < len(times) && i <= 11; i++ {
			pauses = append(pauses, times[i]-times[i-1])
		}
		ms, s := time.Millisecond, time.Second
		want := []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms, 25600 * ms, 51200 * ms, 60 * s, 60 * s}
		if diff := cmp.Diff(want, pauses); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
	})
}

func TestSnapshotIsOfOneMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Backoff: time.Second}, nil)
		check := func(want supervise.State, serves *instance) {
			t.Helper()
			synctest.Wait()
			if st, i, ok := w.Snapshot(); st.State != want || i != serves || ok != (serves != nil) {
				t.Errorf("the plugin is %s with instance %p (%t), want %s with %p", st.State, i, ok, want, serves)
			}
		}
		check(supervise.StateInstalled, nil)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(supervise.StateReady, w.instance())
		w.instance().end()
		check(supervise.StateBackingOff, nil)
		pass(2 * time.Second)
		check(supervise.StateReady, w.instance())
	})
}

func TestJitterStaysInTheUpperHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Backoff: time.Second, Jitter: func() float64 { return 0 }}, alwaysFails)
		_ = w.Start(t.Context())
		pass(1600 * time.Millisecond)
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond}
		if diff := cmp.Diff(want, w.startTimes()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

func TestHealthyPeriodResetsBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{HealthyAfter: time.Minute, Backoff: time.Second}, nil)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, alive := range []time.Duration{0, 0, 2 * time.Minute} {
			pass(alive)
			w.instance().end()
			synctest.Wait()
			pass(10 * time.Second)
		}
		w.expect(t, supervise.StateReady)
		got := w.startTimes()
		// Pauses: 1 s, 2 s, and 1 s again after two healthy minutes.
		want := []time.Duration{0, time.Second, 12 * time.Second, 20*time.Second + 2*time.Minute + time.Second}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
		if st := w.Status(); st.Restarts != 3 || st.LastError != errBroken.Error() {
			t.Errorf("restarts %d, last error %q", st.Restarts, st.LastError)
		}
	})
}

func TestQuarantineAndResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := true
		w := run(t, supervise.Policy{Budget: 3}, func(context.Context, int) error {
			if broken {
				return errBroken
			}
			return nil
		})
		_ = w.Start(t.Context())
		pass(time.Hour)
		w.expect(t, supervise.StateQuarantined)
		if n := len(w.startTimes()); n != 4 {
			t.Errorf("started %d times, want the budget of 3 and one more", n)
		}
		if err := w.Start(t.Context()); !errors.Is(err, supervise.ErrRefused) {
			t.Errorf("start in quarantine: got %v, want %v", err, supervise.ErrRefused)
		}
		broken = false
		if err := w.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.expect(t, supervise.StateReady)
		if err := w.Resume(t.Context()); !errors.Is(err, supervise.ErrRefused) {
			t.Errorf("resume while ready: got %v, want %v", err, supervise.ErrRefused)
		}
	})
}

func TestOldFailuresAreForgiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Budget: 2, Window: 10 * time.Minute}, nil)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			pass(6 * time.Minute)
			w.instance().end()
			synctest.Wait()
		}
		pass(time.Second)
		w.expect(t, supervise.StateReady)
	})
}

func TestProbes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		answer error
		want   []supervise.State // after each probe
	}{
		"Unwell": {
			reason: "a plugin that says it is unwell keeps serving",
			answer: errBroken,
			want:   []supervise.State{supervise.StateDegraded, supervise.StateDegraded, supervise.StateDegraded, supervise.StateDegraded},
		},
		"Silent": {
			reason: "a plugin that does not answer three times is killed and started again",
			answer: fmt.Errorf("%w: dial failed", supervise.ErrNoAnswer),
			want:   []supervise.State{supervise.StateDegraded, supervise.StateDegraded, supervise.StateBackingOff},
		},
		"Greedy": {
			reason: "a plugin that takes more than it may is not asked twice",
			answer: fmt.Errorf("%w: of memory", supervise.ErrExceeded),
			want:   []supervise.State{supervise.StateBackingOff},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := run(t, supervise.Policy{ProbeEvery: 10 * time.Second, Backoff: time.Second}, nil)
				if err := w.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				first := w.instance()
				first.answer(tc.answer)
				for i, want := range tc.want {
					pass(10 * time.Second)
					synctest.Wait()
					if got := w.Status().State; got != want {
						t.Fatalf("%s: after probe %d: got %s, want %s", tc.reason, i+1, got, want)
					}
				}
				first.answer(nil)
				pass(10 * time.Second)
				w.expect(t, supervise.StateReady)
			})
		})
	}
}

// TestHealthHasThreeLevels: which level failed is told apart, from the process
// up to what the provider says of itself.
func TestHealthHasThreeLevels(t *testing.T) {
	t.Parallel()
	type levels struct{ Process, Connection, Provider supervise.Level }
	const ok, failed, unknown = supervise.LevelOK, supervise.LevelFailed, supervise.LevelUnknown
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{ProbeEvery: time.Second, ProbeFailures: 2, Backoff: time.Minute}, nil)
		expect := func(reason string, want levels, detail string) {
			t.Helper()
			synctest.Wait()
			h := w.Status().Health
			if got := (levels{h.Process, h.Connection, h.Provider}); got != want || h.Detail != detail || h.At.IsZero() {
				t.Errorf("%s: got %+v", reason, h)
			}
		}
		expect("nothing runs yet", levels{failed, unknown, unknown}, "never started")
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect("a start that went well has asked all levels", levels{ok, ok, ok}, "")
		w.instance().answer(errBroken)
		pass(time.Second)
		expect("it answers that it is unwell", levels{ok, ok, failed}, "broken")
		silent := fmt.Errorf("%w: it hangs", supervise.ErrNoAnswer)
		w.instance().answer(silent)
		pass(time.Second)
		expect("it does not answer", levels{ok, failed, unknown}, silent.Error())
		w.instance().answer(nil)
		pass(time.Second)
		expect("it recovered", levels{ok, ok, ok}, "")
		w.instance().end()
		expect("it ended", levels{failed, unknown, unknown}, "broken")
	})
}

func TestStopStartsNothingAgain(t *testing.T) {
	t.Parallel()
	hangs := func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	cases := map[string]struct {
		reason string
		start  func(context.Context, int) error
		from   supervise.State
	}{
		"Ready":      {reason: "a serving plugin is drained and ended", from: supervise.StateReady},
		"Starting":   {reason: "a start is broken off", start: hangs, from: supervise.StateStarting},
		"BackingOff": {reason: "the next try is called off", start: alwaysFails, from: supervise.StateBackingOff},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := run(t, supervise.Policy{Backoff: time.Second}, tc.start)
				go func() { _ = w.Start(t.Context()) }()
				w.expect(t, tc.from)
				if err := w.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.expect(t, supervise.StateStopped)
				before := len(w.startTimes())
				pass(time.Hour)
				w.expect(t, supervise.StateStopped)
				if after := len(w.startTimes()); after != before {
					t.Errorf("%s: started %d times after the stop", tc.reason, after-before)
				}
				if i := w.instance(); i != nil && i.closed != 1 {
					t.Errorf("instance was closed %d times", i.closed)
				}
				if err := w.Stop(t.Context()); err != nil {
					t.Errorf("second stop: %v", err)
				}
			})
		})
	}
}

func TestEndedSupervisorRefusesEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{}, nil)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.cancel()
		<-w.ended
		if i := w.instance(); i.closed != 1 {
			t.Errorf("instance was closed %d times, want once", i.closed)
		}
		w.expect(t, supervise.StateStopped)
		for name, do := range map[string]func(context.Context) error{
			"start": w.Start, "stop": w.Stop, "resume": w.Resume, "disable": w.Disable, "enable": w.Enable,
		} {
			if err := do(t.Context()); !errors.Is(err, supervise.ErrClosed) {
				t.Errorf("%s: got %v, want %v", name, err, supervise.ErrClosed)
			}
		}
		var not *supervise.NotServingError
		if _, err := w.Await(t.Context()); !errors.As(err, &not) {
			t.Errorf("await: got %v", err)
		}
	})
}

func TestConcurrentStartsShareOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{}, func(context.Context, int) error { pass(time.Second); return nil })
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := w.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(w.startTimes()); n != 1 {
			t.Errorf("started %d times, want once", n)
		}
	})
}

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Backoff: time.Second}, nil)
		var not *supervise.NotServingError
		if _, err := w.Await(t.Context()); !errors.As(err, &not) || not.State != supervise.StateInstalled {
			t.Errorf("before the start: got %v, want an error at once", err)
		}
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := w.instance()
		first.end()
		got, err := w.Await(t.Context())
		if err != nil || got == first {
			t.Errorf("during a restart: got the first instance: %t, %v", got == first, err)
		}
		w.instance().end()
		synctest.Wait()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.Await(ctx); !errors.As(err, &not) || time.Since(begin) != 0 || not.NextTry.Sub(begin) != 2*time.Second {
			t.Errorf("the next try is too late: got %v after %s, next try in %s", err, time.Since(begin), not.NextTry.Sub(begin))
		}
		ctx, cancel = context.WithCancel(t.Context())
		go func() { pass(time.Millisecond); cancel() }()
		if _, err := w.Await(ctx); !errors.Is(err, context.Canceled) || !errors.As(err, &not) {
			t.Errorf("cancelled: got %v", err)
		}
	})
}

func TestAtOnceNeedsNoAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := supervise.New(supervise.Config[*instance]{AtOnce: true, Start: func(context.Context) (*instance, error) {
			return &instance{done: make(chan struct{})}, nil
		}})
		if st := s.Status().State; st != supervise.StateStarting {
			t.Errorf("before Run: %s, want starting, so that the first call waits", st)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Run(ctx) }()
		if _, err := s.Await(t.Context()); err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
	})
}

func TestStartTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{StartTimeout: 3 * time.Second, Backoff: time.Minute},
			func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() })
		_ = w.Start(t.Context())
		w.expect(t, supervise.StateBackingOff)
		if took := time.Since(w.begin); took != 3*time.Second {
			t.Errorf("start was given up after %s", took)
		}
	})
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{}, nil)
		if err := w.Disable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Start(t.Context()); !errors.Is(err, supervise.ErrRefused) {
			t.Errorf("start while disabled: got %v, want %v", err, supervise.ErrRefused)
		}
		if err := w.Enable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Disable(t.Context()); !errors.Is(err, supervise.ErrRefused) {
			t.Errorf("disable while ready: got %v, want %v", err, supervise.ErrRefused)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, supervise.Policy{Budget: 1000, MaxBackoff: time.Second}, alwaysFails)
		_ = w.Start(t.Context())
		pass(5 * time.Minute)
		h := w.Status().History
		if len(h) != 50 {
			t.Fatalf("history holds %d transitions, want 50", len(h))
		}
		for _, tr := range h {
			if tr.Reason == "" || tr.At.IsZero() || tr.Event == "" {
				t.Errorf("transition without reason, time or event: %+v", tr)
			}
		}
	})
}
