package main

import (
	"context"
	"slices"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Place tells by the cloud's list of machine types whether a server can be had
// now, and in which zones: the call's, the spec's or all. The list has no numbers,
// so it may still be one server too few. Of other kinds the cloud tells no stock.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	if !slices.ContainsFunc(p.kinds, func(k *provider.Kind) bool { return k.Description.Name == req.Kind }) {
		return provider.Placement{}, fault.Unsupported("there is no kind %q", req.Kind)
	}
	if req.Kind != kindInstance {
		return provider.Placement{OK: true}, nil
	}
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Placement{}, err
	}
	s = s.filled()
	types, err := c.at(c.region, "").machineTypes(ctx)
	if err != nil {
		return provider.Placement{}, err
	}
	zone := firstText(c.zone, s.Zone)
	var out provider.Placement
	var why []string
	for _, t := range types {
		if zone != "" && t.Zone != zone || t.Name != s.MachineType || !c.has(t, s) {
			continue
		}
		if !onSale(t) {
			why = append(why, t.Zone+" has sold out of the type "+t.Name)
			continue
		}
		if !slices.Contains(out.Zones, t.Zone) {
			out.Zones = append(out.Zones, t.Zone)
		}
	}
	if out.OK = len(out.Zones) > 0; !out.OK {
		out.Reason = firstText(strings.Join(why, "; "), "no such size of the type "+s.MachineType+" is sold here")
	}
	return out, nil
}

// machineTypes lists what the region has.
func (c *cloud) machineTypes(ctx context.Context) ([]uhost.AvailableInstanceTypes, error) {
	answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.DescribeAvailableInstanceTypesResponse, error) {
		return k.DescribeAvailableInstanceTypes(k.NewDescribeAvailableInstanceTypesRequest())
	})
	if err != nil {
		return nil, err
	}
	return answer.AvailableInstanceTypes, nil
}

// onSale tells whether a machine type can be bought now.
func onSale(t uhost.AvailableInstanceTypes) bool { return t.Status == "Normal" || t.Status == "Beta" }

// has tells whether a machine type comes in the size of a spec.
func (c *cloud) has(t uhost.AvailableInstanceTypes, s InstanceSpec) bool {
	for _, sizes := range t.MachineSizes {
		for _, one := range sizes.Collection {
			fits := func(memory int) bool { return c.megabytes(memory) == s.MemoryMB }
			if sizes.Gpu == s.GPU && one.Cpu == s.CPU && slices.ContainsFunc(one.Memory, fits) {
				return true
			}
		}
	}
	return false
}
