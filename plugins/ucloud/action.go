package main

import (
	"context"
	"slices"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

func instanceKind(p *plugin) *provider.Kind {
	h := instances{p}
	return provider.KindOf[InstanceSpec, InstanceState](kindInstance, "Server", h, append(renewer{p, serverCharge}.actions(),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRenewalRule, Title: "Renewal rule"}, h.rule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStart, Title: "Start", Changes: true}, h.start),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStop, Title: "Stop", Changes: true}, h.stop),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionReboot, Title: "Reboot", Changes: true}, h.reboot),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResetPassword, Title: "Set password", Changes: true}, h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionConsole, Title: "Console"}, h.console),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another size", Changes: true}, h.resize),
	)...)
}

func eipKind(p *plugin) *provider.Kind {
	h := addresses{p}
	return provider.KindOf[EIPSpec, EIPState](kindEIP, "Elastic address", h, append(renewer{p, addressCharge}.actions(),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another bandwidth", Changes: true}, h.resize),
	)...)
}

// act opens the account for an action and sends its one request.
func act[In any, C sdkClient, A sdkAnswer](
	ctx context.Context, p *plugin, req provider.TypedAction[In], newClient maker[C], send func(C) (A, error),
) (provider.ActionResult[none], error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	_, err = write(ctx, c.at(c.region, ""), newClient, send)
	return provider.ActionResult[none]{}, err
}

// start, like stop, is done when the cloud refuses it and the server is there
// already: a repeat after a lost answer is no mistake.
func (h instances) start(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	out, err := act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.StartUHostInstanceResponse, error) {
		r := k.NewStartUHostInstanceRequest()
		r.UHostId = &req.ID
		return k.StartUHostInstance(r)
	})
	return out, h.unlessAt(ctx, err, req.Call, req.ID, provider.StatusStarting, provider.StatusRunning)
}

// unlessAt is err, or nil when it says that the server's power state is wrong
// and the state is one of those.
func (h instances) unlessAt(ctx context.Context, err error, call provider.Call, id string, states ...provider.Status) error {
	if !hasCode(err, codeWrongState) {
		return err
	}
	c, openErr := h.openIn(call)
	if openErr != nil {
		return err
	}
	row, readErr := c.at(c.region, "").host(ctx, id)
	if readErr != nil || !slices.Contains(states, hostStatus(row.State)) {
		return err
	}
	return nil
}

func (h instances) stop(ctx context.Context, req provider.TypedAction[kinds.StopInput]) (provider.ActionResult[none], error) {
	if req.Input.Force {
		out, err := act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.PoweroffUHostInstanceResponse, error) {
			r := k.NewPoweroffUHostInstanceRequest()
			r.UHostId = &req.ID
			return k.PoweroffUHostInstance(r)
		})
		return out, h.unlessAt(ctx, err, req.Call, req.ID, provider.StatusStopped)
	}
	out, err := act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.StopUHostInstanceResponse, error) {
		r := k.NewStopUHostInstanceRequest()
		r.UHostId = &req.ID
		return k.StopUHostInstance(r)
	})
	return out, h.unlessAt(ctx, err, req.Call, req.ID, provider.StatusStopping, provider.StatusStopped)
}

func (h instances) reboot(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.RebootUHostInstanceResponse, error) {
		r := k.NewRebootUHostInstanceRequest()
		r.UHostId = &req.ID
		return k.RebootUHostInstance(r)
	})
}

// resetPassword gives the plain password to the SDK, which encodes it.
func (h instances) resetPassword(ctx context.Context, req provider.TypedAction[kinds.PasswordInput]) (provider.ActionResult[none], error) {
	out := provider.ActionResult[none]{}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	c = c.at(c.region, "").hiding(req.Input.Password)
	_, err = write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.ResetUHostInstancePasswordResponse, error) {
		r := k.NewResetUHostInstancePasswordRequest()
		r.UHostId, r.Password = &req.ID, ucloud.String(req.Input.Password.Reveal())
		return k.ResetUHostInstancePassword(r)
	})
	if hasCode(err, codeNotStopped, codeWrongState) {
		e := fault.As(err)
		return out, fault.Precondition("the server must be stopped to set a password: stop it first").Cloud(e.CloudCode, e.RequestID)
	}
	return out, err
}

func (h instances) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	if err := goodName(req.Input.Name); err != nil {
		return provider.ActionResult[none]{}, err
	}
	return act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.ModifyUHostInstanceNameResponse, error) {
		r := k.NewModifyUHostInstanceNameRequest()
		r.UHostId, r.Name = &req.ID, &req.Input.Name
		return k.ModifyUHostInstanceName(r)
	})
}

// console is a pure read, so it is asked again when that helps.
func (h instances) console(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Console], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[kinds.Console]{}, err
	}
	answer, err := read(ctx, c.at(c.region, ""), uhost.NewClient, func(k hostClient) (*uhost.GetUHostInstanceVncInfoResponse, error) {
		r := k.NewGetUHostInstanceVncInfoRequest()
		r.UHostId = &req.ID
		return k.GetUHostInstanceVncInfo(r)
	})
	if err != nil {
		return provider.ActionResult[kinds.Console]{}, err
	}
	return provider.ActionResult[kinds.Console]{Output: kinds.Console{
		Protocol: "vnc", Host: answer.VncIP, Port: answer.VncPort, Password: answer.VncPassword,
	}}, nil
}

// hostType is how the cloud's network calls a server.
const hostType = "uhost"

// bind gives an address to a server; one that the server has is no mistake.
func (h addresses) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil || firstText(row.Resource.ResourceID, row.Resource.ResourceId) == req.Input.InstanceID {
		return provider.ActionResult[none]{}, err
	}
	return act(ctx, h.plugin, req, unet.NewClient, func(k netClient) (*unet.BindEIPResponse, error) {
		r := k.NewBindEIPRequest()
		r.EIPId, r.ResourceType, r.ResourceId = &req.ID, ucloud.String(hostType), &req.Input.InstanceID
		return k.BindEIP(r)
	})
}

// unbind takes an address from whatever has it; a free one is no mistake.
func (h addresses) unbind(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	id := firstText(row.Resource.ResourceID, row.Resource.ResourceId)
	if id == "" {
		return provider.ActionResult[none]{}, nil
	}
	kind := firstText(row.Resource.ResourceType, hostType)
	return act(ctx, h.plugin, req, unet.NewClient, func(k netClient) (*unet.UnBindEIPResponse, error) {
		r := k.NewUnBindEIPRequest()
		r.EIPId, r.ResourceType, r.ResourceId = &req.ID, &kind, &id
		return k.UnBindEIP(r)
	})
}
