package main

import (
	"context"
	"net/http"
	"regexp"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// VendorOrders streams the customer's orders that were made in a window, newest
// first. States and types are the cloud's own words.
func (p *plugin) VendorOrders(ctx context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	f := orderFilter{Status: req.State}
	f.Start, f.End = window(req.From, req.To)
	return c.orders(ctx, f, func(o order) error {
		made := moment(o.CreateTime)
		if made.Before(req.From) || (!req.To.IsZero() && !made.Before(req.To)) || (req.State != "" && o.Status != req.State) {
			return nil // the cloud's windows hold both of their ends
		}
		out, err := o.vendorOrder()
		if err != nil {
			return err
		}
		return yield(out)
	})
}

// orderID is what the cloud's order numbers are made of.
var orderID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// vendorOrder reads one order of the customer.
func (c *cloud) vendorOrder(ctx context.Context, id string) (order, error) {
	if !orderID.MatchString(id) {
		return order{}, fault.NotFound("order", id)
	}
	body := map[string]any{"uuids": []string{id}}
	if account := c.cfg.customer(); account != "" {
		body["queryAccountId"] = account
	}
	answer, err := read(ctx, c, billing, raw[orderPage](call{method: http.MethodPost, path: "/v1/order/getByUuid", body: body}))
	if err != nil {
		return order{}, err
	}
	for _, o := range answer.Orders {
		if o.UUID == id {
			return o, nil
		}
	}
	return order{}, fault.NotFound("order", id)
}

// orderChange is a change of an order: from the states it starts in it is sent,
// in the states it ends in it has happened.
type orderChange struct {
	name     string
	from     []string
	reached  func(o order) bool
	allowed  func(o order) error
	transmit func(ctx context.Context, id string) error
}

// changeOrder looks at an order, changes it unless that has happened already,
// and looks again: the cloud has no token for it. Changes of one order go one
// after another within this process; a repeat finds the change done.
func (p *plugin) changeOrder(ctx context.Context, req provider.VendorOrderChange, of func(*cloud) orderChange) (provider.VendorOrder, error) {
	var zero provider.VendorOrder
	c, err := p.open(req.Call)
	if err != nil {
		return zero, err
	}
	end, err := p.turns.Take(ctx, c.owner()+"\norder\n"+req.ID)
	if err != nil {
		return zero, err
	}
	defer end()
	change := of(c)
	o, err := c.vendorOrder(ctx, req.ID)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	switch err := change.allowed(o); {
	case err != nil:
		return zero, err
	case change.reached(o):
		return o.vendorOrder()
	case !slices.Contains(change.from, o.Status):
		return zero, fault.Precondition("an order in the state %s cannot be %s", o.Status, change.name)
	}
	sent := change.transmit(ctx, req.ID)
	if sent != nil && fault.OutcomeOf(sent) == fault.OutcomeUnknown {
		return zero, sent
	}
	after, err := c.vendorOrder(ctx, req.ID)
	switch {
	case err != nil && sent != nil:
		return zero, sent
	case err != nil:
		return o.vendorOrder() // it has happened, and how the order is now can be asked later
	case sent != nil && !change.reached(after):
		return zero, sent
	}
	return after.vendorOrder()
}

// open tells the states in which nothing has been decided about an order.
func open(o order) bool { return o.Status == stateNeedPurchase || o.Status == stateNeedConfirm }

// PayVendorOrder pays an order that waits for its payment.
func (p *plugin) PayVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return p.changeOrder(ctx, req, func(c *cloud) orderChange {
		return orderChange{
			name: "paid", from: []string{stateNeedPurchase},
			reached: func(o order) bool { return !open(o) && o.Status != stateCancelled && o.Status != stateExpired },
			allowed: func(o order) error {
				if o.Type == typeRefund {
					return fault.Precondition("the order is a refund: confirm it as one")
				}
				return nil
			},
			transmit: func(ctx context.Context, id string) error { return c.settleOrder(ctx, "/v1/order/pay", id) },
		}
	})
}

// CancelVendorOrder cancels an order that nothing has been decided about; a
// refund is refused by it.
func (p *plugin) CancelVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return p.changeOrder(ctx, req, func(c *cloud) orderChange {
		return orderChange{
			name: "cancelled", from: []string{stateNeedPurchase, stateNeedConfirm},
			reached:  func(o order) bool { return o.Status == stateCancelled },
			allowed:  func(order) error { return nil },
			transmit: c.cancelOrder,
		}
	})
}

// cancelOrder cancels one order of the customer.
func (c *cloud) cancelOrder(ctx context.Context, id string) error {
	body := map[string]any{"orderIds": []string{id}}
	if account := c.cfg.customer(); account != "" {
		body["queryAccountId"] = account
	}
	return c.accept(ctx, call{method: http.MethodPost, path: "/v1/order/cancel", body: body})
}

// RefundVendorOrder confirms an order of the type REFUND, so that what it is
// about is taken back. Other orders are given back by releasing what they made.
func (p *plugin) RefundVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return p.changeOrder(ctx, req, func(c *cloud) orderChange {
		return orderChange{
			name: "confirmed", from: []string{stateNeedConfirm, stateNeedPurchase},
			reached: func(o order) bool {
				return !open(o) && !slices.Contains([]string{stateCancelled, stateExpired, stateRefundFailed}, o.Status)
			},
			allowed: func(o order) error {
				if o.Type != typeRefund {
					return fault.Precondition("the order is no refund: release what it made, and the cloud makes one")
				}
				return nil
			},
			transmit: c.confirmRefund,
		}
	})
}
