package main

import (
	"context"
	"slices"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"
	eipapi "github.com/baidubce/bce-sdk-go/services/eip"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// A renewal goes with the cloud's client token, so a repeat within a day is the
// same renewal. What became of one is told by the cloud's orders: it has
// happened when there is an order of this type for the resource since it was
// asked for.

// Renew prolongs a prepaid resource.
func (p *plugin) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.Change{}, err
	}
	if req.Token == "" {
		return provider.Change{}, fault.Invalid("token", "is required")
	}
	l, err := renewalOf(req.Term)
	if err != nil {
		return provider.Change{}, err
	}
	token := clientToken(req.Token, req.Kind, "renew", req.ID)
	switch req.Kind {
	case kinds.Instance:
		return c.renewServer(ctx, req.ID, l, token)
	case kinds.EIP:
		return c.renewAddress(ctx, req.ID, l, token)
	}
	return provider.Change{}, fault.Unsupported("resources of the kind %q have no term to prolong", req.Kind)
}

// renewalOf is leaseOf for renewals, which are prepaid.
func renewalOf(t provider.Term) (lease, error) {
	t.Billing = provider.BillingPrepaid
	return leaseOf(t)
}

// renewServer prolongs a server with the disks that came with it.
func (c *cloud) renewServer(ctx context.Context, id string, l lease, token string) (provider.Change, error) {
	row, err := c.instance(ctx, id)
	if err != nil {
		return provider.Change{}, fault.NotDone(err)
	}
	if err := prolongable(row.PaymentTiming); err != nil {
		return provider.Change{}, err
	}
	related, err := c.related(ctx, id)
	if err != nil {
		return provider.Change{}, fault.NotDone(err)
	}
	answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*api.InstancePurchaseReservedResult, error) {
		return server(k).InstancePurchaseReserved(id, &api.PurchaseReservedArgs{RelatedRenewFlag: related, Billing: l.server(), ClientToken: token})
	})
	if err != nil {
		return provider.Change{}, err
	}
	out := provider.Change{VendorOrder: answer.OrderId}
	if row, err = c.instance(ctx, id); err == nil {
		out.Resource, err = resourceOf(kinds.Instance, c.instanceThing(row))
	}
	return out, shown(err)
}

// shown leaves out a resource that cannot be read after a change that happened.
func shown(err error) error {
	if fault.Is(err, fault.ClassInternal) && fault.As(err).Source != fault.SourceCloud {
		return err
	}
	return nil
}

func prolongable(payment string) error {
	if billingOf(payment) != provider.BillingPrepaid {
		return fault.Precondition("the resource is paid by the hour: it has no term to prolong")
	}
	return nil
}

// renewDisks makes a renewal of a server take its disks along.
const renewDisks = "CDS"

// related says what a renewal takes along: the prepaid disks that came with the
// server, which the cloud does not tell from those bought apart.
func (c *cloud) related(ctx context.Context, id string) (string, error) {
	own, err := c.ownDisks(ctx, id, provider.BillingPrepaid)
	if err != nil || !own {
		return "", err
	}
	return renewDisks, nil
}

// ownDisks tells whether disks that are paid in a way came with a server. The
// cloud changes all such disks of a server or none.
func (c *cloud) ownDisks(ctx context.Context, id string, paid provider.BillingMethod) (bool, error) {
	own, foreign := false, false
	err := c.disks(ctx, diskFilter{server: id}, func(row diskRow) error {
		if attachedTo(row) == id && billingOf(row.PaymentTiming) == paid {
			own = own || tokenIn(row.Tags) == ""
			foreign = foreign || tokenIn(row.Tags) != ""
		}
		return nil
	})
	if err == nil && own && foreign {
		return false, fault.Precondition("the cloud would change a disk that was bought apart: detach it first")
	}
	return own, err
}

func (c *cloud) renewAddress(ctx context.Context, id string, l lease, token string) (provider.Change, error) {
	row, err := c.eip(ctx, id)
	if err != nil {
		return provider.Change{}, fault.NotDone(err)
	}
	if err := prolongable(row.PaymentTiming); err != nil {
		return provider.Change{}, err
	}
	err = writeDone(ctx, c, elastic, func(k *bce.BceClient) error {
		return addressOf(k).PurchaseReservedEip(row.Eip, &eipapi.PurchaseReservedEipArgs{
			Billing: &eipapi.Billing{Reservation: &eipapi.Reservation{ReservationLength: l.months, ReservationTimeUnit: unit}}, ClientToken: token,
		})
	})
	if err != nil {
		return provider.Change{}, err
	}
	var out provider.Change
	if row, err = c.eip(ctx, id); err == nil {
		out.Resource, err = resourceOf(kinds.EIP, c.address(row))
	}
	return out, shown(err)
}

// findRenewal tells whether a renewal has happened by the cloud's orders.
func (p *plugin) findRenewal(ctx context.Context, req provider.FindRequest) (done, settled bool, err error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return false, false, err
	}
	if err := idOf("resource", req.ID); err != nil {
		return false, false, err
	}
	if req.Since.IsZero() {
		return false, false, nil // the cloud's orders do not tell renewals apart but by their time
	}
	f := orderFilter{Type: typeRenew}
	f.Start, _ = window(req.Since.Add(-clockGap), req.Since)
	err = c.own().orders(ctx, f, func(o order) error {
		if slices.Contains(o.ShortIDs, req.ID) || slices.Contains(o.ResourceIDs, req.ID) {
			done = done || o.Status != stateCancelled && o.Status != stateExpired && o.Status != stateNeedPurchase
		}
		return nil
	})
	return done, done || c.cfg.settled(req.Since, p.clock.Now()), err
}
