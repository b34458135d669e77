package main

import (
	"context"

	common "github.com/jdcloud-api/jdcloud-sdk-go/services/common/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// InstanceState is what a server is.
type InstanceState struct {
	kinds.InstanceState

	InstanceType string `json:"instance_type" title:"Instance type"`
	Hostname     string `json:"hostname,omitempty" title:"Host name"`
	Description  string `json:"description,omitempty" title:"Description"`
	ChargeStatus string `json:"charge_status,omitempty" title:"Charge status" doc:"normal, overdue or arrear"`
}

type (
	server   = vm.Instance
	instance = provider.Thing[InstanceState]
)

// instances is the handler of the kind instance.
type instances struct{ *plugin }

// Create buys one server. The purchase token is the cloud's client token and
// also a tag, by which the server is found again; its password is made up here
// and known to nobody.
func (h instances) Create(ctx context.Context, req provider.TypedCreate[InstanceSpec]) (provider.Result[InstanceState], error) {
	var zero provider.Result[InstanceState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	order, err := newServerOrder(req)
	if err != nil {
		return zero, err
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Instance, Change: provider.ChangeCreate}
	made := func(id string) provider.Result[InstanceState] {
		return provider.StartedAs(h.started(c, opCreate, kinds.Instance, id), &instance{
			ID: id, Name: order.name, Region: c.region, Zone: order.zone, Status: provider.StatusPending,
			Token: order.tag, Billing: billingOf(*order.charge.ChargeMode),
		})
	}
	return buyOnce(ctx, h.plugin, c, kinds.Instance, order.tag, buyer[InstanceState]{
		find: func(ctx context.Context) (provider.TypedFound[InstanceState], error) {
			return h.findCreated(ctx, c, find)
		},
		buy: func(ctx context.Context) (provider.Result[InstanceState], string, error) {
			id, err := c.buyServer(ctx, order)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
		safe:   true,
	})
}

// buyServer buys one server and returns its id.
func (c *cloud) buyServer(ctx context.Context, order *serverOrder) (string, error) {
	if err := order.resolve(ctx, c); err != nil {
		return "", fault.NotDone(err)
	}
	password := c.madeUpPassword("server", order.tag, serverPassword)
	one := 1
	req := vmapi.NewCreateInstancesRequestWithAllParams(c.region, order.spec(c.cfg, password), &one, &order.tag)
	answer, err := write[vmapi.CreateInstancesResult](ctx, c.hiding(password), serviceVM, req)
	if err != nil {
		return "", err
	}
	if len(answer.InstanceIds) == 0 || answer.InstanceIds[0] == "" {
		return "", fault.Unknown(nil, "the cloud did not name the new server").From(fault.SourceCloud)
	}
	return answer.InstanceIds[0], nil
}

// Get reads one server.
func (h instances) Get(ctx context.Context, req provider.GetRequest) (instance, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return instance{}, err
	}
	row, err := c.server(ctx, req.ID)
	if err != nil {
		return instance{}, err
	}
	return c.instance(ctx, row)
}

// List streams the servers of the call's region.
func (h instances) List(ctx context.Context, req provider.ListRequest, yield func(instance) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.instances(ctx, "", yield)
}

// Delete ends a server; polling sees to it that it goes.
func (h instances) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	return h.release(ctx, req, kinds.Instance, "server")
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
		row, err := c.server(ctx, req.ID)
		if err == nil && row.Status == stateDeleting {
			op := h.started(c, opDelete, kinds.Instance, req.ID)
			return provider.TypedFound[InstanceState]{Operation: op, Settled: true}, nil
		}
		return released[InstanceState](err)
	}
	return out, fault.Unsupported("a server's %s leaves no trace of its token", req.Change)
}

// released tells by the error of reading a resource whether it is gone. A
// delete can be asked for again at any time, so what is there is not released.
func released[State any](err error) (provider.TypedFound[State], error) {
	if fault.Is(err, fault.ClassNotFound) {
		return provider.TypedFound[State]{Done: true, Settled: true}, nil
	}
	return provider.TypedFound[State]{Settled: err == nil}, err
}

// findCreated searches by tag.
func (h instances) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(instance)) error {
		return c.instances(ctx, tag, func(t instance) error {
			add(t)
			return nil
		})
	})
}

// findTagged collects what walk finds with a token's tag. What is not ready yet
// is an operation.
func findTagged[State any](
	p *plugin, c *cloud, req provider.FindRequest, walk func(tag string, add func(provider.Thing[State])) error,
) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	tag, err := tagOf(req.Token)
	if err != nil {
		return out, err
	}
	err = walk(tag, func(t provider.Thing[State]) {
		out.Things = append(out.Things, t)
		if unready(t.Status) {
			out.Operation = p.started(c, opCreate, req.Kind, t.ID)
		}
	})
	if err != nil {
		return provider.TypedFound[State]{}, err
	}
	out.Done = len(out.Things) > 0 && out.Operation == ""
	out.Settled = len(out.Things) > 0 || c.cfg.settled(req.Since, p.clock.Now())
	return out, nil
}

// madeOrStarted is the answer to a create that made t, or is about to.
func madeOrStarted[State any](p *plugin, c *cloud, kind string, t provider.Thing[State]) provider.Result[State] {
	if unready(t.Status) {
		return provider.StartedAs(p.started(c, opCreate, kind, t.ID), &t)
	}
	return provider.Done(t)
}

// instances streams the account's servers in the region, or those with a tag.
func (c *cloud) instances(ctx context.Context, tag string, yield func(instance) error) error {
	return c.servers(ctx, tag, nil, func(row server) error {
		if row.Status == stateTerminated || tag != "" && tagValue(row.Tags) != tag {
			return nil
		}
		t, err := c.instance(ctx, row)
		if err != nil {
			return err
		}
		return yield(t)
	})
}

func (c *cloud) servers(ctx context.Context, tag string, filters []common.Filter, yield func(server) error) error {
	fetch := func(ctx context.Context, number, size int) ([]server, int, error) {
		req := vmapi.NewDescribeInstancesRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		req.Filters = filters
		if tag != "" {
			key := tokenKey
			req.Tags = []vm.TagFilter{{Key: &key, Values: []string{tag}}}
		}
		answer, err := read[vmapi.DescribeInstancesResult](ctx, c, serviceVM, req)
		return answer.Instances, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r server) string { return r.InstanceId }, yield)
}

// server reads one server.
func (c *cloud) server(ctx context.Context, id string) (server, error) {
	if !goodID(id) {
		return server{}, absent("server", id, false)
	}
	answer, err := read[vmapi.DescribeInstanceResult](ctx, c, serviceVM, vmapi.NewDescribeInstanceRequest(c.region, id))
	switch {
	case err != nil:
		return server{}, err
	case answer.Instance.InstanceId != id || answer.Instance.Status == stateTerminated:
		return server{}, fault.NotFound("server", id)
	}
	return answer.Instance, nil
}

// absent is what is said of an id that the cloud cannot have: it must not be
// sent. To end what cannot be there is done.
func absent(thing, id string, ending bool) error {
	switch {
	case id == "":
		return fault.Invalid("id", "is required")
	case ending:
		return nil
	}
	return fault.NotFound(thing, cut(id, 64))
}

// instance shows a server in the contract's words.
func (c *cloud) instance(ctx context.Context, row server) (instance, error) {
	s, err := c.sizeOf(ctx, row.InstanceType)
	if err != nil {
		return instance{}, err
	}
	return instance{
		ID: row.InstanceId, Name: row.InstanceName, Region: c.region, Zone: row.Az,
		Status: serverStatus(row.Status), RawStatus: row.Status, Token: tagValue(row.Tags),
		Billing: billingOf(row.Charge.ChargeMode), Created: moment(row.LaunchTime), Expires: expires(row.Charge),
		State: instanceState(row, s),
	}, nil
}

func instanceState(row server, s size) InstanceState {
	nic := row.PrimaryNetworkInterface.NetworkInterface
	_, description := marksOf(row.Description)
	out := InstanceState{
		InstanceType: row.InstanceType, Hostname: row.Hostname, Description: description, ChargeStatus: row.Charge.ChargeStatus,
		InstanceState: kinds.InstanceState{
			CPU: s.cpu, MemoryMB: s.memoryMB, ImageID: row.ImageId, OS: row.Platform, OSType: row.OsType, ChargeType: row.Charge.ChargeMode,
			VPCID: row.VpcId, SubnetID: row.SubnetId, Addresses: []kinds.Address{}, Disks: []kinds.AttachedDisk{},
		},
	}
	for _, g := range nic.SecurityGroups {
		out.SecurityGroupIDs = append(out.SecurityGroupIDs, g.GroupId)
	}
	if row.PrivateIpAddress != "" {
		out.Addresses = append(out.Addresses, kinds.Address{Type: kinds.AddressPrivate, IP: row.PrivateIpAddress})
	}
	if row.ElasticIpAddress != "" {
		out.Addresses = append(out.Addresses, kinds.Address{Type: addressPublic, IP: row.ElasticIpAddress, EIPID: row.ElasticIpId})
	}
	for i, d := range append([]vm.InstanceDiskAttachment{row.SystemDisk}, row.DataDisks...) {
		one := kinds.AttachedDisk{ID: d.CloudDisk.DiskId, Type: d.CloudDisk.DiskType, SizeGB: d.CloudDisk.DiskSizeGB, Boot: i == 0}
		if one.ID == "" {
			one.Type, one.SizeGB = firstText(d.LocalDisk.DiskType, d.DiskCategory), d.LocalDisk.DiskSizeGB
		}
		if one.ID != "" || one.SizeGB > 0 {
			out.Disks = append(out.Disks, one)
		}
	}
	return out
}

// addressPublic is the type of a server's public address: its line is known to
// the address only.
const addressPublic = "Public"
