package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// wants tells what of the offerings was asked for.
func wants(req provider.OfferingsRequest, kind, typ string) bool {
	return (len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind)) &&
		(len(req.Types) == 0 || slices.Contains(req.Types, typ))
}

// places are the regions that a call is about: its own, or all of the account.
func (p *plugin) places(ctx context.Context, call provider.Call) (*cloud, []string, error) {
	if call.Region != "" {
		c, err := p.openIn(ctx, call)
		return c, []string{call.Region}, err
	}
	c, err := p.open(call)
	if err != nil {
		return nil, nil, err
	}
	rows, err := c.regionRows(ctx)
	var out []string
	for _, row := range rows {
		if label.MatchString(row.RegionId) {
			out = append(out, row.RegionId)
		}
	}
	return c, out, err
}

// Offerings streams specifications, images, disks and lines, region by region.
// A call with a region or a zone gets only that place.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, regions, err := p.places(ctx, req.Call)
	if err != nil {
		return err
	}
	for _, region := range regions {
		if err := c.at(region, c.zone).offerings(ctx, req, yield); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if wants(req, kinds.EIP, kinds.TypeLine) {
		if err := c.lineOffering(yield); err != nil {
			return err
		}
	}
	if err := c.netOfferings(ctx, req, yield); err != nil {
		return err
	}
	if !wants(req, kinds.Instance, kinds.TypeImage) && !wants(req, kinds.Instance, kinds.TypeFlavour) {
		return nil
	}
	images, err := c.images(ctx)
	if err != nil {
		return err
	}
	if wants(req, kinds.Instance, kinds.TypeFlavour) {
		if err := c.flavours(ctx, systemImage(images), yield); err != nil {
			return err
		}
	}
	if !wants(req, kinds.Instance, kinds.TypeImage) {
		return nil
	}
	for _, i := range images {
		if err := yield(c.imageOffering(i)); err != nil {
			return err
		}
	}
	return nil
}

// maxImagePages bounds the list of images, which is held as a whole.
const maxImagePages = 50

// images are the images that the region's servers can be made of.
func (c *cloud) images(ctx context.Context) ([]api.ImageModel, error) {
	fetch := func(ctx context.Context, marker string, limit int) ([]api.ImageModel, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListImageResult, error) {
			return api.ListImage(k, &api.ListImageArgs{Marker: marker, MaxKeys: limit, ImageType: "All"})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Images, following(answer.IsTruncated, answer.NextMarker), nil
	}
	var out []api.ImageModel
	err := page.ByToken(ctx, page.Options{Size: pageSize, MaxPages: maxImagePages}, fetch, func(i api.ImageModel) string { return i.Id },
		func(i api.ImageModel) error { out = append(out, i); return nil })
	return out, err
}

func usable(i api.ImageModel) bool { return i.Status == "Available" }

// systemImage is the image that the ready-made specs start from: the first
// usable Linux of the cloud's own.
func systemImage(all []api.ImageModel) *api.ImageModel {
	for _, i := range all {
		if usable(i) && strings.EqualFold(i.OsType, "linux") && i.Type == "System" {
			return &i
		}
	}
	return nil
}

func (c *cloud) imageOffering(i api.ImageModel) provider.Offering {
	family := "Linux"
	if strings.EqualFold(i.OsType, "windows") {
		family = "Windows"
	}
	return provider.Offering{
		ID: c.region + "/" + i.Id, Kind: kinds.Instance, Type: kinds.TypeImage, Name: i.Name, Class: string(i.Type),
		Region: c.region, Sellable: usable(i), Currency: currency,
		Attrs: map[string]string{
			kinds.AttrImageID: i.Id, kinds.AttrOS: firstText(strings.TrimSpace(i.OsName+" "+i.OsVersion), i.Name), kinds.AttrOSType: family,
			kinds.AttrSizeGB: strconv.Itoa(smallest(i)),
		},
	}
}

// smallestDisk is the least size of a system disk in GB where none is told.
const smallestDisk = 20

func smallest(i api.ImageModel) int { return max(i.MinDiskGb, smallestDisk) }

// flavours streams the specifications of the region or the zone.
func (c *cloud) flavours(ctx context.Context, image *api.ImageModel, yield func(provider.Offering) error) error {
	rows, err := c.flavourRows(ctx, c.zone)
	if err != nil {
		return err
	}
	for _, f := range rows {
		o, err := c.flavour(f, image)
		if err != nil {
			return err
		}
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}

// flavour is one specification with a spec that can be ordered as it is.
func (c *cloud) flavour(f flavourRow, image *api.ImageModel) (provider.Offering, error) {
	s := InstanceSpec{Flavour: f.Spec, InstanceSpec: kinds.InstanceSpec[Disk]{
		Zone: f.zone, CPU: f.CpuCount, MemoryMB: f.MemoryCapacityInGB * 1024, GPU: f.GpuCardCount, GPUType: f.GpuCardType,
	}}
	if image != nil {
		s.ImageID, s.BootDisk = image.Id, Disk{Type: bootDisk(f), SizeGB: smallest(*image)}
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	attrs := map[string]string{kinds.AttrCPU: strconv.Itoa(s.CPU), kinds.AttrMemoryMB: strconv.Itoa(s.MemoryMB)}
	name := fmt.Sprintf("%s %d cores %d GB", f.Spec, s.CPU, f.MemoryCapacityInGB)
	if s.GPU > 0 {
		attrs[kinds.AttrGPU], attrs[kinds.AttrGPUType] = strconv.Itoa(s.GPU), s.GPUType
		name += fmt.Sprintf(" %d %s", s.GPU, s.GPUType)
	}
	return provider.Offering{
		ID: f.zone + "/" + f.Spec, Kind: kinds.Instance, Type: kinds.TypeFlavour, Name: name, Class: f.group,
		Region: c.region, Zone: f.zone, Sellable: image != nil, Currency: currency, Spec: spec, Attrs: attrs,
		Billing: []provider.BillingMethod{provider.BillingPrepaid}, Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear},
	}, nil
}

// bootDisk picks the system disk of a ready-made spec.
func bootDisk(f flavourRow) string {
	if len(f.SystemDiskType) == 0 || slices.Contains(f.SystemDiskType, diskDefault) {
		return diskDefault
	}
	return f.SystemDiskType[0]
}
