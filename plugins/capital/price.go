package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// Quote asks the cloud's price of a change.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	if req.Change == provider.ChangeRelease && p.shelves[req.Kind] != nil {
		return c.quoteRelease(req)
	}
	switch req.Kind + " " + string(req.Change) {
	case "instance create":
		return c.quoteInstance(ctx, req)
	case "disk create":
		return c.quoteDisk(ctx, req)
	case "eip create":
		return c.quoteEIP(ctx, req)
	case "bandwidth create":
		return c.quoteBandwidth(ctx, req)
	case "vpc create", "subnet create", "gateway create", "security_group create", "image create":
		return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"}, nil
	}
	return provider.Quote{}, fault.Unsupported("the cloud does not price the %s of the kind %q", req.Change, req.Kind)
}

// quoteRelease tells what comes back for a thing that is given up before its
// term ends: nothing, whether the thing is still there or not, since none of the
// cloud's calls that delete pays anything back.
func (c *cloud) quoteRelease(req provider.QuoteRequest) (provider.Quote, error) {
	switch {
	case req.ResourceID == "":
		return provider.Quote{}, fault.Invalid("resource_id", "is required")
	case c.cfg.RefundsReleases:
		return provider.Quote{}, fault.Unsupported("the cloud does not say what it pays back: by refunds_releases the unused time is given back")
	}
	return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"}, nil
}

// specOf reads the spec of a quote.
func specOf[Spec any](raw json.RawMessage) (Spec, error) {
	s, err := schema.Decode[Spec](raw)
	if err != nil {
		return s, fault.Invalid("spec", "is not a spec of this kind")
	}
	return s, nil
}

// quoteInstance prices one server with its disks for the whole term and
// multiplies, so that it does not matter what the cloud thinks of counts.
func (c *cloud) quoteInstance(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	t, err := termOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	if err := s.check(); err != nil {
		return provider.Quote{}, err
	}
	z, err := c.zoneOf(ctx, s.Zone)
	if err != nil {
		return provider.Quote{}, err
	}
	if s.MachineType == "" {
		if s.MachineType, err = c.familyFor(ctx, z.Code, s); err != nil {
			return provider.Quote{}, err
		}
	}
	total, err := c.serverPrice(ctx, z.Code, s, t)
	if err != nil {
		return provider.Quote{}, err
	}
	return c.quoted(total, t, max(req.Term.Quantity, 1)), nil
}

// quoted is a quote of n things. What is paid by use is priced for a day, and
// an hour of it is rounded up by itself.
func (c *cloud) quoted(total amount, t term, n int) provider.Quote {
	if t.method == payDemand {
		total = total.part(1, c.cfg.DayHours).rounded()
	}
	price := total.part(n, 1).decimal()
	return provider.Quote{Currency: currency, List: price, Net: price}
}

// serverPrice is that of one server: of its term, or of a day.
func (c *cloud) serverPrice(ctx context.Context, zone string, s InstanceSpec, t term) (amount, error) {
	data := []object{}
	for _, d := range s.DataDisks {
		data = append(data, d.row())
	}
	body := object{
		"AvailableZoneCode": zone, "EcsFamilyName": s.MachineType, "Cpu": s.CPU, "Ram": s.MemoryMB / 1024, "Gpu": s.GPU,
		"BillingMethod": t.method, "SystemDiskInfo": s.BootDisk.row(), "DataDiskInfo": data, "Number": 1,
	}
	if t.method == payMonthly {
		body["Duration"], body["IsToMonth"] = t.months, 0
	}
	out, err := read[struct{ TotalPrice json.Number }](ctx, c, post(ecs, "DescribePrice", body))
	if err != nil {
		return amount{}, err
	}
	return amountOf(out.TotalPrice)
}

// quoteDisk prices a disk: what a server costs more with it than without it,
// since the cloud prices no disk alone.
func (c *cloud) quoteDisk(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[DiskSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	if err := s.check(); err != nil {
		return provider.Quote{}, err
	}
	if err := byUse(req.Term); err != nil {
		return provider.Quote{}, err
	}
	z, err := c.zoneOf(ctx, s.Zone)
	if err != nil {
		return provider.Quote{}, err
	}
	server, err := c.someServer(ctx, z.Code)
	if err != nil {
		return provider.Quote{}, err
	}
	without, err := c.serverPrice(ctx, z.Code, server, term{method: payDemand})
	if err != nil {
		return provider.Quote{}, err
	}
	server.DataDisks = []Disk{{Type: diskDefault, SizeGB: s.SizeGB}}
	with, err := c.serverPrice(ctx, z.Code, server, term{method: payDemand})
	if err != nil {
		return provider.Quote{}, err
	}
	return c.quoted(with.plus(without.part(-1, 1)), term{method: payDemand}, max(req.Term.Quantity, 1)), nil
}

// someServer is a server that the zone has, to price disks with.
func (c *cloud) someServer(ctx context.Context, zone string) (InstanceSpec, error) {
	stock, err := c.stock(ctx, zone)
	if err != nil {
		return InstanceSpec{}, err
	}
	for _, f := range stock {
		for _, z := range f.Specs {
			return InstanceSpec{MachineType: f.Name, InstanceSpec: kinds.InstanceSpec[Disk]{
				CPU: z.CPU.number(), MemoryMB: z.RAM.number() * 1024, GPU: z.GPU.number(), BootDisk: Disk{Type: diskDefault, SizeGB: leastBoot},
			}}, nil
		}
	}
	return InstanceSpec{}, fault.Unavailable("the zone has no servers, by which the cloud prices disks").From(fault.SourceCloud)
}

// quoteEIP prices an address with its bandwidth. Traffic is charged by use and
// stands in no price.
func (c *cloud) quoteEIP(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[EIPSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	t, err := termOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	if _, err := scheme(t, s.PayMode); err != nil {
		return provider.Quote{}, err
	}
	z, err := c.zoneOf(ctx, s.Zone)
	if err != nil {
		return provider.Quote{}, err
	}
	band, address, err := c.eipPrice(ctx, z, firstText(s.Line, c.cfg.Line), s.Bandwidth, t)
	if err != nil {
		return provider.Quote{}, err
	}
	n := max(req.Term.Quantity, 1)
	if s.PayMode == kinds.PayTraffic {
		q := c.quoted(address, t, n)
		q.Lines = []provider.QuoteLine{{Name: "address", List: q.List}, {Name: "traffic", Problem: "is charged by use"}}
		return q, nil
	}
	a, b := c.quoted(address, t, n), c.quoted(band, t, n)
	q, err := both(a.List, b.List)
	q.Lines = []provider.QuoteLine{{Name: "address", List: a.List}, {Name: "bandwidth", List: b.List}}
	return q, err
}

// both is a quote of two parts that the cloud rounds each by itself.
func both(a, b provider.Decimal) (provider.Quote, error) {
	x, err := amountOf(json.Number(a))
	if err != nil {
		return provider.Quote{}, err
	}
	y, err := amountOf(json.Number(b))
	if err != nil {
		return provider.Quote{}, err
	}
	sum := x.plus(y).decimal()
	return provider.Quote{Currency: currency, List: sum, Net: sum}, nil
}

// eipPrice asks what a bandwidth and its address cost for a term, or a day.
// The misspelling is the cloud's own.
func (c *cloud) eipPrice(ctx context.Context, z zone, line string, mbps int, t term) (band, address amount, err error) {
	conf, err := c.lineConf(ctx, z, line)
	if err != nil {
		return amount{}, amount{}, err
	}
	pairs := []string{"size", "1", "bandwidthConfIdStr", conf, "siteId", z.ID, "isMounth", "0", "qos", whole(mbps), "requestId", uuid.NewString()}
	if t.method == payMonthly {
		pairs[7] = "1"
		pairs = append(pairs, "isToMonth", "0", "duration", whole(t.months))
	}
	out, err := read[struct {
		Band    struct{ Price json.Number } `json:"bandwidth_price"`
		Address struct{ Price json.Number } `json:"eip_price"`
	}](ctx, c, get(gcw, "GetEipPrice", pairs...))
	if err != nil {
		return amount{}, amount{}, err
	}
	if band, err = amountOf(out.Band.Price); err != nil {
		return amount{}, amount{}, err
	}
	address, err = amountOf(out.Address.Price)
	return band, address, err
}

// lineConf is the number that prices know a line by; it is found by the line's
// name.
func (c *cloud) lineConf(ctx context.Context, z zone, code string) (string, error) {
	names, err := c.lineNames(ctx, z.Code)
	if err != nil {
		return "", err
	}
	all, err := read[[]struct {
		ID   loose  `json:"conf_id"`
		Name string `json:"conf_name"`
	}](ctx, c, get(gcw, "GetVpcBandwidth", "siteId", z.ID))
	if err != nil {
		return "", err
	}
	for _, l := range all {
		if l.Name != "" && (l.Name == names[code] || l.Name == code) {
			return l.ID.text(), nil
		}
	}
	return "", fault.Invalid("spec.line", "the zone has no line %q", code)
}

// quoteBandwidth prices a shared bandwidth by the price of a megabit.
func (c *cloud) quoteBandwidth(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[BandwidthSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	t, err := termOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	bill, err := scheme(t, s.PayMode)
	if err != nil {
		return provider.Quote{}, err
	}
	if s.PayMode == kinds.PayTraffic {
		return provider.Quote{
			Currency: currency, List: "0.00", Net: "0.00", Lines: []provider.QuoteLine{{Name: "traffic", Problem: "is charged by use"}},
		}, nil
	}
	z, err := c.zoneOf(ctx, s.Zone)
	if err != nil {
		return provider.Quote{}, err
	}
	out, err := read[struct {
		BandwidthPrice struct{ StdPrice, Price json.Number }
	}](ctx, c, post(vpc, "VPCBandWidthUnitPrice", object{
		"RegionCode": c.region, "AvailableZoneCode": z.Code, "Type": "Bandwidth" + sharedSuffix, "BillScheme": bill + sharedSuffix,
		"BandwidthType": firstText(s.Line, c.cfg.Line),
	}))
	if err != nil {
		return provider.Quote{}, err
	}
	list, err := amountOf(out.BandwidthPrice.StdPrice)
	if err != nil {
		return provider.Quote{}, err
	}
	net, err := amountOf(out.BandwidthPrice.Price)
	if err != nil {
		return provider.Quote{}, err
	}
	n, size := max(req.Term.Quantity, 1), s.Bandwidth*max(t.months, 1)
	q := c.quoted(list.part(size, 1), t, n)
	q.Net = c.quoted(net.part(size, 1), t, n).List
	return q, nil
}

// whole writes a number for a query.
func whole(n int) string { return strconv.Itoa(n) }
