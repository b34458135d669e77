package sim

// What a price is asked for.
const (
	cmdNew    = 1
	cmdRenew  = 2
	cmdResize = 3
)

// maxPriced bounds the lists of a price, so that no sum can overflow.
const maxPriced = 20

// calculatePrice adds up the prices of a list of orders. The keys of the
// formulas are this simulator's own: instance types and disk types by their
// names, and "bandwidth".
func calculatePrice(c *Cloud, q *request) (answer, *apiError) {
	cmd, packages := q.needNum("cmd", cmdNew, cmdResize), q.needNum("packageCount", 1, 100)
	list := q.objs("orderList")
	if len(list) == 0 {
		q.fail(missing("orderList"))
	}
	if len(list) > maxPriced {
		q.fail(outOfRange("orderList", 1, maxPriced))
	}
	rows := []answer{}
	var listSum, mineSum Fen
	for _, p := range list {
		full, mine := c.priceOf(q, &p, cmd)
		listSum, mineSum = listSum+full, mineSum+mine
		rows = append(rows, p.priceRow(full, mine))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	listSum, mineSum = listSum*Fen(packages), mineSum*Fen(packages)
	return answer{
		"totalPrice": yuan(listSum), "totalPriceScale4": yuan(listSum), "discountedTotalPrice": yuan(mineSum),
		"totalDiscount": yuan(listSum - mineSum), "afterFavorableTotalPrice": yuan(mineSum), "eraseTotalPrice": yuan(0), "list": rows,
		"totalOriginalPrice": yuan(listSum), "favorableInfos": "", "remark": "", "totalUnitPrice": yuan(mineSum), "refundTotalPrice": yuan(0),
		"cashRefundTotalPrice": yuan(0), "balanceRefundTotalPrice": yuan(0), "couponRefundTotalPrice": yuan(0),
	}, nil
}

func (p *params) priceRow(full, mine Fen) answer {
	return answer{
		"price": yuan(full), "priceScale4": yuan(full), "discount": yuan(full - mine), "discountedPrice": yuan(mine),
		"afterFavorablePrice": yuan(mine), "erasePrice": yuan(0), "originalPrice": yuan(full), "resourceId": p.str("resourceId", ""),
		"appCode": p.str("appCode", ""), "serviceCode": p.str("serviceCode", ""), "region": p.str("region", ""), "az": p.str("az", ""),
		"billingType": p.num("billingType", 3, 1, 4), "timeSpan": p.num("timeSpan", 1, 1, 120), "timeUnit": p.num("timeUnit", 3, 1, 5),
		"networkOperator": p.num("networkOperator", 0, 0, 2), "taskId": p.str("taskId", ""), "sourceId": p.str("sourceId", ""),
	}
}

// priceOf is the list price and the account's price of one order.
func (c *Cloud) priceOf(q *request, p *params, cmd int) (full, mine Fen) {
	if app := p.str("appCode", appCode); app != appCode {
		p.fail(invalid(p.at("appCode"), "there is no such product line"))
	}
	p.oneOf("serviceCode", p.need("serviceCode"), serviceVM, serviceDisk, serviceIP)
	kind := p.needNum("billingType", 1, 4)
	span, unit := p.num("timeSpan", 1, 1, 120), p.num("timeUnit", 3, 1, 5)
	count := p.num("count", 1, 1, 100)
	if cmd != cmdNew {
		return c.changePrice(q, p, cmd, kind, span, unit)
	}
	month := p.formulaMonth(kind == 2)
	full = periods(month, kind, span, unit) * Fen(count)
	mine = periods(percentOf(month, q.acct.PricePercent), kind, span, unit) * Fen(count)
	return full, mine
}

// changePrice is what a renewal or a resize of a resource costs.
func (c *Cloud) changePrice(q *request, p *params, cmd, kind, span, unit int) (full, mine Fen) {
	l, ok := c.leaseOf(q.acct.Name, p.need("resourceId"))
	if !ok {
		p.fail(notFound("resource", p.str("resourceId", "")))
		return 0, 0
	}
	if cmd == cmdRenew {
		mine = periods(l.Month, kind, span, unit)
		return mine, mine
	}
	more := percentOf(p.formulaMonth(kind == 2), q.acct.PricePercent) - l.Month
	if !l.prepaid() || more <= 0 {
		return 0, 0
	}
	mine = ceilDiv(Fen(max(l.Expires-q.now.Unix(), 0))*more, 30*86400)
	return mine, mine
}

// formulaMonth is the list price a month of what the formula names.
func (p *params) formulaMonth(byTraffic bool) Fen {
	var sum Fen
	parts := p.objs("formula")
	if len(parts) == 0 {
		p.fail(missing(p.at("formula")))
	}
	if len(parts) > maxPriced {
		p.fail(outOfRange(p.at("formula"), 1, maxPriced))
	}
	types := typeTable()
	for _, f := range parts {
		key, value, number := f.need("key"), f.num("value", 1, 0, 100000), f.num("number", 1, 1, 100)
		var one Fen
		if t := types[key]; t != nil {
			one = t.month
		} else if gb, ok := diskPrice(key); ok {
			one = gb * Fen(value)
		} else if key == "bandwidth" {
			one = eipMonth(f.num("value", 1, 1, 1000), byTraffic)
		} else {
			f.fail(invalid(f.at("key"), "it has no price"))
		}
		sum += one * Fen(number)
	}
	return sum
}

// periods is what a time costs: hours and days by the hour, the rest by the month.
func periods(month Fen, kind, span, unit int) Fen {
	n := Fen(span)
	switch {
	case unit == 1 || kind == 1 && unit != 2:
		return hour(month) * n
	case unit == 2:
		return hour(month) * 24 * n
	case unit == 4:
		return month * monthsYear * n
	case unit == 5:
		return hour(month) * 168 * n
	}
	return month * n
}
