// Package rollout replaces one version of something that serves by another, in
// phases that are data: everything up to the swap can fail and then leaves the
// old version serving; what comes after the swap only tidies up. It also judges,
// by how calls went, whether the new version is worse than the old one.
//
// It knows no process and no catalogue: what a phase does is the caller's
// function. A [Rollout] is used once; [Rollout.Progress] is safe for concurrent
// use. Nothing here starts a goroutine. Time comes from package time alone, so
// tests drive it with testing/synctest.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Phase names a step of a change.
type Phase string

// The phases, in order.
const (
	PhaseStart    Phase = "start"    // launching the new version, with its handshake
	PhaseDescribe Phase = "describe" // comparing what it says of itself with its manifest
	PhaseValidate Phase = "validate" // checking the known accounts' settings with its schema
	PhaseHealth   Phase = "health"   // asking it whether it is well
	PhaseShadow   Phase = "shadow"   // making one harmless read through it
	PhaseSwap     Phase = "swap"     // sending all new calls to it
	PhaseDrain    Phase = "drain"    // letting the old version's calls finish
	PhaseStop     Phase = "stop"     // ending the old version
	PhaseWatch    Phase = "watch"    // comparing its failures with the old version's
)

// Phases lists all phases in order.
func Phases() []Phase {
	return []Phase{
		PhaseStart, PhaseDescribe, PhaseValidate, PhaseHealth, PhaseShadow,
		PhaseSwap, PhaseDrain, PhaseStop, PhaseWatch,
	}
}

// Kind is why a change is made.
type Kind string

// The kinds.
const (
	KindUpgrade   Kind = "upgrade"   // to a version that someone chose
	KindRollback  Kind = "rollback"  // back to the previous version, asked for
	KindAutomatic Kind = "automatic" // back to the previous version, because the new one failed
	KindReload    Kind = "reload"    // to a fresh process of the same version
)

// State is how a change stands.
type State string

// The states.
const (
	StateRunning    State = "running"     // the old version serves
	StateSwapped    State = "swapped"     // the new version serves; the old one is put away
	StateWatching   State = "watching"    // done, and still compared with the old version
	StateDone       State = "done"        // for good
	StateFailed     State = "failed"      // the old version serves on
	StateRolledBack State = "rolled_back" // done, then undone because the new version failed
)

// Change says what is replaced by what.
type Change struct {
	Plugin string
	Kind   Kind
	From   string // version
	To     string // version
	Reason string
}

// Outcome is how a phase ended.
type Outcome string

// The outcomes.
const (
	OutcomeRunning Outcome = "running"
	OutcomeDone    Outcome = "done"
	OutcomeSkipped Outcome = "skipped"
	OutcomeFailed  Outcome = "failed"
)

// Record is one phase as it went.
type Record struct {
	Phase   Phase
	Outcome Outcome
	Begin   time.Time
	End     time.Time // zero while it runs
	Note    string    // what was found, or why it was skipped or failed
}

// Progress is a change at one moment.
type Progress struct {
	Change
	State  State
	Begin  time.Time
	End    time.Time // zero while anything of it is going on
	Error  string    // "" unless failed or rolled back
	Phases []Record  // in order, up to the running one
}

// Skip is returned by a phase's function that has nothing to check, with the reason.
type Skip string

// Error returns the reason.
func (s Skip) Error() string { return string(s) }

// Error tells which phase failed.
type Error struct {
	Phase Phase
	Err   error
}

// Error names the phase and its cause.
func (e *Error) Error() string { return fmt.Sprintf("phase %s: %v", e.Phase, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Step is one phase and what it does.
type Step struct {
	Phase   Phase
	Timeout time.Duration // 0: as long as the context lasts
	// Do returns what it found, for people. A [Skip] as error passes the phase.
	Do func(ctx context.Context) (note string, err error)
}

// Config says what a [Rollout] does.
type Config struct {
	Change Change
	Gates  []Step // up to and with the swap; the first failure ends the change
	Tidy   []Step // after the swap; failures are noted only
	// Abandon puts the new version away after a failed gate.
	Abandon func(ctx context.Context)
}

// Rollout is one change. Make it with [New].
type Rollout struct {
	cfg Config

	mu       sync.Mutex
	progress Progress
}

// New makes a rollout; nothing happens before Run.
func New(cfg Config) *Rollout {
	return &Rollout{cfg: cfg, progress: Progress{Change: cfg.Change, State: StateRunning, Begin: time.Now()}}
}

// Progress returns a snapshot.
func (r *Rollout) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.progress
	p.Phases = slices.Clone(p.Phases)
	return p
}

// Run performs the change. ctx bounds the gates; an error, which is an [*Error],
// means that the old version serves on. After the swap everything is done, also
// when ctx has ended.
func (r *Rollout) Run(ctx context.Context) error {
	for _, step := range r.cfg.Gates {
		if err := r.step(ctx, step); err != nil {
			r.cfg.Abandon(context.WithoutCancel(ctx))
			r.Finish(StateFailed, err.Error())
			return err
		}
	}
	r.enter(StateSwapped)
	for _, step := range r.cfg.Tidy {
		_ = r.step(context.WithoutCancel(ctx), step) // noted in the record
	}
	return nil
}

// Watching notes that the change is done and will be compared.
func (r *Rollout) Watching() { r.enter(StateWatching) }

// Watch compares: wait returns the verdict, "" for a version that keeps up, else
// why it does not. ctx ends the comparison early.
func (r *Rollout) Watch(ctx context.Context, wait func(ctx context.Context) (verdict string)) (verdict string) {
	_ = r.step(ctx, Step{Phase: PhaseWatch, Do: func(ctx context.Context) (string, error) {
		if verdict = wait(ctx); verdict != "" {
			return "", errors.New(verdict)
		}
		select {
		case <-ctx.Done():
			return "ended early", nil
		default:
			return "it keeps up", nil
		}
	}})
	return verdict
}

// Finish ends the change in a state.
func (r *Rollout) Finish(state State, problem string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.State, r.progress.Error, r.progress.End = state, problem, time.Now()
}

func (r *Rollout) enter(state State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.State = state
}

func (r *Rollout) step(ctx context.Context, s Step) error {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	r.begin(s.Phase)
	note, err := s.Do(ctx)
	var skipped Skip
	switch {
	case err == nil:
		r.end(OutcomeDone, note)
	case errors.As(err, &skipped):
		r.end(OutcomeSkipped, skipped.Error())
	default:
		r.end(OutcomeFailed, err.Error())
		return &Error{Phase: s.Phase, Err: err}
	}
	return nil
}

func (r *Rollout) begin(phase Phase) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Phases = append(r.progress.Phases, Record{Phase: phase, Outcome: OutcomeRunning, Begin: time.Now()})
}

func (r *Rollout) end(outcome Outcome, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := &r.progress.Phases[len(r.progress.Phases)-1]
	last.Outcome, last.Note, last.End = outcome, note, time.Now()
}
