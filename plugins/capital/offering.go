package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// family is a sort of machine with its sizes.
type family struct {
	Name  string `json:"EcsFamilyName"`
	Specs []size `json:"SpecList"`
}

// size is one size of a family. Status stands only where a zone's stock is told,
// the card under another name there.
type size struct {
	CPU      loose  `json:"Cpu"`
	RAM      loose  `json:"Ram"`
	GPU      loose  `json:"Gpu"`
	ShowType string `json:"GpuShowType"`
	Driver   string `json:"SupportGpuDriver"`
	Status   string
}

// same tells whether two sizes are one.
func (s size) same(o size) bool {
	return s.CPU.number() == o.CPU.number() && s.RAM.number() == o.RAM.number() && s.GPU.number() == o.GPU.number()
}

// onSale is how the cloud calls what can be bought now.
const onSale = "SELL"

// stock tells which sizes of which families a zone sells now.
func (c *cloud) stock(ctx context.Context, zone string) ([]family, error) {
	return read[[]family](ctx, c, get(ecs, "DescribeZoneInstanceType", "AvailableZoneCode", zone))
}

// sellable tells whether a zone's stock has a size now.
func sellable(stock []family, name string, s size) bool {
	for _, f := range stock {
		if f.Name == name && slices.ContainsFunc(f.Specs, func(o size) bool { return o.same(s) && o.Status == onSale }) {
			return true
		}
	}
	return false
}

// fits tells whether a size is the one that a spec wants.
func (s size) fits(spec InstanceSpec) bool {
	return s.CPU.number() == spec.CPU && s.RAM.number()*1024 == spec.MemoryMB && s.GPU.number() == spec.GPU
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
			if !z.fits(s) {
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

// wants tells what of the offerings was asked for.
func wants(req provider.OfferingsRequest, kind, typ string) bool {
	return (len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind)) &&
		(len(req.Types) == 0 || slices.Contains(req.Types, typ))
}

// Offerings streams what is on sale, region by region and zone by zone. A call
// with a region or a zone gets only that place.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	all, err := c.regions(ctx)
	if err != nil {
		return err
	}
	if c.region != "" {
		if _, err := c.here(ctx); err != nil {
			return err
		}
	}
	if wants(req, kinds.Instance, typeFund) {
		if err := c.fundOfferings(ctx, yield); err != nil {
			return err
		}
	}
	for _, r := range all {
		if c.region != "" && c.region != r.Code {
			continue
		}
		if err := c.at(r.Code, c.zone).offerings(ctx, req, yield); err != nil {
			return err
		}
	}
	return nil
}

// offerings are those of one region.
func (c *cloud) offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if err := c.freeOfferings(req, yield); err != nil {
		return err
	}
	zones, err := c.zoneCodes(ctx)
	if err != nil {
		return err
	}
	for _, z := range zones {
		if err := c.at(c.region, z.Code).zoneOfferings(ctx, req, yield); err != nil {
			return err
		}
	}
	return nil
}

// zoneOfferings are those of one zone.
func (c *cloud) zoneOfferings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if wants(req, kinds.EIP, kinds.TypeLine) || wants(req, kinds.Bandwidth, kinds.TypeLine) {
		if err := c.lineOfferings(ctx, req, yield); err != nil {
			return err
		}
	}
	if wants(req, kinds.Disk, kinds.TypeFlavour) {
		if err := c.diskOffering(ctx, yield); err != nil {
			return err
		}
	}
	flavours, pictures := wants(req, kinds.Instance, kinds.TypeFlavour), wants(req, kinds.Instance, kinds.TypeImage)
	if !flavours && !pictures {
		return nil
	}
	var all []imageRow
	err := c.imagesIn(ctx, c.zone, "", func(row imageRow) error {
		all = append(all, row)
		return nil
	})
	if err != nil {
		return err
	}
	if flavours {
		if err := c.flavours(ctx, all, yield); err != nil {
			return err
		}
	}
	for _, row := range all {
		if !pictures {
			break
		}
		if err := yield(c.imageOffering(row)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) imageOffering(row imageRow) provider.Offering {
	return provider.Offering{
		ID: c.zone + "/" + row.ID, Kind: kinds.Instance, Type: kinds.TypeImage, Name: row.Name, Class: row.Sort,
		Region: c.region, Zone: c.zone, Sellable: row.Status == usable, Currency: currency,
		Attrs: map[string]string{
			kinds.AttrImageID: row.ID, kinds.AttrOS: row.os(), kinds.AttrOSType: osFamily(row.OSType),
			kinds.AttrSizeGB: whole(row.Size.number()), "gpu_driver": row.Driver,
		},
	}
}

// imageFor is the first public image that servers with a driver for cards, or
// without any, start from; Linux goes first.
func imageFor(all []imageRow, driver string) *imageRow {
	var other *imageRow
	for i := range all {
		row := &all[i]
		switch {
		case row.Status != usable || row.Driver != driver || row.Sort == ownImage:
		case osFamily(row.OSType) == "Linux":
			return row
		case other == nil:
			other = row
		}
	}
	return other
}

// flavours streams the sizes of the zone's families. What a zone has in stock
// is told apart from what its families are.
func (c *cloud) flavours(ctx context.Context, images []imageRow, yield func(provider.Offering) error) error {
	out, err := read[struct{ EcsFamilyInfo []family }](ctx, c, get(ecs, "DescribeEcsFamilyInfo", "AvailableZoneCode", c.zone, "BillingMethod", payDemand))
	if err != nil {
		return err
	}
	stock, err := c.stock(ctx, c.zone)
	if err != nil {
		return err
	}
	for _, f := range out.EcsFamilyInfo {
		for _, s := range f.Specs {
			o, err := c.flavour(f, s, sellable(stock, f.Name, s), imageFor(images, s.Driver))
			if err != nil {
				return err
			}
			if err := yield(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// leastBoot is the boot disk of a ready-made spec in GB, unless its image needs more.
const leastBoot = 40

// flavour is one machine size with a spec that can be ordered as it is, but for
// its subnet.
func (c *cloud) flavour(f family, s size, sells bool, system *imageRow) (provider.Offering, error) {
	spec := InstanceSpec{MachineType: f.Name, InstanceSpec: kinds.InstanceSpec[Disk]{
		Zone: c.zone, CPU: s.CPU.number(), MemoryMB: s.RAM.number() * 1024, GPU: s.GPU.number(), GPUType: s.ShowType,
	}}
	if system != nil {
		spec.ImageID = system.ID
		spec.BootDisk = Disk{Type: diskDefault, SizeGB: max((system.Size.number()+7)/8*8, leastBoot)}
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	id := fmt.Sprintf("%s/%s/%d/%d/%d", c.zone, f.Name, spec.CPU, spec.MemoryMB, spec.GPU)
	name := fmt.Sprintf("%s %d cores %d GB", f.Name, spec.CPU, spec.MemoryMB/1024)
	attrs := map[string]string{kinds.AttrCPU: whole(spec.CPU), kinds.AttrMemoryMB: whole(spec.MemoryMB)}
	if spec.GPU > 0 {
		name += " " + strconv.Itoa(spec.GPU) + " " + s.ShowType
		attrs[kinds.AttrGPU], attrs[kinds.AttrGPUType], attrs["gpu_driver"] = whole(spec.GPU), s.ShowType, s.Driver
	}
	return provider.Offering{
		ID: id, Kind: kinds.Instance, Type: kinds.TypeFlavour, Name: name, Class: f.Name, Region: c.region, Zone: c.zone,
		Sellable: sells && system != nil, Billing: []provider.BillingMethod{provider.BillingPrepaid, provider.BillingPostpay},
		Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear, provider.PeriodHour}, Currency: currency, Spec: raw, Attrs: attrs,
	}, nil
}

// diskOffering yields the smallest disk of a zone that has room for it.
func (c *cloud) diskOffering(ctx context.Context, yield func(provider.Offering) error) error {
	left, err := c.diskQuota(ctx, c.zone)
	if err != nil {
		return err
	}
	spec, err := json.Marshal(DiskSpec{Type: diskType, DiskSpec: kinds.DiskSpec{Zone: c.zone, SizeGB: leastDisk}})
	if err != nil {
		return fault.Internal(err, "encoding a spec")
	}
	return yield(provider.Offering{
		ID: c.zone + "/" + diskType, Kind: kinds.Disk, Type: kinds.TypeFlavour, Name: diskType, Class: diskType, Region: c.region, Zone: c.zone,
		Sellable: left >= leastDisk, Billing: []provider.BillingMethod{provider.BillingPostpay}, Periods: []provider.Period{provider.PeriodHour},
		Currency: currency, Spec: spec, Attrs: map[string]string{kinds.AttrSizeGB: whole(leastDisk), "free_gb": whole(left)},
	})
}

// typeFund is the type of offerings that are test funds.
const typeFund = "test_account"

// fundOfferings yields the account's test funds, from which servers can be bought.
func (c *cloud) fundOfferings(ctx context.Context, yield func(provider.Offering) error) error {
	all, err := c.funds(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		err := yield(provider.Offering{
			ID: "fund/" + f.Name, Kind: kinds.Instance, Type: typeFund, Name: f.Name, Sellable: true, Currency: currency,
			Attrs: map[string]string{"balance": f.Balance.String(), "from": f.BeginTime, "until": strings.TrimSpace(f.EndTime)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
