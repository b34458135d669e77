package main

import (
	"context"

	"github.com/baidubce/bce-sdk-go/bce"
	eipapi "github.com/baidubce/bce-sdk-go/services/eip"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func eipKind(p *plugin) *provider.Kind {
	h := addresses{p}
	return provider.KindOf[kinds.EIPSpec, kinds.EIPState](kinds.EIP, "Elastic address", h, append(renewer{p, addressThings}.actions(),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another bandwidth", Changes: true}, h.resize),
	)...)
}

// bind gives an address to a server; one that the server has is no mistake.
func (h addresses) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil || row.InstanceId == req.Input.InstanceID {
		return out, fault.NotDone(err)
	}
	return out, writeDone(ctx, c, elastic, func(k *bce.BceClient) error {
		return addressOf(k).BindEip(row.Eip, &eipapi.BindEipArgs{InstanceType: serverType, InstanceId: req.Input.InstanceID})
	})
}

// unbind takes an address from whatever has it; a free one is no mistake.
func (h addresses) unbind(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil || row.InstanceId == "" {
		return out, fault.NotDone(err)
	}
	return out, c.unbindAddress(ctx, row)
}

func (c *cloud) unbindAddress(ctx context.Context, row eipRow) error {
	return writeDone(ctx, c, elastic, func(k *bce.BceClient) error { return addressOf(k).UnBindEip(row.Eip, "") })
}

// mayResize opens a call for a change of size. The cloud charges for it at once.
// The broker bills it as part of an order, and nobody for an action, so that needs
// the account's leave.
func (p *plugin) mayResize(ctx context.Context, call provider.Call) (*cloud, error) {
	c, err := p.openIn(ctx, call)
	switch {
	case err != nil:
		return nil, err
	case !c.cfg.AllowResize && !call.Ordered:
		return nil, fault.Precondition("the cloud charges for another size and nobody is billed for it here: set allow_resize in the account to accept that")
	}
	return c, nil
}

// resize changes the bandwidth of an address.
func (h addresses) resize(ctx context.Context, req provider.TypedAction[kinds.BandwidthSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.mayResize(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil || row.BandWidthInMbps == req.Input.Bandwidth {
		return out, fault.NotDone(err)
	}
	return out, writeDone(ctx, c, elastic, func(k *bce.BceClient) error {
		return addressOf(k).ResizeEip(row.Eip, &eipapi.ResizeEipArgs{
			NewBandWidthInMbps: req.Input.Bandwidth, ClientToken: clientToken(req.Token, kinds.EIP, "resize", req.ID),
		})
	})
}
