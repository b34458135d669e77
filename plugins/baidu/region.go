package main

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// regionLife is how long the list of a key's regions is believed, mostOwners
// how many keys' lists are kept.
const (
	regionLife = time.Hour
	mostOwners = 1000
)

// label is what can be a part of a host's name.
var label = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// regionCache keeps the regions that each key may use, so that not every call
// asks for them. Safe for concurrent use.
type regionCache struct {
	mu    sync.Mutex
	known map[string]regionList
}

type regionList struct {
	ids   map[string]bool
	until time.Time
}

func newRegionCache() *regionCache { return &regionCache{known: map[string]regionList{}} }

func (r *regionCache) get(owner string, now time.Time) (map[string]bool, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.known[owner]
	return l.ids, ok && now.Before(l.until)
}

func (r *regionCache) put(owner string, l regionList) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= mostOwners {
		clear(r.known)
	}
	r.known[owner] = l
}

// check refuses a region that the account does not have.
func (r *regionCache) check(ctx context.Context, c *cloud, now time.Time) error {
	if !label.MatchString(c.region) {
		return fault.Invalid("call.region", "%q is not a region", c.region)
	}
	ids, ok := r.get(c.owner(), now)
	if !ok {
		rows, err := c.regionRows(ctx)
		if err != nil {
			return fault.NotDone(err)
		}
		ids = map[string]bool{}
		for _, row := range rows {
			ids[row.RegionId] = true
		}
		r.put(c.owner(), regionList{ids: ids, until: now.Add(regionLife)})
	}
	if !ids[c.region] {
		return fault.Invalid("call.region", "%q is not a region of the account", c.region)
	}
	return nil
}

// regionRows asks for the account's regions, at a host of no region.
func (c *cloud) regionRows(ctx context.Context) ([]api.Region, error) {
	answer, err := read(ctx, c.at("", ""), compute, func(k *bce.BceClient) (*api.DescribeRegionsResult, error) {
		return server(k).DescribeRegions(&api.DescribeRegionsArgs{})
	})
	if err != nil {
		return nil, err
	}
	return answer.Regions, nil
}

// server is the SDK's client for servers, disks and images.
func server(k *bce.BceClient) *bcc.Client { return &bcc.Client{BceClient: k} }

// Regions returns the account's regions with their zones, in the cloud's order.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return nil, err
	}
	rows, err := c.regionRows(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]provider.Region, 0, len(rows))
	for _, row := range rows {
		if !label.MatchString(row.RegionId) {
			continue // no host can have the name
		}
		r := provider.Region{ID: row.RegionId, Name: firstText(row.RegionName, row.RegionId)}
		zones, err := c.at(row.RegionId, "").zones(ctx)
		if err != nil {
			return nil, err
		}
		for _, z := range zones {
			r.Zones = append(r.Zones, provider.Zone{ID: z, Name: z})
		}
		out = append(out, r)
	}
	return out, nil
}

// zones are the region's zones.
func (c *cloud) zones(ctx context.Context) ([]string, error) {
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListZoneResult, error) { return server(k).ListZone() })
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(answer.Zones))
	for _, z := range answer.Zones {
		out = append(out, z.ZoneName)
	}
	return out, nil
}
