package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

var (
	epoch   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	errBoom = errors.New("boom")
)

// rig is a queue on a store of its own with a clock that the test moves.
type rig struct {
	t   *testing.T
	st  store.Store
	clk *clock.Fake
	q   *job.Queue
}

func newRig(t *testing.T, set ...func(*job.Config)) *rig {
	t.Helper()
	r := &rig{t: t, st: storetest.Open(t), clk: clock.NewFake(epoch)}
	r.q = r.queue(set...)
	return r
}

// queue makes another queue on the same store: the next process.
func (r *rig) queue(set ...func(*job.Config)) *job.Queue {
	r.t.Helper()
	cfg := job.Config{Store: r.st, Clock: r.clk, Logger: slog.New(slog.DiscardHandler)}
	for _, s := range set {
		s(&cfg)
	}
	q, err := job.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return q
}

func (r *rig) register(kind string, h job.Handler, p job.Policy) {
	r.t.Helper()
	if err := r.q.Register(kind, h, p); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) start() {
	r.t.Helper()
	if err := r.q.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	q := r.q
	r.t.Cleanup(func() { _ = q.Stop(context.WithoutCancel(r.t.Context())) })
}

func (r *rig) stop() {
	r.t.Helper()
	if err := r.q.Stop(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) enqueue(j job.Job) job.Job {
	r.t.Helper()
	err := r.st.Update(r.t.Context(), func(tx store.Tx) (err error) {
		j, err = r.q.Enqueue(tx, j)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

func (r *rig) get(id string) job.Job {
	r.t.Helper()
	var j job.Job
	err := r.st.View(context.WithoutCancel(r.t.Context()), func(rd store.Reader) (err error) {
		j, err = r.q.Get(rd, id)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

// await polls until the job satisfies ok.
func (r *rig) await(id, what string, ok func(job.Job) bool) job.Job {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		j := r.get(id)
		if ok(j) {
			return j
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("job %q is %s at attempt %d with %q, want %s", id, j.State, j.Attempt, j.LastError, what)
		}
	}
}

func (r *rig) awaitState(id string, s job.State) job.Job {
	r.t.Helper()
	return r.await(id, string(s), func(j job.Job) bool { return j.State == s })
}

func nothing(context.Context, job.Job) error { return nil }

func TestRunsOnceCommitted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := make(chan job.Job, 1)
	r.register("mail", func(_ context.Context, j job.Job) error { got <- j; return nil }, job.Policy{})
	r.start()
	in := r.enqueue(job.Job{Kind: "mail", Ref: "ref", OrgID: "org", Payload: []byte("hello")})
	j := <-got
	if j.ID != in.ID || j.Attempt != 1 || j.State != job.StateRunning || string(j.Payload) != "hello" || j.Ref != "ref" {
		t.Errorf("the handler was given %+v", j)
	}
	if j := r.awaitState(in.ID, job.StateDone); j.Failures != 0 || j.LastError != "" {
		t.Errorf("done as %+v", j)
	}
}

func TestRolledBackEnqueueNeverRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ran atomic.Int32
	r.register("mail", func(context.Context, job.Job) error { ran.Add(1); return nil }, job.Policy{})
	r.start()
	err := r.st.Update(t.Context(), func(tx store.Tx) error {
		_, err := r.q.Enqueue(tx, job.Job{Kind: "mail"})
		return errors.Join(err, errBoom)
	})
	if !errors.Is(err, errBoom) {
		t.Error(err)
	}
	r.awaitState(r.enqueue(job.Job{Kind: "mail"}).ID, job.StateDone)
	if ran.Load() != 1 {
		t.Errorf("%d jobs ran, want the committed one", ran.Load())
	}
}

func TestAttemptIsStoredBeforeTheHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stored := make(chan job.Job, 1)
	r.register("mail", func(_ context.Context, j job.Job) error { stored <- r.get(j.ID); return nil }, job.Policy{})
	r.start()
	r.enqueue(job.Job{Kind: "mail"})
	if j := <-stored; j.Attempt != 1 || j.State != job.StateRunning {
		t.Errorf("while the handler runs the store holds %+v", j)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	fixed := func(int) time.Duration { return 7 * time.Second }
	cases := map[string]struct {
		reason   string
		handle   job.Handler
		policy   job.Policy
		max      int
		state    job.State
		failures int
		runAt    time.Duration // after epoch
		text     string
	}{
		"Done":        {reason: "nil is done", handle: nothing, state: job.StateDone},
		"Failure":     {reason: "an error is tried again after the backoff", handle: func(context.Context, job.Job) error { return errBoom }, state: job.StateReady, failures: 1, runAt: 7 * time.Second, text: "boom"},
		"RetryAt":     {reason: "the handler may name the time", handle: func(context.Context, job.Job) error { return job.RetryAt(epoch.Add(time.Hour), errBoom) }, state: job.StateReady, failures: 1, runAt: time.Hour, text: "boom"},
		"WrappedCtl":  {reason: "a control result survives wrapping", handle: func(context.Context, job.Job) error { return fmt.Errorf("calling: %w", job.Dead(errBoom)) }, state: job.StateDead, failures: 1, text: "calling: boom"},
		"RetryAfter":  {reason: "a throttled fault is not tried again before its time", handle: func(context.Context, job.Job) error { return fault.Throttled(time.Minute, "slow down") }, state: job.StateReady, failures: 1, runAt: time.Minute, text: "throttled: slow down"},
		"RetryLate":   {reason: "but a cloud that asks for a year does not stop it for a year", handle: func(context.Context, job.Job) error { return fault.Throttled(8760*time.Hour, "slow down") }, state: job.StateReady, failures: 1, runAt: job.LongestWait, text: "throttled: slow down"},
		"Dead":        {reason: "a handler may give up at once", handle: func(context.Context, job.Job) error { return job.Dead(errBoom) }, state: job.StateDead, failures: 1, text: "boom"},
		"Snooze":      {reason: "a snooze is no failure", handle: func(context.Context, job.Job) error { return job.Snooze(time.Minute) }, state: job.StateReady, runAt: time.Minute},
		"Panic":       {reason: "a panic is a failure", handle: func(context.Context, job.Job) error { panic("at the disco") }, state: job.StateReady, failures: 1, runAt: 7 * time.Second, text: "the handler panicked: at the disco"},
		"Goexit":      {reason: "a handler that ends its goroutine has failed", handle: func(context.Context, job.Job) error { runtime.Goexit(); return nil }, state: job.StateReady, failures: 1, runAt: 7 * time.Second, text: "the handler ended its goroutine"},
		"LastAttempt": {reason: "the policy's last failure makes it dead", handle: func(context.Context, job.Job) error { return errBoom }, policy: job.Policy{MaxAttempts: 1}, state: job.StateDead, failures: 1, text: "boom"},
		"OwnMaximum":  {reason: "the job's own maximum goes before the policy's", handle: func(context.Context, job.Job) error { return errBoom }, max: 1, state: job.StateDead, failures: 1, text: "boom"},
		"Timeout":     {reason: "a handler that waits for its context ends with the kind's timeout", handle: func(ctx context.Context, _ job.Job) error { <-ctx.Done(); return ctx.Err() }, policy: job.Policy{Timeout: time.Millisecond}, state: job.StateReady, failures: 1, runAt: 7 * time.Second, text: "context deadline exceeded"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			tc.policy.Backoff = fixed
			r.register("mail", tc.handle, tc.policy)
			r.start()
			in := r.enqueue(job.Job{Kind: "mail", MaxAttempts: tc.max})
			j := r.await(in.ID, string(tc.state), func(j job.Job) bool { return j.Attempt == 1 && j.State == tc.state })
			if j.Failures != tc.failures || j.LastError != tc.text || !j.RunAt.Equal(epoch.Add(tc.runAt)) {
				t.Errorf("%s: got %+v", tc.reason, j)
			}
		})
	}
}

func TestRetriesUntilDeadThenByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var fail atomic.Bool
	fail.Store(true)
	r.register("mail", func(context.Context, job.Job) error {
		if fail.Load() {
			return errBoom
		}
		return nil
	}, job.Policy{MaxAttempts: 3, Backoff: job.Exponential(time.Second, time.Minute)})
	r.start()
	in := r.enqueue(job.Job{Kind: "mail"})
	for n := 1; n <= 2; n++ {
		j := r.await(in.ID, "failed again", func(j job.Job) bool { return j.State == job.StateReady && j.Failures == n })
		r.clk.Set(j.RunAt)
	}
	if j := r.awaitState(in.ID, job.StateDead); j.Attempt != 3 || j.Failures != 3 {
		t.Errorf("dead as %+v", j)
	}
	fail.Store(false)
	j, err := r.q.Retry(t.Context(), in.ID)
	if err != nil || j.Attempt != 3 || j.Failures != 0 {
		t.Errorf("retried as %+v, %v", j, err)
	}
	if j := r.awaitState(in.ID, job.StateDone); j.Attempt != 4 {
		t.Errorf("the attempt does not go on counting: %+v", j)
	}
	if _, err := r.q.Retry(t.Context(), in.ID); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("retrying a finished job: %v", err)
	}
	if _, err := r.q.Retry(t.Context(), "nobody"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("retrying a missing job: %v", err)
	}
}

func TestFutureJobWaitsForItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	order := make(chan string, 2)
	r.register("mail", func(_ context.Context, j job.Job) error { order <- j.Ref; return nil }, job.Policy{})
	r.start()
	r.enqueue(job.Job{Kind: "mail", Ref: "later", RunAt: epoch.Add(time.Hour)})
	r.enqueue(job.Job{Kind: "mail", Ref: "now"})
	if got := <-order; got != "now" {
		t.Errorf("%q ran first", got)
	}
	waitFor(t, func() bool { return r.clk.Waiters() > 0 })
	r.clk.Advance(time.Hour)
	if got := <-order; got != "later" {
		t.Errorf("%q ran second", got)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		if ctx.Err() != nil {
			t.Fatal("it did not come to pass")
		}
		runtime.Gosched()
	}
}

func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.Workers = 2 })
	var mu sync.Mutex
	var running, most int
	gate := make(chan struct{})
	r.register("mail", func(context.Context, job.Job) error {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		<-gate
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}, job.Policy{})
	var ids []string
	for i := range 8 {
		ids = append(ids, r.enqueue(job.Job{Kind: "mail", Ref: fmt.Sprint(i), RunAt: epoch.Add(time.Duration(i-20) * time.Minute)}).ID)
	}
	r.start()
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return running == 2 })
	for range ids {
		gate <- struct{}{}
	}
	for _, id := range ids {
		r.awaitState(id, job.StateDone)
	}
	if most != 2 {
		t.Errorf("%d handlers ran at the same time, want 2", most)
	}
}

func TestOldestRunsFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.Workers = 1 })
	var mu sync.Mutex
	var order []string
	r.register("mail", func(_ context.Context, j job.Job) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, j.Ref)
		return nil
	}, job.Policy{})
	var ids []string
	for _, i := range []int{3, 0, 2, 1} {
		ids = append(ids, r.enqueue(job.Job{Kind: "mail", Ref: fmt.Sprint(i), RunAt: epoch.Add(time.Duration(i-20) * time.Minute)}).ID)
	}
	r.start()
	for _, id := range ids {
		r.awaitState(id, job.StateDone)
	}
	if got := strings.Join(order, ""); got != "0123" {
		t.Errorf("one worker ran in the order %q, want by due time", got)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.register("mail", func(ctx context.Context, j job.Job) error {
		return r.st.Update(ctx, func(tx store.Tx) error {
			if err := tx.Put("result", []byte(j.ID), []byte("sent")); err != nil {
				return err
			}
			return r.q.Complete(tx, j)
		})
	}, job.Policy{})
	r.start()
	j := r.awaitState(r.enqueue(job.Job{Kind: "mail"}).ID, job.StateDone)
	err := r.st.Update(t.Context(), func(tx store.Tx) error { return r.q.Complete(tx, j) })
	if !fault.Is(err, fault.ClassConflict) {
		t.Errorf("completing a finished job: %v", err)
	}
}

func TestCompleteRolledBackStaysRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.register("mail", func(ctx context.Context, j job.Job) error {
		return r.st.Update(ctx, func(tx store.Tx) error {
			return errors.Join(r.q.Complete(tx, j), errBoom)
		})
	}, job.Policy{MaxAttempts: 1})
	r.start()
	r.awaitState(r.enqueue(job.Job{Kind: "mail"}).ID, job.StateDead)
}

func TestUnknownKindIsDeadAndSaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	j := r.awaitState(r.enqueue(job.Job{Kind: "fax"}).ID, job.StateDead)
	if !strings.Contains(j.LastError, "no handler") || j.Attempt != 0 {
		t.Errorf("got %+v", j)
	}
}
