package sim

import (
	"net/netip"
	"slices"
)

// The network that every project has in every region without asking.
const (
	defaultVPC    = "uvnet-default"
	defaultSubnet = "subnet-default"
)

// vpc is one private network.
type vpc struct {
	place
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Tag      string   `json:"tag"`
	Remark   string   `json:"remark,omitempty"`
	Networks []string `json:"networks"`
	Created  int64    `json:"created"`
}

func (v *vpc) ident() string { return v.ID }

// subnet is a part of a private network.
type subnet struct {
	place
	ID      string `json:"id"`
	VPC     string `json:"vpc"`
	Name    string `json:"name"`
	Tag     string `json:"tag"`
	Remark  string `json:"remark,omitempty"`
	CIDR    string `json:"cidr"`
	Created int64  `json:"created"`
}

func (s *subnet) ident() string { return s.ID }

// vpcsOf returns the networks of the caller's scope, the default one first.
func (c *Cloud) vpcsOf(q *request) []*vpc {
	own := &vpc{place: q.place(), ID: defaultVPC, Name: "DefaultVPC", Tag: "Default", Networks: []string{"10.0.0.0/8"}, Created: 1600000000}
	return append([]*vpc{own}, c.vpcs.of(q.key())...)
}

func (c *Cloud) subnetsOf(q *request) []*subnet {
	own := &subnet{place: q.place(), ID: defaultSubnet, VPC: defaultVPC, Name: "DefaultSubnet", Tag: "Default", CIDR: "10.0.0.0/16", Created: 1600000000}
	return append([]*subnet{own}, c.subnets.of(q.key())...)
}

// vpcOf reads VPCId and finds the network.
func (c *Cloud) vpcOf(q *request) (*vpc, *retError) {
	id := q.need("VPCId")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	all := c.vpcsOf(q)
	i := slices.IndexFunc(all, func(v *vpc) bool { return v.ID == id })
	if i < 0 {
		return nil, refuse(codeNoSuchVPC, "VPC does not exist")
	}
	return all[i], nil
}

// prefix checks a range: private, and written by its first address.
func (q *request) prefix(name, text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Masked() != p || !p.Addr().Is4() || !p.Addr().IsPrivate() || p.Bits() > 29 {
		q.fail(notAvailable(name))
	}
	return p
}

func createVPC(c *Cloud, q *request) (answer, *retError) {
	v := &vpc{
		place: q.place(), Name: q.need("Name"), Tag: q.label("Tag", "Default"), Remark: q.text("Remark"),
		Networks: q.list("Network"), Created: q.now.Unix(),
	}
	q.subject = short(v.Tag)
	q.label("Name", "x")
	if len(v.Networks) == 0 {
		q.fail(missing("Network"))
	}
	for _, n := range v.Networks {
		q.prefix("Network", n)
	}
	if q.err != nil {
		return nil, q.err
	}
	if c.limits.MaxVPCs > 0 && len(c.vpcs.of(q.key())) >= c.limits.MaxVPCs {
		return nil, refuse(codeEIPQuota, "VPC quota is not enough")
	}
	v.ID = newID("uvnet", c.nextSeq())
	c.vpcs.put(v)
	c.tx.VPCs = append(c.tx.VPCs, v)
	return answer{"VPCId": v.ID}, nil
}

func describeVPCs(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	ids, tag := q.list("VPCIds"), q.values["Tag"]
	if q.err != nil {
		return nil, q.err
	}
	all := slices.DeleteFunc(c.vpcsOf(q), func(v *vpc) bool {
		return len(ids) > 0 && !slices.Contains(ids, v.ID) || !passes(tag, v.Tag)
	})
	rows := []answer{}
	for _, v := range pageOf(all, offset, limit) {
		rows = append(rows, c.vpcRow(q, v))
	}
	return answer{"TotalCount": len(all), "DataSet": rows}, nil
}

func (c *Cloud) vpcRow(q *request, v *vpc) answer {
	kind, subnets := "DefinedVPC", 0
	if v.ID == defaultVPC {
		kind = "DefaultVPC"
	}
	for _, s := range c.subnetsOf(q) {
		if s.VPC == v.ID {
			subnets++
		}
	}
	networks := []answer{}
	for _, n := range v.Networks {
		networks = append(networks, answer{"Network": n, "SubnetCount": subnets})
	}
	return answer{
		"VPCId": v.ID, "Name": v.Name, "Tag": v.Tag, "Network": v.Networks, "NetworkInfo": networks, "VPCType": kind,
		"SubnetCount": subnets, "CreateTime": v.Created, "UpdateTime": v.Created, "IPv6Network": "", "OperatorName": "",
	}
}

func deleteVPC(c *Cloud, q *request) (answer, *retError) {
	v, err := c.vpcOf(q)
	if err != nil {
		return nil, err
	}
	if v.ID == defaultVPC || slices.ContainsFunc(c.subnetsOf(q), func(s *subnet) bool { return s.VPC == v.ID }) {
		return nil, refuse(codeNetInUse, "VPC cannot be deleted yet")
	}
	c.vpcs.drop(v.ID)
	c.tx.GoneVPCs = append(c.tx.GoneVPCs, v.ID)
	return answer{}, nil
}

func createSubnet(c *Cloud, q *request) (answer, *retError) {
	address := q.need("Subnet")
	cidr := address + "/" + formatInt(int64(q.num("Netmask", 24, 8, 29)))
	s := &subnet{
		place: q.place(), Name: q.label("SubnetName", "Subnet"), Tag: q.label("Tag", "Default"), Remark: q.text("Remark"),
		CIDR: cidr, Created: q.now.Unix(),
	}
	inner := q.prefix("Subnet", cidr)
	v, err := c.vpcOf(q)
	if err != nil {
		return nil, err
	}
	q.subject = short(s.Tag)
	s.VPC = v.ID
	if !c.fits(q, v, inner) {
		return nil, notAvailable("Subnet")
	}
	s.ID = newID("subnet", c.nextSeq())
	c.subnets.put(s)
	c.tx.Subnets = append(c.tx.Subnets, s)
	return answer{"SubnetId": s.ID}, nil
}

// fits tells whether a range lies within the network and beside its subnets.
func (c *Cloud) fits(q *request, v *vpc, inner netip.Prefix) bool {
	inside := slices.ContainsFunc(v.Networks, func(n string) bool {
		outer, err := netip.ParsePrefix(n)
		return err == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
	})
	return inside && !slices.ContainsFunc(c.subnetsOf(q), func(s *subnet) bool {
		other, err := netip.ParsePrefix(s.CIDR)
		return err == nil && s.VPC == v.ID && other.Overlaps(inner)
	})
}

func describeSubnets(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	ids, vpcID, tag := q.list("SubnetIds"), q.values["VPCId"], q.values["Tag"]
	if one := q.values["SubnetId"]; one != "" {
		ids = append(ids, one)
	}
	if q.err != nil {
		return nil, q.err
	}
	all := slices.DeleteFunc(c.subnetsOf(q), func(s *subnet) bool {
		return len(ids) > 0 && !slices.Contains(ids, s.ID) || !passes(vpcID, s.VPC) || !passes(tag, s.Tag)
	})
	rows := []answer{}
	for _, s := range pageOf(all, offset, limit) {
		rows = append(rows, c.subnetRow(q, s))
	}
	return answer{"TotalCount": len(all), "DataSet": rows}, nil
}

// inSubnet counts the hosts of a subnet.
func (c *Cloud) inSubnet(q *request, id string) int {
	n := 0
	for _, h := range c.scopeOf(q.key()).hosts {
		if h.subnet() == id {
			n++
		}
	}
	return n
}

// subnetRow writes the mask as a text, as the vendor does.
func (c *Cloud) subnetRow(q *request, s *subnet) answer {
	p, _ := netip.ParsePrefix(s.CIDR)
	return answer{
		"SubnetId": s.ID, "SubnetName": s.Name, "VPCId": s.VPC, "VPCName": "", "Tag": s.Tag, "Remark": s.Remark,
		"Subnet": p.Addr().String(), "Netmask": formatInt(int64(p.Bits())), "Gateway": p.Addr().Next().String(),
		"CreateTime": s.Created, "SubnetType": 2, "HasNATGW": false, "RouteTableId": "", "IPv6Network": "", "Zone": "",
		"AvailableIPs": 1<<(32-p.Bits()) - 3 - c.inSubnet(q, s.ID),
	}
}

func deleteSubnet(c *Cloud, q *request) (answer, *retError) {
	id := q.need("SubnetId")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	s, ok := c.subnets.find(q, id)
	switch {
	case id == defaultSubnet, c.inSubnet(q, id) > 0:
		return nil, refuse(codeNetInUse, "subnet cannot be deleted yet")
	case !ok:
		return nil, refuse(codeNoSuchVPC, "subnet does not exist")
	}
	c.subnets.drop(s.ID)
	c.tx.GoneSubnets = append(c.tx.GoneSubnets, s.ID)
	return answer{}, nil
}

// netOf reads the network of a new host; both empty is the default one.
func (c *Cloud) netOf(q *request) (vpcID, subnetID string) {
	vpcID, subnetID = q.str("VPCId", defaultVPC), q.values["SubnetId"]
	i := slices.IndexFunc(c.subnetsOf(q), func(s *subnet) bool {
		return s.VPC == vpcID && passes(subnetID, s.ID)
	})
	if i < 0 {
		q.fail(notAvailable("SubnetId"))
		return "", ""
	}
	return vpcID, c.subnetsOf(q)[i].ID
}

func (h *host) vpc() string { return orElse(h.VPC, defaultVPC) }

func (h *host) subnet() string { return orElse(h.Subnet, defaultSubnet) }

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
