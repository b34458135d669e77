package sim

import "slices"

func describeBandwidths(c *Cloud, q *request) (answer, *apiError) {
	region := q.optRegion(c)
	zone, keyword := q.netZone(c, region, false), q.str("Keyword")
	rows := []object{}
	for _, b := range q.acct.bandwidths.list(func(b *bandwidth) bool {
		return (region == nil || b.region.Code == region.Code) && (zone == nil || zoneCode(b.zone) == zone.Code) && matches(keyword, b.id, b.name)
	}) {
		rows = append(rows, object{
			"Id": b.id, "Name": b.name, "Qos": b.qos, "RegionCode": b.region.Code, "AvailableZoneCode": zoneCode(b.zone),
			"BandwidthType": b.line.code, "BillScheme": b.scheme, "Status": b.state.at(q.now), "CreateTime": clock(b.created),
		})
	}
	return answer{data: object{"Total": len(rows), "BandwidthList": rows}}, nil
}

func createBandwidth(c *Cloud, q *request) (answer, *apiError) {
	b := &bandwidth{shared: true, region: q.needRegion(c), name: q.need("Name"), created: c.at, state: c.arriving(q)}
	b.zone = q.needZone(c)
	if q.err() == nil {
		b.line = q.needLine(b.region, "BandwidthType")
	}
	b.scheme, b.qos = q.oneOf("BillScheme", sharedSchemes...), q.needNum("Qos", 1, maxQos)
	q.subjectID()
	if q.err() == nil && b.zone.region.Code != b.region.Code {
		q.fail(invalid("AvailableZoneCode", "is not in the region"))
	}
	if q.err() == nil && !b.region.Platform {
		id := q.need("NETID")
		if s := q.acct.segments.get(id); q.err() == nil && (s == nil || !s.gateway) {
			q.fail(noResource("NETID", id))
		}
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	if err := c.afford(q.acct, q.acct.bandCost(b)); err != nil {
		return answer{}, err
	}
	b.id = c.newUUID()
	q.subject = b.id
	q.acct.bandwidths.add(b.id, b)
	q.acct.buy("bandwidth.name", b.name, 1)
	c.rentBand(q.acct, b, b.id)
	return answer{data: []object{{"BandwidthId": b.id}}}, nil
}

// bandCost is what bandwidth costs at once.
func (a *account) bandCost(b *bandwidth) Fen {
	day := bandDay(a, b.line, b.scheme, b.qos)
	if schemes[b.scheme].method == monthly {
		return day * daysPerMonth
	}
	return ceilDiv(day, 24)
}

// findBandwidth reads a required BandwidthId of a shared one that is ready.
func findBandwidth(q *request) (*bandwidth, *apiError) {
	id := q.need("BandwidthId")
	if err := q.err(); err != nil {
		return nil, err
	}
	b := q.acct.bandwidths.get(id)
	if b == nil {
		return nil, noResource("BandwidthId", id)
	}
	q.subject = id
	if b.state.busy(q.now) {
		return nil, inUse("the bandwidth is being changed")
	}
	return b, nil
}

func updateBandwidth(c *Cloud, q *request) (answer, *apiError) {
	qos := q.needNum("Qos", 1, maxQos)
	b, err := findBandwidth(q)
	if err != nil {
		return answer{}, err
	}
	return answer{task: c.newTask(q, b.id, func() { q.acct.setQos(b, qos) }, nil)}, nil
}

func (a *account) sharing(b *bandwidth) []*eip {
	return a.eips.list(func(e *eip) bool { return e.shared == b })
}

func deleteBandwidth(_ *Cloud, q *request) (answer, *apiError) {
	b, err := findBandwidth(q)
	if err != nil {
		return answer{}, err
	}
	if len(q.acct.sharing(b)) > 0 {
		return answer{}, inUse("addresses run over the bandwidth")
	}
	b.meter.stop()
	q.acct.bandwidths.remove(b.id)
	return answer{}, nil
}

// eipList reads EIPIdList.
func eipList(q *request) ([]*eip, *apiError) {
	out := []*eip{}
	for _, id := range q.needStrs("EIPIdList") {
		e := q.acct.eips.get(id)
		if e == nil {
			return nil, noResource("EIPIdList", id)
		}
		if err := e.still(q.now); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, q.err()
}

func addToBandwidth(c *Cloud, q *request) (answer, *apiError) {
	b, err := findBandwidth(q)
	if err != nil {
		return answer{}, err
	}
	all, err := eipList(q)
	if err != nil {
		return answer{}, err
	}
	for _, e := range all {
		if e.shared != nil || e.line.code != b.line.code || e.region.Code != b.region.Code || e.zone != nil && e.zone.Code != b.zone.Code {
			return answer{}, invalid("EIPIdList", "has an address that shares already or is of another place or line")
		}
	}
	for _, e := range all {
		e.busy = c.due()
	}
	return answer{task: c.newTask(q, b.id, func() {
		for _, e := range all {
			e.shared = b
			e.own.meter.stop()
		}
	}, nil)}, nil
}

// removeFromBandwidth deletes the addresses, or gives them bandwidth of their
// own again, which is bought anew.
func removeFromBandwidth(c *Cloud, q *request) (answer, *apiError) {
	drop := q.needFlag("Delete")
	all, err := eipList(q)
	if err != nil {
		return answer{}, err
	}
	for _, e := range all {
		if e.shared == nil {
			return answer{}, invalid("EIPIdList", "has an address that shares no bandwidth")
		}
		if drop && e.net != nil {
			return answer{}, inUse("the address %s is bound", e.ip)
		}
	}
	own, err := c.ownBandwidth(q, drop, len(all))
	if err != nil {
		return answer{}, err
	}
	for _, e := range all {
		e.busy = c.due()
	}
	return answer{task: c.newTask(q, all[0].id, func() {
		for _, e := range all {
			if drop {
				c.dropEIP(q.acct, e)
				continue
			}
			b := own
			b.id = e.own.id
			e.shared, e.own = nil, &b
			c.rentBand(q.acct, &b, e.id)
		}
	}, nil)}, nil
}

// ownBandwidth reads the bandwidth that removed addresses get.
func (c *Cloud) ownBandwidth(q *request, drop bool, count int) (bandwidth, *apiError) {
	if drop {
		return bandwidth{}, nil
	}
	b := bandwidth{region: q.needRegion(c), created: c.at, state: still(vpcOK)}
	b.zone = q.netZone(c, b.region, false)
	if q.err() == nil {
		b.line = q.needLine(b.region, "BandwidthType")
	}
	b.scheme, b.qos = q.oneOf("BillScheme", eipSchemes...), q.needNum("Qos", 1, maxQos)
	if err := q.err(); err != nil {
		return b, err
	}
	return b, c.afford(q.acct, q.acct.bandCost(&b)*Fen(count))
}

// billingSchemes answers which lines a region has and how they are billed.
func billingSchemes(c *Cloud, q *request) (answer, *apiError) {
	region, sort := q.needRegion(c), q.str("Type")
	q.needZone(c)
	rows := []object{}
	for _, l := range linesOf(region) {
		plans := []object{}
		for _, code := range slices.Concat(eipSchemes, sharedSchemes) {
			kind, name := "Bandwidth", "EIP带宽"
			if schemes[code].shared {
				kind, name = "Bandwidth_Shared", "共享带宽"
			}
			if sort == "" || sort == kind {
				plans = append(plans, object{"BillingScheme": code, "BillingSchemeName": schemes[code].name, "ResourceType": kind, "ResourceTypeName": name})
			}
		}
		rows = append(rows, object{"BandwidthType": l.code, "BandwidthTypeName": l.name, "BillingSchemeList": plans})
	}
	return answer{data: rows}, nil
}

// unitPrice answers what a megabit and an address cost.
func unitPrice(c *Cloud, q *request) (answer, *apiError) {
	region := q.needRegion(c)
	q.needZone(c)
	q.oneOf("Type", "Bandwidth", "Bandwidth_Shared")
	billing := q.oneOf("BillScheme", slices.Concat(eipSchemes, sharedSchemes)...)
	l := &line{}
	if q.err() == nil {
		l = q.needLine(region, "BandwidthType")
	}
	full, cycle, unit := l.mbpsFen, "/天", "Mb"
	switch plan := schemes[billing]; {
	case plan.traffic:
		full, cycle, unit = l.gbFen, "", "GB"
	case plan.method == monthly:
		full, cycle = l.mbpsFen*daysPerMonth, "/月"
	}
	return answer{data: object{
		"BandwidthPrice": q.acct.unit(full, cycle, unit), "EIPPrice": q.acct.unit(addressFen, "/天", "个"),
	}}, nil
}

func (a *account) unit(full Fen, cycle, unit string) object {
	mine := percentOf(full, a.PricePercent)
	discount, words := number(Fen(a.PricePercent).String()), Fen(a.PricePercent).String()
	if a.PricePercent == 100 {
		discount, words = number("1"), "无折扣"
	}
	return object{
		"Cycle": cycle, "Unit": unit, "Sign": "￥", "Discount": discount, "DiscountStr": words,
		"StdPrice": yuan(full), "StdPriceStr": full.String(), "Price": yuan(mine), "PriceStr": mine.String(),
	}
}
