package sim

import (
	"net/netip"
	"slices"
)

// group is one security group.
type group struct {
	place
	ID          string `json:"id"`
	VPC         string `json:"vpc"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
	Rules       []rule `json:"rules"`
	Created     int64  `json:"created"`
}

// rule is one rule of a security group.
type rule struct {
	ID          string `json:"id"`
	Protocol    int    `json:"protocol"`
	Direction   int    `json:"direction"`
	Action      string `json:"action"`
	Priority    int    `json:"priority"`
	Prefix      string `json:"prefix"`
	From        int    `json:"from"`
	To          int    `json:"to"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
	Created     int64  `json:"created"`
}

// The protocols of rules.
const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
	protoAll  = 300
)

const maxRules = 100

// groupActions are the calls of the vpc service about security groups.
func groupActions() []action {
	const all = "/v1/regions/{regionId}/networkSecurityGroups/"
	const one = all + "{networkSecurityGroupId}"
	on := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vpc", method: method, path: path, run: run}
	}
	return []action{
		on("CreateNetworkSecurityGroup", "POST", all, createGroup),
		on("DescribeNetworkSecurityGroups", "GET", all, describeGroups),
		on("DescribeNetworkSecurityGroup", "GET", one, describeGroup),
		on("ModifyNetworkSecurityGroup", "PATCH", one, modifyGroup),
		on("DeleteNetworkSecurityGroup", "DELETE", one, deleteGroup),
		on("AddNetworkSecurityGroupRules", "POST", one+":addNetworkSecurityGroupRules", addRules),
		on("RemoveNetworkSecurityGroupRules", "POST", one+":removeNetworkSecurityGroupRules", removeRules),
		on("ModifyNetworkSecurityGroupRules", "POST", one+":modifyNetworkSecurityGroupRules", modifyRules),
	}
}

// defaultRules let everything out and nothing in but by other rules.
func defaultRules(c *Cloud, created int64) []rule {
	return []rule{{
		ID: c.newID("sgr"), Protocol: protoAll, Direction: 1, Action: "allow", Priority: 100, Prefix: "0.0.0.0/0",
		Default: true, Created: created,
	}}
}

func (c *Cloud) groupOf(q *request) (*group, *apiError) {
	id := q.need("networkSecurityGroupId")
	q.subject = id
	if g := c.groups.get(id); g != nil && g.in(q) {
		return g, nil
	}
	return nil, notFound("networkSecurityGroup", id)
}

// checkGroups refuses unknown groups, groups of another vpc and more than
// five; without any it is the vpc's default group.
func (c *Cloud) checkGroups(q *request, p *params, name string, ids []string, vpcID string) []string {
	if len(ids) == 0 {
		for _, g := range c.groups.where(func(g *group) bool { return g.VPC == vpcID && g.Default }) {
			ids = append(ids, g.ID)
		}
		return ids
	}
	if len(ids) > 5 {
		p.fail(invalid(p.at(name), "at most 5 security groups are allowed"))
	}
	for i, id := range ids {
		g := c.groups.get(id)
		switch {
		case g == nil || !g.in(q):
			p.fail(notFound("networkSecurityGroup", id))
		case g.VPC != vpcID:
			p.fail(invalid(p.at(name), "the security group belongs to another vpc"))
		case slices.Contains(ids[:i], id):
			p.fail(invalid(p.at(name), "a security group is named twice"))
		}
	}
	return ids
}

func createGroup(c *Cloud, q *request) (answer, *apiError) {
	vpcID, name := q.need("vpcId"), q.matching("networkSecurityGroupName", vpcName)
	description := q.limited("description", 256)
	if q.failed() != nil {
		return nil, q.failed()
	}
	q.subject = name
	if c.vpcOf(q, vpcID) == nil {
		return nil, notFound("vpc", vpcID)
	}
	if len(c.groups.where(func(g *group) bool { return g.in(q) })) >= 100 {
		return nil, quota("networkSecurityGroups")
	}
	g := &group{place: q.here(), ID: c.newID("sg"), VPC: vpcID, Name: name, Description: description, Created: q.now.Unix()}
	g.Rules = defaultRules(c, g.Created)
	c.groups.put(g.ID, g)
	return answer{"networkSecurityGroupId": g.ID}, nil
}

func describeGroups(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("networkSecurityGroupIds", "networkSecurityGroupNames", "vpcId")
	found := c.groups.where(func(g *group) bool {
		fields := map[string]string{"networkSecurityGroupIds": g.ID, "networkSecurityGroupNames": g.Name, "vpcId": g.VPC}
		return g.in(q) && passAll(conds, pick(fields, nil))
	})
	return listed(q, "networkSecurityGroups", found, c.groupRow)
}

func (c *Cloud) groupRow(g *group) answer {
	return answer{
		"networkSecurityGroupId": g.ID, "networkSecurityGroupName": g.Name, "description": g.Description, "vpcId": g.VPC,
		"securityGroupRules": rowsOf(g.Rules, rule.wire), "createdTime": iso(g.Created),
		"networkSecurityGroupType": kindWord(g.Default), "networkInterfaceIds": c.membersOf(g.ID),
	}
}

func (c *Cloud) membersOf(groupID string) []string {
	out := []string{}
	for _, n := range c.nics.where(func(n *nic) bool { return slices.Contains(n.Groups, groupID) }) {
		out = append(out, n.ID)
	}
	return out
}

func kindWord(isDefault bool) string {
	if isDefault {
		return "default"
	}
	return "custom"
}

func (r rule) wire() answer {
	return answer{
		"ruleId": r.ID, "direction": r.Direction, "ruleAction": r.Action, "priority": r.Priority, "protocol": r.Protocol,
		"addressPrefix": r.Prefix, "ipVersion": 4, "fromPort": r.From, "toPort": r.To, "createdTime": iso(r.Created),
		"description": r.Description, "ruleType": kindWord(r.Default),
	}
}

func describeGroup(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	return answer{"networkSecurityGroup": c.groupRow(g)}, nil
}

func modifyGroup(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	name, description := q.rename("networkSecurityGroupName", g.Name, g.Description)
	if q.failed() != nil {
		return nil, q.failed()
	}
	g.Name, g.Description = name, description
	c.groups.put(g.ID, g)
	return nil, nil
}

func deleteGroup(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	if g.Default {
		return nil, precondition("the default security group cannot be deleted")
	}
	if len(c.membersOf(g.ID)) > 0 {
		return nil, precondition("security group '%s' is in use", g.ID)
	}
	c.groups.drop(g.ID)
	return nil, nil
}

// readRule reads the fields of a rule over those it has.
func (p *params) readRule(r rule, known bool) rule {
	if !known {
		p.need("protocol")
		r.Direction = p.needNum("direction", 0, 1)
		p.need("addressPrefix")
	}
	r.Protocol = p.num("protocol", r.Protocol, 0, protoAll)
	if !slices.Contains([]int{protoICMP, protoTCP, protoUDP, protoAll}, r.Protocol) {
		p.fail(invalid(p.at("protocol"), "it must be 300, 6, 17 or 1"))
	}
	r.Action = p.oneOf("ruleAction", r.Action, "allow", "deny")
	r.Priority = p.num("priority", r.Priority, 1, 100)
	r.Prefix = p.str("addressPrefix", r.Prefix)
	if n, err := netip.ParsePrefix(r.Prefix); err != nil || n.Masked() != n {
		p.fail(invalid(p.at("addressPrefix"), "it is not a network"))
	}
	r.Description = p.str("description", r.Description)
	p.readPorts(&r)
	return r
}

// readPorts reads the ports of transport protocols; the others have none.
func (p *params) readPorts(r *rule) {
	if r.Protocol != protoTCP && r.Protocol != protoUDP {
		r.From, r.To = 0, 0
		return
	}
	if r.To == 0 {
		r.From, r.To = 1, 65535
	}
	r.From, r.To = p.num("fromPort", r.From, 1, 65535), p.num("toPort", r.To, 1, 65535)
	if r.From > r.To {
		p.fail(invalid(p.at("fromPort"), "it is larger than toPort"))
	}
}

// same tells whether two rules say the same.
func (r rule) same(o rule) bool {
	r.ID, r.Description, r.Created, r.Default = o.ID, o.Description, o.Created, o.Default
	return r == o
}

func addRules(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	var added []rule
	for _, p := range q.objs("networkSecurityGroupRuleSpecs") {
		r := p.readRule(rule{Action: "allow", Priority: 1, Created: q.now.Unix()}, false)
		if slices.ContainsFunc(append(slices.Clone(g.Rules), added...), r.same) {
			p.fail(refuse(409, statusExists, "the security group has this rule already"))
		}
		added = append(added, r)
	}
	if len(added) == 0 {
		q.fail(missing("networkSecurityGroupRuleSpecs"))
	}
	if len(g.Rules)+len(added) > maxRules {
		q.fail(quota("securityGroupRules"))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	for i := range added {
		added[i].ID = c.newID("sgr")
	}
	g.Rules = append(g.Rules, added...)
	c.groups.put(g.ID, g)
	return answer{"securityGroupRules": rowsOf(added, rule.wire)}, nil
}

func removeRules(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	ids := q.list("ruleIds")
	if len(ids) == 0 {
		q.fail(missing("ruleIds"))
	}
	for _, id := range ids {
		if !slices.ContainsFunc(g.Rules, func(r rule) bool { return r.ID == id }) {
			q.fail(notFound("rule", id))
		}
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r rule) bool { return slices.Contains(ids, r.ID) })
	c.groups.put(g.ID, g)
	return nil, nil
}

func modifyRules(c *Cloud, q *request) (answer, *apiError) {
	g, err := c.groupOf(q)
	if err != nil {
		return nil, err
	}
	rules := slices.Clone(g.Rules)
	specs := q.objs("modifySecurityGroupRuleSpecs")
	if len(specs) == 0 {
		q.fail(missing("modifySecurityGroupRuleSpecs"))
	}
	for _, p := range specs {
		id := p.need("ruleId")
		i := slices.IndexFunc(rules, func(r rule) bool { return r.ID == id })
		if i < 0 {
			p.fail(notFound("rule", id))
			break
		}
		rules[i] = p.readRule(rules[i], true)
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	g.Rules = rules
	c.groups.put(g.ID, g)
	return nil, nil
}
