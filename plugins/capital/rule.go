package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// anyPort is how the cloud writes all ports; traffic without ports has icmpPort.
const (
	anyPort  = "1/65535"
	icmpPort = "1/1"
)

// ruleRows are rules in the cloud's words, by direction.
type ruleRows struct{ in, out []object }

func (r ruleRows) none() bool { return r.len() == 0 }
func (r ruleRows) len() int   { return len(r.in) + len(r.out) }

// set is what the cloud takes of rules.
func (r ruleRows) set() object {
	out := object{}
	if len(r.in) > 0 {
		out["Ingress"] = r.in
	}
	if len(r.out) > 0 {
		out["Egress"] = r.out
	}
	return out
}

// ruleRows writes rules in the cloud's words; those that say the same stand
// there once.
func (c *cloud) ruleRows(rules []kinds.Rule, path string) (ruleRows, error) {
	var out ruleRows
	var kept []kinds.Rule
	for i, r := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		r = canonical(r)
		row, err := ruleRow(r, at)
		if err != nil {
			return ruleRows{}, err
		}
		if slices.ContainsFunc(kept, r.Same) {
			continue
		}
		kept = append(kept, r)
		if r.Direction == kinds.Out {
			out.out = append(out.out, row)
		} else {
			out.in = append(out.in, row)
		}
	}
	return out, nil
}

// canonical is a rule as it is read back: all ports are none.
func canonical(r kinds.Rule) kinds.Rule {
	r = r.Filled()
	if r.FromPort <= 1 && r.ToPort == 65535 {
		r.FromPort, r.ToPort = 0, 0
	}
	return r
}

// ruleRow is one rule in the cloud's words.
func ruleRow(r kinds.Rule, path string) (object, error) {
	if err := r.Check(path); err != nil {
		return nil, err
	}
	port := anyPort
	switch {
	case r.Protocol != kinds.TCP && r.Protocol != kinds.UDP && r.Protocol != kinds.ICMP:
		return nil, fault.Invalid(path+".protocol", "%q is not offered: take tcp, udp or icmp", r.Protocol)
	case r.Protocol == kinds.ICMP:
		port = icmpPort
	case r.FromPort > 0:
		port = strconv.Itoa(r.FromPort) + "/" + strconv.Itoa(r.ToPort)
	case r.ToPort > 0:
		port = "1/" + strconv.Itoa(r.ToPort)
	}
	return object{
		"Protocol": strings.ToUpper(r.Protocol), "Port": port, "CidrBlock": r.CIDR, "Priority": r.Priority,
		"Status": r.Action == kinds.Allow, "PolicyDescription": r.Description,
	}, nil
}

// ruleShown is a rule as the cloud shows it. Its id is spelled in two ways,
// which are one to the decoder.
type ruleShown struct {
	ID       string `json:"PolicyId"`
	Protocol string
	Port     string
	CIDR     string `json:"CidrBlock"`
	Priority loose
	Allow    bool   `json:"Status"`
	Note     string `json:"PolicyDescription"`
}

// kept shows a rule in the contract's words.
func (r ruleShown) kept(direction string) kinds.KeptRule {
	out := kinds.KeptRule{ID: r.ID, Rule: kinds.Rule{
		Direction: direction, Protocol: strings.ToLower(r.Protocol), CIDR: r.CIDR, Action: kinds.Deny, Priority: r.Priority.number(), Description: r.Note,
	}}
	if r.Allow {
		out.Action = kinds.Allow
	}
	from, to, _ := strings.Cut(r.Port, "/")
	if out.Protocol != kinds.ICMP && r.Port != anyPort {
		out.FromPort, _ = strconv.Atoi(from)
		out.ToPort, _ = strconv.Atoi(firstText(to, from))
	}
	return out
}

// rules are those of a group.
func (c *cloud) rules(ctx context.Context, id string) ([]kinds.KeptRule, error) {
	out, err := read[struct {
		SecurityGroupPolicySet struct{ Ingress, Egress []ruleShown }
	}](ctx, c, get(sg, "DescribeSecurityGroupPolicies", "SecurityGroupId", id))
	if err != nil {
		return nil, err
	}
	var all []kinds.KeptRule
	for _, r := range out.SecurityGroupPolicySet.Ingress {
		all = append(all, r.kept(kinds.In))
	}
	for _, r := range out.SecurityGroupPolicySet.Egress {
		all = append(all, r.kept(kinds.Out))
	}
	return all, nil
}

// replaceRules makes a group's rules those that are given. The cloud deletes
// all rules when it is told to delete none, so the rules are always named.
func (c *cloud) replaceRules(ctx context.Context, was group, rules []kinds.Rule) error {
	rows, err := c.ruleRows(rules, "spec.rules")
	if err != nil {
		return err
	}
	if !rows.none() {
		_, _, err := write[loose](ctx, c, post(sg, "ModifySecurityGroupPolicies", object{
			"SecurityGroupId": was.ID, "Reset": true, "SecurityGroupPolicySet": rows.set(),
		}))
		return err
	}
	var ids []string
	for _, r := range was.State.Rules {
		ids = append(ids, r.ID)
	}
	return c.deleteRules(ctx, was.ID, ids)
}

// deleteRules deletes the named rules, and none when none is named.
func (c *cloud) deleteRules(ctx context.Context, id string, rules []string) error {
	if len(rules) == 0 || slices.Contains(rules, "") {
		return nil
	}
	_, _, err := write[loose](ctx, c, post(sg, "DeleteSecurityGroupPolicies", object{"SecurityGroupId": id, "PolicyIds": rules}))
	return err
}

// addRule adds a rule; one that is there is no mistake.
func (h groups) addRule(ctx context.Context, req provider.TypedAction[kinds.Rule]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	rule := canonical(req.Input)
	row, err := ruleRow(rule, "input")
	if err != nil {
		return out, err
	}
	have, err := c.rules(ctx, req.ID)
	if err != nil || slices.ContainsFunc(have, func(k kinds.KeptRule) bool { return rule.Same(k.Rule) }) {
		return out, fault.NotDone(err)
	}
	rows := ruleRows{in: []object{row}}
	if rule.Direction == kinds.Out {
		rows = ruleRows{out: []object{row}}
	}
	_, _, err = write[loose](ctx, c, post(sg, "CreateSecurityGroupPolicies", object{"SecurityGroupId": req.ID, "SecurityGroupPolicySet": rows.set()}))
	return out, err
}

// removeRule removes a rule; one that is not there is no mistake.
func (h groups) removeRule(ctx context.Context, req provider.TypedAction[kinds.RuleRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	have, err := c.rules(ctx, req.ID)
	if err != nil || !slices.ContainsFunc(have, func(k kinds.KeptRule) bool { return k.ID == req.Input.RuleID }) {
		return out, fault.NotDone(err)
	}
	return out, c.deleteRules(ctx, req.ID, []string{req.Input.RuleID})
}
