package main

import (
	"context"
	"strconv"

	"github.com/ucloud/ucloud-sdk-go/services/udisk"
	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/services/unet"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// A resize is charged by the cloud at once. The broker bills it when it is part
// of an order, and nobody for an action, so that needs the account's leave. It
// says what the size shall be, not by how much it grows, so that a repeat after a
// lost answer finds it done.

// mayResize opens a call for a resize.
func (p *plugin) mayResize(call provider.Call) (*cloud, error) {
	c, err := p.openIn(call)
	switch {
	case err != nil:
		return nil, err
	case !c.cfg.AllowResize && !call.Ordered:
		return nil, fault.Precondition("the cloud charges for another size and nobody is billed for it here: set allow_resize in the account to accept that")
	}
	return c.at(c.region, ""), nil
}

// resize makes a server larger or smaller; it must be stopped.
func (h instances) resize(ctx context.Context, req provider.TypedAction[kinds.InstanceSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.mayResize(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.host(ctx, req.ID)
	if err != nil || row.CPU == req.Input.CPU && row.Memory == req.Input.MemoryMB {
		return out, err
	}
	_, err = write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.ResizeUHostInstanceResponse, error) {
		r := k.NewResizeUHostInstanceRequest()
		r.UHostId, r.CPU, r.Memory = &req.ID, &req.Input.CPU, &req.Input.MemoryMB
		return k.ResizeUHostInstance(r)
	})
	if hasCode(err, codeNotStopped, codeWrongState) {
		e := fault.As(err)
		return out, fault.Precondition("the server must be stopped to get another size: stop it first").Cloud(e.CloudCode, e.RequestID)
	}
	return out, err
}

// resize changes the bandwidth of an address.
func (h addresses) resize(ctx context.Context, req provider.TypedAction[kinds.BandwidthSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.mayResize(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil || row.Bandwidth == req.Input.Bandwidth {
		return out, err
	}
	_, err = write(ctx, c, unet.NewClient, func(k netClient) (*unet.ModifyEIPBandwidthResponse, error) {
		r := k.NewModifyEIPBandwidthRequest()
		r.EIPId, r.Bandwidth = &req.ID, &req.Input.Bandwidth
		return k.ModifyEIPBandwidth(r)
	})
	return out, err
}

// resize enlarges a disk.
func (h disks) resize(ctx context.Context, req provider.TypedAction[kinds.DiskSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.mayResize(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.disk(ctx, req.ID)
	switch {
	case err != nil || row.Size == req.Input.SizeGB:
		return out, err
	case req.Input.SizeGB < row.Size:
		return out, fault.Invalid("input.size_gb", "must be more than %d: disks only grow", row.Size)
	}
	_, err = write(ctx, c.at(c.region, row.Zone), udisk.NewClient, func(k diskClient) (*udisk.ResizeUDiskResponse, error) {
		r := k.NewResizeUDiskRequest()
		r.UDiskId, r.Size = &req.ID, &req.Input.SizeGB
		return k.ResizeUDisk(r)
	})
	return out, err
}

// rename gives an address another name.
func (h addresses) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	if err := goodName(req.Input.Name); err != nil {
		return provider.ActionResult[none]{}, err
	}
	return act(ctx, h.plugin, req, unet.NewClient, func(k netClient) (*unet.UpdateEIPAttributeResponse, error) {
		r := k.NewUpdateEIPAttributeRequest()
		r.EIPId, r.Name = &req.ID, &req.Input.Name
		return k.UpdateEIPAttribute(r)
	})
}

// quoteInstanceResize prices the rest of the term in another size; less than
// nothing comes back.
func (c *cloud) quoteInstanceResize(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	size, err := specOf[kinds.InstanceSize](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	answer, err := read(ctx, c.at(c.region, ""), uhost.NewClient, func(k hostClient) (*uhost.GetUHostUpgradePriceResponse, error) {
		r := k.NewGetUHostUpgradePriceRequest()
		r.UHostId, r.CPU, r.Memory = &req.ResourceID, &size.CPU, &size.MemoryMB
		return k.GetUHostUpgradePrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	return quoteOf([]price{{
		list: strconv.FormatFloat(answer.OriginalPrice, 'f', 2, 64), net: strconv.FormatFloat(answer.Price, 'f', 2, 64),
	}}, "", 1)
}

// quoteDisk prices one disk. Of all prices of the cloud, these come in fen, and
// what is called original is what the account pays.
func (c *cloud) quoteDisk(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[DiskSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	charge, quantity, err := chargeOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	word := diskWord(s.Type)
	answer, err := read(ctx, c.at(c.region, firstText(c.zone, s.Zone)), udisk.NewClient, func(k diskClient) (*udisk.DescribeUDiskPriceResponse, error) {
		r := k.NewDescribeUDiskPriceRequest()
		r.Size, r.DiskType, r.ChargeType, r.Quantity = &s.SizeGB, &word, &charge, &quantity
		return k.DescribeUDiskPrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	rows := make([]price, 0, len(answer.DataSet))
	for _, row := range answer.DataSet {
		list := row.ListPrice
		if list == 0 {
			list = row.OriginalPrice
		}
		rows = append(rows, price{charge: row.ChargeType, list: string(yuan(int64(list))), net: string(yuan(int64(row.Price)))})
	}
	return quoteOf(rows, charge, max(req.Term.Quantity, 1))
}

// quoteFree prices what the cloud charges nothing for.
func quoteFree() provider.Quote { return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"} }
