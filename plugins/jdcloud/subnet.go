package main

import (
	"context"

	common "github.com/jdcloud-api/jdcloud-sdk-go/services/common/models"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type (
	subnetRow = vpc.Subnet
	subnet    = provider.Thing[kinds.SubnetState]
)

// subnets is the handler of the kind subnet.
type subnets struct{ *plugin }

func subnetKind(p *plugin) *provider.Kind {
	h := subnets{p}
	return provider.KindOf[kinds.SubnetSpec, kinds.SubnetState](kinds.Subnet, "Subnet", h,
		provider.ActionOf(changes(kinds.ActionRename, "Rename"), h.rename),
	)
}

// Create makes one subnet, which all zones of the region share.
func (h subnets) Create(ctx context.Context, req provider.TypedCreate[kinds.SubnetSpec]) (provider.Result[kinds.SubnetState], error) {
	var zero provider.Result[kinds.SubnetState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if err := checkRange(req.Spec.CIDR); err != nil {
		return zero, err
	}
	if !goodID(req.Spec.VPCID) {
		return zero, fault.Invalid("spec.vpc_id", "is not an id of this cloud")
	}
	description, err := noted(tag, req.Spec.Description)
	if err != nil {
		return zero, err
	}
	order := vpcapi.NewCreateSubnetRequest(c.region, req.Spec.VPCID, nameOf(req.Name, tag, networkName), req.Spec.CIDR)
	order.SetDescription(description)
	made := func(id string) provider.Result[kinds.SubnetState] {
		if row, err := c.subnet(ctx, id); err == nil {
			return provider.Done(c.subnetThing(row))
		}
		return provider.Done(subnet{
			ID: id, Name: order.SubnetName, Region: c.region, Status: provider.StatusFree, Token: tag,
			State: kinds.SubnetState{VPCID: req.Spec.VPCID, CIDR: req.Spec.CIDR, Description: req.Spec.Description},
		})
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Subnet, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.Subnet, tag, buyer[kinds.SubnetState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.SubnetState], error) {
			return h.findCreated(ctx, c, find, req.Spec.VPCID)
		},
		buy: func(ctx context.Context) (provider.Result[kinds.SubnetState], string, error) {
			answer, err := write[vpcapi.CreateSubnetResult](ctx, c, serviceVPC, order)
			id, err := one([]string{answer.SubnetId}, err)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
	})
}

// Get reads one subnet.
func (h subnets) Get(ctx context.Context, req provider.GetRequest) (subnet, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return subnet{}, err
	}
	row, err := c.subnet(ctx, req.ID)
	if err != nil {
		return subnet{}, err
	}
	return c.subnetThing(row), nil
}

// List streams the subnets of the region.
func (h subnets) List(ctx context.Context, req provider.ListRequest, yield func(subnet) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.subnets(ctx, "", func(row subnetRow) error { return yield(c.subnetThing(row)) })
}

// Delete removes a subnet that nothing is in.
func (h subnets) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if !goodID(req.ID) {
		return provider.Started{}, absent("subnet", req.ID, true)
	}
	return provider.Started{}, goneIsDone(act(ctx, c, serviceVPC, vpcapi.NewDeleteSubnetRequest(c.region, req.ID)))
}

// FindByToken tells what became of a create or a release.
func (h subnets) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.SubnetState], error) {
	c, err := h.openIn(req.Call)
	switch {
	case err != nil:
		return provider.TypedFound[kinds.SubnetState]{}, err
	case req.Change == provider.ChangeCreate:
		return h.findCreated(ctx, c, req, "")
	case req.Change == provider.ChangeRelease:
		_, err := c.subnet(ctx, req.ID)
		return released[kinds.SubnetState](err)
	}
	return provider.TypedFound[kinds.SubnetState]{}, fault.Unsupported("a subnet's %s leaves no trace of its token", req.Change)
}

func (h subnets) findCreated(ctx context.Context, c *cloud, req provider.FindRequest, vpcID string) (provider.TypedFound[kinds.SubnetState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(subnet)) error {
		return c.subnets(ctx, vpcID, func(row subnetRow) error {
			if t := c.subnetThing(row); t.Token == tag {
				add(t)
			}
			return nil
		})
	})
}

// subnets streams the subnets of the region, or those of a VPC.
func (c *cloud) subnets(ctx context.Context, vpcID string, yield func(subnetRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]subnetRow, int, error) {
		req := vpcapi.NewDescribeSubnetsRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		if vpcID != "" {
			req.Filters = []common.Filter{{Name: "vpcId", Values: []string{vpcID}}}
		}
		answer, err := read[vpcapi.DescribeSubnetsResult](ctx, c, serviceVPC, req)
		return answer.Subnets, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r subnetRow) string { return r.SubnetId }, yield)
}

func (c *cloud) subnet(ctx context.Context, id string) (subnetRow, error) {
	if !goodID(id) {
		return subnetRow{}, absent("subnet", id, false)
	}
	answer, err := read[vpcapi.DescribeSubnetResult](ctx, c, serviceVPC, vpcapi.NewDescribeSubnetRequest(c.region, id))
	switch {
	case err != nil:
		return subnetRow{}, err
	case answer.Subnet.SubnetId != id:
		return subnetRow{}, fault.NotFound("subnet", id)
	}
	return answer.Subnet, nil
}

// subnetThing shows a subnet in the contract's words.
func (c *cloud) subnetThing(row subnetRow) subnet {
	tag, text := noteOf(row.Description)
	return subnet{
		ID: row.SubnetId, Name: row.SubnetName, Region: c.region, Zone: row.Az, Status: provider.StatusFree, RawStatus: row.SubnetType,
		Token: tag, Created: moment(row.CreatedTime),
		State: kinds.SubnetState{VPCID: row.VpcId, CIDR: row.AddressPrefix, FreeIPs: row.AvailableIpCount, Description: text},
	}
}

func (h subnets) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	c, err := h.renaming(req, "subnet")
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	r := vpcapi.NewModifySubnetRequest(c.region, req.ID)
	r.SetSubnetName(req.Input.Name)
	return provider.ActionResult[none]{}, act(ctx, c, serviceVPC, r)
}
