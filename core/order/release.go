package order

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Release gives a resource back and refunds the unused part of what was paid
// for it, down the chain it was paid up. The refund is what the cloud quotes,
// in proportion to the list amount that was priced; where the cloud quotes
// nothing it is the unused time.
func (s *Service) Release(ctx context.Context, c access.Caller, in ReleaseInput) (View, error) {
	if err := in.Validate(); err != nil {
		return View{}, err
	}
	q, target, old, err := s.openFor(ctx, c, access.OrderRelease, "order.release", in.ResourceID, in.IdempotencyKey, in)
	if err != nil || old != nil {
		return s.answer(ctx, c, old, err)
	}
	if !target.Live() {
		return View{}, fault.Precondition("resource %q was released", target.ID)
	}
	back, err := s.quotedRefund(ctx, &target)
	if err != nil {
		return View{}, err
	}
	o, err := s.place(ctx, q, func(tx store.Tx, o *Order) error {
		r, err := s.take(tx, o, KindRelease, in.ResourceID)
		if err != nil {
			return err
		}
		if !r.Live() {
			return fault.Precondition("resource %q was released", r.ID)
		}
		o.Term = contract.Term{Billing: r.Billing, Period: r.Period, Periods: 1, Quantity: 1}
		o.Reason = in.Reason
		o.Refunds, err = refunds(&r, back, s.cfg.Clock.Now())
		return err
	})
	return s.answer(ctx, c, &o, err)
}

// quotedRefund asks the cloud what it gives back, in the currency of the
// charges; nil when it does not quote releases.
func (s *Service) quotedRefund(ctx context.Context, r *resource.Resource) (*money.Amount, error) {
	if len(r.Charges) == 0 {
		return nil, nil
	}
	d, err := s.cfg.Plugins.Describe(ctx, r.Plugin)
	if err != nil {
		return nil, fmt.Errorf("describing plugin %q: %w", r.Plugin, err)
	}
	if !has(d.Capabilities, contract.CapQuote) {
		return nil, nil
	}
	q, err := s.askRefund(ctx, r)
	if fault.Is(err, fault.ClassUnsupported) || fault.Is(err, fault.ClassNotFound) {
		return nil, nil // also what was deleted at the cloud's own console can be released here
	}
	if err != nil {
		return nil, fmt.Errorf("asking the cloud for the refund of %q: %w", r.ID, err)
	}
	return refundOf(q, r.Charges[0].Currency)
}

func (s *Service) askRefund(ctx context.Context, r *resource.Resource) (contract.Quote, error) {
	cloud, call, err := s.open(ctx, r.OrgID, r.EnablementID, provider.PurposeWindDown)
	if err != nil {
		return contract.Quote{}, err
	}
	call.Region, call.Zone = r.Region, r.Zone
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	return cloud.Quote(ctx, contract.QuoteRequest{
		Call: call, Change: contract.ChangeRelease, Kind: r.Kind, Spec: r.Spec, ResourceID: r.VendorID,
		Term: contract.Term{Billing: r.Billing, Period: r.Period, Periods: 1, Quantity: 1},
	})
}

// refundOf reads a release quote: a refund is negative there and positive here.
func refundOf(q contract.Quote, c money.Currency) (*money.Amount, error) {
	if q.Currency != string(c) {
		return nil, fault.Precondition("the cloud quotes the refund in %q, the charge was in %q", q.Currency, c)
	}
	text := string(q.List)
	if text == "" {
		return nil, nil
	}
	d, err := money.ParseDecimal(strings.TrimPrefix(text, "-"))
	if err != nil {
		return nil, fmt.Errorf("reading the refund that the cloud quotes: %w", err)
	}
	if d.Sign() != 0 && !strings.HasPrefix(text, "-") {
		return nil, fault.Precondition("the cloud asks for money to release this resource: release it at the cloud's own console")
	}
	back, err := money.Round(d, c)
	return &back, err
}

// refunds says which part of each paid term goes back.
func refunds(r *resource.Resource, quoted *money.Amount, now time.Time) ([]Refund, error) {
	var out []Refund
	var left money.Amount
	if quoted != nil {
		left = *quoted
	}
	// The newest term is the least used one.
	for i := len(r.Charges) - 1; i >= 0; i-- {
		c := r.Charges[i]
		if c.Refunded {
			continue
		}
		part, whole := unused(c, now)
		switch rest := c.List - c.Given; {
		case quoted != nil && c.List > 0:
			part, whole = int64(min(left, rest)), int64(c.List)
			left -= money.Amount(part)
		case c.Given > 0:
			left, err := unspent(c, now)
			if err != nil {
				return nil, err
			}
			part, whole = int64(left), int64(c.List)
		}
		if part > 0 && whole > 0 {
			before := int64(c.Given)
			part, before, whole = bounded(part, before, whole)
			out = append(out, Refund{OrderID: c.OrderID, Unit: c.Unit, Units: c.Units, Part: part, Whole: whole, Before: before})
		}
	}
	return out, nil
}

// unused is the unused time of a paid term, in seconds of the whole term.
func unused(c resource.Charge, now time.Time) (part, whole int64) {
	whole = int64(c.End.Sub(c.Start) / time.Second)
	if c.Start.IsZero() || c.End.IsZero() || whole <= 0 {
		return 0, 0
	}
	part = int64(c.End.Sub(now) / time.Second)
	return min(max(part, 0), whole), whole
}

// unspent is what of a paid term's list amount is unused. What went back of it
// was for the time that was left then, so the rest is for that time too.
func unspent(c resource.Charge, now time.Time) (money.Amount, error) {
	amount := c.List
	if c.Given > 0 {
		amount, c.Start = c.Left, c.LeftAt
	}
	part, whole := unused(c, now)
	return amount.Share(part, max(whole, 1))
}

// bounded keeps a fraction small enough to be multiplied with a number of
// units; what it cuts off is below the smallest amount.
func bounded(part, before, whole int64) (int64, int64, int64) {
	for whole >= 1<<48 {
		part, before, whole = part>>1, before>>1, whole>>1
	}
	return part, before, whole
}

func has(list []contract.Capability, c contract.Capability) bool {
	for _, x := range list {
		if x == c {
			return true
		}
	}
	return false
}
