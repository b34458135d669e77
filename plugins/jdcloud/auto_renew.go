package main

import (
	"context"
	"strings"

	renewalapi "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/apis"
	renewal "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// renewer lets the cloud renew the resources of a kind by itself. It charges the
// account for that, and the broker learns of it from the bill alone.
type renewer struct {
	*plugin
	kind string
}

// actions are what a kind that is prepaid offers.
func (r renewer) actions() []provider.Action {
	return []provider.Action{
		provider.ActionOf(changes(kinds.ActionAutoRenew, "Renew by itself"), r.on),
		provider.ActionOf(changes(kinds.ActionStopAutoRenew, "Do not renew by itself"), r.off),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRenewalRule, Title: "Renewal rule"}, r.get),
	}
}

// open reads a prepaid resource.
func (r renewer) open(ctx context.Context, call provider.Call, id string) (*cloud, lease, error) {
	c, err := r.openIn(call)
	if err != nil {
		return nil, lease{}, err
	}
	now, err := c.lease(ctx, r.kind, id)
	if err == nil && now.charge.ChargeMode != prepaid {
		err = fault.Precondition("a resource paid by use goes on by itself and cannot be renewed")
	}
	return c, now, err
}

func (r renewer) on(ctx context.Context, req provider.TypedAction[kinds.RenewalPeriod]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if req.Input.Period == string(provider.PeriodYear) && req.Input.Periods > 3 {
		return out, fault.Invalid("input.periods", "must be at most 3 years")
	}
	c, now, err := r.open(ctx, req.Call, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	if !c.cfg.AllowRules {
		return out, fault.Precondition("the cloud charges for what it renews by itself and nobody is billed for it here: set allow_auto_renew in the account to accept that")
	}
	unit := strings.ToUpper(req.Input.Period)
	return out, c.setRenewal(ctx, renewal.SetRenewalParam{
		ServiceCode: now.service, InstanceIds: req.ID, AutoRenewStatus: "OPEN", TimeSpan: &req.Input.Periods, TimeUnit: &unit,
	})
}

func (r renewer) off(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, now, err := r.open(ctx, req.Call, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	return out, c.setRenewal(ctx, renewal.SetRenewalParam{ServiceCode: now.service, InstanceIds: req.ID, AutoRenewStatus: "CLOSE"})
}

// setRenewal says what shall be, so a repeat is no mistake.
func (c *cloud) setRenewal(ctx context.Context, p renewal.SetRenewalParam) error {
	p.AppCode = c.cfg.AppCode
	req := renewalapi.NewSetRenewalRequestWithoutParam()
	req.SetRegionId(c.region)
	req.SetSetRenewalParam(&p)
	return act(ctx, c, serviceRenewal, req)
}

func (r renewer) get(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.RenewalRule], error) {
	var out provider.ActionResult[kinds.RenewalRule]
	c, now, err := r.open(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	q := renewalapi.NewQueryInstanceRequestWithoutParam()
	q.SetRegionId(c.region)
	q.SetQueryInstanceParam(&renewal.QueryInstanceParam{AppCode: c.cfg.AppCode, ServiceCode: now.service, InstanceId: &req.ID})
	answer, err := read[struct {
		Rows []struct {
			ResourceID string `json:"resourceId"`
			Status     string `json:"autoRenewStatus"`
		} `json:"listQueries"`
	}](ctx, c, serviceRenewal, q)
	if err != nil {
		return out, err
	}
	for _, row := range answer.Rows {
		if row.ResourceID == req.ID {
			out.Output.Set = row.Status == "AUTO"
			return out, nil
		}
	}
	return out, fault.Unavailable("the cloud does not list the resource among those that can be renewed").From(fault.SourceCloud)
}
