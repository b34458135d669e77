package order

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// finish ends a decided order in one transaction: money, bills, resources, the
// order's state, the job and the audit record, all or nothing.
func (s *Service) finish(ctx context.Context, w *work) error {
	s.fillIn(ctx, w)
	s.reached("before_result")
	before := w.order.facts()
	err := s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		o := w.order.copy()
		if err := s.result(tx, w, &o); err != nil {
			return err
		}
		o.Attention = nil
		if _, err := s.orders.Update(tx, o, w.rev); err != nil {
			return err
		}
		if err := s.cfg.Jobs.Complete(tx, w.job); err != nil {
			return err
		}
		return s.record(tx, &o, "system", o.right(), &before)
	})
	if err != nil {
		return fmt.Errorf("ending order %q: %w", w.order.ID, err)
	}
	s.reached("after_result")
	return nil
}

// copy shares nothing that the result transaction changes, because that may
// run more than once.
func (o *Order) copy() Order {
	c := *o
	c.Units = append([]Unit(nil), o.Units...)
	c.Transitions = append([]Transition(nil), o.Transitions...)
	c.ResourceIDs = append([]string(nil), o.ResourceIDs...)
	c.Given = nil
	return c
}

func (o *Order) right() access.Right {
	switch o.Kind {
	case KindRenew:
		return access.OrderRenew
	case KindRelease:
		return access.OrderRelease
	case KindResize:
		return access.OrderResize
	case KindBuy:
	}
	return access.OrderCreate
}

func (s *Service) result(tx store.Tx, w *work, o *Order) error {
	made := 0
	for i := range o.Units {
		if o.Units[i].State == UnitMade {
			made++
		}
	}
	if made == 0 {
		return s.failed(tx, o)
	}
	switch o.Kind {
	case KindBuy:
		return s.bought(tx, o, made)
	case KindRenew:
		return s.renewed(tx, w, o)
	case KindRelease:
		return s.released(tx, o)
	case KindResize:
		return s.resized(tx, o)
	}
	return fault.Internal(nil, "order %q has the unknown kind %q", o.ID, o.Kind)
}

// failed frees the money and the resource.
func (s *Service) failed(tx store.Tx, o *Order) error {
	if err := s.letGo(tx, o); err != nil {
		return err
	}
	reason := "the cloud refused"
	if p := o.Units[0].Problem; p != nil {
		reason = p.Class + ": " + p.Message
	}
	return o.move(StateFailed, s.cfg.Clock.Now(), "system", cut(reason, MaxNote))
}

// letGo releases the hold and the resource's mark of an order that changes
// nothing.
func (s *Service) letGo(tx store.Tx, o *Order) error {
	if o.HoldID != "" {
		if err := s.cfg.Holder.ReleaseTx(tx, o.HoldID); err != nil {
			return fmt.Errorf("releasing the hold of order %q: %w", o.ID, err)
		}
	}
	if o.ResourceID == "" {
		return nil
	}
	return s.change(tx, o, func(*resource.Resource) error { return nil })
}

// change applies edit to the order's resource and takes the order's mark off.
func (s *Service) change(tx store.Tx, o *Order, edit func(*resource.Resource) error) error {
	d, err := s.cfg.Resources.GetTx(tx, o.ResourceID)
	if err != nil {
		return err
	}
	r := d.Value.Clone()
	if r.BusyOrder == o.ID {
		r.BusyOrder = ""
	}
	if err := edit(&r); err != nil {
		return err
	}
	r.Updated = s.cfg.Clock.Now()
	return s.cfg.Resources.UpdateTx(tx, r, d.Rev)
}

// bought charges the share of the units that were made and stores them.
func (s *Service) bought(tx store.Tx, o *Order, made int) error {
	if err := o.chargeFor(made); err != nil {
		return err
	}
	if err := s.charge(tx, o, billing.OperationBuy); err != nil {
		return err
	}
	lists, err := listAmounts(o, len(o.Units))
	if err != nil {
		return err
	}
	no := 0
	for i := range o.Units {
		if o.Units[i].State != UnitMade {
			continue
		}
		no++
		r := s.newResource(o, &o.Units[i], no, made, lists[i])
		if err := s.cfg.Resources.InsertTx(tx, r, o.Units[i].Resource.Parts); err != nil {
			return fmt.Errorf("storing the resource %q of order %q: %w", r.VendorID, o.ID, err)
		}
		o.Units[i].keptParts()
		o.Units[i].ResourceID = r.ID
		o.ResourceIDs = append(o.ResourceIDs, r.ID)
	}
	reason := ""
	if made < len(o.Units) {
		reason = fmt.Sprintf("%d of %d delivered", made, len(o.Units))
	}
	return o.move(StateActive, s.cfg.Clock.Now(), "system", reason)
}

// keptParts leaves out what a unit's resource consists of: those are resources
// now, and the order does not keep them a second time.
func (u *Unit) keptParts() {
	if u.Resource.Parts != nil {
		v := *u.Resource
		v.Parts = nil
		u.Resource = &v
	}
}

// chargeFor says what is captured when so many units were made.
func (o *Order) chargeFor(made int) error {
	if made == len(o.Units) {
		o.ChargedAll = true
		return nil
	}
	part, err := o.Priced.Refund(int64(made), int64(len(o.Units)))
	if err != nil {
		return fmt.Errorf("sharing the price of order %q: %w", o.ID, err)
	}
	part.Quantity = made
	o.Charged = &part
	return nil
}

// charged is what was captured, nil until the order is active.
func (o *Order) charged() *pricing.Result {
	if o.ChargedAll {
		return &o.Priced
	}
	return o.Charged
}

func (s *Service) charge(tx store.Tx, o *Order, op billing.Operation) error {
	receipt, err := s.cfg.Biller.ChargeTx(tx, billing.Charge{
		Facts: o.billFacts("charge"), Operation: op, HoldID: o.HoldID, Held: o.Priced, Result: *o.charged(),
	})
	if err != nil {
		return err
	}
	o.TransactionID = receipt.TransactionID
	return nil
}

func (o *Order) billFacts(step string) billing.Facts {
	return billing.Facts{
		RootID: o.RootID, OrderID: o.ID, ProviderID: o.ProviderID, ProductID: o.ProductID,
		ProductName: o.ProductName, Actor: o.Actor, Key: "order/" + o.ID + "/" + step,
	}
}

func (s *Service) newResource(o *Order, u *Unit, no, units int, list money.Amount) resource.Resource {
	now := s.cfg.Clock.Now()
	v := u.Resource
	start := v.Created.UTC()
	if start.IsZero() || start.After(now) {
		start = now
	}
	end := v.Expires.UTC()
	if end.IsZero() && o.Term.Billing == contract.BillingPrepaid {
		end = after(start, o.Term.Period, o.Term.Periods)
	}
	r := resource.Resource{
		ID: id.New(), RootID: o.RootID, OrgID: o.OrgID, Path: o.Path, ProviderID: o.ProviderID,
		EnablementID: o.EnablementID, AccountID: o.AccountID, Plugin: o.Plugin, ProductID: o.ProductID, Kind: o.ResourceKind,
		VendorID: v.ID, Name: either(v.Name, o.Name), Region: either(v.Region, o.Region), Zone: either(v.Zone, o.Zone),
		Status: v.Status, RawStatus: v.RawStatus, Billing: o.Term.Billing, Period: o.Term.Period,
		Start: start, End: end, OrderIDs: []string{o.ID}, Spec: o.Spec, State: v.State,
		Cost:    resource.CostBasis{Currency: u.CostCurrency, Amount: u.Cost, VendorOrder: u.VendorOrder},
		Charges: []resource.Charge{{OrderID: o.ID, Unit: no, Units: units, List: list, Currency: o.Priced.Currency, Start: start, End: end}},
		Created: now, Updated: now, Refreshed: now,
	}
	if r.Status == "" {
		r.Status = contract.StatusUnknown
	}
	return r
}

// renewed charges the renewal and prolongs the resource.
func (s *Service) renewed(tx store.Tx, w *work, o *Order) error {
	o.ChargedAll = true
	if err := s.charge(tx, o, billing.OperationRenew); err != nil {
		return err
	}
	list, err := money.Round(o.Priced.List, o.Priced.Currency)
	if err != nil {
		return err
	}
	end := after(w.target.end, o.Term.Period, o.Term.Periods)
	if v := o.Units[0].Resource; v != nil && v.Expires.After(w.target.end) {
		end = v.Expires.UTC()
	}
	err = s.change(tx, o, func(r *resource.Resource) error {
		r.End = end
		r.OrderIDs = append(r.OrderIDs, o.ID)
		r.Charges = append(r.Charges, resource.Charge{
			OrderID: o.ID, Unit: 1, Units: 1, List: list, Currency: o.Priced.Currency, Start: w.target.end, End: end,
		})
		return nil
	})
	if err != nil {
		return err
	}
	o.ResourceIDs = []string{o.ResourceID}
	return o.move(StateActive, s.cfg.Clock.Now(), "system", "")
}

// released gives the refunds of the order back and ends the resource.
func (s *Service) released(tx store.Tx, o *Order) error {
	err := s.change(tx, o, func(r *resource.Resource) error {
		if !r.Live() {
			return fault.Precondition("resource %q was released before", r.ID)
		}
		for i, f := range o.Refunds {
			if err := s.refund(tx, o, r, i, f); err != nil {
				return err
			}
			if c := r.ChargeOf(f.OrderID); c != nil {
				c.Refunded = true
			}
		}
		r.Status, r.Released = contract.StatusDeleted, s.cfg.Clock.Now()
		r.OrderIDs = append(r.OrderIDs, o.ID)
		return nil
	})
	if err != nil {
		return err
	}
	o.ResourceIDs = []string{o.ResourceID}
	return o.move(StateRefunded, s.cfg.Clock.Now(), "system", o.Reason)
}

// refund gives part of one earlier charge back. A charge that was refunded is
// left alone, so that nothing goes back twice.
func (s *Service) refund(tx store.Tx, o *Order, r *resource.Resource, n int, f Refund) error {
	c := r.ChargeOf(f.OrderID)
	if c == nil || c.Refunded {
		return nil
	}
	old, err := s.orders.Get(tx, f.OrderID)
	if err != nil {
		return err
	}
	charged := old.Value.charged()
	if charged == nil {
		return fault.Internal(nil, "order %q is refunded but was not charged", f.OrderID)
	}
	back, err := f.of(charged)
	if err != nil {
		return fmt.Errorf("sharing the refund of order %q: %w", f.OrderID, err)
	}
	facts := o.billFacts(fmt.Sprintf("refund/%d", n+1))
	receipt, err := s.cfg.Biller.RefundTx(tx, billing.Refund{Facts: facts, Result: back, Reverses: old.Value.TransactionID})
	if err != nil {
		return err
	}
	o.Given = append(o.Given, back)
	o.TransactionID = receipt.TransactionID
	return nil
}

// of is the refund as amounts of each leg. Unit k of n has the part from (k-1)/n
// to k/n of what was charged.
func (f Refund) of(charged *pricing.Result) (pricing.Result, error) {
	return charged.RefundAfter(int64(f.Unit-1)*f.Whole+f.Before, f.Part, int64(f.Units)*f.Whole)
}

// fillIn asks for the details of what was made where the cloud's answer had
// none. They are wanted, not needed: the comparison of the day brings them too.
func (s *Service) fillIn(ctx context.Context, w *work) {
	for i := range w.order.Units {
		u := &w.order.Units[i]
		vendorID := w.target.vendorID
		if w.order.Kind == KindBuy && u.Resource != nil {
			vendorID = u.Resource.ID
		}
		wanted := u.State == UnitMade && w.order.Kind != KindRelease && (u.Resource == nil || u.Resource.Status == "")
		if !wanted || !s.enoughTime(ctx) {
			continue
		}
		if r, err := s.details(ctx, w, vendorID); err == nil && r.ID == vendorID {
			u.Resource = &r
		}
	}
}

func (s *Service) details(ctx context.Context, w *work, vendorID string) (contract.Resource, error) {
	cloud, call, err := s.reach(ctx, w, provider.PurposeWindDown)
	if err != nil {
		return contract.Resource{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	return cloud.Get(ctx, contract.GetRequest{Call: call, Kind: w.order.ResourceKind, ID: vendorID})
}

// after returns the end of n periods from t. A month later than the last day
// of a month is the last day of the next one.
func after(t time.Time, p contract.Period, n int) time.Time {
	switch p {
	case contract.PeriodHour:
		return t.Add(time.Duration(n) * time.Hour)
	case contract.PeriodDay:
		return t.AddDate(0, 0, n)
	case contract.PeriodMonth:
		return months(t, n)
	case contract.PeriodYear:
		return months(t, 12*n)
	case contract.PeriodNone:
	}
	return time.Time{}
}

func months(t time.Time, n int) time.Time {
	out := t.AddDate(0, n, 0)
	if out.Day() != t.Day() {
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cut keeps a foreign text within n bytes, on a boundary between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
