package main

import (
	"context"
	"slices"
	"strings"

	common "github.com/jdcloud-api/jdcloud-sdk-go/services/common/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Place tells by the cloud's stock and quota whether a server can be had now, and
// in which zones. Of other kinds the cloud tells no stock, so they can.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	if !slices.ContainsFunc(p.kinds, func(k *provider.Kind) bool { return k.Description.Name == req.Kind }) {
		return provider.Placement{}, fault.Unsupported("there is no kind %q", req.Kind)
	}
	if req.Kind != kinds.Instance {
		return provider.Placement{OK: true}, nil
	}
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Placement{}, err
	}
	why, err := c.overQuota(ctx, max(req.Term.Quantity, 1))
	if err != nil || why != "" {
		return provider.Placement{Reason: why}, err
	}
	return c.inStock(ctx, s)
}

// inStock looks for the zones that have a server's type now: the call's, the
// spec's or all.
func (c *cloud) inStock(ctx context.Context, s InstanceSpec) (provider.Placement, error) {
	var out provider.Placement
	types, err := c.types(ctx)
	if err != nil {
		return out, err
	}
	architecture := ""
	if s.InstanceType == "" && s.ImageID != "" {
		if architecture, err = c.architecture(ctx, s.ImageID); err != nil {
			return out, err
		}
	}
	zones := []string{firstText(c.zone, s.Zone)}
	if zones[0] == "" {
		zones = zonesOf(types)
	}
	for _, z := range zones {
		_, err := choose(types, s.wish(c.cfg, z, architecture))
		switch {
		case err == nil:
			out.Zones = append(out.Zones, z)
		case !fault.Is(err, fault.ClassInvalid) && !fault.Is(err, fault.ClassOutOfStock):
			return provider.Placement{}, err
		default:
			out.Reason = strings.TrimPrefix(out.Reason+"; "+z+": "+reasonOf(err), "; ")
		}
	}
	if out.OK = len(out.Zones) > 0; out.OK {
		out.Reason = ""
	}
	return out, nil
}

// reasonOf is a refusal in one sentence.
func reasonOf(err error) string {
	f := fault.As(err)
	if len(f.Fields) > 0 {
		return f.Fields[0].Message
	}
	return f.Message
}

// overQuota tells why so many servers more are too many, "" when they are not.
func (c *cloud) overQuota(ctx context.Context, n int) (string, error) {
	req := vmapi.NewDescribeQuotasRequestWithoutParam()
	req.SetRegionId(c.region)
	req.SetFilters([]common.Filter{{Name: "resourceTypes", Values: []string{"instance"}}})
	answer, err := read[vmapi.DescribeQuotasResult](ctx, c, serviceVM, req)
	if err != nil {
		return "", err
	}
	for _, q := range answer.Quotas {
		if q.ResourceType == "instance" && q.Used+n > q.Limit {
			return "the account's quota of servers in this region is used up", nil
		}
	}
	return "", nil
}
