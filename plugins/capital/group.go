package main

import (
	"context"
	"slices"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// GroupSpec is what a customer chooses of a security group.
type GroupSpec struct {
	kinds.SecurityGroupSpec

	Interconnected bool `json:"interconnected,omitempty" title:"Its servers reach each other"`
}

// GroupState is what a security group is.
type GroupState struct {
	kinds.SecurityGroupState

	Interconnected bool `json:"interconnected,omitempty" title:"Its servers reach each other"`
}

// groupRow is a security group as the cloud shows it.
type groupRow struct {
	ID     string `json:"SecurityGroupId"`
	Name   string `json:"SecurityGroupName"`
	Desc   string `json:"SecurityGroupDesc"`
	Count  loose  `json:"InstanceCount"`
	Joined bool   `json:"GroupInterconnected"`
	Made   string `json:"CreatedTime"`
}

type group = provider.Thing[GroupState]

// groups is the handler of the kind security_group.
type groups struct{ shelf[GroupState] }

func groupKind(p *plugin) *provider.Kind {
	h := groups{shelf[GroupState]{plugin: p, kind: kinds.SecurityGroup, walk: walkGroups, detail: withRules, step: removeGroup}}
	p.shelves[kinds.SecurityGroup] = h
	return provider.KindOf[GroupSpec, GroupState](kinds.SecurityGroup, "Security group", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAddRule, Title: "Add a rule", Changes: true}, h.addRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRemoveRule, Title: "Remove a rule", Changes: true}, h.removeRule),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBindings, Title: "What it is bound to"}, h.bindings),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Bind", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Unbind", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

// halfSign stands in the name of a group whose rules are not all there yet, in
// place of [markSign]: such a group is nothing that a token has made.
const halfSign = ".th-"

// half is the name of a group that is being made.
func half(name string) string {
	at := strings.LastIndex(name, markSign)
	return name[:at] + halfSign + name[at+len(markSign):]
}

func (s GroupSpec) check() error {
	if s.VPCID != "" {
		return fault.Invalid("spec.vpc_id", "must be empty: security groups of this cloud belong to no VPC")
	}
	return nil
}

// Create makes one security group. The cloud takes its rules with another
// call: until they are there, the group has a name that no token finds, and a
// repeat goes on with it.
func (h groups) Create(ctx context.Context, req provider.TypedCreate[GroupSpec]) (provider.Result[GroupState], error) {
	var zero provider.Result[GroupState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if err := req.Spec.check(); err != nil {
		return zero, err
	}
	rules, err := c.ruleRows(req.Spec.Rules, "spec.rules")
	if err != nil {
		return zero, err
	}
	if _, err := c.here(ctx); err != nil {
		return zero, fault.NotDone(err)
	}
	own := nameOf(req.Name, "group")
	name := join(own, mark)
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (group, operation, error) {
		id, err := c.makeGroup(ctx, name, req.Spec, rules)
		if err != nil {
			return group{}, operation{}, err
		}
		t := group{ID: id, Name: own, Token: mark, Region: c.region, Status: provider.StatusFree}
		t.State.Description, t.State.Interconnected, t.State.Rules = req.Spec.Description, req.Spec.Interconnected, []kinds.KeptRule{}
		if got, err := h.one(ctx, c, id); err == nil {
			t = got
		}
		return t, operation{}, nil
	})
}

// makeGroup makes a group with its rules, or goes on with one that was begun.
func (c *cloud) makeGroup(ctx context.Context, name string, s GroupSpec, rules ruleRows) (string, error) {
	first := name
	if !rules.none() {
		first = half(name)
	}
	id, err := c.groupNamed(ctx, first)
	if err != nil {
		return "", fault.NotDone(err)
	}
	if id == "" {
		if id, err = c.beginGroup(ctx, first, s); err != nil {
			return "", err
		}
	}
	if rules.none() {
		return id, nil
	}
	if err := c.putRules(ctx, id, rules); err != nil {
		return "", c.undo(ctx, id, err)
	}
	_, _, err = write[loose](ctx, c, post(sg, "ModifySecurityGroupAttribute", object{"SecurityGroupId": id, "SecurityGroupName": name}))
	return id, err
}

// beginGroup makes a group without rules. One that is only the first part of a
// create is looked for when its answer is lost: no token finds it later.
func (c *cloud) beginGroup(ctx context.Context, name string, s GroupSpec) (string, error) {
	out, _, err := write[struct{ SecurityGroupId string }](ctx, c, post(sg, "CreateSecurityGroup", object{
		"SecurityGroupName": name, "SecurityGroupDescription": s.Description, "GroupInterconnected": s.Interconnected, "RegionCode": c.region,
	}))
	id, err := theOne([]string{out.SecurityGroupId}, err)
	if err != nil && fault.OutcomeOf(err) == fault.OutcomeUnknown && !marked.MatchString(name) {
		if found, lookErr := c.groupNamed(ctx, name); lookErr == nil && found != "" {
			return found, nil
		}
	}
	return id, err
}

// putRules gives a group its rules, unless it has them from an earlier try.
func (c *cloud) putRules(ctx context.Context, id string, rules ruleRows) error {
	has := func() (bool, error) {
		have, err := c.rules(ctx, id)
		return err == nil && len(have) >= rules.len(), err
	}
	if done, err := has(); err != nil || done {
		return err
	}
	_, _, err := write[loose](ctx, c, post(sg, "CreateSecurityGroupPolicies", object{"SecurityGroupId": id, "SecurityGroupPolicySet": rules.set()}))
	if err != nil && fault.OutcomeOf(err) == fault.OutcomeUnknown {
		if done, lookErr := has(); lookErr == nil && done {
			return nil
		}
	}
	return err
}

// undo deletes a group whose rules were refused, so that nothing is left of
// the create. After a failure in doubt the group stays for the repeat.
func (c *cloud) undo(ctx context.Context, id string, why error) error {
	if fault.OutcomeOf(why) != fault.OutcomeNotDone || fault.Is(why, fault.ClassUnavailable) || fault.Is(why, fault.ClassThrottled) {
		return why
	}
	if err := c.deleteGroup(ctx, id); err != nil {
		return fault.Unknown(why, "the rules were refused and the group is still there: order again").From(fault.SourceCloud)
	}
	return why
}

// groupNamed finds a group by its whole name; "" when there is none.
func (c *cloud) groupNamed(ctx context.Context, name string) (string, error) {
	id := ""
	err := c.groups(ctx, "", func(row groupRow) error {
		if row.Name == name {
			id = row.ID
		}
		return nil
	})
	return id, err
}

// groups streams the security groups of the region, or the one with the id.
func (c *cloud) groups(ctx context.Context, id string, yield func(groupRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]groupRow, int, error) {
		out, err := read[struct {
			SecurityGroupSet []groupRow
		}](ctx, c, get(sg, "DescribeSecurityGroups",
			"RegionCode", c.region, "SecurityGroupId", id, "PageNumber", whole(offset/limit+1), "PageSize", whole(limit)))
		return out.SecurityGroupSet, page.UnknownTotal, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r groupRow) string { return r.ID }, yield)
}

func walkGroups(ctx context.Context, c *cloud, id string, yield func(group) error) error {
	if _, err := c.here(ctx); err != nil {
		return err
	}
	return c.groups(ctx, id, func(row groupRow) error {
		name, mark := split(row.Name)
		t := group{
			ID: row.ID, Name: name, Token: mark, Region: c.region, Status: provider.StatusFree, Created: moment(row.Made),
			State: GroupState{Interconnected: row.Joined, SecurityGroupState: kinds.SecurityGroupState{
				Description: row.Desc, Bound: row.Count.number(), Rules: []kinds.KeptRule{},
			}},
		}
		if t.State.Bound > 0 {
			t.Status = provider.StatusBound
		}
		return yield(t)
	})
}

// withRules adds a group's rules, which lists do not have.
func withRules(ctx context.Context, c *cloud, t group) (group, error) {
	rules, err := c.rules(ctx, t.ID)
	t.State.Rules = append(t.State.Rules, rules...)
	return t, err
}

func removeGroup(ctx context.Context, _ *plugin, c *cloud, t group) (bool, operation, error) {
	err := c.deleteGroup(ctx, t.ID)
	return err == nil, operation{}, err
}

func (c *cloud) deleteGroup(ctx context.Context, id string) error {
	_, _, err := write[loose](ctx, c, post(sg, "DeleteSecurityGroup", object{"SecurityGroupId": id}))
	return goneIsDone(err)
}

// Update replaces the rules that are given, and description and
// interconnection where they differ.
func (h groups) Update(ctx context.Context, req provider.TypedUpdate[GroupSpec]) (provider.Result[GroupState], error) {
	var zero provider.Result[GroupState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	if err := req.Spec.check(); err != nil {
		return zero, err
	}
	was, err := h.one(ctx, c, req.ID)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	if req.Spec.Rules != nil {
		if err := c.replaceRules(ctx, was, req.Spec.Rules); err != nil {
			return zero, err
		}
	}
	change := object{"SecurityGroupId": req.ID}
	if d := req.Spec.Description; d != "" && d != was.State.Description {
		change["SecurityGroupDescription"] = d
	}
	if req.Spec.Interconnected != was.State.Interconnected {
		change["GroupInterconnected"] = req.Spec.Interconnected
	}
	if len(change) > 1 {
		if _, _, err := write[loose](ctx, c, post(sg, "ModifySecurityGroupAttribute", change)); err != nil {
			return zero, err
		}
	}
	t, err := h.one(ctx, c, req.ID)
	if err != nil {
		return zero, err
	}
	return provider.Done(t), nil
}

// rename keeps the mark of the token behind the new name; the name that it has
// already is no mistake.
func (h groups) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := newName(req.Input.Name); err != nil {
		return out, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	t, err := h.one(ctx, c, req.ID)
	if err != nil || t.Name == req.Input.Name {
		return out, fault.NotDone(err)
	}
	_, _, err = write[loose](ctx, c, post(sg, "ModifySecurityGroupAttribute", object{
		"SecurityGroupId": req.ID, "SecurityGroupName": join(req.Input.Name, t.Token),
	}))
	return out, err
}

// membersOf are the servers in a group.
func (c *cloud) membersOf(ctx context.Context, id string) ([]kinds.Binding, error) {
	out, err := read[struct {
		InstanceStatistics []struct{ InstanceName, InstanceId, Az, Ip string }
	}](ctx, c, get(sg, "DescribeSecurityGroupAssociationStatistics", "SecurityGroupId", id))
	all := []kinds.Binding{}
	for _, row := range out.InstanceStatistics {
		name, _ := split(row.InstanceName)
		all = append(all, kinds.Binding{ResourceID: row.InstanceId, ResourceType: kinds.Instance, Name: name, Zone: row.Az, PrivateIP: row.Ip})
	}
	return all, err
}

func (h groups) bindings(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Bindings], error) {
	c, err := query(h.plugin, req)
	if err != nil {
		return provider.ActionResult[kinds.Bindings]{}, err
	}
	all, err := c.membersOf(ctx, req.ID)
	return provider.ActionResult[kinds.Bindings]{Output: kinds.Bindings{Bindings: all, Total: len(all)}}, err
}

// mostGroups is how many groups a server can have.
const mostGroups = 5

// bind puts a server into the group, with the least priority it has free; one
// that is in it is no mistake.
func (h groups) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	d, err := c.describeServer(ctx, req.Input.InstanceID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	taken := map[int]bool{}
	for _, g := range d.Groups {
		if g.ID == req.ID {
			return out, nil
		}
		taken[g.Priority.number()] = true
	}
	priority := 1
	for taken[priority] {
		priority++
	}
	if priority > mostGroups {
		return out, fault.Precondition("the server is in %d security groups, which is the most", mostGroups)
	}
	_, _, err = write[loose](ctx, c, post(sg, "AssociateSecurityGroups", object{
		"SecurityGroupId": req.ID, "RegionCode": c.region,
		"InstanceSet": []object{{"InstanceId": req.Input.InstanceID, "SecurityGroupPriority": priority}},
	}))
	return out, err
}

// unbind takes a server out of the group; one that is not in it is no mistake.
func (h groups) unbind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	all, err := c.membersOf(ctx, req.ID)
	if err != nil || !slices.ContainsFunc(all, func(b kinds.Binding) bool { return b.ResourceID == req.Input.InstanceID }) {
		return out, fault.NotDone(err)
	}
	_, _, err = write[loose](ctx, c, post(sg, "DisassociateSecurityGroups", object{
		"SecurityGroupId": req.ID, "InstanceIds": []string{req.Input.InstanceID},
	}))
	return out, err
}
