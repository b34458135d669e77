package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// eip is one elastic IP. It is guarded by the Cloud's mutex.
type eip struct {
	Seq      int64  `json:"seq"`
	ID       string `json:"id"`
	Account  string `json:"account"`
	Project  string `json:"project"`
	Region   string `json:"region"`
	Addr     string `json:"addr"`
	Operator string `json:"operator"`
	Mbps     int    `json:"mbps"`
	PayMode  string `json:"pay_mode"`
	Name     string `json:"name"`
	Tag      string `json:"tag"`
	Remark   string `json:"remark,omitempty"`
	// Host is bound; ShownFrom is when DescribeEIP shows the last change, in unix milliseconds.
	Host      string `json:"host,omitempty"`
	ShownFrom int64  `json:"shown_from,omitempty"`
	lease
}

// eipOrder is a checked request for EIPs.
type eipOrder struct {
	operator, payMode string
	mbps              int
	name, tag, remark string
}

func (o *eipOrder) unit(a *account, charge string) Fen {
	return percentOf(perUnit(charge, eipMonth(o.operator, o.payMode, o.mbps)), a.PricePercent)
}

func (e *eip) key() scopeKey {
	return scopeKey{account: e.Account, project: e.Project, region: e.Region}
}

func (e *eip) billRow() bill {
	return bill{
		Kind: kindEIP, Resource: e.ID, Account: e.Account, Project: e.Project,
		Charge: e.Charge, Tag: e.Tag, Name: e.Name, Remark: e.Remark,
	}
}

func (c *Cloud) putEIP(e *eip) {
	s := c.scopeOf(e.key())
	c.eips[e.ID] = e
	i, _ := slices.BinarySearchFunc(s.eips, e.Seq, func(x *eip, seq int64) int { return cmp.Compare(x.Seq, seq) })
	s.eips = slices.Insert(s.eips, i, e)
	c.watch(e.ID, &e.lease)
}

// replaceEIP puts the newer version of an EIP in the place of the old one.
func (c *Cloud) replaceEIP(e *eip) {
	old := c.eips[e.ID]
	if old == nil {
		c.putEIP(e)
		return
	}
	*old = *e
	c.watch(old.ID, &old.lease)
}

// dropEIP removes an EIP; an unknown id is no change.
func (c *Cloud) dropEIP(id string) {
	e := c.eips[id]
	if e == nil {
		return
	}
	s := c.scopeOf(e.key())
	delete(c.eips, id)
	s.eips = slices.DeleteFunc(s.eips, func(x *eip) bool { return x.ID == id })
}

// operator reads OperatorName in any case; BGP and Bgp are the same.
func (q *request) operator() string { return q.operatorAt("OperatorName") }

func (q *request) operatorAt(name string) string {
	q.need(name)
	return q.oneOf(name, "Bgp", "Bgp", "International", "BGPPro")
}

func (q *request) payMode() string {
	return q.oneOf("PayMode", "Bandwidth", "Bandwidth", "Traffic")
}

// bandwidth checks the range a pay mode allows.
func (q *request) bandwidth(name, payMode string) int {
	q.need(name)
	mbps := q.num(name, 1, 0, 1<<20)
	hi := 10000
	if payMode == "Traffic" {
		hi = 300
	}
	if mbps < 1 || mbps > hi {
		q.fail(refuse(codeEIPBandwidth, "bandwidth must be 1 to %d Mb", hi))
	}
	return mbps
}

// embeddedEIP reads the address a host is created with, if any.
func (q *request) embeddedEIP() *eipOrder {
	const at = "NetworkInterface.0.EIP."
	if !q.has(at) {
		return nil
	}
	o := &eipOrder{name: "EIP", tag: q.str("Tag", "Default")}
	o.operator = q.operatorAt(at + "OperatorName")
	o.payMode = q.oneOf(at+"PayMode", "Bandwidth", "Bandwidth", "Traffic")
	o.mbps = q.bandwidth(at+"Bandwidth", o.payMode)
	return o
}

func allocateEIPs(c *Cloud, q *request) (answer, *retError) {
	o := &eipOrder{
		operator: q.operator(), payMode: q.payMode(),
		name: q.label("Name", "EIP"), tag: q.label("Tag", "Default"), remark: q.text("Remark"),
	}
	q.subject = short(cmp.Or(q.values["Remark"], q.values["Tag"]))
	o.mbps = q.bandwidth("Bandwidth", o.payMode)
	charge := q.oneOf("ChargeType", chargeMonth, chargeYear, chargeMonth, chargeDynamic)
	quantity := q.quantity(charge)
	count := q.num("Count", 1, 1, 100)
	if q.err != nil {
		return nil, q.err
	}
	if err := c.eipQuota(q, count); err != nil {
		return nil, err
	}
	if q.whole(charge, o.unit(q.acct, charge), quantity, count) > q.acct.books.Balance {
		return nil, refuse(codeEIPBalance, "balance is not enough")
	}
	rows, orderNo := []answer{}, c.newOrderNo()
	for range count {
		e := c.allocate(q, o, charge, quantity, orderNo)
		rows = append(rows, answer{"EIPId": e.ID, "EIPAddr": e.addrRows()})
	}
	return answer{"EIPSet": rows}, nil
}

// eipQuota counts over all projects of the account in the region.
func (c *Cloud) eipQuota(q *request, more int) *retError {
	have := 0
	for _, p := range q.acct.Projects {
		k := q.key()
		k.project = p.ID
		have += len(c.scopeOf(k).eips)
	}
	if c.limits.MaxEIPs > 0 && have+more > c.limits.MaxEIPs {
		return refuse(codeEIPQuota, "EIP quota is not enough")
	}
	return nil
}

// allocate makes and pays one EIP; the balance was checked before.
func (c *Cloud) allocate(q *request, o *eipOrder, charge string, quantity int, orderNo string) *eip {
	seq := c.nextSeq()
	e := &eip{
		Seq: seq, ID: newID("eip", seq), Account: q.acct.Name, Project: q.project, Region: q.region.Name,
		Addr: publicIP(seq), Operator: o.operator, Mbps: o.mbps, PayMode: o.payMode,
		Name: o.name, Tag: o.tag, Remark: o.remark,
	}
	var cost Fen
	e.lease, cost = newLease(charge, o.unit(q.acct, charge), quantity, q.now)
	c.putEIP(e)
	b := e.billRow()
	b.OrderNo, b.OrderType, b.Start, b.End = orderNo, orderBuy, e.Created, e.Expires
	c.charge(q.acct, b, cost, q.now)
	c.tx.EIPs = append(c.tx.EIPs, e)
	return e
}

// publicIP numbers addresses out of the range reserved for benchmarks, and
// beyond its 131072 out of the shared one.
func publicIP(seq int64) string {
	if seq < 1<<17 {
		return fmt.Sprintf("198.%d.%d.%d", 18+seq>>16, seq>>8&255, seq&255)
	}
	return fmt.Sprintf("100.%d.%d.%d", 64+seq>>16&63, seq>>8&255, seq&255)
}

func (e *eip) addrRows() []answer { return []answer{{"IP": e.Addr, "OperatorName": e.Operator}} }

// attach binds; the resource is set at once, the status follows one transition later.
func (c *Cloud) attach(e *eip, h *host, q *request) {
	e.Host, h.EIP = h.ID, e.ID
	e.ShownFrom = q.now.Add(c.transition()).UnixMilli()
	c.tx.EIPs = append(c.tx.EIPs, e)
	c.tx.Hosts = append(c.tx.Hosts, h)
}

func (c *Cloud) detach(e *eip, q *request) {
	if h := c.hosts[e.Host]; h != nil {
		h.EIP = ""
		c.tx.Hosts = append(c.tx.Hosts, h)
	}
	e.Host = ""
	e.ShownFrom = q.now.Add(c.transition()).UnixMilli()
	c.tx.EIPs = append(c.tx.EIPs, e)
}

func (c *Cloud) release(e *eip, q *request) {
	c.finish(&e.lease, q.acct, e.billRow(), q.now)
	c.dropEIP(e.ID)
	c.tx.GoneEIPs = append(c.tx.GoneEIPs, e.ID)
}

// eipOf reads EIPId and finds the EIP in the caller's scope.
func (c *Cloud) eipOf(q *request) (*eip, *retError) {
	id := q.need("EIPId")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	e := c.eips[id]
	if e == nil || e.key() != q.key() {
		return nil, noSuchEIP()
	}
	return e, nil
}

// bindTarget finds the EIP and the host of a bind or unbind.
func (c *Cloud) bindTarget(q *request) (*eip, *host, *retError) {
	kind, id := q.need("ResourceType"), q.need("ResourceId")
	e, err := c.eipOf(q)
	if err != nil {
		return nil, nil, err
	}
	if !strings.EqualFold(kind, kindHost) {
		return nil, nil, notAvailable("ResourceType")
	}
	h := c.hostIn(q, id)
	if h == nil {
		return nil, nil, refuse(codeNoSuchEIP, "resource does not exist")
	}
	return e, h, nil
}

func bindEIP(c *Cloud, q *request) (answer, *retError) {
	e, h, err := c.bindTarget(q)
	if err != nil {
		return nil, err
	}
	if e.expired(q.now) {
		return nil, refuse(4019, "EIP is frozen")
	}
	if e.Host != "" || h.EIP != "" {
		return nil, refuse(codeEIPTaken, "resource already has an EIP")
	}
	c.attach(e, h, q)
	return answer{}, nil
}

func unbindEIP(c *Cloud, q *request) (answer, *retError) {
	e, h, err := c.bindTarget(q)
	if err != nil {
		return nil, err
	}
	if e.Host != h.ID {
		return nil, refuse(codeEIPNotBound, "EIP is not bound to the resource")
	}
	c.detach(e, q)
	return answer{}, nil
}

func releaseEIP(c *Cloud, q *request) (answer, *retError) {
	e, err := c.eipOf(q)
	if err != nil && err.code == codeNoSuchEIP {
		return nil, refuse(codeNoSuchHost, "EIP does not exist") // the vendor's own code for a gone EIP
	}
	if err != nil {
		return nil, err
	}
	if e.Host != "" {
		return nil, refuse(codeEIPInUse, "EIP is in use")
	}
	c.release(e, q)
	return answer{}, nil
}

// updateEIP changes the texts that are given; at least one must be.
func updateEIP(c *Cloud, q *request) (answer, *retError) {
	name, tag, remark := q.label("Name", "EIP"), q.label("Tag", "Default"), q.text("Remark")
	given := func(field string) bool { return q.values[field] != "" }
	if !given("Name") && !given("Tag") && !given("Remark") {
		q.fail(missing("Name"))
	}
	e, err := c.eipOf(q)
	if err != nil {
		return nil, err
	}
	if q.err != nil {
		return nil, q.err
	}
	if given("Name") {
		e.Name = name
	}
	if given("Tag") {
		e.Tag = tag
	}
	if given("Remark") {
		e.Remark = remark
	}
	c.tx.EIPs = append(c.tx.EIPs, e)
	return answer{}, nil
}

func describeEIPs(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	ids, ips := q.list("EIPIds"), q.list("IPs")
	if q.err != nil {
		return nil, q.err
	}
	found, unbound, mbps := c.scopeOf(q.key()).eips, 0, 0
	if len(ids)+len(ips) > 0 {
		found = slices.DeleteFunc(slices.Clone(found), func(e *eip) bool {
			return !slices.Contains(ids, e.ID) && !slices.Contains(ips, e.Addr)
		})
	}
	for _, e := range found {
		mbps += e.Mbps
		if e.Host == "" {
			unbound++
		}
	}
	rows := []answer{}
	for _, e := range pageOf(found, offset, limit) {
		rows = append(rows, c.eipRow(e, q.now))
	}
	return answer{"TotalCount": len(found), "UnbindCount": unbound, "TotalBandwidth": mbps, "EIPSet": rows}, nil
}

// status shows a bind or unbind one transition late.
func (e *eip) status(now time.Time) string {
	used := e.Host != ""
	if now.UnixMilli() < e.ShownFrom {
		used = !used
	}
	switch {
	case e.expired(now):
		return "freeze"
	case used:
		return "used"
	default:
		return "free"
	}
}

func (c *Cloud) eipRow(e *eip, now time.Time) answer {
	resource := answer{}
	if h := c.hosts[e.Host]; h != nil {
		resource = answer{"ResourceType": kindHost, "ResourceID": h.ID, "ResourceId": h.ID, "ResourceName": h.Name, "EIPId": e.ID}
	}
	return answer{
		"EIPId": e.ID, "Status": e.status(now), "EIPAddr": e.addrRows(), "Resource": resource,
		"Bandwidth": e.Mbps, "BandwidthType": 0, "PayMode": e.PayMode, "ChargeType": e.Charge,
		"CreateTime": e.Created, "ExpireTime": e.Expires, "Expire": e.expired(now), "Weight": 50,
		"Name": e.Name, "Tag": e.Tag, "Remark": e.Remark,
		"ShareBandwidthSet": answer{}, "EIPBinding": answer{},
	}
}
