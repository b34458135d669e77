package api

import (
	"context"
	"sync"
	"time"
)

// deadline is the context of a request: it ends at a time, or when the request
// has been answered. It starts a timer only once somebody waits for it; most
// requests are answered before anybody does.
type deadline struct {
	context.Context // the parent, which has no deadline of its own
	at              time.Time

	mu     sync.Mutex
	waited context.Context // nil until somebody waits
	cancel context.CancelFunc
	over   bool
}

// begin is called once, before anybody else has it.
func (d *deadline) begin(parent context.Context, at time.Time) { d.Context, d.at = parent, at }

// Deadline is of [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done is of [context.Context].
func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waited == nil {
		d.waited, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.over {
			d.cancel()
		}
	}
	return d.waited.Done()
}

// Err is of [context.Context].
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.waited != nil:
		return d.waited.Err()
	case d.Context.Err() != nil:
		return d.Context.Err()
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	case d.over:
		return context.Canceled
	}
	return nil
}

// Value asks the context that is waited for, if there is one: contexts made
// from this one find it there and need no goroutine to follow it.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	waited := d.waited
	d.mu.Unlock()
	if waited != nil {
		return waited.Value(key)
	}
	return d.Context.Value(key)
}

// end cancels the context: the request has been answered.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.cancel != nil {
		d.cancel()
	}
}
