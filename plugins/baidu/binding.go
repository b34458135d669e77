package main

import (
	"context"
	"slices"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

func groupKind(p *plugin) *provider.Kind {
	h := groups{p}
	return provider.KindOf[kinds.SecurityGroupSpec, kinds.SecurityGroupState](kinds.SecurityGroup, "Security group", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAddRule, Title: "Add a rule", Changes: true}, h.addRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRemoveRule, Title: "Remove a rule", Changes: true}, h.removeRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBindings, Title: "Bindings"}, h.bindings),
	)
}

// ruleTurn lets changes of one group's rules go one after another.
func (h groups) ruleTurn(ctx context.Context, c *cloud, id string) (func(), error) {
	return h.turns.Take(ctx, c.owner()+"\nrules\n"+c.region+"\n"+id)
}

// rewrite makes the rules of a group those that are given.
func (h groups) rewrite(ctx context.Context, c *cloud, id string, all []kinds.Rule) error {
	rows, err := wireRules(all, "spec.rules")
	if err != nil {
		return err
	}
	end, err := h.ruleTurn(ctx, c, id)
	if err != nil {
		return err
	}
	defer end()
	have, err := c.group(ctx, id)
	if err != nil {
		return fault.NotDone(err)
	}
	for _, row := range rows {
		if slices.ContainsFunc(have.Rules, sameRule(row)) {
			continue
		}
		if err := c.authorize(ctx, id, row); err != nil {
			return err
		}
	}
	for _, row := range have.Rules {
		if slices.ContainsFunc(rows, sameRule(row)) {
			continue
		}
		if err := c.revoke(ctx, id, row); err != nil {
			return err
		}
	}
	return nil
}

// sameRule compares rules by what they let through.
func sameRule(a ruleRow) func(ruleRow) bool {
	return func(b ruleRow) bool { return keptRule(a).Same(keptRule(b).Rule) }
}

func (c *cloud) authorize(ctx context.Context, id string, row ruleRow) error {
	return writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return api.AuthorizeSecurityGroupRule(k, id, &api.AuthorizeSecurityGroupArgs{Rule: &row})
	})
}

// revoke takes a rule away, which the cloud wants told as it showed it.
func (c *cloud) revoke(ctx context.Context, id string, row ruleRow) error {
	row.SecurityGroupRuleId, row.SecurityGroupId, row.Remark = "", "", ""
	return goneIsDone(writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return api.RevokeSecurityGroupRule(k, id, &api.RevokeSecurityGroupArgs{Rule: &row})
	}))
}

// addRule adds a rule; one that is there already is no mistake.
func (h groups) addRule(ctx context.Context, req provider.TypedAction[kinds.Rule]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	row, err := wireRule(req.Input, "input")
	if err != nil {
		return out, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	end, err := h.ruleTurn(ctx, c, req.ID)
	if err != nil {
		return out, err
	}
	defer end()
	have, err := c.group(ctx, req.ID)
	if err != nil || slices.ContainsFunc(have.Rules, sameRule(row)) {
		return out, fault.NotDone(err)
	}
	return out, c.authorize(ctx, req.ID, row)
}

// removeRule removes a rule; one that is gone is no mistake.
func (h groups) removeRule(ctx context.Context, req provider.TypedAction[kinds.RuleRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	end, err := h.ruleTurn(ctx, c, req.ID)
	if err != nil {
		return out, err
	}
	defer end()
	have, err := c.group(ctx, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	for _, row := range have.Rules {
		if keptRule(row).ID == req.Input.RuleID {
			return out, c.revoke(ctx, req.ID, row)
		}
	}
	return out, nil
}

// bind puts a server into the group; one that is in it is no mistake.
func (h groups) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	return h.member(ctx, req, true)
}

// unbind takes a server out of the group; one that is not in it is no mistake.
func (h groups) unbind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	return h.member(ctx, req, false)
}

func (h groups) member(ctx context.Context, req provider.TypedAction[kinds.InstanceRef], in bool) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if err := idOf("security group", req.ID); err != nil {
		return out, err
	}
	row, err := c.instance(ctx, req.Input.InstanceID)
	if err != nil || slices.Contains(row.NicInfo.SecurityGroups, req.ID) == in {
		return out, fault.NotDone(err)
	}
	if !in && len(row.NicInfo.SecurityGroups) == 1 {
		return out, fault.Precondition("a server is always in a security group: bind another first")
	}
	return out, writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		if in {
			return server(k).BindSecurityGroup(row.InstanceId, req.ID)
		}
		return server(k).UnBindSecurityGroup(row.InstanceId, req.ID)
	})
}

// mostBindings bounds the answer of one action.
const mostBindings = 1000

// bindings are the servers in a group.
func (h groups) bindings(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Bindings], error) {
	out := provider.ActionResult[kinds.Bindings]{Output: kinds.Bindings{Bindings: []kinds.Binding{}}}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := c.group(ctx, req.ID); err != nil {
		return out, err
	}
	fetch := func(ctx context.Context, marker string, limit int) ([]instanceRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListInstanceResult, error) {
			return api.ListInstances(k, &api.ListInstanceArgs{Marker: marker, MaxKeys: limit, SecurityGroupIds: req.ID})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Instances, following(answer.IsTruncated, answer.NextMarker), nil
	}
	all := &out.Output
	err = page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r instanceRow) string { return r.InstanceId }, func(r instanceRow) error {
		if all.Total++; len(all.Bindings) < mostBindings {
			all.Bindings = append(all.Bindings, kinds.Binding{
				ResourceID: r.InstanceId, ResourceType: kinds.Instance, Name: r.InstanceName, Zone: r.ZoneName, PrivateIP: r.InternalIP,
			})
		}
		return nil
	})
	return out, err
}
