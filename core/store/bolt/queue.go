package bolt

import (
	"sync"

	"tradewind.example/core/store"
)

// request is an update on its way through the committer. The committer owns it
// until it closes done.
type request struct {
	fn    func(store.Tx) error
	ended func() error // the Err of the caller's context
	hooks []func()
	err   error
	done  chan struct{}
}

// queue holds the updates that wait for the committer, first come first served.
type queue struct {
	wakes chan struct{} // one token: something was added or the queue was closed

	mu     sync.Mutex
	items  []*request
	closed bool
}

func newQueue() *queue { return &queue{wakes: make(chan struct{}, 1)} }

// add refuses when the queue is closed.
func (q *queue) add(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.items = append(q.items, r)
	q.wake()
	return true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.wakes <- struct{}{}:
	default:
	}
}

// take appends everything that waits to list.
func (q *queue) take(list []*request) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	list = append(list, q.items...)
	clear(q.items)
	q.items = q.items[:0]
	return list
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
