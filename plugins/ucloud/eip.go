package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// EIPSpec is what a customer chooses of an elastic address.
type EIPSpec struct{ kinds.EIPSpec }

// EIPState is what an elastic address is.
type EIPState struct{ kinds.EIPState }

type (
	eipRow    = unet.UnetEIPSet
	address   = provider.Thing[EIPState]
	netClient = *unet.UNetClient
)

// addresses is the handler of the kind eip.
type addresses struct{ *plugin }

// eipCharge is chargeOf for addresses, which are not sold by use.
func eipCharge(t provider.Term) (string, int, error) {
	charge, quantity, err := chargeOf(t)
	if err == nil && charge == chargePostpay {
		return "", 0, fault.Invalid("term.billing", "addresses are sold prepaid only")
	}
	return charge, quantity, err
}

// Create allocates one address. Its tag and its remark are the purchase token.
func (h addresses) Create(ctx context.Context, req provider.TypedCreate[EIPSpec]) (provider.Result[EIPState], error) {
	var zero provider.Result[EIPState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	tag, err := tagOf(req.Token)
	if err != nil {
		return zero, err
	}
	charge, quantity, err := eipCharge(req.Term)
	if err != nil {
		return zero, err
	}
	if req.Term.Quantity > 1 {
		return zero, fault.Invalid("term.quantity", "must be 1: one token buys one address")
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kindEIP, Change: provider.ChangeCreate}
	ordered := address{
		Name: nameOf(req.Name, tag), Region: c.region, Status: provider.StatusFree, RawStatus: "free", Token: tag, Billing: billingOf(charge),
		State: EIPState{kinds.EIPState{
			Line: firstText(req.Spec.Line, lineOf(c.region)), Bandwidth: req.Spec.Bandwidth, PayMode: req.Spec.PayMode, ChargeType: charge,
		}},
	}
	return buyOnce(ctx, h.plugin, c, kindEIP, tag, buyer[EIPState]{
		find: func(ctx context.Context) (provider.TypedFound[EIPState], error) { return h.findCreated(ctx, c, find) },
		buy: func(ctx context.Context) (provider.Result[EIPState], string, error) {
			made, err := c.buyEIP(ctx, ordered, quantity)
			if err != nil {
				return zero, "", err
			}
			return provider.Done(h.bought(ctx, c, made, ordered)), made.EIPId, nil
		},
		hidden: func(id string) provider.Result[EIPState] {
			return provider.Done(h.bought(ctx, c, unet.UnetAllocateEIPSet{EIPId: id}, ordered))
		},
	})
}

// buyEIP allocates one address.
func (c *cloud) buyEIP(ctx context.Context, a address, quantity int) (unet.UnetAllocateEIPSet, error) {
	answer, err := write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.AllocateEIPResponse, error) {
		r := k.NewAllocateEIPRequest()
		r.OperatorName, r.Bandwidth, r.PayMode = &a.State.Line, &a.State.Bandwidth, optional(a.State.PayMode)
		r.ChargeType, r.Quantity, r.Count = &a.State.ChargeType, &quantity, ucloud.Int(1)
		r.Name, r.Tag, r.Remark = &a.Name, &a.Token, &a.Token
		return k.AllocateEIP(r)
	})
	if err != nil {
		return unet.UnetAllocateEIPSet{}, err
	}
	if len(answer.EIPSet) == 0 {
		return unet.UnetAllocateEIPSet{}, fault.New(fault.ClassOutOfStock, "the cloud has no such address left").Cloud("", answer.GetRequestUUID())
	}
	return answer.EIPSet[0], nil
}

// bought is the new address as the cloud shows it or, when it does not show it
// yet, as it was ordered.
func (h addresses) bought(ctx context.Context, c *cloud, made unet.UnetAllocateEIPSet, ordered address) address {
	if row, err := c.eip(ctx, made.EIPId); err == nil {
		return c.address(row)
	}
	ordered.ID = made.EIPId
	if len(made.EIPAddr) > 0 {
		ordered.State.IP = made.EIPAddr[0].IP
	}
	return ordered
}

// Get reads one address.
func (h addresses) Get(ctx context.Context, req provider.GetRequest) (address, error) {
	c, err := h.openIn(req.Call)
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
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.eips(ctx, nil, func(row eipRow) error { return yield(c.address(row)) })
}

// Delete releases an address, which must not be bound.
func (h addresses) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	_, err = write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.ReleaseEIPResponse, error) {
		r := k.NewReleaseEIPRequest()
		r.EIPId = &req.ID
		return k.ReleaseEIP(r)
	})
	return provider.Started{}, goneIsDone(err)
}

// FindByToken tells what became of a change.
func (h addresses) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[EIPState], error) {
	var out provider.TypedFound[EIPState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case provider.ChangeRenew:
		out.Done, out.Settled, err = h.renewal(ctx, c, req)
		return out, err
	case provider.ChangeRelease:
		_, err := c.eip(ctx, req.ID)
		return released[EIPState](err)
	}
	return out, fault.Unsupported("an address's %s leaves no trace of its token", req.Change)
}

// findCreated walks all addresses: the cloud does not search them by tag.
func (h addresses) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[EIPState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(address)) error {
		return c.eips(ctx, nil, func(row eipRow) error {
			if row.Tag == tag || plainRemark(row.Remark) == tag {
				add(c.address(row))
			}
			return nil
		})
	})
}

// eips streams the addresses of the region, or those with the ids.
func (c *cloud) eips(ctx context.Context, ids []string, yield func(eipRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]eipRow, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.DescribeEIPResponse, error) {
			r := k.NewDescribeEIPRequest()
			r.EIPIds, r.Offset, r.Limit = ids, &offset, &limit
			return k.DescribeEIP(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.EIPSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r eipRow) string { return r.EIPId }, yield)
}

func (c *cloud) eip(ctx context.Context, id string) (eipRow, error) {
	return pick("address", id, func(r eipRow) string { return r.EIPId }, func(yield func(eipRow) error) error {
		return c.eips(ctx, []string{id}, yield)
	})
}

// address shows an elastic address in the contract's words.
func (c *cloud) address(row eipRow) address {
	out := address{
		ID: row.EIPId, Name: row.Name, Region: c.region, Status: eipStatus(row.Status), RawStatus: row.Status,
		Token: tokenOf(row.Tag), Billing: billingOf(row.ChargeType), Created: moment(row.CreateTime), Expires: moment(row.ExpireTime),
		State: EIPState{kinds.EIPState{
			Line: eipLine(row), Bandwidth: row.Bandwidth, PayMode: row.PayMode, ChargeType: row.ChargeType,
			BoundTo: firstText(row.Resource.ResourceID, row.Resource.ResourceId), BoundType: row.Resource.ResourceType,
		}},
	}
	if len(row.EIPAddr) > 0 {
		out.State.IP = row.EIPAddr[0].IP
	}
	return out
}

func eipLine(row eipRow) string {
	if len(row.EIPAddr) == 0 {
		return ""
	}
	return row.EIPAddr[0].OperatorName
}

func (c *cloud) remarkEIP(ctx context.Context, id, text string) error {
	_, err := write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.UpdateEIPAttributeResponse, error) {
		r := k.NewUpdateEIPAttributeRequest()
		r.EIPId, r.Remark = &id, &text
		return k.UpdateEIPAttribute(r)
	})
	return err
}
