// Package supervise keeps one plugin running: it starts it, probes it, restarts
// it with a growing pause when it fails, and puts it into quarantine when it
// fails too often. What a plugin is and how it is started it leaves to the
// caller's functions.
//
// The state machine is data, see [Next]. All transitions happen in the goroutine
// that runs [Supervisor.Run]; every other method may be called from anywhere.
// Time comes from package time alone, so tests drive it with testing/synctest.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrRefused means that the plugin's state does not allow what was asked.
var ErrRefused = errors.New("not possible in this state")

// ErrClosed means that the supervisor has ended: it starts nothing any more.
var ErrClosed = errors.New("supervisor has ended")

// ErrNoAnswer is wrapped by an [Instance]'s Probe when the plugin gave no answer
// at all, as opposed to an answer that it is unwell.
var ErrNoAnswer = errors.New("no answer")

// ErrExceeded is wrapped by an [Instance]'s Probe when the plugin takes more
// than it may: it is ended at once, whatever else it says.
var ErrExceeded = errors.New("more than it may take")

// NotServingError means that no call can be sent to the plugin now.
type NotServingError struct {
	State   State
	Reason  string
	NextTry time.Time // when it is started again by itself; zero: not known, or never
}

// Error names the state and its reason.
func (e *NotServingError) Error() string {
	return fmt.Sprintf("plugin is %s: %s", e.State, e.Reason)
}

// Instance is one running plugin.
type Instance interface {
	// Done is closed when the plugin has ended.
	Done() <-chan struct{}
	// Err tells, after Done, why it ended.
	Err() error
	// Probe asks whether it is well. An error that wraps ErrNoAnswer means that
	// it did not say, one that wraps ErrExceeded that it must end.
	Probe(ctx context.Context) error
	// Close ends it, gently while ctx lasts and then by force. It is bounded and
	// is called exactly once, also after Done. When a probe condemned the plugin,
	// that is ctx's cause.
	Close(ctx context.Context) error
}

// Config says what to supervise and how. Start is required.
type Config[I Instance] struct {
	// Start launches the plugin and returns when it can serve, or when ctx ends.
	Start func(ctx context.Context) (I, error)
	// Drain waits until no calls are at work; nil: nothing to wait for.
	Drain func(ctx context.Context) error
	// Log gets every transition; nil discards.
	Log *slog.Logger
	// Disabled plugins begin in StateDisabled.
	Disabled bool
	// AtOnce plugins begin in StateStarting: Run starts them unasked.
	AtOnce bool
	Policy Policy
}

// Policy holds the times and counts of supervision. Zero fields get the defaults.
type Policy struct {
	StartTimeout time.Duration // default 30 s
	DrainTimeout time.Duration // default 10 s
	StopTimeout  time.Duration // gentle part of ending; default 5 s

	Backoff      time.Duration  // first pause, doubled with each failure; default 200 ms
	MaxBackoff   time.Duration  // default 1 min
	HealthyAfter time.Duration  // serving for so long resets the pause; default 1 min
	Jitter       func() float64 // in [0, 1), safe for concurrent use; default random
	Budget       int            // failures within Window that are forgiven; default 10
	Window       time.Duration  // default 10 min

	ProbeEvery    time.Duration // default 15 s
	ProbeTimeout  time.Duration // default 5 s
	ProbeFailures int           // probes in a row without an answer that mean down; default 3
}

func (p Policy) withDefaults() Policy {
	setDefault(&p.StartTimeout, 30*time.Second)
	setDefault(&p.DrainTimeout, 10*time.Second)
	setDefault(&p.StopTimeout, 5*time.Second)
	setDefault(&p.Backoff, 200*time.Millisecond)
	setDefault(&p.MaxBackoff, time.Minute)
	setDefault(&p.HealthyAfter, time.Minute)
	setDefault(&p.Budget, 10)
	setDefault(&p.Window, 10*time.Minute)
	setDefault(&p.ProbeEvery, 15*time.Second)
	setDefault(&p.ProbeTimeout, 5*time.Second)
	setDefault(&p.ProbeFailures, 3)
	if p.Jitter == nil {
		p.Jitter = rand.Float64
	}
	return p
}

func setDefault[T ~int | ~int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Transition is one change of state.
type Transition struct {
	At     time.Time
	From   State
	Event  Event
	To     State
	Reason string
}

// maxHistory bounds how many transitions are kept.
const maxHistory = 50

// Status is what is known of the plugin at one moment.
type Status struct {
	State     State
	Since     time.Time
	Reason    string    // of the last transition
	Restarts  int       // starts after the first one
	LastError string    // "" when nothing ever failed
	NextTry   time.Time // end of the pause; zero when not backing off
	Health    Health
	History   []Transition
}

// Supervisor keeps one plugin running. Make it with [New] and give it a
// goroutine with [Supervisor.Run].
type Supervisor[I Instance] struct {
	cfg      Config[I]
	policy   Policy
	commands chan command
	ended    chan struct{} // closed when Run returns
	current  atomic.Pointer[I]

	// Owned by Run's goroutine.
	instance   I
	has        bool
	readySince time.Time
	attempt    int         // failures since it was last healthy
	failures   []time.Time // within the window

	mu      sync.Mutex // guards what follows
	status  Status
	starts  int
	changed chan struct{} // closed and replaced at each transition
}

type command struct {
	event Event
	ack   chan error
}

// New makes a supervisor. Nothing happens before Run.
func New[I Instance](cfg Config[I]) *Supervisor[I] {
	if cfg.Drain == nil {
		cfg.Drain = func(context.Context) error { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Supervisor[I]{
		cfg:      cfg,
		policy:   cfg.Policy.withDefaults(),
		commands: make(chan command),
		ended:    make(chan struct{}),
		changed:  make(chan struct{}),
		status:   Status{State: StateInstalled, Since: time.Now(), Reason: "never started", Health: gone(time.Now(), "never started")},
	}
	switch {
	case cfg.Disabled:
		s.status.State, s.status.Reason = StateDisabled, "disabled in the catalogue"
	case cfg.AtOnce:
		s.fire(EventStart, "starts with the host")
	}
	return s
}

// Status returns a snapshot.
func (s *Supervisor[I]) Status() Status {
	st, _, _ := s.Snapshot()
	return st
}

// Snapshot returns the status and the instance that serves in that very moment:
// there is one in each serving state, and none in another, while Run runs.
func (s *Supervisor[I]) Snapshot() (st Status, inst I, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st = s.status
	st.History = append([]Transition(nil), st.History...)
	if st.State.Serving() {
		inst, ok = s.Current()
	}
	return st, inst, ok
}

// Current returns the instance that serves now. It takes no lock.
func (s *Supervisor[I]) Current() (inst I, ok bool) {
	if p := s.current.Load(); p != nil {
		return *p, true
	}
	return inst, false
}

// Await returns the serving instance, waiting while one is coming by itself.
// It returns a [*NotServingError] at once when none will, or not before ctx's
// deadline, and that error joined with ctx's when ctx ends first.
func (s *Supervisor[I]) Await(ctx context.Context) (I, error) {
	for {
		st, changed := s.watch()
		if inst, ok := s.Current(); ok && !ended(inst) {
			return inst, nil
		}
		var none I
		if !st.State.Coming() && !st.State.Serving() || tooLate(ctx, st.NextTry) {
			return none, st.notServing()
		}
		select {
		case <-changed:
		case <-s.ended:
			return none, ErrClosed
		case <-ctx.Done():
			return none, errors.Join(st.notServing(), ctx.Err())
		}
	}
}

func (st Status) notServing() *NotServingError {
	return &NotServingError{State: st.State, Reason: st.Reason, NextTry: st.NextTry}
}

// tooLate reports whether ctx ends before the next try: waiting would be in vain.
func tooLate(ctx context.Context, nextTry time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Before(nextTry)
}

func ended(inst Instance) bool {
	select {
	case <-inst.Done():
		return true
	default:
		return false
	}
}

// Start asks for a start, unless the plugin is starting or serving already, and
// waits for its result. The error is the reason of the failure; the plugin may
// still come up later by itself.
func (s *Supervisor[I]) Start(ctx context.Context) error {
	return s.comeUp(ctx, EventStart)
}

// Resume lets a quarantined plugin start again, with its failures forgotten,
// and waits for the result as Start does.
func (s *Supervisor[I]) Resume(ctx context.Context) error {
	return s.comeUp(ctx, EventResume)
}

func (s *Supervisor[I]) comeUp(ctx context.Context, event Event) error {
	if err := s.send(ctx, event); err != nil {
		return err
	}
	st, err := s.settle(ctx, func(st State) bool { return st != StateStarting })
	if err != nil || st.State.Serving() {
		return err
	}
	return st.notServing()
}

// Stop drains and ends the plugin and waits for that. A plugin that waits for
// its next start stops waiting; one that does not run stays as it is.
func (s *Supervisor[I]) Stop(ctx context.Context) error {
	if err := s.send(ctx, EventStop); err != nil {
		return err
	}
	_, err := s.settle(ctx, func(st State) bool { return st != StateDraining && st != StateStopping })
	return err
}

// Drained waits until the plugin, whose stop was asked for, has no calls at work
// any more, or their time is over.
func (s *Supervisor[I]) Drained(ctx context.Context) error {
	_, err := s.settle(ctx, func(st State) bool { return !st.Serving() && st != StateDraining })
	return err
}

// Disable keeps a plugin that does not run from being started.
func (s *Supervisor[I]) Disable(ctx context.Context) error { return s.send(ctx, EventDisable) }

// Enable lets a disabled plugin be started; it does not start it.
func (s *Supervisor[I]) Enable(ctx context.Context) error { return s.send(ctx, EventEnable) }

func (s *Supervisor[I]) send(ctx context.Context, event Event) error {
	c := command{event: event, ack: make(chan error, 1)}
	select {
	case s.commands <- c:
		return <-c.ack
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle waits until the state satisfies settled.
func (s *Supervisor[I]) settle(ctx context.Context, settled func(State) bool) (Status, error) {
	for {
		st, changed := s.watch()
		if settled(st.State) {
			return st, nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return s.Status(), ErrClosed
		case <-ctx.Done():
			return st, ctx.Err()
		}
	}
}

// watch returns the status and a channel that is closed at its next change.
func (s *Supervisor[I]) watch() (Status, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.changed
}
