package main

import (
	"context"
	"slices"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// A release goes in steps, each of which looks at what there is and can be
// repeated. What was bought apart from a server is taken off it first, because
// the cloud ends all that hangs on a server together with it. What is paid by
// use, or has expired, is deleted. What is prepaid is given back: that makes an
// order of the cloud, which may wait for a confirmation.

// Delete releases a server with the disks that came with it; polling drives the
// steps.
func (h instances) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return h.release(ctx, c, opDelete, req.ID)
}

// lent is what a release must know of a resource.
type lent struct {
	id       string // as orders call it
	payment  string
	expires  time.Time
	expired  bool
	giveBack func(ctx context.Context) error // starts a refund
	remove   func(ctx context.Context) error // ends what is not prepaid
}

// releaseStep takes the one step that a resource's state allows on its way out.
func (c *cloud) releaseStep(ctx context.Context, o operation, now time.Time) (gone bool, err error) {
	var l lent
	busy := false
	switch o.verb {
	case opFree:
		l, err = c.freeStep(ctx, o)
	case opDrop:
		l, err = c.dropStep(ctx, o)
	default:
		l, busy, err = c.serverStep(ctx, o)
	}
	if err != nil || busy {
		return ended(err)
	}
	return c.finish(ctx, o, l, now)
}

// serverStep takes off a server what is not its own.
func (c *cloud) serverStep(ctx context.Context, o operation) (l lent, busy bool, err error) {
	row, err := c.instance(ctx, o.id)
	if err != nil {
		return l, false, err
	}
	if busy, err := c.clear(ctx, o.id); busy || err != nil {
		return l, busy, err
	}
	return lent{
		id: row.InstanceId, payment: row.PaymentTiming, expires: moment(row.ExpireTime), expired: expired(row),
		giveBack: func(ctx context.Context) error { return c.refundServer(ctx, o.id) },
		remove: func(ctx context.Context) error {
			return writeDone(ctx, c, compute, func(k *bce.BceClient) error {
				return server(k).DeleteInstanceWithRelateResource(o.id, &api.DeleteInstanceWithRelateResourceArgs{RelatedReleaseFlag: true})
			})
		},
	}, false, nil
}

// expired tells whether a server's paid time is over or it never ran, so that
// there is nothing to give back.
func expired(row instanceRow) bool {
	switch instanceStatus(string(row.Status)) {
	case provider.StatusFrozen, provider.StatusError:
		return true
	}
	return false
}

// ended tells whether a resource is gone after a step's answer.
func ended(err error) (bool, error) {
	if fault.Is(err, fault.ClassNotFound) {
		return true, nil
	}
	return false, err
}

// refundServer asks the cloud to take a prepaid server back, with the disks
// that came with it.
func (c *cloud) refundServer(ctx context.Context, id string) error {
	answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*api.BatchRefundResourceResult, error) {
		return server(k).BatchRefundResource(&api.BatchRefundResourceArg{InstanceIds: []string{id}, RelatedReleaseFlag: true})
	})
	if err != nil {
		return err
	}
	if slices.Contains(answer.FailedInstanceIds, id) {
		return fault.Precondition("the cloud does not take the server back: check its state and its protection").From(fault.SourceCloud)
	}
	return nil
}

// finish deletes a resource or gives it back. A prepaid one that the cloud does
// not let go, although it has ended or never ran, is given back.
func (c *cloud) finish(ctx context.Context, o operation, l lent, now time.Time) (gone bool, err error) {
	paid := billingOf(l.payment) == provider.BillingPrepaid
	if over := l.expired || (!l.expires.IsZero() && !now.Before(l.expires)); over || !paid {
		if err := l.remove(ctx); !paid || !wrongState(err) {
			return ended(err)
		}
	}
	refund, err := c.refundOf(ctx, l.id, o.began)
	switch {
	case err != nil:
		return false, err
	case refund == nil:
		if err := l.giveBack(ctx); err != nil {
			return ended(err)
		}
		if refund, err = c.refundOf(ctx, l.id, o.began); err != nil || refund == nil {
			return false, err // the next step sees it
		}
	}
	return false, c.confirm(ctx, *refund)
}

// confirm lets a refund that waits happen.
func (c *cloud) confirm(ctx context.Context, refund order) error {
	switch refund.Status {
	case stateNeedConfirm, stateNeedPurchase:
		if !c.cfg.ConfirmRefunds {
			return nil // somebody confirms it by hand
		}
		_, err := ended(c.confirmRefund(ctx, refund.UUID))
		return err
	case stateRefundFailed, stateCancelled, stateExpired:
		return fault.Precondition("the cloud's refund %q ended as %s: try again or ask the cloud", refund.UUID, refund.Status)
	}
	return nil
}

// clockGap is how far the clocks of the cloud and of this machine may be apart.
const clockGap = 10 * time.Second

// refundOf finds the newest refund of a resource that was asked for during the
// release, or before and is still open; nil is none.
func (c *cloud) refundOf(ctx context.Context, id string, began time.Time) (*order, error) {
	start, _ := window(began.Add(-clockGap), began)
	for _, f := range []orderFilter{
		{Type: typeRefund, Start: start},
		{Type: typeRefund, Status: stateNeedConfirm},
		{Type: typeRefund, Status: stateConfirmed},
	} {
		newest, err := c.newestOrder(ctx, f, id)
		if newest != nil || err != nil {
			return newest, err
		}
	}
	return nil, nil //nolint:nilnil // no refund is no error
}

// newestOrder finds the newest order of a list that is about a resource; nil is none.
func (c *cloud) newestOrder(ctx context.Context, f orderFilter, id string) (*order, error) {
	var newest *order
	err := c.own().orders(ctx, f, func(o order) error {
		if !slices.Contains(o.ShortIDs, id) && !slices.Contains(o.ResourceIDs, id) {
			return nil
		}
		if newest == nil || moment(o.CreateTime).After(moment(newest.CreateTime)) {
			newest = &o
		}
		return nil
	})
	return newest, err
}

// clear takes off a server what was bought apart from it, which its own tag
// tells; busy says that some of it is still on its way.
func (c *cloud) clear(ctx context.Context, id string) (busy bool, err error) {
	err = c.eips(ctx, eipFilter{server: id}, func(row eipRow) error {
		if row.InstanceId != id {
			return nil
		}
		busy = true
		if row.Status == addressBound {
			return c.unbindAddress(ctx, row)
		}
		return nil
	})
	if err != nil {
		return busy, err
	}
	err = c.disks(ctx, diskFilter{server: id}, func(row diskRow) error {
		if attachedTo(row) != id || tokenIn(row.Tags) == "" {
			return nil
		}
		busy = true
		if diskStatus(string(row.Status)) == provider.StatusBound {
			return c.detachDisk(ctx, row)
		}
		return nil
	})
	return busy, err
}
