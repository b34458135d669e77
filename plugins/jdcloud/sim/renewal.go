package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// renewalActions are the calls of renewal and refund.
func renewalActions() []action {
	const region = "/regions/{regionId}/"
	on := func(service, name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: service, method: method, path: path, run: run}
	}
	return []action{
		on("renewal", "QueryInstance", "POST", "/v2"+region+"instances", queryRenewals),
		on("renewal", "RenewInstance", "POST", "/v2"+region+"instances:renew", renewInstances),
		on("renewal", "SetRenewal", "PUT", "/v2"+region+"instances:autoRenewStatus", setRenewal),
		on("refund", "SubmitResourceRefund", "POST", "/v1"+region+"refund:resource", submitRefund),
		on("refund", "DescirbeRefundStatus", "POST", "/v1"+region+"refund:status", refundStatus),
	}
}

// prepaidOf are the prepaid resources of a service in the region.
func (c *Cloud) prepaidOf(q *request, service string) []leased {
	var ids []string
	switch service {
	case serviceVM:
		ids = c.instances.keys
	case serviceDisk:
		ids = c.disks.keys
	case serviceIP:
		ids = c.eips.keys
	}
	var out []leased
	for _, id := range ids {
		if l, ok := c.leaseOf(q.acct.Name, id); ok && l.prepaid() && l.bill.Region == q.region {
			out = append(out, l)
		}
	}
	return out
}

// product reads appCode and serviceCode.
func (p *params) product() string {
	p.oneOf("appCode", p.need("appCode"), appCode)
	return p.oneOf("serviceCode", p.need("serviceCode"), serviceVM, serviceDisk, serviceIP)
}

func queryRenewals(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("queryInstanceParam")
	service := p.product()
	id, name := p.str("instanceId", ""), p.str("instanceName", "")
	auto := p.oneOf("renewStatus", "ALL", "AUTO", "MANUAL", "ALL")
	at := page{number: p.num("pageNumber", 1, 1, 1<<30), size: p.num("pageSize", 10, 1, 100)}
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := slices.DeleteFunc(c.prepaidOf(q, service), func(l leased) bool {
		return !either(id, l.bill.Resource) || !either(name, l.bill.Name) || (auto != "ALL" && (auto == "AUTO") != l.Charge.Auto)
	})
	rows := rowsOf(pageOf(found, at, false), func(l leased) answer { return l.renewalRow(q.now) })
	return answer{"listQueries": rows, "totalCount": len(found)}, nil
}

func (l leased) renewalRow(now time.Time) answer {
	status := "MANUAL"
	if l.Charge.Auto {
		status = "AUTO"
	}
	return answer{
		"appCode": appCode, "serviceCode": l.bill.Service, "resourceId": l.bill.Resource, "resourceName": l.bill.Name, "region": l.bill.Region,
		"billingType": "MONTHLY", "expireTime": time.Unix(l.Expires, 0).In(beijing()).Format(time.DateTime),
		"lastTime": max(l.Expires-now.Unix(), 0) / 86400, "autoRenewStatus": status, "autoRenewPeriod": fmt.Sprint(l.Charge.months()),
		"relationList": []answer{},
	}
}

// named reads the prepaid resources that a call names, all or none.
func (c *Cloud) named(q *request, p *params, service string) []leased {
	var out []leased
	text := p.need("instanceIds")
	q.subject = text
	ids := strings.Split(text, ",")
	if len(ids) > maxListed {
		p.fail(invalid(p.at("instanceIds"), "it names too many"))
		return nil
	}
	for i, id := range ids {
		l, ok := c.leaseOf(q.acct.Name, strings.TrimSpace(id))
		switch {
		case !ok || l.bill.Service != service || l.bill.Region != q.region:
			p.fail(notFound("resource", id))
		case !l.prepaid():
			p.fail(precondition("resource '%s' is not prepaid", id))
		case slices.Contains(ids[:i], id):
			p.fail(invalid(p.at("instanceIds"), "it names a resource twice"))
		}
		out = append(out, l)
	}
	return out
}

// renewInstances pays at once: callers from outside must say autoPay.
func renewInstances(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("renewInstanceParam")
	service := p.product()
	ch := charge{Mode: prepaid, Unit: unitMonth, Duration: p.needNum("timeSpan", 1, 36)}
	if p.oneOf("timeUnit", p.need("timeUnit"), "MONTH", "YEAR") == "YEAR" {
		ch.Unit = unitYear
	}
	if p.oneOf("unifyDate", "NO", "YES", "NO") == "YES" {
		p.fail(refuse(501, statusNotImpl, "unifyDate is not simulated"))
	}
	list := c.named(q, &p, service)
	if !p.flag("autoPay", false) {
		p.fail(invalid(p.at("autoPay"), "it must be true"))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	var sum Fen
	for _, l := range list {
		sum += ch.price(l.Month)
	}
	if sum > q.acct.books.Balance {
		return nil, noBalance()
	}
	o := c.newOrder(q.acct.Name, q.region, orderRenew, ch, q.now)
	ids := []string{}
	for _, l := range list {
		c.extendLease(l.lease, o, l.bill, ch.months(), ch.price(l.Month), q.now)
		c.wakeAt(l.bill.Resource, q.now)
		l.keep()
		ids = append(ids, l.bill.Resource)
	}
	c.notePurchase(purchase{Kind: kindRenewal, Names: ids, Resources: len(ids)})
	return answer{"orderNumber": o.Number}, nil
}

func setRenewal(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("setRenewalParam")
	service := p.product()
	status := p.oneOf("autoRenewStatus", p.need("autoRenewStatus"), "OPEN", "CLOSE", "MODIFY")
	span, unit := p.num("timeSpan", 1, 1, 36), p.oneOf("timeUnit", "MONTH", "MONTH", "YEAR")
	list := c.named(q, &p, service)
	if q.failed() != nil {
		return nil, q.failed()
	}
	for _, l := range list {
		l.Charge.Auto = status != "CLOSE"
		if status != "CLOSE" {
			l.Charge.Duration, l.Charge.Unit = span, strings.ToLower(unit)
		}
		c.wakeAt(l.bill.Resource, q.now)
		l.keep()
	}
	return answer{"stringResult": "success"}, nil
}

// refund is one refund of a resource; it never changes.
type refund struct {
	ID       string `json:"id"`
	Account  string `json:"account"`
	Resource string `json:"resource"`
	Amount   Fen    `json:"amount_fen"`
	Created  int64  `json:"created"`
}

// submitRefund gives back the unused part of a prepaid resource and deletes
// it. Refusals of the business come as success false within the result.
func submitRefund(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("jsonBody")
	id := p.need("resourceId")
	q.subject = id
	if q.failed() != nil {
		return nil, q.failed()
	}
	no := func(code int, text string) (answer, *apiError) {
		return answer{"success": false, "code": code, "data": "", "message": text}, nil
	}
	l, ok := c.leaseOf(q.acct.Name, id)
	switch {
	case !ok || l.bill.Region != q.region:
		return no(404, "the resource does not exist")
	case !l.unexpired(q.now):
		return no(400, "the resource is not prepaid or has expired")
	case c.held(id, q.now):
		return no(400, "the resource has a task in progress or is in use")
	}
	amount := l.refund(q.now)
	r := &refund{ID: fmt.Sprintf("rf%010d", c.nextSeq()), Account: q.acct.Name, Resource: id, Amount: amount, Created: q.now.Unix()}
	c.refunds.put(r.ID, r)
	b := l.bill
	b.Action, b.Start, b.End = actionRefund, q.now.Unix(), l.Expires
	c.charge(b, -amount, q.now)
	c.closeOrders(l.lease, id, q.now)
	l.lease.end(q.now)
	l.keep()
	c.release(id, q.now)
	return answer{"success": true, "code": 200, "data": r.ID, "message": "success"}, nil
}

// closeOrders spreads a refund over the orders that paid the lease.
func (c *Cloud) closeOrders(l *lease, id string, now time.Time) {
	for _, t := range l.Terms {
		if o := c.orders.get(t.Order); o != nil {
			one := lease{Terms: []term{t}}
			o.giveBack(id, one.refund(now))
			c.orders.put(o.Number, o)
		}
	}
}

// end makes a lease that costs nothing more.
func (l *lease) end(now time.Time) {
	l.Expires, l.Terms, l.Charge.Auto = now.Unix(), nil, false
}

// held tells whether a resource cannot be refunded now.
func (c *Cloud) held(id string, now time.Time) bool {
	if h := c.instances.get(id); h != nil {
		return h.working(now)
	}
	if d := c.disks.get(id); d != nil {
		return d.running(now) || d.State != diskAvailable
	}
	e := c.eips.get(id)
	return e != nil && (e.running(now) || e.NIC != "")
}

// release deletes a refunded resource.
func (c *Cloud) release(id string, now time.Time) {
	if h := c.instances.get(id); h != nil {
		c.beginDelete(h, now)
	} else if d := c.disks.get(id); d != nil {
		c.changeDisk(d, d.become(now, c.transition(), diskDeleting, stateGone))
	} else {
		c.eips.drop(id)
	}
}

func refundStatus(c *Cloud, q *request) (answer, *apiError) {
	if pin := q.need("pin"); pin != "" && pin != pinOf(q.acct.Name) {
		q.fail(refuse(403, statusForbidden, "the pin belongs to somebody else"))
	}
	id, resource := q.str("refundId", ""), q.str("resourceId", "")
	p := page{number: q.num("pageNumber", 1, 1, 1<<30), size: q.num("pageSize", 10, 1, 100)}
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.refunds.where(func(r *refund) bool {
		return r.Account == q.acct.Name && either(id, r.ID) && either(resource, r.Resource)
	})
	rows := rowsOf(pageOf(found, p, false), func(r *refund) answer {
		at := time.Unix(r.Created, 0).In(beijing()).Format(time.DateTime)
		return answer{
			"id": r.Created, "pin": pinOf(r.Account), "refundId": r.ID, "resourceId": r.Resource, "recordNumberList": "",
			"refundAmount": r.Amount.String(), "status": "SUCCESS", "createTime": at, "updateTime": at,
		}
	})
	return answer{"pageInfos": answer{"currentPage": p.number, "pageSize": p.size, "totalRecord": len(found)}, "data": rows}, nil
}
