package resource

import "sync"

// waits lets a use-case wait for the end of an action that a job carries out, or
// for the change of a resource, in the same process. A wake-up that is missed costs a late answer, no more:
// the state is read from the store.
type waits struct {
	mu sync.Mutex
	on map[string][]chan struct{}
}

// The ids of actions and resources never meet.
func newWaits() *waits { return &waits{on: map[string][]chan struct{}{}} }

// join returns a channel that is closed when wake is called with the id, and
// the function that gives the place up.
func (w *waits) join(id string) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	w.mu.Lock()
	w.on[id] = append(w.on[id], ch)
	w.mu.Unlock()
	return ch, func() { w.leave(id, ch) }
}

func (w *waits) leave(id string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.on[id][:0]
	for _, c := range w.on[id] {
		if c != ch {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		delete(w.on, id)
		return
	}
	w.on[id] = kept
}

func (w *waits) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.on[id] {
		close(ch)
	}
	delete(w.on, id)
}
