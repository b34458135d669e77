package sim

import (
	"net/netip"
	"slices"
	"strings"
)

// isFixed tells the addresses no machine gets: .1 to .3 and .254 of each block of 256.
func isFixed(a netip.Addr) bool {
	b := a.As4()
	return b[3] >= 1 && b[3] <= 3 || b[3] == 254
}

// usedBy is what an address is taken for; nil when it is free.
func (s *segment) usedBy(a netip.Addr) *use {
	if isFixed(a) {
		return &use{note: "系统保留"}
	}
	return s.used[a]
}

// usedIPs counts the addresses that are taken, the fixed ones among them.
func (s *segment) usedIPs() int { return len(s.used) + s.reserved }

// addresses are all of a segment that have a host part, in order.
func (s *segment) addresses() func(func(netip.Addr) bool) {
	return func(yield func(netip.Addr) bool) {
		for a := s.prefix.Addr().Next(); s.prefix.Contains(a); a = a.Next() {
			if !s.prefix.Contains(a.Next()) {
				return // the broadcast address
			}
			if b := a.As4(); b[3] == 0 || b[3] == 255 {
				continue
			}
			if !yield(a) {
				return
			}
		}
	}
}

// free is the first address nothing uses.
func (s *segment) free(taken []netip.Addr) (netip.Addr, bool) {
	for a := range s.addresses() {
		if s.usedBy(a) == nil && !slices.Contains(taken, a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// usable is an address of the segment that machines may have.
func (s *segment) usable(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || !s.prefix.Contains(a) || a == s.prefix.Addr() || !s.prefix.Contains(a.Next()) {
		return a, false
	}
	return a, !isFixed(a)
}

// segmentRows answers DescribeSubnet and DescribeVirtualGateWay.
func segmentRows(c *Cloud, q *request, gateway bool) (int, []*segment) {
	region, keyword, vpcID, zone := q.needRegion(c), q.str("Keyword"), q.str("VPCId"), q.optZone(c)
	all := q.acct.segments.list(func(s *segment) bool {
		return s.gateway == gateway && s.vpc.region.Code == region.Code && matches(keyword, s.id, s.name) &&
			(vpcID == "" || s.vpc.id == vpcID) && (zone == nil || s.zone.Code == zone.Code)
	})
	return len(all), vpcPage(c, q, all)
}

func describeSubnet(c *Cloud, q *request) (answer, *apiError) {
	total, page := segmentRows(c, q, false)
	rows := []object{}
	for _, s := range page {
		rows = append(rows, object{
			"SubnetId": s.id, "SubnetName": s.name, "SubnetSegment": s.prefix.String(), "UsedIPNum": s.usedIPs(),
			"VPCId": s.vpc.id, "VPCName": s.vpc.name, "AvailableZoneCode": s.zone.Code, "Status": s.state.at(q.now),
		})
	}
	return answer{data: object{"Total": total, "SubnetList": rows}}, nil
}

func describeGateway(c *Cloud, q *request) (answer, *apiError) {
	total, page := segmentRows(c, q, true)
	rows := []object{}
	for _, s := range page {
		rows = append(rows, object{
			"VirtualGateWayId": s.id, "VirtualGateWayName": s.name, "VirtualGateWaySegment": s.prefix.String(),
			"Type": lineOf(s.vpc.region, s.line).name, "UsedIPNum": s.usedIPs(),
			"VPCId": s.vpc.id, "VPCName": s.vpc.name, "AvailableZoneCode": s.zone.Code, "Status": s.state.at(q.now),
		})
	}
	return answer{data: object{"Total": total, "VirtualGateWayList": rows}}, nil
}

func createSubnet(c *Cloud, q *request) (answer, *apiError) {
	ids, tasks, err := createSegments(c, q, "SubnetList", "Subnet")
	return answer{data: object{"SubnetIdList": ids, "TaskIdList": tasks}}, err
}

func createGateway(c *Cloud, q *request) (answer, *apiError) {
	ids, tasks, err := createSegments(c, q, "VirtualGateWayList", "VirtualGateWay")
	return answer{data: object{"VirtualGateWayIdList": ids, "TaskIdList": tasks}}, err
}

func createSegments(c *Cloud, q *request, list, sort string) (ids, tasks []string, err *apiError) {
	id := q.need("VPCId")
	v := q.acct.vpcs.get(id)
	switch {
	case q.err() != nil:
		return nil, nil, q.err()
	case v == nil:
		return nil, nil, noResource("VPCId", id)
	case v.state.at(q.now) != vpcOK:
		return nil, nil, inUse("the vpc is %s", v.state.at(q.now))
	case sort != "Subnet" && v.region.Platform:
		return nil, nil, notPermitted("only edge nodes have virtual gateways")
	}
	wanted := readSegments(c, q, list, sort, v, q.acct.segmentsOf(v))
	if q.err() != nil {
		return nil, nil, q.err()
	}
	ids, tasks = c.addSegments(q, v, sort != "Subnet", wanted)
	for _, n := range wanted {
		q.acct.buy(strings.ToLower(sort)+".name", n.name, 1)
	}
	return ids, tasks, nil
}

func deleteSubnet(c *Cloud, q *request) (answer, *apiError) {
	return deleteSegment(c, q, "SubnetId", false)
}

func deleteGateway(c *Cloud, q *request) (answer, *apiError) {
	return deleteSegment(c, q, "VirtualGateWayId", true)
}

func deleteSegment(c *Cloud, q *request, name string, gateway bool) (answer, *apiError) {
	id := q.need(name)
	s := q.acct.segments.get(id)
	switch {
	case q.err() != nil:
		return answer{}, q.err()
	case s == nil || s.gateway != gateway:
		return answer{}, noResource(name, id)
	case s.state.busy(q.now):
		return answer{}, inUse("it is being changed")
	case len(s.used) > 0:
		return answer{}, inUse("addresses of it are in use")
	}
	s.state = c.leaving(q, s.state)
	return answer{task: c.newTask(q, id, func() { q.acct.segments.remove(id) }, nil)}, nil
}

// findSegment reads a required NetId.
func findSegment(q *request, sorts ...bool) (*segment, *apiError) {
	id := q.need("NetId")
	s := q.acct.segments.get(id)
	if q.err() == nil && (s == nil || !slices.Contains(sorts, s.gateway)) {
		return nil, noResource("NetId", id)
	}
	return s, q.err()
}

// describeIPInfo lists all addresses in blocks of 256. Public networks (pubnet)
// belong to the older product and do not exist here.
func describeIPInfo(_ *Cloud, q *request) (answer, *apiError) {
	sort := q.oneOf("IPType", "subnet", "virtual_gateway", "pubnet")
	s, err := findSegment(q, sort == "virtual_gateway")
	if err != nil {
		return answer{}, err
	}
	blocks := []object{}
	rows := []object{}
	signal := ""
	flush := func() {
		if signal != "" {
			blocks = append(blocks, object{"NetSignal": signal, "IPList": rows})
		}
		rows = []object{}
	}
	for a := range s.addresses() {
		text := a.String()
		if block := text[:strings.LastIndex(text, ".")] + ".*"; block != signal {
			flush()
			signal = block
		}
		row := object{"IPAddress": text, "IPMask": s.prefix.Bits(), "IPStatus": 0}
		if u := s.usedBy(a); u != nil {
			row["IPStatus"], row["IPUsage"] = 1, q.acct.usage(u)
		}
		rows = append(rows, row)
	}
	flush()
	return answer{data: object{"SegmentNum": len(blocks), "SegmentList": blocks}}, nil
}

// usage is what an address is used for, in words.
func (a *account) usage(u *use) string {
	if i := a.instances.get(u.instance); i != nil {
		return "云服务器 " + i.name
	}
	return u.note
}

func describeSubnetIP(_ *Cloud, q *request) (answer, *apiError) {
	s, err := findSegment(q, false)
	if err != nil {
		return answer{}, err
	}
	free, used := []string{}, []object{}
	for a := range s.addresses() {
		if u := s.usedBy(a); u != nil {
			used = append(used, object{"IP": a.String(), "Usage": q.acct.usage(u)})
		} else {
			free = append(free, a.String())
		}
	}
	return answer{data: object{"UnusedList": free, "UnusedNum": len(free), "UsedList": used, "UsedNum": len(used)}}, nil
}

func netEIPInfo(_ *Cloud, q *request) (answer, *apiError) {
	ids := q.needStrs("NetIdList")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows := []object{}
	for _, id := range ids {
		s := q.acct.segments.get(id)
		if s == nil {
			return answer{}, noResource("NetIdList", id)
		}
		sort := "subnet"
		if s.gateway {
			sort = "vir"
		}
		eips := []object{}
		for _, e := range q.acct.eips.list(func(e *eip) bool { return e.net == s }) {
			eips = append(eips, object{
				"EIP": e.ip, "EIPId": e.id, "Qos": e.band().qos, "Status": e.state.at(q.now), "BandwidthType": e.line.name,
				"BillScheme": schemes[e.band().scheme].name, "ReginCode": e.region.Code,
			})
		}
		rows = append(rows, object{
			"NetId": s.id, "NetName": s.name, "NetType": sort, "IPNum": s.usedIPs(), "IPMask": s.prefix.Bits(), "EIP_INFO_LIST": eips,
		})
	}
	return answer{data: rows}, nil
}
