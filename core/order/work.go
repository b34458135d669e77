package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	contract "tradewind.example/sdk/provider"
)

// work is one run of an order's job: the order as stored, changed in memory
// and saved with its revision, so that two runs can never both act on it.
type work struct {
	job    job.Job
	order  Order
	rev    uint64
	target target
	dirty  bool // the order has changes that are not stored
}

// target is the resource that an order renews, resizes or releases, as it was when the
// run began.
type target struct {
	vendorID string
	end      time.Time
}

// Work is the handler of [JobKind] jobs. It can be stopped or die at any point:
// a unit is marked durably before its cloud is called, and a unit found marked
// is looked up by its token, never called again blindly.
func (s *Service) Work(ctx context.Context, j job.Job) error {
	w, err := s.load(ctx, j)
	if err != nil || w == nil {
		return err
	}
	for {
		u := w.due(s.cfg.Clock.Now())
		if u == nil {
			break
		}
		if !s.enoughTime(ctx) {
			return s.pause(ctx, w, 0)
		}
		if err := s.step(ctx, w, u); err != nil {
			return again(err)
		}
	}
	if w.decided() {
		return again(s.conclude(ctx, w))
	}
	return s.pause(ctx, w, w.wait(s.cfg.Clock.Now()))
}

// conclude ends the order. When that fails, what the cloud answered is stored
// all the same, so that the next run has nothing left to ask.
func (s *Service) conclude(ctx context.Context, w *work) error {
	err := s.finish(ctx, w)
	if err != nil && w.dirty {
		return errors.Join(err, s.save(ctx, w))
	}
	return err
}

// again turns a lost race for the order into a fresh look at it.
func again(err error) error {
	if errors.Is(err, store.ErrStale) {
		return job.Snooze(time.Second)
	}
	return err
}

// load reads the order; nil when there is nothing left for this job to do. One
// that was placed a moment ago is at hand; its revision tells if it was changed.
func (s *Service) load(ctx context.Context, j job.Job) (*work, error) {
	if o, ok := s.begun.LoadAndDelete(j.ID); ok && j.Attempt == 1 {
		return &work{job: j, order: o.(Order), rev: 1}, nil //nolint:forcetypeassert // only orders are stored in it
	}
	var w *work
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.orders.Get(r, j.Ref)
		if err != nil {
			return err
		}
		if !d.Value.Decided.IsZero() || d.Value.JobID != j.ID {
			return nil
		}
		w = &work{job: j, order: d.Value, rev: d.Rev}
		if d.Value.ResourceID == "" {
			return nil
		}
		t, err := s.cfg.Resources.GetTx(r, d.Value.ResourceID)
		w.target = target{vendorID: t.Value.VendorID, end: t.Value.End}
		return err
	})
	if fault.Is(err, fault.ClassNotFound) {
		return nil, job.Dead(err)
	}
	return w, err
}

// due returns a unit that can be worked on now.
func (w *work) due(now time.Time) *Unit {
	for i := range w.order.Units {
		u := &w.order.Units[i]
		if !u.State.Decided() && !u.Undecidable && !u.NextAt.After(now) {
			return u
		}
	}
	return nil
}

func (w *work) decided() bool {
	for i := range w.order.Units {
		if !w.order.Units[i].State.Decided() {
			return false
		}
	}
	return true
}

// wait is the time until a unit is due; negative when none ever will be.
func (w *work) wait(now time.Time) time.Duration {
	least := time.Duration(-1)
	for i := range w.order.Units {
		u := &w.order.Units[i]
		if u.State.Decided() || u.Undecidable {
			continue
		}
		if d := max(u.NextAt.Sub(now), 0); least < 0 || d < least {
			least = d
		}
	}
	return least
}

// enoughTime reports whether a whole call fits before the run's deadline. A
// call cut short would have an unknown outcome for no reason.
func (s *Service) enoughTime(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() == nil && (!limited || time.Until(end) > s.limits.CallTimeout)
}

// pause stores what was learnt and has the job called again after d. When no
// unit has a question left, the job ends; a person's decision makes a new one.
func (s *Service) pause(ctx context.Context, w *work, d time.Duration) error {
	s.needPerson(w)
	if w.dirty {
		if err := s.save(ctx, w); err != nil {
			return again(err)
		}
	}
	if d < 0 {
		return nil
	}
	return job.Snooze(d)
}

// save stores the order as it is in memory, if nobody changed it meanwhile. It
// goes on when ctx has ended: what a cloud answered must not be forgotten.
func (s *Service) save(ctx context.Context, w *work) error {
	w.order.Updated = s.cfg.Clock.Now()
	err := s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		d, err := s.orders.Update(tx, w.order, w.rev)
		if err == nil {
			tx.OnCommit(func() { w.rev, w.dirty = d.Rev, false })
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("storing order %q: %w", w.order.ID, err)
	}
	return nil
}

// step takes one unit one step further.
func (s *Service) step(ctx context.Context, w *work, u *Unit) error {
	w.dirty = true
	switch u.State {
	case UnitWaiting:
		return s.call(ctx, w, u)
	case UnitRefused:
		if w.order.Kind != KindResize && s.canFind(ctx, w) {
			return s.lookUp(ctx, w, u)
		}
		return s.call(ctx, w, u)
	case UnitCalling:
		if w.uncalled(u) {
			return s.call(ctx, w, u)
		}
		return s.lookUp(ctx, w, u)
	case UnitDoubt:
		return s.lookUp(ctx, w, u)
	case UnitStarted:
		return s.poll(ctx, w, u)
	case UnitMade, UnitFailed:
	}
	return nil
}

// call marks the unit, calls the cloud and takes the answer down.
func (s *Service) call(ctx context.Context, w *work, u *Unit) error {
	cloud, call, err := s.reach(ctx, w, w.purpose())
	if err != nil {
		if w.uncalled(u) {
			u.unmark()
		}
		s.refuse(w, u, "open", err)
		return nil
	}
	if err := s.mark(ctx, w, u); err != nil {
		return err
	}
	s.reached("before_call")
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	change, err := w.send(ctx, cloud, call, u)
	s.reached("after_call")
	if err == nil {
		s.answered(w, u, change)
		return nil
	}
	if fault.OutcomeOf(err) == fault.OutcomeUnknown {
		s.doubt(u, string(w.order.Kind), err)
		return nil
	}
	if u.Calls == 1 && fault.As(err).Source == fault.SourceHost {
		u.unmark() // the host did not send it
	}
	s.refuse(w, u, string(w.order.Kind), err)
	return nil
}

// unmark says that the unit was not called after all.
func (u *Unit) unmark() {
	u.State, u.Calls, u.Marked = UnitWaiting, 0, ""
	u.FirstCall, u.LastCall = time.Time{}, time.Time{}
}

// markLife is how long before its call a unit may have been marked. What asks
// whether a call can still be under way allows for it.
const markLife = time.Second

// uncalled reports whether the unit was marked together with its order and this
// is the run that was to call: no other one can have called since.
func (w *work) uncalled(u *Unit) bool {
	return u.State == UnitCalling && u.Marked != "" && u.Marked == w.job.ID && w.job.Attempt == 1 && u.Calls == 1
}

// mark stores that the unit is about to be called, unless that was stored a
// moment ago.
func (s *Service) mark(ctx context.Context, w *work, u *Unit) error {
	now := s.cfg.Clock.Now()
	if w.uncalled(u) {
		early := now.Sub(u.LastCall)
		u.Marked = "" // from here on it counts as called
		if early < markLife {
			return nil
		}
		u.Calls--
	}
	if err := w.order.mark(u, now); err != nil {
		return err
	}
	if err := s.save(ctx, w); err != nil {
		return err
	}
	w.dirty = true
	return nil
}

// mark says that the unit is about to be called, and with the first one that
// the order is being provisioned.
func (o *Order) mark(u *Unit, now time.Time) error {
	if o.State == StateHeld {
		if err := o.move(StateProvisioning, now, "system", ""); err != nil {
			return err
		}
	}
	u.State, u.LastCall, u.Lookups = UnitCalling, now, 0
	u.Calls++
	if u.FirstCall.IsZero() {
		u.FirstCall = now
	}
	return nil
}

// purpose: a release must be possible after the provider was disabled or
// revoked, a purchase must not.
func (w *work) purpose() provider.Purpose {
	if w.order.Kind == KindRelease {
		return provider.PurposeWindDown
	}
	return provider.PurposeOrder
}

// send makes the order's change at the cloud.
func (w *work) send(ctx context.Context, cloud Cloud, call contract.Call, u *Unit) (contract.Change, error) {
	o := &w.order
	switch o.Kind {
	case KindBuy:
		term := o.Term
		term.Quantity = 1
		return cloud.Create(ctx, contract.CreateRequest{
			Call: call, Token: u.Token, Kind: o.ResourceKind, Name: o.Name, Spec: o.Spec, Term: term,
		})
	case KindRenew:
		return cloud.Renew(ctx, contract.RenewRequest{
			Call: call, Token: u.Token, Kind: o.ResourceKind, ID: w.target.vendorID, Term: o.Term,
		})
	case KindResize:
		call.Ordered = true
		return cloud.Act(ctx, contract.ActionRequest{
			Call: call, Token: u.Token, Kind: o.ResourceKind, ID: w.target.vendorID, Action: kinds.ActionResize, Input: o.Size,
		})
	case KindRelease:
		change, err := cloud.Delete(ctx, contract.DeleteRequest{
			Call: call, Token: u.Token, Kind: o.ResourceKind, ID: w.target.vendorID,
		})
		if fault.Is(err, fault.ClassNotFound) && fault.OutcomeOf(err) == fault.OutcomeNotDone {
			return contract.Change{}, nil
		}
		return change, err
	}
	return contract.Change{}, fault.Internal(nil, "order %q has the unknown kind %q", o.ID, o.Kind)
}

// reach opens the account and finds the plugin.
func (s *Service) reach(ctx context.Context, w *work, p provider.Purpose) (Cloud, contract.Call, error) {
	cloud, call, err := s.open(ctx, w.order.OrgID, w.order.EnablementID, p)
	call.Region, call.Zone, call.RequestID = w.order.Region, w.order.Zone, w.order.RequestID
	return cloud, call, err
}

// open opens the account that the order or resource was made in. What serves
// the buyer today may be another one, in which nothing of it would be found.
func (s *Service) open(ctx context.Context, org, enablementID string, p provider.Purpose) (Cloud, contract.Call, error) {
	var a provider.Access
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		a, err = s.cfg.Accounts.CallVia(ctx, r, org, enablementID, p)
		return err
	})
	if err != nil {
		return nil, contract.Call{}, fmt.Errorf("opening the account of enablement %q: %w", enablementID, err)
	}
	cloud, err := s.cfg.Plugins.Plugin(a.Plugin)
	return cloud, a.Call, err
}
