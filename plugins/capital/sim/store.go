package sim

import (
	"container/heap"
	"slices"
	"time"
)

// store keeps resources of one sort in the order they were made.
type store[T any] struct {
	byID  map[string]*T
	order []kept[T]
}

// kept is a thing with its id: long lists are read without a look into the map.
type kept[T any] struct {
	id string
	v  *T
}

func (s *store[T]) add(id string, v *T) {
	if s.byID == nil {
		s.byID = map[string]*T{}
	}
	s.byID[id] = v
	s.order = append(s.order, kept[T]{id, v})
}

func (s *store[T]) get(id string) *T { return s.byID[id] }

func (s *store[T]) remove(id string) {
	if s.byID[id] == nil {
		return
	}
	delete(s.byID, id)
	i := slices.IndexFunc(s.order, func(k kept[T]) bool { return k.id == id })
	s.order = slices.Delete(s.order, i, i+1)
}

// forget drops the oldest beyond a number.
func (s *store[T]) forget(most int) {
	for len(s.order) > most {
		s.remove(s.order[0].id)
	}
}

func (s *store[T]) len() int { return len(s.order) }

// list returns those that fit, oldest first.
func (s *store[T]) list(fits func(*T) bool) []*T {
	out := make([]*T, 0, len(s.order))
	for _, k := range s.order {
		if fits(k.v) {
			out = append(out, k.v)
		}
	}
	return out
}

// phase is a state that changes once by itself.
type phase struct {
	doing string
	due   time.Time
	then  string
}

func still(word string) phase { return phase{then: word} }

func (p phase) at(now time.Time) string {
	if now.Before(p.due) {
		return p.doing
	}
	return p.then
}

// busy tells whether the change is under way.
func (p phase) busy(now time.Time) bool { return now.Before(p.due) }

// effect is something that happens by itself at a time.
type effect struct {
	at  time.Time
	seq int64
	run func()
}

// agenda is a heap of effects, by time and then by the order they were set.
type agenda []effect

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for package heap.
func (a *agenda) Push(x any) {
	if e, ok := x.(effect); ok {
		*a = append(*a, e)
	}
}

// Pop is for package heap.
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// later lets run happen at that time of the cloud's clock.
func (c *Cloud) later(at time.Time, run func()) {
	c.effects++
	heap.Push(&c.agenda, effect{at: at, seq: c.effects, run: run})
}

// settle lets everything happen that is due by now, in order.
func (c *Cloud) settle(now time.Time) {
	for len(c.agenda) > 0 && !c.agenda[0].at.After(now) {
		e, ok := heap.Pop(&c.agenda).(effect)
		if !ok {
			return
		}
		c.at = e.at
		e.run()
	}
	c.at = now
}
