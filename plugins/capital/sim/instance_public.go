package sim

import "net/netip"

// pubOrder is one entry of PubnetInfo: an address of each instance that gets
// a public one, new or existing.
type pubOrder struct {
	net     *segment
	virtual bool
	eips    []*eip       // existing ones, one per instance
	buy     *eipOrder    // or new ones
	ips     []netip.Addr // in the gateway, one per instance
}

// createBills are the words CreateInstance has for BillScheme.
var createBills = map[string]string{"Bandwidth": "BandwIdth", "BandwidthMonth": "BandwIdthMonth", "Traffic": "Traffic"}

// readPublic reads PubnetInfo.
func (o *order) readPublic(c *Cloud, q *request) {
	for _, p := range q.objs("PubnetInfo") {
		pub := pubOrder{net: q.acct.segments.get(p.need("SubnetId"))}
		pub.virtual = p.str("IpType") == "virtual"
		if t := p.str("IpType"); t != "" && !pub.virtual && t != "default_gateway" {
			p.fail(invalid(p.path+"IpType", "must be default_gateway or virtual"))
		}
		if q.err() != nil {
			return
		}
		if !o.fitsNet(pub.net) {
			p.fail(noResource(p.path+"SubnetId", p.str("SubnetId")))
			return
		}
		pub.readEIPs(q, p, o)
		if pub.net.gateway && q.err() == nil {
			pub.takeAddresses(q, o)
		}
		o.pub = append(o.pub, pub)
	}
}

// fitsNet tells whether public addresses of the order may go over a network:
// a virtual gateway on edge nodes, the order's own subnet on platform nodes.
func (o *order) fitsNet(s *segment) bool {
	if s == nil || s.zone.Code != o.proto.zone.Code || s.vpc != o.proto.subnet.vpc {
		return false
	}
	if s.vpc.region.Platform {
		return s == o.proto.subnet
	}
	return s.gateway
}

// readEIPs reads the existing addresses, or what new ones are to be.
func (pub *pubOrder) readEIPs(q *request, p *params, o *order) {
	ids := p.strs("EipIds")
	if len(ids) == 0 {
		pub.buyEIPs(q, p, o)
		return
	}
	if len(ids) != o.number {
		p.fail(invalid(p.path+"EipIds", "must have as many entries as instances are wanted"))
		return
	}
	for _, id := range ids {
		e := q.acct.eips.get(id)
		if e == nil {
			p.fail(noResource(p.path+"EipIds", id))
			return
		}
		if e.net != nil || e.still(q.now) != nil || e.region.Code != o.proto.zone.region.Code || pub.net.gateway && e.line.code != pub.net.line {
			p.fail(notPermitted("the address %s is in use or of another region or line", e.ip))
			return
		}
		pub.eips = append(pub.eips, e)
	}
}

// buyEIPs reads the bandwidth of new addresses; none is wanted without it.
func (pub *pubOrder) buyEIPs(q *request, p *params, o *order) {
	if !p.has("BandwidthType") && !p.has("Qos") {
		return
	}
	word := p.oneOf("BandwidthType", "Bandwidth", "BandwidthMonth", "Traffic")
	qos := p.needNum("Qos", 1, maxQos)
	if o.proto.method == monthly && word == "Bandwidth" {
		p.fail(invalid(p.path+"BandwidthType", "must be BandwidthMonth with a monthly instance"))
	}
	region := o.proto.zone.region
	l := linesOf(region)[0]
	z := o.proto.zone
	if pub.net.gateway {
		l = lineOf(region, pub.net.line)
	} else {
		z = nil
	}
	pub.buy = &eipOrder{region: region, zone: z, line: l, scheme: createBills[word], qos: qos}
}

// takeAddresses chooses an address of the gateway for each instance.
func (pub *pubOrder) takeAddresses(q *request, o *order) {
	taken := []netip.Addr{}
	for _, other := range o.pub {
		if other.net == pub.net {
			taken = append(taken, other.ips...)
		}
	}
	for range o.number {
		a, ok := pub.net.free(taken)
		if !ok {
			q.fail(refuse(400, codeQuota, "the gateway has no free address"))
			return
		}
		taken, pub.ips = append(taken, a), append(pub.ips, a)
	}
}

// newEIPs is how many addresses an order buys.
func (o *order) newEIPs() int {
	n := 0
	for _, p := range o.pub {
		if p.buy != nil {
			n += o.number
		}
	}
	return n
}

// makePublic gives one instance of an order its public addresses.
func (c *Cloud) makePublic(q *request, o *order, i *instance, n int) {
	for _, p := range o.pub {
		at := i.ip
		if p.net.gateway {
			at = p.ips[n]
			p.net.used[at] = &use{instance: i.id}
			i.pub = append(i.pub, pubIP{p.net, at, p.virtual})
		}
		var e *eip
		switch {
		case p.eips != nil:
			e = p.eips[n]
		case p.buy != nil:
			e = c.makeEIP(q, *p.buy)
		default:
			continue
		}
		c.bindLater(e, p.net, at, "")
		c.later(e.busy, e.bound)
	}
}
