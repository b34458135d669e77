package sim

import (
	"time"
)

// The types of orders.
const (
	orderNew        = "NEW"
	orderRenew      = "RENEW"
	orderRefund     = "REFUND"
	orderResize     = "RESIZE"
	orderDilatation = "DILATATION"
	orderShrinkage  = "SHRINKAGE"
	orderToPrepay   = "TO_PREPAY"
)

func orderTypes() []string {
	return []string{
		orderNew, orderRenew, orderRefund, "SHIFT_CHARGE", orderDilatation, orderShrinkage, orderResize,
		"COMPENSATE_TIME", "TRANSFER_IN", orderToPrepay, "TO_POSTPAY", "TIME_EXPAND",
	}
}

// The states of orders.
const (
	osNeedPurchase = "NEED_PURCHASE"
	osNeedConfirm  = "NEED_CONFIRM"
	osConfirmed    = "CONFIRMED"
	osCancelled    = "CANCELLED"
	osReady        = "READY_FOR_CREATE"
	osCreating     = "CREATING"
	osCreated      = "CREATED"
	osCreateFailed = "CREATE_FAILED"
	osExpired      = "EXPIRED"
	osRefunded     = "REFUND_SUCC"
	osRefundFailed = "REFUND_FAILED"
)

// orderPatience is how long an order waits for its payment.
const orderPatience = 72 * time.Hour

// order is one order of an account. What it does is done when it is paid.
type order struct {
	meta
	Type, Service, Product string
	Life                   life
	Price, List            Fen // a refund has the sum that is given back
	Payer                  string
	AutoPaid, AutoRenew    bool
	Paid, Updated          int64 // unix seconds
	Shorts, Resources      []string
	Months                 int
	Purchase               *purchase
	// Refunds says who gets what of a refund that was confirmed, by account id.
	Refunds map[string]Fen
	// Ends is when a confirmed refund ends, in milliseconds; 0 is no such order.
	Ends   int64
	Failed bool
}

// newOrder opens an order; callers set its price and what it is for, then let
// it wait, fulfil it or finish it, which also keeps it.
func (c *Cloud) newOrder(a *account, region, typ, service string, now time.Time) *order {
	o := &order{meta: c.newMeta("order-", a.ID, region, now), Type: typ, Service: service, Product: "prepay", Updated: now.Unix()}
	o.ID = plainID(o.UUID)
	return o
}

// wait leaves the order to whoever pays.
func (c *Cloud) wait(o *order, now time.Time) {
	o.Life = born(now, osNeedPurchase).plan(now.Add(orderPatience), osExpired)
	c.keepOrder(o, now)
}

func (c *Cloud) keepOrder(o *order, now time.Time) {
	o.Updated = now.Unix()
	keep(c, c.orders, o.ID, o)
}

// finish pays an order whose change is made by the caller.
func (c *Cloud) finish(o *order, payer string, now time.Time) {
	o.Payer, o.Paid = payer, now.Unix()
	o.Life = c.building(now, osCreated)
	c.keepOrder(o, now)
}

// building goes through the states of creation in one transition.
func (c *Cloud) building(now time.Time, end string) life {
	d := c.transition()
	return born(now, osReady).plan(now.Add(d/2), osCreating).plan(now.Add(d), end)
}

// fulfil makes what a checked and affordable order of type NEW is for.
func (c *Cloud) fulfil(o *order, payer *account, now time.Time, p plan) {
	owner := c.accounts.get(o.Account)
	c.build(o, owner, payer.ID, now, p.Has(KindInstallFail))
	end := osCreated
	if p.Has(KindInstallFail) {
		end = osCreateFailed
		o.Failed = true
		c.giveBack(o, now)
	}
	c.finish(o, payer.ID, now)
	o.Life = c.building(now, end)
}

// giveBack returns the money of an order that failed.
func (c *Cloud) giveBack(o *order, now time.Time) {
	for _, id := range o.Shorts {
		r := c.resource(id)
		l := r.rent()
		if l.Payment != prepaid {
			continue
		}
		for _, t := range l.Terms {
			b := c.billFor(r, now)
			b.Payer, b.Order, b.Type, b.Amount, b.List = t.Payer, o.ID, orderRefund, -t.Paid, -t.Paid
			b.Start, b.End = t.From, t.To
			c.take(b)
		}
		l.Terms = nil
		c.save(r)
	}
}

// resource finds whatever has the short id; nil when nothing has.
func (c *Cloud) resource(id string) leased {
	if i := c.instances.get(id); i != nil {
		return i
	}
	if e := c.eips.get(id); e != nil {
		return e
	}
	if v := c.volumes.get(id); v != nil {
		return v
	}
	return nil
}

// renew opens an order for more months of resources of one account, whose
// price the caller checks.
func (c *Cloud) renew(a *account, rs []leased, n int, now time.Time) *order {
	h := rs[0].head()
	o := c.newOrder(a, h.Region, orderRenew, rs[0].service(), now)
	o.Months = n
	for _, r := range rs {
		l := r.rent()
		o.Price += months(l.Unit, n)
		o.List += months(l.List, n)
		o.Shorts, o.Resources = append(o.Shorts, r.head().ID), append(o.Resources, r.head().UUID)
	}
	return o
}

// extend pays a renewal order and lengthens its resources.
func (c *Cloud) extend(o *order, payer string, now time.Time) {
	for _, id := range o.Shorts {
		r := c.resource(id)
		if r == nil {
			continue
		}
		l := r.rent()
		b := c.billFor(r, now)
		b.Payer, b.Order, b.Type, b.Start = payer, o.ID, o.Type, l.Expires
		b.Amount, b.List = months(l.Unit, o.Months), months(l.List, o.Months)
		l.extend(o.Months, payer)
		b.End = l.Expires
		c.take(b)
		c.save(r)
	}
	c.finish(o, payer, now)
}

// askRefund opens the refund order of a prepaid resource, which waits for its
// confirmation unless the configuration says otherwise.
func (c *Cloud) askRefund(a *account, rs []leased, now time.Time, p plan) *order {
	h := rs[0].head()
	o := c.newOrder(a, h.Region, orderRefund, rs[0].service(), now)
	for _, r := range rs {
		l := r.rent()
		for _, v := range l.refund(now) {
			o.Price += v
		}
		l.Refunding = o.ID
		o.Shorts, o.Resources = append(o.Shorts, r.head().ID), append(o.Resources, r.head().UUID)
		c.save(r)
	}
	o.List = o.Price
	o.Life = born(now, osNeedConfirm)
	c.keepOrder(o, now)
	if c.cfg.RefundAtOnce {
		c.confirmRefund(o, now, p)
	}
	return o
}

// confirmRefund fixes what is given back; it is paid when the refund ends.
func (c *Cloud) confirmRefund(o *order, now time.Time, p plan) {
	o.Refunds, o.Price = map[string]Fen{}, 0
	for _, id := range o.Shorts {
		r := c.resource(id)
		if r == nil {
			continue
		}
		for payer, v := range r.rent().refund(now) {
			o.Refunds[payer] += v
			o.Price += v
		}
	}
	end := osRefunded
	if p.Has(KindRefundFail) {
		end, o.Failed = osRefundFailed, true
	}
	ends := now.Add(c.transition())
	o.Paid, o.Ends = now.Unix(), ends.UnixMilli()
	o.Life = born(now, osConfirmed).plan(ends, end)
	c.ending[o.ID] = true
	c.keepOrder(o, now)
}

// endRefunds releases what was refunded and gives the money back when due.
func (c *Cloud) endRefunds(now time.Time) {
	for _, id := range sortedKeys(c.ending) {
		o := c.orders.rows[id]
		if o.Ends > now.UnixMilli() {
			continue
		}
		at := time.UnixMilli(o.Ends)
		o.Ends = 0
		delete(c.ending, id)
		if o.Failed {
			c.keepResources(o)
		} else {
			c.endRefund(o, at)
		}
		c.keepOrder(o, at)
	}
}

// keepResources leaves the resources of a refund that failed or was cancelled.
func (c *Cloud) keepResources(o *order) {
	for _, id := range o.Shorts {
		if r := c.resource(id); r != nil && r.rent().Refunding == o.ID {
			r.rent().Refunding = ""
			c.save(r)
		}
	}
}

func (c *Cloud) endRefund(o *order, at time.Time) {
	var last leased
	for _, id := range o.Shorts {
		if r := c.resource(id); r != nil {
			last = r
			c.takeAway(r, at)
		}
	}
	if last == nil {
		return
	}
	for _, payer := range sortedKeys(o.Refunds) {
		b := c.billFor(last, at)
		b.Payer, b.Order, b.Type, b.Start, b.End = payer, o.ID, orderRefund, at.Unix(), at.Unix()
		b.Amount, b.List = -o.Refunds[payer], -o.Refunds[payer]
		c.take(b)
	}
}

// takeAway ends a resource whose money was given back.
func (c *Cloud) takeAway(r leased, at time.Time) {
	if i, ok := r.(*instance); ok {
		c.release(i, true, at)
		return
	}
	c.dropOrSave(r, true)
}
