package main

import (
	"context"
	"strings"

	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type (
	groupRow = vpc.NetworkSecurityGroup
	group    = provider.Thing[kinds.SecurityGroupState]
)

// groups is the handler of the kind security_group.
type groups struct{ *plugin }

// unfinishedHead stands in front of the token while a new group has no rules
// yet: rules are added by a call of their own. Such a group is pending. A repeat
// of the create finishes it; when none comes, its operation takes it back.
const unfinishedHead = "[tw~"

func groupKind(p *plugin) *provider.Kind {
	h := groups{p}
	return provider.KindOf[kinds.SecurityGroupSpec, kinds.SecurityGroupState](kinds.SecurityGroup, "Security group", h,
		provider.ActionOf(changes(kinds.ActionAddRule, "Add a rule"), h.addRule),
		provider.ActionOf(changes(kinds.ActionRemoveRule, "Remove a rule"), h.removeRule),
		provider.ActionOf(changes(kinds.ActionBind, "Bind"), h.bind),
		provider.ActionOf(changes(kinds.ActionUnbind, "Unbind"), h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBindings, Title: "Bindings"}, h.bindings),
		provider.ActionOf(changes(kinds.ActionRename, "Rename"), h.rename),
	)
}

// groupOrder is a create in the cloud's words.
type groupOrder struct {
	spec              kinds.SecurityGroupSpec
	name, tag         string
	finished, pending string // descriptions
}

func newGroupOrder(req provider.TypedCreate[kinds.SecurityGroupSpec], tag string) (*groupOrder, error) {
	if err := checkRules(req.Spec.Rules, "spec.rules"); err != nil {
		return nil, err
	}
	if id := req.Spec.VPCID; id != "" && !goodID(id) {
		return nil, fault.Invalid("spec.vpc_id", "is not an id of this cloud")
	}
	description, err := noted(tag, req.Spec.Description)
	return &groupOrder{
		spec: req.Spec, name: nameOf(req.Name, tag, networkName), tag: tag, finished: description,
		pending: unfinishedHead + strings.TrimPrefix(description, noteHead),
	}, err
}

// Create makes one group with its rules.
func (h groups) Create(ctx context.Context, req provider.TypedCreate[kinds.SecurityGroupSpec]) (provider.Result[kinds.SecurityGroupState], error) {
	var zero provider.Result[kinds.SecurityGroupState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	order, err := newGroupOrder(req, tag)
	if err != nil {
		return zero, err
	}
	made := func(id string) provider.Result[kinds.SecurityGroupState] {
		if row, err := c.group(ctx, id); err == nil {
			return provider.Done(c.groupThing(row))
		}
		return provider.Done(group{
			ID: id, Name: order.name, Region: c.region, Status: provider.StatusFree, Token: tag,
			State: kinds.SecurityGroupState{VPCID: order.spec.VPCID, Description: order.spec.Description, Rules: []kinds.KeptRule{}},
		})
	}
	half, err := c.unfinished(ctx, order)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.SecurityGroup, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.SecurityGroup, tag, buyer[kinds.SecurityGroupState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.SecurityGroupState], error) {
			found, err := h.findCreated(ctx, c, find)
			if found.Operation != "" {
				found.Things = nil // half made: buying goes on with it
			}
			return found, err
		},
		buy: func(ctx context.Context) (provider.Result[kinds.SecurityGroupState], string, error) {
			id, err := c.makeGroup(ctx, order)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
		safe:   half != nil,
	})
}

// unfinished is the group that an earlier try of the order left half made, nil
// for none.
func (c *cloud) unfinished(ctx context.Context, o *groupOrder) (*groupRow, error) {
	if len(o.spec.Rules) == 0 {
		return nil, nil
	}
	var row *groupRow
	err := c.groups(ctx, func(r groupRow) error {
		if strings.HasPrefix(r.Description, unfinishedHead+o.tag+noteTail) {
			row = &r
		}
		return nil
	})
	return row, err
}

// makeGroup makes a group, or takes the one that an earlier try left behind,
// and gives it its rules.
func (c *cloud) makeGroup(ctx context.Context, o *groupOrder) (string, error) {
	if len(o.spec.Rules) == 0 {
		return c.createGroup(ctx, o, o.finished)
	}
	row, err := c.unfinished(ctx, o)
	if err != nil {
		return "", fault.NotDone(err)
	}
	if row == nil {
		id, err := c.createGroup(ctx, o, o.pending)
		if err != nil {
			return "", err
		}
		row = &groupRow{NetworkSecurityGroupId: id}
	}
	id := row.NetworkSecurityGroupId
	if err := c.finishGroup(ctx, *row, o); err != nil {
		if fault.OutcomeOf(err) == fault.OutcomeNotDone {
			// Nobody will ask for it again, and it costs nothing if it stays.
			_ = act(ctx, c, serviceVPC, vpcapi.NewDeleteNetworkSecurityGroupRequest(c.region, id))
		}
		return "", err
	}
	return id, nil
}

func (c *cloud) createGroup(ctx context.Context, o *groupOrder, description string) (string, error) {
	vpcID := o.spec.VPCID
	if vpcID == "" {
		var err error
		if vpcID, err = c.defaultVPC(ctx); err != nil {
			return "", fault.NotDone(err)
		}
	}
	req := vpcapi.NewCreateNetworkSecurityGroupRequest(c.region, vpcID, o.name)
	req.SetDescription(description)
	answer, err := write[vpcapi.CreateNetworkSecurityGroupResult](ctx, c, serviceVPC, req)
	return one([]string{answer.NetworkSecurityGroupId}, err)
}

// defaultVPC is the VPC that servers are in that name none.
func (c *cloud) defaultVPC(ctx context.Context) (string, error) {
	id, err := c.subnetFor(ctx, InstanceSpec{})
	if err != nil {
		return "", err
	}
	row, err := c.subnet(ctx, id)
	return row.VpcId, err
}

// finishGroup adds the rules that are missing and says that all are there.
func (c *cloud) finishGroup(ctx context.Context, row groupRow, o *groupOrder) error {
	if err := c.addRules(ctx, row, o.spec.Rules); err != nil {
		return err
	}
	return c.describeGroup(ctx, row.NetworkSecurityGroupId, o.finished)
}

func (c *cloud) addRules(ctx context.Context, row groupRow, rules []kinds.Rule) error {
	add := missing(row.SecurityGroupRules, rules)
	if len(add) == 0 {
		return nil
	}
	return act(ctx, c, serviceVPC, vpcapi.NewAddNetworkSecurityGroupRulesRequest(c.region, row.NetworkSecurityGroupId, add))
}

func (c *cloud) describeGroup(ctx context.Context, id, description string) error {
	req := vpcapi.NewModifyNetworkSecurityGroupRequest(c.region, id)
	req.SetDescription(description)
	return act(ctx, c, serviceVPC, req)
}

// Get reads one group.
func (h groups) Get(ctx context.Context, req provider.GetRequest) (group, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return group{}, err
	}
	row, err := c.group(ctx, req.ID)
	if err != nil {
		return group{}, err
	}
	return c.groupThing(row), nil
}

// List streams the groups of the region, those of the cloud among them.
func (h groups) List(ctx context.Context, req provider.ListRequest, yield func(group) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.groups(ctx, func(row groupRow) error { return yield(c.groupThing(row)) })
}

// Update replaces the rules that are given, and the description unless it is
// empty. What is missing is added before what is too much goes.
func (h groups) Update(ctx context.Context, req provider.TypedUpdate[kinds.SecurityGroupSpec]) (provider.Result[kinds.SecurityGroupState], error) {
	var zero provider.Result[kinds.SecurityGroupState]
	if err := checkRules(req.Spec.Rules, "spec.rules"); err != nil {
		return zero, err
	}
	c, row, end, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return zero, err
	}
	defer end()
	if req.Spec.VPCID != "" && req.Spec.VPCID != row.VpcId {
		return zero, fault.Invalid("spec.vpc_id", "cannot change")
	}
	if req.Spec.Rules != nil {
		if err := c.replaceRules(ctx, row, req.Spec.Rules); err != nil {
			return zero, err
		}
	}
	if tag, text := noteOf(row.Description); req.Spec.Description != "" && req.Spec.Description != text {
		description := req.Spec.Description
		if tag != "" {
			if description, err = noted(tag, description); err != nil {
				return zero, err
			}
		}
		if err := c.describeGroup(ctx, req.ID, description); err != nil {
			return zero, err
		}
	}
	if row, err = c.group(ctx, req.ID); err != nil {
		return zero, err
	}
	return provider.Done(c.groupThing(row)), nil
}

func (c *cloud) replaceRules(ctx context.Context, row groupRow, rules []kinds.Rule) error {
	if err := c.addRules(ctx, row, rules); err != nil {
		return err
	}
	ids := surplus(row.SecurityGroupRules, rules)
	if len(ids) == 0 {
		return nil
	}
	return act(ctx, c, serviceVPC, vpcapi.NewRemoveNetworkSecurityGroupRulesRequest(c.region, row.NetworkSecurityGroupId, ids))
}

// opened opens a call that changes a group and reads it; such calls take turns
// within this process until end is called.
func (h groups) opened(ctx context.Context, call provider.Call, id string) (c *cloud, row groupRow, end func(), err error) {
	if c, err = h.openIn(call); err != nil {
		return nil, row, nil, err
	}
	if end, err = h.purchases.Take(ctx, c.key()+"\ngroup\n"+id); err != nil {
		return nil, row, nil, err
	}
	if row, err = c.group(ctx, id); err != nil {
		end()
		return nil, row, nil, fault.NotDone(err)
	}
	return c, row, end, nil
}

// Delete removes a group that no server is in.
func (h groups) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if !goodID(req.ID) {
		return provider.Started{}, absent("security group", req.ID, true)
	}
	return provider.Started{}, goneIsDone(act(ctx, c, serviceVPC, vpcapi.NewDeleteNetworkSecurityGroupRequest(c.region, req.ID)))
}

// FindByToken tells what became of a create or a release.
func (h groups) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.SecurityGroupState], error) {
	c, err := h.openIn(req.Call)
	switch {
	case err != nil:
		return provider.TypedFound[kinds.SecurityGroupState]{}, err
	case req.Change == provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case req.Change == provider.ChangeRelease:
		_, err := c.group(ctx, req.ID)
		return released[kinds.SecurityGroupState](err)
	}
	return provider.TypedFound[kinds.SecurityGroupState]{}, fault.Unsupported("a security group's %s leaves no trace of its token", req.Change)
}

func (h groups) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.SecurityGroupState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(group)) error {
		return c.groups(ctx, func(row groupRow) error {
			if t := c.groupThing(row); t.Token == tag {
				add(t)
			}
			return nil
		})
	})
}

func (c *cloud) groups(ctx context.Context, yield func(groupRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]groupRow, int, error) {
		req := vpcapi.NewDescribeNetworkSecurityGroupsRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		answer, err := read[vpcapi.DescribeNetworkSecurityGroupsResult](ctx, c, serviceVPC, req)
		return answer.NetworkSecurityGroups, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r groupRow) string { return r.NetworkSecurityGroupId }, yield)
}

func (c *cloud) group(ctx context.Context, id string) (groupRow, error) {
	if !goodID(id) {
		return groupRow{}, absent("security group", id, false)
	}
	answer, err := read[vpcapi.DescribeNetworkSecurityGroupResult](ctx, c, serviceVPC, vpcapi.NewDescribeNetworkSecurityGroupRequest(c.region, id))
	switch {
	case err != nil:
		return groupRow{}, err
	case answer.NetworkSecurityGroup.NetworkSecurityGroupId != id:
		return groupRow{}, fault.NotFound("security group", id)
	}
	return answer.NetworkSecurityGroup, nil
}

// groupThing shows a security group in the contract's words.
func (c *cloud) groupThing(row groupRow) group {
	tag, text := noteOf(row.Description)
	out := group{
		ID: row.NetworkSecurityGroupId, Name: row.NetworkSecurityGroupName, Region: c.region, Status: provider.StatusFree,
		RawStatus: row.NetworkSecurityGroupType, Token: tag, Created: moment(row.CreatedTime),
		State: kinds.SecurityGroupState{
			VPCID: row.VpcId, Description: text, Default: row.NetworkSecurityGroupType == typeDefault,
			Rules: []kinds.KeptRule{}, Bound: len(row.NetworkInterfaceIds),
		},
	}
	for _, r := range row.SecurityGroupRules {
		out.State.Rules = append(out.State.Rules, ruleOf(r))
	}
	switch {
	case strings.HasPrefix(row.Description, unfinishedHead):
		out.Status = provider.StatusPending
	case out.State.Bound > 0:
		out.Status = provider.StatusBound
	}
	return out
}

func (h groups) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	c, err := h.renaming(req, "security group")
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	r := vpcapi.NewModifyNetworkSecurityGroupRequest(c.region, req.ID)
	r.SetNetworkSecurityGroupName(req.Input.Name)
	return provider.ActionResult[none]{}, act(ctx, c, serviceVPC, r)
}
