package resource

import (
	"context"
	"errors"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/provider"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// guard ends what lasts longer than a request when who opened it may not go on.
type guard struct {
	svc        *Service
	caller     access.Caller
	resourceID string
	verb       contract.Verb
	until      time.Time   // its life; zero: no end of its own
	active     func() bool // whether it was used since the last question; nil: never
}

// errEnded is the cause of a stream's end that its caller did not choose.
type errEnded struct{ why *fault.Error }

func (e errEnded) Error() string { return e.why.Error() }
func (e errEnded) Unwrap() error { return e.why }

func ended(why *fault.Error) error { return errEnded{why} }

// whyEnded is why a guard ended something, "" when it did not.
func whyEnded(err error) string {
	var e errEnded
	if !errors.As(err, &e) {
		return ""
	}
	return e.why.Message
}

// while runs do with a context that ends when the caller may not go on, and
// then returns why.
func (g guard) while(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := g.watch(ctx); err != nil {
			end(err)
		}
	}()
	err := do(ctx)
	var why errEnded
	if errors.As(context.Cause(ctx), &why) {
		err = why
	}
	end(nil)
	<-watched
	return err
}

// watch returns why the caller may not go on, or nil when ctx has ended. It looks
// whenever the caller, the resource or the time may have changed that.
func (g guard) watch(ctx context.Context) error {
	s, active := g.svc, false
	for {
		changed, leave := s.waits.join(g.resourceID)
		var sessions <-chan struct{}
		if s.cfg.Sessions != nil {
			sessions = s.cfg.Sessions.Changes()
		}
		wait, err := g.look(ctx, active)
		if err != nil {
			leave()
			return err
		}
		active = false
		select {
		case <-ctx.Done():
			leave()
			return nil
		case <-changed:
		case <-sessions:
		case <-s.cfg.Clock.After(wait):
			active = g.active != nil && g.active()
		}
		leave()
	}
}

// look returns why the caller may not go on, or how long nothing but a change
// can end that. What cannot be told now is looked at again later.
func (g guard) look(ctx context.Context, active bool) (wait time.Duration, why error) {
	s := g.svc
	now := s.cfg.Clock.Now()
	wait = s.limits.ConsoleCheck
	if !g.until.IsZero() {
		if !now.Before(g.until) {
			return 0, ended(fault.Precondition("a console lasts %s at most: open another one", s.limits.ConsoleLife))
		}
		wait = min(wait, g.until.Sub(now))
	}
	c, end, err := s.renewed(ctx, g.caller, active)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return 0, ended(fault.Unauthenticated("the session that it was opened with has ended, or its user may not sign in any more"))
	case err == nil && !end.IsZero():
		wait = min(wait, max(end.Sub(now), time.Millisecond))
		fallthrough
	case err == nil:
		why = g.allowed(ctx, c)
	}
	return wait, why
}

// allowed returns why a caller may not talk to the resource any more. What cannot
// be told now is no reason.
func (g guard) allowed(ctx context.Context, c access.Caller) error {
	v, err := g.svc.talking(ctx, c, g.resourceID, g.verb)
	if err == nil {
		_, _, err = g.svc.open(ctx, v, provider.PurposeOperate)
	}
	switch class := fault.ClassOf(err); {
	case err == nil:
		return nil
	case class == fault.ClassForbidden, class == fault.ClassNotFound:
		return ended(fault.Forbidden("the right to the resource was taken away, or it has gone"))
	case class == fault.ClassPrecondition && v.ID == "":
		return ended(fault.Precondition("the resource was released"))
	case class == fault.ClassPrecondition, class == fault.ClassUnauthenticated, class == fault.ClassUnsupported:
		return ended(fault.Precondition("the account in which the resource lives cannot be used any more"))
	}
	return nil
}

// renewed returns a caller as it is now.
func (s *Service) renewed(ctx context.Context, c access.Caller, active bool) (access.Caller, time.Time, error) {
	if s.cfg.Sessions == nil {
		return c, time.Time{}, nil
	}
	return s.cfg.Sessions.Renew(ctx, c, active)
}
