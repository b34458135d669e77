package cloudaccount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// ChangePolicy is how the queue runs changes.
func (s *Service) ChangePolicy() job.Policy {
	return job.Policy{MaxAttempts: 200, Timeout: 4 * s.limits.CallTimeout, Backoff: job.Exponential(time.Second, time.Minute)}
}

// changing is one run of a change's job.
type changing struct {
	job job.Job
	v   Change
	rev uint64
	e   provider.Enablement
}

// outcome is what the cloud answered to a change.
type outcome struct {
	order *contract.VendorOrder
	sub   *contract.SubAccount
}

// WorkChange is the handler of [ChangeJobKind] jobs. A change that may have been
// sent is never sent again: the cloud is asked what became of it. Only the
// making of a sub-account is asked for again, with the same token, because that
// is the cloud's way of telling what the token made.
func (s *Service) WorkChange(ctx context.Context, j job.Job) error {
	w, err := s.loadChange(ctx, j)
	if err != nil || w == nil {
		return err
	}
	switch w.v.State {
	case ChangeWaiting:
		err = s.send(ctx, w)
	case ChangeCalling, ChangeDoubt:
		err = s.look(ctx, w)
	case ChangeDone, ChangeFailed, ChangeUnknown:
	}
	if errors.Is(err, store.ErrStale) {
		return job.Snooze(time.Second)
	}
	return err
}

func (s *Service) loadChange(ctx context.Context, j job.Job) (*changing, error) {
	w := &changing{job: j}
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.changes.Get(r, j.Ref)
		if err != nil {
			return err
		}
		w.v, w.rev = d.Value, d.Rev
		w.e, err = s.cfg.Accounts.EnablementTx(r, w.v.RootID, w.v.EnablementID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading change %q: %w", j.Ref, err)
	}
	if !w.v.Ended.IsZero() {
		return nil, nil
	}
	return w, nil
}

// send marks the change as called, calls the cloud and takes the answer down.
func (s *Service) send(ctx context.Context, w *changing) error {
	o, err := s.open(ctx, w.e, provider.PurposeOperate, w.v.Verb.needs())
	if err != nil {
		return s.refused(ctx, w, err)
	}
	w.v.State, w.v.LastCall = ChangeCalling, s.cfg.Clock.Now()
	w.v.Calls++
	if err := s.saveChange(ctx, w); err != nil {
		return err
	}
	s.reached("before_call")
	out, err := s.call(ctx, w, o)
	s.reached("after_call")
	switch {
	case err == nil:
		return s.endChange(ctx, w, ChangeDone, out, nil)
	case fault.OutcomeOf(err) == fault.OutcomeUnknown:
		w.v.State = ChangeDoubt
		w.v.note(err)
		return s.askLater(ctx, w, 0)
	}
	return s.refused(ctx, w, err)
}

// call makes the change at the cloud.
func (s *Service) call(ctx context.Context, w *changing, o opened) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	if w.v.Verb == VerbSubAccount {
		o.call.Org = w.v.ForOrg
		sub, err := o.cloud.EnsureAccount(ctx, contract.EnsureAccountRequest{Call: o.call, Token: w.v.Token, Name: w.v.Name, Email: w.v.Email})
		return outcome{sub: &sub}, err
	}
	req := contract.VendorOrderChange{Call: o.call, Token: w.v.Token, ID: w.v.VendorOrder}
	do := o.cloud.PayVendorOrder
	switch w.v.Verb {
	case VerbCancel:
		do = o.cloud.CancelVendorOrder
	case VerbRefund:
		do = o.cloud.RefundVendorOrder
	case VerbPay, VerbSubAccount:
	}
	order, err := do(ctx, req)
	return outcome{order: &order}, err
}

// refused tries again later what may pass, for a bounded time.
func (s *Service) refused(ctx context.Context, w *changing, err error) error {
	if !passing(err) || s.cfg.Clock.Now().Sub(w.v.Created) > s.limits.RetryFor {
		return s.endChange(ctx, w, ChangeFailed, outcome{}, err)
	}
	w.v.State = ChangeWaiting
	w.v.Tries++
	w.v.note(err)
	return s.askLater(ctx, w, fault.As(err).RetryAfter)
}

// askLater stores what was learnt and has the job called again.
func (s *Service) askLater(ctx context.Context, w *changing, hint time.Duration) error {
	if err := s.saveChange(ctx, w); err != nil {
		return err
	}
	return job.Snooze(max(s.pause(w.v.Tries+1), hint))
}

// look asks the cloud what became of a change whose answer is not known. An
// order that is in another state than before was changed; one in the same state
// may still be changed by a call that is on its way.
func (s *Service) look(ctx context.Context, w *changing) error {
	w.v.State = ChangeDoubt
	o, err := s.open(ctx, w.e, provider.PurposeWindDown, w.v.Verb.needs())
	var out outcome
	var known bool
	if err == nil {
		out, known, err = s.ask(ctx, w, o)
	}
	s.reached("after_look")
	switch {
	case known:
		return s.endChange(ctx, w, ChangeDone, out, nil)
	case s.cfg.Clock.Now().Sub(w.v.LastCall) > s.limits.LookFor:
		if w.v.Problem == "" {
			w.v.note(fault.Unknown(err, "the cloud did not tell what became of the change"))
		}
		return s.endChange(ctx, w, ChangeUnknown, out, nil)
	}
	w.v.Tries++
	var hint time.Duration
	if err != nil {
		hint = fault.As(err).RetryAfter
	}
	return s.askLater(ctx, w, hint)
}

func (s *Service) ask(ctx context.Context, w *changing, o opened) (out outcome, known bool, err error) {
	if w.v.Verb == VerbSubAccount {
		out, err = s.call(ctx, w, o)
		return out, err == nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	var made time.Time
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		known, err := s.orderTx(r, w.v.EnablementID, w.v.VendorOrder)
		made = known.Created
		return err
	})
	if err != nil {
		return out, false, err
	}
	req := contract.VendorOrdersRequest{Call: o.call, From: made.Truncate(time.Second), To: made.Truncate(time.Second).Add(2 * time.Second)}
	err = o.cloud.VendorOrders(ctx, req, func(v contract.VendorOrder) error {
		if v.ID == w.v.VendorOrder {
			out.order = &v
		}
		return nil
	})
	return out, err == nil && out.order != nil && out.order.State != w.v.Before, err
}

func (v *Change) note(err error) {
	f := fault.As(err)
	v.Problem, v.Class, v.RequestID = f.Message, f.Class.String(), f.RequestID
}

func (s *Service) saveChange(ctx context.Context, w *changing) error {
	return s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		d, err := s.changes.Update(tx, w.v, w.rev)
		if err == nil {
			tx.OnCommit(func() { w.rev = d.Rev })
		}
		return err
	})
}

// endChange stores the outcome together with the job's end.
func (s *Service) endChange(ctx context.Context, w *changing, state ChangeState, out outcome, failure error) error {
	s.reached("before_end")
	err := s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		v := w.v
		v.State, v.Ended = state, s.cfg.Clock.Now()
		switch {
		case failure != nil:
			v.note(failure)
		case state == ChangeDone:
			v.Problem, v.Class, v.RequestID = "", "", ""
		}
		if err := s.keep(tx, &v, out); err != nil {
			return err
		}
		if _, err := s.changes.Update(tx, v, w.rev); err != nil {
			return err
		}
		tx.OnCommit(func() { s.waits.wake(v.ID) })
		return s.cfg.Jobs.Complete(tx, w.job)
	})
	if err != nil {
		return fmt.Errorf("ending change %q: %w", w.v.ID, err)
	}
	return nil
}

// keep stores what the cloud answered.
func (s *Service) keep(tx store.Tx, v *Change, out outcome) error {
	if out.order != nil && out.order.ID == v.VendorOrder {
		v.After = out.order.State
		_, err := s.keepOrder(tx, v.EnablementID, "", *out.order)
		return err
	}
	if out.sub == nil || v.State != ChangeDone {
		return nil
	}
	return s.keepSub(tx, v, out.sub)
}

// plain reveals credentials for sealing; the text goes nowhere else.
func plain(sub *contract.SubAccount) ([]byte, error) {
	all := make(map[string]string, len(sub.Credentials))
	for k, v := range sub.Credentials {
		all[k] = v.Reveal()
	}
	return json.Marshal(all)
}
