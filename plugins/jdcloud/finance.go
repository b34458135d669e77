package main

import (
	"context"
	"encoding/json"
	"slices"

	assetapi "github.com/jdcloud-api/jdcloud-sdk-go/services/asset/apis"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Balance reads the account's money.
func (p *plugin) Balance(ctx context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.Balance{}, err
	}
	c = c.home()
	answer, err := read[assetapi.DescribeAccountAmountResult](ctx, c, serviceAsset, assetapi.NewDescribeAccountAmountRequest(c.region))
	if err != nil {
		return provider.Balance{}, err
	}
	out := provider.Balance{Currency: currency}
	if out.Available, err = amount(json.Number(answer.AvailableAmount)); err != nil {
		return provider.Balance{}, err
	}
	if out.Cash, err = amount(json.Number(answer.TotalAmount)); err != nil {
		return provider.Balance{}, err
	}
	out.Frozen, err = amount(json.Number(answer.FrozenAmount))
	return out, err
}

// Import streams everything of the account that is in the call's region or,
// without one, anywhere.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	for _, region := range c.regionIDs() {
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
			return c.instances(ctx, "", func(t instance) error { return pass(yield, kinds.Instance, t) })
		}},
		{kinds.EIP, func() error {
			return c.eips(ctx, "", func(row eipRow) error { return pass(yield, kinds.EIP, c.address(row)) })
		}},
		{kinds.Disk, func() error { return c.importDisks(ctx, yield) }},
		{kinds.VPC, func() error {
			return c.vpcs(ctx, func(row vpcRow) error { return pass(yield, kinds.VPC, c.network(row)) })
		}},
		{kinds.Subnet, func() error {
			return c.subnets(ctx, "", func(row subnetRow) error { return pass(yield, kinds.Subnet, c.subnetThing(row)) })
		}},
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

// importDisks leaves out the disks that came with servers, which belong to them.
func (c *cloud) importDisks(ctx context.Context, yield func(provider.Resource) error) error {
	return c.disks(ctx, "", func(row diskRow) error {
		if len(row.Attachments) > 0 && tagValue(row.Tags) == "" {
			return nil
		}
		return pass(yield, kinds.Disk, c.diskThing(row))
	})
}

// importGroups leaves out the groups that the cloud made.
func (c *cloud) importGroups(ctx context.Context, yield func(provider.Resource) error) error {
	return c.groups(ctx, func(row groupRow) error {
		if row.NetworkSecurityGroupType == typeDefault {
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
