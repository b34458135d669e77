package main

import (
	"context"
	"slices"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// InstanceSpec is what a customer chooses of a server: what all clouds ask
// for, and what only this one has.
type InstanceSpec struct {
	kinds.InstanceSpec[Disk]

	MachineType    string `json:"machine_type,omitempty" pattern:"^[A-Z][A-Z.]*$" title:"Machine type" doc:"N, C, O, OM, OPRO, G …; empty is N, and G for graphics cards"`
	CPUPlatform    string `json:"cpu_platform,omitempty" title:"Least CPU platform" doc:"Like Intel/Auto"`
	NetCapability  string `json:"net_capability,omitempty" enum:"Normal,Super,Ultra,Extreme" title:"Network"`
	FirewallID     string `json:"firewall_id,omitempty" title:"Firewall" doc:"The same as the one of security_group_ids"`
	HotplugFeature bool   `json:"hotplug,omitempty" title:"Can grow while it runs"`
}

// Disk is one disk of a server.
type Disk struct {
	Type   string `json:"type,omitempty" enum:"LOCAL_NORMAL,LOCAL_SSD,CLOUD_NORMAL,CLOUD_SSD,CLOUD_ESSD,CLOUD_RSSD,CLOUD_EFFICIENCY" title:"Type" doc:"Empty is CLOUD_SSD, and CLOUD_RSSD for machines of the O family"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"32000" title:"Size in GB"`
	Backup string `json:"backup,omitempty" enum:"NONE,SNAPSHOT" title:"Backup"`
}

// diskDefault is the type of a disk that has none.
const diskDefault = "CLOUD_SSD"

// filled is the spec with what the cloud needs and the customer left open.
func (s InstanceSpec) filled() InstanceSpec {
	if s.MachineType == "" {
		s.MachineType = "N"
		if s.GPU > 0 {
			s.MachineType = "G"
		}
	}
	kind := diskDefault
	if strings.HasPrefix(s.MachineType, "O") {
		kind = "CLOUD_RSSD" // the only disk that these boot from
	}
	s.BootDisk.Type = firstText(s.BootDisk.Type, kind)
	s.DataDisks = slices.Clone(s.DataDisks)
	for i := range s.DataDisks {
		s.DataDisks[i].Type = firstText(s.DataDisks[i].Type, kind)
	}
	return s
}

// InstanceState is what a server is.
type InstanceState struct {
	kinds.InstanceState

	MachineType string `json:"machine_type" title:"Machine type"`
	Remark      string `json:"remark,omitempty" title:"Remark"`
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
	o := &hostOrder{spec: req.Spec.filled(), zone: firstText(req.Call.Zone, req.Spec.Zone)}
	if o.zone == "" {
		return nil, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	if req.Term.Quantity > 1 {
		return nil, fault.Invalid("term.quantity", "must be 1: one token buys one server")
	}
	if err := o.spec.check(); err != nil {
		return nil, err
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

// check refuses what the schema cannot: a server here has one firewall.
func (s InstanceSpec) check() error {
	if n := len(s.SecurityGroupIDs); n > 1 || n == 1 && s.FirewallID != "" && s.FirewallID != s.SecurityGroupIDs[0] {
		return fault.Invalid("spec.security_group_ids", "must be one at most: a server of this cloud has one firewall")
	}
	return nil
}

func (s InstanceSpec) firewall() string {
	return firstText(append(s.SecurityGroupIDs, s.FirewallID)...)
}

func (o *hostOrder) request(k hostClient) *uhost.CreateUHostInstanceRequest {
	s, r := o.spec, k.NewCreateUHostInstanceRequest()
	r.ImageId, r.LoginMode, r.Password = &s.ImageID, ucloud.String("Password"), ucloud.String(o.password.Reveal())
	r.Name, r.Tag, r.MaxCount = &o.name, &o.tag, ucloud.Int(1)
	r.ChargeType, r.Quantity = &o.charge, &o.quantity
	r.MachineType, r.CPU, r.Memory = &s.MachineType, &s.CPU, &s.MemoryMB
	r.MinimalCpuPlatform, r.NetCapability = optional(s.CPUPlatform), optional(s.NetCapability)
	r.SecurityGroupId, r.VPCId, r.SubnetId = optional(s.firewall()), optional(s.VPCID), optional(s.SubnetID)
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
		return released[InstanceState](err)
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

func (c *cloud) host(ctx context.Context, id string) (host, error) {
	return pick("server", id, func(r host) string { return r.UHostId }, func(yield func(host) error) error {
		return c.hosts(ctx, hostFilter{ids: []string{id}}, yield)
	})
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
	s := InstanceState{MachineType: row.MachineType, Remark: plainRemark(row.Remark), InstanceState: kinds.InstanceState{
		CPU: row.CPU, MemoryMB: row.Memory, GPU: row.GPU, GPUType: row.GpuType,
		ImageID: row.BasicImageId, OS: row.OsName, OSType: row.OsType, ChargeType: row.ChargeType,
		Addresses: []kinds.Address{}, Disks: []kinds.AttachedDisk{},
	}}
	for _, ip := range row.IPSet {
		s.Addresses = append(s.Addresses, kinds.Address{Type: ip.Type, IP: ip.IP, EIPID: ip.IPId, Bandwidth: ip.Bandwidth})
		if ip.Type == kinds.AddressPrivate && s.VPCID == "" {
			s.VPCID, s.SubnetID = ip.VPCId, ip.SubnetId
		}
	}
	for _, d := range row.DiskSet {
		s.Disks = append(s.Disks, kinds.AttachedDisk{ID: d.DiskId, Type: d.DiskType, SizeGB: d.Size, Boot: isTrue(d.IsBoot)})
	}
	return s
}
