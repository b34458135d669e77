package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// wants tells what of the offerings was asked for.
func wants(req provider.OfferingsRequest, kind, typ string) bool {
	return (len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind)) &&
		(len(req.Types) == 0 || slices.Contains(req.Types, typ))
}

// Offerings streams lines, machine types and images, region by region. A call
// with a region or a zone gets only that place.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	regions := []string{c.region}
	if c.region == "" {
		if regions, err = c.regionIDs(ctx); err != nil {
			return err
		}
	}
	for _, region := range regions {
		if err := c.at(region, c.zone).offerings(ctx, req, yield); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) regionIDs(ctx context.Context) ([]string, error) {
	all, err := c.regions(ctx)
	out := make([]string, 0, len(all))
	for _, r := range all {
		out = append(out, r.ID)
	}
	return out, err
}

func (c *cloud) offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if wants(req, kindEIP, kinds.TypeLine) {
		if err := c.lineOfferings(yield); err != nil {
			return err
		}
	}
	if err := c.netOfferings(ctx, req, yield); err != nil {
		return err
	}
	if !wants(req, kindInstance, kinds.TypeImage) && !wants(req, kindInstance, kinds.TypeFlavour) {
		return nil
	}
	images, err := c.allImages(ctx)
	if err != nil {
		return err
	}
	if wants(req, kindInstance, kinds.TypeFlavour) {
		if err := c.flavours(ctx, defaultImages(images), yield); err != nil {
			return err
		}
	}
	if !wants(req, kindInstance, kinds.TypeImage) {
		return nil
	}
	for _, i := range images {
		if err := yield(c.imageOffering(i)); err != nil {
			return err
		}
	}
	return nil
}

// systemImages are the images that the ready-made specs start from.
type systemImages struct{ plain, gpu *image }

// defaultImages takes the first usable Linux image of each sort.
func defaultImages(all []image) systemImages {
	var s systemImages
	for _, i := range all {
		switch {
		case !i.sellable() || i.OSType != "Linux":
		case i.Function == "gpu" && s.gpu == nil:
			s.gpu = &i
		case (i.Function == "uhost" || i.Function == "") && s.plain == nil:
			s.plain = &i
		}
	}
	return s
}

func (c *cloud) imageOffering(i image) provider.Offering {
	return provider.Offering{
		ID: c.region + "/" + i.ID, Kind: kindInstance, Type: kinds.TypeImage, Name: i.Name, Class: i.OSType,
		Region: c.region, Sellable: i.sellable(), Currency: currency,
		Attrs: map[string]string{
			kinds.AttrImageID: i.ID, kinds.AttrOS: i.OSName, kinds.AttrOSType: i.OSType, "function": i.Function, kinds.AttrSizeGB: strconv.Itoa(i.SizeGB),
		},
	}
}

// flavours streams the machine types of the region, flattened to one offering
// for each zone, type and size.
func (c *cloud) flavours(ctx context.Context, defaults systemImages, yield func(provider.Offering) error) error {
	types, err := c.machineTypes(ctx)
	if err != nil {
		return err
	}
	for _, t := range types {
		for _, sizes := range t.MachineSizes {
			for _, cards := range defaults.cards(sizes.Gpu) {
				if err := c.sizes(t, sizes, cards, defaults, yield); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cards are the types of graphics cards that a machine with n of them can have.
// The cloud lists them with the images only.
func (s systemImages) cards(n int) []string {
	switch {
	case n == 0:
		return []string{""}
	case s.gpu == nil:
		return nil
	}
	return s.gpu.GPUTypes
}

func (c *cloud) sizes(
	t uhost.AvailableInstanceTypes, sizes uhost.MachineSizes, card string, defaults systemImages, yield func(provider.Offering) error,
) error {
	for _, size := range sizes.Collection {
		for _, memory := range size.Memory {
			spec := InstanceSpec{MachineType: t.Name, InstanceSpec: kinds.InstanceSpec[Disk]{
				Zone: t.Zone, CPU: size.Cpu, MemoryMB: c.megabytes(memory), GPU: sizes.Gpu, GPUType: card,
			}}
			o, err := c.flavour(t, spec, defaults)
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

func (c *cloud) megabytes(listed int) int {
	if c.cfg.MemoryUnit == "mb" {
		return listed
	}
	return listed * 1024
}

// flavour is one machine size with a spec that can be ordered as it is.
func (c *cloud) flavour(t uhost.AvailableInstanceTypes, s InstanceSpec, defaults systemImages) (provider.Offering, error) {
	system := defaults.plain
	if s.GPU > 0 {
		system = defaults.gpu
	}
	sellable := onSale(t) && system != nil
	if system != nil {
		s.ImageID = system.ID
		s.BootDisk = Disk{Type: bootDisk(t), SizeGB: max(system.SizeGB, 20)}
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	return provider.Offering{
		ID: t.Zone + "/" + flavourID(s), Kind: kindInstance, Type: kinds.TypeFlavour, Name: flavourName(s), Class: t.Name,
		Region: c.region, Zone: t.Zone, Sellable: sellable,
		Billing: []provider.BillingMethod{provider.BillingPrepaid},
		Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear}, Currency: currency, Spec: spec,
		Attrs: flavourAttrs(t, s),
	}, nil
}

func flavourAttrs(t uhost.AvailableInstanceTypes, s InstanceSpec) map[string]string {
	out := map[string]string{kinds.AttrCPU: strconv.Itoa(s.CPU), kinds.AttrMemoryMB: strconv.Itoa(s.MemoryMB), "status": t.Status}
	if s.GPU > 0 {
		out[kinds.AttrGPU], out[kinds.AttrGPUType] = strconv.Itoa(s.GPU), s.GPUType
	}
	return out
}

func flavourID(s InstanceSpec) string {
	id := fmt.Sprintf("%s/%d/%d", s.MachineType, s.CPU, s.MemoryMB)
	if s.GPU > 0 {
		id += fmt.Sprintf("/%sx%d", s.GPUType, s.GPU)
	}
	return id
}

func flavourName(s InstanceSpec) string {
	name := fmt.Sprintf("%s %d cores %d GB", s.MachineType, s.CPU, s.MemoryMB/1024)
	if s.GPU > 0 {
		name += fmt.Sprintf(" %d %s", s.GPU, s.GPUType)
	}
	return name
}

// bootDisk picks the boot disk of a ready-made spec: network storage before
// local, since that can grow and move.
func bootDisk(t uhost.AvailableInstanceTypes) string {
	var all []string
	for _, d := range t.Disks {
		for _, b := range d.BootDisk {
			all = append(all, b.Name)
		}
	}
	for _, wish := range []string{"CLOUD_SSD", "CLOUD_RSSD"} {
		if slices.Contains(all, wish) {
			return wish
		}
	}
	return firstText(append(all, "CLOUD_SSD")...)
}

// lineOfferings yields the region's lines with the smallest address on each.
func (c *cloud) lineOfferings(yield func(provider.Offering) error) error {
	line := lineOf(c.region)
	spec, err := json.Marshal(EIPSpec{kinds.EIPSpec{Line: line, Bandwidth: 1, PayMode: kinds.PayBandwidth}})
	if err != nil {
		return fault.Internal(err, "encoding a spec")
	}
	return yield(provider.Offering{
		ID: c.region + "/" + line, Kind: kindEIP, Type: kinds.TypeLine, Name: line, Class: line, Region: c.region, Sellable: true,
		Billing: []provider.BillingMethod{provider.BillingPrepaid},
		Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear}, Currency: currency, Spec: spec,
		Attrs: map[string]string{"pay_modes": kinds.PayBandwidth + "," + kinds.PayTraffic},
	})
}

// lineOf is the line of a region: one inside mainland China, another outside.
func lineOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "Bgp"
	}
	return "International"
}
