package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Offerings streams the app models of the account's store, each of its versions
// in each region that the team has opened. Without a store there are none.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	places, err := c.here(ctx)
	switch {
	case err != nil:
		return err
	case len(req.Kinds) > 0 && !slices.Contains(req.Kinds, kindApp), len(req.Types) > 0 && !slices.Contains(req.Types, typeAppModel), c.cfg.MarketURL == "":
		return nil
	}
	return c.eachModel(ctx, func(m modelRow) error {
		for _, v := range m.Versions {
			if v.Plugin {
				continue // not an app: it cannot be installed by itself
			}
			for _, at := range places {
				o, err := c.offering(m, v, at)
				if err == nil {
					err = yield(o)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// offering is a version on sale. What it takes of the cluster makes its price,
// where the account names those of cores and memory.
func (c *cloud) offering(m modelRow, v versionRow, at openedRow) (provider.Offering, error) {
	spec, err := json.Marshal(AppSpec{AppModelID: m.ID, AppModelVersion: v.Version})
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "a spec cannot be encoded")
	}
	price, err := c.cfg.price(v.CPU, v.Memory)
	return provider.Offering{
		ID: at.Name + "/" + m.ID + "/" + v.Version, Kind: kindApp, Type: typeAppModel, Name: firstText(m.Name, m.ID) + " " + v.Version,
		Class: class(m), Region: at.Name, Sellable: true,
		Billing: []provider.BillingMethod{provider.BillingPrepaid}, Periods: []provider.Period{provider.PeriodMonth},
		Currency: currency, ListPrice: price, Spec: spec,
		Attrs: map[string]string{
			"cpu_milli": strconv.Itoa(v.CPU), kinds.AttrMemoryMB: strconv.Itoa(v.Memory), "app_model_id": m.ID, "app_model_version": v.Version,
			"arch": v.Arch, "description": short(m.Desc),
		},
	}, err
}

func class(m modelRow) string {
	if m.Official {
		return "official"
	}
	return "store"
}

// short bounds a text of the store, for people.
func short(text string) string {
	if r := []rune(text); len(r) > 200 {
		return string(r[:200])
	}
	return text
}
