package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// scheme is how bandwidth is billed.
type scheme struct {
	name    string
	method  string // monthly or onDemand
	traffic bool
	shared  bool
}

// schemes by BillScheme: the vendor writes them with a capital I in the middle.
var schemes = map[string]scheme{
	"BandwIdth":             {"固定带宽", onDemand, false, false},
	"BandwIdthMonth":        {"固定带宽包月", monthly, false, false},
	"Traffic":               {"流量", onDemand, true, false},
	"BandwIdth_Shared":      {"共享固定带宽", onDemand, false, true},
	"BandwIdthMonth_Shared": {"共享固定带宽包月", monthly, false, true},
	"Traffic_Shared":        {"共享流量", onDemand, true, true},
}

var (
	eipSchemes    = []string{"BandwIdth", "BandwIdthMonth", "Traffic"}
	sharedSchemes = []string{"BandwIdth_Shared", "BandwIdthMonth_Shared", "Traffic_Shared"}
)

// bandwidth is what a public address runs over: its own, or a shared one.
type bandwidth struct {
	id, name string
	shared   bool
	region   *Region
	zone     *place // nil on platform nodes
	line     *line
	scheme   string
	qos      int // Mbps
	state    phase
	created  time.Time
	meter    meter
}

// eip is a public address.
type eip struct {
	id, ip, note string
	region       *Region
	zone         *place // nil on platform nodes
	line         *line
	own          *bandwidth
	shared       *bandwidth // nil when it runs over its own
	net          *segment   // nil when it is not bound
	at           netip.Addr
	next         *segment // what a bind under way will bind to
	nextAt       netip.Addr
	state        phase
	busy         time.Time // until then a change is under way
	created      time.Time
	meter        meter
}

// band is the bandwidth that counts.
func (e *eip) band() *bandwidth {
	if e.shared != nil {
		return e.shared
	}
	return e.own
}

// maxQos bounds a bandwidth in Mbps.
const maxQos = 10000

func (a *account) boundTo(net *segment, ip netip.Addr) *eip {
	for _, e := range a.eips.list(func(e *eip) bool { return e.net == net && e.at == ip }) {
		return e
	}
	return nil
}

// eipsOf are the addresses that are bound to an instance or about to be.
func (a *account) eipsOf(i *instance) []*eip {
	has := func(net *segment, at netip.Addr) bool {
		return net == i.subnet && at == i.ip || slices.ContainsFunc(i.pub, func(p pubIP) bool { return net == p.net && at == p.ip })
	}
	return a.eips.list(func(e *eip) bool { return has(e.net, e.at) || has(e.next, e.nextAt) })
}

func zoneCode(z *place) string {
	if z == nil {
		return ""
	}
	return z.Code
}

// netZone reads the zone that edge nodes want and platform nodes do not have.
func (q *request) netZone(c *Cloud, r *Region, required bool) *place {
	z := q.optZone(c)
	switch {
	case r == nil || q.err() != nil:
		return z
	case z != nil && z.region.Code != r.Code:
		q.fail(invalid("AvailableZoneCode", "is not in the region"))
	case r.Platform:
		return nil
	case z == nil && required:
		q.fail(missing("AvailableZoneCode"))
	}
	return z
}

func describeEIPs(c *Cloud, q *request) (answer, *apiError) {
	region := q.needRegion(c)
	zone, keyword := q.netZone(c, region, true), q.str("Keyword")
	rows := []object{}
	for _, e := range q.acct.eips.list(func(e *eip) bool {
		return e.region.Code == region.Code && (zone == nil || zoneCode(e.zone) == zone.Code) && matches(keyword, e.id, e.ip)
	}) {
		rows = append(rows, e.row(q.now))
	}
	return answer{data: object{"Total": len(rows), "EIPList": rows}}, nil
}

func (e *eip) row(now time.Time) object {
	b := e.band()
	row := object{
		"Id": e.id, "IP": e.ip, "RegionCode": e.region.Code, "AvailableZoneCode": zoneCode(e.zone), "Status": e.state.at(now),
		"Description": e.note, "IsBind": e.net != nil, "CreateTime": clock(e.created), "BindResourceInfo": nil,
		"BandwidthInfo": object{
			"Id": b.id, "Name": "", "Qos": b.qos, "AvailableZoneCode": zoneCode(b.zone), "BandwidthType": b.line.code,
			"BillScheme": b.scheme, "Status": b.state.at(now), "CreateTime": clock(b.created),
		},
	}
	if info, ok := row["BandwidthInfo"].(object); ok && b.shared {
		info["Name"] = b.name
	}
	if e.net != nil {
		row["BindResourceInfo"] = object{"SubnetId": e.net.id, "SubnetIP": e.at.String()}
	}
	return row
}

// eipOrder is addresses that a call asks for.
type eipOrder struct {
	region *Region
	zone   *place
	line   *line
	scheme string
	qos    int
	count  int
	note   string
}

func createEIPs(c *Cloud, q *request) (answer, *apiError) {
	o := eipOrder{region: q.needRegion(c), note: q.str("Description")}
	o.zone = q.netZone(c, o.region, true)
	if q.err() == nil {
		o.line = q.needLine(o.region, "BandwidthType")
	}
	o.scheme = q.oneOf("BillScheme", eipSchemes...)
	o.qos, o.count = q.needNum("Qos", 1, maxQos), q.needNum("Size", 1, 100)
	q.subjectID()
	err := q.err()
	if err == nil {
		err = c.admitEIPs(q, o.count)
	}
	if err == nil {
		err = c.afford(q.acct, c.eipCost(q.acct, o.line, o.scheme, o.qos)*Fen(o.count))
	}
	if err != nil {
		return answer{}, err
	}
	rows := []object{}
	for range o.count {
		e := c.makeEIP(q, o)
		rows = append(rows, object{"EIPId": e.id, "IP": e.ip})
		q.subject = e.id
	}
	q.acct.buy("eip.description", o.note, o.count)
	return answer{data: rows}, nil
}

// subjectID reads the test fund of the vpc service.
func (q *request) subjectID() {
	id := q.num("SubjectId", 0, 0, 1<<30)
	if id != 0 && !slices.ContainsFunc(q.acct.Subjects, func(s Subject) bool { return s.ID == id }) {
		q.fail(noResource("SubjectId", fmt.Sprint(id)))
	}
}

// admitEIPs holds more addresses against the quota.
func (c *Cloud) admitEIPs(q *request, more int) *apiError {
	if have := q.acct.eips.len(); !c.replaying && more > 0 && c.limits.MaxEIPs > 0 && have+more > c.limits.MaxEIPs {
		return refuse(400, codeQuota, "the account may have %d addresses and has %d", c.limits.MaxEIPs, have)
	}
	return nil
}

// bandDay is a day's price of bandwidth; traffic has no rent.
func bandDay(a *account, l *line, billing string, qos int) Fen {
	if schemes[billing].traffic {
		return 0
	}
	return percentOf(l.mbpsFen*Fen(qos), a.PricePercent)
}

// daysPerMonth is how many days' prices a month of bandwidth costs.
const daysPerMonth = 20

// eipCost is what a new address with its bandwidth costs at once: a month, or an hour.
func (c *Cloud) eipCost(a *account, l *line, billing string, qos int) Fen {
	address := percentOf(addressFen, a.PricePercent)
	day := bandDay(a, l, billing, qos)
	if schemes[billing].method == monthly {
		return day*daysPerMonth + ceilDiv(address, 24)
	}
	return ceilDiv(day, 24) + ceilDiv(address, 24)
}

// publicIP is the next address of a line, of the ranges kept for documents
// and for measurements.
func (a *account) publicIP(c *Cloud, l *line) string {
	n := 0
	for _, other := range c.byName {
		n += other.lastIP[l.code]
	}
	a.lastIP[l.code]++
	return fmt.Sprintf("198.%d.%d.%d", 18+l.confID%2, (l.confID*40+n/250)%256, n%250+1)
}

func (c *Cloud) makeEIP(q *request, o eipOrder) *eip {
	ready := phase{doing: vpcCreating, due: c.due(), then: vpcOK}
	if q.taskFails(0) {
		ready.then = vpcError
	}
	own := &bandwidth{
		id: c.newUUID(), region: o.region, zone: o.zone, line: o.line, scheme: o.scheme, qos: o.qos, state: ready, created: c.at,
	}
	e := &eip{
		id: c.newUUID(), ip: q.acct.publicIP(c, o.line), note: o.note, region: o.region, zone: o.zone, line: o.line,
		own: own, state: ready, created: c.at, busy: c.due(),
	}
	q.acct.eips.add(e.id, e)
	c.rentBand(q.acct, own, e.id)
	c.start(q.acct, &e.meter, e.id, percentOf(addressFen, q.acct.PricePercent))
	return e
}

// rentBand takes the money for bandwidth: a month now, and each month again
// while it lives, or by the hour.
func (c *Cloud) rentBand(a *account, b *bandwidth, resource string) {
	day := bandDay(a, b.line, b.scheme, b.qos)
	if schemes[b.scheme].method == onDemand {
		c.start(a, &b.meter, resource, day)
		return
	}
	b.meter.running = true
	a.pay(resource, day*daysPerMonth)
	c.renewBand(a, b, resource, termEnd(c.at, 1, false))
}

func (c *Cloud) renewBand(a *account, b *bandwidth, resource string, at time.Time) {
	c.later(at, func() {
		if b.meter.running {
			a.pay(resource, bandDay(a, b.line, b.scheme, b.qos)*daysPerMonth)
			c.renewBand(a, b, resource, termEnd(at, 1, false))
		}
	})
}

// findEIP reads a required EIPId; one that is being changed is refused.
func findEIP(q *request) (*eip, *apiError) {
	id := q.need("EIPId")
	if err := q.err(); err != nil {
		return nil, err
	}
	e := q.acct.eips.get(id)
	if e == nil {
		return nil, noResource("EIPId", id)
	}
	q.subject = id
	return e, e.still(q.now)
}

func (e *eip) still(now time.Time) *apiError {
	if now.Before(e.busy) {
		return inUse("the address %s is being changed", e.ip)
	}
	return nil
}

func updateEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := findEIP(q)
	qos := q.num("Qos", 0, 1, maxQos)
	note, renamed := q.str("Description"), q.has("Description")
	if err == nil {
		err = q.err()
	}
	switch {
	case err != nil:
		return answer{}, err
	case qos == 0 && !renamed:
		return answer{}, missing("Description or Qos")
	case qos != 0 && e.shared != nil:
		return answer{}, inUse("the address runs over a shared bandwidth")
	}
	e.busy = c.due()
	return answer{task: c.newTask(q, e.id, func() {
		if renamed {
			e.note = note
		}
		if qos != 0 {
			q.acct.setQos(e.own, qos)
		}
	}, nil)}, nil
}

// setQos changes a bandwidth from the next hour or month on.
func (a *account) setQos(b *bandwidth, qos int) {
	b.qos = qos
	b.meter.day = bandDay(a, b.line, b.scheme, qos)
}

func deleteEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := findEIP(q)
	if err != nil {
		return answer{}, err
	}
	if e.net != nil {
		return answer{}, inUse("the address is bound")
	}
	c.dropEIP(q.acct, e)
	return answer{}, nil
}

func (c *Cloud) dropEIP(a *account, e *eip) {
	e.meter.stop()
	e.own.meter.stop()
	a.unbind(e)
	a.eips.remove(e.id)
}

func (c *Cloud) dropEIPsOf(a *account, i *instance) {
	for _, e := range a.eipsOf(i) {
		c.dropEIP(a, e)
	}
}

// place reads NetId and IP of a bind or unbind.
func bindPlace(q *request) (*segment, netip.Addr, *apiError) {
	text := q.need("IP")
	s, err := findSegment(q, false, true)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	a, ok := s.usable(text)
	if !ok {
		return nil, a, invalid("IP", "is no address of the network that can be bound")
	}
	return s, a, nil
}

func bindEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := findEIP(q)
	if err != nil {
		return answer{}, err
	}
	s, a, err := bindPlace(q)
	if err == nil {
		err = q.acct.bindable(e, s, a)
	}
	if err != nil {
		return answer{}, err
	}
	c.bindLater(e, s, a, "公网IP绑定")
	return answer{task: c.newTask(q, e.id, func() { e.bound() }, func() { q.acct.unbind(e) })}, nil
}

// bindLater claims an address for a bind under way.
func (c *Cloud) bindLater(e *eip, s *segment, a netip.Addr, note string) {
	e.busy, e.next, e.nextAt = c.due(), s, a
	if s.used[a] == nil {
		s.used[a] = &use{note: note}
	}
}

// bound ends a bind, unless what it was for has gone meanwhile.
func (e *eip) bound() {
	if e.next != nil {
		e.net, e.at, e.next = e.next, e.nextAt, nil
	}
}

// bindable refuses a bind: on edge nodes to anything but a gateway of the
// zone and line, on platform nodes to anything but a machine's private address.
func (a *account) bindable(e *eip, s *segment, ip netip.Addr) *apiError {
	switch {
	case e.net != nil:
		return inUse("the address is bound already")
	case s.vpc.region.Code != e.region.Code:
		return invalid("NetId", "is in another region")
	case e.region.Platform && (s.gateway || s.used[ip] == nil):
		return invalid("NetId", "must be the subnet of a machine that has this address")
	case !e.region.Platform && (!s.gateway || s.zone.Code != zoneCode(e.zone)):
		return invalid("NetId", "must be a virtual gateway of the zone")
	case !e.region.Platform && s.line != e.line.code:
		return invalid("NetId", "has another line than the address")
	}
	for _, other := range a.eips.list(func(o *eip) bool { return o.net == s && o.at == ip || o.next == s && o.nextAt == ip }) {
		return inUse("the private address has %s already", other.ip)
	}
	return nil
}

func unbindEIP(c *Cloud, q *request) (answer, *apiError) {
	e, err := findEIP(q)
	if err != nil {
		return answer{}, err
	}
	s, a, err := bindPlace(q)
	if err == nil && (e.net != s || e.at != a) {
		err = invalid("EIPId", "is not bound there")
	}
	if err != nil {
		return answer{}, err
	}
	e.busy = c.due()
	return answer{task: c.newTask(q, e.id, func() { q.acct.unbind(e) }, nil)}, nil
}

// unbind takes an address off what it is bound to, or was about to be, and
// frees the private one unless a machine has it.
func (a *account) unbind(e *eip) {
	s, at := e.net, e.at
	if s == nil {
		s, at = e.next, e.nextAt
	}
	if s != nil && s.used[at] != nil && s.used[at].instance == "" {
		delete(s.used, at)
	}
	e.net, e.next = nil, nil
}

// pair is one public address and the private one it goes to.
type pair struct {
	eip  *eip
	net  *segment
	at   netip.Addr
	note string
}

// reserveAndBind reserves addresses of gateways and binds public ones to them,
// pair by pair. There is nothing to poll but DescribeEIP.
func reserveAndBind(c *Cloud, q *request) (answer, *apiError) {
	zone := q.needZone(c)
	pairs := []pair{}
	for _, p := range q.needObjs("Ips") {
		more, err := readPairs(q, p, zone, pairs)
		if err != nil {
			return answer{}, err
		}
		pairs = more
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	for _, p := range pairs {
		c.bindLater(p.eip, p.net, p.at, p.note)
		if q.taskFails(0) {
			c.later(p.eip.busy, func() { q.acct.unbind(p.eip) })
		} else {
			c.later(p.eip.busy, p.eip.bound)
		}
	}
	return answer{noData: true}, nil
}

// readPairs adds the pairs of one gateway to those read before.
func readPairs(q *request, p *params, zone *place, pairs []pair) ([]pair, *apiError) {
	id, note := p.need("NetId"), p.need("Description")
	private, public := p.needStrs("AddressList"), p.needStrs("EIPList")
	if len(private) != len(public) {
		q.fail(invalid(p.path+"EIPList", "must have as many entries as AddressList"))
	}
	if err := q.err(); err != nil {
		return nil, err
	}
	s := q.acct.segments.get(id)
	if s == nil || !s.gateway || zone.Code != s.zone.Code {
		return nil, noResource("NetId", id)
	}
	for n := range private {
		at, ok := s.usable(private[n])
		e := q.acct.eipWith(public[n])
		switch {
		case !ok || s.used[at] != nil:
			return nil, inUse("the address %q is not free in the gateway", private[n])
		case e == nil:
			return nil, noResource("EIPList", public[n])
		case slices.ContainsFunc(pairs, func(o pair) bool { return o.eip == e || o.net == s && o.at == at }):
			return nil, invalid("Ips", "names an address twice")
		}
		if err := firstOf(e.still(q.now), q.acct.bindable(e, s, at)); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{e, s, at, note})
	}
	return pairs, nil
}

func firstOf(errs ...*apiError) *apiError {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *account) eipWith(ip string) *eip {
	for _, e := range a.eips.list(func(e *eip) bool { return e.ip == ip }) {
		return e
	}
	return nil
}
