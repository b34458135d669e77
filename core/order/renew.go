package order

import (
	"context"
	"fmt"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Renew prolongs a prepaid resource, priced by today's lines, through the same
// hold, job and capture as a purchase.
func (s *Service) Renew(ctx context.Context, c access.Caller, in RenewInput) (View, error) {
	if err := in.Validate(); err != nil {
		return View{}, err
	}
	q, target, old, err := s.openFor(ctx, c, access.OrderRenew, "order.renew", in.ResourceID, in.IdempotencyKey, in)
	if err != nil || old != nil {
		return s.answer(ctx, c, old, err)
	}
	term := contract.Term{Billing: contract.BillingPrepaid, Period: target.Period, Periods: in.Periods, Quantity: 1}
	if err := renewable(&target); err != nil {
		return View{}, err
	}
	listed, err := s.cfg.Pricer.ListAmount(ctx, quote.ListInput{
		BuyerOrg: target.OrgID, ProductID: target.ProductID, Change: contract.ChangeRenew,
		ResourceID: target.VendorID, EnablementID: target.EnablementID, Region: target.Region, Zone: target.Zone, Spec: target.Spec, Term: term,
	})
	if err != nil {
		return View{}, fmt.Errorf("asking for the list amount of renewing %q: %w", in.ResourceID, err)
	}
	o, err := s.place(ctx, q, func(tx store.Tx, o *Order) error {
		r, err := s.take(tx, o, KindRenew, in.ResourceID)
		if err != nil {
			return err
		}
		if err := renewable(&r); err != nil {
			return err
		}
		if _, err := s.cfg.Accounts.RouteViaTx(tx, r.OrgID, r.EnablementID, provider.PurposeOrder); err != nil {
			return err
		}
		o.Term = term
		o.Priced, err = s.price(tx, o, listed.Amount)
		return err
	})
	return s.answer(ctx, c, &o, err)
}

func renewable(r *resource.Resource) error {
	switch {
	case !r.Live():
		return fault.Precondition("resource %q was released", r.ID)
	case r.Billing != contract.BillingPrepaid:
		return fault.Precondition("resource %q is not prepaid and has nothing to renew", r.ID)
	}
	return nil
}

// openFor checks the caller's right over a resource that no order is changing
// and returns it, or the order that the same request made before.
func (s *Service) openFor(ctx context.Context, c access.Caller, right access.Right, scope, resourceID, key string, in any) (request, resource.Resource, *Order, error) {
	body, err := idempotency.HashOf(in)
	if err != nil {
		return request{}, resource.Resource{}, nil, err
	}
	q := request{caller: c, right: right, scope: scope, key: key, body: body}
	var target resource.Resource
	var old *Order
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.cfg.Resources.GetTx(r, resourceID)
		if err != nil {
			return err
		}
		target, old = d.Value, nil
		q.target = access.Target{OrgID: target.OrgID, Thing: "resource", ID: resourceID}
		o, found, err := s.earlier(r, q)
		if err != nil {
			return err
		}
		if found {
			old = &o
			return nil
		}
		return idle(&target)
	})
	return q, target, old, err
}

// idle refuses a part of another resource and a resource that an order is
// changing. It is asked before the cloud is, because what is under way there
// gives no sensible answers.
func idle(r *resource.Resource) error {
	if r.BusyOrder == "" {
		return r.BelongsTo()
	}
	return fault.Conflict("resource %q is being changed by order %q: wait for its end", r.ID, r.BusyOrder)
}

// take marks the resource as busy with the order and fills in what the order
// has from it. Two orders never change one resource at the same time.
func (s *Service) take(tx store.Tx, o *Order, kind Kind, resourceID string) (resource.Resource, error) {
	d, err := s.cfg.Resources.GetTx(tx, resourceID)
	if err != nil {
		return resource.Resource{}, err
	}
	r := d.Value.Clone()
	if err := idle(&r); err != nil {
		return r, err
	}
	r.BusyOrder = o.ID
	if err := s.cfg.Resources.UpdateTx(tx, r, d.Rev); err != nil {
		return r, err
	}
	if o.Path, err = s.cfg.Directory.PathTx(tx, r.OrgID); err != nil {
		return r, err
	}
	o.Kind, o.OrgID, o.RootID, o.ProviderID, o.EnablementID = kind, r.OrgID, r.RootID, r.ProviderID, r.EnablementID
	o.ProductID, o.ResourceKind, o.Name, o.ResourceID = r.ProductID, r.Kind, r.Name, r.ID
	o.Plugin, o.AccountID = r.Plugin, r.AccountID
	o.Region, o.Zone, o.Spec = r.Region, r.Zone, r.Spec
	p, err := s.cfg.Catalog.ProductTx(tx, r.ProductID)
	if err != nil && !fault.Is(err, fault.ClassNotFound) {
		return r, err
	}
	o.ProductName = p.Name
	return r, nil
}
