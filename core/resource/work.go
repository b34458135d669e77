package resource

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Policy is how the queue runs actions.
func (s *Service) Policy() job.Policy {
	return job.Policy{MaxAttempts: 50, Timeout: 4 * s.limits.CallTimeout, Backoff: job.Exponential(time.Second, time.Minute)}
}

// acting is one run of an action's job.
type acting struct {
	job      job.Job
	run      run
	rev      uint64
	resource Resource
}

// Work is the handler of [ActionJobKind] jobs. An action whose answer was lost
// is never repeated: the resource is looked up and the action ends as unknown.
func (s *Service) Work(ctx context.Context, j job.Job) error {
	a, err := s.load(ctx, j)
	if err != nil || a == nil {
		return err
	}
	switch a.run.State {
	case RunWaiting:
		return s.send(ctx, a)
	case RunCalling:
		return s.unknown(ctx, a, fault.Unknown(nil, "the broker stopped before the cloud's answer was stored"))
	case RunStarted:
		return s.poll(ctx, a)
	case RunDone, RunFailed, RunUnknown:
	}
	return nil
}

func (s *Service) load(ctx context.Context, j job.Job) (*acting, error) {
	a := &acting{job: j}
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.runs.Get(r, j.Ref)
		if err != nil {
			return err
		}
		a.run, a.rev = d.Value, d.Rev
		v, err := s.resources.Get(r, d.Value.ResourceID)
		a.resource = v.Value
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading action %q: %w", j.Ref, err)
	}
	if a.run.State.Ended() {
		return nil, nil
	}
	return a, nil
}

// purpose: what stops a resource is possible after the provider was revoked.
func (a *acting) purpose() provider.Purpose {
	if a.run.Action == "stop" {
		return provider.PurposeWindDown
	}
	return provider.PurposeOperate
}

func (s *Service) send(ctx context.Context, a *acting) error {
	cloud, call, err := s.open(ctx, a.resource, a.purpose())
	if err != nil {
		return s.refused(ctx, a, err)
	}
	input, err := s.cfg.Sealer.Open(a.run.SealedInput, sealContext(a.run.ID, "input"))
	if err != nil {
		return s.end(ctx, a, RunFailed, err)
	}
	a.run.State = RunCalling
	a.run.Calls++
	if err := s.save(ctx, a); err != nil {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	change, err := cloud.Act(callCtx, contract.ActionRequest{
		Call: call, Token: a.run.Token, Kind: a.resource.Kind, ID: a.resource.VendorID, Action: a.run.Action, Input: input,
	})
	switch {
	case err != nil && fault.OutcomeOf(err) == fault.OutcomeUnknown:
		return s.unknown(ctx, a, err)
	case err != nil:
		return s.refused(ctx, a, err)
	}
	if len(change.Output) > 0 {
		if a.run.SealedOutput, err = s.cfg.Sealer.Seal(change.Output, sealContext(a.run.ID, "output")); err != nil {
			return s.end(ctx, a, RunDone, fmt.Errorf("sealing the output: %w", err))
		}
	}
	if change.Operation != "" {
		a.run.State, a.run.Operation, a.run.SealedInput = RunStarted, change.Operation, nil
		if err := s.save(ctx, a); err != nil {
			return err
		}
		return job.Snooze(s.limits.Poll)
	}
	return s.end(ctx, a, RunDone, nil)
}

// refused tries again later what may pass, for a bounded time.
func (s *Service) refused(ctx context.Context, a *acting, err error) error {
	passing := fault.Is(err, fault.ClassThrottled) || fault.Is(err, fault.ClassUnavailable)
	left := s.limits.RetryFor - s.cfg.Clock.Now().Sub(a.run.Created)
	if !passing || left <= 0 {
		return s.end(ctx, a, RunFailed, err)
	}
	a.run.State = RunWaiting
	a.run.note(err)
	if err := s.save(ctx, a); err != nil {
		return err
	}
	return job.Snooze(min(job.Pause(s.limits.Poll, err), left)) // however long a cloud asks to wait, the action is decided then
}

func (s *Service) poll(ctx context.Context, a *acting) error {
	cloud, call, err := s.open(ctx, a.resource, provider.PurposeWindDown)
	if err != nil {
		return s.later(ctx, a, 0)
	}
	callCtx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	op, err := cloud.Operation(callCtx, contract.OperationRequest{Call: call, ID: a.run.Operation})
	switch {
	case fault.Is(err, fault.ClassNotFound), fault.Is(err, fault.ClassUnsupported):
		return s.unknown(ctx, a, err)
	case err != nil:
		return s.later(ctx, a, fault.As(err).RetryAfter)
	case op.State == contract.OperationSucceeded:
		return s.end(ctx, a, RunDone, nil)
	case op.State == contract.OperationFailed:
		return s.end(ctx, a, RunFailed, failure(op))
	}
	return s.later(ctx, a, op.CheckAfter)
}

func failure(op contract.Operation) error {
	if op.Failure != nil {
		return op.Failure
	}
	return fault.Precondition("the operation failed at the cloud: %s", op.Message)
}

// maxStarted is how long a started action is polled before it ends as unknown.
const maxStarted = 24 * time.Hour

func (s *Service) later(ctx context.Context, a *acting, hint time.Duration) error {
	if s.cfg.Clock.Now().Sub(a.run.Created) > maxStarted {
		return s.unknown(ctx, a, fault.Unknown(nil, "the cloud did not end the operation in time"))
	}
	return job.Snooze(min(max(s.limits.Poll, hint), time.Minute))
}

// unknown ends an action whose fate nobody can tell, with the resource as it is
// now for people to see.
func (s *Service) unknown(ctx context.Context, a *acting, err error) error {
	return s.end(ctx, a, RunUnknown, err)
}

func (r *run) note(err error) {
	f := fault.As(err)
	r.Problem, r.Class, r.RequestID = f.Message, f.Class.String(), f.RequestID
}

// end stores the outcome together with the job's end, then has the resource
// refreshed so that it shows what the action did. After an action on a part that
// is the resource which it belongs to.
func (s *Service) end(ctx context.Context, a *acting, state RunState, err error) error {
	a.run.State, a.run.Ended = state, s.cfg.Clock.Now()
	a.run.SealedInput = nil // nobody needs it any more, and it may hold a password
	a.run.Problem, a.run.Class, a.run.RequestID = "", "", ""
	if err != nil {
		a.run.note(err)
	}
	asked := s.cfg.Clock.Now()
	of, seen := s.askedAfter(ctx, a, state)
	storeErr := s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		if _, err := s.runs.Update(tx, a.run, a.rev); err != nil {
			return err
		}
		tx.OnCommit(func() { s.waits.wake(a.run.ID) })
		return s.cfg.Jobs.Complete(tx, a.job)
	})
	if storeErr != nil {
		return fmt.Errorf("ending action %q: %w", a.run.ID, storeErr)
	}
	if seen == nil {
		return nil
	}
	if _, err := s.note(ctx, of, *seen, asked); err != nil {
		s.cfg.Logger.WarnContext(ctx, "resource not refreshed after an action", "resource_id", of, "error", err)
	}
	return nil
}

// askedAfter is what the cloud says after an action, of the resource with the
// returned id; nil when it says nothing.
func (s *Service) askedAfter(ctx context.Context, a *acting, state RunState) (resourceID string, seen *contract.Resource) {
	of, err := s.whole(ctx, a.resource)
	if err != nil || state == RunFailed {
		return "", nil
	}
	v, err := s.ask(ctx, of)
	if err != nil {
		return "", nil
	}
	return of.ID, &v
}

func (s *Service) save(ctx context.Context, a *acting) error {
	return s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		d, err := s.runs.Update(tx, a.run, a.rev)
		if err == nil {
			tx.OnCommit(func() { a.rev = d.Rev })
		}
		return err
	})
}
