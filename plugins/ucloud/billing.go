package main

import (
	"context"
	"slices"

	"github.com/ucloud/ucloud-sdk-go/services/ubill"

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

func (c *cloud) everything(ctx context.Context, kinds []string, yield func(provider.Resource) error) error {
	if len(kinds) == 0 || slices.Contains(kinds, kindInstance) {
		err := c.hosts(ctx, hostFilter{}, func(row host) error { return pass(yield, kindInstance, c.instance(row)) })
		if err != nil {
			return err
		}
	}
	if len(kinds) == 0 || slices.Contains(kinds, kindEIP) {
		return c.eips(ctx, nil, func(row eipRow) error { return pass(yield, kindEIP, c.address(row)) })
	}
	return nil
}

// pass yields the untyped form of a thing.
func pass[State any](yield func(provider.Resource) error, kind string, t provider.Thing[State]) error {
	r, err := resourceOf(kind, t)
	if err != nil {
		return err
	}
	return yield(*r)
}
