package sim

import (
	"fmt"
	"time"
)

// The words of an address.
const (
	eipUp         = "UP"
	eipProcessing = "PROCESSING"
)

// eip is one elastic address.
type eip struct {
	place
	ID        string `json:"id"`
	Addr      string `json:"addr"`
	Mbps      int    `json:"mbps"`
	Provider  string `json:"provider"`
	NIC       string `json:"nic,omitempty"`
	PrivateIP string `json:"private_ip,omitempty"`
	Instance  string `json:"instance,omitempty"`
	Tags      []tag  `json:"tags,omitempty"`
	Group     string `json:"resource_group,omitempty"`
	Type      string `json:"type"`
	life
	lease
}

// eipSpec is a checked ElasticIpSpec.
type eipSpec struct {
	mbps     int
	provider string
	charge   charge
	tags     []tag
	group    string
	addr     string
	kind     string
}

func (s *eipSpec) month(a *account) Fen {
	return percentOf(eipMonth(s.mbps, s.charge.Mode == byUsage), a.PricePercent)
}

func (e *eip) billRow() bill {
	return bill{Service: serviceIP, Resource: e.ID, Account: e.Account, Region: e.Region, Mode: e.Charge.Mode, Name: e.Addr, Tags: e.Tags}
}

// eipActions are the calls of the vpc service about addresses.
func eipActions() []action {
	const all = "/v1/regions/{regionId}/elasticIps/"
	on := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vpc", method: method, path: path, run: run}
	}
	return []action{
		on("CreateElasticIps", "POST", all, createEIPs),
		on("DescribeElasticIps", "GET", all, describeEIPs),
		on("DescribeElasticIp", "GET", all+"{elasticIpId}", describeEIP),
		on("ModifyElasticIp", "PATCH", all+"{elasticIpId}", modifyEIP),
		on("DeleteElasticIp", "DELETE", all+"{elasticIpId}", deleteEIP),
		on("SetElasticIpStatus", "POST", "/v1/regions/{regionId}/natGateways/{natGatewayId}:setElasticIpStatus", setEIPStatus),
	}
}

// eipSpec reads bandwidth, provider and charge.
func (p *params) eipSpec(field string, def charge, q *request) *eipSpec {
	s := &eipSpec{provider: p.oneOf("provider", p.need("provider"), "bgp", "no_bgp"), kind: "standard"}
	s.charge = p.chargeSpec(field, def, prepaid, postpaid, byUsage)
	most := 1000
	if s.charge.Mode == byUsage {
		most = 200
	}
	s.mbps = p.needNum("bandwidthMbps", 1, most)
	if q.act.service == "vm" && s.charge.Mode != byUsage && s.charge.Mode != def.Mode {
		p.fail(invalid(p.at(field), "its charge mode is not the instance's"))
	}
	return s
}

func createEIPs(c *Cloud, q *request) (answer, *apiError) {
	n := q.needNum("maxCount", 1, 100)
	obj := q.needObj("elasticIpSpec")
	if q.failed() != nil {
		return nil, q.failed()
	}
	s := obj.eipSpec("chargeSpec", charge{Mode: postpaid}, q)
	s.tags, s.group = q.userTags("userTags"), q.str("resourceGroupId", "")
	s.addr, s.kind = q.str("elasticIpAddress", ""), q.oneOf("ipType", "standard", "standard", "edge")
	dry := q.flag("dryRun", false)
	if s.addr != "" && (n > 1 || c.eipAt(s.addr) != nil) {
		q.fail(invalid("elasticIpAddress", "the address cannot be had"))
	}
	if len(s.tags) > 0 {
		q.subject = s.tags[0].Value
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	if err := c.eipQuota(q, n); err != nil {
		return nil, err
	}
	if s.charge.price(s.month(q.acct))*Fen(n) > q.acct.books.Balance {
		return nil, noBalance()
	}
	out := answer{"elasticIpIds": []string{}, "requestId": newRequestID()}
	if !dry {
		out["elasticIpIds"] = c.deliverEIPs(q, s, n)
	}
	return out, nil
}

func (c *Cloud) deliverEIPs(q *request, s *eipSpec, n int) []string {
	ids := []string{}
	ord := c.newOrder(q.acct.Name, q.region, orderNew, s.charge, q.now)
	for range n {
		ids = append(ids, c.makeEIP(q, *s, ord).ID)
	}
	if s.charge.Mode == prepaid {
		c.orders.put(ord.Number, ord)
	}
	c.notePurchase(purchase{Kind: kindEIP, Tags: s.tags, Resources: n})
	return ids
}

func (c *Cloud) eipQuota(q *request, n int) *apiError {
	if c.limits.MaxEIPs == 0 {
		return nil
	}
	if have := len(c.eips.where(func(e *eip) bool { return e.in(q) })); have+n > c.limits.MaxEIPs {
		return quota("elasticIps")
	}
	return nil
}

func (c *Cloud) eipAt(addr string) *eip {
	for _, e := range c.eips.rows {
		if e.Addr == addr {
			return e
		}
	}
	return nil
}

func (c *Cloud) makeEIP(q *request, s eipSpec, ord *order) *eip {
	seq := c.nextSeq()
	e := &eip{
		place: q.here(), ID: c.newID("fip"), Addr: s.addr, Mbps: s.mbps, Provider: s.provider, Tags: s.tags, Group: s.group, Type: s.kind,
	}
	if e.Addr == "" {
		// Addresses of the range set aside for benchmarks, which nobody routes.
		e.Addr = fmt.Sprintf("198.%d.%d.%d", 18+seq>>16&1, seq>>8&255, seq&255)
	}
	e.become(q.now, c.transition(), eipProcessing, eipUp)
	e.lease = open(s.charge, s.month(q.acct), ord.Number, q.now)
	c.pay(&e.lease, e.billRow(), ord, q)
	c.eips.put(e.ID, e)
	return e
}

func (c *Cloud) wakeEIP(e *eip, now time.Time) {
	before := e.Expires
	if c.settleLease(&e.lease, e.billRow(), false, now) {
		c.wakeAt(e.ID, time.Unix(e.Expires, 0))
	}
	if e.Expires != before {
		c.eips.put(e.ID, e)
	}
}

func (e *eip) status() string {
	if e.NIC != "" {
		return "ASSOCIATED"
	}
	return "NOT_ASSOCIATED"
}

// eipOf finds an address by its id.
func (c *Cloud) eipOf(q *request, id string) (*eip, *apiError) {
	q.subject = id
	if e := c.eips.get(id); e != nil && e.in(q) {
		return e, nil
	}
	return nil, notFound("elasticIp", id)
}

func describeEIPs(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("elasticIpIds", "elasticIpAddress", "chargeStatus", "status", "ipType", "azs", "bandwidthPackageId")
	found := c.eips.where(func(e *eip) bool { return e.in(q) && passAll(conds, c.eipFields(e, q)) })
	return listed(q, "elasticIps", found, func(e *eip) answer { return c.eipRow(e, q) })
}

func (c *Cloud) eipFields(e *eip, q *request) func(string) []string {
	charge, _ := e.wire(q.acct, q.now)["chargeStatus"].(string)
	return func(name string) []string {
		if name == "status" {
			return []string{e.status(), "ALL"}
		}
		return pick(map[string]string{"elasticIpIds": e.ID, "elasticIpAddress": e.Addr, "chargeStatus": charge, "ipType": e.Type}, e.Tags)(name)
	}
}

func (c *Cloud) eipRow(e *eip, q *request) answer {
	row := answer{
		"elasticIpId": e.ID, "elasticIpAddress": e.Addr, "bandwidthMbps": e.Mbps, "provider": e.Provider,
		"privateIpAddress": e.PrivateIP, "networkInterfaceId": e.NIC, "instanceId": e.Instance, "instanceType": "",
		"charge": e.wire(q.acct, q.now), "createdTime": iso(e.Created), "az": "", "tags": tagRows(e.Tags), "ipType": e.Type,
		"bandwidthPackageId": "", "status": e.status(), "state": e.at(q.now), "resourceGroupId": e.Group,
	}
	if e.Instance != "" {
		row["instanceType"] = "compute"
	}
	if e.expired(q.now) {
		row["state"] = "DOWN"
	}
	return row
}

func describeEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := c.eipOf(q, q.need("elasticIpId"))
	if err != nil {
		return nil, err
	}
	return answer{"elasticIp": c.eipRow(e, q)}, nil
}

func modifyEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := c.eipOf(q, q.need("elasticIpId"))
	if err != nil {
		return nil, err
	}
	most := 1000
	if e.Charge.Mode == byUsage {
		most = 200
	}
	mbps := q.needNum("bandwidthMbps", 1, most)
	if q.failed() != nil {
		return nil, q.failed()
	}
	month := percentOf(eipMonth(mbps, e.Charge.Mode == byUsage), q.acct.PricePercent)
	l, _ := c.leaseOf(e.Account, e.ID)
	if err := c.repriced(l, month, q); err != nil {
		return nil, err
	}
	e.Mbps = mbps
	c.eips.put(e.ID, e)
	return nil, nil
}

func deleteEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := c.eipOf(q, q.need("elasticIpId"))
	switch {
	case err != nil:
		return nil, err
	case e.NIC != "":
		return nil, precondition("elasticIp '%s' is associated", e.ID)
	case e.running(q.now):
		return nil, busy("elasticIp", e.ID)
	case e.unexpired(q.now):
		return nil, precondition("elasticIp '%s' is prepaid and has not expired", e.ID)
	}
	c.eips.drop(e.ID)
	return nil, nil
}

// setEIPStatus concerns NAT gateways, of which there are none here.
func setEIPStatus(_ *Cloud, q *request) (answer, *apiError) {
	return nil, notFound("natGateway", q.need("natGatewayId"))
}

// bindEIP puts an address on an interface.
func (c *Cloud) bindEIP(e *eip, n *nic, q *request) {
	e.NIC, e.PrivateIP, e.Instance = n.ID, n.IP, n.Instance
	e.become(q.now, c.transition(), eipProcessing, eipUp)
	n.EIP = e.ID
	c.eips.put(e.ID, e)
	c.nics.put(n.ID, n)
}

// associate binds an address that is free to an interface that has none.
func (c *Cloud) associate(q *request, n *nic, id string) (answer, *apiError) {
	e, err := c.eipOf(q, id)
	if err != nil {
		return nil, err
	}
	switch {
	case n == nil:
		return nil, precondition("the instance has no primary network interface")
	case e.running(q.now):
		return nil, busy("elasticIp", e.ID)
	case e.NIC != "":
		return nil, precondition("elasticIp '%s' is associated already", e.ID)
	case n.EIP != "":
		return nil, precondition("networkInterface '%s' has an elasticIp already", n.ID)
	case e.expired(q.now):
		return nil, precondition("elasticIp '%s' is overdue", e.ID)
	}
	c.bindEIP(e, n, q)
	return nil, nil
}

// disassociate takes an address off an interface.
func (c *Cloud) disassociate(q *request, n *nic, id string) (answer, *apiError) {
	e, err := c.eipOf(q, id)
	if err != nil {
		return nil, err
	}
	switch {
	case n == nil || e.NIC != n.ID:
		return nil, precondition("elasticIp '%s' is not associated with it", e.ID)
	case e.running(q.now):
		return nil, busy("elasticIp", e.ID)
	}
	e.NIC, e.PrivateIP, e.Instance, n.EIP = "", "", "", ""
	e.become(q.now, c.transition(), eipProcessing, eipUp)
	c.eips.put(e.ID, e)
	c.nics.put(n.ID, n)
	return nil, nil
}

func associateToInstance(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("elasticIpId")
	h, err := c.instanceIn(q, stateRunning, stateStopped)
	if err != nil {
		return nil, err
	}
	return c.associate(q, c.nics.get(h.NIC), id)
}

func disassociateFromInstance(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("elasticIpId")
	h, err := c.freeInstance(q)
	if err != nil {
		return nil, err
	}
	return c.disassociate(q, c.nics.get(h.NIC), id)
}

// addressIn reads the address that a call about an interface names, by id or
// by the address itself.
func (c *Cloud) addressIn(q *request) string {
	if addr := q.str("elasticIpAddress", ""); addr != "" && !q.has("elasticIpId") {
		if e := c.eipAt(addr); e != nil {
			return e.ID
		}
		return addr
	}
	return q.need("elasticIpId")
}

func associateToNIC(c *Cloud, q *request) (answer, *apiError) {
	n, err := c.nicOf(q)
	if err != nil {
		return nil, err
	}
	id := c.addressIn(q)
	if ip := q.str("privateIpAddress", n.IP); ip != n.IP {
		q.fail(invalid("privateIpAddress", "the interface does not have it"))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	return c.associate(q, n, id)
}

func disassociateFromNIC(c *Cloud, q *request) (answer, *apiError) {
	n, err := c.nicOf(q)
	if err != nil {
		return nil, err
	}
	id := c.addressIn(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	return c.disassociate(q, n, id)
}
