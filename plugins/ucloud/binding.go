package main

import (
	"context"
	"slices"

	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

func groupKind(p *plugin) *provider.Kind {
	h := groups{p}
	return provider.KindOf[GroupSpec, GroupState](kinds.SecurityGroup, "Security group", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAddRule, Title: "Add a rule", Changes: true}, h.addRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRemoveRule, Title: "Remove a rule", Changes: true}, h.removeRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBindings, Title: "Bindings"}, h.bindings),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

// rewrite changes the rules of a firewall. The cloud takes only the whole list,
// so changes of one firewall take turns within this process; whoever changes
// it elsewhere at the same moment may win.
func (h groups) rewrite(ctx context.Context, c *cloud, id, path string, change func([]kinds.KeptRule) ([]kinds.Rule, error)) error {
	end, err := h.purchases.Take(ctx, c.endpoint+"\n"+c.cfg.PublicKey+"\nrules\n"+id)
	if err != nil {
		return err
	}
	defer end()
	row, err := c.firewall(ctx, id)
	if err != nil {
		return fault.NotDone(err)
	}
	have := rulesOf(row)
	next, err := change(have)
	if err != nil || next != nil && sameRules(have, next) {
		return err
	}
	texts, err := ruleTexts(next, path)
	if err != nil {
		return err
	}
	_, err = write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.UpdateFirewallResponse, error) {
		r := k.NewUpdateFirewallRequest()
		r.FWId, r.Rule = &id, texts
		return k.UpdateFirewall(r)
	})
	return err
}

// sameRules tells whether a firewall has exactly these rules, with their texts.
func sameRules(have []kinds.KeptRule, want []kinds.Rule) bool {
	return len(have) == len(want) && !slices.ContainsFunc(want, func(r kinds.Rule) bool {
		return !slices.ContainsFunc(have, func(k kinds.KeptRule) bool { return k.Rule.Filled() == asKept(r) })
	})
}

func plainRules(all []kinds.KeptRule) []kinds.Rule {
	out := make([]kinds.Rule, 0, len(all))
	for _, r := range all {
		out = append(out, r.Rule)
	}
	return out
}

// addRule adds a rule; one that is there already is no mistake.
func (h groups) addRule(ctx context.Context, req provider.TypedAction[kinds.Rule]) (provider.ActionResult[none], error) {
	if _, err := ruleText(req.Input, "input"); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, h.rewrite(ctx, c, req.ID, "rules", func(have []kinds.KeptRule) ([]kinds.Rule, error) {
		all := plainRules(have)
		if slices.ContainsFunc(all, asKept(req.Input).Same) {
			return all, nil
		}
		return append(all, req.Input), nil
	})
}

// removeRule removes a rule; one that is gone is no mistake.
func (h groups) removeRule(ctx context.Context, req provider.TypedAction[kinds.RuleRef]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, h.rewrite(ctx, c, req.ID, "rules", func(have []kinds.KeptRule) ([]kinds.Rule, error) {
		return plainRules(slices.DeleteFunc(have, func(r kinds.KeptRule) bool { return r.ID == req.Input.RuleID })), nil
	})
}

// bind puts a server behind the firewall, in the place of the one before.
func (h groups) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, c.grant(ctx, req.ID, req.Input.InstanceID)
}

func (c *cloud) grant(ctx context.Context, firewall, server string) error {
	_, err := write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.GrantFirewallResponse, error) {
		r := k.NewGrantFirewallRequest()
		r.FWId, r.ResourceType, r.ResourceId = &firewall, ucloud.String(hostType), &server
		return k.GrantFirewall(r)
	})
	return err
}

// unbind puts a server behind the cloud's recommended firewall instead: it
// cannot be without one. A server that is behind another is left there.
func (h groups) unbind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	behind, web := "", ""
	err = c.firewalls(ctx, firewallFilter{server: req.Input.InstanceID}, func(row firewallRow) error { behind = row.FWId; return nil })
	if err != nil || behind != req.ID {
		return out, err
	}
	err = c.firewalls(ctx, firewallFilter{}, func(row firewallRow) error {
		if row.Type == typeWeb {
			web = row.FWId
		}
		return nil
	})
	switch {
	case err != nil:
		return out, err
	case web == "":
		return out, fault.Precondition("the project has no recommended firewall to put the server behind: bind another")
	case web == req.ID:
		return out, fault.Precondition("a server is always behind a firewall, this one when no other is chosen: bind another")
	}
	return out, c.grant(ctx, web, req.Input.InstanceID)
}

// mostBindings bounds the answer of one action.
const mostBindings = 1000

// bindings are the resources behind a firewall.
func (h groups) bindings(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Bindings], error) {
	out := provider.ActionResult[kinds.Bindings]{Output: kinds.Bindings{Bindings: []kinds.Binding{}}}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	fetch := func(ctx context.Context, offset, limit int) ([]unet.ResourceSet, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.DescribeFirewallResourceResponse, error) {
			r := k.NewDescribeFirewallResourceRequest()
			r.FWId, r.Offset, r.Limit = &req.ID, &offset, &limit
			return k.DescribeFirewallResource(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.ResourceSet, answer.TotalCount, nil
	}
	all := &out.Output
	err = page.ByOffset(ctx, page.Options{Size: firewallPage}, fetch, func(r unet.ResourceSet) string { return r.ResourceType + " " + r.ResourceID },
		func(r unet.ResourceSet) error {
			if all.Total++; len(all.Bindings) < mostBindings {
				all.Bindings = append(all.Bindings, kinds.Binding{
					ResourceID: r.ResourceID, ResourceType: resourceType(r.ResourceType), Name: r.Name, PrivateIP: r.PrivateIP,
				})
			}
			return nil
		})
	return out, err
}

// resourceType is the cloud's word for a sort of resource as a kind, where
// there is one.
func resourceType(word string) string {
	if word == hostType {
		return kindInstance
	}
	return word
}

func (h groups) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name); err != nil {
		return out, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	return out, c.describeFirewall(ctx, req.ID, &req.Input.Name, nil)
}

// goodName refuses a name that the cloud would not take.
func goodName(name string) error {
	if !label.MatchString(name) {
		return fault.Invalid("input.name", "must be letters, digits, dashes, underscores, dots or Chinese characters")
	}
	return nil
}
