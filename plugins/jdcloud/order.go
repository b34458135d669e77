package main

import (
	"context"
	"encoding/json"
	"time"

	orderapi "github.com/jdcloud-api/jdcloud-sdk-go/services/order/apis"
	order "github.com/jdcloud-api/jdcloud-sdk-go/services/order/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// orderRow is what is used of the cloud's orders. The SDK's own type has whole
// numbers for money and cannot read an amount with fen.
type orderRow struct {
	Number  string      `json:"orderNumber"`
	Status  string      `json:"status"`
	Kind    string      `json:"orderType"`
	Fee     json.Number `json:"actualFee"`
	Total   json.Number `json:"totalFee"`
	Created string      `json:"createTime"`
	Items   []orderItem `json:"orderItemDetails"`
}

// orderItem is one resource of an order.
type orderItem struct {
	Resource string      `json:"itemId"`
	Status   string      `json:"status"`
	Refunded json.Number `json:"refundFee"`
}

type orderList struct {
	Rows  []orderRow `json:"resultList"`
	Total int        `json:"totalCount"`
}

type orderDetail struct {
	Data orderRow `json:"data"`
}

// The cloud's words for orders that are done with.
const (
	orderPaid     = "PAID"
	orderRefunded = "REFUND_ALL"
	orderUnpaid   = "NO_PAY"
)

const (
	// orderPage is how many orders are asked for at once.
	orderPage = 100
	// mostOrders bounds the numbers that are held to tell orders apart.
	mostOrders = 200_000
)

// VendorOrders streams the orders of a window, region by region: a call with a
// region gets that one's only. State is the cloud's own word.
func (p *plugin) VendorOrders(ctx context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, region := range c.regionIDs() {
		at := c.at(region, "")
		err := at.orders(ctx, req, func(row orderRow) error {
			if seen[row.Number] {
				return nil // whether orders belong to regions is not documented
			}
			if len(seen) == mostOrders {
				return fault.Invalid("to", "the window has more than %d orders: ask for a shorter one", mostOrders)
			}
			seen[row.Number] = true
			full, err := at.order(ctx, row.Number)
			if err != nil {
				return err
			}
			one, err := at.vendorOrder(full)
			if err != nil {
				return err
			}
			return yield(one)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// orders streams the orders of a window; the list does not name resources.
func (c *cloud) orders(ctx context.Context, req provider.VendorOrdersRequest, yield func(orderRow) error) error {
	query := &order.ListOrderRequest{StartTime: c.orderTime(req.From), EndTime: c.orderTime(req.To), Status: optional(req.State)}
	fetch := func(ctx context.Context, number, size int) ([]orderRow, int, error) {
		r := orderapi.NewQueryOrdersRequestWithoutParam()
		r.SetRegionId(c.region)
		one := *query
		one.PageNumber, one.PageSize = &number, &size
		r.SetQueryVo(&one)
		answer, err := read[orderList](ctx, c, serviceOrder, r)
		return answer.Rows, answer.Total, err
	}
	return pages(ctx, orderPage, fetch, func(r orderRow) string { return r.Number }, func(r orderRow) error {
		at := moment(r.Created)
		if !req.From.IsZero() && at.Before(req.From) || !req.To.IsZero() && !at.Before(req.To) {
			return nil
		}
		return yield(r)
	})
}

// orderTime is a time to search for, nil for none.
func (c *cloud) orderTime(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	n := at.UnixMilli()
	if c.cfg.OrderTimeUnit == "s" {
		n = at.Unix()
	}
	return &n
}

// order reads one order with its resources.
func (c *cloud) order(ctx context.Context, number string) (orderRow, error) {
	if !goodID(number) {
		return orderRow{}, absent("order", number, false)
	}
	r := orderapi.NewQueryOrderRequest(c.region, number)
	r.SetIncludeDetail(true)
	answer, err := read[orderDetail](ctx, c, serviceOrder, r)
	if err == nil && answer.Data.Number != number {
		err = fault.NotFound("order", number)
	}
	return answer.Data, err
}

func (c *cloud) vendorOrder(row orderRow) (provider.VendorOrder, error) {
	fee := row.Fee
	if fee == "" {
		fee = row.Total
	}
	sum, err := inYuan(fee, c.cfg.OrderMoneyUnit)
	if err != nil {
		return provider.VendorOrder{}, err
	}
	out := provider.VendorOrder{
		ID: row.Number, State: row.Status, Kind: row.Kind, Amount: sum, Currency: currency, Created: moment(row.Created),
	}
	for _, i := range row.Items {
		if i.Resource != "" {
			out.ResourceIDs = append(out.ResourceIDs, i.Resource)
		}
	}
	return out, nil
}

// changeOrder opens a call that changes an order, reads the order and changes it.
// Orders are the account's; without a region in the call they are asked for at
// home. Changes of one order go one after another within this process: the cloud
// has no token for them.
func (p *plugin) changeOrder(
	ctx context.Context, req provider.VendorOrderChange, change func(c *cloud, row orderRow) error,
) (provider.VendorOrder, error) {
	var zero provider.VendorOrder
	c, err := p.open(req.Call)
	if err != nil {
		return zero, err
	}
	c = c.home()
	end, err := p.purchases.Take(ctx, c.key()+"\norder\n"+req.ID)
	if err != nil {
		return zero, err
	}
	defer end()
	row, err := c.order(ctx, req.ID)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	if err := change(c, row); err != nil {
		return zero, err
	}
	return c.after(ctx, row)
}

// after is an order as it is after a change that happened.
func (c *cloud) after(ctx context.Context, row orderRow) (provider.VendorOrder, error) {
	if now, err := c.order(ctx, row.Number); err == nil {
		row = now
	}
	return c.vendorOrder(row)
}

// PayVendorOrder pays an order out of the balance; one that is paid is no mistake.
func (p *plugin) PayVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return p.changeOrder(ctx, req, func(c *cloud, row orderRow) error {
		switch row.Status {
		case orderPaid:
			return nil
		case orderUnpaid:
		default:
			return fault.Precondition("the order is %q and cannot be paid", row.Status)
		}
		r := orderapi.NewPayOrderRequestWithoutParam()
		r.SetRegionId(c.region)
		r.SetOrderNumber(row.Number)
		r.SetAutoPay(true)
		return act(ctx, c, serviceOrder, r)
	})
}

// CancelVendorOrder is not offered by the cloud: an order that is not paid in
// time is cancelled by itself.
func (p *plugin) CancelVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, fault.Unsupported("the cloud has no action to cancel an order")
}

// RefundVendorOrder gives back every resource of an order that still has a
// term to give back, and so ends them.
func (p *plugin) RefundVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return p.changeOrder(ctx, req, func(c *cloud, row orderRow) error {
		if row.Status == orderRefunded {
			return nil
		}
		for i, item := range row.Items {
			if item.Resource == "" || item.refunded() {
				continue
			}
			err := goneIsDone(c.refund(ctx, item.Resource))
			if err != nil && i > 0 && fault.OutcomeOf(err) == fault.OutcomeNotDone {
				// Some of the order came back, so it is not true that nothing did.
				return fault.Unknown(err, "a part of the order was refunded: %s", fault.As(err).Message)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (i orderItem) refunded() bool {
	r, err := rational(firstText(i.Refunded.String(), "0"))
	return err == nil && r.Sign() > 0
}
