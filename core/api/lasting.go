package api

import (
	"context"
	"errors"
	"sync"

	"tradewind.example/sdk/fault"
)

// Bounds of what outlives its request.
const (
	mostLasting     = 512
	mostLastingUser = 16
)

// errClosing ends what outlives its request when the server stops.
var errClosing = errors.New("the server is stopping")

// lasting knows the sockets and followed answers that are open, which the
// server's own shutdown does not wait for. Safe for concurrent use.
type lasting struct {
	mu     sync.Mutex
	over   bool
	last   int
	ends   map[int]context.CancelCauseFunc
	byUser map[string]int
	work   sync.WaitGroup
}

func newLasting() *lasting {
	return &lasting{ends: map[int]context.CancelCauseFunc{}, byUser: map[string]int{}}
}

// begin lets one more be open for a user; done must be called once, when it has
// ended. Its context does not end with the request, but when the server stops,
// with errClosing as its cause.
func (l *lasting) begin(ctx context.Context, user string) (_ context.Context, done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over:
		return nil, nil, fault.Unavailable("the broker is stopping: try again in a moment")
	case len(l.ends) >= mostLasting:
		return nil, nil, fault.Unavailable("%d logs and consoles are open, which is all there can be: try again later", mostLasting)
	case l.byUser[user] >= mostLastingUser:
		f := fault.New(fault.ClassThrottled, "you have %d logs and consoles open: close one", mostLastingUser)
		return nil, nil, f
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l.last++
	id := l.last
	l.ends[id] = cancel
	l.byUser[user]++
	l.work.Add(1)
	return ctx, sync.OnceFunc(func() {
		cancel(nil)
		l.mu.Lock()
		delete(l.ends, id)
		if l.byUser[user]--; l.byUser[user] == 0 {
			delete(l.byUser, user)
		}
		l.mu.Unlock()
		l.work.Done()
	}), nil
}

// close ends all and lets no more begin.
func (l *lasting) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, end := range l.ends {
		end(errClosing)
	}
}

// wait waits until all have ended, or ctx has.
func (l *lasting) wait(ctx context.Context) error {
	gone := make(chan struct{})
	go func() { // ends with the last of them
		l.work.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
