package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Vocabulary is what a set has to know of a simulator's Fault.
type Vocabulary[F any] struct {
	// Words are the kinds there are.
	Words Words
	// View shows the common part of a fault.
	View func(*F) View
	// Check refuses what is wrong in the simulator's own fields; nil refuses nothing.
	Check func(*F) error
	// Complete fills in the simulator's own fields; nil leaves them.
	Complete func(*F)
}

// Validate reports every mistake with its path.
func (v Vocabulary[F]) Validate(faults []F) error {
	if len(faults) > maxFaults {
		return fmt.Errorf("faults: give at most %d", maxFaults)
	}
	var errs []error
	for i := range faults {
		err := v.Words.check(v.View(&faults[i]))
		if err == nil && v.Check != nil {
			err = v.Check(&faults[i])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("faults[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Set holds the faults in force. Its faults are tried in order: waits add up,
// the first that spoils the answer wins, and one that did not act is not
// counted.
type Set[F any] struct {
	vocabulary Vocabulary[F]
	list       []*armed[F]
	rng        *rand.Rand
}

// NewSet returns a set with faults that were validated; seed drives chances.
func NewSet[F any](v Vocabulary[F], seed uint64, faults []F) *Set[F] {
	s := &Set[F]{vocabulary: v, rng: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // must be repeatable
	s.replace(faults)
	return s
}

// Replace puts other faults in force; counters start again. A mistake leaves
// the old ones.
func (s *Set[F]) Replace(faults []F) error {
	if err := s.vocabulary.Validate(faults); err != nil {
		return err
	}
	s.replace(faults)
	return nil
}

func (s *Set[F]) replace(faults []F) {
	s.list = nil
	for _, f := range faults {
		a := &armed[F]{fault: f}
		a.View = s.vocabulary.View(&a.fault)
		a.word = s.vocabulary.Words[a.Kind]
		a.settle(a.word)
		if s.vocabulary.Complete != nil {
			s.vocabulary.Complete(&a.fault)
		}
		s.list = append(s.list, a)
	}
}

// Current returns the faults in force with how often each acted; never nil.
func (s *Set[F]) Current() []F {
	out := make([]F, 0, len(s.list))
	for _, a := range s.list {
		f := a.fault
		v := s.vocabulary.View(&f)
		*v.Actions = slices.Clone(*v.Actions)
		out = append(out, f)
	}
	return out
}

// Call is what a set has to know of a call.
type Call struct {
	Action string
	// Alias is a second name of the action, where a vendor's are ambiguous; empty is none.
	Alias string
	// Writes marks calls that can change something.
	Writes bool
	// After is false before the change and true after it.
	After bool
	Now   time.Time
}

func (c Call) in(actions []string) bool {
	return slices.Contains(actions, c.Action) || (c.Alias != "" && slices.Contains(actions, c.Alias))
}

// Plan is what the faults in force do to one call.
type Plan[F any] struct {
	// Delay is how long to wait.
	Delay time.Duration
	// Spoil is a copy of the fault that replaces or destroys the answer; nil is none.
	Spoil *F
	// Quiet are the kinds that change how the call goes on.
	Quiet []Kind
}

// Has tells whether a quiet kind acts on the call.
func (p Plan[F]) Has(k Kind) bool { return slices.Contains(p.Quiet, k) }

// Draw decides which faults act on a call, and counts them.
func (s *Set[F]) Draw(c Call) Plan[F] {
	var p Plan[F]
	for _, a := range s.list {
		if !a.matches(c) || (p.Spoil != nil && !a.word.Quiet) || !a.acts(s.rng, c.Now) {
			continue
		}
		*a.Hits++
		switch {
		case a.Kind == Latency:
			p.Delay += time.Duration(a.DelayMS) * time.Millisecond
		case a.word.Quiet:
			p.Quiet = append(p.Quiet, a.Kind)
		default:
			f := a.fault
			p.Spoil = &f
		}
	}
	return p
}

// armed is a fault in force with what it has seen so far.
type armed[F any] struct {
	fault  F
	View   // of fault
	word   Word
	seen   int
	tokens time.Duration // saved-up time of the throttle's bucket
	last   time.Time
}

func (a *armed[F]) matches(c Call) bool {
	if a.After != c.After || ((a.WritesOnly || a.word.Writes) && !c.Writes) {
		return false
	}
	if a.word.Only != nil && !c.in(a.word.Only) {
		return false
	}
	return len(*a.Actions) == 0 || c.in(*a.Actions)
}

func (a *armed[F]) acts(rng *rand.Rand, now time.Time) bool {
	if a.Count > 0 && *a.Hits >= a.Count {
		return false
	}
	a.seen++
	if a.seen <= a.Skip {
		return false
	}
	if a.Percent > 0 && rng.IntN(100) >= a.Percent {
		return false
	}
	return a.Kind != Throttle || a.over(now)
}

// over takes one call out of the throttle's bucket; true when it is empty.
func (a *armed[F]) over(now time.Time) bool {
	if a.Rate == 0 {
		return true
	}
	each := time.Second / time.Duration(a.Rate)
	full := each * time.Duration(*a.Burst)
	if a.last.IsZero() {
		a.tokens = full
	} else {
		a.tokens = min(a.tokens+now.Sub(a.last), full)
	}
	a.last = now
	if a.tokens < each {
		return true
	}
	a.tokens -= each
	return false
}
