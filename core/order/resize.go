package order

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	contract "tradewind.example/sdk/provider"
)

// Resize gives a resource another size. What that costs more for the rest of
// the paid term is priced by today's lines at each hop, held and charged like a
// purchase; what it costs less goes back down the chain that it was paid up, in
// the proportions charged. A floor's price is for any size, so a leg of that
// mode has no difference. What is paid by use costs nothing at once.
func (s *Service) Resize(ctx context.Context, c access.Caller, in ResizeInput) (View, error) {
	if err := in.Validate(); err != nil {
		return View{}, err
	}
	q, target, old, err := s.openFor(ctx, c, access.OrderResize, "order.resize", in.ResourceID, in.IdempotencyKey, in)
	if err != nil || old != nil {
		return s.answer(ctx, c, old, err)
	}
	z, err := s.sizing(ctx, &target, in.Size)
	if err != nil {
		return View{}, err
	}
	o, err := s.place(ctx, q, func(tx store.Tx, o *Order) error {
		r, err := s.take(tx, o, KindResize, in.ResourceID)
		if err != nil {
			return err
		}
		if !bytes.Equal(r.Spec, target.Spec) {
			return fault.Conflict("resource %q was changed meanwhile: try again", r.ID)
		}
		return s.draftResize(tx, o, &r, z)
	})
	return s.answer(ctx, c, &o, err)
}

// ResizePrice is what another size would cost an org now: Price for the rest of
// the term when it is more, Refunded in positive amounts when it is less.
type ResizePrice struct {
	Price    *pricing.View
	Refunded []pricing.View
}

// QuoteResize tells what [Service.Resize] would charge or give back. It binds
// nobody: the rest of the term gets shorter.
func (s *Service) QuoteResize(ctx context.Context, c access.Caller, resourceID string, size json.RawMessage) (ResizePrice, error) {
	in := ResizeInput{ResourceID: resourceID, Size: size, IdempotencyKey: "quote"}
	if err := in.Validate(); err != nil {
		return ResizePrice{}, err
	}
	var target resource.Resource
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.cfg.Resources.GetTx(r, resourceID)
		if err != nil {
			return err
		}
		target = d.Value
		t := access.Target{OrgID: target.OrgID, Thing: "resource", ID: resourceID}
		if err := s.cfg.Authority.Check(r, c, access.OrderResize, t); err != nil {
			return err
		}
		return idle(&target)
	})
	if err != nil {
		return ResizePrice{}, err
	}
	z, err := s.sizing(ctx, &target, size)
	if err != nil {
		return ResizePrice{}, err
	}
	var out ResizePrice
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		o := Order{Kind: KindResize, OrgID: target.OrgID, ProviderID: target.ProviderID, ProductID: target.ProductID}
		if err := s.draftResize(r, &o, &target, z); err != nil {
			return err
		}
		out, err = s.resizePrice(r, c, &o)
		return err
	})
	return out, err
}

func (s *Service) resizePrice(r store.Reader, c access.Caller, o *Order) (ResizePrice, error) {
	var out ResizePrice
	if o.Priced.Currency != "" {
		v := o.Priced.View(c.OrgID)
		out.Price = &v
	}
	for _, f := range o.Refunds {
		charged, err := s.chargedBy(r, f.OrderID)
		if err != nil {
			return out, err
		}
		back, err := f.of(charged)
		if err != nil {
			return out, err
		}
		out.Refunded = append(out.Refunded, back.View(c.OrgID))
	}
	return out, nil
}

// chargedBy is what an order charged.
func (s *Service) chargedBy(r store.Reader, orderID string) (*pricing.Result, error) {
	d, err := s.orders.Get(r, orderID)
	if err != nil {
		return nil, err
	}
	charged := d.Value.charged()
	if charged == nil {
		return nil, fault.Internal(nil, "order %q is refunded but was not charged", orderID)
	}
	return charged, nil
}

// sizing is what is known of a resize before its transaction.
type sizing struct {
	size   json.RawMessage
	spec   json.RawMessage // of the resource afterwards
	amount money.Decimal   // list amount of the difference; negative: comes back
}

// draftResize fills in the order. Everything that may have changed since the
// cloud was asked is read again.
func (s *Service) draftResize(r store.Reader, o *Order, target *resource.Resource, z sizing) error {
	now := s.cfg.Clock.Now()
	if err := resizable(target, now); err != nil {
		return err
	}
	if _, err := s.cfg.Accounts.RouteViaTx(r, target.OrgID, target.EnablementID, provider.PurposeOrder); err != nil {
		return err
	}
	o.Size, o.Spec = z.size, z.spec
	o.Term = contract.Term{Billing: target.Billing, Period: target.Period, Periods: 1, Quantity: 1}
	if z.amount.Sign() >= 0 {
		var err error
		o.Priced, err = s.priceDifference(r, o, z.amount)
		return err
	}
	if len(target.Charges) == 0 {
		return nil
	}
	back, err := positive(z.amount, target.Charges[0].Currency)
	if err != nil {
		return err
	}
	o.Refunds, err = refunds(target, &back, now)
	return err
}

// priceDifference is price for what the same units cost more.
func (s *Service) priceDifference(r store.Reader, o *Order, list money.Decimal) (pricing.Result, error) {
	result, _, err := s.cfg.Pricer.PriceTx(r, quote.PriceInput{
		BuyerOrg: o.OrgID, ProductID: o.ProductID, Quantity: 1, Periods: 1, List: list, At: s.cfg.Clock.Now(), Difference: true,
	})
	if err != nil {
		return result, fmt.Errorf("pricing the order: %w", err)
	}
	return result, result.Check()
}

func resizable(r *resource.Resource, now time.Time) error {
	switch {
	case !r.Live():
		return fault.Precondition("resource %q was released", r.ID)
	case r.Billing == contract.BillingPrepaid && !now.Before(r.End):
		return fault.Precondition("the paid term of resource %q has ended: renew it first", r.ID)
	}
	return nil
}

// sizing holds the size against the kind's action and finds the list amount of
// the difference. It may call the cloud.
func (s *Service) sizing(ctx context.Context, r *resource.Resource, size json.RawMessage) (sizing, error) {
	z := sizing{size: size}
	if err := resizable(r, s.cfg.Clock.Now()); err != nil {
		return z, err
	}
	d, err := s.cfg.Plugins.Describe(ctx, r.Plugin)
	if err != nil {
		return z, fmt.Errorf("describing plugin %q: %w", r.Plugin, err)
	}
	kind, input, ok := resizeOf(d, r.Kind)
	if !ok {
		return z, fault.Unsupported("resources of kind %q cannot get another size", r.Kind)
	}
	if err := s.schemas.Check("size", input, size); err != nil {
		return z, err
	}
	if z.spec, err = withSize(r.Spec, size, kind.Spec); err != nil {
		return z, err
	}
	if bytes.Equal(z.spec, compact(r.Spec)) {
		return z, fault.Invalid("size", "is what the resource has")
	}
	z.amount, err = s.difference(ctx, r, z)
	return z, err
}

func resizeOf(d contract.Description, name string) (kind contract.KindDescription, input json.RawMessage, ok bool) {
	i := slices.IndexFunc(d.Kinds, func(k contract.KindDescription) bool { return k.Name == name && !k.Managed })
	if i < 0 {
		return kind, nil, false
	}
	kind = d.Kinds[i]
	i = slices.IndexFunc(kind.Actions, func(a contract.ActionDescription) bool { return a.Name == kinds.ActionResize })
	if i < 0 {
		return kind, nil, false
	}
	return kind, kind.Actions[i].Input, true
}

// difference is the list amount of another size for the rest of the term: what
// the cloud quotes for it, or else what a purchase of the one spec would cost
// more than of the other, for the part of the period that is left.
func (s *Service) difference(ctx context.Context, r *resource.Resource, z sizing) (money.Decimal, error) {
	if r.Billing == contract.BillingPostpay {
		return money.DecimalOf(0)
	}
	term := contract.Term{Billing: r.Billing, Period: r.Period, Periods: 1, Quantity: 1}
	in := quote.ListInput{
		BuyerOrg: r.OrgID, ProductID: r.ProductID, Change: contract.ChangeResize,
		ResourceID: r.VendorID, EnablementID: r.EnablementID, Region: r.Region, Zone: r.Zone, Spec: z.spec, Term: term,
	}
	listed, err := s.cfg.Pricer.ListAmount(ctx, in)
	if err == nil {
		return listed.Amount, nil
	}
	if !fault.Is(err, fault.ClassUnsupported) {
		return money.Decimal{}, fmt.Errorf("asking for the list amount of resizing %q: %w", r.ID, err)
	}
	return s.compared(ctx, r, in, z.spec)
}

// compared is the difference of two purchases for the rest of the term.
func (s *Service) compared(ctx context.Context, r *resource.Resource, in quote.ListInput, spec json.RawMessage) (money.Decimal, error) {
	in.Change, in.ResourceID = contract.ChangeCreate, ""
	in.Spec = r.Spec
	before, _, err := s.listed(ctx, in)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("asking what %q costs: %w", r.ID, err)
	}
	in.Spec = spec
	then, currency, err := s.listed(ctx, in)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("asking what %q costs in another size: %w", r.ID, err)
	}
	more, err := then.Sub(before)
	if err != nil {
		return money.Decimal{}, err
	}
	return s.restOf(r, more, currency)
}

// listed is what the cloud quotes for a purchase.
func (s *Service) listed(ctx context.Context, in quote.ListInput) (money.Amount, money.Currency, error) {
	l, err := s.cfg.Pricer.ListAmount(ctx, in)
	if err != nil {
		return 0, "", err
	}
	if l.Source != quote.SourcePlugin {
		return 0, "", fault.Unsupported("the provider's plugin does not price sizes")
	}
	a, err := money.Round(l.Amount, l.Currency)
	return a, l.Currency, err
}

// restOf is the part of a period's difference that is left of the term. What
// has no term is paid whole.
func (s *Service) restOf(r *resource.Resource, more money.Amount, c money.Currency) (money.Decimal, error) {
	if !r.End.IsZero() {
		now := s.cfg.Clock.Now()
		left := int64(r.End.Sub(now) / time.Second)
		period := int64(after(now, r.Period, 1).Sub(now) / time.Second)
		if period <= 0 {
			return money.Decimal{}, fault.Unsupported("a term in %q has no price for another size", r.Period)
		}
		var err error
		if more, err = more.Share(left, period); err != nil {
			return money.Decimal{}, err
		}
	}
	return money.ParseDecimal(more.Format(c))
}

// withSize puts the members of a size that the kind's spec has into a spec.
func withSize(spec, size, schema json.RawMessage) (json.RawMessage, error) {
	var of struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var have, want map[string]json.RawMessage
	if len(spec) == 0 {
		spec = json.RawMessage(`{}`)
	}
	for doc, into := range map[*json.RawMessage]any{&spec: &have, &size: &want, &schema: &of} {
		if err := json.Unmarshal(*doc, into); err != nil {
			return nil, fault.Internal(err, "a specification cannot be read")
		}
	}
	for name, v := range want {
		if _, ok := of.Properties[name]; ok {
			have[name] = v
		}
	}
	out, err := json.Marshal(have)
	if err != nil {
		return nil, fault.Internal(err, "a specification cannot be written")
	}
	return out, nil
}

// compact is a document as withSize writes it.
func compact(doc json.RawMessage) json.RawMessage {
	var have map[string]json.RawMessage
	if json.Unmarshal(doc, &have) != nil {
		return doc
	}
	out, err := json.Marshal(have)
	if err != nil {
		return doc
	}
	return out
}

// positive turns what comes back into an amount.
func positive(d money.Decimal, c money.Currency) (money.Amount, error) {
	a, err := money.Round(d, c)
	if err != nil {
		return 0, err
	}
	return a.Neg()
}

// sized tells a resize by what the resource is. The old size proves nothing:
// the call may still be on its way, so that the change is never made again.
func (w *work) sized(ctx context.Context, cloud Cloud, call contract.Call) (verdict, error) {
	r, err := cloud.Get(ctx, contract.GetRequest{Call: call, Kind: w.order.ResourceKind, ID: w.target.vendorID})
	if err != nil {
		return verdict{}, err
	}
	var state, size map[string]json.RawMessage
	if json.Unmarshal(r.State, &state) != nil || json.Unmarshal(w.order.Size, &size) != nil {
		return verdict{}, fault.Internal(nil, "the state of %q is no object", r.ID).From(fault.SourcePlugin)
	}
	made := true
	for name, want := range size {
		have, shown := state[name]
		if !shown {
			return verdict{}, fault.Unsupported("the state of kind %q does not show %q", w.order.ResourceKind, name)
		}
		made = made && bytes.Equal(bytes.TrimSpace(have), bytes.TrimSpace(want))
	}
	return verdict{made: made, resource: &r}, nil
}

// resized charges what the size costs more, or gives back what it costs less,
// and stores what the resource is now.
func (s *Service) resized(tx store.Tx, o *Order) error {
	list, err := s.chargeDifference(tx, o)
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	err = s.change(tx, o, func(r *resource.Resource) error {
		for i, f := range o.Refunds {
			if err := s.refund(tx, o, r, i, f); err != nil {
				return err
			}
			if err := given(r.ChargeOf(f.OrderID), f, now); err != nil {
				return err
			}
		}
		r.Spec, r.OrderIDs = o.Spec, append(r.OrderIDs, o.ID)
		if v := o.Units[0].Resource; v != nil && len(v.State) > 0 {
			r.State, r.Refreshed = v.State, now
		}
		if list > 0 {
			c := resource.Charge{OrderID: o.ID, Unit: 1, Units: 1, List: list, Currency: o.Priced.Currency}
			if !r.End.IsZero() {
				c.Start, c.End = now, r.End
			}
			r.Charges = append(r.Charges, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.ResourceIDs = []string{o.ResourceID}
	return o.move(StateActive, now, "system", "")
}

// given notes on a charge what of its list amount went back, and what of it is
// left for the rest of the term. One that is too great to be shared exactly
// gives nothing back twice.
func given(c *resource.Charge, f Refund, now time.Time) error {
	if c == nil {
		return nil
	}
	left, err := unspent(*c, now)
	if err != nil {
		return err
	}
	back := money.Amount(f.Part)
	if f.Whole != int64(c.List) {
		back = c.List - c.Given
	}
	c.Given += back
	if c.Left, c.LeftAt = max(left-back, 0), now; now.Before(c.Start) {
		c.LeftAt = c.Start
	}
	return nil
}

// chargeDifference charges what was held and returns its list amount. What costs
// nothing at any hop has no bill.
func (s *Service) chargeDifference(tx store.Tx, o *Order) (money.Amount, error) {
	if o.Priced.Currency == "" || o.Priced.List.IsZero() {
		return 0, nil
	}
	o.ChargedAll = true
	if err := s.charge(tx, o, billing.OperationBuy); err != nil {
		return 0, err
	}
	return money.Round(o.Priced.List, o.Priced.Currency)
}
