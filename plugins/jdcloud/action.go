package main

import (
	"context"
	"slices"

	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

func changes(name, title string) provider.ActionDescription {
	return provider.ActionDescription{Name: name, Title: title, Changes: true}
}

func instanceKind(p *plugin) *provider.Kind {
	h := instances{p}
	return provider.KindOf[InstanceSpec, InstanceState](kinds.Instance, "Server", h, append(renewer{p, kinds.Instance}.actions(),
		provider.ActionOf(changes(kinds.ActionStart, "Start"), h.start),
		provider.ActionOf(changes(kinds.ActionStop, "Stop"), h.stop),
		provider.ActionOf(changes(kinds.ActionReboot, "Reboot"), h.reboot),
		provider.ActionOf(changes(kinds.ActionResetPassword, "Set password"), h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionConsole, Title: "Console"}, h.console),
		provider.ActionOf(changes(kinds.ActionRename, "Rename"), h.rename),
		provider.ActionOf(changes(kinds.ActionResize, "Another size"), h.resize),
	)...)
}

func diskKind(p *plugin) *provider.Kind {
	h := disks{p}
	return provider.KindOf[DiskSpec, DiskState](kinds.Disk, "Disk", h, append(renewer{p, kinds.Disk}.actions(),
		provider.ActionOf(changes(kinds.ActionAttach, "Attach"), h.attach),
		provider.ActionOf(changes(kinds.ActionDetach, "Detach"), h.detach),
		provider.ActionOf(changes(kinds.ActionResize, "Enlarge"), h.resize),
		provider.ActionOf(changes(kinds.ActionRename, "Rename"), h.rename),
	)...)
}

// opened opens a call for an action on a server.
func (h instances) opened(call provider.Call, id string) (*cloud, error) {
	c, err := h.openIn(call)
	if err == nil && !goodID(id) {
		err = absent("server", id, false)
	}
	return c, err
}

// start, like stop, is done when the cloud refuses it and the server is there
// already: a repeat after a lost answer is no mistake.
func (h instances) start(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	err = act(ctx, c, serviceVM, vmapi.NewStartInstanceRequest(c.region, req.ID))
	return out, c.unlessAt(ctx, err, req.ID, provider.StatusStarting, provider.StatusRunning)
}

// unlessAt is err, or nil when it says that the server's power state is wrong
// and the state is one of those.
func (c *cloud) unlessAt(ctx context.Context, err error, id string, states ...provider.Status) error {
	if !hasCode(err, codePrecondition) {
		return err
	}
	row, readErr := c.server(ctx, id)
	if readErr != nil || !slices.Contains(states, serverStatus(row.Status)) {
		return err
	}
	return nil
}

// stop shuts a server down. The cloud has no harder way, so force is refused
// rather than ignored.
func (h instances) stop(ctx context.Context, req provider.TypedAction[kinds.StopInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if req.Input.Force {
		return out, fault.Unsupported("the cloud cannot switch servers off: stop without force")
	}
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	err = act(ctx, c, serviceVM, vmapi.NewStopInstanceRequest(c.region, req.ID))
	return out, c.unlessAt(ctx, err, req.ID, provider.StatusStopping, provider.StatusStopped)
}

func (h instances) reboot(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	err = act(ctx, c, serviceVM, vmapi.NewRebootInstanceRequest(c.region, req.ID))
	return out, c.unlessAt(ctx, err, req.ID, provider.StatusRebooting)
}

// resetPassword sets the password that is good from the next start on.
func (h instances) resetPassword(ctx context.Context, req provider.TypedAction[kinds.PasswordInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	r := vmapi.NewModifyInstancePasswordRequest(c.region, req.ID, req.Input.Password.Reveal())
	return out, act(ctx, c.hiding(req.Input.Password), serviceVM, r)
}

func (h instances) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name, serverName); err != nil {
		return out, err
	}
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	r := vmapi.NewModifyInstanceAttributeRequest(c.region, req.ID)
	r.SetName(req.Input.Name)
	return out, act(ctx, c, serviceVM, r)
}

// console is a pure read, so it is asked again when that helps. Its link is
// good for an hour.
func (h instances) console(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Console], error) {
	var out provider.ActionResult[kinds.Console]
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	answer, err := read[vmapi.DescribeInstanceVncUrlResult](ctx, c, serviceVM, vmapi.NewDescribeInstanceVncUrlRequest(c.region, req.ID))
	if err != nil {
		return out, err
	}
	out.Output = kinds.Console{Protocol: "url", URL: answer.VncUrl}
	return out, nil
}

// errResize says why another size is refused. The cloud charges for it, and the
// broker bills it as part of an order alone.
func errResize() error {
	return fault.Precondition("the cloud charges for another size and nobody is billed for it here: set allow_resize in the account to accept that")
}

// resize gives a stopped server another instance type, of its own family if
// that has one. It says what the size shall be, so a repeat finds it done.
func (h instances) resize(ctx context.Context, req provider.TypedAction[kinds.InstanceSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.opened(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	row, err := c.server(ctx, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	to, done, err := c.resized(ctx, row, req.Input)
	switch {
	case err != nil || done:
		return out, fault.NotDone(err)
	case !c.cfg.AllowResize && !req.Call.Ordered:
		return out, errResize()
	case serverStatus(row.Status) != provider.StatusStopped:
		return out, fault.Precondition("the server must be stopped to get another size: stop it first")
	}
	return out, act(ctx, c, serviceVM, vmapi.NewResizeInstanceRequest(c.region, req.ID, to))
}

// resized is the instance type of a server in another size; done when it has it.
func (c *cloud) resized(ctx context.Context, row server, to kinds.InstanceSize) (name string, done bool, err error) {
	types, err := c.types(ctx)
	if err != nil {
		return "", false, err
	}
	w := wish{size: size{cpu: to.CPU, memoryMB: to.MemoryMB}, architecture: row.Architecture, zone: row.Az, family: c.cfg.MachineFamily}
	for _, t := range types {
		if t.InstanceType == row.InstanceType {
			w.family = t.Family + "."
			done = t.Cpu == to.CPU && t.MemoryMB == to.MemoryMB
		}
	}
	if done {
		return row.InstanceType, true, nil
	}
	t, err := choose(types, w)
	return t.InstanceType, false, err
}
