package main

import (
	"context"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// BandwidthSpec is what a customer chooses of a bandwidth that addresses share.
type BandwidthSpec struct {
	kinds.BandwidthSpec

	GatewayID   string `json:"gateway_id,omitempty" title:"Virtual gateway" doc:"Of edge regions; empty is the first one in the zone with this line"`
	TestAccount string `json:"test_account,omitempty" title:"Test fund" doc:"Pays in place of the account; its name"`
}

// BandwidthState is what a shared bandwidth is.
type BandwidthState struct {
	kinds.BandwidthState

	ChargeType string `json:"charge_type,omitempty" title:"Charge type" doc:"The cloud's word"`
}

// LeaveInput takes an address out of a shared bandwidth: it gets one of its
// own, which the cloud charges for.
type LeaveInput struct {
	kinds.EIPRef

	Bandwidth int    `json:"bandwidth_mbps,omitempty" min:"1" max:"10000" default:"1" title:"Its own bandwidth in Mbit/s"`
	PayMode   string `json:"pay_mode,omitempty" enum:"Bandwidth,Traffic" default:"Bandwidth" title:"What is paid for"`
}

// bandwidthRow is a shared bandwidth as the cloud shows it.
type bandwidthRow struct {
	ID      string `json:"Id"`
	Name    string
	Qos     loose
	Zone    string `json:"AvailableZoneCode"`
	Line    string `json:"BandwidthType"`
	Scheme  string `json:"BillScheme"`
	Status  string
	Created string `json:"CreateTime"`
}

type bandwidth = provider.Thing[BandwidthState]

// bandwidths is the handler of the kind bandwidth.
type bandwidths struct{ shelf[BandwidthState] }

func bandwidthKind(p *plugin) *provider.Kind {
	h := bandwidths{shelf[BandwidthState]{plugin: p, kind: kinds.Bandwidth, walk: walkBandwidths, detail: findSharing, step: removeBandwidth}}
	p.shelves[kinds.Bandwidth] = h
	return provider.KindOf[BandwidthSpec, BandwidthState](kinds.Bandwidth, "Shared bandwidth", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAddEIP, Title: "Add an address", Changes: true}, h.add),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRemoveEIP, Title: "Take an address out", Changes: true}, h.take),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another bandwidth", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: "flow", Title: "Traffic by the minute"}, flowOf(p, sameID)),
	)
}

func sameID(_ context.Context, _ *cloud, id string) (string, error) { return id, nil }

// gatewayFor is the gateway that a shared bandwidth of an edge region belongs to.
func (c *cloud) gatewayFor(ctx context.Context, s BandwidthSpec, zone, line string) (string, error) {
	if s.GatewayID != "" || c.cfg.platform(c.region) {
		return s.GatewayID, nil
	}
	names, err := c.lineNames(ctx, zone)
	if err != nil {
		return "", err
	}
	out := ""
	err = c.at(c.region, zone).gateways(ctx, segmentFilter{}, func(row gatewayRow) error {
		if out == "" && row.Status == statusOK && (row.Line == line || row.Line == names[line]) {
			out = row.ID
		}
		return nil
	})
	if err == nil && out == "" {
		err = fault.Invalid("spec.gateway_id", "is required: the zone has no gateway with the line %q that is ready", line)
	}
	return out, err
}

// Create makes one shared bandwidth.
func (h bandwidths) Create(ctx context.Context, req provider.TypedCreate[BandwidthSpec]) (provider.Result[BandwidthState], error) {
	var zero provider.Result[BandwidthState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	body, err := c.bandwidthOrder(ctx, req, join(nameOf(req.Name, "bandwidth"), mark))
	if err != nil {
		return zero, fault.NotDone(err)
	}
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (bandwidth, operation, error) {
		out, _, err := write[[]struct{ BandwidthId string }](ctx, c, post(vpc, "CreateBandwidth", body))
		if err == nil && (len(out) == 0 || out[0].BandwidthId == "") {
			err = fault.Unknown(nil, "the cloud does not tell what it made").From(fault.SourceCloud)
		}
		if err != nil {
			return bandwidth{}, operation{}, err
		}
		t := c.bandwidth(bandwidthRow{ID: out[0].BandwidthId, Status: "creating"})
		t.Name = nameOf(req.Name, "bandwidth")
		t.State.Bandwidth = req.Spec.Bandwidth
		return t, h.waiting(c, verbCreate, kinds.Bandwidth, t.ID), nil
	})
}

// bandwidthOrder is an order in the cloud's words.
func (c *cloud) bandwidthOrder(ctx context.Context, req provider.TypedCreate[BandwidthSpec], name string) (object, error) {
	t, err := termOf(req.Term)
	if err != nil {
		return nil, err
	}
	bill, err := scheme(t, req.Spec.PayMode)
	if err != nil {
		return nil, err
	}
	z, err := c.zoneOf(ctx, req.Spec.Zone)
	if err != nil {
		return nil, err
	}
	line := firstText(req.Spec.Line, c.cfg.Line)
	net, err := c.gatewayFor(ctx, req.Spec, z.Code, line)
	if err != nil {
		return nil, err
	}
	fund, err := c.fundID(ctx, req.Spec.TestAccount)
	return object{
		"RegionCode": c.region, "AvailableZoneCode": z.Code, "Name": name, "BandwidthType": line, "BillScheme": bill + sharedSuffix,
		"Qos": req.Spec.Bandwidth, "NETID": net, "SubjectId": fund,
	}, err
}

// walkBandwidths streams the shared bandwidths of the region.
func walkBandwidths(ctx context.Context, c *cloud, id string, yield func(bandwidth) error) error {
	if _, err := c.here(ctx); err != nil {
		return err
	}
	out, err := read[struct{ BandwidthList []bandwidthRow }](ctx, c, post(vpc, "DescribeBandwidth", object{"RegionCode": c.region, "Keyword": id}))
	if err != nil {
		return err
	}
	for _, row := range out.BandwidthList {
		if err := yield(c.bandwidth(row)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) bandwidth(row bandwidthRow) bandwidth {
	name, mark := split(row.Name)
	billing, mode := paid(row.Scheme)
	return bandwidth{
		ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: row.Zone, Status: netStatus(row.Status, false), RawStatus: row.Status,
		Billing: billing, Created: moment(row.Created),
		State: BandwidthState{ChargeType: row.Scheme, BandwidthState: kinds.BandwidthState{
			Line: row.Line, Bandwidth: row.Qos.number(), PayMode: mode,
		}},
	}
}

// findSharing finds the addresses that share a bandwidth.
func findSharing(ctx context.Context, c *cloud, t bandwidth) (bandwidth, error) {
	err := c.eips(ctx, "", func(row eipRow) error {
		if row.Bandwidth.ID == t.ID {
			t.State.EIPIDs = append(t.State.EIPIDs, row.ID)
		}
		return nil
	})
	if len(t.State.EIPIDs) > 0 && t.Status == provider.StatusFree {
		t.Status = provider.StatusBound
	}
	return t, err
}

// removeBandwidth deletes a shared bandwidth that no address uses.
func removeBandwidth(ctx context.Context, _ *plugin, c *cloud, t bandwidth) (bool, operation, error) {
	if moving(t.Status) {
		return false, operation{}, nil
	}
	_, _, err := write[loose](ctx, c, post(vpc, "DeleteBandwidth", object{"BandwidthId": t.ID}))
	return err == nil, operation{}, err
}

// of opens an action on a bandwidth and an address; shares tells whether the
// address has it.
func (h bandwidths) of(ctx context.Context, call provider.Call, id, eipID string) (c *cloud, row eipRow, shares bool, err error) {
	if c, err = h.openIn(call); err != nil {
		return nil, eipRow{}, false, err
	}
	c = c.at(c.region, "")
	row, err = c.eip(ctx, eipID)
	return c, row, row.Bandwidth.ID == id, fault.NotDone(err)
}

// add lets an address share the bandwidth; one that does is no mistake.
func (h bandwidths) add(ctx context.Context, req provider.TypedAction[kinds.EIPRef]) (provider.ActionResult[none], error) {
	c, _, shares, err := h.of(ctx, req.Call, req.ID, req.Input.EIPID)
	if err != nil || shares {
		return provider.ActionResult[none]{}, err
	}
	return h.change(ctx, c, "BandwidthAddEIP", object{"BandwidthId": req.ID, "EIPIdList": []string{req.Input.EIPID}}, req.ID)
}

// take gives an address bandwidth of its own again; one that does not share is
// no mistake.
func (h bandwidths) take(ctx context.Context, req provider.TypedAction[LeaveInput]) (provider.ActionResult[none], error) {
	if err := h.mayResize(req.Call); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, row, shares, err := h.of(ctx, req.Call, req.ID, req.Input.EIPID)
	if err != nil || !shares {
		return provider.ActionResult[none]{}, err
	}
	bill, err := scheme(term{method: payDemand}, req.Input.PayMode)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	if strings.HasPrefix(row.Bandwidth.Scheme, "BandwIdthMonth") && bill == "BandwIdth" {
		bill = "BandwIdthMonth"
	}
	return h.change(ctx, c, "BandwidthRemoveEIP", object{
		"EIPIdList": []string{req.Input.EIPID}, "Delete": false, "RegionCode": c.region, "AvailableZoneCode": row.Zone,
		"BandwidthType": row.Bandwidth.Line, "BillScheme": bill, "Qos": max(req.Input.Bandwidth, 1),
	}, req.ID)
}

// resize makes the bandwidth larger or smaller.
func (h bandwidths) resize(ctx context.Context, req provider.TypedAction[kinds.BandwidthSize]) (provider.ActionResult[none], error) {
	if err := h.mayResize(req.Call); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	t, err := h.one(ctx, c.at(c.region, ""), req.ID)
	if err != nil || t.State.Bandwidth == req.Input.Bandwidth {
		return provider.ActionResult[none]{}, fault.NotDone(err)
	}
	return h.change(ctx, c, "UpdateBandwidth", object{"BandwidthId": req.ID, "Qos": req.Input.Bandwidth}, req.ID)
}
