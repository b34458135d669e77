// Package retry repeats calls that failed for a passing reason, with growing
// pauses. It repeats reads; a change only on request, and never one whose
// outcome is unknown: that is looked up by its token instead.
//
// All functions are safe for concurrent use.
package retry

import (
	"context"
	"math/rand/v2"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Policy says how often and how patiently. The zero value means the defaults.
type Policy struct {
	Attempts int           // calls in all, the first one included; default 4
	Base     time.Duration // pause after the first failure; default 200 ms
	Max      time.Duration // longest pause, and longest RetryAfter that is obeyed; default 10 s
	Clock    clock.Clock   // default: the machine's
	// Jitter returns a random part of d, at least half of it; default: random.
	Jitter func(d time.Duration) time.Duration
}

func (p Policy) withDefaults() Policy {
	if p.Attempts <= 0 {
		p.Attempts = 4
	}
	if p.Base <= 0 {
		p.Base = 200 * time.Millisecond
	}
	if p.Max <= 0 {
		p.Max = 10 * time.Second
	}
	if p.Clock == nil {
		p.Clock = clock.Real{}
	}
	if p.Jitter == nil {
		p.Jitter = func(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
	}
	return p
}

// Read calls fn until it succeeds, fails for good, or the attempts or ctx are
// used up, and returns fn's last answer. fn must change nothing.
func Read[T any](ctx context.Context, p Policy, fn func(context.Context) (T, error)) (T, error) {
	return do(ctx, p, fn, func(err error) bool {
		return fault.Is(err, fault.ClassThrottled) || fault.Is(err, fault.ClassUnavailable)
	})
}

// Change is [Read] for a change. It repeats only when the cloud said that it
// did nothing because it is throttling: all else is the core's to decide.
func Change[T any](ctx context.Context, p Policy, fn func(context.Context) (T, error)) (T, error) {
	return do(ctx, p, fn, func(err error) bool { return fault.Is(err, fault.ClassThrottled) })
}

func do[T any](ctx context.Context, p Policy, fn func(context.Context) (T, error), passing func(error) bool) (T, error) {
	p = p.withDefaults()
	for attempt := 1; ; attempt++ {
		out, err := fn(ctx)
		if err == nil || attempt >= p.Attempts || fault.OutcomeOf(err) == fault.OutcomeUnknown || !passing(err) {
			return out, err
		}
		pause, ok := p.pause(attempt, fault.As(err).RetryAfter)
		if !ok || !sleep(ctx, p.Clock, pause) {
			return out, err
		}
	}
}

// pause returns how long to wait after the n-th failure. ok is false when the
// cloud asks for more patience than the policy has.
func (p Policy) pause(n int, asked time.Duration) (d time.Duration, ok bool) {
	if asked > p.Max {
		return 0, false
	}
	d = p.Max
	if shift := n - 1; shift < 30 && p.Base<<shift > 0 {
		d = min(p.Max, p.Base<<shift)
	}
	return max(p.Jitter(d), asked), true
}

// sleep reports whether the whole pause fitted before ctx's end.
func sleep(ctx context.Context, c clock.Clock, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && c.Now().Add(d).After(deadline) {
		return false
	}
	select {
	case <-c.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
