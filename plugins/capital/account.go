package main

import (
	"context"
	"slices"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Import streams everything that the account owns, of the call's region or of
// all.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	all, err := c.regions(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if c.region != "" && c.region != r.Code {
			continue
		}
		for _, k := range p.kinds {
			kind := k.Description.Name
			if len(req.Kinds) > 0 && !slices.Contains(req.Kinds, kind) {
				continue
			}
			if err := p.shelves[kind].each(ctx, c.at(r.Code, ""), yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// Place tells in which zones a thing can be made now. Only servers and disks
// can run short.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	if p.shelves[req.Kind] == nil {
		return provider.Placement{}, fault.Unsupported("there is no kind %q", req.Kind)
	}
	s, gigabytes, err := needed(req)
	if err != nil {
		return provider.Placement{}, err
	}
	zones, err := c.at(c.region, firstText(c.zone, s.Zone)).zoneCodes(ctx)
	if err != nil {
		return provider.Placement{}, err
	}
	out := provider.Placement{}
	for _, z := range zones {
		why, err := c.room(ctx, z.Code, req.Kind, s, gigabytes*max(req.Term.Quantity, 1))
		if err != nil {
			return provider.Placement{}, err
		}
		if why == "" {
			out.Zones = append(out.Zones, z.Code)
			continue
		}
		out.Reason = strings.TrimPrefix(out.Reason+"; "+z.Code+": "+why, "; ")
	}
	if out.OK = len(out.Zones) > 0; out.OK {
		out.Reason = ""
	}
	return out, nil
}

// needed is what a thing needs of a zone: a size of server and GB of disks.
func needed(req provider.PlaceRequest) (s InstanceSpec, gigabytes int, err error) {
	switch req.Kind {
	case kinds.Instance:
		s, err = specOf[InstanceSpec](req.Spec)
		return s, s.cloudDisks(), err
	case kinds.Disk:
		d, err := specOf[DiskSpec](req.Spec)
		s.Zone = d.Zone
		return s, d.SizeGB, err
	}
	return s, 0, nil
}

// cloudDisks are the GB of a server's disks that count to the quota.
func (s InstanceSpec) cloudDisks() int {
	n := 0
	for _, d := range append([]Disk{s.BootDisk}, s.DataDisks...) {
		if firstText(d.Type, diskDefault) == diskDefault {
			n += d.SizeGB
		}
	}
	return n
}

// room tells why something does not fit into a zone, "" when it does.
func (c *cloud) room(ctx context.Context, zone, kind string, s InstanceSpec, gigabytes int) (string, error) {
	if kind == kinds.Instance {
		stock, err := c.stock(ctx, zone)
		if err != nil {
			return "", err
		}
		fits := func(f family) bool {
			return (s.MachineType == "" || s.MachineType == f.Name) &&
				slices.ContainsFunc(f.Specs, func(z size) bool { return z.fits(s) && z.Status == onSale })
		}
		if !slices.ContainsFunc(stock, fits) {
			return "no such server is on sale", nil
		}
	}
	if gigabytes == 0 {
		return "", nil
	}
	left, err := c.diskQuota(ctx, zone)
	if err == nil && left < gigabytes {
		return whole(left) + " GB of disks are left", nil
	}
	return "", err
}
