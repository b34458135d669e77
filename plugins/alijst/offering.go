package main

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// typeProduct is what offerings that are products themselves are called.
const typeProduct = "product"

// amountOf is a plain decimal number of the config, exactly.
func amountOf(text string) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fault.Invalid("account.settings.replica_price", "must be a number like 99.50")
	}
	return r, nil
}

// yuan writes an amount with two places, rounded up to the fen.
func yuan(r *big.Rat) provider.Decimal {
	fen := new(big.Rat).Mul(r, big.NewRat(100, 1))
	n, rest := new(big.Int).QuoRem(fen.Num(), fen.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	return provider.Decimal(new(big.Rat).SetFrac(n, big.NewInt(100)).FloatString(2))
}

// priceOf is what replicas cost for months; "" when the account has no price.
func (c Config) priceOf(replicas, months int64) (provider.Decimal, error) {
	if c.ReplicaPrice == "" {
		return "", nil
	}
	one, err := amountOf(c.ReplicaPrice)
	if err != nil {
		return "", err
	}
	return yuan(one.Mul(one, big.NewRat(replicas*months, 1))), nil
}

// Offerings streams what is on sale: environments by size in every region, and
// the free things that they are made of. A call with a region gets only that.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	wants := func(kind string) bool {
		return (len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind)) && (len(req.Types) == 0 || slices.Contains(req.Types, typeProduct))
	}
	all, err := p.Regions(ctx, provider.RegionsRequest{Call: req.Call})
	if err != nil {
		return err
	}
	if c.region != "" {
		if err := c.here(ctx); err != nil {
			return err
		}
	}
	for _, r := range all {
		if c.region != "" && c.region != r.ID {
			continue
		}
		if wants(kindEnvironment) {
			if err := c.sizes(r, yield); err != nil {
				return err
			}
		}
		for _, k := range []string{kindApp, kindConfig, kindClaim, kindPoint, kindService} {
			if !wants(k) {
				continue
			}
			if err := yield(free(r, k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// free is an offering that costs nothing of its own.
func free(r provider.Region, kind string) provider.Offering {
	return provider.Offering{
		ID: r.ID + "/" + kind, Kind: kind, Type: typeProduct, Name: strings.ReplaceAll(kind, "_", " ") + " in " + r.ID, Region: r.ID, Sellable: true,
		Billing: []provider.BillingMethod{provider.BillingOnce}, Periods: []provider.Period{provider.PeriodNone}, Currency: currency, ListPrice: "0.00",
	}
}

// sizes are the environments on sale in a region.
func (c *cloud) sizes(r provider.Region, yield func(provider.Offering) error) error {
	for text := range strings.SplitSeq(c.cfg.Sizes, ";") {
		replicas, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fault.Invalid("account.settings.sizes", "must be numbers joined by semicolons")
		}
		price, err := c.cfg.priceOf(replicas, 1)
		if err != nil {
			return err
		}
		for _, w := range table().environments {
			spec, err := json.Marshal(map[string]any{"env_type": w.name, "replicas": replicas})
			if err != nil {
				return fault.Internal(err, "encoding a specification")
			}
			n := itoa(replicas)
			if err := yield(provider.Offering{
				ID: r.ID + "/" + kindEnvironment + "/" + w.name + "/" + n, Kind: kindEnvironment, Type: typeProduct, Class: w.name,
				Name: "JST " + w.name + " environment, " + n + " replicas", Region: r.ID, Sellable: true,
				Billing: []provider.BillingMethod{provider.BillingPrepaid}, Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear},
				Currency: currency, ListPrice: price, Spec: spec, Attrs: map[string]string{"replicas": n},
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Quote prices an environment by the account's price of a replica. The cloud
// has no prices: without that one it is the product's.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	k := p.shelves[req.Kind]
	switch {
	case k == nil:
		return provider.Quote{}, fault.Unsupported("there is no kind %q", req.Kind)
	case req.Change != provider.ChangeCreate:
		return provider.Quote{}, fault.Unsupported("the cloud does not price a %s", req.Change) // of a release, the unused time is paid back then
	case req.Kind != kindEnvironment:
		return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"}, nil
	}
	return c.quote(req)
}

func (c *cloud) quote(req provider.QuoteRequest) (provider.Quote, error) {
	s, err := schema.Decode[EnvironmentSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, fault.Invalid("spec", "is not an environment").With(err)
	}
	months, err := monthsOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	price, err := c.cfg.priceOf(s.Replicas*int64(max(req.Term.Quantity, 1)), months)
	switch {
	case err != nil:
		return provider.Quote{}, err
	case price == "":
		return provider.Quote{}, fault.Unsupported("the account has no price of a replica: the product's own price is taken")
	}
	return provider.Quote{Currency: currency, List: price}, nil
}

// monthsOf reads a prepaid term.
func monthsOf(t provider.Term) (int64, error) {
	n := int64(max(t.Periods, 1))
	switch {
	case t.Billing != provider.BillingPrepaid:
		return 0, fault.Invalid("term.billing", "%q is not sold: take prepaid", t.Billing)
	case t.Period == provider.PeriodYear:
		n *= 12
	case t.Period != provider.PeriodMonth:
		return 0, fault.Invalid("term.period", "%q is not sold: take month or year", t.Period)
	}
	if n > 1200 {
		return 0, fault.Invalid("term.periods", "must be at most 100 years")
	}
	return n, nil
}
