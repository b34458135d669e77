package guard

import "container/heap"

// shares divides the slots of one plugin between orgs. It keeps only orgs that
// have calls in or waiting. The zero value is not ready; not safe for concurrent
// use: [Bulkhead] locks.
//
// A free slot goes to the waiting org that has the fewest, and among equals to
// the one that has waited longest for its turn. So an org alone may have all
// slots, several converge to equal parts, and no slot is free while a call that
// may take it waits.
type shares struct {
	slots, perOrg, places int // bounds: of all, of one org, of waiting calls

	busy, waiting int
	turn          uint64
	orgs          map[string]*share
	line          line // orgs with waiting calls
	spare         []*share
}

// share is the part of one org.
type share struct {
	org           string
	busy, waiting int
	turn          uint64 // when it was last given a slot, or began to wait
	place         int    // in the line, -1 outside
	first, last   *waiter
}

// waiter is one waiting call.
type waiter struct {
	org        string
	share      *share // while it waits
	prev, next *waiter
	// told gets true with a slot, or false when the call was put out of the queue.
	told chan bool
}

func newShares(slots, perOrg, places int) *shares {
	return &shares{slots: slots, perOrg: perOrg, places: places, orgs: map[string]*share{}}
}

// maxSpare bounds the idle shares that are kept for the next org.
const maxSpare = 32

func (q *shares) share(org string) *share {
	if s := q.orgs[org]; s != nil {
		return s
	}
	s := q.fresh()
	*s = share{org: org, place: -1}
	q.orgs[org] = s
	return s
}

func (q *shares) fresh() *share {
	n := len(q.spare)
	if n == 0 {
		return &share{}
	}
	s := q.spare[n-1]
	q.spare = q.spare[:n-1]
	return s
}

// tidy forgets an org that has nothing here any more.
func (q *shares) tidy(s *share) {
	if s.busy > 0 || s.waiting > 0 || q.orgs[s.org] != s {
		return
	}
	delete(q.orgs, s.org)
	if len(q.spare) < maxSpare {
		q.spare = append(q.spare, s)
	}
}

// enter takes a slot if one is free for the org.
func (q *shares) enter(org string) bool {
	if q.busy >= q.slots {
		return false
	}
	s := q.share(org)
	if s.busy >= q.perOrg {
		return false
	}
	s.busy++
	q.busy++
	return true
}

// wait queues a call of an org for which enter found no slot. A full queue has
// room for an org that has less in it than another: the latest call of the one
// that has most is put out.
func (q *shares) wait(org string) *waiter {
	s := q.share(org)
	if q.waiting >= q.places && !q.makeRoom(s) {
		q.tidy(s)
		return nil
	}
	w := &waiter{org: org, share: s, told: make(chan bool, 1), prev: s.last}
	if s.last == nil {
		s.first = w
	} else {
		s.last.next = w
	}
	s.last = w
	s.waiting++
	q.waiting++
	if s.place < 0 {
		q.turn++
		s.turn = q.turn
		heap.Push(&q.line, s)
	}
	return w
}

func (q *shares) makeRoom(s *share) bool {
	var most *share
	for _, o := range q.line {
		if most == nil || o.waiting > most.waiting || o.waiting == most.waiting && o.busy > most.busy {
			most = o
		}
	}
	if most == nil || most.waiting < s.waiting+1 || most.waiting == s.waiting+1 && most.busy <= s.busy {
		return false
	}
	w := most.last
	q.leave(w)
	w.told <- false
	return true
}

// leave takes a waiting call out of the queue.
func (q *shares) leave(w *waiter) {
	q.remove(w)
	q.tidy(w.share)
}

func (q *shares) remove(w *waiter) {
	s := w.share
	if w.prev == nil {
		s.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		s.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	s.waiting--
	q.waiting--
	if s.waiting == 0 {
		heap.Remove(&q.line, s.place)
	}
}

// free gives a slot back and hands it on.
func (q *shares) free(org string) {
	s := q.orgs[org]
	if s == nil || s.busy == 0 {
		return
	}
	s.busy--
	q.busy--
	if s.place >= 0 {
		heap.Fix(&q.line, s.place)
	}
	q.hand()
	q.tidy(s)
}

// hand gives free slots to those who wait.
func (q *shares) hand() {
	for q.busy < q.slots && len(q.line) > 0 && q.line[0].busy < q.perOrg {
		s := q.line[0]
		w := s.first
		s.busy++
		q.busy++
		q.turn++
		s.turn = q.turn
		heap.Fix(&q.line, 0)
		q.remove(w)
		w.told <- true
	}
}

// excess reports whether the org asks for its fair part or more.
func (q *shares) excess(org string) bool {
	s := q.orgs[org]
	return s != nil && (s.busy+s.waiting)*len(q.orgs) >= q.slots
}

// line orders waiting orgs: the one to be served next is the first.
type line []*share

// Len is of heap.Interface.
func (l line) Len() int { return len(l) }

// Less puts the org with the fewest slots first, then the one whose turn is the oldest.
func (l line) Less(i, j int) bool {
	if l[i].busy != l[j].busy {
		return l[i].busy < l[j].busy
	}
	return l[i].turn < l[j].turn
}

// Swap is of heap.Interface.
func (l line) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

// Push is of heap.Interface.
func (l *line) Push(x any) {
	s := x.(*share)
	s.place = len(*l)
	*l = append(*l, s)
}

// Pop is of heap.Interface.
func (l *line) Pop() any {
	old := *l
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*l, s.place = old[:len(old)-1], -1
	return s
}
