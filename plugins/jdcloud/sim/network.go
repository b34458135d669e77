package sim

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
)

// vpcName is the rule for names in the vpc service.
var vpcName = regexp.MustCompile(`^[\p{Han}A-Za-z0-9_-]{1,32}$`)

// vpc is one private network.
type vpc struct {
	place
	ID          string `json:"id"`
	Name        string `json:"name"`
	Prefix      string `json:"prefix"`
	Description string `json:"description,omitempty"`
	AZType      string `json:"az_type"`
	AZ          string `json:"az,omitempty"`
	Multicast   bool   `json:"multicast,omitempty"`
	Created     int64  `json:"created"`
}

// subnet is one range of addresses in a vpc.
type subnet struct {
	place
	ID          string `json:"id"`
	VPC         string `json:"vpc"`
	Name        string `json:"name"`
	Prefix      string `json:"prefix"`
	Description string `json:"description,omitempty"`
	RouteTable  string `json:"route_table,omitempty"`
	Created     int64  `json:"created"`
}

// nic is one network interface.
type nic struct {
	place
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	VPC         string   `json:"vpc"`
	Subnet      string   `json:"subnet"`
	AZ          string   `json:"az"`
	IP          string   `json:"ip"`
	MAC         string   `json:"mac"`
	Groups      []string `json:"groups"`
	Instance    string   `json:"instance,omitempty"`
	EIP         string   `json:"eip,omitempty"`
	Created     int64    `json:"created"`
}

// networkActions are the calls of the vpc service about networks and interfaces.
func networkActions() []action {
	const vpcs, subnets, nics = "/v1/regions/{regionId}/vpcs/", "/v1/regions/{regionId}/subnets/", "/v1/regions/{regionId}/networkInterfaces/"
	on := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vpc", method: method, path: path, run: run}
	}
	return []action{
		on("CreateVpc", "POST", vpcs, createVpc),
		on("DescribeVpcs", "GET", vpcs, describeVpcs),
		on("DescribeVpc", "GET", vpcs+"{vpcId}", describeVpc),
		on("ModifyVpc", "PATCH", vpcs+"{vpcId}", modifyVpc),
		on("DeleteVpc", "DELETE", vpcs+"{vpcId}", deleteVpc),
		on("CreateSubnet", "POST", subnets, createSubnet),
		on("DescribeSubnets", "GET", subnets, describeSubnets),
		on("DescribeSubnet", "GET", subnets+"{subnetId}", describeSubnet),
		on("ModifySubnet", "PATCH", subnets+"{subnetId}", modifySubnet),
		on("DeleteSubnet", "DELETE", subnets+"{subnetId}", deleteSubnet),
		on("DescribeNetworkInterfaces", "GET", nics, describeNICs),
		on("DescribeNetworkInterface", "GET", nics+"{networkInterfaceId}", describeNIC),
		on("ModifyNetworkInterface", "PATCH", nics+"{networkInterfaceId}", modifyNIC),
		on("AssociateElasticIp", "POST", nics+"{networkInterfaceId}:associateElasticIp", associateToNIC),
		on("DisassociateElasticIp", "POST", nics+"{networkInterfaceId}:disassociateElasticIp", disassociateFromNIC),
		on("DescribeQuota", "GET", "/v1/regions/{regionId}/quotas/", describeVPCQuota),
	}
}

// makeDefaultNetwork gives an account a vpc, a subnet and a security group.
func (c *Cloud) makeDefaultNetwork(a *account, region string) {
	now := c.now()
	v := c.makeVpc(place{Account: a.Name, Region: region}, "default", "10.0.0.0/16", now.Unix())
	s := &subnet{place: v.place, ID: c.newID("subnet"), VPC: v.ID, Name: "default", Prefix: "10.0.0.0/18", Created: now.Unix()}
	c.subnets.put(s.ID, s)
}

// makeVpc makes a network with its default security group.
func (c *Cloud) makeVpc(at place, name, prefix string, created int64) *vpc {
	v := &vpc{place: at, ID: c.newID("vpc"), Name: name, Prefix: prefix, AZType: "standard", Created: created}
	c.vpcs.put(v.ID, v)
	g := &group{place: at, ID: c.newID("sg"), VPC: v.ID, Name: "default", Default: true, Created: created}
	g.Rules = defaultRules(c, created)
	c.groups.put(g.ID, g)
	return v
}

func createVpc(c *Cloud, q *request) (answer, *apiError) {
	name, prefix := q.matching("vpcName", vpcName), q.str("addressPrefix", "")
	description := q.limited("description", 256)
	azType := q.oneOf("azType", "standard", "standard", "edge")
	if prefix != "" {
		q.cidr("addressPrefix", prefix, 16, 28)
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	q.subject = name
	v := c.makeVpc(q.here(), name, prefix, q.now.Unix())
	v.Description, v.AZType, v.AZ, v.Multicast = description, azType, q.str("az", ""), q.flag("enableMulticast", false)
	return answer{"vpcId": v.ID}, q.failed()
}

// cidr reads a private network in its canonical form.
func (p *params) cidr(name, text string, longest, shortest int) netip.Prefix {
	n, err := netip.ParsePrefix(text)
	if err != nil || !n.Addr().Is4() || n.Masked() != n || !n.Addr().IsPrivate() {
		p.fail(invalid(p.at(name), "it is not a private network"))
		return netip.Prefix{}
	}
	if n.Bits() < longest || n.Bits() > shortest {
		p.fail(invalid(p.at(name), fmt.Sprintf("the mask must be between /%d and /%d", longest, shortest)))
	}
	return n
}

func (c *Cloud) vpcOf(q *request, id string) *vpc {
	if v := c.vpcs.get(id); v != nil && v.in(q) {
		return v
	}
	return nil
}

func (c *Cloud) subnetOf(q *request, id string) *subnet {
	if s := c.subnets.get(id); s != nil && s.in(q) {
		return s
	}
	return nil
}

func (c *Cloud) nicOf(q *request) (*nic, *apiError) {
	id := q.need("networkInterfaceId")
	q.subject = id
	if n := c.nics.get(id); n != nil && n.in(q) {
		return n, nil
	}
	return nil, notFound("networkInterface", id)
}

// listed is the frame of every list call of the vpc service: its pages
// beyond the end repeat the last one.
func listed[T any](q *request, key string, all []T, write func(T) answer) (answer, *apiError) {
	p := q.page()
	if q.failed() != nil {
		return nil, q.failed()
	}
	return answer{key: rowsOf(pageOf(all, p, true), write), "totalCount": len(all)}, nil
}

func describeVpcs(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("vpcIds", "vpcNames", "azType", "azs")
	found := c.vpcs.where(func(v *vpc) bool {
		return v.in(q) && passAll(conds, pick(map[string]string{"vpcIds": v.ID, "vpcNames": v.Name, "azType": v.AZType, "azs": v.AZ}, nil))
	})
	return listed(q, "vpcs", found, c.vpcRow)
}

func (c *Cloud) vpcRow(v *vpc) answer {
	inside := c.subnets.where(func(s *subnet) bool { return s.VPC == v.ID })
	return answer{
		"vpcId": v.ID, "vpcName": v.Name, "addressPrefix": v.Prefix, "description": v.Description, "azType": v.AZType, "az": v.AZ,
		"enableMulticast": v.Multicast, "createdTime": iso(v.Created), "aclIds": []string{}, "routeTableIds": []string{"rtb-" + v.ID[4:]},
		"subnets": rowsOf(inside, c.subnetRow),
	}
}

func describeVpc(c *Cloud, q *request) (answer, *apiError) {
	v := c.vpcOf(q, q.need("vpcId"))
	if v == nil {
		return nil, notFound("vpc", q.str("vpcId", ""))
	}
	return answer{"vpc": c.vpcRow(v)}, nil
}

func modifyVpc(c *Cloud, q *request) (answer, *apiError) {
	v := c.vpcOf(q, q.need("vpcId"))
	if v == nil {
		return nil, notFound("vpc", q.str("vpcId", ""))
	}
	name, description := q.rename("vpcName", v.Name, v.Description)
	if q.failed() != nil {
		return nil, q.failed()
	}
	v.Name, v.Description = name, description
	c.vpcs.put(v.ID, v)
	return nil, nil
}

// rename reads the new name and description of a resource of the vpc service.
func (q *request) rename(field, name, description string) (string, string) {
	if q.has(field) {
		name = q.matching(field, vpcName)
	}
	if q.has("description") {
		description = q.limited("description", 256)
	}
	return name, description
}

func deleteVpc(c *Cloud, q *request) (answer, *apiError) {
	v := c.vpcOf(q, q.need("vpcId"))
	if v == nil {
		return nil, notFound("vpc", q.str("vpcId", ""))
	}
	if len(c.subnets.where(func(s *subnet) bool { return s.VPC == v.ID })) > 0 {
		return nil, precondition("vpc '%s' still has subnets", v.ID)
	}
	groups := c.groups.where(func(g *group) bool { return g.VPC == v.ID })
	if slices.ContainsFunc(groups, func(g *group) bool { return !g.Default }) {
		return nil, precondition("vpc '%s' still has security groups", v.ID)
	}
	for _, g := range groups {
		c.groups.drop(g.ID)
	}
	c.vpcs.drop(v.ID)
	return nil, nil
}

func createSubnet(c *Cloud, q *request) (answer, *apiError) {
	id, name := q.need("vpcId"), q.matching("subnetName", vpcName)
	want := q.cidr("addressPrefix", q.need("addressPrefix"), 16, 28)
	s := &subnet{
		place: q.here(), VPC: id, Name: name, Prefix: want.String(), Description: q.limited("description", 256),
		RouteTable: q.str("routeTableId", ""), Created: q.now.Unix(),
	}
	dry := q.flag("dryRun", false)
	if q.failed() != nil {
		return nil, q.failed()
	}
	v := c.vpcOf(q, id)
	if v == nil {
		return nil, notFound("vpc", id)
	}
	if err := c.fits(v, want); err != nil {
		return nil, err
	}
	q.subject = name
	if dry {
		return answer{"subnetId": ""}, nil
	}
	s.ID = c.newID("subnet")
	c.subnets.put(s.ID, s)
	return answer{"subnetId": s.ID}, nil
}

// fits refuses a range outside of the vpc or over another subnet.
func (c *Cloud) fits(v *vpc, want netip.Prefix) *apiError {
	if outer, err := netip.ParsePrefix(v.Prefix); err == nil && (!outer.Contains(want.Addr()) || outer.Bits() > want.Bits()) {
		return invalid("addressPrefix", "it is not inside the vpc")
	}
	for _, s := range c.subnets.where(func(s *subnet) bool { return s.VPC == v.ID }) {
		if other, err := netip.ParsePrefix(s.Prefix); err == nil && other.Overlaps(want) {
			return refuse(409, statusExists, "the range overlaps subnet '%s'", s.ID)
		}
	}
	return nil
}

func describeSubnets(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("subnetIds", "subnetNames", "vpcId", "routeTableId", "aclId", "azType", "azs")
	found := c.subnets.where(func(s *subnet) bool {
		fields := map[string]string{"subnetIds": s.ID, "subnetNames": s.Name, "vpcId": s.VPC, "routeTableId": s.RouteTable, "azType": "standard"}
		return s.in(q) && passAll(conds, pick(fields, nil))
	})
	return listed(q, "subnets", found, c.subnetRow)
}

// usable is the first and the last address that can be given, and how many there are.
func (s *subnet) usable() (first, last netip.Addr, n int) {
	p, err := netip.ParsePrefix(s.Prefix)
	if err != nil {
		return first, last, 0
	}
	n = 1<<(32-p.Bits()) - 4
	first = p.Addr().Next().Next()
	b := p.Addr().As4()
	host := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	host += uint32(n) + 1
	last = netip.AddrFrom4([4]byte{byte(host >> 24), byte(host >> 16), byte(host >> 8), byte(host)})
	return first, last, n
}

// used are the addresses of a subnet that interfaces have.
func (s *subnet) used(c *Cloud) map[string]bool {
	out := map[string]bool{}
	for _, n := range c.nics.rows {
		if n.Subnet == s.ID {
			out[n.IP] = true
		}
	}
	return out
}

// room refuses more interfaces than the subnet has addresses for.
func (s *subnet) room(c *Cloud, n int) *apiError {
	if _, _, all := s.usable(); all-len(s.used(c)) < n {
		return quota("addresses in subnet")
	}
	return nil
}

func (c *Cloud) subnetRow(s *subnet) answer {
	first, last, n := s.usable()
	return answer{
		"subnetId": s.ID, "subnetName": s.Name, "vpcId": s.VPC, "addressPrefix": s.Prefix, "description": s.Description,
		"availableIpCount": n - len(s.used(c)), "startIp": first.String(), "endIp": last.String(), "aclId": "",
		"routeTableId": s.RouteTable, "subnetType": "standard", "createdTime": iso(s.Created),
	}
}

func describeSubnet(c *Cloud, q *request) (answer, *apiError) {
	s := c.subnetOf(q, q.need("subnetId"))
	if s == nil {
		return nil, notFound("subnet", q.str("subnetId", ""))
	}
	return answer{"subnet": c.subnetRow(s)}, nil
}

func modifySubnet(c *Cloud, q *request) (answer, *apiError) {
	s := c.subnetOf(q, q.need("subnetId"))
	if s == nil {
		return nil, notFound("subnet", q.str("subnetId", ""))
	}
	name, description := q.rename("subnetName", s.Name, s.Description)
	if q.failed() != nil {
		return nil, q.failed()
	}
	s.Name, s.Description = name, description
	c.subnets.put(s.ID, s)
	return nil, nil
}

func deleteSubnet(c *Cloud, q *request) (answer, *apiError) {
	s := c.subnetOf(q, q.need("subnetId"))
	if s == nil {
		return nil, notFound("subnet", q.str("subnetId", ""))
	}
	if len(s.used(c)) > 0 {
		return nil, precondition("subnet '%s' still has network interfaces", s.ID)
	}
	c.subnets.drop(s.ID)
	return nil, nil
}

// checkIP refuses an address outside of the subnet or in use.
func (c *Cloud) checkIP(p *params, name string, s *subnet, ip string) {
	if ip == "" {
		return
	}
	first, last, _ := s.usable()
	at, err := netip.ParseAddr(ip)
	if err != nil || at.Less(first) || last.Less(at) {
		p.fail(invalid(p.at(name), "it is not an address of the subnet"))
	} else if s.used(c)[ip] {
		p.fail(exists("address", ip))
	}
}

// makeNIC makes the primary interface of an instance; room was checked.
func (c *Cloud) makeNIC(q *request, spec networkSpec, az, instanceID string) *nic {
	ip := spec.ip
	if used := spec.subnet.used(c); ip == "" || used[ip] {
		first, _, _ := spec.subnet.usable()
		for ip = first.String(); used[ip]; ip = first.String() {
			first = first.Next()
		}
	}
	seq := c.nextSeq()
	n := &nic{
		place: q.here(), ID: c.newID("port"), Name: "primary", VPC: spec.subnet.VPC, Subnet: spec.subnet.ID, AZ: az, IP: ip,
		MAC: fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", seq>>16&255, seq>>8&255, seq&255), Groups: spec.groups,
		Instance: instanceID, Created: q.now.Unix(),
	}
	c.nics.put(n.ID, n)
	return n
}

func describeNICs(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("networkInterfaceIds", "networkInterfaceNames", "vpcId", "subnetId", "role", "instanceId", "instanceType",
		"instanceOwnerId", "ipAddresses", "securityGroupId", "azType", "azs")
	found := c.nics.where(func(n *nic) bool { return n.in(q) && passAll(conds, n.fields) })
	return listed(q, "networkInterfaces", found, c.nicRow)
}

func (n *nic) fields(name string) []string {
	switch name {
	case "securityGroupId":
		return n.Groups
	case "role":
		return []string{"Primary"}
	}
	return pick(map[string]string{
		"networkInterfaceIds": n.ID, "networkInterfaceNames": n.Name, "vpcId": n.VPC, "subnetId": n.Subnet, "instanceId": n.Instance,
		"instanceType": "compute", "ipAddresses": n.IP, "azType": "standard", "azs": n.AZ,
	}, nil)(name)
}

func (c *Cloud) nicRow(n *nic) answer {
	primary := answer{"privateIpAddress": n.IP, "elasticIpId": n.EIP, "elasticIpAddress": ""}
	if e := c.eips.get(n.EIP); e != nil {
		primary["elasticIpAddress"] = e.Addr
	}
	return answer{
		"networkInterfaceId": n.ID, "networkInterfaceName": n.Name, "description": n.Description, "azType": "standard", "az": n.AZ,
		"role": "Primary", "macAddress": n.MAC, "vpcId": n.VPC, "subnetId": n.Subnet, "networkSecurityGroupIds": texts(n.Groups),
		"sanityCheck": 1, "primaryIp": primary, "secondaryIps": []answer{}, "secondaryCidrs": []string{}, "instanceType": "compute",
		"instanceId": n.Instance, "instanceOwnerId": "", "deviceIndex": 1, "networkInterfaceStatus": "enabled",
		"attachmentStatus": "attached", "createdTime": iso(n.Created),
	}
}

func describeNIC(c *Cloud, q *request) (answer, *apiError) {
	n, err := c.nicOf(q)
	if err != nil {
		return nil, err
	}
	return answer{"networkInterface": c.nicRow(n)}, nil
}

// modifyNIC overwrites the whole list of security groups.
func modifyNIC(c *Cloud, q *request) (answer, *apiError) {
	n, err := c.nicOf(q)
	if err != nil {
		return nil, err
	}
	name, description := q.rename("networkInterfaceName", n.Name, n.Description)
	groups := n.Groups
	if q.has("securityGroups") {
		groups = c.checkGroups(q, &q.params, "securityGroups", q.list("securityGroups"), n.VPC)
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	n.Name, n.Description, n.Groups = name, description, groups
	c.nics.put(n.ID, n)
	return nil, nil
}

func describeVPCQuota(c *Cloud, q *request) (answer, *apiError) {
	kind := q.oneOf("type", q.need("type"), "vpc", "elastic_ip", "subnet", "security_group", "securityGroup", "network_security_group",
		"networkSecurityGroup", "elasticIp", "securityGroupRules")
	if q.failed() != nil {
		return nil, q.failed()
	}
	limit, used := 100, len(c.groups.where(func(g *group) bool { return g.in(q) }))
	switch kind {
	case "vpc":
		used = len(c.vpcs.where(func(v *vpc) bool { return v.in(q) }))
	case "subnet":
		used = len(c.subnets.where(func(s *subnet) bool { return s.in(q) }))
	case "elastic_ip", "elasticIp":
		limit, used = bound(c.limits.MaxEIPs), len(c.eips.where(func(e *eip) bool { return e.in(q) }))
	}
	return answer{"quota": answer{"type": kind, "parentResourceId": q.str("parentResourceId", ""), "maxLimit": limit, "count": used}}, nil
}
