package main

import (
	"context"
	"slices"

	"github.com/ucloud/ucloud-sdk-go/services/ubill"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Balance reads the account's money.
func (p *plugin) Balance(ctx context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.Balance{}, err
	}
	answer, err := read(ctx, c.at("", ""), ubill.NewClient, func(k *ubill.UBillClient) (*ubill.GetBalanceResponse, error) {
		return k.GetBalance(k.NewGetBalanceRequest())
	})
	if err != nil {
		return provider.Balance{}, err
	}
	a := answer.AccountInfo
	return provider.Balance{
		Currency: currency, Available: provider.Decimal(a.AmountAvailable), Cash: provider.Decimal(a.Amount),
		Credit: provider.Decimal(a.AmountCredit), Frozen: provider.Decimal(a.AmountFreeze),
	}, nil
}

// Import streams everything of the account that is in the call's region or,
// without one, anywhere.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	regions := []string{c.region}
	if c.region == "" {
		if regions, err = c.regionIDs(ctx); err != nil {
			return err
		}
	}
	for _, region := range regions {
		if err := c.at(region, "").everything(ctx, req.Kinds, yield); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) everything(ctx context.Context, wanted []string, yield func(provider.Resource) error) error {
	if len(wanted) == 0 || slices.Contains(wanted, kindInstance) {
		err := c.hosts(ctx, hostFilter{}, func(row host) error { return pass(yield, kindInstance, c.instance(row)) })
		if err != nil {
			return err
		}
	}
	all := []struct {
		kind string
		walk func() error
	}{
		{kindEIP, func() error {
			return c.eips(ctx, nil, func(row eipRow) error { return pass(yield, kindEIP, c.address(row)) })
		}},
		{kinds.Disk, func() error {
			return c.disks(ctx, "", func(row diskRow) error { return pass(yield, kinds.Disk, c.diskThing(row)) })
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

// importVPCs leaves out the network that the cloud made.
func (c *cloud) importVPCs(ctx context.Context, yield func(provider.Resource) error) error {
	return c.vpcs(ctx, nil, func(row vpcRow) error {
		if row.VPCType == vpcOfCloud {
			return nil
		}
		return pass(yield, kinds.VPC, c.network(row))
	})
}

// importSubnets leaves out the subnets of the network that the cloud made,
// unless a purchase made them.
func (c *cloud) importSubnets(ctx context.Context, yield func(provider.Resource) error) error {
	ofCloud := map[string]bool{}
	err := c.vpcs(ctx, nil, func(row vpcRow) error {
		if row.VPCType == vpcOfCloud {
			ofCloud[row.VPCId] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.subnets(ctx, nil, func(row subnetRow) error {
		if ofCloud[row.VPCId] && tokenOf(row.Tag) == "" {
			return nil
		}
		return pass(yield, kinds.Subnet, c.subnetThing(row))
	})
}

// importGroups leaves out the firewalls that the cloud made.
func (c *cloud) importGroups(ctx context.Context, yield func(provider.Resource) error) error {
	return c.firewalls(ctx, firewallFilter{}, func(row firewallRow) error {
		if !own(row) {
			return nil
		}
		return pass(yield, kinds.SecurityGroup, c.group(row))
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
