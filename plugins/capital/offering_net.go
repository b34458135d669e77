package main

import (
	"context"
	"encoding/json"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

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
		{"redis", "Redis", kinds.TCP, 6379}, {"mongodb", "MongoDB", kinds.TCP, 27017},
		{"tcp", "TCP, all ports", kinds.TCP, 0}, {"udp", "UDP, all ports", kinds.UDP, 0}, {"icmp", "ICMP", kinds.ICMP, 0},
	}
}

// freeKinds cost nothing at the cloud.
func (c *cloud) freeKinds() []string {
	out := []string{kinds.VPC, kinds.Subnet, kinds.SecurityGroup, kinds.Image}
	if !c.cfg.platform(c.region) {
		out = append(out, kinds.Gateway)
	}
	return out
}

// freeOfferings yields what costs nothing, and protocols for rules.
func (c *cloud) freeOfferings(req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	for _, kind := range c.freeKinds() {
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
	for _, p := range protocols() {
		if !wants(req, kinds.SecurityGroup, kinds.TypeProtocol) {
			break
		}
		attrs := map[string]string{kinds.AttrProtocol: p.word}
		if p.port > 0 {
			attrs[kinds.AttrFromPort], attrs[kinds.AttrToPort] = whole(p.port), whole(p.port)
		}
		err := yield(provider.Offering{
			ID: c.region + "/protocol/" + p.id, Kind: kinds.SecurityGroup, Type: kinds.TypeProtocol, Name: p.name, Class: p.word,
			Region: c.region, Sellable: true, Currency: currency, Attrs: attrs,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// line is a carrier of a region with the ways to pay for it.
type line struct {
	Code  string `json:"BandwidthType"`
	Name  string `json:"BandwidthTypeName"`
	Plans []struct {
		Scheme string `json:"BillingScheme"`
	} `json:"BillingSchemeList"`
}

// lines are the carriers of a zone.
func (c *cloud) lines(ctx context.Context, zone string) ([]line, error) {
	return read[[]line](ctx, c, post(vpc, "VPCBandWidthBillingScheme", object{"RegionCode": c.region, "AvailableZoneCode": zone}))
}

// lineNames are the names of a zone's lines by their codes: some answers hold
// the one and some the other.
func (c *cloud) lineNames(ctx context.Context, zone string) (map[string]string, error) {
	all, err := c.lines(ctx, zone)
	out := map[string]string{}
	for _, l := range all {
		out[l.Code] = l.Name
	}
	return out, err
}

// lineOfferings yields the zone's lines, with the smallest address and shared
// bandwidth on each.
func (c *cloud) lineOfferings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	all, err := c.lines(ctx, c.zone)
	if err != nil {
		return err
	}
	for _, l := range all {
		for _, kind := range []string{kinds.EIP, kinds.Bandwidth} {
			if !wants(req, kind, kinds.TypeLine) {
				continue
			}
			o, err := c.lineOffering(kind, l)
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

func (c *cloud) lineOffering(kind string, l line) (provider.Offering, error) {
	var spec any = EIPSpec{EIPSpec: kinds.EIPSpec{Zone: c.zone, Line: l.Code, Bandwidth: 1, PayMode: kinds.PayBandwidth}}
	if kind == kinds.Bandwidth {
		spec = BandwidthSpec{BandwidthSpec: kinds.BandwidthSpec{Zone: c.zone, Line: l.Code, Bandwidth: 1, PayMode: kinds.PayBandwidth}}
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	return provider.Offering{
		ID: c.zone + "/" + kind + "/" + l.Code, Kind: kind, Type: kinds.TypeLine, Name: firstText(l.Name, l.Code), Class: l.Code,
		Region: c.region, Zone: c.zone, Sellable: true, Billing: []provider.BillingMethod{provider.BillingPrepaid, provider.BillingPostpay},
		Periods: []provider.Period{provider.PeriodMonth, provider.PeriodHour}, Currency: currency, Spec: raw,
		Attrs: map[string]string{"pay_modes": kinds.PayBandwidth + "," + kinds.PayTraffic},
	}, nil
}
