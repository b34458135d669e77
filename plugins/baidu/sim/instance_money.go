package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// renewInstance pays more months; relatedRenewFlag takes disks and address along.
func renewInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Billing billing `json:"billing"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	in.Billing.PaymentTiming = prepaid
	_, n, err := in.Billing.term()
	if err != nil {
		return nil, err
	}
	flag := strings.ToUpper(q.str("relatedRenewFlag"))
	rs := []leased{i}
	for _, r := range c.attachments(i.ID) {
		if r.rent().Payment == prepaid && strings.Contains(flag, r.service()) {
			rs = append(rs, r)
		}
	}
	o, err := c.buyRenewal(q, rs, n)
	if err != nil {
		return nil, err
	}
	return map[string]any{"orderId": o.ID}, nil
}

// buyRenewal checks and pays more months of resources of the caller.
func (c *Cloud) buyRenewal(q *request, rs []leased, n int) (*order, *apiError) {
	for _, r := range rs {
		if r.rent().Payment != prepaid || r.rent().Refunding != "" {
			return nil, wrongState("%s is not Prepaid or is being refunded", r.head().ID)
		}
	}
	price := Fen(0)
	for _, r := range rs {
		price += months(r.rent().Unit, n)
	}
	if c.books.get(q.acct.ID).Balance < price {
		return nil, lowBalance()
	}
	o := c.renew(q.acct, rs, n, q.now)
	o.AutoPaid = true
	c.extend(o, q.acct.ID, q.now)
	return o, nil
}

// toPrepaid turns an hourly instance into a monthly one, and its disks if asked.
func toPrepaid(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Duration int  `json:"duration"`
		Disks    bool `json:"relationCds"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	n, err := monthCount(in.Duration, "month")
	if err != nil {
		return nil, err
	}
	i, err := c.in(q, stRunning, stStopped)
	if err != nil {
		return nil, err
	}
	if i.Payment != postpaid {
		return nil, wrongState("The instance is Prepaid already")
	}
	rs := []leased{i}
	for _, r := range c.attachments(i.ID) {
		if v, ok := r.(*volume); ok && in.Disks && v.Payment == postpaid {
			rs = append(rs, v)
		}
	}
	o, err := c.convert(q, rs, n)
	if err != nil {
		return nil, err
	}
	return map[string]any{"orderId": o.ID}, nil
}

// convert makes hourly leases monthly ones and pays the first months.
func (c *Cloud) convert(q *request, rs []leased, n int) (*order, *apiError) {
	fresh, price, list := make([]lease, len(rs)), Fen(0), Fen(0)
	for k, r := range rs {
		fresh[k] = newLease(prepaid, monthOf(r), q.acct.Percent, q.now)
		price += months(fresh[k].Unit, n)
		list += months(fresh[k].List, n)
	}
	if c.books.get(q.acct.ID).Balance < price {
		return nil, lowBalance()
	}
	o := c.newOrder(q.acct, q.region.ID, orderToPrepay, rs[0].service(), q.now)
	o.Months, o.Price, o.List, o.AutoPaid = n, price, list, true
	for k, r := range rs {
		*r.rent() = fresh[k]
		o.Shorts, o.Resources = append(o.Shorts, r.head().ID), append(o.Resources, r.head().UUID)
	}
	c.extend(o, q.acct.ID, q.now)
	return o, nil
}

// monthOf is the list price of a resource for a month.
func monthOf(r leased) Fen {
	switch v := r.(type) {
	case *instance:
		return flavorOf(v.Zone, v.Spec).month + diskPrices()[v.RootType]*Fen(v.RootGB)
	case *eip:
		return addressMonth(v.Mbps, v.Traffic)
	case *volume:
		return diskPrices()[v.Type] * Fen(v.GB)
	default:
		return 0
	}
}

// refundable says why a prepaid instance cannot be refunded, or nothing.
func (c *Cloud) refundable(i *instance, now time.Time) *apiError {
	switch {
	case i.Protected:
		return wrongState("The instance is protected against deletion")
	case i.Payment != prepaid:
		return wrongState("The instance is not Prepaid; delete it")
	case i.Refunding != "":
		return wrongState("The instance is being refunded by order %s", i.Refunding)
	case i.expired(now):
		return wrongState("The instance has expired; delete it")
	}
	return nil
}

// withRelated are the instance and, if asked, its prepaid disks and address.
func (c *Cloud) withRelated(i *instance, related bool) []leased {
	rs := []leased{i}
	if !related {
		return rs
	}
	for _, r := range c.attachments(i.ID) {
		if r.rent().Payment == prepaid && r.rent().Refunding == "" {
			rs = append(rs, r)
		}
	}
	return rs
}

func deletePrepaid(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		ID      string `json:"instanceId"`
		Related bool   `json:"relatedReleaseFlag"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	q.vars, q.subject = []string{in.ID}, in.ID
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if i.expired(q.now) && !i.Protected {
		c.release(i, in.Related, q.now)
		return deleteAnswer(in.ID, "", []string{}, false), nil
	}
	if err := c.refundable(i, q.now); err != nil {
		return nil, err
	}
	rs, address, disks := c.withRelated(i, in.Related), "", []string{}
	for _, r := range rs {
		switch v := r.(type) {
		case *eip:
			address = v.IP
		case *volume:
			disks = append(disks, v.ID)
		}
	}
	c.askRefund(q.acct, rs, q.now, q.plan)
	return deleteAnswer(in.ID, address, disks, true), nil
}

func deleteAnswer(id, address string, disks []string, refund bool) any {
	part := func(id, eip string, volumes []string) any {
		return map[string]any{"instanceId": id, "eip": eip, "insnapIds": []string{}, "snapshotIds": []string{}, "volumeIds": volumes}
	}
	return map[string]any{
		"successResources": part(id, address, disks), "failResources": part("", "", []string{}), "instanceRefundFlag": refund,
	}
}

func batchRefund(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		IDs     []string `json:"instanceIds"`
		Related bool     `json:"relatedReleaseFlag"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > 100 {
		return nil, badBody("instanceIds holds 1 to 100 ids")
	}
	failed := []string{}
	slices.Sort(in.IDs)
	for _, id := range slices.Compact(in.IDs) {
		i := c.instances.get(id)
		if i == nil || i.Account != q.acct.ID || i.Region != q.region.ID || c.refundable(i, q.now) != nil {
			failed = append(failed, id)
			continue
		}
		c.askRefund(q.acct, c.withRelated(i, in.Related), q.now, q.plan)
	}
	return map[string]any{"failedInstanceIds": failed}, nil
}

// getPriceBySpec answers decimal strings in yuan for the whole purchase.
func getPriceBySpec(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		SpecID  string `json:"specId"`
		Spec    string `json:"spec"`
		Payment string `json:"paymentTiming"`
		Zone    string `json:"zoneName"`
		Count   int    `json:"purchaseCount"`
		Length  int    `json:"purchaseLength"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	zone := in.Zone
	if zone == "" {
		zone = q.region.Zones[0]
	}
	if !slices.Contains(q.region.Zones, zone) || in.Count < 0 || in.Count > 100 {
		return nil, badBody("zoneName or purchaseCount is invalid")
	}
	n := 0
	if strings.EqualFold(in.Payment, prepaid) {
		var err *apiError
		if n, err = monthCount(in.Length, "month"); err != nil {
			return nil, err
		}
	} else if !strings.EqualFold(in.Payment, postpaid) {
		return nil, badBody("paymentTiming %q is not supported", in.Payment)
	}
	rows := []any{}
	for _, f := range flavors(zone) {
		if (in.Spec != "" && f.spec != in.Spec) || (in.SpecID != "" && f.group != in.SpecID) {
			continue
		}
		rows = append(rows, c.specPrice(q, &f, zone, n, max(in.Count, 1)))
	}
	if len(rows) == 0 {
		return nil, refuse(http.StatusNotFound, codeNoSuchObject, "The specification is not sold in %s", zone)
	}
	return map[string]any{"price": []any{map[string]any{"specId": in.SpecID, "specPrices": rows}}}, nil
}

func (c *Cloud) specPrice(q *request, f *flavor, zone string, n, count int) any {
	l := newLease(postpaid, f.month, q.acct.Percent, q.now)
	price, list := l.Unit, l.List
	if n > 0 {
		l = newLease(prepaid, f.month, q.acct.Percent, q.now)
		price, list = months(l.Unit, n), months(l.List, n)
	}
	status := "available"
	if c.stockLeft(zone, f.spec) < count {
		status = "soldOut"
	}
	return map[string]any{
		"spec": f.spec, "status": status, "specPrice": (list * Fen(count)).String(), "tradePrice": (price * Fen(count)).String(),
	}
}
