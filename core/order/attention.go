package order

import (
	"context"
	"errors"
	"fmt"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// needPerson puts the order on the list of those that need a person, or brings
// its facts there up to date.
func (s *Service) needPerson(w *work) {
	now := s.cfg.Clock.Now()
	stuck := w.wait(now) < 0
	if !stuck && now.Sub(w.order.Created) < s.limits.AttentionAfter {
		return
	}
	reason := "the cloud has not decided in time; the broker goes on asking"
	if stuck {
		reason = "the cloud cannot tell what became of the order; a person must look and decide"
	}
	a := Attention{Reason: reason, Since: now, Undecidable: stuck, Calls: calls(&w.order)}
	if old := w.order.Attention; old != nil {
		a.Since = old.Since
	} else {
		s.cfg.Logger.Warn("order needs attention", "order_id", w.order.ID, "org_id", w.order.OrgID, "reason", reason)
	}
	w.order.Attention, w.dirty = &a, true
}

// calls are the facts of the units that are not decided.
func calls(o *Order) []Call {
	var out []Call
	for _, u := range o.Units {
		if u.State.Decided() {
			continue
		}
		out = append(out, Call{
			Unit: u.No, Token: u.Token, State: u.State, Operation: u.Operation, Calls: u.Calls,
			FirstCall: u.FirstCall, LastCall: u.LastCall, Problem: u.Problem,
		})
	}
	return out
}

// sweepBatch bounds how many orders one sweep looks at.
const sweepBatch = 1000

// Sweep puts open orders that nobody works on any more before a person, for
// example because their job is dead. It is run by a schedule; running it twice
// changes nothing. It returns how many it found.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	var old []store.Doc[Order]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		old = nil
		q := store.Query{Index: "open", To: store.Key(s.cfg.Clock.Now().Add(-s.limits.AttentionAfter)), Limit: store.NoLimit}
		return s.orders.Each(r, q, func(d store.Doc[Order]) error {
			// One that was changed lately is at work and sees to itself.
			if d.Value.Attention == nil && s.cfg.Clock.Now().Sub(d.Value.Updated) >= s.limits.AttentionAfter {
				if old = append(old, d); len(old) == sweepBatch {
					return store.Stop
				}
			}
			return nil
		})
	})
	if err != nil {
		return 0, fmt.Errorf("looking for open orders: %w", err)
	}
	found := 0
	for _, d := range old {
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
			o := d.Value
			o.Attention = &Attention{
				Reason: "the order is open for too long", Since: s.cfg.Clock.Now(), Calls: calls(&o),
			}
			_, err := s.orders.Update(tx, o, d.Rev)
			return err
		})
		switch {
		case err == nil:
			found++
		case !errors.Is(err, store.ErrStale): // else its job is at work
			return found, fmt.Errorf("marking order %q: %w", d.Value.ID, err)
		}
	}
	return found, nil
}

// Resolve takes a person's word on a unit that needs attention: the change was
// made at the cloud, or it was not. The order then goes on to its end as if the
// cloud had answered.
func (s *Service) Resolve(ctx context.Context, c access.Caller, in ResolveInput) (View, error) {
	if err := in.Validate(); err != nil {
		return View{}, err
	}
	var out Order
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d, err := s.orders.Get(tx, in.OrderID)
		if err != nil {
			return err
		}
		o := d.Value.copy()
		t := access.Target{OrgID: o.OrgID, Thing: "order", ID: o.ID}
		if err := s.cfg.Authority.Check(tx, c, access.OrderAttend, t); err != nil {
			return err
		}
		replay, err := s.cfg.Keys.Once(tx, idempotency.Scope{Org: c.OrgID, Operation: string(access.OrderAttend)}, in.IdempotencyKey, in, o.ID)
		if err != nil || replay {
			out = o
			return err
		}
		before := o.facts()
		if err := s.decide(tx, &o, in); err != nil {
			return err
		}
		j, err := s.cfg.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Ref: o.ID, OrgID: o.OrgID})
		if err != nil {
			return err
		}
		o.JobID, o.Updated, o.RequestID = j.ID, s.cfg.Clock.Now(), c.RequestID
		o.Note = fmt.Sprintf("unit %d resolved by %s: made %t: %s", in.Unit, c.Actor(), in.Made, in.Note)
		if _, err := s.orders.Update(tx, o, d.Rev); err != nil {
			return err
		}
		out = o
		return s.record(tx, &o, c.Actor(), access.OrderAttend, &before)
	})
	return s.answer(ctx, c, &out, err)
}

func (s *Service) decide(tx store.Tx, o *Order, in ResolveInput) error {
	if o.Attention == nil || in.Unit > len(o.Units) {
		return fault.Precondition("order %q has no unit %d that needs attention", o.ID, in.Unit)
	}
	u := &o.Units[in.Unit-1]
	if u.State.Decided() {
		return fault.Precondition("unit %d of order %q is decided: it is %s", in.Unit, o.ID, u.State)
	}
	if u.State == UnitCalling && s.cfg.Clock.Now().Sub(u.LastCall) < 2*s.limits.CallTimeout {
		return fault.Precondition("unit %d of order %q is being called: wait for the answer", in.Unit, o.ID)
	}
	if !in.Made {
		u.State, u.Undecidable = UnitFailed, false
		return nil
	}
	if o.Kind == KindBuy {
		if err := s.claimVendor(tx, o, in.VendorID); err != nil {
			return err
		}
		u.Resource = &contract.Resource{ID: in.VendorID, Kind: o.ResourceKind, Token: u.Token}
	}
	u.State, u.Undecidable = UnitMade, false
	return nil
}

// claimVendor refuses a cloud's id that another resource, or another unit of
// the order, has.
func (s *Service) claimVendor(r store.Reader, o *Order, vendorID string) error {
	if vendorID == "" {
		return fault.Invalid("vendor_id", "is required: the cloud's id of what was made")
	}
	for _, u := range o.Units {
		if u.Resource != nil && u.Resource.ID == vendorID {
			return fault.Conflict("unit %d of the order is %q already", u.No, vendorID)
		}
	}
	holder, found, err := s.cfg.Resources.HolderTx(r, o.AccountID, o.ProviderID, o.ResourceKind, vendorID)
	if err == nil && found {
		return fault.Conflict("resource %q is %q already", holder, vendorID)
	}
	return err
}

// CancelInput asks to end an order that the cloud has not seen.
type CancelInput struct {
	OrderID        string
	Reason         string
	IdempotencyKey string // may be empty: cancelling again changes nothing by itself
}

// Cancel ends an order whose cloud was not called yet and frees its money.
func (s *Service) Cancel(ctx context.Context, c access.Caller, in CancelInput) (View, error) {
	var p problems
	p.Text("reason", in.Reason, 0, MaxNote)
	if err := p.Err(); err != nil {
		return View{}, err
	}
	var out Order
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d, err := s.orders.Get(tx, in.OrderID)
		if err != nil {
			return err
		}
		o := d.Value.copy()
		t := access.Target{OrgID: o.OrgID, Thing: "order", ID: o.ID}
		if err := s.cfg.Authority.Check(tx, c, o.right(), t); err != nil {
			return err
		}
		out = o
		replay, err := s.cfg.Keys.Once(tx, idempotency.Scope{Org: c.OrgID, Operation: "order.cancel"}, in.IdempotencyKey, in, o.ID)
		if err != nil || replay || o.State == StateCancelled {
			return err
		}
		before := o.facts()
		if !o.unseen() {
			return fault.Precondition("order %q is %s: only an order that the cloud has not seen can be cancelled", o.ID, o.State)
		}
		if err := o.move(StateCancelled, s.cfg.Clock.Now(), c.Actor(), in.Reason); err != nil {
			return err
		}
		o.Attention, o.RequestID = nil, c.RequestID
		if err := s.letGo(tx, &o); err != nil {
			return err
		}
		if _, err := s.orders.Update(tx, o, d.Rev); err != nil {
			return err
		}
		out = o
		return s.record(tx, &o, c.Actor(), o.right(), &before)
	})
	return s.answer(ctx, c, &out, err)
}
