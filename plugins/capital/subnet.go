package main

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type (
	subnet  = provider.Thing[kinds.SubnetState]
	gateway = provider.Thing[kinds.GatewayState]
)

// subnetsOf is the handler of the kind subnet, gatewaysOf that of the kind gateway.
type (
	subnetsOf  struct{ shelf[kinds.SubnetState] }
	gatewaysOf struct{ shelf[kinds.GatewayState] }
)

func subnetKind(p *plugin) *provider.Kind {
	h := subnetsOf{shelf[kinds.SubnetState]{plugin: p, kind: kinds.Subnet, walk: walkSubnets, step: removeSubnet}}
	p.shelves[kinds.Subnet] = h
	return provider.KindOf[kinds.SubnetSpec, kinds.SubnetState](kinds.Subnet, "Subnet", h,
		provider.ActionOf(provider.ActionDescription{Name: "addresses", Title: "Addresses"}, addressesOf(p, "subnet")),
		provider.ActionOf(provider.ActionDescription{Name: "usage", Title: "Use of addresses"}, h.usage),
		provider.ActionOf(provider.ActionDescription{Name: "eips", Title: "Elastic addresses"}, eipsOf(p)),
	)
}

func gatewayKind(p *plugin) *provider.Kind {
	h := gatewaysOf{shelf[kinds.GatewayState]{plugin: p, kind: kinds.Gateway, walk: walkGateways, step: removeGateway}}
	p.shelves[kinds.Gateway] = h
	return provider.KindOf[kinds.GatewaySpec, kinds.GatewayState](kinds.Gateway, "Virtual gateway", h,
		provider.ActionOf(provider.ActionDescription{Name: "addresses", Title: "Addresses"}, addressesOf(p, "virtual_gateway")),
		provider.ActionOf(provider.ActionDescription{Name: "eips", Title: "Elastic addresses"}, eipsOf(p)),
		provider.ActionOf(provider.ActionDescription{Name: "bind_eips", Title: "Reserve addresses and bind elastic ones", Changes: true}, h.bindEIPs),
	)
}

// Create makes one subnet.
func (h subnetsOf) Create(ctx context.Context, req provider.TypedCreate[kinds.SubnetSpec]) (provider.Result[kinds.SubnetState], error) {
	var zero provider.Result[kinds.SubnetState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if _, err := rangeOf(req.Spec.CIDR, "spec.cidr"); err != nil {
		return zero, err
	}
	z, err := c.zoneOf(ctx, req.Spec.Zone)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	name := nameOf(req.Name, "subnet")
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (subnet, operation, error) {
		out, _, err := write[struct{ SubnetIdList, TaskIdList []string }](ctx, c, post(vpc, "CreateSubnet", object{
			"VPCId":      req.Spec.VPCID,
			"SubnetList": []object{{"AvailableZoneCode": z.Code, "SubnetName": join(name, mark), "SubnetSegment": req.Spec.CIDR}},
		}))
		id, err := theOne(out.SubnetIdList, err)
		return subnet{
			ID: id, Name: name, Zone: z.Code, Status: provider.StatusPending, RawStatus: "creating",
			State: kinds.SubnetState{VPCID: req.Spec.VPCID, CIDR: req.Spec.CIDR},
		}, h.task(c, first(out.TaskIdList), verbCreate, kinds.Subnet, id), err
	})
}

// theOne is the id of what a create made; without one nobody knows.
func theOne(ids []string, err error) (string, error) {
	if err == nil && first(ids) == "" {
		err = fault.Unknown(nil, "the cloud does not tell what it made").From(fault.SourceCloud)
	}
	return first(ids), err
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// walkSubnets streams the subnets of the region.
func walkSubnets(ctx context.Context, c *cloud, id string, yield func(subnet) error) error {
	if _, err := c.here(ctx); err != nil {
		return err
	}
	return c.subnets(ctx, segmentFilter{keyword: id}, func(row subnetRow) error {
		name, mark := split(row.Name)
		return yield(subnet{
			ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: row.Zone, Status: netStatus(row.Status, false), RawStatus: row.Status,
			State: kinds.SubnetState{VPCID: row.VPCID, CIDR: row.CIDR, UsedIPs: row.Used.number()},
		})
	})
}

func removeSubnet(ctx context.Context, p *plugin, c *cloud, t subnet) (bool, operation, error) {
	if moving(t.Status) {
		return false, operation{}, nil
	}
	_, task, err := write[loose](ctx, c, post(vpc, "DeleteSubnet", object{"SubnetId": t.ID}))
	return false, p.task(c, task, verbDelete, kinds.Subnet, t.ID), err
}

// Create makes one virtual gateway, which only edge regions have.
func (h gatewaysOf) Create(ctx context.Context, req provider.TypedCreate[kinds.GatewaySpec]) (provider.Result[kinds.GatewayState], error) {
	var zero provider.Result[kinds.GatewayState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if _, err := rangeOf(req.Spec.CIDR, "spec.cidr"); err != nil {
		return zero, err
	}
	z, err := c.zoneOf(ctx, req.Spec.Zone)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	name, line := nameOf(req.Name, "gateway"), firstText(req.Spec.Line, c.cfg.Line)
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (gateway, operation, error) {
		out, _, err := write[struct{ VirtualGateWayIdList, TaskIdList []string }](ctx, c, post(vpc, "CreateVirtualGateWay", object{
			"VPCId": req.Spec.VPCID,
			"VirtualGateWayList": []object{{
				"AvailableZoneCode": z.Code, "VirtualGateWayName": join(name, mark), "VirtualGateWaySegment": req.Spec.CIDR, "Type": line,
			}},
		}))
		id, err := theOne(out.VirtualGateWayIdList, err)
		return gateway{
			ID: id, Name: name, Zone: z.Code, Status: provider.StatusPending, RawStatus: "creating",
			State: kinds.GatewayState{VPCID: req.Spec.VPCID, CIDR: req.Spec.CIDR, Line: line},
		}, h.task(c, first(out.TaskIdList), verbCreate, kinds.Gateway, id), err
	})
}

// walkGateways streams the virtual gateways of the region.
func walkGateways(ctx context.Context, c *cloud, id string, yield func(gateway) error) error {
	if _, err := c.here(ctx); err != nil {
		return err
	}
	return c.gateways(ctx, segmentFilter{keyword: id}, func(row gatewayRow) error {
		name, mark := split(row.Name)
		return yield(gateway{
			ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: row.Zone, Status: netStatus(row.Status, false), RawStatus: row.Status,
			State: kinds.GatewayState{VPCID: row.VPCID, CIDR: row.CIDR, Line: row.Line, UsedIPs: row.Used.number()},
		})
	})
}

func removeGateway(ctx context.Context, p *plugin, c *cloud, t gateway) (bool, operation, error) {
	if moving(t.Status) {
		return false, operation{}, nil
	}
	_, task, err := write[loose](ctx, c, post(vpc, "DeleteVirtualGateWay", object{"VirtualGateWayId": t.ID}))
	return false, p.task(c, task, verbDelete, kinds.Gateway, t.ID), err
}
