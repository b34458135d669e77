package main

import (
	"context"
	"encoding/json"
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
		{"mysql", "MySQL", kinds.TCP, 3306}, {"postgresql", "PostgreSQL", kinds.TCP, 5432}, {"sqlserver", "SQL Server", kinds.TCP, 1433},
		{"redis", "Redis", kinds.TCP, 6379}, {"mongodb", "MongoDB", kinds.TCP, 27017}, {"openvpn", "OpenVPN", kinds.UDP, 1194},
		{"tcp", "TCP, all ports", kinds.TCP, 0}, {"udp", "UDP, all ports", kinds.UDP, 0}, {"icmp", "ICMP", kinds.ICMP, 0}, {"gre", "GRE", kinds.GRE, 0},
	}
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
	zones, err := c.zones(ctx)
	if err != nil {
		return err
	}
	for _, zone := range zones {
		if err := c.diskOfferings(zone, yield); err != nil {
			return err
		}
	}
	return nil
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

// diskOfferings yields the smallest disk of each type in a zone.
func (c *cloud) diskOfferings(zone string, yield func(provider.Offering) error) error {
	for _, kind := range []string{"CLOUD_SSD", "CLOUD_RSSD", "CLOUD_NORMAL", "CLOUD_EFFICIENCY"} {
		spec, err := json.Marshal(DiskSpec{DiskSpec: kinds.DiskSpec{Zone: zone, SizeGB: smallestDisk}, Type: kind})
		if err != nil {
			return fault.Internal(err, "encoding a spec")
		}
		err = yield(provider.Offering{
			ID: zone + "/" + kind, Kind: kinds.Disk, Type: kinds.TypeFlavour, Name: kind, Class: kind, Region: c.region, Zone: zone, Sellable: true,
			Billing: []provider.BillingMethod{provider.BillingPrepaid},
			Periods: []provider.Period{provider.PeriodMonth, provider.PeriodYear}, Currency: currency, Spec: spec,
			Attrs: map[string]string{kinds.AttrSizeGB: strconv.Itoa(smallestDisk)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// smallestDisk is the least size of a disk in GB.
const smallestDisk = 20

// zones are the places to offer disks in: the account's own zone, or all of
// the region.
func (c *cloud) zones(ctx context.Context) ([]string, error) {
	if c.zone != "" {
		return []string{c.zone}, nil
	}
	all, err := c.regions(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range all {
		for _, z := range r.Zones {
			if r.ID == c.region {
				out = append(out, z.ID)
			}
		}
	}
	return out, nil
}
