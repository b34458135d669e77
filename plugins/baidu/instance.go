package main

import (
	"context"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// InstanceSpec is what a customer chooses of a server: what all clouds ask
// for, and what only this one has.
type InstanceSpec struct {
	kinds.InstanceSpec[Disk]

	Flavour string `json:"flavour,omitempty" pattern:"^[A-Za-z0-9._-]{1,64}$" title:"Specification" doc:"Like bcc.g5.c2m8; empty is the zone's first one with these cores and this memory"`
}

// Disk is one disk of a server.
type Disk struct {
	Type   string `json:"type,omitempty" pattern:"^[a-z0-9_]{1,32}$" title:"Type" doc:"Like enhanced_ssd_pl1, cloud_hp1 or hp1"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"32765" title:"Size in GB"`
}

// diskDefault is the type of a disk that has none.
const diskDefault = "enhanced_ssd_pl1"

func (d Disk) kind() string { return firstText(d.Type, diskDefault) }

// InstanceState is what a server is.
type InstanceState struct {
	kinds.InstanceState

	Flavour     string `json:"flavour" title:"Specification"`
	Description string `json:"description,omitempty" title:"Description"`
}

type (
	instanceRow = api.InstanceModel
	instance    = provider.Thing[InstanceState]
)

// instances is the handler of the kind instance.
type instances struct{ *plugin }

// Create buys one server. Its tag is the purchase token. It gets a password of
// the cloud's making that nobody here learns, so that a repeat of the request
// is the same request.
func (h instances) Create(ctx context.Context, req provider.TypedCreate[InstanceSpec]) (provider.Result[InstanceState], error) {
	var zero provider.Result[InstanceState]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return zero, err
	}
	order, err := c.newServerOrder(ctx, req)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Instance, Change: provider.ChangeCreate}
	found, err := h.findCreated(ctx, c, find)
	switch {
	case err != nil:
		return zero, fault.NotDone(err)
	case len(found.Things) > 0 && found.Operation != "":
		return provider.StartedAs(found.Operation, &found.Things[0]), nil
	case len(found.Things) > 0:
		return provider.Done(found.Things[0]), nil
	}
	id, number, err := c.buyServer(ctx, order)
	if err != nil {
		return zero, err
	}
	op := operation{verb: opCreate, id: id, region: c.region, began: h.clock.Now()}
	out := provider.StartedAs(op.String(), &instance{
		ID: id, Name: order.Name, Region: c.region, Zone: order.ZoneName, Status: provider.StatusPending,
		Token: tokenIn(order.Tags), Billing: billingOf(string(order.Billing.PaymentTiming)),
	})
	out.VendorOrder = number
	return out, nil
}

// buyServer buys one server and returns its id and that of the cloud's order.
func (c *cloud) buyServer(ctx context.Context, order *api.CreateInstanceBySpecArgs) (id, number string, err error) {
	answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*api.CreateInstanceBySpecResult, error) {
		return server(k).CreateInstanceBySpec(order)
	})
	if err != nil {
		return "", "", err
	}
	if len(answer.InstanceIds) == 0 || answer.InstanceIds[0] == "" {
		return "", "", fault.Unknown(nil, "the cloud does not name the server that it made").From(fault.SourceCloud)
	}
	return answer.InstanceIds[0], answer.OrderId, nil
}

// newServerOrder is a create in the cloud's words.
func (c *cloud) newServerOrder(ctx context.Context, req provider.TypedCreate[InstanceSpec]) (*api.CreateInstanceBySpecArgs, error) {
	s, zone := req.Spec, firstText(c.zone, req.Spec.Zone)
	if zone == "" {
		return nil, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	if err := one(req.Term); err != nil {
		return nil, err
	}
	tag, err := tagOf(req.Token)
	if err != nil {
		return nil, err
	}
	paid, err := leaseOf(req.Term)
	if err != nil {
		return nil, err
	}
	flavour, err := c.flavourOf(ctx, s, zone)
	if err != nil {
		return nil, err
	}
	o := &api.CreateInstanceBySpecArgs{
		ImageId: s.ImageID, Spec: flavour.Spec, RootDiskSizeInGb: s.BootDisk.SizeGB, RootDiskStorageType: api.StorageType(s.BootDisk.kind()),
		PurchaseCount: 1, Name: nameOf(req.Name, tag), ZoneName: zone, SubnetId: s.SubnetID, SecurityGroupIds: s.SecurityGroupIDs,
		Billing: paid.server(), Tags: append(tags(tag), bootTag(s.BootDisk, req.Token)),
		ClientToken: clientToken(req.Token, kinds.Instance, "create", c.region),
	}
	for _, d := range s.DataDisks {
		o.CreateCdsList = append(o.CreateCdsList, api.CreateCdsModel{CdsSizeInGB: d.SizeGB, StorageType: api.StorageType(d.kind())})
	}
	if s.VPCID != "" && s.SubnetID == "" {
		return nil, fault.Invalid("spec.subnet_id", "is required with vpc_id: the cloud puts servers into subnets")
	}
	return o, nil
}

// server is a lease as creates of servers and disks take it.
func (l lease) server() api.Billing {
	out := api.Billing{PaymentTiming: api.PaymentTimingType(l.payment)}
	if l.months > 0 {
		out.Reservation = &api.Reservation{ReservationLength: l.months, ReservationTimeUnit: unit}
	}
	return out
}

// flavourOf finds the specification of a spec: the named one, which must have
// the cores and the memory, or the first that has them.
func (c *cloud) flavourOf(ctx context.Context, s InstanceSpec, zone string) (api.BccFlavor, error) {
	rows, err := c.flavourRows(ctx, zone)
	if err != nil {
		return api.BccFlavor{}, err
	}
	for _, f := range rows {
		fits := f.CpuCount == s.CPU && f.MemoryCapacityInGB*1024 == s.MemoryMB && f.GpuCardCount == s.GPU && (s.GPUType == "" || s.GPUType == f.GpuCardType)
		switch {
		case s.Flavour == "" && fits, s.Flavour == f.Spec && fits:
			return f.BccFlavor, nil
		case s.Flavour == f.Spec:
			return api.BccFlavor{}, fault.Invalid("spec.flavour", "%q has %d cores, %d MB and %d cards", f.Spec, f.CpuCount, f.MemoryCapacityInGB*1024, f.GpuCardCount)
		}
	}
	if s.Flavour != "" {
		return api.BccFlavor{}, fault.Invalid("spec.flavour", "%q is not sold in %q", s.Flavour, zone)
	}
	return api.BccFlavor{}, fault.Invalid("spec.cpu", "no specification of %q has these cores, memory and cards", zone)
}

// flavourRow is a specification in a zone.
type flavourRow struct {
	api.BccFlavor
	zone, group string
}

// flavourRows are the specifications of a zone or, without one, of the region.
func (c *cloud) flavourRows(ctx context.Context, zone string) ([]flavourRow, error) {
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListFlavorSpecResult, error) {
		return server(k).ListFlavorSpec(&api.ListFlavorSpecArgs{ZoneName: zone})
	})
	if err != nil {
		return nil, err
	}
	var out []flavourRow
	for _, z := range answer.ZoneResources {
		if zone != "" && z.ZoneName != zone {
			continue
		}
		for _, g := range z.BccResources.FlavorGroups {
			for _, f := range g.Flavors {
				out = append(out, flavourRow{BccFlavor: f, zone: z.ZoneName, group: g.GroupId})
			}
		}
	}
	return out, nil
}

// Get reads one server.
func (h instances) Get(ctx context.Context, req provider.GetRequest) (instance, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return instance{}, err
	}
	row, err := c.instance(ctx, req.ID)
	if err != nil {
		return instance{}, err
	}
	return c.instanceThing(row), nil
}

// List streams the servers of the call's region.
func (h instances) List(ctx context.Context, req provider.ListRequest, yield func(instance) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.instances(ctx, "", func(row instanceRow) error { return yield(c.instanceThing(row)) })
}

// FindByToken tells what became of a change.
func (h instances) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	if req.Change == provider.ChangeRenew {
		done, settled, err := h.findRenewal(ctx, req)
		return provider.TypedFound[InstanceState]{Done: done, Settled: settled}, err
	}
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.instance(ctx, id)
		return err
	})
}

// released tells by the error of reading a resource whether it is gone. A
// delete can be asked for again at any time, so what is there is not released.
func released[State any](err error) (provider.TypedFound[State], error) {
	if fault.Is(err, fault.ClassNotFound) {
		return provider.TypedFound[State]{Done: true, Settled: true}, nil
	}
	return provider.TypedFound[State]{Settled: err == nil}, err
}

// findCreated searches by tag. A server that is not ready yet is an operation.
func (h instances) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	out := provider.TypedFound[InstanceState]{}
	tag, err := tagOf(req.Token)
	if err != nil {
		return out, err
	}
	err = c.instances(ctx, tagKey+":"+tag, func(row instanceRow) error {
		if tokenIn(row.Tags) != tag {
			return nil
		}
		t := c.instanceThing(row)
		switch t.Status {
		case provider.StatusPending, provider.StatusStarting, provider.StatusError, provider.StatusUnknown:
			op := operation{verb: opCreate, id: t.ID, region: c.region, began: h.clock.Now()}
			out.Operation = op.String()
		}
		out.Things = append(out.Things, t)
		return nil
	})
	if err != nil {
		return provider.TypedFound[InstanceState]{}, err
	}
	out.Done = len(out.Things) > 0 && out.Operation == ""
	out.Settled = len(out.Things) > 0 || c.cfg.settled(req.Since, h.clock.Now())
	return out, nil
}

// instances streams the account's servers in the region, or those with a tag.
func (c *cloud) instances(ctx context.Context, tag string, yield func(instanceRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]instanceRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListInstanceResult, error) {
			return api.ListInstances(k, &api.ListInstanceArgs{Marker: marker, MaxKeys: limit, Tags: tag})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Instances, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r instanceRow) string { return r.InstanceId }, yield)
}

// following is the marker of the next page, "" after the last.
func following(more bool, marker string) string {
	if !more {
		return ""
	}
	return marker
}

// instance reads one server.
func (c *cloud) instance(ctx context.Context, id string) (instanceRow, error) {
	if err := idOf("server", id); err != nil {
		return instanceRow{}, err
	}
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.GetInstanceDetailResult, error) {
		return api.GetInstanceDetail(k, id)
	})
	switch {
	case err != nil:
		return instanceRow{}, err
	case answer.Instance.InstanceId != id:
		return instanceRow{}, fault.Unavailable("the cloud answered with another server").From(fault.SourceCloud)
	case answer.Instance.Status == "Deleted":
		return instanceRow{}, fault.NotFound("server", id)
	}
	return answer.Instance, nil
}

// instanceThing shows a server in the contract's words.
func (c *cloud) instanceThing(row instanceRow) instance {
	return instance{
		ID: row.InstanceId, Name: row.InstanceName, Region: c.region, Zone: row.ZoneName,
		Status: instanceStatus(string(row.Status)), RawStatus: string(row.Status), Token: tokenIn(row.Tags),
		Billing: billingOf(row.PaymentTiming), Created: moment(row.CreationTime), Expires: moment(row.ExpireTime),
		State: instanceState(row),
	}
}

func instanceState(row instanceRow) InstanceState {
	s := InstanceState{Flavour: row.Spec, Description: row.Description, InstanceState: kinds.InstanceState{
		CPU: row.CpuCount, MemoryMB: row.MemoryCapacityInGB * 1024, GPUType: row.GpuCard,
		ImageID: row.ImageId, OS: firstText(row.ImageName, row.OsName), ChargeType: row.PaymentTiming,
		VPCID: row.VpcId, SubnetID: row.SubnetId, SecurityGroupIDs: row.NicInfo.SecurityGroups,
		Addresses: []kinds.Address{}, Disks: []kinds.AttachedDisk{},
	}}
	if row.InternalIP != "" {
		s.Addresses = append(s.Addresses, kinds.Address{Type: kinds.AddressPrivate, IP: row.InternalIP})
	}
	if row.PublicIP != "" {
		s.Addresses = append(s.Addresses, kinds.Address{Type: "BGP", IP: row.PublicIP, EIPID: row.PublicIP, Bandwidth: row.NetworkCapacityInMbps})
	}
	for _, v := range row.Volumes {
		s.Disks = append(s.Disks, kinds.AttachedDisk{ID: v.Id, Type: string(v.StorageType), SizeGB: v.DiskSizeInGB, Boot: v.IsSystemVolume})
	}
	return s
}
