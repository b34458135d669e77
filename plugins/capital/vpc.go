package main

import (
	"context"
	"net/netip"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// VPCSpec is what a customer chooses of a private network. The cloud makes none
// without a subnet, so one is made with it, and deleted with it.
type VPCSpec struct {
	kinds.VPCSpec

	Zone       string `json:"zone,omitempty" title:"Zone of its subnet" doc:"The order's zone goes before it; empty is the first one"`
	Line       string `json:"line,omitempty" title:"Line" doc:"Of edge regions; empty is the account's default"`
	SubnetCIDR string `json:"subnet_cidr,omitempty" max:"18" title:"Range of its subnet" doc:"Empty is the first 256 addresses"`
}

// VPCState is what a private network is.
type VPCState struct {
	kinds.VPCState

	Line string `json:"line,omitempty" title:"Line"`
}

// LineInput is another line of a network.
type LineInput struct {
	Line string `json:"line" required:"true" min:"1" max:"60" title:"Line"`
}

// vpcRow is a network as the cloud shows it. The misspelling of its name is
// the cloud's own; the right spelling is read too.
type vpcRow struct {
	ID      string `json:"VPCId"`
	Name    string `json:"VPCNmae"`
	VPCName string
	CIDR    string `json:"VPCSegment"`
	Status  string
	Region  string `json:"RegionCode"`
	Line    string `json:"BandwidthType"`
	Created string `json:"CreateTime"`
}

type network = provider.Thing[VPCState]

// networks is the handler of the kind vpc.
type networks struct{ shelf[VPCState] }

func vpcKind(p *plugin) *provider.Kind {
	h := networks{shelf[VPCState]{plugin: p, kind: kinds.VPC, walk: walkNetworks, detail: countSubnets, step: removeVPC}}
	p.shelves[kinds.VPC] = h
	return provider.KindOf[VPCSpec, VPCState](kinds.VPC, "Private network", h,
		provider.ActionOf(provider.ActionDescription{Name: "set_line", Title: "Another line", Changes: true}, h.setLine),
	)
}

// rangeOf reads a range of addresses, which begins with its first one.
func rangeOf(text, path string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return p, fault.Invalid(path, "must be a range of IPv4 addresses like 10.0.0.0/16")
	}
	return p, nil
}

// firstSubnet is the range of the subnet that is made with a network.
func (s VPCSpec) firstSubnet() (string, error) {
	all, err := rangeOf(s.CIDR, "spec.cidr")
	if err != nil {
		return "", err
	}
	if s.SubnetCIDR == "" {
		return netip.PrefixFrom(all.Addr(), max(all.Bits(), 24)).String(), nil
	}
	p, err := rangeOf(s.SubnetCIDR, "spec.subnet_cidr")
	if err == nil && (!all.Contains(p.Addr()) || p.Bits() < all.Bits()) {
		err = fault.Invalid("spec.subnet_cidr", "must lie within %s", s.CIDR)
	}
	return s.SubnetCIDR, err
}

// lineFor is a line where the region wants one.
func (c *cloud) lineFor(given string) string {
	if c.cfg.platform(c.region) {
		return given
	}
	return firstText(given, c.cfg.Line)
}

// Create makes one network with its subnet.
func (h networks) Create(ctx context.Context, req provider.TypedCreate[VPCSpec]) (provider.Result[VPCState], error) {
	var zero provider.Result[VPCState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	inner, err := req.Spec.firstSubnet()
	if err != nil {
		return zero, err
	}
	z, err := c.zoneOf(ctx, req.Spec.Zone)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	name, line := nameOf(req.Name, "vpc"), c.lineFor(req.Spec.Line)
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (network, operation, error) {
		out, task, err := write[struct{ VPCId string }](ctx, c, post(vpc, "CreateVPC", object{
			"RegionCode": c.region, "VPCName": join(name, mark), "VPCSegment": req.Spec.CIDR, "VPCSegmentType": "manual", "BandwidthType": line,
			"SubnetList": []object{{"AvailableZoneCode": z.Code, "SubnetName": join(name, mark), "SubnetSegment": inner}},
		}))
		return network{
			ID: out.VPCId, Name: name, Status: provider.StatusPending, RawStatus: "creating",
			State: VPCState{Line: line, VPCState: kinds.VPCState{CIDR: req.Spec.CIDR, Subnets: 1}},
		}, h.task(c, task, verbCreate, kinds.VPC, out.VPCId), err
	})
}

// walkNetworks streams the networks of the region.
func walkNetworks(ctx context.Context, c *cloud, id string, yield func(network) error) error {
	if _, err := c.here(ctx); err != nil {
		return err
	}
	fetch := func(ctx context.Context, number int) ([]vpcRow, int, error) {
		out, err := read[struct {
			Total   loose
			VPCList []vpcRow
		}](ctx, c, post(vpc, "DescribeVPC", object{"RegionCode": c.region, "Keyword": id, "PageNumber": number}))
		return out.VPCList, out.Total.number(), err
	}
	return numbered(ctx, fetch, func(r vpcRow) string { return r.ID }, func(row vpcRow) error {
		name, mark := split(firstText(row.Name, row.VPCName))
		return yield(network{
			ID: row.ID, Name: name, Token: mark, Region: c.region, Status: netStatus(row.Status, false), RawStatus: row.Status,
			Created: moment(row.Created), State: VPCState{Line: row.Line, VPCState: kinds.VPCState{CIDR: row.CIDR}},
		})
	})
}

// countSubnets tells how many subnets a network has.
func countSubnets(ctx context.Context, c *cloud, t network) (network, error) {
	err := c.at(c.region, "").subnets(ctx, segmentFilter{vpc: t.ID}, func(subnetRow) error {
		t.State.Subnets++
		return nil
	})
	return t, err
}

// setLine gives a network of an edge region another line.
func (h networks) setLine(ctx context.Context, req provider.TypedAction[LineInput]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	_, _, err = write[loose](ctx, c, post(vpc, "UpdateVPCBandwidthType", object{"VPCID": req.ID, "BandwidthType": req.Input.Line}))
	return provider.ActionResult[none]{}, err
}

// removeVPC deletes the subnet that was made with a network, then the network.
// Nothing of it is touched while there are subnets or gateways that somebody
// else made.
func removeVPC(ctx context.Context, p *plugin, c *cloud, t network) (bool, operation, error) {
	if moving(t.Status) {
		return false, operation{}, nil
	}
	var own []subnetRow
	err := c.subnets(ctx, segmentFilter{vpc: t.ID}, func(row subnetRow) error {
		if _, mark := split(row.Name); mark == "" || mark != t.Token {
			return fault.Precondition("the network has the subnet %q: delete that first", row.ID)
		}
		own = append(own, row)
		return nil
	})
	if err == nil {
		err = c.gateways(ctx, segmentFilter{vpc: t.ID}, func(row gatewayRow) error {
			return fault.Precondition("the network has the gateway %q: delete that first", row.ID)
		})
	}
	if err != nil {
		return false, operation{}, err
	}
	for _, row := range own {
		if moving(netStatus(row.Status, false)) {
			continue
		}
		if _, _, err := write[loose](ctx, c, post(vpc, "DeleteSubnet", object{"SubnetId": row.ID})); goneIsDone(err) != nil {
			return false, operation{}, err
		}
	}
	if len(own) > 0 {
		return false, operation{}, nil
	}
	_, task, err := write[loose](ctx, c, post(vpc, "DeleteVPC", object{"VPCId": t.ID}))
	return false, p.task(c, task, verbDelete, kinds.VPC, t.ID), err
}
