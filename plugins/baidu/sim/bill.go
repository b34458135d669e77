package sim

import (
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

// billQuery reads the fields of a GET.
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

// billRows checks the query and finds the account and its bills, oldest first.
func (c *Cloud) billRows(q *request, in *billQuery, needProduct bool) (*account, []*bill, *apiError) {
	if q.err != nil {
		return nil, nil, q.err
	}
	if err := in.span(); err != nil {
		return nil, nil, err
	}
	if (in.Product == "" && needProduct) || (in.Product != "" && in.Product != "prepay" && in.Product != "postpay") {
		return nil, nil, badParam("productType")
	}
	if in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, nil, badParam("pageSize")
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, nil, err
	}
	all := c.bills.all(func(b *bill) bool {
		return b.Account == a.ID && b.Created >= in.from && b.Created < in.to && (in.Product == "" || b.Product == in.Product) &&
			(in.Service == "" || b.Service == in.Service) && (in.Resource+in.Short == "" || b.Resource == in.Resource+in.Short)
	})
	return a, all, nil
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
	a, all, err := c.billRows(q, in, true)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range numbered(all, in.PageNo, in.PageSize) {
		row := b.common()
		row["cash"], row["rebate"], row["creditCost"], row["debt"], row["noPaidPrice"] = yuan(b.Amount), yuan(0), yuan(0), yuan(0), yuan(0)
		rows = append(rows, row)
	}
	return q.envelope(in, a, len(all), rows), nil
}

func chargeBill(c *Cloud, q *request) (any, *apiError) {
	in := &billQuery{PageNo: 1, PageSize: 100}
	if err := q.json(in); err != nil {
		return nil, err
	}
	a, all, err := c.billRows(q, in, false)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range numbered(all, in.PageNo, in.PageSize) {
		row := b.common()
		row["chargeItem"], row["chargeItemDesc"], row["amount"], row["amountUnit"] = "instance", "instance", "1", "count"
		row["splitConfiguration"] = map[string]string{}
		rows = append(rows, row)
	}
	return q.envelope(in, a, len(all), rows), nil
}

// shareBill gives each bill wholly to the day it was made.
func shareBill(c *Cloud, q *request) (any, *apiError) {
	in := q.billQuery()
	a, all, err := c.billRows(q, in, false)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, b := range numbered(all, in.PageNo, in.PageSize) {
		row := b.common()
		day := time.Unix(b.Created, 0).In(beijing())
		row["billMonth"], row["billDay"], row["sourceInstanceId"] = day.Format("2006-01"), day.Format(time.DateOnly), b.Resource
		row["price"], row["sharePrice"], row["shareFinancePrice"] = yuan(b.List), yuan(b.List), yuan(b.Amount)
		row["shareCatalogPrice"], row["splitConfiguration"] = yuan(b.List), map[string]string{}
		rows = append(rows, row)
	}
	return q.envelope(in, a, len(all), rows), nil
}

// resourceBills sums bills by resource.
func resourceBills(c *Cloud, q *request) (any, *apiError) {
	in := &billQuery{PageNo: 1, PageSize: 100}
	if err := q.json(in); err != nil {
		return nil, err
	}
	a, all, err := c.billRows(q, in, true)
	if err != nil {
		return nil, err
	}
	sums := map[string]*bill{}
	for _, b := range all {
		s := sums[b.Resource]
		if s == nil {
			one := *b
			sums[b.Resource] = &one
			continue
		}
		s.Amount, s.List, s.End = s.Amount+b.Amount, s.List+b.List, max(s.End, b.End)
	}
	keys, rows := sortedKeys(sums), []any{}
	for _, k := range numbered(keys, in.PageNo, in.PageSize) {
		rows = append(rows, sums[k].common())
	}
	return q.envelope(in, a, len(keys), rows), nil
}
