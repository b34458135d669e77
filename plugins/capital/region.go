package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// region is a place of the cloud with its zones.
type region struct {
	Name  string `json:"RegionName"`
	Code  string `json:"RegionCode"`
	Zones []zone `json:"AzList"`
}

// zone has a code, which most calls want, and an id, which answers about
// servers hold and prices of addresses want.
type zone struct {
	ID   string `json:"AzId"`
	Name string `json:"AzName"`
	Code string `json:"AvailableZoneCode"`
}

// Bounds of what is remembered of places.
const (
	placesLife = 5 * time.Minute
	mostPlaces = 1000
)

// places remembers the regions of accounts for a short while, since almost
// every call needs them. Safe for concurrent use.
type places struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]knownPlaces
}

type knownPlaces struct {
	regions []region
	until   time.Time
}

func newPlaces(c clock.Clock) *places { return &places{clock: c, known: map[string]knownPlaces{}} }

func (p *places) recall(key string) []region {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.known[key]
	if !ok || !p.clock.Now().Before(k.until) {
		return nil
	}
	return k.regions
}

func (p *places) remember(key string, all []region) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= mostPlaces {
		clear(p.known)
	}
	p.known[key] = knownPlaces{all, p.clock.Now().Add(placesLife)}
}

// askRegions asks for the account's regions, in the cloud's order.
func (c *cloud) askRegions(ctx context.Context) ([]region, error) {
	groups, err := read[[]struct {
		RegionList []region
	}](ctx, c, get(ecs, "DescribeRegions"))
	if err != nil {
		return nil, err
	}
	out := []region{}
	for _, g := range groups {
		out = append(out, g.RegionList...)
	}
	c.places.remember(c.identity(), out)
	return out, nil
}

func (c *cloud) regions(ctx context.Context) ([]region, error) {
	if all := c.places.recall(c.identity()); all != nil {
		return all, nil
	}
	return c.askRegions(ctx)
}

// here is the call's region.
func (c *cloud) here(ctx context.Context) (region, error) {
	all, err := c.regions(ctx)
	if err != nil {
		return region{}, err
	}
	for _, r := range all {
		if r.Code == c.region {
			return r, nil
		}
	}
	return region{}, fault.Invalid("call.region", "%q is no region of the cloud", c.region)
}

// zoneWith finds a zone of the region by its id; false for one of another region.
func (r region) zoneWith(id string) (zone, bool) {
	for _, z := range r.Zones {
		if z.ID == id {
			return z, true
		}
	}
	return zone{}, false
}

// zoneNamed finds a zone of the region by its code; an empty one is the first.
// path is what named it.
func (r region) zoneNamed(code, path string) (zone, error) {
	for _, z := range r.Zones {
		if code == "" || z.Code == code {
			return z, nil
		}
	}
	return zone{}, fault.Invalid(path, "%q is no zone of the region %q", code, r.Code)
}

// zoneOf is the zone of an order: the call's, the spec's, or the first one.
func (c *cloud) zoneOf(ctx context.Context, spec string) (zone, error) {
	r, err := c.here(ctx)
	switch {
	case err != nil:
		return zone{}, err
	case c.zone != "":
		return r.zoneNamed(c.zone, "call.zone")
	}
	return r.zoneNamed(spec, "spec.zone")
}

// zoneCodes are the zones to look in: the call's, or all of the region.
func (c *cloud) zoneCodes(ctx context.Context) ([]zone, error) {
	r, err := c.here(ctx)
	if err != nil || c.zone == "" {
		return r.Zones, err
	}
	z, err := r.zoneNamed(c.zone, "call.zone")
	return []zone{z}, err
}

// Regions returns the account's regions, in the cloud's order.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return nil, err
	}
	all, err := c.askRegions(ctx)
	if err != nil {
		return nil, err
	}
	var out []provider.Region
	for _, r := range all {
		one := provider.Region{ID: r.Code, Name: firstText(r.Name, r.Code)}
		for _, z := range r.Zones {
			one.Zones = append(one.Zones, provider.Zone{ID: z.Code, Name: firstText(z.Name, z.Code)})
		}
		out = append(out, one)
	}
	return out, nil
}

// fund is money that the cloud lends for trials. Servers are bought from it by
// its name.
type fund struct {
	Name      string
	Balance   json.Number
	BeginTime string
	EndTime   string
}

func (c *cloud) funds(ctx context.Context) ([]fund, error) {
	return read[[]fund](ctx, c, get(ecs, "DescribeAccountSubject"))
}
