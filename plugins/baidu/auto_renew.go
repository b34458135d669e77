package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// A renewal rule makes the cloud prolong a prepaid resource before it ends, by
// itself and again and again. The cloud documents a call that makes one and none
// that ends one. It charges the account for what a rule does, and the broker
// learns of it from the bill alone, so rules need the account's leave.

// The cloud's words for the products that have rules here.
const (
	productServer  = "BCC"
	productDisk    = "CDS"
	productAddress = "EIP"
)

// CustomerRuleInput names the resource of a customer too.
type CustomerRuleInput struct {
	kinds.RenewalPeriod

	Service    string `json:"service" required:"true" pattern:"^[A-Z]{2,16}$" title:"Product" doc:"The cloud's word, like BCC"`
	Region     string `json:"region" required:"true" pattern:"^[a-z0-9-]{1,32}$" title:"Region"`
	ResourceID string `json:"resource_id" required:"true" min:"1" max:"64" title:"Resource"`
}

// same tells whether the rule is the one that is asked for.
func same(r kinds.RenewalRule, in kinds.RenewalPeriod) bool {
	return r.Set && r.Period == in.Period && r.Periods == in.Periods
}

// ruleText is a rule in words; "" is none.
func ruleText(r kinds.RenewalRule) string {
	if !r.Set {
		return ""
	}
	return strconv.Itoa(r.Periods) + " " + r.Period
}

// offered refuses what the cloud does not offer.
func offered(in kinds.RenewalPeriod) error {
	if in.Period == string(provider.PeriodYear) && in.Periods > 3 {
		return fault.Invalid("input.periods", "must be at most 3 years")
	}
	return nil
}

// renewableRow is a prepaid resource as the list of what can be renewed has it.
type renewableRow struct {
	ServiceType     string `json:"serviceType"`
	Region          string `json:"region"`
	ShortID         string `json:"shortId"`
	InstanceID      string `json:"instanceId"`
	ExpireTime      string `json:"expireTime"`
	AlreadyRenewSet bool   `json:"alreadyRenewSet"`
	RenewTimeUnit   string `json:"renewTimeUnit"`
	RenewTime       int    `json:"renewTime"`
	NextRenewTime   string `json:"nextRenewTime"`
}

func (r renewableRow) rule() kinds.RenewalRule {
	if !r.AlreadyRenewSet {
		return kinds.RenewalRule{}
	}
	return kinds.RenewalRule{Set: true, Period: strings.ToLower(r.RenewTimeUnit), Periods: r.RenewTime, Next: r.NextRenewTime}
}

// prepaidThing is a resource by which a rule is made.
type prepaidThing struct{ product, region, id string }

// renewable streams what the account, or the customer that it stands for, has
// prepaid of a product, or one thing of it.
func (c *cloud) renewable(ctx context.Context, t prepaidThing, yield func(renewableRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]renewableRow, int, error) {
		body := map[string]any{"serviceType": t.product, "pageNo": offset/limit + 1, "pageSize": limit}
		if account := c.cfg.customer(); account != "" {
			body["queryAccountId"] = account
		}
		if t.region != "" {
			body["region"] = t.region
		}
		if t.id != "" {
			body["shortOrInstanceIds"] = []string{t.id}
		}
		answer, err := read(ctx, c, billing, raw[struct {
			TotalCount int            `json:"totalCount"`
			Resources  []renewableRow `json:"resources"`
		}](call{method: http.MethodPost, path: "/v1/renew/resource/list", body: body}))
		return answer.Resources, answer.TotalCount, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r renewableRow) string { return r.InstanceID + r.ShortID }, yield)
}

// ruleOf reads the rule of a thing; one that the cloud does not list is not
// prepaid, or not there.
func (c *cloud) ruleOf(ctx context.Context, t prepaidThing) (kinds.RenewalRule, error) {
	var out *kinds.RenewalRule
	err := c.renewable(ctx, t, func(r renewableRow) error {
		if t.id == r.ShortID || t.id == r.InstanceID {
			rule := r.rule()
			out = &rule
		}
		return nil
	})
	if err == nil && out == nil {
		err = fault.Precondition("the cloud renews what is prepaid alone, and does not list %q as such", t.id)
	}
	if err != nil {
		return kinds.RenewalRule{}, err
	}
	return *out, nil
}

// setRule makes the cloud renew a thing by itself, unless it does so already, and
// looks whether it took the rule: what a second rule does to a first one is not
// documented.
func (c *cloud) setRule(ctx context.Context, t prepaidThing, in kinds.RenewalPeriod) error {
	has, err := c.ruleOf(ctx, t)
	if err != nil || same(has, in) {
		return fault.NotDone(err)
	}
	body := map[string]any{
		"serviceType": t.product, "region": t.region, "instanceId": t.id, "renewTime": in.Periods, "renewTimeUnit": in.Period,
	}
	if account := c.cfg.customer(); account != "" {
		body["accountId"] = account
	}
	if _, err := write(ctx, c, billing, raw[done](call{method: http.MethodPost, path: "/v1/renew/resource/rule/create", body: body})); err != nil {
		return err
	}
	has, err = c.ruleOf(ctx, t)
	if err != nil || same(has, in) {
		return nil //nolint:nilerr // the cloud accepted the rule; how it is now can be asked later
	}
	return fault.Precondition("the resource keeps the rule that it had: change it at the cloud's own console").From(fault.SourceCloud)
}

// mayRenew refuses rules without the account's leave.
func (c *cloud) mayRenew() error {
	if c.cfg.AllowRules {
		return nil
	}
	return fault.Precondition("the cloud charges for what a rule renews and nobody is billed for it here: set allow_auto_renew in the account to accept that")
}

// renewer is the rules of a kind's resources: things are what a resource and its
// rule are at the cloud, itself first.
type renewer struct {
	*plugin
	things func(ctx context.Context, c *cloud, id string) ([]prepaidThing, error)
}

// actions are what a kind with rules offers.
func (r renewer) actions() []provider.Action {
	return []provider.Action{
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAutoRenew, Title: "Renew by itself", Changes: true}, r.set),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRenewalRule, Title: "Renewal rule"}, r.get),
	}
}

// of finds what the rules of a resource are about.
func (r renewer) of(ctx context.Context, call provider.Call, id string) (*cloud, []prepaidThing, error) {
	c, err := r.openIn(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	things, err := r.things(ctx, c, id)
	return c.own(), things, err
}

func (r renewer) set(ctx context.Context, req provider.TypedAction[kinds.RenewalPeriod]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := offered(req.Input); err != nil {
		return out, err
	}
	c, things, err := r.of(ctx, req.Call, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	if err := c.mayRenew(); err != nil {
		return out, err
	}
	for _, t := range things {
		if err := c.setRule(ctx, t, req.Input); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r renewer) get(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.RenewalRule], error) {
	var out provider.ActionResult[kinds.RenewalRule]
	c, things, err := r.of(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	out.Output, err = c.ruleOf(ctx, things[0])
	return out, err
}

// serverThings are a server and the prepaid disks that came with it: the cloud
// renews each by a rule of its own.
func serverThings(ctx context.Context, c *cloud, id string) ([]prepaidThing, error) {
	if _, err := c.instance(ctx, id); err != nil {
		return nil, err
	}
	out := []prepaidThing{{productServer, c.region, id}}
	err := c.disks(ctx, diskFilter{server: id}, func(row diskRow) error {
		if attachedTo(row) == id && billingOf(row.PaymentTiming) == provider.BillingPrepaid && tokenIn(row.Tags) == "" {
			out = append(out, prepaidThing{productDisk, c.region, row.Id})
		}
		return nil
	})
	return out, err
}

func addressThings(ctx context.Context, c *cloud, id string) ([]prepaidThing, error) {
	_, err := c.eip(ctx, id)
	return []prepaidThing{{productAddress, c.region, id}}, err
}

// autoRenew makes a rule for something that a customer has.
func (h customers) autoRenew(ctx context.Context, req provider.TypedAction[CustomerRuleInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := offered(req.Input.RenewalPeriod); err != nil {
		return out, err
	}
	if !slices.Contains(rentable(), req.Input.Service) {
		return out, fault.Invalid("input.service", "must be one of %s", strings.Join(rentable(), ", "))
	}
	c, err := h.open(req.Call)
	if err != nil {
		return out, err
	}
	if err := c.mayRenew(); err != nil {
		return out, err
	}
	row, err := c.customer(ctx, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	return out, c.of(row).setRule(ctx, prepaidThing{req.Input.Service, req.Input.Region, req.Input.ResourceID}, req.Input.RenewalPeriod)
}
