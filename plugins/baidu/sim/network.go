package sim

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// vpc is one private network.
type vpc struct {
	meta
	Name, Desc, CIDR string
	Default          bool
	Tags             []tag
}

// subnet is a part of a private network in one zone.
type subnet struct {
	meta
	Name, Desc, CIDR string
	Zone, VPC, Type  string
	Tags             []tag
	Used             int // addresses that were ever given out
}

func networkOps() []op {
	const one, sub, sg = "/v1/vpc/*", "/v1/subnet/*", "/v2/securityGroup/*"
	return []op{
		tokened("CreateVPC", http.MethodPost, "/v1/vpc", "", createVPC),
		read("ListVPC", http.MethodGet, "/v1/vpc", listVPC),
		read("GetVPCDetail", http.MethodGet, one, getVPC),
		tokened("UpdateVPC", http.MethodPut, one, "modifyAttribute", updateVPC),
		tokened("DeleteVPC", http.MethodDelete, one, "", deleteVPC),
		tokened("CreateSubnet", http.MethodPost, "/v1/subnet", "", createSubnet),
		read("ListSubnets", http.MethodGet, "/v1/subnet", listSubnets),
		read("GetSubnetDetail", http.MethodGet, sub, getSubnet),
		tokened("UpdateSubnet", http.MethodPut, sub, "modifyAttribute", updateSubnet),
		tokened("DeleteSubnet", http.MethodDelete, sub, "", deleteSubnet),
		tokened("CreateSecurityGroup", http.MethodPost, "/v2/securityGroup", "", createGroup),
		read("ListSecurityGroup", http.MethodGet, "/v2/securityGroup", listGroups),
		read("GetSecurityGroupDetail", http.MethodGet, sg, getGroup),
		tokened("AuthorizeSecurityGroupRule", http.MethodPut, sg, "authorizeRule", authorizeRule),
		change("RevokeSecurityGroupRule", http.MethodPut, sg, "revokeRule", revokeRule),
		change("DeleteSecurityGroup", http.MethodDelete, sg, "", deleteGroup),
	}
}

// checkPlace finds subnet, network and security groups of a create; what it
// does not name is the default.
func (c *Cloud) checkPlace(q *request, p *purchase, a createArgs) *apiError {
	net := c.defaults(q.acct.ID, q.region, q.now)
	s := c.subnets.get(a.Subnet)
	if a.Subnet == "" {
		s = c.subnetIn(net.ID, p.Zone)
	}
	if s == nil || s.Account != q.acct.ID || s.Zone != p.Zone {
		return badBody("subnetId %q does not exist in %s", a.Subnet, p.Zone)
	}
	p.Subnet, p.VPC = s.ID, s.VPC
	p.Groups = a.Groups
	if a.Group != "" {
		p.Groups = []string{a.Group}
	}
	if len(p.Groups) > 10 {
		return badBody("an instance has at most 10 security groups")
	}
	for _, id := range p.Groups {
		if g := c.groups.get(id); g == nil || g.VPC != p.VPC {
			return badBody("the security group %q does not exist in the VPC", id)
		}
	}
	if len(p.Groups) == 0 {
		p.Groups = []string{c.defaultGroup(p.VPC).ID}
	}
	return nil
}

// defaults makes the default network of an account in a region at first use.
func (c *Cloud) defaults(account string, region *Region, now time.Time) *vpc {
	found := c.vpcs.all(func(v *vpc) bool { return v.Account == account && v.Region == region.ID && v.Default })
	if len(found) > 0 {
		return found[0]
	}
	v := &vpc{meta: c.newMeta("vpc-", account, region.ID, now), Name: "default", CIDR: "192.168.0.0/16", Default: true}
	keep(c, c.vpcs, v.ID, v)
	for n, z := range region.Zones {
		block := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(16 * n), 0}), 20)
		s := &subnet{meta: c.newMeta("sbn-", account, region.ID, now), Name: "default " + z, CIDR: block.String(), Zone: z, VPC: v.ID, Type: "BCC"}
		keep(c, c.subnets, s.ID, s)
	}
	c.addGroup(account, region.ID, v.ID, "default", now)
	return v
}

func (c *Cloud) subnetIn(vpc, zone string) *subnet {
	for _, id := range c.subnets.ids {
		if s := c.subnets.rows[id]; s.VPC == vpc && s.Zone == zone {
			return s
		}
	}
	return nil
}

// nextIP gives out the next address of a subnet; addresses are not reused.
func (c *Cloud) nextIP(id string) string {
	s := c.subnets.get(id)
	s.Used++
	keep(c, c.subnets, id, s)
	block, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return ""
	}
	b := block.Addr().As4()
	n := (uint32(b[2])<<8 | uint32(b[3])) + uint32(s.Used) + 1 //nolint:gosec // the count stays small
	return netip.AddrFrom4([4]byte{b[0], b[1], byte(n >> 8), byte(n)}).String()
}

// networkBody is the body of the calls that make or change a network or a part.
type networkBody struct {
	Name   string `json:"name"`
	Desc   string `json:"description"`
	CIDR   string `json:"cidr"`
	Zone   string `json:"zoneName"`
	VPC    string `json:"vpcId"`
	Type   string `json:"subnetType"`
	Tags   []tag  `json:"tags"`
	prefix netip.Prefix
}

// network reads the body; ranged says whether it must have an address range.
func (q *request) network(ranged bool) (*networkBody, *apiError) {
	var in networkBody
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if !goodName(in.Name) || len(in.Desc) > 200 {
		return nil, badBody("name or description is invalid")
	}
	if !ranged {
		return &in, nil
	}
	p, err := netip.ParsePrefix(in.CIDR)
	if err != nil || !p.Addr().Is4() || p != p.Masked() || p.Bits() < 8 || p.Bits() > 29 || !p.Addr().IsPrivate() {
		return nil, badBody("cidr %q is not a private IPv4 range", in.CIDR)
	}
	in.prefix = p
	return &in, checkTags(in.Tags)
}

func createVPC(c *Cloud, q *request) (any, *apiError) {
	in, err := q.network(true)
	if err != nil {
		return nil, err
	}
	v := &vpc{meta: c.newMeta("vpc-", q.acct.ID, q.region.ID, q.now), Name: in.Name, Desc: in.Desc, CIDR: in.CIDR, Tags: in.Tags}
	keep(c, c.vpcs, v.ID, v)
	c.addGroup(q.acct.ID, q.region.ID, v.ID, "default", q.now)
	return map[string]any{"vpcId": v.ID}, nil
}

func (v *vpc) wire() any {
	return map[string]any{
		"vpcId": v.ID, "name": v.Name, "cidr": v.CIDR, "ipv6Cidr": "", "createdTime": stamp(v.Created), "description": v.Desc,
		"isDefault": v.Default, "secondaryCidr": []string{}, "tags": showTags(v.Tags),
	}
}

func listVPC(c *Cloud, q *request) (any, *apiError) {
	c.defaults(q.acct.ID, q.region, q.now)
	def := q.str("isDefault")
	rows := c.vpcs.all(func(v *vpc) bool {
		return v.Account == q.acct.ID && v.Region == q.region.ID && q.passes("vpcIds", v.ID) && (def == "" || (def == "true") == v.Default)
	})
	return paged(q, "vpcs", rows, (*vpc).wire), nil
}

func (c *Cloud) myVPC(q *request, id string) (*vpc, *apiError) {
	v := c.vpcs.get(id)
	if v == nil || v.Account != q.acct.ID || v.Region != q.region.ID {
		return nil, noSuch("vpc", id)
	}
	return v, nil
}

func getVPC(c *Cloud, q *request) (any, *apiError) {
	v, err := c.myVPC(q, q.vars[0])
	if err != nil {
		return nil, err
	}
	parts := []any{}
	for _, s := range c.subnets.all(func(s *subnet) bool { return s.VPC == v.ID }) {
		parts = append(parts, s.wire())
	}
	out := map[string]any{
		"vpcId": v.ID, "name": v.Name, "cidr": v.CIDR, "ipv6Cidr": "", "createdTime": stamp(v.Created), "description": v.Desc,
		"isDefault": v.Default, "relay": false, "subnets": parts, "secondaryCidr": []string{}, "tags": showTags(v.Tags),
	}
	return map[string]any{"vpc": out}, nil
}

func updateVPC(c *Cloud, q *request) (any, *apiError) {
	in, err := q.network(false)
	if err != nil {
		return nil, err
	}
	v, err := c.myVPC(q, q.vars[0])
	if err != nil {
		return nil, err
	}
	v.Name, v.Desc = in.Name, in.Desc
	keep(c, c.vpcs, v.ID, v)
	return empty(), nil
}

func deleteVPC(c *Cloud, q *request) (any, *apiError) {
	v, err := c.myVPC(q, q.vars[0])
	if err != nil {
		return nil, err
	}
	if v.Default || len(c.subnets.all(func(s *subnet) bool { return s.VPC == v.ID })) > 0 {
		return nil, wrongState("The VPC is the default one or has subnets")
	}
	for _, g := range c.groups.all(func(g *group) bool { return g.VPC == v.ID }) {
		forget(c, c.groups, g.ID)
	}
	forget(c, c.vpcs, v.ID)
	return empty(), nil
}

func createSubnet(c *Cloud, q *request) (any, *apiError) {
	in, err := q.network(true)
	if err != nil {
		return nil, err
	}
	v, err := c.myVPC(q, in.VPC)
	if err != nil {
		return nil, err
	}
	whole, perr := netip.ParsePrefix(v.CIDR)
	if perr != nil || !whole.Contains(in.prefix.Addr()) || in.prefix.Bits() < whole.Bits() || in.prefix.Bits() < 16 {
		return nil, badBody("cidr %q does not lie in the VPC's %s", in.CIDR, v.CIDR)
	}
	for _, s := range c.subnets.all(func(s *subnet) bool { return s.VPC == v.ID }) {
		if p, err := netip.ParsePrefix(s.CIDR); err == nil && p.Overlaps(in.prefix) {
			return nil, badBody("cidr %q overlaps subnet %s", in.CIDR, s.ID)
		}
	}
	if in.Type == "" {
		in.Type = "BCC"
	}
	if !slices.Contains(q.region.Zones, in.Zone) || !slices.Contains([]string{"BCC", "BCC_NAT", "BBC"}, in.Type) {
		return nil, badBody("zoneName or subnetType is invalid")
	}
	s := &subnet{
		meta: c.newMeta("sbn-", q.acct.ID, q.region.ID, q.now), Name: in.Name, Desc: in.Desc, CIDR: in.CIDR,
		Zone: in.Zone, VPC: v.ID, Type: in.Type, Tags: in.Tags,
	}
	keep(c, c.subnets, s.ID, s)
	return map[string]any{"subnetId": s.ID}, nil
}

func (s *subnet) wire() any {
	free := 0
	if p, err := netip.ParsePrefix(s.CIDR); err == nil {
		free = max(1<<(32-p.Bits())-3-s.Used, 0)
	}
	return map[string]any{
		"subnetId": s.ID, "name": s.Name, "zoneName": s.Zone, "cidr": s.CIDR, "ipv6Cidr": "", "vpcId": s.VPC, "subnetType": s.Type,
		"description": s.Desc, "createdTime": stamp(s.Created), "availableIp": free, "availableUnreservedIp": free, "tags": showTags(s.Tags),
	}
}

func listSubnets(c *Cloud, q *request) (any, *apiError) {
	c.defaults(q.acct.ID, q.region, q.now)
	rows := c.subnets.all(func(s *subnet) bool {
		return s.Account == q.acct.ID && s.Region == q.region.ID && q.passes("vpcId", s.VPC) && q.passes("zoneName", s.Zone) &&
			q.passes("subnetIds", s.ID) && (q.str("subnetType") == "" || strings.EqualFold(q.str("subnetType"), s.Type))
	})
	return paged(q, "subnets", rows, (*subnet).wire), nil
}

func (c *Cloud) mySubnet(q *request) (*subnet, *apiError) {
	s := c.subnets.get(q.vars[0])
	if s == nil || s.Account != q.acct.ID || s.Region != q.region.ID {
		return nil, noSuch("subnet", q.vars[0])
	}
	return s, nil
}

func getSubnet(c *Cloud, q *request) (any, *apiError) {
	s, err := c.mySubnet(q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"subnet": s.wire()}, nil
}

func updateSubnet(c *Cloud, q *request) (any, *apiError) {
	in, err := q.network(false)
	if err != nil {
		return nil, err
	}
	s, err := c.mySubnet(q)
	if err != nil {
		return nil, err
	}
	s.Name, s.Desc = in.Name, in.Desc
	keep(c, c.subnets, s.ID, s)
	return empty(), nil
}

func deleteSubnet(c *Cloud, q *request) (any, *apiError) {
	s, err := c.mySubnet(q)
	if err != nil {
		return nil, err
	}
	if len(c.instances.all(func(i *instance) bool { return i.Subnet == s.ID })) > 0 {
		return nil, wrongState("The subnet has instances")
	}
	forget(c, c.subnets, s.ID)
	return empty(), nil
}
