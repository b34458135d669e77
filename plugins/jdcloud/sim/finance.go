package sim

import (
	"slices"
	"time"
)

// moneyActions are the calls of asset, billing and order.
func moneyActions() []action {
	const region = "/v1/regions/{regionId}/"
	on := func(service, name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: service, method: method, path: path, run: run}
	}
	return []action{
		on("asset", "DescribeAccountAmount", "GET", region+"assets:describeAccountAmount", accountAmount),
		on("asset", "ModifyBalanceWarningInfo", "POST", region+"assets:modifyBalanceWarningInfo", modifyWarning),
		on("billing", "CalculateTotalPrice", "POST", region+"calculateTotalPrice", calculatePrice),
		on("billing", "DescribeBillSummarys", "POST", region+"describeBillSummarys", billSummaries),
		on("billing", "DescribeBillDetails", "POST", region+"describeBillDetails", billDetails),
		on("order", "QueryOrders", "POST", "/v2/regions/{regionId}/orders", queryOrders),
		on("order", "QueryOrder", "GET", "/v2/regions/{regionId}/order/{orderNumber}", queryOrder),
		on("order", "PayOrder", "POST", "/v2/regions/{regionId}/order/{orderNumber}:pay", payOrder),
	}
}

func accountAmount(_ *Cloud, q *request) (answer, *apiError) {
	b := q.acct.books.Balance.String()
	return answer{
		"totalAmount": b, "availableAmount": b, "frozenAmount": "0.00", "enableWithdrawAmount": b, "withdrawingAmount": "0.00",
	}, nil
}

// balanceWarning is below which balance the account wants to be told.
type balanceWarning struct {
	Status    string `json:"status"`
	Threshold string `json:"threshold"`
}

func modifyWarning(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("balanceWarningInfoVo")
	w := &balanceWarning{Status: p.str("status", ""), Threshold: p.str("threshold", "")}
	if q.failed() != nil {
		return nil, q.failed()
	}
	c.warnings.put(q.acct.Name, w)
	return answer{"status": true}, nil
}

// foundBills are the bills of a call's stretch of time, newest last.
func (c *Cloud) foundBills(q *request) ([]*bill, page) {
	from, to := q.stretch(time.DateTime, time.Second)
	if to.Sub(from) > 31*24*time.Hour+time.Second {
		q.fail(invalid("endTime", "the time must be within one month"))
	}
	app, service, ids := q.str("appCode", ""), q.str("serviceCode", ""), q.list("resourceIds")
	kind := q.num("billingType", 0, 0, 4)
	p := q.pages()
	return c.bills.where(func(b *bill) bool {
		return b.Account == q.acct.Name && b.Created >= from.Unix() && b.Created < to.Unix() && either(app, appCode) &&
			either(service, b.Service) && (len(ids) == 0 || slices.Contains(ids, b.Resource)) && (kind == 0 || kind == billingType(b.Mode))
	}), p
}

// billingType is the number of a charge mode.
func billingType(mode string) int {
	switch mode {
	case prepaid:
		return 3
	case byUsage:
		return 2
	}
	return 1
}

func billDetails(c *Cloud, q *request) (answer, *apiError) {
	found, p := c.foundBills(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	return answer{"pagination": pagination(p, len(found)), "result": rowsOf(pageOf(found, p, false), (*bill).wire)}, nil
}

// billSummaries adds the bills of each resource up.
func billSummaries(c *Cloud, q *request) (answer, *apiError) {
	found, p := c.foundBills(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	sums := map[string]*bill{}
	for _, b := range found {
		s := sums[b.Resource]
		if s == nil {
			one := *b
			sums[b.Resource] = &one
			continue
		}
		s.Amount += b.Amount
		s.Start, s.End = min(s.Start, b.Start), max(s.End, b.End)
	}
	var rows []*bill
	for _, id := range sortedKeys(sums) {
		rows = append(rows, sums[id])
	}
	return answer{"pagination": pagination(p, len(rows)), "result": rowsOf(pageOf(rows, p, false), (*bill).wire)}, nil
}

func (b *bill) wire() answer {
	at := func(unix int64) string { return time.Unix(unix, 0).In(beijing()).Format(time.DateTime) }
	return answer{
		"pin": pinOf(b.Account), "appCode": appCode, "appCodeName": appCode, "serviceCode": b.Service, "serviceCodeName": b.Service,
		"billingType": billingType(b.Mode), "billingTypeName": b.Mode, "resourceId": b.Resource, "resourceName": b.Name, "region": b.Region,
		"az": b.AZ, "actionTypeName": b.Action, "formula": "", "startTime": at(b.Start), "endTime": at(b.End), "billTime": at(b.Created),
		"totalFee": yuan(b.Amount), "discountFee": yuan(0), "realTotalFee": yuan(b.Amount), "cashCouponPayFee": yuan(0),
		"balancePayFee": yuan(b.Amount), "cashPayFee": yuan(0), "arrearFee": yuan(0), "tagDetails": []answer{},
	}
}

func queryOrders(c *Cloud, q *request) (answer, *apiError) {
	v, _ := q.obj("queryVo")
	p := page{number: v.num("pageNumber", 1, 1, 1<<30), size: v.num("pageSize", 10, 1, 100)}
	kind := v.oneOf("orderType", "", orderNew, orderRenew, orderResize, "TEMP_UPGRADE")
	status := v.oneOf("status", "", orderPaid, "CANCELED", "NO_PAY", "FAILED", "DEALING", orderPart, orderRefunded)
	mode, pay := v.oneOf("chargeMode", "", "CONFIG", "FLOW", "MONTHLY", "ONCE"), v.oneOf("payType", "", "PRE_PAID", "POST_PAID")
	app, service := v.str("appCode", ""), v.str("serviceCode", "")
	from, to := v.num("startTime", 0, 0, 1<<52), v.num("endTime", 1<<52, 0, 1<<52)
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.orders.where(func(o *order) bool {
		at := int(o.Created) * 1000
		return o.Account == q.acct.Name && o.Region == q.region && either(kind, o.Type) && either(status, o.Status) &&
			either(mode, "MONTHLY") && either(pay, "PRE_PAID") && either(app, appCode) && either(service, o.service()) && at >= from && at <= to
	})
	slices.Reverse(found)
	rows := rowsOf(pageOf(found, p, false), func(o *order) answer { return o.wire(q) })
	return answer{"resultList": rows, "totalCount": len(found), "totalPage": (len(found) + p.size - 1) / p.size}, nil
}

func (o *order) service() string {
	if len(o.Items) == 0 {
		return serviceVM
	}
	return o.Items[0].Service
}

// wire writes an order; its list form names no resource.
func (o *order) wire(q *request) answer {
	fee, _ := o.total()
	at := time.Unix(o.Created, 0).In(beijing()).Format(time.DateTime)
	w := wholeYuan{fen: fee, exact: q.plan.Has(KindDecimalFees)}
	return answer{
		"orderNumber": o.Number, "appCode": appCode, "appName": appCode, "serviceName": o.service(), "chargeMode": "MONTHLY", "createTime": at,
		"payTime": at, "orderType": o.Type, "payType": "PRE_PAID", "paymentNumber": "p" + o.Number, "pin": pinOf(o.Account), "status": o.Status,
		"totalFee": w, "actualFee": w, "discountFee": 0, "selfSupportType": "",
	}
}

func (c *Cloud) orderOf(q *request) (*order, *apiError) {
	n := q.need("orderNumber")
	q.subject = n
	if o := c.orders.get(n); o != nil && o.Account == q.acct.Name {
		return o, nil
	}
	return nil, notFound("order", n)
}

func queryOrder(c *Cloud, q *request) (answer, *apiError) {
	detail := q.flag("includeDetail", false)
	o, err := c.orderOf(q)
	if err != nil {
		return nil, err
	}
	fee, back := o.total()
	row := o.wire(q)
	exact := q.plan.Has(KindDecimalFees)
	row["balancePay"], row["paidFee"] = wholeYuan{fee, exact}, wholeYuan{fee, exact}
	row["refundFee"], row["favorableFee"], row["moneyPay"] = wholeYuan{back, exact}, 0, 0
	row["updatedTime"], row["siteType"], row["remark"] = row["createTime"], "", ""
	if detail {
		row["orderItemDetails"] = rowsOf(o.Items, func(i orderItem) answer { return i.wire(o, exact) })
	}
	return answer{"data": row}, q.failed()
}

func (i orderItem) wire(o *order, exact bool) answer {
	status, unit := "SUCCESS", "MONTH"
	if i.Failed {
		status = "FAIL"
	}
	if o.Charge.Unit == unitYear {
		unit = "YEAR"
	}
	at := func(unix int64) string {
		if unix == 0 {
			return ""
		}
		return time.Unix(unix, 0).In(beijing()).Format(time.DateTime)
	}
	return answer{
		"itemId": i.Resource, "itemName": i.Service, "orderNumber": o.Number, "serviceName": i.Service, "chargeMode": "MONTHLY",
		"chargeDuration": o.Charge.Duration, "unit": unit, "quantity": 1, "status": status, "totalFee": wholeYuan{i.Fee, exact},
		"actualFee": wholeYuan{i.Fee, exact}, "balancePay": wholeYuan{i.Fee, exact}, "moneyPay": 0, "favorableFee": 0,
		"refundFee": wholeYuan{i.Refunded, exact}, "createTime": at(o.Created), "expireDateBefore": at(i.Before), "expireDateAfter": at(i.After),
	}
}

// payOrder finds nothing to pay: every order here is paid when it is made.
func payOrder(c *Cloud, q *request) (answer, *apiError) {
	auto := q.flag("autoPay", false)
	o, err := c.orderOf(q)
	if err != nil {
		return nil, err
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	return nil, precondition("order '%s' is %s (autoPay %t)", o.Number, o.Status, auto)
}
