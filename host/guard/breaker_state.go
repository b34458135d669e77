package guard

import (
	"cmp"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
)

// BreakerState is what is known of one breaker at one moment.
type BreakerState struct {
	BreakerKey
	State    Circuit
	Since    time.Time
	Failures int       // without a success since
	Failed   time.Time // the last failure
	Cause    string    // class of the last failure and the cloud's own code, if there was one
	RetryAt  time.Time // when an open one lets a probe through; zero in other states
}

// States returns the breakers that have seen a failure lately, those that
// refuse calls first; all others are closed. At most MaxKeys of the policy.
func (b *Breakers) States() []BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep()
	out := make([]BreakerState, 0, len(b.known))
	for _, e := range b.known {
		st := BreakerState{BreakerKey: e.key, State: e.state, Since: e.since, Failures: e.inARow, Failed: e.last, Cause: e.cause}
		if e.state == CircuitOpen {
			st.RetryAt = e.retryAt
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b BreakerState) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.class(), b.class()))
	})
	return out
}

func (k BreakerKey) class() string { return classWord(k.Change) }

// rank puts closed breakers last.
func rank(s BreakerState) int {
	if s.State == CircuitClosed {
		return 1
	}
	return 0
}

// Counts returns how many breakers are in each state; closed ones only as far
// as they are remembered.
func (b *Breakers) Counts() map[Circuit]int {
	out := make(map[Circuit]int, len(Circuits()))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.known {
		out[e.state]++
	}
	return out
}

// Reset closes a breaker at once; calls that are at work do not count any more.
// A not_found fault when nothing is known of it: then it is closed.
func (b *Breakers) Reset(k BreakerKey) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.known[k]
	if e == nil {
		return fault.NotFound("circuit breaker of account", k.Account).From(fault.SourceHost)
	}
	b.reset(e)
	return nil
}

// ResetAll closes all breakers, for a plugin that is another one from now on.
func (b *Breakers) ResetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.known {
		b.reset(e)
	}
}

func (b *Breakers) reset(e *breaker) {
	e.inARow, e.retryAt, e.pause = 0, time.Time{}, min(b.policy.OpenFor, b.policy.MaxOpen)
	b.turn(e, SignalReset)
}
