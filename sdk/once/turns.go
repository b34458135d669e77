package once

import (
	"context"
	"sync"

	"tradewind.example/sdk/fault"
)

// Turns lets callers with the same key go one after another. It keeps a process
// from racing itself only: what must hold between processes is held by the
// cloud or by the storage. The zero value is ready to use. Safe for concurrent
// use; holds memory for keys in use alone.
type Turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is held by one caller; the others wait for it.
type turn struct {
	free  chan struct{} // holds one item while nobody is at it
	users int           // who has it or waits for it
}

// Take waits for the turn of key and returns the function that ends it, to be
// called once. When ctx ends first, the answer is an unavailable fault whose
// outcome is not done.
func (t *Turns) Take(ctx context.Context, key string) (end func(), err error) {
	mine := t.join(key)
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; t.leave(key, mine) }, nil
	case <-ctx.Done():
		t.leave(key, mine)
		return nil, fault.Unavailable("another call is at work on the same thing").With(ctx.Err())
	}
}

func (t *Turns) join(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = map[string]*turn{}
	}
	mine := t.held[key]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.held[key] = mine
	}
	mine.users++
	return mine
}

func (t *Turns) leave(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.held, key)
	}
}
