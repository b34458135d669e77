package supervise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Run performs all transitions until ctx ends; then it ends the plugin by
// force and returns. Call it once. To end gently, call Stop before ending ctx.
func (s *Supervisor[I]) Run(ctx context.Context) {
	defer close(s.ended)
	for ctx.Err() == nil {
		switch s.state() {
		case StateStarting:
			s.launch(ctx)
		case StateReady, StateDegraded:
			s.serve(ctx)
		case StateBackingOff:
			s.pause(ctx)
		case StateDraining:
			s.drain(ctx)
		case StateStopping:
			s.end(ctx)
		default:
			s.idle(ctx)
		}
	}
	s.discard(ctx, ctx.Err())
	for _, event := range []Event{EventStop, EventDrained, EventEnded} {
		if _, ok := Next(s.state(), event); ok {
			s.fire(event, "the host ends")
		}
	}
}

func (s *Supervisor[I]) state() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.State
}

// idle waits for someone to ask for something.
func (s *Supervisor[I]) idle(ctx context.Context) {
	select {
	case c := <-s.commands:
		s.obey(c)
	case <-ctx.Done():
	}
}

// pause waits for the backoff to pass.
func (s *Supervisor[I]) pause(ctx context.Context) {
	timer := time.NewTimer(time.Until(s.Status().NextTry))
	defer timer.Stop()
	for s.state() == StateBackingOff {
		select {
		case <-timer.C:
			s.fire(EventRetry, "trying again after a failure")
		case c := <-s.commands:
			s.obey(c)
		case <-ctx.Done():
			return
		}
	}
}

// backoff returns the pause before the next start: doubled with each failure,
// capped, and spread over its upper half.
func (s *Supervisor[I]) backoff() time.Duration {
	d := s.policy.Backoff
	for range s.attempt - 1 {
		if d *= 2; d >= s.policy.MaxBackoff {
			break
		}
	}
	d = min(d, s.policy.MaxBackoff)
	return d/2 + time.Duration(s.policy.Jitter()*float64(d/2))
}

// launch starts the plugin in a goroutine of its own, so that a stop can break
// it off.
func (s *Supervisor[I]) launch(ctx context.Context) {
	s.countStart()
	ctx, cancel := context.WithTimeout(ctx, s.policy.StartTimeout)
	defer cancel()
	type result struct {
		inst I
		err  error
	}
	results := make(chan result, 1)
	go func() {
		inst, err := s.cfg.Start(ctx)
		results <- result{inst, err}
	}()
	for {
		select {
		case r := <-results:
			s.launched(ctx, r.inst, r.err)
			return
		case c := <-s.commands:
			if s.obey(c); s.state() == StateStarting {
				continue
			}
			cancel()
			if r := <-results; r.err == nil {
				s.adopt(r.inst)
			}
			return
		}
	}
}

func (s *Supervisor[I]) launched(ctx context.Context, inst I, err error) {
	if err != nil {
		if !errors.Is(context.Cause(ctx), context.Canceled) {
			s.failed(EventStartFailed, err)
		}
		return
	}
	s.adopt(inst)
	s.readySince = time.Now()
	s.current.Store(&inst)
	s.fire(EventStarted, "started")
}

func (s *Supervisor[I]) adopt(inst I) { s.instance, s.has = inst, true }

// serve watches the running plugin.
func (s *Supervisor[I]) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	probes := make(chan error)
	proberEnded := make(chan struct{})
	go func(inst I) {
		defer close(proberEnded)
		s.probe(ctx, inst, probes)
	}(s.instance)
	defer func() { cancel(); <-proberEnded }()
	s.watchInstance(ctx, probes)
}

func (s *Supervisor[I]) watchInstance(ctx context.Context, probes <-chan error) {
	silent := 0 // probes in a row without an answer
	for s.state().Serving() {
		select {
		case <-s.instance.Done():
			err := s.instance.Err()
			s.failed(EventExited, err)
			s.discard(ctx, err)
		case err := <-probes:
			silent = s.probed(ctx, err, silent)
		case c := <-s.commands:
			s.obey(c)
		case <-ctx.Done():
			return
		}
	}
}

// probed takes in one probe's result and returns how many have gone without an
// answer since.
func (s *Supervisor[I]) probed(ctx context.Context, err error, silent int) int {
	s.examined(err)
	if err == nil {
		if s.state() == StateDegraded {
			s.fire(EventProbeOK, "answers well again")
		}
		return 0
	}
	silent = nextSilent(silent, err)
	if err, hopeless := s.condemned(silent, err); hopeless {
		s.failed(EventDown, err)
		s.discard(ctx, err)
		return 0
	}
	s.setError(err)
	if s.state() == StateReady {
		s.fire(EventProbeFailed, err.Error())
	}
	return silent
}

func nextSilent(silent int, err error) int {
	if errors.Is(err, ErrNoAnswer) {
		return silent + 1
	}
	return 0
}

// condemned reports whether the plugin must be ended after its last probe, and why.
func (s *Supervisor[I]) condemned(silent int, err error) (error, bool) {
	if silent >= s.policy.ProbeFailures {
		return fmt.Errorf("no answer to %d probes in a row: %w", silent, err), true
	}
	return err, errors.Is(err, ErrExceeded)
}

// probe asks inst regularly until ctx ends and hands on what it says.
func (s *Supervisor[I]) probe(ctx context.Context, inst I, results chan<- error) {
	ticker := time.NewTicker(s.policy.ProbeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		err := s.probeOnce(ctx, inst)
		select {
		case results <- err:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Supervisor[I]) probeOnce(ctx context.Context, inst I) error {
	ctx, cancel := context.WithTimeout(ctx, s.policy.ProbeTimeout)
	defer cancel()
	return inst.Probe(ctx)
}

// drain lets the calls at work finish; new ones are refused already.
func (s *Supervisor[I]) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.policy.DrainTimeout)
	defer cancel()
	reason := "all calls have ended"
	if err := s.cfg.Drain(ctx); err != nil {
		reason = "calls were still at work when their time was over"
	}
	s.fire(EventDrained, reason)
}

// end puts the instance away gently.
func (s *Supervisor[I]) end(ctx context.Context) {
	reason := "ended"
	if s.has {
		ctx, cancel := context.WithTimeout(ctx, s.policy.StopTimeout)
		defer cancel()
		if err := s.instance.Close(ctx); err != nil {
			s.setError(err)
			reason = err.Error()
		}
		s.forget()
	}
	s.fire(EventEnded, reason)
}

// discard puts the instance away by force: it is dead, silent, or the host ends.
// That may take a while, so the state is no serving one before.
func (s *Supervisor[I]) discard(ctx context.Context, cause error) {
	s.current.Store(nil)
	if !s.has {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	if err := s.instance.Close(ctx); err != nil {
		s.cfg.Log.Warn("putting a failed plugin away", "error", err)
	}
	s.forget()
}

func (s *Supervisor[I]) forget() {
	var none I
	s.instance, s.has = none, false
}

// failed counts a failure and decides between another try and quarantine.
func (s *Supervisor[I]) failed(event Event, err error) {
	if err == nil {
		err = errors.New("the process ended without being asked to")
	}
	s.setError(err)
	now := time.Now()
	if !s.readySince.IsZero() && now.Sub(s.readySince) >= s.policy.HealthyAfter {
		s.attempt = 0
	}
	s.readySince = time.Time{}
	s.attempt++
	s.failures = append(slices.DeleteFunc(s.failures, func(t time.Time) bool {
		return now.Sub(t) >= s.policy.Window
	}), now)
	if len(s.failures) > s.policy.Budget {
		s.fire(EventBudgetSpent, fmt.Sprintf("%d failures within %s, the last one: %v", len(s.failures), s.policy.Window, err))
		return
	}
	s.fire(event, err.Error())
}

// obey does what was asked, if the state allows it.
func (s *Supervisor[I]) obey(c command) {
	state := s.state()
	if _, ok := Next(state, c.event); !ok {
		c.ack <- refusal(state, c.event)
		return
	}
	if c.event == EventStart || c.event == EventResume {
		s.attempt, s.failures = 0, nil
	}
	s.fire(c.event, "asked for")
	c.ack <- nil
}

// refusal is nil for what is so already.
func refusal(state State, event Event) error {
	switch {
	case event == EventStart && (state == StateStarting || state.Serving()),
		event == EventStop && (state == StateStopped || state == StateDisabled),
		event == EventDisable && state == StateDisabled,
		event == EventEnable && state != StateDisabled:
		return nil
	}
	return fmt.Errorf("%s: %w: plugin is %s", event, ErrRefused, state)
}

// fire makes the transition that the table gives for event.
func (s *Supervisor[I]) fire(event Event, reason string) {
	s.mu.Lock()
	from := s.status.State
	to, ok := Next(from, event)
	if !ok {
		s.mu.Unlock()
		s.cfg.Log.Error("impossible event", "state", from, "event", event)
		return
	}
	if !to.Serving() {
		s.current.Store(nil)
	}
	now := time.Now()
	s.status.State, s.status.Since, s.status.Reason = to, now, reason
	s.status.NextTry = time.Time{}
	s.status.Health = healthIn(to, s.status.Health, now, reason)
	if to == StateBackingOff {
		s.status.NextTry = now.Add(s.backoff())
	}
	s.status.History = append(s.status.History, Transition{At: now, From: from, Event: event, To: to, Reason: reason})
	if over := len(s.status.History) - maxHistory; over > 0 {
		s.status.History = slices.Delete(s.status.History, 0, over)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	s.log(to, "from", from, "event", event, "to", to, "reason", reason)
}

// log tells of a transition: an admin should look at the bad ones.
func (s *Supervisor[I]) log(to State, attrs ...any) {
	const message = "plugin changes state"
	switch to {
	case StateDegraded, StateBackingOff:
		s.cfg.Log.Warn(message, attrs...)
	case StateQuarantined:
		s.cfg.Log.Error(message, attrs...)
	default:
		s.cfg.Log.Info(message, attrs...)
	}
}

func (s *Supervisor[I]) setError(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.LastError = err.Error()
}

func (s *Supervisor[I]) countStart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts++
	s.status.Restarts = s.starts - 1
}
