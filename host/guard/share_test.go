package guard

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world drives shares and knows what must hold of them.
type world struct {
	q       *shares
	waiting []*waiter // oldest first
	since   map[*waiter]int
	busy    map[string]int
	grants  int
}

func newWorld(t *rapid.T) *world {
	return &world{
		q: newShares(
			rapid.IntRange(1, 6).Draw(t, "slots"), rapid.IntRange(1, 6).Draw(t, "perOrg"), rapid.IntRange(0, 8).Draw(t, "places")),
		since: map[*waiter]int{}, busy: map[string]int{},
	}
}

var orgs = rapid.SampledFrom([]string{"a", "b", "c", "d"})

func (w *world) arrive(t *rapid.T) {
	org := orgs.Draw(t, "org")
	if w.q.enter(org) {
		w.busy[org]++
		return
	}
	mine, longest := w.waits(org), 0
	for _, o := range []string{"a", "b", "c", "d"} {
		longest = max(longest, w.waits(o))
	}
	was := slices.Clone(w.waiting)
	x := w.q.wait(org)
	switch {
	case x != nil:
		w.displaced(t, was, org)
		w.waiting = append(w.waiting, x)
		w.since[x] = w.grants
	case len(w.waiting) < w.q.places:
		t.Fatalf("refused with %d of %d places taken", len(w.waiting), w.q.places)
	case longest > mine+1:
		t.Fatalf("refused with %d calls waiting while another org has %d", mine, longest)
	}
	w.hear(t)
}

// displaced: whoever made room had more than the one who came, and lost its
// latest call.
func (w *world) displaced(t *rapid.T, was []*waiter, org string) {
	for i, out := range was {
		if len(out.told) == 0 {
			continue
		}
		theirs, mine := w.waits(out.org), w.waits(org)
		if theirs <= mine || theirs == mine+1 && w.busy[out.org] <= w.busy[org] {
			t.Fatalf("%s with %d waiting and %d slots made room for %s with %d and %d", out.org, theirs, w.busy[out.org], org, mine, w.busy[org])
		}
		if slices.ContainsFunc(was[i+1:], func(x *waiter) bool { return x.org == out.org }) {
			t.Fatalf("%s lost a call that was not its latest", out.org)
		}
	}
}

func (w *world) waits(org string) int {
	n := 0
	for _, x := range w.waiting {
		if x.org == org {
			n++
		}
	}
	return n
}

// hear takes in who was told something.
func (w *world) hear(t *rapid.T) {
	var still []*waiter
	for _, x := range w.waiting {
		select {
		case got := <-x.told:
			if got {
				w.grants++
				w.fair(t, x)
				w.busy[x.org]++
			} else if len(w.waiting) <= w.q.places {
				t.Fatalf("a call of %s was put out of a queue with room", x.org)
			}
		default:
			still = append(still, x)
		}
	}
	w.waiting = still
}

// fair: nobody who may take slots and has fewer waits behind.
func (w *world) fair(t *rapid.T, x *waiter) {
	for _, other := range w.waiting {
		if w.busy[other.org] < w.busy[x.org] {
			t.Fatalf("%s with %d slots went before %s with %d", x.org, w.busy[x.org], other.org, w.busy[other.org])
		}
		if other.org == x.org && other != x && len(other.told) == 0 && w.since[other] < w.since[x] {
			t.Fatalf("a call of %s was overtaken by a later one", x.org)
		}
	}
}

func (w *world) release(t *rapid.T) {
	org := orgs.Draw(t, "org")
	if w.busy[org] == 0 {
		return
	}
	w.busy[org]--
	w.q.free(org)
	w.hear(t)
}

func (w *world) cancel(t *rapid.T) {
	if len(w.waiting) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.waiting)-1).Draw(t, "which")
	w.q.leave(w.waiting[i])
	w.waiting = append(w.waiting[:i:i], w.waiting[i+1:]...)
	w.hear(t)
}

// check holds after every step.
func (w *world) check(t *rapid.T) {
	total := 0
	for org, n := range w.busy {
		total += n
		if n > w.q.perOrg {
			t.Fatalf("%s has %d slots, more than %d", org, n, w.q.perOrg)
		}
		if n == 0 && w.waits(org) == 0 && w.q.orgs[org] != nil {
			t.Fatalf("idle org %s is remembered", org)
		}
	}
	if total != w.q.busy || total > w.q.slots || len(w.waiting) != w.q.waiting || w.q.waiting > w.q.places {
		t.Fatalf("busy %d, waiting %d; counted %d and %d; bounds %d and %d", w.q.busy, w.q.waiting, total, len(w.waiting), w.q.slots, w.q.places)
	}
	for _, x := range w.waiting {
		if total < w.q.slots && w.busy[x.org] < w.q.perOrg {
			t.Fatalf("a call of %s waits while a slot is free for it", x.org)
		}
	}
}

// TestShares: never over a limit, work-conserving, the org with the fewest slots
// first, first come first served within an org, no slot lost.
func TestShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){"arrive": w.arrive, "release": w.release, "cancel": w.cancel, "": w.check})
		for _, x := range w.waiting {
			w.q.leave(x)
		}
		for org, n := range w.busy {
			for range n {
				w.q.free(org)
			}
		}
		if w.q.busy != 0 || w.q.waiting != 0 || len(w.q.orgs) != 0 || len(w.q.line) != 0 {
			t.Fatalf("left over: %+v", w.q)
		}
	})
}

// TestNobodyStarves: however many calls other orgs bring, and however many
// orgs, a waiting call gets a slot after a bounded number of slots went round.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 5).Draw(t, "slots")
		others := rapid.IntRange(1, 8).Draw(t, "others")
		q := newShares(slots, slots, 1000)
		var held []string
		for i := range slots {
			q.enter(name(i % others))
			held = append(held, name(i%others))
		}
		told := map[*waiter]string{}
		for i := range others {
			for range rapid.IntRange(0, 3).Draw(t, "waiting") {
				told[q.wait(name(i))] = name(i)
			}
		}
		mine := q.wait("mine")
		for round := range others + slots + 1 {
			org := held[0]
			held = held[1:]
			told[q.wait(org)] = org // it comes back at once, as greedy as ever
			told[q.wait(name(others+round))] = name(others + round)
			q.free(org)
			for x, org := range told {
				select {
				case <-x.told:
					held = append(held, org)
					delete(told, x)
				default:
				}
			}
			if len(mine.told) == 1 {
				return
			}
		}
		t.Fatalf("not served while slots went round %d times", others+slots+1)
	})
}

func name(i int) string { return fmt.Sprint("org-", i) }

// TestASlotThatComesTooLateGoesBack: a caller that leaves at the moment in which
// it is given a slot takes none with it.
func TestASlotThatComesTooLateGoesBack(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	left := 0
	for range 64 { // the race is decided at random
		b := NewBulkhead(Limits{Concurrent: 1})
		b.shares.enter("a")
		w := b.shares.wait("b")
		b.Release("a")
		if err := b.wait(gone, w, 0); err != nil {
			left++
		} else {
			b.Release("b")
		}
		if l := b.Load(); l.Busy != 0 || l.Orgs != 0 {
			t.Fatalf("a slot is lost: %+v", l)
		}
	}
	if left == 0 {
		t.Error("no caller left")
	}
}
