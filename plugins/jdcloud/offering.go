package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type image = vm.Image

// smallestDisk is the least size of a disk in GB, smallestBoot that of a boot
// disk whose image does not say.
const (
	smallestDisk = 20
	smallestBoot = 40
)

// wants tells what of the offerings was asked for.
func wants(req provider.OfferingsRequest, kind, typ string) bool {
	return (len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind)) &&
		(len(req.Types) == 0 || slices.Contains(req.Types, typ))
}

// Offerings streams lines, networks, protocols, disks, instance types and
// images, region by region. A call with a region or a zone gets only that place.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	for _, region := range c.regionIDs() {
		if err := c.at(region, c.zone).offerings(ctx, req, yield); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if wants(req, kinds.EIP, kinds.TypeLine) {
		if err := c.lineOfferings(yield); err != nil {
			return err
		}
	}
	if err := c.freeOfferings(req, yield); err != nil {
		return err
	}
	flavours, images, disks := wants(req, kinds.Instance, kinds.TypeFlavour), wants(req, kinds.Instance, kinds.TypeImage), wants(req, kinds.Disk, kinds.TypeFlavour)
	var types []instanceType
	var err error
	if flavours || disks {
		if types, err = c.types(ctx); err != nil {
			return err
		}
	}
	if disks {
		if err := c.diskOfferings(types, yield); err != nil {
			return err
		}
	}
	if !flavours && !images {
		return nil
	}
	all, err := c.publicImages(ctx)
	if err != nil {
		return err
	}
	if flavours {
		if err := c.flavours(types, all, yield); err != nil {
			return err
		}
	}
	if !images {
		return nil
	}
	for _, i := range all {
		if err := yield(c.imageOffering(i)); err != nil {
			return err
		}
	}
	return nil
}

// mostImages bounds the list of images, which is held as a whole.
const mostImages = 5000

// publicImages are the cloud's own images of the region.
func (c *cloud) publicImages(ctx context.Context) ([]image, error) {
	var out []image
	fetch := func(ctx context.Context, number, size int) ([]image, int, error) {
		req := vmapi.NewDescribeImagesRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetImageSource("public")
		req.SetPageNumber(number)
		req.SetPageSize(size)
		answer, err := read[vmapi.DescribeImagesResult](ctx, c, serviceVM, req)
		return answer.Images, answer.TotalCount, err
	}
	err := pages(ctx, pageSize, fetch, func(i image) string { return i.ImageId }, func(i image) error {
		if len(out) == mostImages {
			return fault.New(fault.ClassInternal, "the cloud has more than %d images", mostImages)
		}
		out = append(out, i)
		return nil
	})
	return out, err
}

func bootable(i image) bool { return i.Status == "ready" && !i.Offline }

func (c *cloud) imageOffering(i image) provider.Offering {
	return provider.Offering{
		ID: c.region + "/" + i.ImageId, Kind: kinds.Instance, Type: kinds.TypeImage, Name: i.Name, Class: i.OsType,
		Region: c.region, Sellable: bootable(i), Currency: currency,
		Attrs: map[string]string{
			kinds.AttrImageID: i.ImageId, kinds.AttrOS: i.Platform, kinds.AttrOSType: i.OsType, "architecture": i.Architecture,
			kinds.AttrSizeGB: strconv.Itoa(i.SystemDiskSizeGB),
		},
	}
}

// systemImage is the image that a flavour's spec starts from: the first usable
// Linux of its architecture.
func systemImage(all []image, architecture string) (image, bool) {
	i := slices.IndexFunc(all, func(i image) bool {
		return bootable(i) && i.OsType == "linux" && (architecture == "" || i.Architecture == architecture)
	})
	if i < 0 {
		return image{}, false
	}
	return all[i], true
}

// flavours streams the instance types of the region, one offering for each zone.
func (c *cloud) flavours(types []instanceType, images []image, yield func(provider.Offering) error) error {
	for _, t := range types {
		from, ok := systemImage(images, t.Architecture)
		for _, s := range t.State {
			if c.zone != "" && s.Az != c.zone {
				continue
			}
			o, err := c.flavour(t, s.Az, from)
			if err != nil {
				return err
			}
			o.Sellable = ok && s.InStock
			if err := yield(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cloud) flavour(t instanceType, zone string, from image) (provider.Offering, error) {
	spec, err := json.Marshal(InstanceSpec{
		InstanceType: t.InstanceType,
		InstanceSpec: kinds.InstanceSpec[Disk]{
			Zone: zone, CPU: t.Cpu, MemoryMB: t.MemoryMB, ImageID: from.ImageId,
			BootDisk: Disk{Type: diskDefault, SizeGB: max(from.SystemDiskSizeGB, smallestBoot)},
		},
	})
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	attrs := map[string]string{
		kinds.AttrCPU: strconv.Itoa(t.Cpu), kinds.AttrMemoryMB: strconv.Itoa(t.MemoryMB), "instance_type": t.InstanceType, "architecture": t.Architecture,
	}
	return provider.Offering{
		ID: zone + "/" + t.InstanceType, Kind: kinds.Instance, Type: kinds.TypeFlavour, Name: t.InstanceType, Class: t.Family,
		Region: c.region, Zone: zone, Billing: bothWays(), Periods: termPeriods(), Currency: currency, Spec: spec, Attrs: attrs,
	}, nil
}

func bothWays() []provider.BillingMethod {
	return []provider.BillingMethod{provider.BillingPrepaid, provider.BillingPostpay}
}

func termPeriods() []provider.Period {
	return []provider.Period{provider.PeriodMonth, provider.PeriodYear, provider.PeriodHour}
}

// diskOfferings yields the smallest disk of each type in each zone.
func (c *cloud) diskOfferings(types []instanceType, yield func(provider.Offering) error) error {
	zones := zonesOf(types)
	if c.zone != "" {
		zones = []string{c.zone}
	}
	for _, zone := range zones {
		for _, kind := range []string{diskDefault, "ssd.io1", "hdd.std1"} {
			spec, err := json.Marshal(DiskSpec{DiskSpec: kinds.DiskSpec{Zone: zone, SizeGB: smallestDisk}, Type: kind})
			if err != nil {
				return fault.Internal(err, "encoding a spec")
			}
			err = yield(provider.Offering{
				ID: zone + "/" + kind, Kind: kinds.Disk, Type: kinds.TypeFlavour, Name: kind, Class: kind, Region: c.region, Zone: zone,
				Sellable: true, Billing: bothWays(), Periods: termPeriods(), Currency: currency, Spec: spec,
				Attrs: map[string]string{kinds.AttrSizeGB: strconv.Itoa(smallestDisk)},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// lineOfferings yields the region's lines with the smallest address on each.

func (c *cloud) lineOfferings(yield func(provider.Offering) error) error {
	for _, line := range []string{lineBGP, lineNoBGP} {
		spec, err := json.Marshal(EIPSpec{kinds.EIPSpec{Line: line, Bandwidth: 1, PayMode: kinds.PayBandwidth}})
		if err != nil {
			return fault.Internal(err, "encoding a spec")
		}
		err = yield(provider.Offering{
			ID: c.region + "/" + line, Kind: kinds.EIP, Type: kinds.TypeLine, Name: line, Class: line, Region: c.region, Sellable: true,
			Billing: bothWays(), Periods: termPeriods(), Currency: currency, Spec: spec,
			Attrs: map[string]string{"pay_modes": kinds.PayBandwidth + "," + kinds.PayTraffic},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// freeOfferings streams networks and security groups, which cost nothing, and
// well-known protocols.
func (c *cloud) freeOfferings(req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	for _, kind := range []string{kinds.VPC, kinds.Subnet, kinds.SecurityGroup} {
		if !wants(req, kind, kind) {
			continue
		}
		err := yield(provider.Offering{
			ID: c.region + "/" + kind, Kind: kind, Type: kind, Name: kind, Region: c.region, Sellable: true, Currency: currency,
			Billing: []provider.BillingMethod{provider.BillingOnce}, Periods: []provider.Period{provider.PeriodNone}, ListPrice: "0.00",
		})
		if err != nil {
			return err
		}
	}
	if !wants(req, kinds.SecurityGroup, kinds.TypeProtocol) {
		return nil
	}
	for _, p := range protocols() {
		if err := yield(c.protocolOffering(p)); err != nil {
			return err
		}
	}
	return nil
}

// protocol is a well-known port to make a rule of.
type protocol struct {
	id, name, word string
	port           int
}

// protocols is a table of our own: the cloud has no list.
func protocols() []protocol {
	return []protocol{
		{"ssh", "SSH", kinds.TCP, 22}, {"rdp", "RDP", kinds.TCP, 3389}, {"http", "HTTP", kinds.TCP, 80}, {"https", "HTTPS", kinds.TCP, 443},
		{"ftp", "FTP", kinds.TCP, 21}, {"smtp", "SMTP", kinds.TCP, 25}, {"dns-tcp", "DNS (TCP)", kinds.TCP, 53}, {"dns-udp", "DNS (UDP)", kinds.UDP, 53},
		{"mysql", "MySQL", kinds.TCP, 3306}, {"postgresql", "PostgreSQL", kinds.TCP, 5432}, {"sqlserver", "SQL Server", kinds.TCP, 1433},
		{"redis", "Redis", kinds.TCP, 6379}, {"mongodb", "MongoDB", kinds.TCP, 27017}, {"openvpn", "OpenVPN", kinds.UDP, 1194},
		{"tcp", "TCP, all ports", kinds.TCP, 0}, {"udp", "UDP, all ports", kinds.UDP, 0}, {"icmp", "ICMP", kinds.ICMP, 0}, {"all", "all protocols", kinds.All, 0},
	}
}

func (c *cloud) protocolOffering(p protocol) provider.Offering {
	attrs := map[string]string{kinds.AttrProtocol: p.word}
	if p.port > 0 {
		attrs[kinds.AttrFromPort], attrs[kinds.AttrToPort] = strconv.Itoa(p.port), strconv.Itoa(p.port)
	}
	return provider.Offering{
		ID: c.region + "/protocol/" + p.id, Kind: kinds.SecurityGroup, Type: kinds.TypeProtocol, Name: p.name, Class: p.word,
		Region: c.region, Sellable: true, Currency: currency, Attrs: attrs,
	}
}
