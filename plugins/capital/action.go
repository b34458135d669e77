package main

import (
	"context"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

func instanceKind(p *plugin) *provider.Kind {
	h := newInstances(p)
	return provider.KindOf[InstanceSpec, InstanceState](kinds.Instance, "Server", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStart, Title: "Start", Changes: true}, h.start),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStop, Title: "Stop", Changes: true}, h.stop),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionReboot, Title: "Reboot", Changes: true}, h.reboot),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResetPassword, Title: "Set password", Changes: true}, h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionConsole, Title: "Console"}, h.console),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another size", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: "metrics", Title: "Measures"}, h.metrics),
		provider.ActionOf(provider.ActionDescription{Name: "set_security_groups", Title: "Set its security groups", Changes: true}, h.setGroups),
	)
}

// operate sends one change of power. One that finds its work done, or being
// done, is no mistake: a repeat after a lost answer looks so.
func (h instances) operate(ctx context.Context, call provider.Call, id, op string, done ...provider.Status) (provider.ActionResult[none], error) {
	c, err := h.openIn(call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	out, _, err := write[eventAnswer](ctx, c, post(ecs, "OperateInstance", object{"EcsIds": []string{id}, "OpType": op, "DeleteEip": 0}))
	if hasCode(err, codeWrongStatus) {
		if state, readErr := c.serverState(ctx, id); readErr == nil && slices.Contains(done, instanceStatus(state)) {
			return provider.ActionResult[none]{}, nil
		}
	}
	return h.started(c, out, id, err)
}

// started is the answer of an action with an event.
func (h instances) started(c *cloud, out eventAnswer, id string, err error) (provider.ActionResult[none], error) {
	if err != nil || out.EventID == "" {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{Operation: h.event(c, ecs, out.EventID, verbAct, kinds.Instance, id).String()}, nil
}

func (h instances) start(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return h.operate(ctx, req.Call, req.ID, "start_up_ecs", provider.StatusStarting, provider.StatusRunning)
}

// stop shuts a server down, or switches it off. A stop without charges is only
// asked for where the account wants it, and never gives up an address.
func (h instances) stop(ctx context.Context, req provider.TypedAction[kinds.StopInput]) (provider.ActionResult[none], error) {
	if req.Input.Force {
		return h.operate(ctx, req.Call, req.ID, "hard_shutdown_ecs", provider.StatusStopped)
	}
	op := "shutdown_ecs"
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	if c.cfg.PayFreeStop {
		d, err := c.describeServer(ctx, req.ID)
		if err != nil {
			return provider.ActionResult[none]{}, fault.NotDone(err)
		}
		if d.Billing.BillingMethod.text() == payDemand && d.Disk.System.DiskFeature == diskDefault {
			op = "free_shutdown_ecs"
		}
	}
	return h.operate(ctx, req.Call, req.ID, op, provider.StatusStopping, provider.StatusStopped)
}

func (h instances) reboot(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return h.operate(ctx, req.Call, req.ID, "restart_ecs", provider.StatusRebooting)
}

func (h instances) resetPassword(ctx context.Context, req provider.TypedAction[kinds.PasswordInput]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	out, _, err := write[eventAnswer](ctx, c.hiding(req.Input.Password), post(ecs, "ModifyInstancePassword", object{
		"EcsIds": []string{req.ID}, "Password": req.Input.Password.Reveal(),
	}))
	return h.started(c, out, req.ID, err)
}

// console is a link for a browser, which lets anybody in who has it.
func (h instances) console(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Console], error) {
	c, err := query(h.plugin, req)
	if err != nil {
		return provider.ActionResult[kinds.Console]{}, err
	}
	out, err := read[struct{ InstanceVncUrl string }](ctx, c, get(ecs, "DescribeInstanceVncUrl", "EcsId", req.ID))
	if err == nil && !isLink(out.InstanceVncUrl) {
		err = fault.Unavailable("the cloud's answer is no link").From(fault.SourceCloud)
	}
	if err != nil {
		return provider.ActionResult[kinds.Console]{}, err
	}
	return provider.ActionResult[kinds.Console]{Output: kinds.Console{Protocol: "url", URL: out.InstanceVncUrl}}, nil
}

// rename keeps the mark of the token behind the new name.
func (h instances) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	if err := newName(req.Input.Name); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	d, err := c.describeServer(ctx, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, fault.NotDone(err)
	}
	_, mark := split(d.Name)
	_, _, err = write[loose](ctx, c, post(ecs, "ModifyInstanceName", object{"EcsId": req.ID, "Name": join(req.Input.Name, mark)}))
	return provider.ActionResult[none]{}, err
}

// SizeInput is the size that a server gets.
type SizeInput struct {
	kinds.InstanceSize

	MachineType string `json:"machine_type,omitempty" title:"Family" doc:"Empty is the one it has"`
}

// resize makes a server larger or smaller; it must be stopped.
func (h instances) resize(ctx context.Context, req provider.TypedAction[SizeInput]) (provider.ActionResult[none], error) {
	in := req.Input
	if err := h.mayResize(req.Call); err != nil {
		return provider.ActionResult[none]{}, err
	}
	if in.MemoryMB%1024 != 0 {
		return provider.ActionResult[none]{}, fault.Invalid("input.memory_mb", "must be whole GB: a multiple of 1024")
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	t, err := h.one(ctx, c.at(c.region, ""), req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, fault.NotDone(err)
	}
	family := firstText(in.MachineType, t.State.MachineType)
	if t.State.CPU == in.CPU && t.State.MemoryMB == in.MemoryMB && t.State.MachineType == family {
		return provider.ActionResult[none]{}, nil
	}
	out, _, err := write[eventAnswer](ctx, c, post(ecs, "ChangeInstanceConfigure", object{
		"AvailableZoneCode": t.Zone, "EcsIds": []string{req.ID}, "EcsFamilyName": family,
		"Cpu": in.CPU, "Ram": in.MemoryMB / 1024, "Gpu": t.State.GPU,
	}))
	if hasCode(err, codeWrongStatus) {
		e := fault.As(err)
		err = fault.Precondition("the server must be stopped to get another size: stop it first").Cloud(e.CloudCode, e.RequestID)
	}
	return h.started(c, out, req.ID, err)
}

// GroupsInput are all security groups that a server is to have, the most
// important one first.
type GroupsInput struct {
	SecurityGroupIDs []string `json:"security_group_ids" required:"true" min:"1" max:"5" title:"Security groups"`
}

// setGroups replaces the groups of a server with their priorities.
func (h instances) setGroups(ctx context.Context, req provider.TypedAction[GroupsInput]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	set := []object{}
	for i, id := range req.Input.SecurityGroupIDs {
		set = append(set, object{"SecurityGroupId": id, "Priority": i + 1})
	}
	_, _, err = write[loose](ctx, c, post(sg, "ModifySecurityGroupsPriority", object{"InstanceId": req.ID, "RegionCode": c.region, "SecurityGroupSet": set}))
	return provider.ActionResult[none]{}, err
}
