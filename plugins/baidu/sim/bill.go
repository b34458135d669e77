package sim

import (
	"slices"
	"strings"
	"time"
)

// billQuery is what all bill queries have in common.
type billQuery struct {
	Month    string `json:"month"`
	Bill     string `json:"billMonth"`
	Begin    string `json:"beginTime"`
	End      string `json:"endTime"`
	StartDay string `json:"startDay"`
	EndDay   string `json:"endDay"`
	Product  string `json:"productType"`
	Service  string `json:"serviceType"`
	Resource string `json:"instanceId"`
	Short    string `json:"shortOrInstanceId"`
	Account  string `json:"queryAccountId"`
	PageNo   int    `json:"pageNo"`
	PageSize int    `json:"pageSize"`
	from, to int64
}

// fromQuery reads the fields of a GET.
func (q *request) billQuery() *billQuery {
	return &billQuery{
		Month: q.str("month"), Begin: q.str("beginTime"), End: q.str("endTime"), StartDay: q.str("startDay"), EndDay: q.str("endDay"),
		Product: q.str("productType"), Service: q.str("serviceType"), Resource: q.str("instanceId"), Account: q.str("queryAccountId"),
		PageNo: q.num("pageNo", 1, 1, 1<<20), PageSize: q.num("pageSize", 100, 1, 100),
	}
}

// span finds the days of the query: a month, or a first and a last day.
func (b *billQuery) span() *apiError {
	month, first, last := b.Month+b.Bill, b.Begin+b.StartDay, b.End+b.EndDay
	if month != "" {
		t, err := time.ParseInLocation("2006-01", month, beijing())
		if err != nil {
			return badParam("month")
		}
		b.from, b.to = t.Unix(), t.AddDate(0, 1, 0).Unix()
		return nil
	}
	t, err := time.ParseInLocation(time.DateOnly, first[:min(len(first), 10)], beijing())
	u, err2 := time.ParseInLocation(time.DateOnly, last[:min(len(last), 10)], beijing())
	if err != nil || err2 != nil || u.Before(t) || u.Sub(t) > 366*24*time.Hour {
		return badParam("beginTime")
	}
	b.from, b.to = t.Unix(), u.AddDate(0, 0, 1).Unix()
	return nil
}

// bills checks the query and cuts the page out of the account's bills.
func (c *Cloud) billPage(q *request, in *billQuery, needProduct bool) (*account, []*bill, int, *apiError) {
	if q.err != nil {
		return nil, nil, 0, q.err
	}
	if err := in.span(); err != nil {
		return nil, nil, 0, err
	}
	if (in.Product == "" && needProduct) || (in.Product != "" && in.Product != "prepay" && in.Product != "postpay") {
		return nil, nil, 0, badParam("productType")
	}
	if in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, nil, 0, badParam("pageSize")
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, nil, 0, err
	}
	all := c.bills.all(func(b *bill) bool {
		return b.Account == a.ID && b.Created >= in.from && b.Created < in.to && (in.Product == "" || b.Product == in.Product) &&
			(in.Service == "" || b.Service == in.Service) && (in.Resource+in.Short == "" || b.Resource == in.Resource+in.Short)
	})
	return a, numbered(all, in.PageNo, in.PageSize), len(all), nil
}

// envelope is what all answers of bill queries have around their rows.
func (q *request) envelope(in *billQuery, a *account, total int, rows []any) any {
	return map[string]any{
		"billMonth": in.Month + in.Bill, "beginTime": in.Begin + in.StartDay, "endTime": in.End + in.EndDay, "accountId": q.acct.ID,
		"loginName": q.acct.Name, "subAccountId": a.ID, "subLoginName": a.Name, "ouName": "", "pageNo": in.PageNo,
		"pageSize": in.PageSize, "totalCount": total, "bills": rows,
	}
}

// common are the fields that rows of all bills have.
func (b *bill) common() map[string]any {
	return map[string]any{
		"vendor": "baidu", "billId": b.ID, "accountId": b.Account, "serviceType": b.Service, "serviceTypeName": b.Service,
		"productType": b.Product, "region": b.Region, "instanceId": b.Resource, "shortId": b.Resource, "instanceName": b.Name,
		"orderId": b.Order, "orderType": b.Type, "orderTypeDesc": strings.ToLower(b.Type), "orderPurchaseTime": stamp(b.Created),
		"startTime": stamp(b.Start), "endTime": stamp(b.End), "serviceStartTime": stamp(b.Start), "serviceEndTime": stamp(b.End),
		"originPrice": yuan(b.List), "catalogPrice": yuan(b.List), "financePrice": yuan(b.Amount), "discountPrice": yuan(b.List - b.Amount),
		"couponPrice": yuan(0), "discountCouponPrice": yuan(0), "sysGold": yuan(0), "deductPrice": yuan(0), "tag": "",
	}
}

func monthBill(c *Cloud, q *request) (any, *apiError) {
	in := q.billQuery()
	a, page, total, err := c.billPage(q, in, true)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range page {
		row := b.common()
		row["cash"], row["rebate"], row["creditCost"], row["debt"], row["noPaidPrice"] = yuan(b.Amount), yuan(0), yuan(0), yuan(0), yuan(0)
		rows = append(rows, row)
	}
	return q.envelope(in, a, total, rows), nil
}

func chargeBill(c *Cloud, q *request) (any, *apiError) {
	in := &billQuery{PageNo: 1, PageSize: 100}
	if err := q.json(in); err != nil {
		return nil, err
	}
	a, page, total, err := c.billPage(q, in, false)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range page {
		row := b.common()
		row["chargeItem"], row["chargeItemDesc"], row["amount"], row["amountUnit"] = "instance", "instance", "1", "count"
		row["splitConfiguration"] = map[string]string{}
		rows = append(rows, row)
	}
	return q.envelope(in, a, total, rows), nil
}

// shareBill gives each bill wholly to the day it was made.
func shareBill(c *Cloud, q *request) (any, *apiError) {
	in := q.billQuery()
	a, page, total, err := c.billPage(q, in, false)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range page {
		row := b.common()
		day := time.Unix(b.Created, 0).In(beijing())
		row["billMonth"], row["billDay"], row["sourceInstanceId"] = day.Format("2006-01"), day.Format(time.DateOnly), b.Resource
		row["price"], row["sharePrice"], row["shareFinancePrice"] = yuan(b.List), yuan(b.List), yuan(b.Amount)
		row["shareCatalogPrice"], row["splitConfiguration"] = yuan(b.List), map[string]string{}
		rows = append(rows, row)
	}
	return q.envelope(in, a, total, rows), nil
}

// resourceBills sums bills by resource.
func resourceBills(c *Cloud, q *request) (any, *apiError) {
	in := &billQuery{PageNo: 1, PageSize: 100}
	if err := q.json(in); err != nil {
		return nil, err
	}
	no, size := in.PageNo, in.PageSize
	in.PageNo, in.PageSize = 1, 100
	a, err := c.actsFor(q.acct, in.Account)
	if err == nil {
		_, _, _, err = c.billPage(q, in, true)
	}
	if err != nil {
		return nil, err
	}
	if no < 1 || size < 1 || size > 100 {
		return nil, badParam("pageSize")
	}
	sums := map[string]*bill{}
	for _, id := range c.bills.ids {
		b := c.bills.rows[id]
		if b.Account != a.ID || b.Created < in.from || b.Created >= in.to || b.Product != in.Product || (in.Service != "" && b.Service != in.Service) ||
			(in.Resource+in.Short != "" && b.Resource != in.Resource+in.Short) {
			continue
		}
		s := sums[b.Resource]
		if s == nil {
			one := *b
			sums[b.Resource] = &one
			continue
		}
		s.Amount, s.List, s.End = s.Amount+b.Amount, s.List+b.List, max(s.End, b.End)
	}
	keys := sortedKeys(sums)
	rows := []any{}
	for _, k := range numbered(keys, no, size) {
		rows = append(rows, sums[k].common())
	}
	in.PageNo, in.PageSize = no, size
	return q.envelope(in, a, len(keys), slices.Clip(rows)), nil
}
