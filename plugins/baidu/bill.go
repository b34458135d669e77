package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// billRow is what is used of the cloud's bills. The SDK's own type reads money
// as binary numbers.
type billRow struct {
	BillID        string      `json:"billId"`
	AccountID     string      `json:"accountId"`
	ServiceType   string      `json:"serviceType"`
	ServiceName   string      `json:"serviceTypeName"`
	ProductType   string      `json:"productType"`
	Region        string      `json:"region"`
	InstanceID    string      `json:"instanceId"`
	ShortID       string      `json:"shortId"`
	InstanceName  string      `json:"instanceName"`
	OrderID       string      `json:"orderId"`
	OrderType     string      `json:"orderType"`
	OrderTypeDesc string      `json:"orderTypeDesc"`
	PurchaseTime  string      `json:"orderPurchaseTime"`
	StartTime     string      `json:"startTime"`
	EndTime       string      `json:"endTime"`
	OriginPrice   json.Number `json:"originPrice"`
	CatalogPrice  json.Number `json:"catalogPrice"`
	FinancePrice  json.Number `json:"financePrice"`
}

// mostMonths bounds the months of one window.
const mostMonths = 240

// BillLines streams what the cloud charged in a window, month by month, first
// what was prepaid. A line belongs to the moment it was charged at; the time it
// pays for is in its tags, because a renewal pays for a time that is to come.
func (p *plugin) BillLines(ctx context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	first := req.From.In(beijing())
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, beijing())
	for range mostMonths {
		if !month.Before(req.To) {
			return nil
		}
		for _, product := range []string{"prepay", "postpay"} {
			err := c.bills(ctx, month.Format("2006-01"), product, func(b billRow) error {
				if at := b.charged(); at.Before(req.From) || !at.Before(req.To) {
					return nil
				}
				line, err := b.line(req.Call.Account.ID)
				if err != nil {
					return err
				}
				return yield(line)
			})
			if err != nil {
				return err
			}
		}
		month = month.AddDate(0, 1, 0)
	}
	return fault.Invalid("to", "the window must have at most %d months", mostMonths)
}

// bills streams a month of the customer's bills of one way to pay.
func (c *cloud) bills(ctx context.Context, month, product string, yield func(billRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]billRow, int, error) {
		query := map[string]string{
			"month": month, "productType": product, "pageNo": strconv.Itoa(offset/limit + 1), "pageSize": strconv.Itoa(limit),
		}
		if account := c.cfg.customer(); account != "" {
			query["queryAccountId"] = account
		}
		answer, err := read(ctx, c, billing, raw[struct {
			TotalCount int       `json:"totalCount"`
			Bills      []billRow `json:"bills"`
		}](call{method: http.MethodGet, path: "/v1/bill/resource/month", query: query}))
		return answer.Bills, answer.TotalCount, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, billRow.id, yield)
}

// id tells bills apart: the cloud's own, or what it is about.
func (b billRow) id() string {
	if b.BillID != "" {
		return b.BillID
	}
	return strings.Join([]string{b.OrderID, b.ServiceType, b.resource(), b.ProductType, b.StartTime, b.EndTime}, "/")
}

func (b billRow) resource() string { return firstText(b.ShortID, b.InstanceID) }

// charged is when the money was taken: with the order, or for hours when they began.
func (b billRow) charged() time.Time {
	if at := moment(b.PurchaseTime); !at.IsZero() && b.ProductType == "prepay" {
		return at
	}
	return moment(b.StartTime)
}

// category is an order type in the words of FOCUS.
func (b billRow) category() string {
	switch {
	case b.OrderType == typeRefund || b.OrderType == "SHRINKAGE":
		return "Credit"
	case b.ProductType == "postpay":
		return "Usage"
	case b.OrderType == "COMPENSATE_TIME" || b.OrderType == "TIME_EXPAND":
		return "Adjustment"
	}
	return "Purchase"
}

// line shows a bill in the columns of FOCUS.
func (b billRow) line(account string) (provider.BillLine, error) {
	billed, err := amountOf(b.FinancePrice)
	if err != nil {
		return provider.BillLine{}, err
	}
	list, err := amountOf(json.Number(firstText(b.CatalogPrice.String(), b.OriginPrice.String())))
	if err != nil {
		return provider.BillLine{}, err
	}
	tags := map[string]string{"product_type": b.ProductType, "term_start": b.StartTime, "term_end": b.EndTime, "resource_name": b.InstanceName}
	return provider.BillLine{
		ID: b.id(), BillingAccountID: account, SubAccountID: b.AccountID, ResourceID: b.resource(), ResourceType: b.ServiceType,
		ServiceName: firstText(b.ServiceName, b.ServiceType), ChargeCategory: b.category(), ChargeDescription: firstText(b.OrderType, b.OrderTypeDesc),
		ChargePeriodStart: b.charged(), ChargePeriodEnd: b.charged().Add(time.Second), BillingCurrency: currency,
		BilledCost: decimal(billed), EffectiveCost: decimal(billed), ListCost: decimal(list), VendorOrder: b.OrderID, RegionID: b.Region, Tags: tags,
	}, nil
}

// cashRow is the cloud's answers about money.
type cashRow struct {
	CashBalance json.Number `json:"cashBalance"`
	Result      []struct {
		AccountID   string      `json:"accountId"`
		CashBalance json.Number `json:"cashBalance"`
	} `json:"result"`
}

// Balance reads the money of the key's account or of the customer.
func (p *plugin) Balance(ctx context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.Balance{}, err
	}
	amount, err := c.cash(ctx)
	if err != nil {
		return provider.Balance{}, err
	}
	return provider.Balance{Currency: currency, Available: amount, Cash: amount}, nil
}

// cash is what the account, or the customer that it stands for, has.
func (c *cloud) cash(ctx context.Context) (provider.Decimal, error) {
	r := call{method: http.MethodPost, path: "/v1/finance/cash/balance", body: struct{}{}}
	customer := c.cfg.CustomerAccount
	if customer != "" {
		r.path, r.body = "/v1/finance/supervisor/cash/balance", map[string][]string{"accountIds": {customer}}
	}
	answer, err := read(ctx, c, billing, raw[cashRow](r))
	if err != nil {
		return "", err
	}
	told := answer.CashBalance
	for _, row := range answer.Result {
		if row.AccountID == customer {
			told = row.CashBalance
		}
	}
	if told == "" {
		return "", fault.Unavailable("the cloud does not tell the balance").From(fault.SourceCloud)
	}
	amount, err := amountOf(told)
	if err != nil {
		return "", err
	}
	return decimal(amount), nil
}

// beijing is the zone of the cloud's days and months.
func beijing() *time.Location { return time.FixedZone("CST", 8*60*60) }
