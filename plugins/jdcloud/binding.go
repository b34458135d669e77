package main

import (
	"context"
	"slices"

	common "github.com/jdcloud-api/jdcloud-sdk-go/services/common/models"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// mostGroups is how many security groups a network interface can be in.
const mostGroups = 5

// addRule adds a rule; one that is there already is no mistake.
func (h groups) addRule(ctx context.Context, req provider.TypedAction[kinds.Rule]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := checkRules([]kinds.Rule{req.Input}, "input"); err != nil {
		return out, err
	}
	c, row, end, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	defer end()
	return out, c.addRules(ctx, row, []kinds.Rule{req.Input})
}

// removeRule removes a rule; one that is gone is no mistake.
func (h groups) removeRule(ctx context.Context, req provider.TypedAction[kinds.RuleRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, end, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	defer end()
	if !slices.ContainsFunc(row.SecurityGroupRules, func(r vpc.SecurityGroupRule) bool { return r.RuleId == req.Input.RuleID }) {
		return out, nil
	}
	r := vpcapi.NewRemoveNetworkSecurityGroupRulesRequest(c.region, req.ID, []string{req.Input.RuleID})
	return out, act(ctx, c, serviceVPC, r)
}

// bind puts a server into the group, beside those it is in.
func (h groups) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	return h.regroup(ctx, req, func(_ context.Context, _ *cloud, have []string) ([]string, error) {
		switch {
		case slices.Contains(have, req.ID):
			return nil, nil
		case len(have) >= mostGroups:
			return nil, fault.Precondition("the server is in %d security groups already: unbind one first", len(have))
		}
		return append(slices.Clone(have), req.ID), nil
	})
}

// unbind takes a server out of the group; out of its last one it comes into
// the VPC's default group, since it must be in one.
func (h groups) unbind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	return h.regroup(ctx, req, func(ctx context.Context, c *cloud, have []string) ([]string, error) {
		if !slices.Contains(have, req.ID) {
			return nil, nil
		}
		rest := slices.DeleteFunc(slices.Clone(have), func(id string) bool { return id == req.ID })
		if len(rest) > 0 {
			return rest, nil
		}
		row, err := c.group(ctx, req.ID)
		if err != nil {
			return nil, err
		}
		err = c.groups(ctx, func(r groupRow) error {
			if r.VpcId == row.VpcId && r.NetworkSecurityGroupType == typeDefault {
				rest = []string{r.NetworkSecurityGroupId}
			}
			return nil
		})
		if err == nil && (len(rest) == 0 || rest[0] == req.ID) {
			err = fault.Precondition("a server must be in a security group: bind another one first")
		}
		return rest, err
	})
}

// regroup changes the groups of a server's network interface. The cloud takes
// the whole list, so changes of one server take turns within this process;
// whoever changes it elsewhere at the same moment may win. No list from next is
// no change.
func (h groups) regroup(
	ctx context.Context, req provider.TypedAction[kinds.InstanceRef], next func(ctx context.Context, c *cloud, have []string) ([]string, error),
) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	switch {
	case !goodID(req.ID):
		return out, absent("security group", req.ID, false)
	case !goodID(req.Input.InstanceID):
		return out, fault.Invalid("input.instance_id", "is not an id of this cloud")
	}
	end, err := h.purchases.Take(ctx, c.key()+"\ngroups of\n"+req.Input.InstanceID)
	if err != nil {
		return out, err
	}
	defer end()
	row, err := c.server(ctx, req.Input.InstanceID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	nic := row.PrimaryNetworkInterface.NetworkInterface
	if !goodID(nic.NetworkInterfaceId) {
		return out, fault.Precondition("the server has no network interface")
	}
	var have []string
	for _, g := range nic.SecurityGroups {
		have = append(have, g.GroupId)
	}
	groups, err := next(ctx, c, have)
	if err != nil || groups == nil {
		return out, fault.NotDone(err)
	}
	r := vpcapi.NewModifyNetworkInterfaceRequest(c.region, nic.NetworkInterfaceId)
	r.SetSecurityGroups(groups)
	return out, act(ctx, c, serviceVPC, r)
}

// mostBindings bounds the answer of one action.
const mostBindings = 1000

// bindings are the resources in a group.
func (h groups) bindings(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Bindings], error) {
	out := provider.ActionResult[kinds.Bindings]{Output: kinds.Bindings{Bindings: []kinds.Binding{}}}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.group(ctx, req.ID)
	if err != nil {
		return out, err
	}
	all := row.NetworkInterfaceIds
	out.Output.Total = len(all)
	for chunk := range slices.Chunk(all[:min(len(all), mostBindings)], pageSize) {
		err := c.interfaces(ctx, chunk, func(n vpc.NetworkInterface) error {
			out.Output.Bindings = append(out.Output.Bindings, binding(n))
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func binding(n vpc.NetworkInterface) kinds.Binding {
	out := kinds.Binding{ResourceID: n.InstanceId, ResourceType: n.InstanceType, Zone: n.Az, PrivateIP: n.PrimaryIp.PrivateIpAddress}
	if n.InstanceType == boundServer {
		out.ResourceType = kinds.Instance
	}
	if out.ResourceID == "" {
		out.ResourceID, out.ResourceType, out.Name = n.NetworkInterfaceId, "network_interface", n.NetworkInterfaceName
	}
	return out
}

// interfaces streams network interfaces by their ids.
func (c *cloud) interfaces(ctx context.Context, ids []string, yield func(vpc.NetworkInterface) error) error {
	fetch := func(ctx context.Context, number, size int) ([]vpc.NetworkInterface, int, error) {
		req := vpcapi.NewDescribeNetworkInterfacesRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		req.Filters = []common.Filter{{Name: "networkInterfaceIds", Values: ids}}
		answer, err := read[vpcapi.DescribeNetworkInterfacesResult](ctx, c, serviceVPC, req)
		return answer.NetworkInterfaces, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(n vpc.NetworkInterface) string { return n.NetworkInterfaceId }, yield)
}
