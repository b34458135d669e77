package main

import (
	"context"
	"strings"

	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// EIPSpec is what a customer chooses of an elastic address.
type EIPSpec struct{ kinds.EIPSpec }

// EIPState is what an elastic address is.
type EIPState struct{ kinds.EIPState }

type (
	eipRow  = vpc.ElasticIp
	address = provider.Thing[EIPState]
)

// addresses is the handler of the kind eip.
type addresses struct{ *plugin }

// The lines of addresses.
const (
	lineBGP   = "bgp"
	lineNoBGP = "no_bgp"
)

// The most bandwidth of an address, in Mbit/s.
const (
	mostBandwidth = 1000
	mostByTraffic = 200
)

func (s EIPSpec) line() string { return firstText(strings.ToLower(s.Line), lineBGP) }

// charge is the term of an address, which may also be paid by its traffic.
func (s EIPSpec) charge(t provider.Term) (*charge.ChargeSpec, error) {
	spec, err := chargeOf(t)
	switch {
	case err != nil:
		return nil, err
	case s.line() != lineBGP && s.line() != lineNoBGP:
		return nil, fault.Invalid("spec.line", "must be %q or %q", lineBGP, lineNoBGP)
	case s.PayMode != kinds.PayTraffic && s.Bandwidth > mostBandwidth:
		return nil, fault.Invalid("spec.bandwidth_mbps", "must be at most %d", mostBandwidth)
	case s.PayMode != kinds.PayTraffic:
		return spec, nil
	case *spec.ChargeMode == prepaid:
		return nil, fault.Invalid("spec.pay_mode", "traffic is paid by use: take the term postpay")
	case s.Bandwidth > mostByTraffic:
		return nil, fault.Invalid("spec.bandwidth_mbps", "must be at most %d when the traffic is paid", mostByTraffic)
	}
	mode := byUsage
	spec.ChargeMode = &mode
	return spec, nil
}

// Create allocates one address. The cloud has no client token for them; the
// purchase token is a tag.
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
	spec, err := req.Spec.charge(req.Term)
	if err != nil {
		return zero, err
	}
	made := func(id string) provider.Result[EIPState] {
		if row, err := c.eip(ctx, id); err == nil {
			return madeOrStarted(h.plugin, c, kinds.EIP, c.address(row))
		}
		return madeOrStarted(h.plugin, c, kinds.EIP, address{
			ID: id, Name: id, Region: c.region, Status: provider.StatusPending, Token: tag, Billing: billingOf(*spec.ChargeMode),
			State: EIPState{kinds.EIPState{Line: req.Spec.line(), Bandwidth: req.Spec.Bandwidth, PayMode: req.Spec.PayMode, ChargeType: *spec.ChargeMode}},
		})
	}
	key := tokenKey
	order := vpcapi.NewCreateElasticIpsRequest(c.region, 1, &vpc.ElasticIpSpec{
		BandwidthMbps: req.Spec.Bandwidth, Provider: req.Spec.line(), ChargeSpec: spec,
	})
	order.UserTags = []vpc.Tag{{Key: &key, Value: &tag}}
	order.ResourceGroupId = optional(c.cfg.ResourceGroup)
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.EIP, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.EIP, tag, buyer[EIPState]{
		find: func(ctx context.Context) (provider.TypedFound[EIPState], error) { return h.findCreated(ctx, c, find) },
		buy: func(ctx context.Context) (provider.Result[EIPState], string, error) {
			answer, err := write[vpcapi.CreateElasticIpsResult](ctx, c, serviceVPC, order)
			id, err := one(answer.ElasticIpIds, err)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
	})
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
	return c.eips(ctx, "", func(row eipRow) error { return yield(c.address(row)) })
}

// Delete releases an address, which must not be bound.
func (h addresses) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	return h.release(ctx, req, kinds.EIP, "address")
}

// FindByToken tells what became of a create, a renewal or a release.
func (h addresses) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[EIPState], error) {
	c, err := h.openIn(req.Call)
	switch {
	case err != nil:
		return provider.TypedFound[EIPState]{}, err
	case req.Change == provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case req.Change == provider.ChangeRelease:
		_, err := c.eip(ctx, req.ID)
		return released[EIPState](err)
	case req.Change == provider.ChangeRenew:
		return h.findRenewed(ctx, c, req)
	}
	return provider.TypedFound[EIPState]{}, fault.Unsupported("an address's %s leaves no trace of its token", req.Change)
}

func (h addresses) findRenewed(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[EIPState], error) {
	out := provider.TypedFound[EIPState]{}
	var err error
	if out.Done, out.Settled, err = h.findRenewal(ctx, c, req); err != nil || !out.Done {
		return out, err
	}
	row, err := c.eip(ctx, req.ID)
	if err != nil {
		return provider.TypedFound[EIPState]{}, err
	}
	out.Things = []address{c.address(row)}
	return out, nil
}

func (h addresses) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[EIPState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(address)) error {
		return c.eips(ctx, tag, func(row eipRow) error {
			if t := c.address(row); t.Token == tag {
				add(t)
			}
			return nil
		})
	})
}

// eips streams the addresses of the region, or those with a tag.
func (c *cloud) eips(ctx context.Context, tag string, yield func(eipRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]eipRow, int, error) {
		req := vpcapi.NewDescribeElasticIpsRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		if tag != "" {
			key := tokenKey
			req.Tags = []vpc.TagFilter{{Key: &key, Values: []string{tag}}}
		}
		answer, err := read[vpcapi.DescribeElasticIpsResult](ctx, c, serviceVPC, req)
		return answer.ElasticIps, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r eipRow) string { return r.ElasticIpId }, yield)
}

func (c *cloud) eip(ctx context.Context, id string) (eipRow, error) {
	if !goodID(id) {
		return eipRow{}, absent("address", id, false)
	}
	answer, err := read[vpcapi.DescribeElasticIpResult](ctx, c, serviceVPC, vpcapi.NewDescribeElasticIpRequest(c.region, id))
	switch {
	case err != nil:
		return eipRow{}, err
	case answer.ElasticIp.ElasticIpId != id:
		return eipRow{}, fault.NotFound("address", id)
	}
	return answer.ElasticIp, nil
}

// The words of an address's status, state and charge.
const (
	eipBound   = "ASSOCIATED"
	eipAtWork  = "PROCESSING"
	eipDown    = "DOWN"
	paidNormal = "normal"
)

func eipStatus(row eipRow) provider.Status {
	switch {
	case row.State == eipDown, row.Charge.ChargeStatus != "" && row.Charge.ChargeStatus != paidNormal:
		return provider.StatusFrozen
	case row.State == eipAtWork:
		return provider.StatusPending
	case row.Status == eipBound:
		return provider.StatusBound
	case row.Status == "NOT_ASSOCIATED":
		return provider.StatusFree
	}
	return provider.StatusUnknown
}

// address shows an elastic address in the contract's words. The cloud has no
// names for them, so it is called by what it is.
func (c *cloud) address(row eipRow) address {
	mode := kinds.PayBandwidth
	if row.Charge.ChargeMode == byUsage {
		mode = kinds.PayTraffic
	}
	out := address{
		ID: row.ElasticIpId, Name: row.ElasticIpAddress, Region: c.region, Status: eipStatus(row), RawStatus: row.Status + " " + row.State,
		Billing: billingOf(row.Charge.ChargeMode), Created: moment(row.CreatedTime), Expires: expires(row.Charge),
		State: EIPState{kinds.EIPState{
			IP: row.ElasticIpAddress, Line: row.Provider, Bandwidth: row.BandwidthMbps, PayMode: mode, ChargeType: row.Charge.ChargeMode,
			BoundTo: firstText(row.InstanceId, row.NetworkInterfaceId),
		}},
	}
	if row.InstanceId != "" {
		out.State.BoundType = firstText(row.InstanceType, boundServer)
	}
	if out.State.BoundType == boundServer {
		out.State.BoundType = kinds.Instance
	}
	out.Token = tagIn(row.Tags, tokenKey)
	return out
}

// tagIn is the value of a tag, "" for none.
func tagIn(all []vpc.Tag, key string) string {
	value := ""
	for _, t := range all {
		if t.Key != nil && t.Value != nil && *t.Key == key {
			value = *t.Value
		}
	}
	return value
}

// boundServer is how the cloud's network calls a server.
const boundServer = "compute"

// bind gives an address to a server; one that the server has is no mistake.
func (h addresses) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil || row.InstanceId == req.Input.InstanceID:
		return out, err
	case !goodID(req.Input.InstanceID):
		return out, fault.Invalid("input.instance_id", "is not an id of this cloud")
	}
	r := vmapi.NewAssociateElasticIpRequest(c.region, req.Input.InstanceID, req.ID)
	return out, act(ctx, c, serviceVM, r)
}

// unbind takes an address from whatever has it; a free one is no mistake.
func (h addresses) unbind(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil || row.Status != eipBound:
		return out, err
	case row.InstanceType == boundServer && goodID(row.InstanceId):
		return out, act(ctx, c, serviceVM, vmapi.NewDisassociateElasticIpRequest(c.region, row.InstanceId, req.ID))
	case !goodID(row.NetworkInterfaceId):
		return out, fault.Precondition("the address is bound to a %q, which this plugin cannot take it from", row.InstanceType)
	}
	r := vpcapi.NewDisassociateElasticIpRequest(c.region, row.NetworkInterfaceId)
	r.SetElasticIpId(req.ID)
	return out, act(ctx, c, serviceVPC, r)
}

// opened opens a call for an action on an address and reads it.
func (h addresses) opened(ctx context.Context, call provider.Call, id string) (*cloud, eipRow, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, eipRow{}, err
	}
	row, err := c.eip(ctx, id)
	return c, row, fault.NotDone(err)
}

// resize changes the bandwidth of an address.
func (h addresses) resize(ctx context.Context, req provider.TypedAction[kinds.BandwidthSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil || row.BandwidthMbps == req.Input.Bandwidth:
		return out, err
	case !c.cfg.AllowResize && !req.Call.Ordered:
		return out, errResize()
	}
	return out, act(ctx, c, serviceVPC, vpcapi.NewModifyElasticIpRequest(c.region, req.ID, req.Input.Bandwidth))
}

func eipKind(p *plugin) *provider.Kind {
	h := addresses{p}
	return provider.KindOf[EIPSpec, EIPState](kinds.EIP, "Elastic address", h, append(renewer{p, kinds.EIP}.actions(),
		provider.ActionOf(changes(kinds.ActionBind, "Bind"), h.bind),
		provider.ActionOf(changes(kinds.ActionUnbind, "Unbind"), h.unbind),
		provider.ActionOf(changes(kinds.ActionResize, "Another bandwidth"), h.resize),
	)...)
}
