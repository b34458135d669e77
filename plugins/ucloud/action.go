package main

import (
	"context"

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
	return provider.KindOf[InstanceSpec, InstanceState](kindInstance, "Server", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStart, Title: "Start", Changes: true}, h.start),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStop, Title: "Stop", Changes: true}, h.stop),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionReboot, Title: "Reboot", Changes: true}, h.reboot),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResetPassword, Title: "Set password", Changes: true}, h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionConsole, Title: "Console"}, h.console),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

func eipKind(p *plugin) *provider.Kind {
	h := addresses{p}
	return provider.KindOf[EIPSpec, EIPState](kindEIP, "Elastic address", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
	)
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

func (h instances) start(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.StartUHostInstanceResponse, error) {
		r := k.NewStartUHostInstanceRequest()
		r.UHostId = &req.ID
		return k.StartUHostInstance(r)
	})
}

func (h instances) stop(ctx context.Context, req provider.TypedAction[kinds.StopInput]) (provider.ActionResult[none], error) {
	if req.Input.Force {
		return act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.PoweroffUHostInstanceResponse, error) {
			r := k.NewPoweroffUHostInstanceRequest()
			r.UHostId = &req.ID
			return k.PoweroffUHostInstance(r)
		})
	}
	return act(ctx, h.plugin, req, uhost.NewClient, func(k hostClient) (*uhost.StopUHostInstanceResponse, error) {
		r := k.NewStopUHostInstanceRequest()
		r.UHostId = &req.ID
		return k.StopUHostInstance(r)
	})
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
	if !label.MatchString(req.Input.Name) {
		return provider.ActionResult[none]{}, fault.Invalid("input.name", "must be letters, digits, dashes, underscores, dots or Chinese characters")
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

func (h addresses) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
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
