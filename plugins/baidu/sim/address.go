package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states of an address that the simulator enters.
const (
	esAvailable = "available"
	esBinding   = "binding"
	esBound     = "binded"
	esUnbinding = "unbinding"
	esPaused    = "paused"
)

// eip is one public address. The vendor names it by the address itself.
type eip struct {
	meta
	lease
	IP, Name string
	Mbps     int
	Traffic  bool // billed by traffic, not by bandwidth
	Instance string
	Kind     string // of the instance
	Route    string
	Tags     []tag
	Life     life
}

func (e *eip) service() string { return "EIP" }
func (e *eip) title() string   { return e.Name }

func (e *eip) status(now time.Time) string {
	if e.expired(now) {
		return esPaused
	}
	return e.Life.at(now)
}

func (e *eip) bound(instance string, now time.Time) {
	e.Instance, e.Kind = instance, "BCC"
	e.Life = born(now, esBound)
}

func (e *eip) freed(now time.Time) {
	e.Instance, e.Kind = "", ""
	e.Life = born(now, esAvailable)
}

// addressMonth is the list price of a month; traffic is billed by the vendor
// in another way, so such an address has no rent.
func addressMonth(mbps int, traffic bool) Fen {
	if traffic {
		return 0
	}
	return Fen(min(mbps, 5))*2300 + Fen(max(mbps-5, 0))*8000
}

func addressOps() []op {
	const one = "/v1/eip/*"
	return []op{
		tokened("CreateEip", http.MethodPost, "/v1/eip", "", createEip),
		read("ListEip", http.MethodGet, "/v1/eip", listEip),
		tokened("BindEip", http.MethodPut, one, "bind", bindEip),
		tokened("UnBindEip", http.MethodPut, one, "unbind", unbindEip),
		tokened("ResizeEip", http.MethodPut, one, "resize", resizeEip),
		tokened("RenewEip", http.MethodPut, one, "purchaseReserved", renewEip),
		tokened("DeleteEip", http.MethodDelete, one, "", deleteEip),
		tokened("RefundEip", http.MethodPut, "/v1/eip/refund/*", "", refundEip),
	}
}

func (c *Cloud) addressFits(account, region string, n int) *apiError {
	have := len(c.eips.all(func(e *eip) bool { return e.Account == account && e.Region == region }))
	if limit := c.limits.MaxEIPs; limit > 0 && have+n > limit {
		return overQuota("addresses")
	}
	return nil
}

// newEIP makes an address that is not kept yet; lay does that.
func (c *Cloud) newEIP(a *account, region, name string, mbps int, traffic bool, payment string, now time.Time) *eip {
	e := &eip{
		meta: c.newMeta("ip-", a.ID, region, now), lease: newLease(payment, addressMonth(mbps, traffic), a.Percent, now),
		Name: name, Mbps: mbps, Traffic: traffic, Route: "BGP", Life: born(now, esAvailable),
	}
	for n := e.Seq; e.IP == "" || c.addressTaken(e.IP); n = c.nextSeq() {
		e.IP = fmt.Sprintf("198.%d.%d.%d", 18+n/62500%2, n/250%250, 1+n%250) // the block for tests
	}
	if e.Name == "" {
		e.Name = e.ID
	}
	return e
}

func (c *Cloud) addressTaken(ip string) bool {
	for _, e := range c.eips.rows {
		if e.IP == ip {
			return true
		}
	}
	return false
}

// addressBody is the body of a create of addresses.
type addressBody struct {
	Name    string  `json:"name"`
	Mbps    int     `json:"bandwidthInMbps"`
	Billing billing `json:"billing"`
	Tags    []tag   `json:"tags"`
	Route   string  `json:"routeType"`
	Count   int     `json:"count"`
}

func (b *addressBody) check() (traffic bool, payment string, n int, err *apiError) {
	payment, n, err = b.Billing.term()
	traffic = strings.EqualFold(b.Billing.BillingMethod, "ByTraffic")
	switch {
	case err != nil:
	case payment == prepaid && traffic:
		err = badBody("billing.billingMethod ByTraffic is Postpaid only")
	case payment == postpaid && !traffic && !strings.EqualFold(b.Billing.BillingMethod, "ByBandwidth"):
		err = badBody("billing.billingMethod is not ByTraffic or ByBandwidth")
	case b.Mbps < 1 || b.Mbps > 200 || b.Count < 0 || b.Count > 50:
		err = badBody("bandwidthInMbps is not between 1 and 200, or count is over 50")
	case b.Name != "" && !goodName(b.Name):
		err = badBody("name is invalid")
	default:
		err = checkTags(b.Tags)
	}
	return traffic, payment, n, err
}

// createEip buys one address, or several with the parameter action=batch.
func createEip(c *Cloud, q *request) (any, *apiError) {
	var in addressBody
	if err := q.json(&in); err != nil {
		return nil, err
	}
	traffic, payment, n, err := in.check()
	if err != nil {
		return nil, err
	}
	count := 1
	if q.str("action") == "batch" {
		count = max(in.Count, 1)
	}
	if err := c.addressFits(q.acct.ID, q.region.ID, count); err != nil {
		return nil, err
	}
	l := newLease(payment, addressMonth(in.Mbps, traffic), q.acct.Percent, q.now)
	price, list := months(l.Unit, n)*Fen(count), months(l.List, n)*Fen(count)
	if c.books.get(q.acct.ID).Balance < max(price, l.Unit*Fen(count)) {
		return nil, lowBalance()
	}
	o := c.newOrder(q.acct, q.region.ID, orderNew, "EIP", q.now)
	o.Price, o.List, o.AutoPaid = price, list, true
	o.Purchase = &purchase{Payment: payment, Months: n, Count: count}
	o.Product = o.Purchase.product()
	ips := []string{}
	for range count {
		e := c.newEIP(q.acct, q.region.ID, in.Name, in.Mbps, traffic, payment, q.now)
		e.Tags = in.Tags
		c.lay(o, e, q.acct.ID)
		ips = append(ips, e.IP)
	}
	c.finish(o, q.acct.ID, q.now)
	c.countBought("eip", in.Name, q.query["clientToken"], in.Tags, count)
	if q.str("action") == "batch" {
		return map[string]any{"eips": ips}, nil
	}
	return map[string]any{"eip": ips[0]}, nil
}

func listEip(c *Cloud, q *request) (any, *apiError) {
	rows := c.eips.all(func(e *eip) bool {
		return e.Account == q.acct.ID && e.Region == q.region.ID && q.passes("eip", e.IP) && q.passes("eipIds", e.ID) &&
			q.passes("instanceId", e.Instance) && q.passes("instanceType", e.Kind) && q.passes("status", e.status(q.now)) &&
			q.passes("name", e.Name)
	})
	return paged(q, "eipList", rows, func(e *eip) any { return e.wire(q.now) }), nil
}

func (e *eip) wire(now time.Time) any {
	method := "ByBandwidth"
	if e.Traffic {
		method = "ByTraffic"
	}
	return map[string]any{
		"name": e.Name, "eip": e.IP, "eipId": e.ID, "status": e.status(now), "eipInstanceType": "normal", "instanceType": e.Kind,
		"instanceId": e.Instance, "shareGroupId": "", "clusterId": "", "bandwidthInMbps": e.Mbps, "paymentTiming": e.Payment,
		"billingMethod": method, "createTime": stamp(e.Created), "expireTime": e.expireTime(), "region": e.Region, "routeType": e.Route,
		"tags": showTags(e.Tags), "deleteProtect": false, "bwShortId": "",
	}
}

// myEIP finds an address of the caller that is in one of the states.
func (c *Cloud) myEIP(q *request, states ...string) (*eip, *apiError) {
	found := c.eips.all(func(e *eip) bool { return e.IP == q.vars[0] && e.Account == q.acct.ID && e.Region == q.region.ID })
	if len(found) == 0 {
		return nil, noSuch("eip", q.vars[0])
	}
	if st := found[0].status(q.now); len(states) > 0 && !slices.Contains(states, st) {
		return nil, wrongState("The eip is %s; the call needs one of %v", st, states)
	}
	return found[0], nil
}

func bindEip(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Kind string `json:"instanceType"`
		ID   string `json:"instanceId"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	e, err := c.myEIP(q, esAvailable)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(in.Kind, "BCC") {
		return nil, badBody("instanceType %q is not simulated", in.Kind)
	}
	i := c.instances.get(in.ID)
	if i == nil || i.Account != q.acct.ID || i.Region != q.region.ID {
		return nil, noSuch("instance", in.ID)
	}
	for _, o := range c.eips.rows {
		if o.Instance == i.ID {
			return nil, wrongState("The instance has an eip already")
		}
	}
	e.Instance, e.Kind = i.ID, "BCC"
	e.Life = e.Life.change(q.now, c.transition(), esBinding, esBound)
	c.save(e)
	return empty(), nil
}

func unbindEip(c *Cloud, q *request) (any, *apiError) {
	e, err := c.myEIP(q, esBound, esPaused)
	if err != nil {
		return nil, err
	}
	if e.Instance == "" {
		return nil, wrongState("The eip is not bound")
	}
	e.Instance, e.Kind = "", ""
	e.Life = e.Life.change(q.now, c.transition(), esUnbinding, esAvailable)
	c.save(e)
	return empty(), nil
}

// resizeEip changes the bandwidth; of a prepaid address it can only grow, and
// the difference for the time left is paid at once.
func resizeEip(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Mbps int `json:"newBandwidthInMbps"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	e, err := c.myEIP(q, esAvailable, esBound)
	if err != nil {
		return nil, err
	}
	if in.Mbps < 1 || in.Mbps > 200 || (e.Payment == prepaid && in.Mbps < e.Mbps) {
		return nil, badBody("newBandwidthInMbps is not between 1 and 200, or smaller for a Prepaid eip")
	}
	fresh := newLease(e.Payment, addressMonth(in.Mbps, e.Traffic), q.acct.Percent, q.now)
	if e.Payment == prepaid {
		amount := e.difference(fresh.Unit, q.now)
		if c.books.get(q.acct.ID).Balance < amount {
			return nil, lowBalance()
		}
		o := c.newOrder(q.acct, e.Region, orderDilatation, "EIP", q.now)
		o.Price, o.List, o.AutoPaid = amount, amount, true
		o.Shorts, o.Resources = []string{e.ID}, []string{e.UUID}
		c.finish(o, q.acct.ID, q.now)
		b := c.billFor(e, q.now)
		b.Order, b.Type, b.Start, b.End, b.Amount, b.List = o.ID, o.Type, q.now.Unix(), e.Expires, amount, amount
		c.take(b)
		e.Terms = append(e.Terms, term{From: q.now.Unix(), To: e.Expires, Paid: amount, Payer: q.acct.ID})
	}
	e.Mbps, e.Unit, e.List = in.Mbps, fresh.Unit, fresh.List
	c.save(e)
	return empty(), nil
}

func renewEip(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Billing billing `json:"billing"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	e, err := c.myEIP(q)
	if err != nil {
		return nil, err
	}
	in.Billing.PaymentTiming = prepaid
	_, n, err := in.Billing.term()
	if err != nil {
		return nil, err
	}
	if _, err := c.buyRenewal(q, []leased{e}, n); err != nil {
		return nil, err
	}
	return empty(), nil
}

func deleteEip(c *Cloud, q *request) (any, *apiError) {
	e, err := c.myEIP(q, esAvailable, esPaused)
	if err != nil {
		return nil, err
	}
	if (e.Payment == prepaid && !e.expired(q.now)) || e.Instance != "" {
		return nil, wrongState("The eip is Prepaid or bound; refund or unbind it")
	}
	forget(c, c.eips, e.ID)
	return empty(), nil
}

func refundEip(c *Cloud, q *request) (any, *apiError) {
	e, err := c.myEIP(q, esAvailable)
	if err != nil {
		return nil, err
	}
	if e.Payment != prepaid || e.Refunding != "" {
		return nil, wrongState("The eip is not Prepaid or is being refunded")
	}
	c.askRefund(q.acct, []leased{e}, q.now, q.plan)
	return empty(), nil
}
