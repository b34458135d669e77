package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/ubill"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// renewer lets the cloud renew the resources of a kind by itself. It charges the
// account for that, and the broker learns of it from the bill alone.
type renewer struct {
	*plugin
	// charge reads how a resource is paid.
	charge func(ctx context.Context, c *cloud, id string) (string, error)
}

// actions are what a kind that is prepaid offers.
func (r renewer) actions() []provider.Action {
	return []provider.Action{
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAutoRenew, Title: "Renew by itself", Changes: true}, r.on),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStopAutoRenew, Title: "Do not renew by itself", Changes: true}, r.off),
	}
}

// open reads how a prepaid resource is paid.
func (r renewer) open(ctx context.Context, call provider.Call, id string) (*cloud, string, error) {
	c, err := r.openIn(call)
	if err != nil {
		return nil, "", err
	}
	c = c.at(c.region, "")
	charge, err := r.charge(ctx, c, id)
	if err == nil && charge != chargeMonth && charge != chargeYear {
		err = fault.Precondition("a resource paid by %q goes on by itself and cannot be renewed", charge)
	}
	return c, charge, fault.NotDone(err)
}

func (r renewer) on(ctx context.Context, req provider.TypedAction[kinds.RenewalPeriod]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, charge, err := r.open(ctx, req.Call, req.ID)
	switch {
	case err != nil:
		return out, err
	case !c.cfg.AllowRules:
		return out, fault.Precondition("the cloud charges for what it renews by itself and nobody is billed for it here: set allow_auto_renew in the account to accept that")
	case req.Input.Periods != 1:
		return out, fault.Invalid("input.periods", "must be 1: the cloud renews by one period of the sort that was bought")
	case req.Input.Period == string(provider.PeriodMonth) && charge != chargeMonth, req.Input.Period == string(provider.PeriodYear) && charge != chargeYear:
		return out, fault.Invalid("input.period", "the resource is paid by %q and is renewed in that unit only", charge)
	}
	return out, c.autoRenew(ctx, req.ID, "TURN_ON")
}

func (r renewer) off(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	c, _, err := r.open(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, c.autoRenew(ctx, req.ID, "TURN_OFF")
}

// autoRenew says what shall be, so a repeat is no mistake. What is refused stands
// inside a good answer.
func (c *cloud) autoRenew(ctx context.Context, id, flag string) error {
	answer, err := write(ctx, c, ubill.NewClient, func(k *ubill.UBillClient) (*ubill.ModifyAutoRenewFlagResponse, error) {
		r := k.NewModifyAutoRenewFlagRequest()
		r.ResourceId, r.Flag = &id, &flag
		return k.ModifyAutoRenewFlag(r)
	})
	if err == nil && answer.Fail > 0 {
		err = fault.Precondition("the cloud does not renew this resource by itself").From(fault.SourceCloud)
	}
	return err
}

func serverCharge(ctx context.Context, c *cloud, id string) (string, error) {
	row, err := c.host(ctx, id)
	return row.ChargeType, err
}

func addressCharge(ctx context.Context, c *cloud, id string) (string, error) {
	row, err := c.eip(ctx, id)
	return row.ChargeType, err
}

// rule reads whether a server is renewed; of addresses the cloud does not
// tell.
func (h instances) rule(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.RenewalRule], error) {
	var out provider.ActionResult[kinds.RenewalRule]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.at(c.region, "").host(ctx, req.ID)
	out.Output.Set = row.AutoRenew == "Yes"
	return out, err
}
