package order

import (
	"context"
	"slices"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// callOperation names the question for an operation in a [Problem].
const callOperation = "operation"

// answered takes down a change that did not fail.
func (s *Service) answered(w *work, u *Unit, c contract.Change) {
	u.Cost, u.CostCurrency, u.VendorOrder = c.Cost, c.Currency, c.VendorOrder
	if c.Operation != "" {
		u.State, u.Operation, u.Resource = UnitStarted, c.Operation, c.Resource
		u.NextAt = s.cfg.Clock.Now().Add(s.limits.Poll)
		return
	}
	s.made(w, u, c.Resource)
}

// made decides a unit. A purchase whose resource the cloud did not name is not
// decided: the token must tell which it is.
func (s *Service) made(w *work, u *Unit, r *contract.Resource) {
	if w.order.Kind == KindBuy && (r == nil || r.ID == "") {
		s.doubt(u, "create", fault.Internal(nil, "the plugin did not say which resource it made"))
		return
	}
	u.State, u.Resource, u.Operation, u.Problem, u.Undecidable = UnitMade, r, "", nil, false
}

// doubt says that the change may have happened.
func (s *Service) doubt(u *Unit, call string, err error) {
	u.State, u.Operation = UnitDoubt, ""
	u.Problem = problemOf(call, err, s.cfg.Clock.Now())
	u.NextAt = s.cfg.Clock.Now()
}

// refuse says that the change certainly did not happen: it is tried again when
// waiting can help, for a bounded time, else the unit has failed.
func (s *Service) refuse(w *work, u *Unit, call string, err error) {
	now := s.cfg.Clock.Now()
	u.Problem = problemOf(call, err, now)
	u.Operation = ""
	last := w.order.Created.Add(s.limits.RetryFor)
	if !retryable(err) || !now.Before(last) {
		u.State = UnitFailed
		return
	}
	if u.State != UnitWaiting {
		u.State = UnitRefused
	}
	u.Tries++
	pause := backoff(s.limits.RetryFirst, s.limits.RetryMost, u.Tries)
	u.NextAt = now.Add(job.Pause(pause, err))
	if u.NextAt.After(last) { // however long a cloud asks to wait, the order is decided then
		u.NextAt = last
	}
}

// retryable: only what a later moment can change.
func retryable(err error) bool {
	switch fault.ClassOf(err) {
	case fault.ClassThrottled, fault.ClassUnavailable, fault.ClassInternal:
		return true
	}
	return false
}

func backoff(first, most time.Duration, n int) time.Duration {
	d := first
	for i := 1; i < n && d < most; i++ {
		d *= 2
	}
	return min(d, most)
}

func problemOf(call string, err error, at time.Time) *Problem {
	f := fault.As(err)
	return &Problem{
		Call: call, Class: f.Class.String(), Message: f.Message, CloudCode: f.CloudCode,
		RequestID: f.RequestID, Unknown: fault.OutcomeOf(err) == fault.OutcomeUnknown, Time: at,
	}
}

// askAgain puts the next question off, longer each time.
func (s *Service) askAgain(u *Unit, hint time.Duration) {
	u.Lookups++
	pause := max(backoff(s.limits.Poll, s.limits.PollMost, u.Lookups), min(hint, s.limits.PollMost))
	u.NextAt = s.cfg.Clock.Now().Add(pause)
}

// verdict is what a look-up found out.
type verdict struct {
	made      bool
	resource  *contract.Resource
	operation string
	absent    bool // certainly not done
}

// lookUp asks the cloud what became of a unit's token. The change is made again
// only when the cloud says that it certainly did not happen, or when the last
// call was certainly refused.
func (s *Service) lookUp(ctx context.Context, w *work, u *Unit) error {
	cloud, call, err := s.reach(ctx, w, provider.PurposeWindDown)
	if err != nil {
		s.unanswered(u, "open", err)
		return nil
	}
	v, err := s.find(ctx, w, u, cloud, call)
	s.reached("after_lookup")
	refused := u.State == UnitRefused
	switch {
	case fault.Is(err, fault.ClassUnsupported):
		s.undecidable(u, err)
	case err != nil:
		s.unanswered(u, "find_by_token", err)
	case v.made:
		s.made(w, u, v.resource)
	case v.operation != "":
		s.found(u, v.operation)
	case refused:
		return s.call(ctx, w, u)
	case v.absent && s.underWay(u):
		s.askAgain(u, 0)
	case v.absent:
		return s.callAgain(ctx, w, u)
	default:
		s.askAgain(u, 0)
	}
	return nil
}

// found goes back to asking for the operation: at once, unless asking for it is
// what led to the look-up.
func (s *Service) found(u *Unit, operation string) {
	u.State, u.Operation, u.NextAt = UnitStarted, operation, s.cfg.Clock.Now()
	if u.Problem != nil && u.Problem.Call == callOperation {
		s.askAgain(u, 0)
	}
}

// underWay reports whether the last call may still be on its way to the cloud,
// sent by a run that died or whose answer was given up: absence is final only
// after the longest time that a call can take.
func (s *Service) underWay(u *Unit) bool {
	return s.cfg.Clock.Now().Sub(u.LastCall) < s.limits.CallTimeout+markLife
}

// unanswered keeps the last problem of the change itself when only the question
// failed.
func (s *Service) unanswered(u *Unit, call string, err error) {
	if u.Problem == nil || !u.Problem.Unknown {
		u.Problem = problemOf(call, err, s.cfg.Clock.Now())
	}
	s.askAgain(u, fault.As(err).RetryAfter)
}

// undecidable leaves the unit to a person.
func (s *Service) undecidable(u *Unit, err error) {
	u.Undecidable = true
	if u.Problem == nil {
		u.Problem = problemOf("find_by_token", err, s.cfg.Clock.Now())
	}
}

// find asks by token where the kind can, else by id; for another size always by
// id, because what a resource is tells more than what became of a token.
func (s *Service) find(ctx context.Context, w *work, u *Unit, cloud Cloud, call contract.Call) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	if w.order.Kind == KindResize {
		return w.sized(ctx, cloud, call)
	}
	if !s.canFind(ctx, w) {
		if w.order.Kind == KindRelease {
			return w.gone(ctx, cloud, call)
		}
		return verdict{}, fault.Unsupported("kind %q cannot be found by token", w.order.ResourceKind)
	}
	found, err := cloud.FindByToken(ctx, contract.FindRequest{
		Call: call, Token: u.Token, Kind: w.order.ResourceKind, Change: changeOf(w.order.Kind),
		ID: w.target.vendorID, Since: u.LastCall,
	})
	if err != nil {
		return verdict{}, err
	}
	if w.order.Kind != KindBuy {
		return verdict{
			made: found.Done, resource: first(found.Resources), operation: found.Operation,
			absent: found.Settled && !found.Done,
		}, nil
	}
	r := first(found.Resources)
	if found.Operation != "" {
		return verdict{operation: found.Operation, resource: r}, nil
	}
	return verdict{made: r != nil, resource: r, absent: found.Settled && r == nil}, nil
}

// first returns the oldest of the resources that a token made.
func first(list []contract.Resource) *contract.Resource {
	if len(list) == 0 {
		return nil
	}
	oldest := slices.MinFunc(list, func(a, b contract.Resource) int { return a.Created.Compare(b.Created) })
	return &oldest
}

// gone tells a release by the absence of its resource.
func (w *work) gone(ctx context.Context, cloud Cloud, call contract.Call) (verdict, error) {
	r, err := cloud.Get(ctx, contract.GetRequest{Call: call, Kind: w.order.ResourceKind, ID: w.target.vendorID})
	if fault.Is(err, fault.ClassNotFound) {
		return verdict{made: true}, nil
	}
	return verdict{made: err == nil && r.Status == contract.StatusDeleted}, err
}

func changeOf(k Kind) contract.ChangeKind {
	switch k {
	case KindRenew:
		return contract.ChangeRenew
	case KindRelease:
		return contract.ChangeRelease
	case KindResize:
		return contract.ChangeResize
	case KindBuy:
	}
	return contract.ChangeCreate
}

// poll asks how far a started change is.
func (s *Service) poll(ctx context.Context, w *work, u *Unit) error {
	cloud, call, err := s.reach(ctx, w, provider.PurposeWindDown)
	if err != nil {
		s.unanswered(u, "open", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	op, err := cloud.Operation(ctx, contract.OperationRequest{Call: call, ID: u.Operation})
	s.reached("after_poll")
	switch {
	case fault.Is(err, fault.ClassNotFound):
		s.doubt(u, callOperation, fault.Unknown(err, "the cloud does not know the operation any more"))
	case err != nil:
		s.unanswered(u, callOperation, err)
	case op.State == contract.OperationSucceeded:
		s.succeeded(w, u, op)
	case op.State == contract.OperationFailed:
		s.operationFailed(w, u, op)
	default:
		s.askAgain(u, op.CheckAfter)
	}
	return nil
}

func (s *Service) succeeded(w *work, u *Unit, op contract.Operation) {
	r := op.Resource
	if r == nil {
		r = u.Resource
	}
	s.made(w, u, r)
}

func (s *Service) operationFailed(w *work, u *Unit, op contract.Operation) {
	err := op.Failure
	if err == nil {
		err = fault.Unknown(nil, "the operation failed at the cloud: %s", op.Message)
	}
	if fault.OutcomeOf(err) == fault.OutcomeUnknown {
		s.doubt(u, callOperation, err)
		return
	}
	s.refuse(w, u, callOperation, err)
}

// canFind reports whether the order's change can be looked up by token. When
// the plugin is not there to say, it can: the question itself will fail then.
func (s *Service) canFind(ctx context.Context, w *work) bool {
	k, known := s.kindOf(ctx, w)
	return !known || slices.Contains(k.Verbs, contract.VerbFindByToken)
}

func (s *Service) kindOf(ctx context.Context, w *work) (contract.KindDescription, bool) {
	d, err := s.describe(ctx, w)
	if err != nil {
		return contract.KindDescription{}, false
	}
	i := slices.IndexFunc(d.Kinds, func(k contract.KindDescription) bool { return k.Name == w.order.ResourceKind })
	if i < 0 {
		return contract.KindDescription{}, false
	}
	return d.Kinds[i], true
}

// callAgain repeats a change that the cloud does not know of, unless the last
// call is so long ago that the cloud may have forgotten its token: absence then
// proves nothing.
func (s *Service) callAgain(ctx context.Context, w *work, u *Unit) error {
	d, err := s.describe(ctx, w)
	if err != nil {
		s.unanswered(u, "describe", err)
		return nil
	}
	window := d.Limits.TokenWindow
	if window > 0 && s.cfg.Clock.Now().Sub(u.LastCall) > window {
		s.undecidable(u, fault.Precondition("the cloud remembers tokens for %v, too short to tell", window))
		return nil
	}
	return s.call(ctx, w, u)
}

func (s *Service) describe(ctx context.Context, w *work) (contract.Description, error) {
	return s.cfg.Plugins.Describe(ctx, w.order.Plugin)
}
