package sim

import (
	"net/netip"
	"strings"
	"time"
)

// vpc is a private network of one region.
type vpc struct {
	id, name string
	prefix   netip.Prefix
	region   *Region
	line     string // BandwidthType, on edge nodes
	created  time.Time
	state    phase
}

// segment is a subnet of a vpc, or a virtual gateway, whose addresses carry
// public ones on edge nodes.
type segment struct {
	id, name string
	gateway  bool
	line     string // Type, of a gateway
	prefix   netip.Prefix
	vpc      *vpc
	zone     *place
	state    phase
	used     map[netip.Addr]*use
	reserved int // fixed addresses, which are not in used
}

// use is what an address is taken for.
type use struct {
	instance string // empty for a reserved address
	note     string
}

// words of the vpc service for changes under way.
const (
	vpcCreating = "creating"
	vpcDeleting = "deleting"
	vpcOK       = "ok"
	vpcError    = "error"
)

// arriving is the state of what is created; it ends in error when a fault struck.
func (c *Cloud) arriving(q *request) phase {
	p := phase{doing: vpcCreating, due: c.due(), then: vpcOK}
	if q.taskFails(0) {
		p.then = vpcError
	}
	return p
}

// needPrefix reads a network of 16 to 29 bits in one of the private ranges.
func (p *params) needPrefix(name string) netip.Prefix {
	text := p.need(name)
	prefix, err := netip.ParsePrefix(text)
	if text != "" && (err != nil || !prefix.Addr().Is4() || !prefix.Addr().IsPrivate() || prefix != prefix.Masked() || prefix.Bits() < 16 || prefix.Bits() > 29) {
		p.fail(invalid(p.path+name, "must be a private IPv4 network such as 10.0.0.0/16"))
	}
	return prefix
}

// matches tells whether a keyword is part of one of the values.
func matches(keyword string, values ...string) bool {
	if keyword == "" {
		return true
	}
	for _, v := range values {
		if strings.Contains(v, keyword) {
			return true
		}
	}
	return false
}

// vpcPage cuts the page that PageNumber asks for.
func vpcPage[T any](c *Cloud, q *request, all []T) []T {
	n := q.num("PageNumber", 1, 1, 1<<20)
	lo := min((n-1)*c.cfg.VPCPageSize, len(all))
	return all[lo:min(lo+c.cfg.VPCPageSize, len(all))]
}

func describeVPC(c *Cloud, q *request) (answer, *apiError) {
	region, keyword := q.optRegion(c), q.str("Keyword")
	all := q.acct.vpcs.list(func(v *vpc) bool {
		return (region == nil || v.region.Code == region.Code) && matches(keyword, v.id, v.name)
	})
	rows := []object{}
	for _, v := range vpcPage(c, q, all) {
		rows = append(rows, object{
			"VPCId": v.id, "VPCNmae": v.name, "VPCSegment": v.prefix.String(), "Status": v.state.at(q.now),
			"RegionCode": v.region.Code, "BandwidthType": v.line, "CreateTime": clock(v.created),
		})
	}
	return answer{data: object{"Total": len(all), "VPCList": rows}}, nil
}

// newSegment is a segment that a call asks for.
type newSegment struct {
	name, line string
	prefix     netip.Prefix
	zone       *place
}

func createVPC(c *Cloud, q *request) (answer, *apiError) {
	v := &vpc{region: q.needRegion(c), name: q.need("VPCName"), created: c.at}
	v.prefix = q.needPrefix("VPCSegment")
	q.oneOf("VPCSegmentType", "auto", "manual")
	if v.line = q.str("BandwidthType"); q.err() == nil && !v.region.Platform {
		q.needLine(v.region, "BandwidthType")
	}
	wanted := readSegments(c, q, "SubnetList", "Subnet", v, nil)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	for _, other := range q.acct.vpcs.list(func(o *vpc) bool { return o.region.Code == v.region.Code }) {
		if other.prefix.Overlaps(v.prefix) {
			return answer{}, refuse(400, codeConflict, "the network overlaps that of vpc %q", other.id)
		}
	}
	v.id = c.newUUID()
	v.state = c.arriving(q)
	q.acct.vpcs.add(v.id, v)
	q.acct.buy("vpc.name", v.name, 1)
	ids, tasks := c.addSegments(q, v, false, wanted)
	return answer{
		task: c.newTask(q, v.id, nil, nil),
		data: object{"VPCId": v.id, "SubnetIdList": ids, "SubnetTaskId": tasks},
	}, nil
}

// needLine reads a carrier line that the region has.
func (p *params) needLine(r *Region, name string) *line {
	code := p.need(name)
	if l := lineOf(r, code); l != nil {
		return l
	}
	p.fail(invalid(p.path+name, "is no line of the region"))
	return &line{}
}

// readSegments reads the list of segments of a create; sort is the first word
// of their field names.
func readSegments(c *Cloud, q *request, list, sort string, v *vpc, have []*segment) []newSegment {
	out := []newSegment{}
	taken := []netip.Prefix{}
	for _, s := range have {
		taken = append(taken, s.prefix)
	}
	for _, p := range q.needObjs(list) {
		n := newSegment{zone: p.needZone(c), name: p.need(sort + "Name"), prefix: p.needPrefix(sort + "Segment")}
		if q.err() != nil {
			return nil
		}
		if sort != "Subnet" {
			n.line = p.needLine(v.region, "Type").code
		}
		switch {
		case n.zone.region.Code != v.region.Code:
			p.fail(invalid(p.path+"AvailableZoneCode", "is not in the region of the vpc"))
		case !v.prefix.Contains(n.prefix.Addr()) || n.prefix.Bits() < v.prefix.Bits():
			p.fail(refuse(400, codeConflict, "%s%sSegment is not within the network of the vpc", p.path, sort))
		}
		for _, t := range taken {
			if t.Overlaps(n.prefix) {
				p.fail(refuse(400, codeConflict, "%s%sSegment overlaps another segment", p.path, sort))
			}
		}
		taken = append(taken, n.prefix)
		out = append(out, n)
	}
	return out
}

// addSegments makes segments and their tasks.
func (c *Cloud) addSegments(q *request, v *vpc, gateway bool, wanted []newSegment) (ids, tasks []string) {
	for _, n := range wanted {
		s := &segment{
			id: c.newUUID(), name: n.name, gateway: gateway, line: n.line, prefix: n.prefix,
			vpc: v, zone: n.zone, used: map[netip.Addr]*use{},
		}
		for a := range s.addresses() {
			if isFixed(a) {
				s.reserved++
			}
		}
		s.state = c.arriving(q)
		q.acct.segments.add(s.id, s)
		ids = append(ids, s.id)
		tasks = append(tasks, c.newTask(q, s.id, nil, nil))
	}
	return ids, tasks
}

// segmentsOf are the living subnets and gateways of a vpc.
func (a *account) segmentsOf(v *vpc) []*segment {
	return a.segments.list(func(s *segment) bool { return s.vpc == v })
}

func deleteVPC(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("VPCId")
	v := q.acct.vpcs.get(id)
	switch {
	case q.err() != nil:
		return answer{}, q.err()
	case v == nil:
		return answer{}, noResource("VPCId", id)
	case v.state.busy(q.now):
		return answer{}, inUse("the vpc is being changed")
	case len(q.acct.segmentsOf(v)) > 0:
		return answer{}, inUse("the vpc has subnets or gateways")
	}
	v.state = c.leaving(q, v.state)
	return answer{task: c.newTask(q, id, func() { q.acct.vpcs.remove(id) }, nil)}, nil
}

// leaving is the state of what is being deleted; it stays when a fault struck.
func (c *Cloud) leaving(q *request, was phase) phase {
	return phase{doing: vpcDeleting, due: c.due(), then: was.at(q.now)}
}

func updateVPCLine(_ *Cloud, q *request) (answer, *apiError) {
	id := q.need("VPCID")
	v := q.acct.vpcs.get(id)
	if q.err() == nil && v == nil {
		return answer{}, noResource("VPCID", id)
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	l := q.needLine(v.region, "BandwidthType")
	if v.region.Platform {
		q.fail(notPermitted("only the line of an edge node can be changed"))
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	v.line = l.code
	return answer{}, nil
}
