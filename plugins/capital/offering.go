package main

import (
	"context"

	"tradewind.example/sdk/fault"
)

// family is a sort of machine with its sizes.
type family struct {
	Name  string `json:"EcsFamilyName"`
	Specs []size `json:"SpecList"`
}

// size is one size of a family. Status stands only where a zone's stock is told.
type size struct {
	CPU    loose `json:"Cpu"`
	RAM    loose `json:"Ram"`
	GPU    loose `json:"Gpu"`
	Card   string
	Driver string `json:"SupportGpuDriver"`
	Status string
}

// onSale is how the cloud calls what can be bought now.
const onSale = "SELL"

// stock tells which sizes of which families a zone sells now.
func (c *cloud) stock(ctx context.Context, zone string) ([]family, error) {
	return read[[]family](ctx, c, get(ecs, "DescribeZoneInstanceType", "AvailableZoneCode", zone))
}

// familyFor is the first family on sale with a spec's cores, memory and cards.
func (c *cloud) familyFor(ctx context.Context, zone string, s InstanceSpec) (string, error) {
	all, err := c.stock(ctx, zone)
	if err != nil {
		return "", err
	}
	known := false
	for _, f := range all {
		for _, z := range f.Specs {
			if z.CPU.number() != s.CPU || z.RAM.number()*1024 != s.MemoryMB || z.GPU.number() != s.GPU {
				continue
			}
			if known = true; z.Status == onSale {
				return f.Name, nil
			}
		}
	}
	if known {
		return "", fault.OutOfStock("the zone has no server of this size left").From(fault.SourceCloud)
	}
	return "", fault.Invalid("spec.cpu", "the cloud has no server with %d cores, %d MB and %d cards", s.CPU, s.MemoryMB, s.GPU)
}
