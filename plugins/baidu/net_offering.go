package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

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
		{"mysql", "MySQL", kinds.TCP, 3306}, {"postgresql", "PostgreSQL", kinds.TCP, 5432}, {"redis", "Redis", kinds.TCP, 6379},
		{"tcp", "TCP, all ports", kinds.TCP, 0}, {"udp", "UDP, all ports", kinds.UDP, 0}, {"icmp", "ICMP", kinds.ICMP, 0}, {"all", "All", kinds.All, 0},
	}
}

// lineOffering yields the line with the smallest address on it.
func (c *cloud) lineOffering(yield func(provider.Offering) error) error {
	spec, err := json.Marshal(kinds.EIPSpec{Line: line, Bandwidth: 1, PayMode: kinds.PayBandwidth})
	if err != nil {
		return fault.Internal(err, "encoding a spec")
	}
	return yield(provider.Offering{
		ID: c.region + "/" + line, Kind: kinds.EIP, Type: kinds.TypeLine, Name: line, Class: line, Region: c.region, Sellable: true,
		Billing: []provider.BillingMethod{provider.BillingPrepaid}, Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear},
		Currency: currency, Spec: spec, Attrs: map[string]string{"pay_modes": kinds.PayBandwidth + "," + kinds.PayTraffic},
	})
}

// netOfferings streams networks and security groups, which cost nothing,
// protocols, and disks.
func (c *cloud) netOfferings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
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
	if wants(req, kinds.SecurityGroup, kinds.TypeProtocol) {
		for _, p := range protocols() {
			if err := yield(c.protocolOffering(p)); err != nil {
				return err
			}
		}
	}
	if !wants(req, kinds.Disk, kinds.TypeFlavour) {
		return nil
	}
	return c.diskOfferings(ctx, yield)
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

// leastData is the least size of a data disk in GB.
const leastData = 5

// diskOfferings yields the smallest disk of each type that the specifications
// of a zone take.
func (c *cloud) diskOfferings(ctx context.Context, yield func(provider.Offering) error) error {
	rows, err := c.flavourRows(ctx, c.zone)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range rows {
		for _, kind := range slices.Sorted(slices.Values(f.DataDiskType)) {
			id := f.zone + "/disk/" + kind
			if seen[id] {
				continue
			}
			seen[id] = true
			spec, err := json.Marshal(kinds.DiskSpec{Zone: f.zone, Type: kind, SizeGB: leastData})
			if err != nil {
				return fault.Internal(err, "encoding a spec")
			}
			err = yield(provider.Offering{
				ID: id, Kind: kinds.Disk, Type: kinds.TypeFlavour, Name: kind, Class: kind, Region: c.region, Zone: f.zone, Sellable: true,
				Billing: []provider.BillingMethod{provider.BillingPostpay}, Periods: []provider.Period{provider.PeriodHour}, Currency: currency,
				Spec: spec, Attrs: map[string]string{kinds.AttrSizeGB: strconv.Itoa(leastData)},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
