package main

import (
	"context"
	"encoding/json"
	"net/netip"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// EIPSpec is what a customer chooses of an elastic address.
type EIPSpec struct {
	kinds.EIPSpec

	TestAccount string `json:"test_account,omitempty" title:"Test fund" doc:"Pays in place of the account; its name"`
}

// EIPState is what an elastic address is.
type EIPState struct {
	kinds.EIPState

	BandwidthID string `json:"bandwidth_id,omitempty" title:"Bandwidth" doc:"Its own, or the one that it shares"`
	Shared      bool   `json:"shared,omitempty" title:"Shares its bandwidth"`
	BoundIP     string `json:"bound_ip,omitempty" title:"Private address it is bound to"`
}

// eipRow is an elastic address as the cloud shows it.
type eipRow struct {
	ID          string `json:"Id"`
	IP          string
	Zone        string `json:"AvailableZoneCode"`
	Status      string
	Description string
	IsBind      bool
	Created     string `json:"CreateTime"`
	Bandwidth   struct {
		ID     string `json:"Id"`
		Name   string // of a shared one only
		Qos    loose
		Line   string `json:"BandwidthType"`
		Scheme string `json:"BillScheme"`
	} `json:"BandwidthInfo"`
	Bound map[string]loose `json:"BindResourceInfo"`
}

// boundNet and boundIP are where an address goes. In edge regions that is a
// gateway, whose words are not documented.
func (r eipRow) boundNet() string {
	return firstText(r.Bound["SubnetId"].text(), r.Bound["VirtualGateWayId"].text(), r.Bound["NetId"].text())
}

func (r eipRow) boundIP() string {
	return firstText(r.Bound["SubnetIP"].text(), r.Bound["VirtualGateWayIP"].text(), r.Bound["IP"].text())
}

type address = provider.Thing[EIPState]

// addresses is the handler of the kind eip.
type addresses struct{ shelf[EIPState] }

func eipKind(p *plugin) *provider.Kind {
	h := addresses{shelf[EIPState]{plugin: p, kind: kinds.EIP, walk: walkEIPs, detail: findBound, step: removeEIP}}
	p.shelves[kinds.EIP] = h
	return provider.KindOf[EIPSpec, EIPState](kinds.EIP, "Elastic address", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another bandwidth", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: "flow", Title: "Traffic by the minute"}, flowOf(p, h.bandwidthID)),
	)
}

// scheme is how bandwidth is paid, in the words of the vpc service. A shared
// one has a suffix.
func scheme(t term, payMode string) (string, error) {
	switch {
	case payMode == kinds.PayTraffic && t.method == payMonthly:
		return "", fault.Invalid("spec.pay_mode", "traffic is paid by use: take postpay")
	case payMode == kinds.PayTraffic:
		return "Traffic", nil
	case t.method == payMonthly:
		return "BandwIdthMonth", nil
	}
	return "BandwIdth", nil
}

// sharedSuffix ends the schemes of shared bandwidths.
const sharedSuffix = "_Shared"

// paid reads a scheme of the vpc service.
func paid(scheme string) (provider.BillingMethod, string) {
	switch scheme {
	case "BandwIdthMonth", "BandwIdthMonth" + sharedSuffix:
		return provider.BillingPrepaid, kinds.PayBandwidth
	case "Traffic", "Traffic" + sharedSuffix:
		return provider.BillingPostpay, kinds.PayTraffic
	case "":
		return "", ""
	}
	return provider.BillingPostpay, kinds.PayBandwidth
}

// eipZone is the zone that edge regions want of addresses; platform regions
// have none.
func (c *cloud) eipZone(ctx context.Context, spec string) (string, error) {
	if _, err := c.here(ctx); err != nil || c.cfg.platform(c.region) {
		return "", err
	}
	z, err := c.zoneOf(ctx, spec)
	return z.Code, err
}

// Create allocates one address.
func (h addresses) Create(ctx context.Context, req provider.TypedCreate[EIPSpec]) (provider.Result[EIPState], error) {
	var zero provider.Result[EIPState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	t, err := termOf(req.Term)
	if err != nil {
		return zero, err
	}
	bill, err := scheme(t, req.Spec.PayMode)
	if err != nil {
		return zero, err
	}
	zone, err := c.eipZone(ctx, req.Spec.Zone)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	fund, err := c.fundID(ctx, req.Spec.TestAccount)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	name, line := nameOf(req.Name, "eip"), firstText(req.Spec.Line, c.cfg.Line)
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (address, operation, error) {
		body := object{
			"RegionCode": c.region, "AvailableZoneCode": zone, "BandwidthType": line, "BillScheme": bill, "Qos": req.Spec.Bandwidth,
			"Size": 1, "Description": join(name, mark), "SubjectId": fund,
		}
		out, _, err := write[[]struct{ EIPId, IP string }](ctx, c, post(vpc, "CreateEIP", body))
		if err == nil && (len(out) == 0 || out[0].EIPId == "") {
			err = fault.Unknown(nil, "the cloud does not tell what it made").From(fault.SourceCloud)
		}
		if err != nil {
			return address{}, operation{}, err
		}
		return address{
			ID: out[0].EIPId, Name: name, Zone: zone, Status: provider.StatusPending, RawStatus: "creating", Billing: billingOf(t.method),
			State: EIPState{EIPState: kinds.EIPState{
				IP: out[0].IP, Line: line, Bandwidth: req.Spec.Bandwidth, PayMode: firstText(req.Spec.PayMode, kinds.PayBandwidth), ChargeType: bill,
			}},
		}, h.waiting(c, verbCreate, kinds.EIP, out[0].EIPId), nil
	})
}

// fundID is the number of a test fund, which the vpc service wants in place of
// its name; nil without one.
func (c *cloud) fundID(ctx context.Context, name string) (any, error) {
	if name == "" {
		return nil, nil
	}
	out, err := read[struct {
		SubjectList []struct {
			ID   json.Number `json:"Id"`
			Name string
		}
	}](ctx, c, post(subject, "DescribeSubjects", object{}))
	if err != nil {
		return nil, err
	}
	for _, f := range out.SubjectList {
		if f.Name == name {
			return f.ID, nil
		}
	}
	return nil, fault.Invalid("spec.test_account", "the account has no test fund %q", name)
}

// eips streams the addresses of the region. In edge regions the cloud wants to
// be asked zone by zone.
func (c *cloud) eips(ctx context.Context, keyword string, yield func(eipRow) error) error {
	zones, err := c.at(c.region, "").zoneCodes(ctx)
	if err != nil {
		return err
	}
	if c.cfg.platform(c.region) {
		zones = []zone{{}}
	}
	for _, z := range zones {
		out, err := read[struct{ EIPList []eipRow }](ctx, c, post(vpc, "DescribeEIP", object{
			"RegionCode": c.region, "AvailableZoneCode": z.Code, "Keyword": keyword,
		}))
		if err != nil {
			return err
		}
		for _, row := range out.EIPList {
			if err := yield(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// eip reads one address.
func (c *cloud) eip(ctx context.Context, id string) (eipRow, error) {
	var out *eipRow
	err := c.eips(ctx, id, func(row eipRow) error {
		if row.ID == id && id != "" {
			out = &row
		}
		return nil
	})
	switch {
	case err != nil:
		return eipRow{}, err
	case out == nil:
		return eipRow{}, fault.NotFound("address", id)
	}
	return *out, nil
}

// walkEIPs streams the addresses of the region.
func walkEIPs(ctx context.Context, c *cloud, id string, yield func(address) error) error {
	return c.eips(ctx, id, func(row eipRow) error { return yield(c.address(row)) })
}

// address shows an elastic address in the contract's words.
func (c *cloud) address(row eipRow) address {
	name, mark := split(row.Description)
	billing, mode := paid(row.Bandwidth.Scheme)
	out := address{
		ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: row.Zone, Status: netStatus(row.Status, row.IsBind), RawStatus: row.Status,
		Billing: billing, Created: moment(row.Created),
		State: EIPState{
			BandwidthID: row.Bandwidth.ID, Shared: row.Bandwidth.Name != "", BoundIP: row.boundIP(),
			EIPState: kinds.EIPState{
				IP: row.IP, Line: row.Bandwidth.Line, Bandwidth: row.Bandwidth.Qos.number(), PayMode: mode, ChargeType: row.Bandwidth.Scheme,
			},
		},
	}
	if row.IsBind {
		out.State.BoundTo, out.State.BoundType = row.boundNet(), "net"
	}
	return out
}

// findBound finds the server that an address is bound to: the cloud tells its
// network and private address only.
func findBound(ctx context.Context, c *cloud, t address) (address, error) {
	if t.State.BoundTo == "" {
		return t, nil
	}
	zones, err := c.zoneCodes(ctx)
	for _, z := range zones {
		err = c.serversIn(ctx, z, "", func(row serverRow) error {
			for _, e := range row.EipInfo {
				if e.EipIp == t.State.IP {
					t.State.BoundTo, t.State.BoundType = row.ID, kinds.Instance
				}
			}
			return nil
		})
		if err != nil {
			return t, err
		}
	}
	return t, err
}

// removeEIP deletes an address, which must not be bound.
func removeEIP(ctx context.Context, _ *plugin, c *cloud, t address) (bool, operation, error) {
	if moving(t.Status) {
		return false, operation{}, nil
	}
	if t.Status == provider.StatusBound {
		return false, operation{}, fault.Precondition("the address is bound: unbind it first")
	}
	_, _, err := write[loose](ctx, c, post(vpc, "DeleteEIP", object{"EIPId": t.ID}))
	return err == nil, operation{}, err
}

// spot is a private address in its net.
type spot struct{ net, ip string }

// spotOf is where an address is bound to reach a server: its private address
// in platform regions, one at a gateway in edge regions.
func (c *cloud) spotOf(ctx context.Context, serverID string) (spot, error) {
	d, err := c.describeServer(ctx, serverID)
	if err != nil {
		return spot{}, err
	}
	if c.cfg.platform(c.region) {
		return spot{d.Pipe.SubnetId, d.Pipe.PrivateNet}, nil
	}
	var out spot
	err = c.gateways(ctx, segmentFilter{vpc: d.Pipe.VpcId}, func(row gatewayRow) error {
		for _, text := range append([]string{d.Pipe.PubNet}, d.Pipe.VirtualNet...) {
			ip, ipErr := netip.ParseAddr(text)
			all, err := netip.ParsePrefix(row.CIDR)
			if out.net == "" && ipErr == nil && err == nil && all.Contains(ip) {
				out = spot{row.ID, text}
			}
		}
		return nil
	})
	if err == nil && out.net == "" {
		err = fault.Precondition("the server has no address at a gateway: order it with gateway_id")
	}
	return out, err
}

// bind gives an address to a server; one that the server has is no mistake.
func (h addresses) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	c, row, err := h.of(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	at, err := c.spotOf(ctx, req.Input.InstanceID)
	switch {
	case err != nil:
		return provider.ActionResult[none]{}, fault.NotDone(err)
	case row.IsBind && row.boundNet() == at.net && row.boundIP() == at.ip:
		return provider.ActionResult[none]{}, nil
	case row.IsBind:
		return provider.ActionResult[none]{}, fault.Precondition("the address is bound: unbind it first")
	}
	return h.change(ctx, c, "BindEIP", object{"EIPId": req.ID, "NetId": at.net, "IP": at.ip}, req.ID)
}

// of opens an action on an address and reads that.
func (h addresses) of(ctx context.Context, call provider.Call, id string) (*cloud, eipRow, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, eipRow{}, err
	}
	c = c.at(c.region, "")
	row, err := c.eip(ctx, id)
	return c, row, fault.NotDone(err)
}

// change sends a change of the vpc service and answers its task.
func (s shelf[State]) change(ctx context.Context, c *cloud, action string, body object, id string) (provider.ActionResult[none], error) {
	_, task, err := write[loose](ctx, c, post(vpc, action, body))
	if err != nil || task == "" {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{Operation: s.task(c, task, verbAct, s.kind, id).String()}, nil
}

// unbind takes an address from whatever has it; a free one is no mistake.
func (h addresses) unbind(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	c, row, err := h.of(ctx, req.Call, req.ID)
	if err != nil || !row.IsBind {
		return provider.ActionResult[none]{}, err
	}
	return h.change(ctx, c, "UnbindEIP", object{"EIPId": req.ID, "NetId": row.boundNet(), "IP": row.boundIP()}, req.ID)
}

// rename keeps the mark of the token behind the new name.
func (h addresses) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	if err := newName(req.Input.Name); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, row, err := h.of(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	_, mark := split(row.Description)
	return h.change(ctx, c, "UpdateEIP", object{"EIPId": req.ID, "Description": join(req.Input.Name, mark)}, req.ID)
}

// resize changes the bandwidth of an address that has its own.
func (h addresses) resize(ctx context.Context, req provider.TypedAction[kinds.BandwidthSize]) (provider.ActionResult[none], error) {
	if err := h.mayResize(req.Call); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, row, err := h.of(ctx, req.Call, req.ID)
	if err != nil || row.Bandwidth.Qos.number() == req.Input.Bandwidth {
		return provider.ActionResult[none]{}, err
	}
	return h.change(ctx, c, "UpdateEIP", object{"EIPId": req.ID, "Qos": req.Input.Bandwidth}, req.ID)
}

// mayResize refuses a change that costs money and that nobody is billed for.
func (p *plugin) mayResize(call provider.Call) error {
	c, err := p.openIn(call)
	if err == nil && !c.cfg.AllowResize && !call.Ordered {
		err = fault.Precondition("the cloud charges for this and nobody is billed for it here: set allow_resize in the account to accept that")
	}
	return err
}

// bandwidthID is what measures the traffic of an address.
func (h addresses) bandwidthID(ctx context.Context, c *cloud, id string) (string, error) {
	row, err := c.eip(ctx, id)
	return row.Bandwidth.ID, err
}
