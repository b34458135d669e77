package main

import (
	"context"
	"slices"

	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// homeRegion is where calls go that concern the account as a whole.
const homeRegion = "cn-north-1"

// regionTable are the cloud's regions: it has no call that lists them.
func regionTable() []provider.Region {
	return []provider.Region{
		{ID: homeRegion, Name: "华北-北京"}, {ID: "cn-east-1", Name: "华东-宿迁"},
		{ID: "cn-east-2", Name: "华东-上海"}, {ID: "cn-south-1", Name: "华南-广州"},
	}
}

// Regions returns the cloud's regions with the zones that servers are sold in.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return nil, err
	}
	out := regionTable()
	for i := range out {
		types, err := c.at(out[i].ID, "").types(ctx)
		if err != nil {
			return nil, err
		}
		for _, zone := range zonesOf(types) {
			out[i].Zones = append(out[i].Zones, provider.Zone{ID: zone, Name: zone})
		}
	}
	return out, nil
}

// zonesOf are the zones that instance types name, in order.
func zonesOf(types []instanceType) []string {
	var out []string
	for _, t := range types {
		for _, s := range t.State {
			if s.Az != "" && !slices.Contains(out, s.Az) {
				out = append(out, s.Az)
			}
		}
	}
	slices.Sort(out)
	return out
}

// regionIDs are the call's region or, without one, all.
func (c *cloud) regionIDs() []string {
	if c.region != "" {
		return []string{c.region}
	}
	var out []string
	for _, r := range regionTable() {
		out = append(out, r.ID)
	}
	return out
}

// home is the account where calls go that concern it as a whole.
func (c *cloud) home() *cloud { return c.at(firstText(c.region, homeRegion), "") }

// pages walks a list that is asked for by page numbers from 1. Beyond its end
// the cloud's network service gives the last page again, which is left out.
func pages[T any](
	ctx context.Context, size int, fetch func(ctx context.Context, number, size int) ([]T, int, error), key func(T) string, yield func(T) error,
) error {
	return page.ByOffset(ctx, page.Options{Size: size}, func(ctx context.Context, offset, limit int) ([]T, int, error) {
		rows, total, err := fetch(ctx, offset/limit+1, limit)
		if err == nil && offset >= total {
			rows = nil
		}
		return rows, total, err
	}, key, yield)
}
