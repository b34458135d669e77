package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// InstanceSpec is what a customer chooses of a server.
type InstanceSpec struct {
	Zone           string `json:"zone,omitempty" title:"Zone" doc:"Like cn-bj2-04; the order's zone goes before it"`
	MachineType    string `json:"machine_type" required:"true" pattern:"^[A-Z][A-Z.]*$" title:"Machine type" doc:"N, C, O, OM, OPRO, G …"`
	CPU            int    `json:"cpu" required:"true" min:"1" max:"1024" title:"Cores"`
	MemoryMB       int    `json:"memory_mb" required:"true" min:"1024" max:"4194304" title:"Memory in MB"`
	GPU            int    `json:"gpu,omitempty" min:"0" max:"16" title:"Graphics cards"`
	GPUType        string `json:"gpu_type,omitempty" title:"Type of the graphics cards"`
	CPUPlatform    string `json:"cpu_platform,omitempty" title:"Least CPU platform" doc:"Like Intel/Auto"`
	ImageID        string `json:"image_id" required:"true" min:"1" title:"Image"`
	BootDisk       Disk   `json:"boot_disk" required:"true" title:"Boot disk"`
	DataDisks      []Disk `json:"data_disks,omitempty" max:"15" title:"Data disks"`
	NetCapability  string `json:"net_capability,omitempty" enum:"Normal,Super,Ultra,Extreme" title:"Network"`
	FirewallID     string `json:"firewall_id,omitempty" title:"Firewall" doc:"Empty is the cloud's recommended one"`
	VPCID          string `json:"vpc_id,omitempty" title:"VPC" doc:"Empty is the default VPC"`
	SubnetID       string `json:"subnet_id,omitempty" title:"Subnet"`
	HotplugFeature bool   `json:"hotplug,omitempty" title:"Can grow while it runs"`
}

// Disk is one disk of a server.
type Disk struct {
	Type   string `json:"type" required:"true" enum:"LOCAL_NORMAL,LOCAL_SSD,CLOUD_NORMAL,CLOUD_SSD,CLOUD_ESSD,CLOUD_RSSD,CLOUD_EFFICIENCY" title:"Type"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"32000" title:"Size in GB"`
	Backup string `json:"backup,omitempty" enum:"NONE,SNAPSHOT" title:"Backup"`
}

// InstanceState is what a server is.
type InstanceState struct {
	MachineType string    `json:"machine_type" title:"Machine type"`
	CPU         int       `json:"cpu" title:"Cores"`
	MemoryMB    int       `json:"memory_mb" title:"Memory in MB"`
	GPU         int       `json:"gpu,omitempty" title:"Graphics cards"`
	GPUType     string    `json:"gpu_type,omitempty" title:"Type of the graphics cards"`
	ImageID     string    `json:"image_id,omitempty" title:"Image"`
	OS          string    `json:"os,omitempty" title:"Operating system"`
	OSType      string    `json:"os_type,omitempty" title:"Family of the operating system"`
	ChargeType  string    `json:"charge_type,omitempty" title:"Charge type"`
	Addresses   []Address `json:"addresses" title:"Addresses"`
	Disks       []HasDisk `json:"disks" title:"Disks"`
	Remark      string    `json:"remark,omitempty" title:"Remark"`
}

// Address is one address of a server.
type Address struct {
	Type      string `json:"type" title:"Type" doc:"Private, or the line of a public address"`
	IP        string `json:"ip" title:"Address"`
	EIPID     string `json:"eip_id,omitempty" title:"Elastic address"`
	Bandwidth int    `json:"bandwidth_mbps,omitempty" title:"Bandwidth in Mbit/s"`
}

// HasDisk is a disk that a server has.
type HasDisk struct {
	ID     string `json:"id" title:"Disk"`
	Type   string `json:"type" title:"Type"`
	SizeGB int    `json:"size_gb" title:"Size in GB"`
	Boot   bool   `json:"boot" title:"Boot disk"`
}

type (
	host       = uhost.UHostInstanceSet
	instance   = provider.Thing[InstanceState]
	hostClient = *uhost.UHostClient
)

// instances is the handler of the kind instance.
type instances struct{ *plugin }

// Create buys one server. Its tag is the purchase token, by which it is found
// again; its password is made up here and known to nobody.
func (h instances) Create(ctx context.Context, req provider.TypedCreate[InstanceSpec]) (provider.Result[InstanceState], error) {
	var zero provider.Result[InstanceState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	order, err := newHostOrder(req)
	if err != nil {
		return zero, err
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kindInstance, Change: provider.ChangeCreate}
	made := func(id string) provider.Result[InstanceState] {
		op := operation{verb: opCreate, id: id, region: c.region, began: h.clock.Now()}
		return provider.StartedAs(op.String(), &instance{
			ID: id, Name: order.name, Region: c.region, Zone: order.zone, Status: provider.StatusPending,
			Token: order.tag, Billing: billingOf(order.charge),
		})
	}
	return buyOnce(ctx, h.plugin, c, kindInstance, order.tag, buyer[InstanceState]{
		find: func(ctx context.Context) (provider.TypedFound[InstanceState], error) {
			return h.findCreated(ctx, c, find)
		},
		buy: func(ctx context.Context) (provider.Result[InstanceState], string, error) {
			id, err := c.at(c.region, order.zone).hiding(order.password).buyHost(ctx, order)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
	})
}

// buyHost buys one server and returns its id.
func (c *cloud) buyHost(ctx context.Context, order *hostOrder) (string, error) {
	answer, err := write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.CreateUHostInstanceResponse, error) {
		return k.CreateUHostInstance(order.request(k))
	})
	if err != nil {
		return "", err
	}
	if len(answer.UHostIds) == 0 || answer.UHostIds[0] == "" {
		return "", fault.New(fault.ClassOutOfStock, "the cloud has no such server left").Cloud("", answer.GetRequestUUID())
	}
	return answer.UHostIds[0], nil
}

// hostOrder is a create in the cloud's words.
type hostOrder struct {
	spec                    InstanceSpec
	zone, name, tag, charge string
	password                secret.Value
	quantity                int
}

func newHostOrder(req provider.TypedCreate[InstanceSpec]) (*hostOrder, error) {
	o := &hostOrder{spec: req.Spec, zone: firstText(req.Call.Zone, req.Spec.Zone)}
	if o.zone == "" {
		return nil, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	if req.Term.Quantity > 1 {
		return nil, fault.Invalid("term.quantity", "must be 1: one token buys one server")
	}
	var err error
	if o.tag, err = tagOf(req.Token); err != nil {
		return nil, err
	}
	if o.charge, o.quantity, err = chargeOf(req.Term); err != nil {
		return nil, err
	}
	o.name = nameOf(req.Name, o.tag)
	o.password, err = newPassword()
	return o, err
}

func (o *hostOrder) request(k hostClient) *uhost.CreateUHostInstanceRequest {
	s, r := o.spec, k.NewCreateUHostInstanceRequest()
	r.ImageId, r.LoginMode, r.Password = &s.ImageID, ucloud.String("Password"), ucloud.String(o.password.Reveal())
	r.Name, r.Tag, r.MaxCount = &o.name, &o.tag, ucloud.Int(1)
	r.ChargeType, r.Quantity = &o.charge, &o.quantity
	r.MachineType, r.CPU, r.Memory = &s.MachineType, &s.CPU, &s.MemoryMB
	r.MinimalCpuPlatform, r.NetCapability = optional(s.CPUPlatform), optional(s.NetCapability)
	r.SecurityGroupId, r.VPCId, r.SubnetId = optional(s.FirewallID), optional(s.VPCID), optional(s.SubnetID)
	if s.GPU > 0 {
		r.GPU, r.GpuType = &s.GPU, optional(s.GPUType)
	}
	if s.HotplugFeature {
		r.HotplugFeature = ucloud.Bool(true)
	}
	r.Disks = s.disks()
	return r
}

// disks are the disks in the cloud's words, the boot disk first.
func (s InstanceSpec) disks() []uhost.UHostDisk {
	out := make([]uhost.UHostDisk, 0, 1+len(s.DataDisks))
	add := func(d Disk, boot string) {
		out = append(out, uhost.UHostDisk{IsBoot: &boot, Type: &d.Type, Size: &d.SizeGB, BackupType: optional(d.Backup)})
	}
	add(s.BootDisk, "True")
	for _, d := range s.DataDisks {
		add(d, "False")
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Get reads one server.
func (h instances) Get(ctx context.Context, req provider.GetRequest) (instance, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return instance{}, err
	}
	row, err := c.at(c.region, "").host(ctx, req.ID)
	if err != nil {
		return instance{}, err
	}
	return c.instance(row), nil
}

// List streams the servers of the call's region.
func (h instances) List(ctx context.Context, req provider.ListRequest, yield func(instance) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.hosts(ctx, hostFilter{}, func(row host) error { return yield(c.instance(row)) })
}

// Delete stops a server if it runs and terminates it; polling drives the steps.
func (h instances) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	op := operation{verb: opDelete, id: req.ID, region: c.region, began: h.clock.Now()}
	gone, err := c.at(c.region, "").deleteStep(ctx, req.ID, true)
	if err != nil || gone {
		return provider.Started{}, err
	}
	return provider.Started{Operation: op.String()}, nil
}

// FindByToken tells what became of a change.
func (h instances) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	var out provider.TypedFound[InstanceState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case provider.ChangeRenew:
		return h.findRenewed(ctx, c, req)
	case provider.ChangeRelease:
		_, err := c.host(ctx, req.ID)
		if fault.Is(err, fault.ClassNotFound) {
			return provider.TypedFound[InstanceState]{Done: true, Settled: true}, nil
		}
		// A delete can be asked for again at any time, so what is still there is
		// simply not released.
		return provider.TypedFound[InstanceState]{Settled: true}, err
	}
	return out, fault.Unsupported("a server's %s leaves no trace of its token", req.Change)
}

// findCreated searches by tag. A server that is not ready yet is an operation.
func (h instances) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	out := provider.TypedFound[InstanceState]{}
	tag, err := tagOf(req.Token)
	if err != nil {
		return out, err
	}
	err = c.at(c.region, "").hosts(ctx, hostFilter{tag: tag}, func(row host) error {
		if row.Tag != tag {
			return nil
		}
		t := c.instance(row)
		switch t.Status {
		case provider.StatusPending, provider.StatusStarting, provider.StatusError, provider.StatusUnknown:
			op := operation{verb: opCreate, id: row.UHostId, region: c.region, began: h.clock.Now()}
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

// hostFilter narrows a list of servers.
type hostFilter struct {
	ids []string
	tag string
}

// hosts streams the account's servers in the region.
func (c *cloud) hosts(ctx context.Context, f hostFilter, yield func(host) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]host, int, error) {
		answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.DescribeUHostInstanceResponse, error) {
			r := k.NewDescribeUHostInstanceRequest()
			r.UHostIds, r.Tag, r.Offset, r.Limit = f.ids, optional(f.tag), &offset, &limit
			return k.DescribeUHostInstance(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.UHostSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r host) string { return r.UHostId }, yield)
}

// host reads one server; the cloud answers nothing for an unknown id.
func (c *cloud) host(ctx context.Context, id string) (host, error) {
	if id == "" {
		return host{}, fault.Invalid("id", "is required")
	}
	var out *host
	err := c.hosts(ctx, hostFilter{ids: []string{id}}, func(row host) error {
		if row.UHostId == id {
			out = &row
		}
		return nil
	})
	if err != nil {
		return host{}, err
	}
	if out == nil {
		return host{}, fault.NotFound("server", id)
	}
	return *out, nil
}

// instance shows a server in the contract's words.
func (c *cloud) instance(row host) instance {
	return instance{
		ID: row.UHostId, Name: row.Name, Region: c.region, Zone: row.Zone,
		Status: hostStatus(row.State), RawStatus: row.State, Token: tokenOf(row.Tag),
		Billing: billingOf(row.ChargeType), Created: moment(row.CreateTime), Expires: moment(row.ExpireTime),
		State: instanceState(row),
	}
}

func instanceState(row host) InstanceState {
	s := InstanceState{
		MachineType: row.MachineType, CPU: row.CPU, MemoryMB: row.Memory, GPU: row.GPU, GPUType: row.GpuType,
		ImageID: row.BasicImageId, OS: row.OsName, OSType: row.OsType, ChargeType: row.ChargeType, Remark: plainRemark(row.Remark),
		Addresses: []Address{}, Disks: []HasDisk{},
	}
	for _, ip := range row.IPSet {
		s.Addresses = append(s.Addresses, Address{Type: ip.Type, IP: ip.IP, EIPID: ip.IPId, Bandwidth: ip.Bandwidth})
	}
	for _, d := range row.DiskSet {
		s.Disks = append(s.Disks, HasDisk{ID: d.DiskId, Type: d.DiskType, SizeGB: d.Size, Boot: isTrue(d.IsBoot)})
	}
	return s
}
