package job

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/core/id"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config is what a queue needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Logger *slog.Logger
	// Workers bounds the handlers that run at the same time; default 64.
	Workers int
	// KeepDone is how long finished jobs stay listed; default 1 hour, negative:
	// they are removed as they finish.
	KeepDone time.Duration
	// Enter, when set, is called around each run of a handler: it returns the
	// context of the run and what is to be told of the run's end.
	Enter func(ctx context.Context, j Job) (next context.Context, end func(error))
	// Grace is how long Stop lets handlers finish before it interrupts them;
	// default 10 seconds.
	Grace time.Duration
}

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = 64
	}
	if c.KeepDone == 0 {
		c.KeepDone = time.Hour
	}
	if c.Grace <= 0 {
		c.Grace = 10 * time.Second
	}
	return c
}

// Queue keeps jobs in a store and runs them. Make it with [New].
type Queue struct {
	cfg   Config
	jobs  *store.Collection[Job]
	plans *store.Collection[plan]
	kinds map[string]kind     // fixed by Start
	named map[string]schedule // fixed by Start
	wakes chan struct{}       // one token: the runner has something to look at
	news  atomic.Bool         // the due times may have changed since they were read
	live  atomic.Pointer[runner]

	mu    sync.Mutex
	phase phase
	run   *runner
}

type phase uint8

const (
	phaseNew phase = iota
	phaseStarted
	phaseStopped
)

type kind struct {
	handle Handler
	policy Policy
}

// New makes a queue. Register its kinds and schedules, then Start it.
func New(cfg Config) (*Queue, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("a job queue needs a store, a clock and a logger")
	}
	return &Queue{
		cfg: cfg.withDefaults(), jobs: jobs(), plans: plans(),
		kinds: map[string]kind{}, named: map[string]schedule{}, wakes: make(chan struct{}, 1),
	}, nil
}

// Register names the handler of a kind. A due job of a kind that nobody
// registered becomes dead and says so. Registering after Start, or a kind
// twice, is refused.
func (q *Queue) Register(name string, h Handler, p Policy) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.phase != phaseNew {
		return fault.Internal(nil, "job kind %q is registered after the start", name)
	}
	if _, ok := q.kinds[name]; ok || name == "" || h == nil {
		return fault.Internal(nil, "job kind %q is registered twice, without a name or without a handler", name)
	}
	q.kinds[name] = kind{handle: h, policy: p.withDefaults()}
	return nil
}

// Enqueue stores a job in the caller's transaction and returns it as stored.
// It runs once that transaction is durable and RunAt (zero: now) has come. A
// job with the ID of a stored one is a conflict.
func (q *Queue) Enqueue(tx store.Tx, j Job) (Job, error) {
	j.State, j.Attempt = StateReady, 0
	j, err := q.insert(tx, j)
	if err != nil {
		return Job{}, err
	}
	tx.OnCommit(q.wake)
	return j, nil
}

// Begin is Enqueue for what should start at once. While a worker is free, the
// job is claimed in the very transaction that stores it: it is returned as
// running, at Attempt 1, and its handler starts when that is durable. A few
// that were begun together may wait for a worker for a moment.
func (q *Queue) Begin(tx store.Tx, j Job) (Job, error) {
	r := q.live.Load()
	_, known := q.kinds[j.Kind]
	if r == nil || !known || !j.RunAt.IsZero() || r.count() >= q.cfg.Workers {
		return q.Enqueue(tx, j)
	}
	j.State, j.Attempt = StateRunning, 1
	j, err := q.insert(tx, j)
	if err != nil {
		return Job{}, err
	}
	tx.OnCommit(func() {
		r.lineUp(claimed{job: j, rev: 1})
		q.nudge()
	})
	return j, nil
}

func (q *Queue) insert(tx store.Tx, j Job) (Job, error) {
	if j.Kind == "" {
		return Job{}, fault.Internal(nil, "a job needs a kind")
	}
	now := q.cfg.Clock.Now()
	if j.ID == "" {
		j.ID = id.New()
	}
	if j.RunAt.IsZero() {
		j.RunAt = now
	}
	j.Failures, j.LastError = 0, ""
	j.Created, j.Updated = now, now
	_, err := q.jobs.Insert(tx, j)
	return j, err
}

// Complete ends a running job inside the transaction that stores its result,
// so that result and end are one. The handler then returns nil. A job that is
// not the running attempt any more is a conflict.
func (q *Queue) Complete(tx store.Tx, j Job) error {
	d, err := q.running(tx, j)
	if err != nil {
		return err
	}
	if err := q.done(tx, d); err != nil {
		return err
	}
	tx.OnCommit(func() { q.settled(j) })
	return nil
}

// running returns the document of a running attempt. One that this queue has
// claimed is known without reading it: its revision tells whether it is still so.
func (q *Queue) running(r store.Reader, j Job) (store.Doc[Job], error) {
	if c, ok := q.live.Load().claimed(j); ok {
		return store.Doc[Job]{Value: c.job, Rev: c.rev}, nil
	}
	d, err := q.jobs.Get(r, j.ID)
	if err == nil && (d.Value.State != StateRunning || d.Value.Attempt != j.Attempt) {
		err = fault.Conflict("job %q is %s at attempt %d", j.ID, d.Value.State, d.Value.Attempt)
	}
	return d, err
}

// Retry makes a dead or parked job ready now, with a fresh allowance of
// failures; its Attempt goes on counting.
func (q *Queue) Retry(ctx context.Context, id string) (Job, error) {
	var out Job
	err := q.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
		out, err = q.RetryTx(tx, id)
		return err
	})
	return out, err
}

// RetryTx is [Queue.Retry] inside the caller's transaction.
func (q *Queue) RetryTx(tx store.Tx, id string) (Job, error) {
	d, err := q.jobs.Get(tx, id)
	if err != nil {
		return Job{}, err
	}
	if d.Value.State != StateDead && d.Value.State != StateParked {
		return Job{}, fault.Precondition("job %q is %s: only a dead or a parked one can be retried", id, d.Value.State)
	}
	now := q.cfg.Clock.Now()
	d.Value.State, d.Value.Failures, d.Value.RunAt, d.Value.Updated = StateReady, 0, now, now
	if d, err = q.jobs.Update(tx, d.Value, d.Rev); err != nil {
		return Job{}, err
	}
	tx.OnCommit(q.wake)
	return d.Value, nil
}

// Get returns a job, or a not_found fault.
func (q *Queue) Get(r store.Reader, id string) (Job, error) {
	d, err := q.jobs.Get(r, id)
	return d.Value, err
}

// What jobs can be sorted by.
const (
	SortCreated = "created"
	SortUpdated = "updated" // of one state
)

// Filter chooses jobs for a list: by org, by state, by both, or all.
type Filter struct {
	OrgID  string
	State  State
	Sort   string          // "": by what is found soonest, [SortUpdated] of a state alone and else [SortCreated]
	Keep   func(*Job) bool // what else the jobs must fulfil; nil: nothing
	Cursor string
	Limit  int // 1..store.MaxList

	OldestFirst bool
}

// Page is a part of a list. Next is "" at the end.
type Page struct {
	Items []Job
	Next  string
}

// List returns one page of jobs, the newest first unless asked otherwise. When few of many fulfil the
// filter, a page may be short, or empty, and still have a Next.
func (q *Queue) List(r store.Reader, f Filter) (Page, error) {
	sq, err := f.query()
	if err != nil {
		return Page{}, err
	}
	p, err := paging.Where(r, q.jobs, sq, func(j *Job) bool {
		return (f.OrgID == "" || j.OrgID == f.OrgID) && (f.State == "" || j.State == f.State) && (f.Keep == nil || f.Keep(j))
	})
	if err != nil {
		return Page{}, err
	}
	out := Page{Next: p.Next, Items: make([]Job, 0, len(p.Items))}
	for _, d := range p.Items {
		out.Items = append(out.Items, d.Value)
	}
	return out, nil
}

func (f Filter) query() (store.Query, error) {
	sq := store.Query{Cursor: f.Cursor, Limit: f.Limit, Reverse: !f.OldestFirst}
	byState := f.Sort == SortUpdated || f.Sort == "" && f.OrgID == ""
	switch {
	case f.Sort == SortUpdated && f.State == "":
		return sq, fault.Invalid("sort", "is %s only of the jobs of one state: choose a state", SortUpdated)
	case byState && f.State != "":
		sq.Index, sq.Prefix = "state", store.Key(f.State)
	case f.OrgID != "":
		sq.Index, sq.Prefix = "org", store.Key(f.OrgID)
	}
	return sq, nil
}

// wake has the runner look at the due times again.
func (q *Queue) wake() {
	q.news.Store(true)
	q.nudge()
}

// nudge has the runner look for free workers again.
func (q *Queue) nudge() {
	select {
	case q.wakes <- struct{}{}:
	default:
	}
}
