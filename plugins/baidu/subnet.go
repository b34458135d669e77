package main

import (
	"context"

	"github.com/baidubce/bce-sdk-go/bce"
	vpcapi "github.com/baidubce/bce-sdk-go/services/vpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

func subnetKind(p *plugin) *provider.Kind {
	h := subnets{p}
	return provider.KindOf[kinds.SubnetSpec, kinds.SubnetState](kinds.Subnet, "Subnet", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename))
}

// Create makes one subnet in a zone. Its tag is the token.
func (h subnets) Create(ctx context.Context, req provider.TypedCreate[kinds.SubnetSpec]) (provider.Result[kinds.SubnetState], error) {
	c, tag, err := h.free(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[kinds.SubnetState]{}, err
	}
	if err := rangeOf(req.Spec.CIDR); err != nil {
		return provider.Result[kinds.SubnetState]{}, err
	}
	where := firstText(c.zone, req.Spec.Zone)
	if where == "" {
		return provider.Result[kinds.SubnetState]{}, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	args := &vpcapi.CreateSubnetArgs{
		Name: nameOf(req.Name, tag), ZoneName: where, Cidr: req.Spec.CIDR, VpcId: req.Spec.VPCID, SubnetType: vpcapi.SUBNET_TYPE_BCC,
		Description: req.Spec.Description, Tags: tags(tag), ClientToken: clientToken(req.Token, kinds.Subnet, "create", c.region),
	}
	return buyOnce(ctx, buyer[kinds.SubnetState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.SubnetState], error) {
			return h.findCreated(ctx, c, createOf(req.Call, kinds.Subnet, req.Token))
		},
		buy: func(ctx context.Context) (subnet, error) {
			answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*vpcapi.CreateSubnetResult, error) { return netOf(k).CreateSubnet(args) })
			if err != nil {
				return subnet{}, err
			}
			if row, err := c.subnet(ctx, answer.SubnetId); err == nil {
				return c.subnetThing(row), nil
			}
			return subnet{
				ID: answer.SubnetId, Name: args.Name, Region: c.region, Zone: where, Status: provider.StatusFree, Token: tag,
				State: kinds.SubnetState{VPCID: args.VpcId, CIDR: args.Cidr, Description: args.Description},
			}, nil
		},
	})
}

// Get reads one subnet.
func (h subnets) Get(ctx context.Context, req provider.GetRequest) (subnet, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return subnet{}, err
	}
	row, err := c.subnet(ctx, req.ID)
	if err != nil {
		return subnet{}, err
	}
	return c.subnetThing(row), nil
}

// List streams the subnets of the region, the cloud's own among them.
func (h subnets) List(ctx context.Context, req provider.ListRequest, yield func(subnet) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.subnets(ctx, "", func(row subnetRow) error { return yield(c.subnetThing(row)) })
}

// Delete removes a subnet that nothing is in.
func (h subnets) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if err := idOf("subnet", req.ID); err != nil {
		return provider.Started{}, goneIsDone(err)
	}
	return provider.Started{}, goneIsDone(writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return netOf(k).DeleteSubnet(req.ID, clientToken(req.Token, kinds.Subnet, "delete", req.ID))
	}))
}

// FindByToken tells what became of a create or a release.
func (h subnets) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.SubnetState], error) {
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.subnet(ctx, id)
		return err
	})
}

// findCreated walks all subnets: the cloud does not search them by tag.
func (h subnets) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.SubnetState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(subnet)) error {
		return c.subnets(ctx, "", func(row subnetRow) error {
			if tokenIn(row.Tags) == tag {
				add(c.subnetThing(row))
			}
			return nil
		})
	})
}

// rename gives a subnet another name. The cloud wants its description again.
func (h subnets) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name); err != nil {
		return out, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.subnet(ctx, req.ID)
	if err != nil || row.Name == req.Input.Name {
		return out, fault.NotDone(err)
	}
	return out, writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return netOf(k).UpdateSubnet(req.ID, &vpcapi.UpdateSubnetArgs{Name: req.Input.Name, Description: row.Description})
	})
}

// subnets streams the subnets of the region, or those with an id.
func (c *cloud) subnets(ctx context.Context, id string, yield func(subnetRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]subnetRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*vpcapi.ListSubnetResult, error) {
			return netOf(k).ListSubnets(&vpcapi.ListSubnetArgs{Marker: marker, MaxKeys: limit, SubnetIds: id})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Subnets, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r subnetRow) string { return r.SubnetId }, yield)
}

// subnet reads one by the list, which shows all there is to know.
func (c *cloud) subnet(ctx context.Context, id string) (subnetRow, error) {
	return oneRow("subnet", id, func(yield func(subnetRow) error) error { return c.subnets(ctx, id, yield) },
		func(r subnetRow) string { return r.SubnetId })
}

// subnetThing shows a subnet in the contract's words.
func (c *cloud) subnetThing(row subnetRow) subnet {
	return subnet{
		ID: row.SubnetId, Name: row.Name, Region: c.region, Zone: row.ZoneName, Status: provider.StatusFree, Token: tokenIn(row.Tags),
		Created: moment(row.CreatedTime),
		State:   kinds.SubnetState{VPCID: row.VPCId, CIDR: row.Cidr, FreeIPs: row.AvailableIp, Description: row.Description},
	}
}
