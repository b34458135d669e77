package guard

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
)

// Limits bound the load on one plugin. Zero fields get the defaults.
type Limits struct {
	Concurrent int           // calls at once; default 128
	PerOrg     int           // calls of one org at once; default as many as Concurrent
	Queue      int           // calls that may wait for a slot; default 512
	QueueWait  time.Duration // longest wait for a slot; default 10 s

	Streams       int // logs and consoles at once, beside the calls; default 64
	StreamsPerOrg int // of one org; default a quarter of Streams
}

// OfStreams returns the limits of the bulkhead of logs and consoles.
func (l Limits) OfStreams() Limits {
	l = l.withDefaults()
	return Limits{Concurrent: l.Streams, PerOrg: l.StreamsPerOrg}
}

// retryAfter is what an overloaded plugin's callers are told.
const retryAfter = time.Second

func (l Limits) withDefaults() Limits {
	setDefault(&l.Concurrent, 128)
	setDefault(&l.PerOrg, l.Concurrent)
	setDefault(&l.Queue, 512)
	setDefault(&l.QueueWait, 10*time.Second)
	setDefault(&l.Streams, 64)
	setDefault(&l.StreamsPerOrg, max(1, l.Streams/4))
	return l
}

// Bulkhead lets a bounded number of calls in and a bounded number wait, so that
// a slow plugin cannot pile up the whole host's goroutines, and divides the
// slots fairly between orgs that want them. Safe for concurrent use.
type Bulkhead struct {
	limits Limits

	mu      sync.Mutex
	shares  *shares
	freed   uint64        // slots given back so far
	refused uint64        // calls turned away so far
	empty   chan struct{} // closed when no call is in or waits; nil when nobody asked
}

// NewBulkhead makes a bulkhead with all slots free.
func NewBulkhead(l Limits) *Bulkhead {
	l = l.withDefaults()
	return &Bulkhead{limits: l, shares: newShares(l.Concurrent, l.PerOrg, l.Queue)}
}

// TryAcquire takes a slot for the org if it may have one at once. Calls that
// are made for no org share the org "".
func (b *Bulkhead) TryAcquire(org string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shares.enter(org)
}

// Acquire takes a slot for the org, waiting if it must. When the queue is full
// or the wait was too long, the error is a throttled fault for an org that asks
// for its fair part or more, and an unavailable one for others or when the
// plugin gave back no slot during the whole wait; both say when to come back.
// It is unavailable too when ctx ended first. Nothing has been done then.
func (b *Bulkhead) Acquire(ctx context.Context, org string) error {
	b.mu.Lock()
	if b.shares.enter(org) {
		b.mu.Unlock()
		return nil
	}
	w := b.shares.wait(org)
	if w == nil {
		err := b.overload(b.shares.excess(org), "the plugin has %d calls at work and %d waiting", b.shares.busy, b.shares.waiting)
		b.mu.Unlock()
		return err
	}
	freed := b.freed
	b.mu.Unlock()
	return b.wait(ctx, w, freed)
}

func (b *Bulkhead) wait(ctx context.Context, w *waiter, freed uint64) error {
	bound := time.NewTimer(b.limits.QueueWait)
	defer bound.Stop()
	select {
	case got := <-w.told:
		if got {
			return nil
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.displaced()
	case <-bound.C:
		return b.tooLong(w, freed)
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, got := b.giveUp(w); got {
			b.free(w.org)
		}
		return fault.Unavailable("the call's time was over before the plugin had a free slot").
			From(fault.SourceHost).With(ctx.Err())
	}
}

func (b *Bulkhead) tooLong(w *waiter, freed uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	excess := b.freed != freed && b.shares.excess(w.org)
	told, got := b.giveUp(w)
	switch {
	case got:
		return nil
	case told:
		return b.displaced()
	}
	return b.overload(excess, "the plugin had no free slot for %s", b.limits.QueueWait)
}

// giveUp leaves the queue, unless the call was told meanwhile that it got a
// slot or was put out.
func (b *Bulkhead) giveUp(w *waiter) (told, got bool) {
	select {
	case got = <-w.told:
		return true, got
	default:
		b.shares.leave(w)
		b.settle()
		return false, false
	}
}

func (b *Bulkhead) displaced() error {
	return b.overload(true, "the org had most of the %d waiting calls, and others came", b.limits.Queue)
}

func (b *Bulkhead) overload(excess bool, format string, args ...any) error {
	b.refused++
	f := fault.Unavailable(format, args...)
	if excess {
		f.Class = fault.ClassThrottled
	}
	f.Source, f.RetryAfter = fault.SourceHost, retryAfter
	return f
}

// Release gives back a slot that the org has.
func (b *Bulkhead) Release(org string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free(org)
}

func (b *Bulkhead) free(org string) {
	b.shares.free(org)
	b.freed++
	b.settle()
}

// settle wakes who waits until nothing is left.
func (b *Bulkhead) settle() {
	if b.empty != nil && b.shares.busy == 0 && b.shares.waiting == 0 {
		close(b.empty)
		b.empty = nil
	}
}

// Busy returns how many slots are taken.
func (b *Bulkhead) Busy() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shares.busy
}

// Waiting returns how many calls wait for a slot.
func (b *Bulkhead) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shares.waiting
}

// Drain waits until no call is in or waits, or ctx has ended. The caller keeps
// new ones out meanwhile.
func (b *Bulkhead) Drain(ctx context.Context) error {
	b.mu.Lock()
	if b.shares.busy == 0 && b.shares.waiting == 0 {
		b.mu.Unlock()
		return nil
	}
	if b.empty == nil {
		b.empty = make(chan struct{})
	}
	empty := b.empty
	b.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TopOrgs is how many orgs a [Load] names.
const TopOrgs = 10

// Load is how much a plugin has to do at one moment.
type Load struct {
	Limits  Limits
	Busy    int       // slots taken
	Waiting int       // calls waiting for a slot
	Refused uint64    // calls turned away since the start
	Orgs    int       // that have calls in or waiting
	Top     []OrgLoad // of those, the ones with the most calls, at most TopOrgs
}

// OrgLoad is the part of one org.
type OrgLoad struct {
	Org           string // "": calls that are made for no org
	Busy, Waiting int
}

// Load returns the load of this moment.
func (b *Bulkhead) Load() Load {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := Load{Limits: b.limits, Busy: b.shares.busy, Waiting: b.shares.waiting, Refused: b.refused, Orgs: len(b.shares.orgs)}
	for _, s := range b.shares.orgs {
		l.Top = append(l.Top, OrgLoad{s.org, s.busy, s.waiting})
	}
	slices.SortFunc(l.Top, func(a, b OrgLoad) int {
		return cmp.Or(cmp.Compare(b.Busy+b.Waiting, a.Busy+a.Waiting), cmp.Compare(a.Org, b.Org))
	})
	l.Top = l.Top[:min(len(l.Top), TopOrgs)]
	return l
}

// queueing is the stage that holds a slot during the call.
type queueing struct {
	bulkhead *Bulkhead
	streams  *Bulkhead // of logs and consoles; nil: as many as want
	breakers *Breakers
}

// Begin takes a slot. Nobody waits for an account that is shut off, and nobody
// for the end of what somebody else reads or types.
func (s queueing) Begin(ctx context.Context, c *Call) (context.Context, error) {
	slots := s.of(c)
	if slots == nil || slots.TryAcquire(c.Route.Org) {
		return ctx, nil
	}
	if c.Rule.Idle > 0 {
		return nil, slots.full(c.Route.Org)
	}
	if k, ok := keyOf(c); ok && s.breakers != nil {
		if err := s.breakers.refusal(k); err != nil {
			return nil, err
		}
	}
	return ctx, slots.Acquire(ctx, c.Route.Org)
}

// End gives the slot back.
func (s queueing) End(_ context.Context, c *Call, _ error) {
	if slots := s.of(c); slots != nil {
		slots.Release(c.Route.Org)
	}
}

// of returns the bulkhead of a call; nil: it takes no slot.
func (s queueing) of(c *Call) *Bulkhead {
	switch {
	case c.Rule.Idle > 0:
		return s.streams
	case c.Rule.Standing:
		return nil
	}
	return s.bulkhead
}

// full refuses a stream for which there is no slot.
func (b *Bulkhead) full(org string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.shares.orgs[org]
	return b.overload(own != nil && own.busy >= b.limits.PerOrg,
		"%d logs and consoles of the plugin are open: close one, or try again later", b.shares.busy)
}
