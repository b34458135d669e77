package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/ubill"
	"github.com/ucloud/ucloud-sdk-go/ucloud/response"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// billItem is what is used of the cloud's bill items. The SDK's own type lacks
// the project's id and the end of what was paid for.
type billItem struct {
	OrderNo      string
	OrderType    string
	ChargeType   string
	Amount       string
	AmountReal   string
	ResourceID   string `json:"ResourceId"`
	ResourceType string
	ProjectID    string `json:"ProjectId"`
	ProjectName  string
	CreateTime   int64
	StartTime    int64
	EndTime      int64
	ShowHover    int
}

// The cloud's months are those of Beijing.
func beijing() *time.Location { return time.FixedZone("CST", 8*60*60) }

// mostMonths bounds the months of one window.
const mostMonths = 240

// bills streams the items that were charged in a window, oldest month first.
// The cloud's data lags by about a day.
func (c *cloud) bills(ctx context.Context, from, to time.Time, yield func(billItem) error) error {
	first := from.In(beijing())
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, beijing())
	for range mostMonths {
		if !month.Before(to) {
			return nil
		}
		if err := c.billMonth(ctx, month.Format("2006-01"), from, to, yield); err != nil {
			return err
		}
		month = month.AddDate(0, 1, 0)
	}
	return fault.Invalid("to", "the window must have at most %d months", mostMonths)
}

func (c *cloud) billMonth(ctx context.Context, cycle string, from, to time.Time, yield func(billItem) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]billItem, int, error) {
		return c.billPage(ctx, cycle, offset, limit)
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, billItem.id, func(b billItem) error {
		if at := b.charged(); at.Before(from) || !at.Before(to) {
			return nil
		}
		return yield(b)
	})
}

// billPage reads one page, by the generic call: see billItem.
func (c *cloud) billPage(ctx context.Context, cycle string, offset, limit int) ([]billItem, int, error) {
	answer, err := read(ctx, c.at("", ""), ubill.NewClient, func(k *ubill.UBillClient) (response.GenericResponse, error) {
		r := k.NewGenericRequest()
		err := r.SetPayload(map[string]any{
			"Action": "ListUBillDetail", "BillingCycle": cycle, "ShowZero": 1, "Offset": offset, "Limit": limit,
		})
		if err != nil {
			return nil, err
		}
		return k.GenericInvoke(r)
	})
	if err != nil {
		return nil, 0, err
	}
	var out struct {
		TotalCount int
		Items      []billItem
	}
	if err := answer.Unmarshal(&out); err != nil {
		return nil, 0, fault.Unavailable("the cloud's bill cannot be read").Cloud("", answer.GetRequestUUID()).With(err)
	}
	return out.Items, out.TotalCount, nil
}

// id tells items apart: one order has an item for each resource, and may have
// several of one resource.
func (b billItem) id() string {
	return strings.Join([]string{b.OrderNo, b.ResourceID, b.OrderType, strconv.FormatInt(b.StartTime, 10)}, "/")
}

func (b billItem) charged() time.Time { return time.Unix(b.CreateTime, 0).UTC() }

// category is an order type in the words of FOCUS.
func (b billItem) category() string {
	switch b.OrderType {
	case "OT_POSTPAID_PAYMENT", "OT_POSTPAID_RENEW":
		return "Usage"
	case "OT_REFUND", "OT_DOWNGRADE":
		return "Credit"
	case "OT_ADDITIONAL", "OT_SUSPEND", "OT_RECOVER":
		return "Adjustment"
	}
	return "Purchase"
}

// BillLines streams what the cloud charged in a window. A line belongs to the
// moment it was charged at; the time it pays for is in its tags, because a
// renewal pays for a time that is yet to come.
func (p *plugin) BillLines(ctx context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	return c.bills(ctx, req.From, req.To, func(b billItem) error { return yield(b.line(req.Call.Account.ID)) })
}

func (b billItem) line(account string) provider.BillLine {
	tags := map[string]string{"charge_type": b.ChargeType, "project_name": b.ProjectName}
	if b.StartTime > 0 {
		tags["term_start"] = time.Unix(b.StartTime, 0).UTC().Format(time.RFC3339)
	}
	if b.EndTime > 0 {
		tags["term_end"] = time.Unix(b.EndTime, 0).UTC().Format(time.RFC3339)
	}
	return provider.BillLine{
		ID: b.id(), BillingAccountID: account, SubAccountID: b.ProjectID, ResourceID: b.ResourceID, ResourceType: b.ResourceType,
		ServiceName: b.ResourceType, ChargeCategory: b.category(), ChargeDescription: b.OrderType,
		ChargePeriodStart: b.charged(), ChargePeriodEnd: b.charged().Add(time.Second), BillingCurrency: currency,
		BilledCost: provider.Decimal(b.AmountReal), EffectiveCost: provider.Decimal(b.Amount), VendorOrder: b.OrderNo, Tags: tags,
	}
}

// mostOrders bounds the orders of one month, which are held as a whole: the
// cloud lists items, and those of an order need not stand together.
const mostOrders = 200_000

// The states of an order.
const (
	orderPaid   = "paid"
	orderUnpaid = "unpaid"
)

// VendorOrders streams the orders of a window. The cloud has no list of orders;
// they are gathered from its bill, month by month.
func (p *plugin) VendorOrders(ctx context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	o := orders{at: map[string]int{}}
	if err := c.bills(ctx, req.From, req.To, o.add); err != nil {
		return err
	}
	for _, one := range o.all {
		if req.State != "" && req.State != one.State {
			continue
		}
		if err := yield(one); err != nil {
			return err
		}
	}
	return nil
}

// orders gathers items, in the order of each order's first one.
type orders struct {
	all []provider.VendorOrder
	at  map[string]int
}

func (o *orders) add(b billItem) error {
	i, known := o.at[b.OrderNo]
	if !known {
		if len(o.all) == mostOrders {
			return fault.Invalid("to", "the window has more than %d orders: ask for a shorter one", mostOrders)
		}
		i = len(o.all)
		o.at[b.OrderNo] = i
		o.all = append(o.all, provider.VendorOrder{
			ID: b.OrderNo, State: orderUnpaid, Kind: b.OrderType, Amount: "0.00", Currency: currency, Created: b.charged(),
		})
	}
	one := &o.all[i]
	sum, err := plus(one.Amount, provider.Decimal(b.Amount))
	if err != nil {
		return err
	}
	one.Amount = sum
	one.ResourceIDs = append(one.ResourceIDs, b.ResourceID)
	if b.ShowHover == 1 {
		one.State = orderPaid
	}
	return nil
}

// plus adds two amounts of two decimals exactly.
func plus(a, b provider.Decimal) (provider.Decimal, error) {
	x, err := fenOf(string(a))
	if err != nil {
		return "", err
	}
	y, err := fenOf(string(b))
	return yuan(x + y), err
}

// errNoOrders is what the cloud has no action for.
func errNoOrders(what string) error {
	return fault.Unsupported("the cloud has no action to %s an order: it is charged when it is made", what)
}

// PayVendorOrder is not offered by the cloud.
func (p *plugin) PayVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, errNoOrders("pay")
}

// CancelVendorOrder is not offered by the cloud.
func (p *plugin) CancelVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, errNoOrders("cancel")
}

// RefundVendorOrder is not offered by the cloud: releasing a resource gives back its term.
func (p *plugin) RefundVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, errNoOrders("refund")
}
