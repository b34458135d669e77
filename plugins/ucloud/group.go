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

// A security group is what the cloud calls a firewall. A server has exactly
// one; the cloud's recommended one stands in where none was chosen.

type (
	firewallRow = unet.FirewallDataSet
	group       = provider.Thing[GroupState]
)

// GroupSpec is what a customer chooses of a security group.
type GroupSpec struct{ kinds.SecurityGroupSpec }

// GroupState is what a security group is.
type GroupState struct{ kinds.SecurityGroupState }

// groups is the handler of the kind security_group.
type groups struct{ *plugin }

// firewallPage is how many firewalls are asked for at once.
const firewallPage = 100

// typeWeb and typeNotWeb mark the firewalls that are the cloud's own.
const (
	typeWeb    = "recommend web"
	typeNotWeb = "recommend non web"
)

func (s GroupSpec) check() error {
	if s.VPCID != "" {
		return fault.Invalid("spec.vpc_id", "must be empty: firewalls of this cloud belong to no VPC")
	}
	return nil
}

// Create makes one firewall. Its tag is the token.
func (h groups) Create(ctx context.Context, req provider.TypedCreate[GroupSpec]) (provider.Result[GroupState], error) {
	var zero provider.Result[GroupState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if err := req.Spec.check(); err != nil {
		return zero, err
	}
	rules, err := ruleTexts(req.Spec.Rules, "spec.rules")
	if err != nil {
		return zero, err
	}
	name := nameOf(req.Name, tag)
	made := func(id string) provider.Result[GroupState] {
		t := group{ID: id, Name: name, Region: c.region, Status: provider.StatusFree, Token: tag, State: GroupState{kinds.SecurityGroupState{Rules: []kinds.KeptRule{}}}}
		if row, err := c.firewall(ctx, id); err == nil {
			t = c.group(row)
		}
		return provider.Done(t)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.SecurityGroup, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.SecurityGroup, tag, buyer[GroupState]{
		find: func(ctx context.Context) (provider.TypedFound[GroupState], error) { return h.findCreated(ctx, c, find) },
		buy: func(ctx context.Context) (provider.Result[GroupState], string, error) {
			id, err := c.createFirewall(ctx, name, tag, req.Spec.Description, rules)
			if hasCode(err, codeNameTaken) {
				// Names are unique in a project, which many customers may share.
				name = nameOf(cut(name, labelMost-9)+"-"+tokenHash(req.Token)[:8], tag)
				id, err = c.createFirewall(ctx, name, tag, req.Spec.Description, rules)
			}
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
	})
}

func (c *cloud) createFirewall(ctx context.Context, name, tag, remark string, rules []string) (string, error) {
	answer, err := write(ctx, c, unet.NewClient, func(k netClient) (*unet.CreateFirewallResponse, error) {
		r := k.NewCreateFirewallRequest()
		r.Name, r.Tag, r.Remark, r.Rule = &name, &tag, optional(remark), rules
		return k.CreateFirewall(r)
	})
	if err != nil {
		return "", err
	}
	return answer.FWId, nil
}

// cut is the first n characters of a text.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

// free opens a call that makes something the cloud charges nothing for.
func (p *plugin) free(call provider.Call, token string, term provider.Term) (*cloud, string, error) {
	c, err := p.openIn(call)
	if err != nil {
		return nil, "", err
	}
	if term.Quantity > 1 {
		return nil, "", fault.Invalid("term.quantity", "must be 1: one token makes one")
	}
	tag, err := tagOf(token)
	return c.at(c.region, ""), tag, err
}

// Get reads one firewall.
func (h groups) Get(ctx context.Context, req provider.GetRequest) (group, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return group{}, err
	}
	row, err := c.firewall(ctx, req.ID)
	if err != nil {
		return group{}, err
	}
	return c.group(row), nil
}

// List streams the firewalls of the region, those of the cloud among them.
func (h groups) List(ctx context.Context, req provider.ListRequest, yield func(group) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.firewalls(ctx, firewallFilter{}, func(row firewallRow) error { return yield(c.group(row)) })
}

// Update replaces the rules that are given, and the description unless it is
// empty: the cloud cannot clear a remark.
func (h groups) Update(ctx context.Context, req provider.TypedUpdate[GroupSpec]) (provider.Result[GroupState], error) {
	var zero provider.Result[GroupState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	if err := req.Spec.check(); err != nil {
		return zero, err
	}
	if req.Spec.Rules != nil {
		err := h.rewrite(ctx, c, req.ID, "spec.rules", func([]kinds.KeptRule) ([]kinds.Rule, error) { return req.Spec.Rules, nil })
		if err != nil {
			return zero, err
		}
	}
	if req.Spec.Description != "" {
		if err := c.describeFirewall(ctx, req.ID, nil, &req.Spec.Description); err != nil {
			return zero, err
		}
	}
	row, err := c.firewall(ctx, req.ID)
	if err != nil {
		return zero, err
	}
	return provider.Done(c.group(row)), nil
}

// Delete removes a firewall that no server is behind.
func (h groups) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	_, err = write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.DeleteFirewallResponse, error) {
		r := k.NewDeleteFirewallRequest()
		r.FWId = &req.ID
		return k.DeleteFirewall(r)
	})
	return provider.Started{}, goneIsDone(err)
}

// FindByToken tells what became of a create or a release.
func (h groups) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[GroupState], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.TypedFound[GroupState]{}, err
	}
	return byToken(req, "security group",
		func() (provider.TypedFound[GroupState], error) { return h.findCreated(ctx, c, req) },
		func() error { _, err := c.firewall(ctx, req.ID); return err })
}

// findCreated walks all firewalls: the cloud does not search them by tag.
func (h groups) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[GroupState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(group)) error {
		return c.firewalls(ctx, firewallFilter{}, func(row firewallRow) error {
			if row.Tag == tag {
				add(c.group(row))
			}
			return nil
		})
	})
}

// firewallFilter narrows a list of firewalls.
type firewallFilter struct{ id, server string }

func (c *cloud) firewalls(ctx context.Context, f firewallFilter, yield func(firewallRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]firewallRow, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.DescribeFirewallResponse, error) {
			r := k.NewDescribeFirewallRequest()
			r.FWId, r.ResourceId, r.Offset, r.Limit = optional(f.id), optional(f.server), &offset, &limit
			if f.server != "" {
				r.ResourceType = ucloud.String(hostType)
			}
			return k.DescribeFirewall(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.DataSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: firewallPage}, fetch, func(r firewallRow) string { return r.FWId }, yield)
}

// firewall reads one; the cloud refuses an unknown id.
func (c *cloud) firewall(ctx context.Context, id string) (firewallRow, error) {
	return pick("security group", id, func(r firewallRow) string { return r.FWId }, func(yield func(firewallRow) error) error {
		return c.firewalls(ctx, firewallFilter{id: id}, yield)
	})
}

// own tells whether a firewall is the customer's, not the cloud's.
func own(row firewallRow) bool { return !slices.Contains([]string{typeWeb, typeNotWeb}, row.Type) }

// group shows a firewall in the contract's words.
func (c *cloud) group(row firewallRow) group {
	status := provider.StatusFree
	if row.ResourceCount > 0 {
		status = provider.StatusBound
	}
	return group{
		ID: row.FWId, Name: row.Name, Region: c.region, Status: status, RawStatus: row.Type, Token: tokenOf(row.Tag),
		Created: moment(row.CreateTime),
		State: GroupState{kinds.SecurityGroupState{
			Description: row.Remark, Default: !own(row), Rules: rulesOf(row), Bound: row.ResourceCount,
		}},
	}
}

// describeFirewall writes name and remark; nil leaves one as it is.
func (c *cloud) describeFirewall(ctx context.Context, id string, name, remark *string) error {
	_, err := write(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.UpdateFirewallAttributeResponse, error) {
		r := k.NewUpdateFirewallAttributeRequest()
		r.FWId, r.Name, r.Remark = &id, name, remark
		return k.UpdateFirewallAttribute(r)
	})
	return err
}
