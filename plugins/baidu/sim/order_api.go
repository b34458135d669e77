package sim

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"time"
)

func orderOps(refundPath string) []op {
	ops := []op{
		read("ListOrders", http.MethodPost, "/v1/order/list", listOrders),
		read("GetOrders", http.MethodPost, "/v1/order/getByUuid", getOrders),
		change("PayOrder", http.MethodPost, payPath, "", payOrder(refundPath == payPath)),
		change("CancelOrders", http.MethodPost, "/v1/order/cancel", "", cancelOrders),
	}
	if refundPath != payPath {
		ops = append(ops, change("ConfirmRefund", http.MethodPost, refundPath, "", payOrder(true)))
	}
	return ops
}

// orderQuery is the body of a list of orders; every field narrows it.
type orderQuery struct {
	UUID      string `json:"uuid"`
	Account   string `json:"queryAccountId"`
	Type      string `json:"orderType"`
	Status    string `json:"status"`
	Service   string `json:"serviceType"`
	Product   string `json:"productType"`
	Start     string `json:"startTime"`
	End       string `json:"endTime"`
	AutoPaid  *bool  `json:"autoPayed"`
	AutoRenew *bool  `json:"autoRenewOrder"`
	PageNo    int    `json:"pageNo"`
	PageSize  int    `json:"pageSize"`
}

// span reads two times; the second is open when it is empty.
func span(start, end string) (from, to int64, err *apiError) {
	to = 1 << 62
	for _, t := range []struct {
		text string
		at   *int64
	}{{start, &from}, {end, &to}} {
		if t.text == "" {
			continue
		}
		at, perr := time.Parse(signTime, t.text)
		if perr != nil {
			return 0, 0, badBody("the time %q is not like 2026-01-02T15:04:05Z", t.text)
		}
		*t.at = at.Unix()
	}
	return from, to, nil
}

func listOrders(c *Cloud, q *request) (any, *apiError) {
	in := orderQuery{PageNo: 1, PageSize: 100}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	from, to, err := span(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	if in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, badBody("pageNo or pageSize is invalid")
	}
	rows := c.orders.all(func(o *order) bool {
		return o.Account == a.ID && o.Created >= from && o.Created <= to && in.passes(o, q.now)
	})
	slices.Reverse(rows)
	return orderPage(numbered(rows, in.PageNo, in.PageSize), in.PageNo, in.PageSize, len(rows), q.now), nil
}

func (in *orderQuery) passes(o *order, now time.Time) bool {
	eq := func(want, got string) bool { return want == "" || want == got }
	return eq(in.UUID, o.ID) && eq(in.Type, o.Type) && eq(in.Status, o.Life.at(now)) && eq(in.Service, o.Service) && eq(in.Product, o.Product) &&
		(in.AutoPaid == nil || *in.AutoPaid == o.AutoPaid) && (in.AutoRenew == nil || *in.AutoRenew == o.AutoRenew)
}

func orderPage(rows []*order, no, size, total int, now time.Time) any {
	out := []any{}
	for _, o := range rows {
		out = append(out, o.wire(now))
	}
	return map[string]any{"pageNo": no, "pageSize": size, "totalCount": total, "orders": out}
}

func getOrders(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Account string   `json:"queryAccountId"`
		UUIDs   []string `json:"uuids"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	if len(in.UUIDs) == 0 || len(in.UUIDs) > 100 {
		return nil, badBody("uuids holds 1 to 100 ids")
	}
	rows := []*order{}
	for _, id := range in.UUIDs {
		if o := c.orders.get(id); o != nil && o.Account == a.ID {
			rows = append(rows, o)
		}
	}
	return orderPage(rows, 1, 100, len(rows), q.now), nil
}

// wire is the order as the API writes it. Of a refund the money is positive.
func (o *order) wire(now time.Time) any {
	status := o.Life.at(now)
	updated := max(o.Updated, o.Life.since(now).Unix())
	channel := ""
	if o.Paid != 0 {
		channel = "balance"
	}
	return map[string]any{
		"uuid": o.ID, "type": o.Type, "accountId": o.Account, "serviceType": o.Service, "productType": o.Product, "subProductType": "",
		"orderItems": []any{o.item(status, now)}, "orderFee": o.fee(), "price": yuan(o.Price), "financePrice": yuan(o.Price),
		"status": status, "createTime": stamp(o.Created), "purchaseTime": stamp(o.Paid), "updateTime": stamp(updated), "activeTime": "",
		"resourceIds": texts(o.Resources), "shortIds": texts(o.Shorts), "payChannel": channel, "isAutoPayed": o.AutoPaid,
		"autoRenewOrder": o.AutoRenew,
	}
}

func texts(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// fee splits the price by who paid it.
func (o *order) fee() any {
	cash, agent, back := o.Price, Fen(0), Fen(0)
	switch {
	case o.Type == orderRefund:
		cash, back = 0, o.Price
	case o.Paid == 0:
		cash = 0
	case o.Payer != o.Account:
		cash, agent = 0, o.Price
	}
	return map[string]any{
		"price": yuan(o.Price), "cash": yuan(cash), "coupon": yuan(0), "discountCoupon": yuan(0), "discountAmount": yuan(o.List - o.Price),
		"agentCash": yuan(agent), "agentRebateIn": yuan(0), "cashEquivalents": yuan(0), "refundCash": yuan(back), "refundCoupon": yuan(0),
		"catalogPrice": yuan(o.List), "alterPrice": yuan(0),
	}
}

// item is the one position of the order: the simulator does not split orders.
func (o *order) item(status string, now time.Time) any {
	count, n, flavors := 1, o.Months, []any{}
	if p := o.Purchase; p != nil {
		count, n = p.Count, p.Months
		if p.Spec != "" {
			flavors = append(flavors, map[string]any{"name": "spec", "value": p.Spec, "scale": 1})
		}
	}
	maps, state := []any{}, "RUNNING"
	if status == osCreateFailed {
		state = "FAILED"
	}
	for k, id := range o.Shorts {
		maps = append(maps, map[string]string{"key": "1", "id": o.Resources[k], "shortId": id, "status": state, "expiredTime": ""})
	}
	return map[string]any{
		"serviceType": o.Service, "productType": o.Product, "subProductType": "", "region": o.Region, "key": "1", "configurations": []string{},
		"flavors": flavors, "count": count, "time": n, "timeUnit": "MONTH", "pricingDetail": map[string]any{},
		"paymentMethod": map[string]any{"discountRate": 100, "coupons": []any{}, "discountCoupons": []any{}}, "itemFee": o.fee(),
		"catalogPrice": yuan(o.List), "status": status, "resourceIds": texts(o.Resources), "shortIds": texts(o.Shorts), "resourceMappings": maps,
		"resourceStartTime": stamp(o.Paid), "resourceEndTime": "",
	}
}

// payOrder pays one order of the caller or of a customer out of the caller's
// money; an order of type REFUND is confirmed by it, if refunds may be.
func payOrder(refunds bool) handler {
	return func(c *Cloud, q *request) (any, *apiError) {
		var in struct {
			Account string `json:"queryAccountId"`
			Order   string `json:"orderId"`
		}
		if err := q.json(&in); err != nil {
			return nil, err
		}
		a, err := c.actsFor(q.acct, in.Account)
		if err != nil {
			return nil, err
		}
		q.subject = in.Order
		o := c.orders.get(in.Order)
		if o == nil || o.Account != a.ID {
			return nil, noSuch("order", in.Order)
		}
		if o.Type == orderRefund && !refunds {
			return nil, wrongState("A refund is not confirmed by this call")
		}
		if err := c.pay(q, o); err != nil {
			return nil, err
		}
		return map[string]bool{"success": true}, nil
	}
}

// pay does what the order is for.
func (c *Cloud) pay(q *request, o *order) *apiError {
	want := osNeedPurchase
	if o.Type == orderRefund {
		want = osNeedConfirm
	}
	if st := o.Life.at(q.now); st != want {
		return wrongState("The order is %s, not %s", st, want)
	}
	if o.Type == orderRefund {
		c.confirmRefund(o, q.now, q.plan)
		return nil
	}
	if c.books.get(q.acct.ID).Balance < o.Price {
		return lowBalance()
	}
	switch {
	case o.Type == orderNew && o.Purchase != nil:
		if err := c.fits(o.Account, o.Region, o.Purchase); err != nil {
			return err
		}
		c.fulfil(o, q.acct, q.now, q.plan)
	case o.Type == orderRenew:
		c.extend(o, q.acct.ID, q.now)
	default:
		c.payPlain(o, q.acct.ID, q.now)
	}
	return nil
}

// payPlain takes the money of an order that changes no resource here.
func (c *Cloud) payPlain(o *order, payer string, now time.Time) {
	b := &bill{
		meta: c.newMeta("bill-", o.Account, o.Region, now), Payer: payer, Service: o.Service, Product: "prepay", Order: o.ID, Type: o.Type,
		Start: now.Unix(), End: now.Unix(), Amount: o.Price, List: o.List,
	}
	c.take(b)
	c.finish(o, payer, now)
}

// cancelOrders cancels all or none of at most ten orders that still wait.
func cancelOrders(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Account string   `json:"queryAccountId"`
		Orders  []string `json:"orderIds"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	if len(in.Orders) == 0 || len(in.Orders) > 10 {
		return nil, badBody("orderIds holds 1 to 10 ids")
	}
	q.subject = in.Orders[0]
	for _, id := range in.Orders {
		o := c.orders.get(id)
		if o == nil || o.Account != a.ID {
			return nil, noSuch("order", id)
		}
		if st := o.Life.at(q.now); st != osNeedPurchase && st != osNeedConfirm {
			return nil, wrongState("The order %s is %s and cannot be cancelled", id, st)
		}
	}
	for _, id := range in.Orders {
		o := c.orders.get(id)
		o.Life = o.Life.enter(q.now, osCancelled)
		c.keepResources(o)
		c.keepOrder(o, q.now)
	}
	return map[string]bool{"success": true}, nil
}

// newSecret is a random value of 64 characters.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
