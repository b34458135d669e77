package main

import (
	"context"

	vpcapi "github.com/ucloud/ucloud-sdk-go/services/vpc"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// Create makes one subnet. Its tag is the token.
func (h subnets) Create(ctx context.Context, req provider.TypedCreate[kinds.SubnetSpec]) (provider.Result[kinds.SubnetState], error) {
	var zero provider.Result[kinds.SubnetState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	cidr, err := rangeOf(req.Spec.CIDR)
	if err != nil {
		return zero, err
	}
	name := nameOf(req.Name, tag)
	made := func(id string) provider.Result[kinds.SubnetState] {
		t := subnet{
			ID: id, Name: name, Region: c.region, Status: provider.StatusFree, Token: tag,
			State: kinds.SubnetState{VPCID: req.Spec.VPCID, CIDR: req.Spec.CIDR, Description: req.Spec.Description},
		}
		if row, err := c.subnet(ctx, id); err == nil {
			t = c.subnetThing(row)
		}
		return provider.Done(t)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Subnet, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.Subnet, tag, buyer[kinds.SubnetState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.SubnetState], error) {
			return h.findCreated(ctx, c, find)
		},
		buy: func(ctx context.Context) (provider.Result[kinds.SubnetState], string, error) {
			answer, err := write(ctx, c, vpcapi.NewClient, func(k vpcClient) (*vpcapi.CreateSubnetResponse, error) {
				r := k.NewCreateSubnetRequest()
				r.VPCId, r.Subnet, r.Netmask = &req.Spec.VPCID, ucloud.String(cidr.Addr().String()), ucloud.Int(cidr.Bits())
				r.SubnetName, r.Tag, r.Remark = &name, &tag, optional(req.Spec.Description)
				return k.CreateSubnet(r)
			})
			if err != nil {
				return zero, "", err
			}
			return made(answer.SubnetId), answer.SubnetId, nil
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

// List streams the subnets of the region, the cloud's own among them.
func (h subnets) List(ctx context.Context, req provider.ListRequest, yield func(subnet) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.subnets(ctx, nil, func(row subnetRow) error { return yield(c.subnetThing(row)) })
}

// Delete removes a subnet that nothing is in. The cloud's refusal of an unknown
// id is not documented, so it is looked for first.
func (h subnets) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if _, err := c.subnet(ctx, req.ID); err != nil {
		return provider.Started{}, goneIsDone(err)
	}
	_, err = write(ctx, c.at(c.region, ""), vpcapi.NewClient, func(k vpcClient) (*vpcapi.DeleteSubnetResponse, error) {
		r := k.NewDeleteSubnetRequest()
		r.SubnetId = &req.ID
		return k.DeleteSubnet(r)
	})
	return provider.Started{}, goneIsDone(err)
}

// FindByToken tells what became of a create or a release.
func (h subnets) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.SubnetState], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.TypedFound[kinds.SubnetState]{}, err
	}
	return byToken(req, "subnet",
		func() (provider.TypedFound[kinds.SubnetState], error) { return h.findCreated(ctx, c, req) },
		func() error { _, err := c.subnet(ctx, req.ID); return err })
}

func (h subnets) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.SubnetState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(subnet)) error {
		return c.subnets(ctx, nil, func(row subnetRow) error {
			if row.Tag == tag {
				add(c.subnetThing(row))
			}
			return nil
		})
	})
}

func (c *cloud) subnets(ctx context.Context, ids []string, yield func(subnetRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]subnetRow, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), vpcapi.NewClient, func(k vpcClient) (*vpcapi.DescribeSubnetResponse, error) {
			r := k.NewDescribeSubnetRequest()
			r.SubnetIds, r.Offset, r.Limit, r.ShowAvailableIPs = ids, &offset, &limit, ucloud.Bool(true)
			return k.DescribeSubnet(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.DataSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r subnetRow) string { return r.SubnetId }, yield)
}

func (c *cloud) subnet(ctx context.Context, id string) (subnetRow, error) {
	return pick("subnet", id, func(r subnetRow) string { return r.SubnetId }, func(yield func(subnetRow) error) error {
		return c.subnets(ctx, []string{id}, yield)
	})
}

// subnetThing shows a subnet in the contract's words. Address and mask come
// apart from the cloud, the mask as a text.
func (c *cloud) subnetThing(row subnetRow) subnet {
	return subnet{
		ID: row.SubnetId, Name: row.SubnetName, Region: c.region, Zone: row.Zone, Status: provider.StatusFree, Token: tokenOf(row.Tag),
		Created: moment(row.CreateTime),
		State: kinds.SubnetState{
			VPCID: row.VPCId, CIDR: row.Subnet + "/" + row.Netmask, FreeIPs: row.AvailableIPs, Description: row.Remark,
		},
	}
}
