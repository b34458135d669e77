package main

import (
	"context"
	"sync"

	"tradewind.example/sdk/fault"
)

// turns lets those who look before they change something go one after another:
// what the cloud has no token for is not done twice by two callers of this
// process. Safe for concurrent use.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one item while nobody is at it
	users int
}

func newTurns() *turns { return &turns{held: map[string]*turn{}} }

// take waits for the turn of key; the function it returns ends the turn.
func (t *turns) take(ctx context.Context, key string) (end func(), err error) {
	t.mu.Lock()
	one := t.held[key]
	if one == nil {
		one = &turn{free: make(chan struct{}, 1)}
		one.free <- struct{}{}
		t.held[key] = one
	}
	one.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.held, key)
		}
	}
	select {
	case <-one.free:
		return func() { one.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fault.Unavailable("another call is at work on the same thing").With(ctx.Err())
	}
}
