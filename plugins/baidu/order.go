package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// The types and states of the cloud's orders that the plugin acts upon; others
// are passed on as they are.
const (
	typeRenew  = "RENEW"
	typeRefund = "REFUND"

	stateNeedPurchase = "NEED_PURCHASE"
	stateNeedConfirm  = "NEED_CONFIRM"
	stateConfirmed    = "CONFIRMED"
	stateCancelled    = "CANCELLED"
	stateExpired      = "EXPIRED"
	stateRefundFailed = "REFUND_FAILED"
)

// order is what is used of the cloud's orders. The SDK has no type for them.
type order struct {
	UUID        string      `json:"uuid"`
	Type        string      `json:"type"`
	AccountID   string      `json:"accountId"`
	ServiceType string      `json:"serviceType"`
	ProductType string      `json:"productType"`
	Price       json.Number `json:"price"`
	Status      string      `json:"status"`
	CreateTime  string      `json:"createTime"`
	ResourceIDs []string    `json:"resourceIds"`
	ShortIDs    []string    `json:"shortIds"`
}

// orderFilter narrows a list of orders; times are on the creation.
type orderFilter struct {
	Account string `json:"queryAccountId,omitempty"`
	Type    string `json:"orderType,omitempty"`
	Status  string `json:"status,omitempty"`
	Start   string `json:"startTime,omitempty"`
	End     string `json:"endTime,omitempty"`
	PageNo  int    `json:"pageNo"`
	Size    int    `json:"pageSize"`
}

// orderPage is the cloud's answer to lists of orders.
type orderPage struct {
	TotalCount int     `json:"totalCount"`
	Orders     []order `json:"orders"`
}

// own is the same account without the customer that it stands for: what the key
// buys is the key's own, unless it buys in the customer's own account.
func (c *cloud) own() *cloud {
	if c.assumes() {
		return c
	}
	out := *c
	out.cfg.CustomerAccount, out.cfg.CustomerUser = "", ""
	return &out
}

// orders streams the customer's orders, newest first.
func (c *cloud) orders(ctx context.Context, f orderFilter, yield func(order) error) error {
	f.Account = c.cfg.customer()
	fetch := func(ctx context.Context, offset, limit int) ([]order, int, error) {
		f.PageNo, f.Size = offset/limit+1, limit
		answer, err := read(ctx, c, billing, raw[orderPage](call{method: http.MethodPost, path: "/v1/order/list", body: f}))
		return answer.Orders, answer.TotalCount, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(o order) string { return o.UUID }, yield)
}

// accepted is the cloud's answer to changes of orders and of money.
type accepted struct {
	Success *bool `json:"success"`
}

// confirmRefund confirms a refund of the customer. The cloud documents no call
// for it, so the path is the account's to choose.
func (c *cloud) confirmRefund(ctx context.Context, id string) error {
	return c.settleOrder(ctx, c.cfg.RefundPath, id)
}

// settleOrder pays or confirms an order.
func (c *cloud) settleOrder(ctx context.Context, path, id string) error {
	body := map[string]string{"orderId": id}
	if account := c.cfg.customer(); account != "" {
		body["queryAccountId"] = account
	}
	return c.accept(ctx, call{method: http.MethodPost, path: path, body: body})
}

// accept sends a change whose answer may deny it with a good status.
func (c *cloud) accept(ctx context.Context, r call) error {
	answer, err := write(ctx, c, billing, raw[accepted](r))
	switch {
	case err != nil:
		return err
	case answer.Success == nil:
		return fault.Unknown(nil, "the cloud does not say whether it did it").From(fault.SourceCloud)
	case !*answer.Success:
		return fault.Precondition("the cloud did not do it and does not say why: look at the order's state").Cloud("success=false", "")
	}
	return nil
}

// window is the part of a filter that a time window is.
func window(from, to time.Time) (start, end string) {
	if !from.IsZero() {
		start = from.UTC().Format(wireTime)
	}
	if !to.IsZero() {
		end = to.UTC().Format(wireTime)
	}
	return start, end
}

// vendorOrder shows an order in the contract's words: what a refund gives back
// is less than nothing.
func (o order) vendorOrder() (provider.VendorOrder, error) {
	amount, err := amountOf(o.Price)
	if err != nil {
		return provider.VendorOrder{}, err
	}
	if o.Type == typeRefund {
		amount.Neg(amount)
	}
	ids := o.ShortIDs
	if len(ids) == 0 {
		ids = o.ResourceIDs
	}
	return provider.VendorOrder{
		ID: o.UUID, State: o.Status, Kind: o.Type, ResourceIDs: ids, Amount: decimal(amount), Currency: currency, Created: moment(o.CreateTime),
	}, nil
}
