package main

import (
	"context"
	"slices"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Place tells by the cloud's stock whether a server can be had now, and in
// which zones. Of other kinds the cloud tells no stock, so they can.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	if req.Kind != kinds.Instance {
		return provider.Placement{OK: true}, nil
	}
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Placement{}, err
	}
	zone := firstText(c.zone, s.Zone)
	flavour, err := c.flavourOf(ctx, s, zone)
	switch {
	case fault.Is(err, fault.ClassInvalid) && fault.As(err).Source != fault.SourceCloud:
		return provider.Placement{Reason: fault.As(err).Fields[0].Message}, nil
	case err != nil:
		return provider.Placement{}, err
	}
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.GetAvailableStockWithSpecResults, error) {
		return server(k).GetAvailableStockWithSpec(&api.GetAvailableStockWithSpecArgs{SpecList: []string{flavour.Spec}})
	})
	if err != nil {
		return provider.Placement{}, err
	}
	return placed(answer.BccStocks, flavour.Spec, zone, max(req.Term.Quantity, 1)), nil
}

// placed judges stock. A zone that the cloud tells no stock of is not judged.
func placed(rows []api.BccStock, spec, zone string, n int) provider.Placement {
	var out provider.Placement
	told := false
	for _, row := range rows {
		if row.Spec != spec {
			continue
		}
		told = told || zone == "" || row.ZoneName == zone
		if row.InventoryQuantity >= n && !slices.Contains(out.Zones, row.ZoneName) {
			out.Zones = append(out.Zones, row.ZoneName)
		}
	}
	out.OK = !told || len(out.Zones) > 0 && (zone == "" || slices.Contains(out.Zones, zone))
	if !out.OK {
		out.Reason = "the cloud has not enough of " + spec + " left"
	}
	return out
}
