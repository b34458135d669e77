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

type (
	groupRow = api.SecurityGroupModel
	group    = provider.Thing[kinds.SecurityGroupState]
)

// groups is the handler of the kind security_group.
type groups struct{ *plugin }

// Create makes one security group with its rules. Its tag is the token.
func (h groups) Create(ctx context.Context, req provider.TypedCreate[kinds.SecurityGroupSpec]) (provider.Result[kinds.SecurityGroupState], error) {
	var zero provider.Result[kinds.SecurityGroupState]
	c, tag, err := h.free(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	rules, err := wireRules(req.Spec.Rules, "spec.rules")
	if err != nil {
		return zero, err
	}
	args := &api.CreateSecurityGroupArgs{
		Name: nameOf(req.Name, tag), Desc: req.Spec.Description, VpcId: req.Spec.VPCID, Rules: rules, Tags: tags(tag),
		ClientToken: clientToken(req.Token, kinds.SecurityGroup, "create", c.region),
	}
	return buyOnce(ctx, buyer[kinds.SecurityGroupState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.SecurityGroupState], error) {
			return h.findCreated(ctx, c, createOf(req.Call, kinds.SecurityGroup, req.Token))
		},
		buy: func(ctx context.Context) (group, error) {
			answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*api.CreateSecurityGroupResult, error) {
				return api.CreateSecurityGroup(k, args)
			})
			if err != nil {
				return group{}, err
			}
			if row, err := c.group(ctx, answer.SecurityGroupId); err == nil {
				return c.groupThing(row), nil
			}
			return group{
				ID: answer.SecurityGroupId, Name: args.Name, Region: c.region, Status: provider.StatusFree, Token: tag,
				State: kinds.SecurityGroupState{VPCID: args.VpcId, Description: args.Desc, Rules: []kinds.KeptRule{}},
			}, nil
		},
	})
}

// Get reads one security group.
func (h groups) Get(ctx context.Context, req provider.GetRequest) (group, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return group{}, err
	}
	row, err := c.group(ctx, req.ID)
	if err != nil {
		return group{}, err
	}
	return c.groupThing(row), nil
}

// List streams the security groups of the region, the cloud's own among them.
func (h groups) List(ctx context.Context, req provider.ListRequest, yield func(group) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.groups(ctx, "", func(row groupRow) error { return yield(c.groupThing(row)) })
}

// Update makes the rules those that are given. The cloud changes them one by
// one: what is to come is added before what is to go is taken away. Nothing
// else of a group can be changed.
func (h groups) Update(ctx context.Context, req provider.TypedUpdate[kinds.SecurityGroupSpec]) (provider.Result[kinds.SecurityGroupState], error) {
	var zero provider.Result[kinds.SecurityGroupState]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return zero, err
	}
	row, err := c.group(ctx, req.ID)
	switch {
	case err != nil:
		return zero, fault.NotDone(err)
	case req.Spec.Description != "" && req.Spec.Description != row.Desc:
		return zero, fault.Invalid("spec.description", "cannot be changed at this cloud")
	case req.Spec.VPCID != "" && req.Spec.VPCID != row.VpcId:
		return zero, fault.Invalid("spec.vpc_id", "cannot be changed: make another group")
	}
	if req.Spec.Rules != nil {
		if err := h.rewrite(ctx, c, req.ID, req.Spec.Rules); err != nil {
			return zero, err
		}
	}
	if row, err = c.group(ctx, req.ID); err != nil {
		return zero, err
	}
	return provider.Done(c.groupThing(row)), nil
}

// Delete removes a security group that no server is in.
func (h groups) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if err := idOf("security group", req.ID); err != nil {
		return provider.Started{}, goneIsDone(err)
	}
	return provider.Started{}, goneIsDone(writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return api.DeleteSecurityGroup(k, req.ID)
	}))
}

// FindByToken tells what became of a create or a release.
func (h groups) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.SecurityGroupState], error) {
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.group(ctx, id)
		return err
	})
}

// findCreated walks all groups: the cloud does not search them by tag.
func (h groups) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.SecurityGroupState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(group)) error {
		return c.groups(ctx, "", func(row groupRow) error {
			if tokenIn(row.Tags) == tag {
				add(c.groupThing(row))
			}
			return nil
		})
	})
}

// groups streams the security groups of the region, or those with an id.
func (c *cloud) groups(ctx context.Context, id string, yield func(groupRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]groupRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListSecurityGroupResult, error) {
			return api.ListSecurityGroup(k, &api.ListSecurityGroupArgs{Marker: marker, MaxKeys: limit, SecurityGroupIds: id})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.SecurityGroups, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r groupRow) string { return r.Id }, yield)
}

// group reads one by the list, so that both show the same.
func (c *cloud) group(ctx context.Context, id string) (groupRow, error) {
	return oneRow("security group", id, func(yield func(groupRow) error) error { return c.groups(ctx, id, yield) },
		func(r groupRow) string { return r.Id })
}

// ofCloud tells the groups that the cloud makes with each network by their names.
func ofCloud(row groupRow) bool {
	return tokenIn(row.Tags) == "" && slices.Contains([]string{"default", "默认安全组"}, row.Name)
}

// groupThing shows a security group in the contract's words.
func (c *cloud) groupThing(row groupRow) group {
	return group{
		ID: row.Id, Name: row.Name, Region: c.region, Status: provider.StatusFree, Token: tokenIn(row.Tags), Created: moment(row.CreatedTime),
		State: kinds.SecurityGroupState{VPCID: row.VpcId, Description: row.Desc, Default: ofCloud(row), Rules: keptRules(row)},
	}
}
