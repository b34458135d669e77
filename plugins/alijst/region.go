package main

import (
	"context"
	"sync"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// regionRow is a region as ECS shows it.
type regionRow struct {
	ID     string `json:"RegionId"`
	Name   string `json:"LocalName"`
	Status string
}

// soldOut is a region where nothing of the wanted sort is left.
const soldOut = "soldOut"

// describeRegions is the one request to ECS. The SDK's own package for that
// product has thousands of files; this is the one that is needed.
type describeRegions struct {
	*requests.RpcRequest
	InstanceChargeType string `position:"Query" name:"InstanceChargeType"`
	ResourceType       string `position:"Query" name:"ResourceType"`
	AcceptLanguage     string `position:"Query" name:"AcceptLanguage"`
}

// language is a locale in the words of ECS, which knows three.
func language(locale string) string {
	for _, known := range []string{"zh-CN", "en-US", "ja"} {
		if len(locale) >= 2 && locale[:2] == known[:2] {
			return known
		}
	}
	return ""
}

// askRegions asks for the account's regions, in the cloud's order.
func (c *cloud) askRegions(ctx context.Context) ([]regionRow, error) {
	r := &describeRegions{
		RpcRequest: &requests.RpcRequest{}, InstanceChargeType: c.cfg.ChargeType, ResourceType: c.cfg.ResourceType, AcceptLanguage: language(c.locale),
	}
	r.InitWithApiInfo(productECS, "2014-05-26", "DescribeRegions", "ecs", "openAPI")
	r.Method = requests.POST
	out, err := read[struct {
		Regions struct{ Region []regionRow }
	}](ctx, c.at(""), r)
	if err != nil {
		return nil, err
	}
	if len(out.Regions.Region) == 0 {
		return nil, fault.Unavailable("the cloud tells no regions").From(fault.SourceCloud)
	}
	c.places.remember(c.identity(), out.Regions.Region)
	return out.Regions.Region, nil
}

// here refuses a call for a region that the cloud does not have.
func (c *cloud) here(ctx context.Context) error {
	all := c.places.recall(c.identity())
	if all == nil {
		var err error
		if all, err = c.askRegions(ctx); err != nil {
			return err
		}
	}
	for _, r := range all {
		if r.ID == c.region {
			return nil
		}
	}
	return fault.Invalid("call.region", "%q is no region of the cloud", c.region)
}

// Bounds of what is remembered of regions.
const (
	placesLife = 5 * time.Minute
	mostPlaces = 1000
)

// places remembers the regions of accounts for a short while, since every call
// with a region needs them. Safe for concurrent use.
type places struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]knownPlaces
}

type knownPlaces struct {
	regions []regionRow
	until   time.Time
}

func newPlaces(c clock.Clock) *places { return &places{clock: c, known: map[string]knownPlaces{}} }

func (p *places) recall(key string) []regionRow {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.known[key]
	if !ok || !p.clock.Now().Before(k.until) {
		return nil
	}
	return k.regions
}

func (p *places) remember(key string, all []regionRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= mostPlaces {
		clear(p.known)
	}
	p.known[key] = knownPlaces{all, p.clock.Now().Add(placesLife)}
}

// Regions returns the account's regions where something is left, in the cloud's
// order and in the caller's language.
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
		if r.Status != soldOut {
			out = append(out, provider.Region{ID: r.ID, Name: firstText(r.Name, r.ID)})
		}
	}
	return out, nil
}
