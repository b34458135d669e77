package main

import (
	"context"

	"tradewind.example/sdk/provider"
)

// statusOK is how the vpc service calls what is ready.
const statusOK = "ok"

// netStatus is the state of things of the vpc service in shared words. Only
// "ok" and "error" are documented: anything else is on its way, and "deleting"
// on its way out.
func netStatus(state string, bound bool) provider.Status {
	switch {
	case state == "error":
		return provider.StatusError
	case state == "deleted":
		return provider.StatusDeleted
	case state == "deleting":
		return provider.StatusStopping
	case state != statusOK:
		return provider.StatusPending
	case bound:
		return provider.StatusBound
	}
	return provider.StatusFree
}

// moving tells whether a thing is being made or deleted.
func moving(s provider.Status) bool {
	return s == provider.StatusPending || s == provider.StatusStopping
}

// segmentFilter narrows a list of subnets or gateways.
type segmentFilter struct{ keyword, vpc string }

// subnetRow is a subnet as the cloud shows it.
type subnetRow struct {
	ID     string `json:"SubnetId"`
	Name   string `json:"SubnetName"`
	CIDR   string `json:"SubnetSegment"`
	Used   loose  `json:"UsedIPNum"`
	VPCID  string `json:"VPCId"`
	Zone   string `json:"AvailableZoneCode"`
	Status string
}

// subnets streams those of the region.
func (c *cloud) subnets(ctx context.Context, f segmentFilter, yield func(subnetRow) error) error {
	fetch := func(ctx context.Context, number int) ([]subnetRow, int, error) {
		out, err := read[struct {
			Total      loose
			SubnetList []subnetRow
		}](ctx, c, post(vpc, "DescribeSubnet", object{
			"RegionCode": c.region, "Keyword": f.keyword, "VPCId": f.vpc, "AvailableZoneCode": c.zone, "PageNumber": number,
		}))
		return out.SubnetList, out.Total.number(), err
	}
	return numbered(ctx, fetch, func(r subnetRow) string { return r.ID }, yield)
}

// gatewayRow is a virtual gateway as the cloud shows it. Its line stands there
// as people read it, not as the word that orders take.
type gatewayRow struct {
	ID     string `json:"VirtualGateWayId"`
	Name   string `json:"VirtualGateWayName"`
	CIDR   string `json:"VirtualGateWaySegment"`
	Line   string `json:"Type"`
	Used   loose  `json:"UsedIPNum"`
	VPCID  string `json:"VPCId"`
	Zone   string `json:"AvailableZoneCode"`
	Status string
}

// gateways streams those of the region.
func (c *cloud) gateways(ctx context.Context, f segmentFilter, yield func(gatewayRow) error) error {
	fetch := func(ctx context.Context, number int) ([]gatewayRow, int, error) {
		out, err := read[struct {
			Total              loose
			VirtualGateWayList []gatewayRow
		}](ctx, c, post(vpc, "DescribeVirtualGateWay", object{
			"RegionCode": c.region, "Keyword": f.keyword, "VPCId": f.vpc, "AvailableZoneCode": c.zone, "PageNumber": number,
		}))
		return out.VirtualGateWayList, out.Total.number(), err
	}
	return numbered(ctx, fetch, func(r gatewayRow) string { return r.ID }, yield)
}
