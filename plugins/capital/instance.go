package main

import (
	"context"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// InstanceSpec is what a customer chooses of a server: what all clouds ask
// for, and what only this one has.
type InstanceSpec struct {
	kinds.InstanceSpec[Disk]

	MachineType string `json:"machine_type,omitempty" title:"Family" doc:"The cloud's word; empty is the first one on sale with these cores, memory and cards"`
	PrivateIP   string `json:"private_ip,omitempty" title:"Private address" doc:"Empty is a free one of the subnet"`
	GatewayID   string `json:"gateway_id,omitempty" title:"Virtual gateway" doc:"In edge regions: the server gets an address there, to which an elastic one can be bound"`
	GatewayType string `json:"gateway_type,omitempty" enum:"default_gateway,virtual" default:"virtual" title:"Use of the gateway"`
	EIPID       string `json:"eip_id,omitempty" title:"Elastic address" doc:"A free one, bound from the start. In edge regions it needs the gateway"`
	TestAccount string `json:"test_account,omitempty" title:"Test fund" doc:"Pays in place of the account; its name"`
}

// Disk is one disk of a server.
type Disk struct {
	Type   string `json:"type,omitempty" enum:"ssd,local" default:"ssd" title:"Type" doc:"All disks of a server have the same"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"32000" title:"Size in GB"`
}

// diskDefault is the type of a disk that has none: the schema's default does
// not reach the disks of a list.
const diskDefault = "ssd"

// InstanceState is what a server is.
type InstanceState struct {
	kinds.InstanceState

	MachineType string `json:"machine_type,omitempty" title:"Family"`
	AutoRenew   bool   `json:"auto_renew,omitempty" title:"The cloud prolongs it"`
	FreeStop    bool   `json:"free_stop,omitempty" title:"Costs nothing while it is stopped"`
}

type instance = provider.Thing[InstanceState]

// instances is the handler of the kind instance.
type instances struct{ shelf[InstanceState] }

func newInstances(p *plugin) instances {
	h := instances{shelf[InstanceState]{plugin: p, kind: kinds.Instance, step: removeServer}}
	h.walk = h.servers
	p.shelves[kinds.Instance] = h
	return h
}

// hostOrder is a create in the cloud's words.
type hostOrder struct {
	zone, name string
	term       term
	spec       InstanceSpec
	subnet     subnetRow
}

// Create buys one server. Its password is made up here and known to nobody.
func (h instances) Create(ctx context.Context, req provider.TypedCreate[InstanceSpec]) (provider.Result[InstanceState], error) {
	var zero provider.Result[InstanceState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	o, err := c.newHostOrder(ctx, req, mark)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (instance, operation, error) {
		id, event, err := c.buyHost(ctx, o)
		own, _ := split(o.name)
		return instance{
			ID: id, Name: own, Zone: o.zone, Status: provider.StatusPending, RawStatus: "building", Billing: billingOf(o.term.method),
			State: InstanceState{MachineType: o.spec.MachineType, InstanceState: kinds.InstanceState{
				CPU: o.spec.CPU, MemoryMB: o.spec.MemoryMB, GPU: o.spec.GPU, ImageID: o.spec.ImageID, ChargeType: o.term.method,
				VPCID: o.subnet.VPCID, SubnetID: o.subnet.ID, Addresses: []kinds.Address{}, Disks: []kinds.AttachedDisk{},
			}},
		}, h.event(c, ecs, event, verbCreate, kinds.Instance, id), err
	})
}

func (c *cloud) newHostOrder(ctx context.Context, req provider.TypedCreate[InstanceSpec], mark string) (*hostOrder, error) {
	o := &hostOrder{spec: req.Spec, name: join(nameOf(req.Name, "ecs"), mark)}
	var err error
	if o.term, err = termOf(req.Term); err != nil {
		return nil, err
	}
	if err := o.spec.check(); err != nil {
		return nil, err
	}
	if o.subnet, err = c.subnetFor(ctx, o.spec); err != nil {
		return nil, err
	}
	o.zone = o.subnet.Zone
	if o.spec.MachineType == "" {
		o.spec.MachineType, err = c.familyFor(ctx, o.zone, o.spec)
	}
	return o, err
}

// check refuses what the schema cannot.
func (s InstanceSpec) check() error {
	if s.MemoryMB%1024 != 0 {
		return fault.Invalid("spec.memory_mb", "must be whole GB: a multiple of 1024")
	}
	for i, d := range s.DataDisks {
		if firstText(d.Type, diskDefault) != firstText(s.BootDisk.Type, diskDefault) {
			return fault.Invalid("spec.data_disks["+strconv.Itoa(i)+"].type", "must be that of the boot disk: the cloud does not mix them")
		}
	}
	return nil
}

// subnetFor is the subnet that a server goes to.
func (c *cloud) subnetFor(ctx context.Context, s InstanceSpec) (subnetRow, error) {
	zone := firstText(c.zone, s.Zone)
	r, err := c.here(ctx)
	if err == nil && zone != "" {
		_, err = r.zoneNamed(zone, "spec.zone")
	}
	if err != nil {
		return subnetRow{}, err
	}
	if s.VPCID == "" && s.SubnetID == "" && c.cfg.SharedSubnets == "" {
		return subnetRow{}, fault.Invalid("spec.subnet_id", "is required: the cloud has no default network and the account names none in shared_subnets")
	}
	var out subnetRow
	err = c.at(c.region, "").subnets(ctx, segmentFilter{keyword: s.SubnetID, vpc: s.VPCID}, func(row subnetRow) error {
		fits := s.SubnetID == "" || row.ID == s.SubnetID
		if s.VPCID == "" && s.SubnetID == "" {
			fits = listed(c.cfg.SharedSubnets, row.ID)
		}
		if out.ID == "" && fits && (zone == "" || row.Zone == zone) && row.Status == statusOK {
			out = row
		}
		return nil
	})
	if err == nil && out.ID == "" {
		err = fault.Invalid("spec.subnet_id", "there is no such subnet that is ready in the zone %q", zone)
	}
	return out, err
}

// listed tells whether an id is among those joined by semicolons.
func listed(all, id string) bool {
	for one := range strings.SplitSeq(all, ";") {
		if strings.TrimSpace(one) == id {
			return true
		}
	}
	return false
}

// buyHost buys one server and returns its id and the event that makes it.
func (c *cloud) buyHost(ctx context.Context, o *hostOrder) (id, event string, err error) {
	password, err := newPassword()
	if err != nil {
		return "", "", err
	}
	body := o.body()
	body["Password"] = password.Reveal()
	out, _, err := write[struct {
		EventId  string
		EcsIdSet []string
	}](ctx, c.hiding(password), post(ecs, "CreateInstance", body))
	switch {
	case err != nil:
		return "", "", err
	case len(out.EcsIdSet) == 0 || out.EcsIdSet[0] == "":
		return "", "", fault.Unknown(nil, "the cloud does not tell what it made").From(fault.SourceCloud)
	}
	return out.EcsIdSet[0], out.EventId, nil
}

// body is the order without its password. What has a default at the cloud that
// costs money is always written.
func (o *hostOrder) body() object {
	s := o.spec
	out := object{
		"AvailableZoneCode": o.zone, "EcsFamilyName": s.MachineType, "Cpu": s.CPU, "Ram": s.MemoryMB / 1024, "Gpu": s.GPU,
		"Number": 1, "BillingMethod": o.term.method, "ImageId": s.ImageID, "Name": o.name, "TestAccount": s.TestAccount,
		"SystemDisk": s.BootDisk.row(), "VpcInfo": object{"VpcId": o.subnet.VPCID},
	}
	data := []object{}
	for _, d := range s.DataDisks {
		row := d.row()
		row["ReleaseWithInstance"] = 1
		data = append(data, row)
	}
	out["DataDisk"] = data
	subnet := object{"SubnetId": o.subnet.ID}
	if s.PrivateIP != "" {
		subnet["IpAddress"] = []string{s.PrivateIP}
	}
	out["SubnetInfo"] = subnet
	groups := []object{}
	for _, id := range s.SecurityGroupIDs {
		groups = append(groups, object{"SecurityGroupId": id})
	}
	out["SecurityGroups"] = groups
	if s.GatewayID != "" || s.EIPID != "" {
		out["PubnetInfo"] = []object{o.public()}
	}
	if o.term.method == payMonthly {
		out["Duration"], out["IsToMonth"], out["IsAutoRenewal"] = o.term.months, 0, 0
	}
	return out
}

// public is where the server is reached from outside: at a gateway, or with
// its private address.
func (o *hostOrder) public() object {
	out := object{"SubnetId": firstText(o.spec.GatewayID, o.subnet.ID), "IpType": firstText(o.spec.GatewayType, "virtual")}
	if o.spec.EIPID != "" {
		out["EipIds"] = []string{o.spec.EIPID}
	}
	return out
}

// row is a disk of an order in the cloud's words.
func (d Disk) row() object {
	return object{"DiskFeature": firstText(d.Type, diskDefault), "Size": d.SizeGB}
}

// removeServer deletes a server, whatever its power state; one that is still
// changing is waited for.
func removeServer(ctx context.Context, p *plugin, c *cloud, t instance) (bool, operation, error) {
	switch t.Status {
	case provider.StatusRunning, provider.StatusStopped, provider.StatusError:
	default:
		return false, operation{}, nil
	}
	out, _, err := write[eventAnswer](ctx, c, post(ecs, "DeleteInstance", object{"EcsIds": []string{t.ID}, "DeleteEip": 0}))
	if hasCode(err, codeWrongStatus) {
		return false, operation{}, nil
	}
	return false, p.event(c, ecs, out.EventID, verbDelete, kinds.Instance, t.ID), err
}

// eventAnswer is the answer of changes with an event.
type eventAnswer struct {
	EventID string `json:"EventId"`
}

// serverState is the cloud's word for a server's state, "" when it has none.
func (c *cloud) serverState(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", fault.Invalid("id", "is required")
	}
	out, err := read[struct {
		EcsStatus map[string]struct{ Status string }
	}](ctx, c, post(ecs, "DescribeInstanceStatus", object{"EcsIds": []string{id}}))
	return out.EcsStatus[id].Status, err
}
