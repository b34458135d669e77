package guard

import (
	"context"
	"sync/atomic"
	"time"

	"tradewind.example/sdk/fault"
)

// Limits bound the load on one plugin. Zero fields get the defaults.
type Limits struct {
	Concurrent int           // calls at once; default 128
	Queue      int           // calls that may wait for a slot; default 512
	QueueWait  time.Duration // longest wait for a slot; default 10 s
}

// retryAfter is what an overloaded plugin's callers are told.
const retryAfter = time.Second

func (l Limits) withDefaults() Limits {
	if l.Concurrent <= 0 {
		l.Concurrent = 128
	}
	if l.Queue <= 0 {
		l.Queue = 512
	}
	if l.QueueWait <= 0 {
		l.QueueWait = 10 * time.Second
	}
	return l
}

// Bulkhead lets a bounded number of calls in and a bounded number wait, so that
// a slow plugin cannot pile up the whole host's goroutines. Safe for concurrent use.
type Bulkhead struct {
	limits  Limits
	slots   chan struct{}
	waiting atomic.Int64
}

// NewBulkhead makes a bulkhead with all slots free.
func NewBulkhead(l Limits) *Bulkhead {
	l = l.withDefaults()
	return &Bulkhead{limits: l, slots: make(chan struct{}, l.Concurrent)}
}

// Acquire takes a slot, waiting if it must. It returns a throttled fault with
// RetryAfter when the queue is full or the wait was too long, and an unavailable
// one when ctx ended first; nothing has been done then.
func (b *Bulkhead) Acquire(ctx context.Context) error {
	select {
	case b.slots <- struct{}{}:
		return nil
	default:
		return b.wait(ctx)
	}
}

func (b *Bulkhead) wait(ctx context.Context) error {
	if b.waiting.Add(1) > int64(b.limits.Queue) {
		b.waiting.Add(-1)
		return overload("the plugin has %d calls at work and %d waiting", b.limits.Concurrent, b.limits.Queue)
	}
	defer b.waiting.Add(-1)
	bound := time.NewTimer(b.limits.QueueWait)
	defer bound.Stop()
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-bound.C:
		return overload("the plugin had no free slot for %s", b.limits.QueueWait)
	case <-ctx.Done():
		return fault.Unavailable("the call's time was over before the plugin had a free slot").
			From(fault.SourceHost).With(ctx.Err())
	}
}

func overload(format string, args ...any) error {
	return fault.Throttled(retryAfter, format, args...).From(fault.SourceHost)
}

// Release gives back a slot that Acquire took.
func (b *Bulkhead) Release() { <-b.slots }

// Busy returns how many slots are taken.
func (b *Bulkhead) Busy() int { return len(b.slots) }

// Waiting returns how many calls wait for a slot.
func (b *Bulkhead) Waiting() int { return int(b.waiting.Load()) }

// Drain waits until all calls that are in have ended, or ctx has. The caller
// keeps new ones out meanwhile.
func (b *Bulkhead) Drain(ctx context.Context) error {
	taken := 0
	defer func() {
		for range taken {
			b.Release()
		}
	}()
	for taken < cap(b.slots) {
		select {
		case b.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
