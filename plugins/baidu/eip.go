package main

import (
	"context"

	"github.com/baidubce/bce-sdk-go/bce"
	eipapi "github.com/baidubce/bce-sdk-go/services/eip"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

type (
	eipRow  = eipapi.EipModel
	address = provider.Thing[kinds.EIPState]
)

// addresses is the handler of the kind eip. An address is known by the cloud's
// id, not by the address itself, which the cloud gives to somebody else once it
// is released.
type addresses struct{ *plugin }

// line is the only line that is sold.
const line = "BGP"

// Words of the cloud for addresses.
const (
	byBandwidth = "ByBandwidth"
	byTraffic   = "ByTraffic"
	serverType  = "BCC"

	addressFree  = "available"
	addressBound = "binded"
)

// addressOf is the SDK's client for addresses.
func addressOf(k *bce.BceClient) *eipapi.Client { return &eipapi.Client{BceClient: k} }

// addressBilling is how an address is paid: prepaid ones by their bandwidth,
// others by the hour with their bandwidth, or by their traffic.
func addressBilling(t provider.Term, mode string) (*eipapi.Billing, lease, error) {
	l, err := leaseOf(t)
	if err != nil {
		return nil, l, err
	}
	out := &eipapi.Billing{PaymentTiming: l.payment, BillingMethod: byBandwidth}
	if mode == kinds.PayTraffic {
		if l.months > 0 {
			return nil, l, fault.Invalid("spec.pay_mode", "must be %s: what is prepaid has a fixed bandwidth", kinds.PayBandwidth)
		}
		out.BillingMethod = byTraffic
	}
	if l.months > 0 {
		out.Reservation = &eipapi.Reservation{ReservationLength: l.months, ReservationTimeUnit: unit}
	}
	return out, l, nil
}

// Create buys one address. Its tag is the purchase token.
func (h addresses) Create(ctx context.Context, req provider.TypedCreate[kinds.EIPSpec]) (provider.Result[kinds.EIPState], error) {
	var zero provider.Result[kinds.EIPState]
	c, tag, err := h.free(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	paid, _, err := addressBilling(req.Term, req.Spec.PayMode)
	if err != nil {
		return zero, err
	}
	if req.Spec.Line != "" && req.Spec.Line != line {
		return zero, fault.Invalid("spec.line", "must be %s or empty", line)
	}
	args := &eipapi.CreateEipArgs{
		Name: nameOf(req.Name, tag), BandWidthInMbps: req.Spec.Bandwidth, Billing: paid, Tags: tags(tag),
		ClientToken: clientToken(req.Token, kinds.EIP, "create", c.region),
	}
	return buyOnce(ctx, buyer[kinds.EIPState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.EIPState], error) {
			return h.findCreated(ctx, c, createOf(req.Call, kinds.EIP, req.Token))
		},
		buy: func(ctx context.Context) (address, error) { return c.buyAddress(ctx, args) },
	})
}

// buyAddress buys an address and reads its id, which the cloud's answer leaves
// out: one that it does not show yet is found by its token later.
func (c *cloud) buyAddress(ctx context.Context, args *eipapi.CreateEipArgs) (address, error) {
	answer, err := write(ctx, c, elastic, func(k *bce.BceClient) (*eipapi.CreateEipResult, error) { return addressOf(k).CreateEip(args) })
	if err != nil {
		return address{}, err
	}
	var out *address
	err = c.eips(ctx, eipFilter{ip: answer.Eip}, func(row eipRow) error {
		if row.Eip == answer.Eip && row.EipId != "" {
			t := c.address(row)
			out = &t
		}
		return nil
	})
	if err != nil || out == nil {
		return address{}, fault.Unknown(err, "the cloud made the address and does not show it yet").From(fault.SourceCloud)
	}
	return *out, nil
}

// Get reads one address.
func (h addresses) Get(ctx context.Context, req provider.GetRequest) (address, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return address{}, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil {
		return address{}, err
	}
	return c.address(row), nil
}

// List streams the addresses of the call's region.
func (h addresses) List(ctx context.Context, req provider.ListRequest, yield func(address) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.eips(ctx, eipFilter{}, func(row eipRow) error { return yield(c.address(row)) })
}

// Delete releases an address, which must not be bound.
func (h addresses) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return h.release(ctx, c, opFree, req.ID)
}

// freeStep takes the one step that an address's state allows on its way out.
func (c *cloud) freeStep(ctx context.Context, o operation) (lent, error) {
	row, err := c.eip(ctx, o.id)
	switch {
	case err != nil:
		return lent{}, err
	case row.InstanceId != "":
		return lent{}, fault.Precondition("the address is bound to %q: unbind it first", row.InstanceId)
	}
	token := clientToken(o.String(), kinds.EIP, "release", o.id)
	return lent{
		id: row.EipId, payment: row.PaymentTiming, expires: moment(row.ExpireTime),
		giveBack: func(ctx context.Context) error {
			return writeDone(ctx, c, elastic, func(k *bce.BceClient) error { return addressOf(k).RefundEip(row.Eip, token) })
		},
		remove: func(ctx context.Context) error {
			return writeDone(ctx, c, elastic, func(k *bce.BceClient) error { return addressOf(k).DeleteEip(row.Eip, token) })
		},
	}, nil
}

// FindByToken tells what became of a change.
func (h addresses) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.EIPState], error) {
	if req.Change == provider.ChangeRenew {
		done, settled, err := h.findRenewal(ctx, req)
		return provider.TypedFound[kinds.EIPState]{Done: done, Settled: settled}, err
	}
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.eip(ctx, id)
		return err
	})
}

// findCreated walks all addresses: the cloud does not search them by tag.
func (h addresses) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.EIPState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(address)) error {
		return c.eips(ctx, eipFilter{}, func(row eipRow) error {
			if tokenIn(row.Tags) == tag {
				add(c.address(row))
			}
			return nil
		})
	})
}

// eipFilter narrows a list of addresses.
type eipFilter struct{ id, ip, server string }

// eips streams the addresses of the region.
func (c *cloud) eips(ctx context.Context, f eipFilter, yield func(eipRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]eipRow, string, error) {
		answer, err := read(ctx, c, elastic, func(k *bce.BceClient) (*eipapi.ListEipResult, error) {
			args := &eipapi.ListEipArgs{Marker: marker, MaxKeys: limit, Eip: f.ip, InstanceId: f.server}
			if f.id != "" {
				args.EipIds = []string{f.id}
			}
			if f.server != "" {
				args.InstanceType = serverType
			}
			return addressOf(k).ListEip(args)
		})
		if err != nil {
			return nil, "", err
		}
		return answer.EipList, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r eipRow) string { return r.EipId }, yield)
}

func (c *cloud) eip(ctx context.Context, id string) (eipRow, error) {
	return oneRow("address", id, func(yield func(eipRow) error) error { return c.eips(ctx, eipFilter{id: id}, yield) },
		func(r eipRow) string { return r.EipId })
}

// addressStatus is an address's state in shared words.
func addressStatus(state string) provider.Status {
	switch state {
	case addressFree:
		return provider.StatusFree
	case addressBound:
		return provider.StatusBound
	case "paused":
		return provider.StatusFrozen
	case "creating", "binding", "unbinding", "updating":
		return provider.StatusPending
	}
	return provider.StatusUnknown
}

// address shows an elastic address in the contract's words.
func (c *cloud) address(row eipRow) address {
	mode := kinds.PayBandwidth
	if row.BillingMethod == byTraffic {
		mode = kinds.PayTraffic
	}
	out := address{
		ID: row.EipId, Name: row.Name, Region: c.region, Status: addressStatus(row.Status), RawStatus: row.Status,
		Token: tokenIn(row.Tags), Billing: billingOf(row.PaymentTiming), Created: moment(row.CreateTime), Expires: moment(row.ExpireTime),
		State: kinds.EIPState{
			IP: row.Eip, Line: firstText(row.RouteType, line), Bandwidth: row.BandWidthInMbps, PayMode: mode, ChargeType: row.PaymentTiming,
			BoundTo: row.InstanceId, BoundType: row.InstanceType,
		},
	}
	if row.InstanceType == serverType {
		out.State.BoundType = "instance"
	}
	return out
}
