package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
)

// serverRow is a server as lists have it.
type serverRow struct {
	ID        string `json:"EcsId"`
	Name      string `json:"EcsName"`
	Status    string
	AzID      string `json:"AzId"`
	VPCID     string `json:"VpcId"`
	SubnetID  string `json:"SubnetId"`
	Created   string `json:"CreateTime"`
	Ends      string `json:"EndBillTime"`
	Card      string `json:"CardName"`
	CPU       loose  `json:"CpuSize"`
	RAM       loose  `json:"RamSize"`
	GPU       loose  `json:"GpuSize"`
	Method    loose  `json:"BillingMethod"`
	Image     string `json:"ImageName"`
	OSType    string `json:"OsType"`
	OSVersion string `json:"OsVersion"`
	DiskType  string `json:"SystemDiskFeature"`
	DiskSize  loose  `json:"SystemDiskSize"`
	Family    string `json:"EcsFamilyName"`
	FreeStop  loose  `json:"NoChargeForShutdown"`
	AutoRenew loose  `json:"IsAutoRenewal"`
	pipe
}

// pipe is how a server is connected.
type pipe struct {
	PrivateNet string
	PubNet     string
	VirtualNet []string
	EipInfo    map[string]struct {
		ConfName, EipIp string
		CurrentUseQos   loose
	}
}

// addresses are the private ones, each followed by the public one bound to it.
func (p pipe) addresses() []kinds.Address {
	out := []kinds.Address{}
	for _, ip := range append([]string{p.PrivateNet, p.PubNet}, p.VirtualNet...) {
		if ip == "" {
			continue
		}
		out = append(out, kinds.Address{Type: kinds.AddressPrivate, IP: ip})
		if e := p.EipInfo[ip]; e.EipIp != "" {
			out = append(out, kinds.Address{Type: firstText(e.ConfName, "Public"), IP: e.EipIp, Bandwidth: e.CurrentUseQos.number()})
		}
	}
	return out
}

// servers is the walk of the kind instance: one by its id, or all of the
// region's zones, since a list tells the zone of a server by an id only.
func (h instances) servers(ctx context.Context, c *cloud, id string, yield func(instance) error) error {
	if id != "" {
		t, ok, err := c.server(ctx, id)
		if err != nil || !ok {
			return err
		}
		return yield(t)
	}
	zones, err := c.zoneCodes(ctx)
	if err != nil {
		return err
	}
	for _, z := range zones {
		err := c.serversIn(ctx, z, "", func(row serverRow) error { return yield(c.instance(row, z)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// serversIn streams the servers of a zone, all or those of a VPC.
func (c *cloud) serversIn(ctx context.Context, z zone, vpcID string, yield func(serverRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]serverRow, int, error) {
		out, err := read[struct{ EcsList []serverRow }](ctx, c, get(ecs, "DescribeInstanceList",
			"AvailableZoneCode", z.Code, "VpcId", vpcID, "PageNumber", strconv.Itoa(offset/limit+1), "PageSize", strconv.Itoa(limit)))
		return out.EcsList, page.UnknownTotal, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r serverRow) string { return r.ID }, yield)
}

// instance shows a row of a list in the contract's words.
func (c *cloud) instance(row serverRow, z zone) instance {
	name, mark := split(row.Name)
	return instance{
		ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: z.Code, Status: instanceStatus(row.Status), RawStatus: row.Status,
		Billing: billingOf(row.Method.text()), Created: moment(row.Created), Expires: moment(row.Ends),
		State: InstanceState{
			MachineType: row.Family, AutoRenew: row.AutoRenew.text() == "1", FreeStop: row.FreeStop.text() == "1",
			InstanceState: kinds.InstanceState{
				CPU: row.CPU.number(), MemoryMB: row.RAM.number() * 1024, GPU: row.GPU.number(), GPUType: row.Card,
				OS: strings.TrimSpace(row.OSType + " " + row.OSVersion), OSType: osFamily(row.OSType), ChargeType: row.Method.text(),
				VPCID: row.VPCID, SubnetID: row.SubnetID, Addresses: row.addresses(),
				Disks: []kinds.AttachedDisk{{Type: row.DiskType, SizeGB: row.DiskSize.number(), Boot: true}},
			},
		},
	}
}

// osFamily is Windows, or Linux for everything else that the cloud has.
func osFamily(os string) string {
	switch {
	case os == "":
		return ""
	case strings.Contains(strings.ToLower(os), "windows"):
		return "Windows"
	}
	return "Linux"
}

// serverDetail is a server as it is read alone.
type serverDetail struct {
	ID        string `json:"EcsId"`
	Name      string `json:"EcsName"`
	Status    string
	AzID      string `json:"AzId"`
	Created   string `json:"CreateTime"`
	Ends      string `json:"EndBillTime"`
	FreeStop  loose  `json:"NoChargeForShutdown"`
	AutoRenew loose  `json:"IsAutoRenewal"`
	Groups    []struct {
		ID       string `json:"SecurityGroupId"`
		Priority loose
	} `json:"SecurityGroup"`
	Rule struct {
		Name   string
		CpuNum loose
		Ram    loose
		Gpu    loose
	} `json:"EcsRule"`
	OS struct {
		ImageId, ImageName, OsType, Version string
	} `json:"OsInfo"`
	Disk struct {
		System detailDisk   `json:"SystemDiskConf"`
		Data   []detailDisk `json:"DataDiskConf"`
	}
	Pipe struct {
		VpcId, SubnetId string
		pipe
	}
	Billing struct {
		BillingMethod loose
	} `json:"BillingInfo"`
}

type detailDisk struct {
	ID          string `json:"Id"`
	DiskID      string `json:"DiskId"`
	Name        string
	Size        loose
	DiskFeature string
}

func (d detailDisk) attached(boot bool) kinds.AttachedDisk {
	return kinds.AttachedDisk{ID: firstText(d.DiskID, d.ID), Type: d.DiskFeature, SizeGB: d.Size.number(), Boot: boot}
}

// describeServer reads one server, wherever it is.
func (c *cloud) describeServer(ctx context.Context, id string) (serverDetail, error) {
	return read[serverDetail](ctx, c, get(ecs, "DescribeInstance", "EcsId", id))
}

// server reads one server of the region; false for one that is elsewhere.
func (c *cloud) server(ctx context.Context, id string) (instance, bool, error) {
	r, err := c.here(ctx)
	if err != nil {
		return instance{}, false, err
	}
	d, err := c.describeServer(ctx, id)
	if err != nil {
		return instance{}, false, err
	}
	z, ok := r.zoneWith(d.AzID)
	if !ok {
		return instance{}, false, nil
	}
	return c.detailed(d, z), true, nil
}

func (c *cloud) detailed(d serverDetail, z zone) instance {
	name, mark := split(d.Name)
	method := d.Billing.BillingMethod.text()
	out := instance{
		ID: d.ID, Name: name, Token: mark, Region: c.region, Zone: z.Code, Status: instanceStatus(d.Status), RawStatus: d.Status,
		Billing: billingOf(method), Created: moment(d.Created), Expires: moment(d.Ends),
		State: InstanceState{
			MachineType: d.Rule.Name, AutoRenew: d.AutoRenew.text() == "1", FreeStop: d.FreeStop.text() == "1",
			InstanceState: kinds.InstanceState{
				CPU: d.Rule.CpuNum.number(), MemoryMB: d.Rule.Ram.number() * 1024, GPU: d.Rule.Gpu.number(),
				ImageID: d.OS.ImageId, OS: strings.TrimSpace(d.OS.OsType + " " + d.OS.Version), OSType: osFamily(d.OS.OsType), ChargeType: method,
				VPCID: d.Pipe.VpcId, SubnetID: d.Pipe.SubnetId, Addresses: d.Pipe.addresses(),
				Disks: []kinds.AttachedDisk{d.Disk.System.attached(true)},
			},
		},
	}
	for _, g := range d.Groups {
		out.State.SecurityGroupIDs = append(out.State.SecurityGroupIDs, g.ID)
	}
	for _, disk := range d.Disk.Data {
		out.State.Disks = append(out.State.Disks, disk.attached(false))
	}
	return out
}

// isLink tells whether a text is a link for a browser.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "wss")
}
