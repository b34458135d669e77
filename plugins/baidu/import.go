package main

import (
	"context"
	"slices"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Import streams everything of the account that is in the call's region or,
// without one, anywhere. What the cloud makes by itself is left out.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, regions, err := p.places(ctx, req.Call)
	if err != nil {
		return err
	}
	for _, region := range regions {
		if err := c.at(region, "").everything(ctx, req.Kinds, yield); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) everything(ctx context.Context, wanted []string, yield func(provider.Resource) error) error {
	all := []struct {
		kind string
		walk func() error
	}{
		{kinds.Instance, func() error {
			return c.instances(ctx, "", func(row instanceRow) error { return pass(yield, kinds.Instance, c.instanceThing(row)) })
		}},
		{kinds.EIP, func() error {
			return c.eips(ctx, eipFilter{}, func(row eipRow) error { return pass(yield, kinds.EIP, c.address(row)) })
		}},
		{kinds.Disk, func() error {
			return c.disks(ctx, diskFilter{}, func(row diskRow) error { return pass(yield, kinds.Disk, c.diskThing(row)) })
		}},
		{kinds.VPC, func() error { return c.importVPCs(ctx, yield) }},
		{kinds.Subnet, func() error { return c.importSubnets(ctx, yield) }},
		{kinds.SecurityGroup, func() error { return c.importGroups(ctx, yield) }},
	}
	for _, one := range all {
		if len(wanted) > 0 && !slices.Contains(wanted, one.kind) {
			continue
		}
		if err := one.walk(); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) importVPCs(ctx context.Context, yield func(provider.Resource) error) error {
	return c.vpcs(ctx, "", func(row vpcRow) error {
		if row.IsDefault {
			return nil
		}
		return pass(yield, kinds.VPC, c.network(row))
	})
}

// importSubnets leaves out the subnets of the network that the cloud made,
// unless a purchase made them.
func (c *cloud) importSubnets(ctx context.Context, yield func(provider.Resource) error) error {
	ofCloud := map[string]bool{}
	err := c.vpcs(ctx, "", func(row vpcRow) error {
		if row.IsDefault {
			ofCloud[row.VPCID] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.subnets(ctx, "", func(row subnetRow) error {
		if ofCloud[row.VPCId] && tokenIn(row.Tags) == "" {
			return nil
		}
		return pass(yield, kinds.Subnet, c.subnetThing(row))
	})
}

func (c *cloud) importGroups(ctx context.Context, yield func(provider.Resource) error) error {
	return c.groups(ctx, "", func(row groupRow) error {
		if ofCloud(row) {
			return nil
		}
		return pass(yield, kinds.SecurityGroup, c.groupThing(row))
	})
}

// pass yields the untyped form of a thing.
func pass[State any](yield func(provider.Resource) error, kind string, t provider.Thing[State]) error {
	r, err := resourceOf(kind, t)
	if err != nil {
		return err
	}
	return yield(*r)
}
