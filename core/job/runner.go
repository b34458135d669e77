package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// runner is the live part of a started queue: one dispatcher that claims due
// jobs and one goroutine per job that runs.
type runner struct {
	stop      chan struct{} // closed: claim no more
	interrupt context.CancelFunc
	group     sync.WaitGroup // dispatcher and handlers
	stopped   chan struct{}  // closed when group is empty after stop

	mu     sync.Mutex
	active map[string]*active
	line   []claimed // wait for a worker
}

// claimed is a job as it is stored since it was claimed.
type claimed struct {
	job Job
	rev uint64
}

// active is a job whose handler runs.
type active struct {
	claimed
	settled bool // ended by Complete
}

// Start makes the jobs that a crash or a stop interrupted ready again and
// begins to run what is due. The handlers' contexts carry the values of ctx and
// end with it; Stop is needed all the same.
func (q *Queue) Start(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.phase != phaseNew {
		return fault.Internal(nil, "a job queue is started once")
	}
	for _, s := range []State{StateRunning, StateParked} {
		if err := q.revive(ctx, s); err != nil {
			return fmt.Errorf("making interrupted jobs ready: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	q.run = &runner{
		stop: make(chan struct{}), stopped: make(chan struct{}),
		interrupt: cancel, active: map[string]*active{},
	}
	q.phase = phaseStarted
	q.live.Store(q.run)
	q.run.group.Go(func() { q.dispatch(ctx, q.run) })
	return nil
}

// Stop claims no further job (one that [Queue.Begin] claimed and that has no
// worker yet runs at the next start), lets the running ones finish for the grace
// period, then interrupts and parks them, and returns when all have ended. The
// end of ctx cuts the grace short; a handler that ignores its own context is
// given up when ctx has ended as well, and named in the error.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	r := q.run
	first := q.phase == phaseStarted
	q.phase = phaseStopped
	q.live.Store(nil)
	q.mu.Unlock()
	if r == nil {
		return nil
	}
	if first {
		close(r.stop)
		go func() { r.group.Wait(); close(r.stopped) }()
	}
	defer r.interrupt()
	select {
	case <-r.stopped:
		return nil
	case <-q.cfg.Clock.After(q.cfg.Grace):
	case <-ctx.Done():
	}
	r.interrupt()
	return r.await(ctx)
}

// await waits for the interrupted handlers, a moment longer than ctx does.
func (r *runner) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	select {
	case <-r.stopped:
		return nil
	case <-ctx.Done():
		return fault.Unavailable("%d jobs did not end when they were interrupted: they run again at the next start", r.count())
	}
}

// interruptGrace is how long an interrupted handler may take to return.
const interruptGrace = 5 * time.Second

// count is how many jobs have or want a worker.
func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.active) + len(r.line)
}

func (r *runner) lineUp(c claimed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line = append(r.line, c)
}

// next takes the first of the line when one of so many workers is free.
func (r *runner) next(workers int) (Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.line) == 0 || len(r.active) >= workers {
		return Job{}, false
	}
	c := r.line[0]
	r.line[0], r.line = claimed{}, r.line[1:]
	r.active[c.job.ID] = &active{claimed: c}
	return c.job, true
}

// claimed returns the attempt as it is stored, if it runs here. A nil runner
// has none.
func (r *runner) claimed(j Job) (claimed, bool) {
	if r == nil {
		return claimed{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.active[j.ID]; a != nil && a.job.Attempt == j.Attempt {
		return a.claimed, true
	}
	return claimed{}, false
}

// reviveBatch bounds the jobs of one transaction in revive and trim.
const reviveBatch = 500

func (q *Queue) revive(ctx context.Context, s State) error {
	for {
		var n int
		err := q.cfg.Store.Update(ctx, func(tx store.Tx) error {
			found, err := q.inState(tx, store.Query{Prefix: store.Key(s), Limit: reviveBatch})
			n = len(found)
			if err != nil {
				return err
			}
			for _, d := range found {
				d.Value.State, d.Value.Updated = StateReady, q.cfg.Clock.Now()
				if _, err := q.jobs.Update(tx, d.Value, d.Rev); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < reviveBatch {
			return err
		}
	}
}

func (q *Queue) inState(r store.Reader, sq store.Query) ([]store.Doc[Job], error) {
	sq.Index = "state"
	return q.collect(r, sq)
}

func (q *Queue) collect(r store.Reader, sq store.Query) ([]store.Doc[Job], error) {
	var out []store.Doc[Job]
	err := q.jobs.Each(r, sq, func(d store.Doc[Job]) error {
		out = append(out, d)
		return nil
	})
	return out, err
}

// dispatch claims due jobs while workers are free and sleeps otherwise.
func (q *Queue) dispatch(ctx context.Context, r *runner) {
	c := calendar{}
	for {
		wait, err := q.turn(ctx, r, &c)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			q.cfg.Logger.Error("job dispatch failed", "error", err.Error())
			wait = q.cfg.Clock.After(dispatchPause)
		}
		select {
		case <-r.stop:
			return
		case <-ctx.Done():
			return
		case <-q.wakes:
		case <-wait:
		}
	}
}

// dispatchPause is the wait after the store refused a claim.
const dispatchPause = time.Second

// calendar is what the dispatcher knows of the times to come.
type calendar struct {
	schedules time.Time // next due time of a schedule; zero: not read yet
	trim      time.Time // next removal of old jobs
	due       time.Time // of the first ready job; zero: there is none
	read      bool      // due holds, unless there is news
}

// turn does everything that is due and returns a channel for the next time
// something is; nil when only a wake can bring news.
func (q *Queue) turn(ctx context.Context, r *runner, c *calendar) (<-chan time.Time, error) {
	now := q.cfg.Clock.Now()
	if err := q.upkeep(ctx, c, now); err != nil {
		return nil, err
	}
	next := earliest(c.trim, c.schedules)
	for {
		q.startLine(ctx, r)
		free := q.cfg.Workers - r.count()
		if free <= 0 {
			return q.until(next), nil
		}
		if err := q.readDue(ctx, c); err != nil {
			return nil, err
		}
		now = q.cfg.Clock.Now()
		if c.due.IsZero() || c.due.After(now) {
			return q.until(earliest(next, c.due)), nil
		}
		if r.stopping() {
			return nil, nil
		}
		c.read = false
		due, err := q.claim(ctx, free, now)
		if err != nil {
			return nil, err
		}
		for _, j := range due {
			r.lineUp(j)
		}
	}
}

// startLine gives the jobs that were claimed to free workers.
func (q *Queue) startLine(ctx context.Context, r *runner) {
	for !r.stopping() {
		j, ok := r.next(q.cfg.Workers)
		if !ok {
			return
		}
		r.group.Go(func() { q.work(ctx, r, j) })
	}
}

// readDue brings the due time of the first ready job up to date.
func (q *Queue) readDue(ctx context.Context, c *calendar) (err error) {
	if news := q.news.Swap(false); c.read && !news {
		return nil
	}
	c.due, err = q.firstDue(ctx)
	c.read = err == nil
	return err
}

func (r *runner) stopping() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

func (q *Queue) until(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return q.cfg.Clock.After(t.Sub(q.cfg.Clock.Now()))
}

// firstDue returns the earliest RunAt of a ready job, zero when there is none.
func (q *Queue) firstDue(ctx context.Context) (time.Time, error) {
	var due time.Time
	err := q.cfg.Store.View(ctx, func(r store.Reader) error {
		return q.jobs.Each(r, store.Query{Index: "due", Limit: 1}, func(d store.Doc[Job]) error {
			due = d.Value.RunAt
			return nil
		})
	})
	return due, err
}

// claim marks up to n due jobs as running, all in one transaction, and counts
// the attempt before any handler starts.
func (q *Queue) claim(ctx context.Context, n int, now time.Time) ([]claimed, error) {
	var out []claimed
	err := q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		out = out[:0]
		due, err := q.collect(tx, store.Query{Index: "due", To: store.Key(now.Add(1)), Limit: n})
		if err != nil {
			return err
		}
		for _, d := range due {
			d, err := q.take(tx, d, now)
			if err != nil {
				return err
			}
			if d.Value.State == StateRunning {
				out = append(out, claimed{job: d.Value, rev: d.Rev})
			}
		}
		return nil
	})
	return out, err
}

func (q *Queue) take(tx store.Tx, d store.Doc[Job], now time.Time) (store.Doc[Job], error) {
	j := d.Value
	j.Updated = now
	if _, ok := q.kinds[j.Kind]; ok {
		j.State, j.Attempt = StateRunning, j.Attempt+1
	} else {
		j.State, j.LastError = StateDead, "no handler is registered for this kind: retry it with a program that has one"
	}
	return q.jobs.Update(tx, j, d.Rev)
}

func (r *runner) end(j Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, j.ID)
}

// settled notes that Complete has ended the job durably.
func (q *Queue) settled(j Job) {
	q.mu.Lock()
	r := q.run
	q.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.active[j.ID]; a != nil && a.job.Attempt == j.Attempt {
		a.settled = true
	}
}

func (r *runner) isSettled(j Job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.active[j.ID]
	return a != nil && a.settled
}

var errGoexit = errors.New("the handler ended its goroutine")

// work runs one attempt and records how it ended, also when the handler
// panics or ends its goroutine.
func (q *Queue) work(ctx context.Context, r *runner, j Job) {
	defer q.nudge()
	defer r.end(j)
	err := errGoexit
	defer func() {
		if p := recover(); p != nil {
			q.cfg.Logger.Error("job handler panicked", "job", j.ID, "kind", j.Kind, "stack", string(debug.Stack()))
			err = fmt.Errorf("the handler panicked: %v", p)
		}
		if !r.isSettled(j) {
			q.record(ctx, r, j, err)
		}
	}()
	k := q.kinds[j.Kind]
	hctx, cancel := context.WithTimeout(ctx, k.policy.Timeout)
	defer cancel()
	if q.cfg.Enter != nil {
		next, end := q.cfg.Enter(hctx, j)
		hctx = next
		defer func() { end(err) }()
	}
	err = k.handle(hctx, j)
}
