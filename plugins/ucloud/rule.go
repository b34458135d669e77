package main

import (
	"strconv"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/unet"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
)

// emptyMark is the remark of the rule that stands in for no rule: the cloud
// keeps no firewall without one. The rule refuses what is refused anyway.
const emptyMark = "tradewind-empty"

// allPorts is how the cloud writes them.
const (
	allPorts = "1-65535"
	lastPort = 65535
)

// The cloud knows three priorities; each stands for a third of the numbers and
// shows as one of them.
const (
	mostHigh, high     = 33, 1
	mostMedium, medium = 66, 50
	low                = 100
)

// asKept is a rule as the cloud will show it.
func asKept(r kinds.Rule) kinds.Rule {
	r = r.Filled()
	if r.FromPort == 0 && r.ToPort > 0 {
		r.FromPort = 1
	}
	if r.FromPort == 1 && r.ToPort == lastPort {
		r.FromPort, r.ToPort = 0, 0
	}
	switch {
	case r.Priority <= mostHigh:
		r.Priority = high
	case r.Priority <= mostMedium:
		r.Priority = medium
	default:
		r.Priority = low
	}
	return r
}

// ruleTexts writes rules in the cloud's words, each rule once.
func ruleTexts(all []kinds.Rule, path string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for i, r := range all {
		at := path + "[" + strconv.Itoa(i) + "]"
		text, err := ruleText(r, at)
		if err != nil {
			return nil, err
		}
		if id := asKept(r).ID(); !seen[id] {
			seen[id] = true
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		out = []string{"TCP|" + allPorts + "|0.0.0.0/0|DROP|LOW|" + emptyMark}
	}
	return out, nil
}

// ruleText is one rule: PROTO|PORT|CIDR|ACTION|PRIORITY|REMARK.
func ruleText(r kinds.Rule, path string) (string, error) {
	r = asKept(r)
	switch {
	case r.Direction != kinds.In:
		return "", fault.Invalid(path+".direction", "must be in: the cloud's firewalls do not hold back what goes out")
	case r.Protocol == kinds.All:
		return "", fault.Invalid(path+".protocol", "must be tcp, udp, icmp or gre: the cloud has no word for all")
	case strings.ContainsAny(r.Description, "|\r\n") || r.Description == emptyMark:
		return "", fault.Invalid(path+".description", "must be one line without |")
	}
	if err := r.Check(path); err != nil {
		return "", err
	}
	action := map[string]string{kinds.Allow: "ACCEPT", kinds.Deny: "DROP"}[r.Action]
	priority := map[int]string{high: "HIGH", medium: "MEDIUM", low: "LOW"}[r.Priority]
	text := strings.Join([]string{strings.ToUpper(r.Protocol), portText(r), r.CIDR, action, priority}, "|")
	if r.Description != "" {
		text += "|" + r.Description
	}
	return text, nil
}

func portText(r kinds.Rule) string {
	switch {
	case r.Protocol != kinds.TCP && r.Protocol != kinds.UDP:
		return ""
	case r.FromPort == 0 && r.ToPort == 0:
		return allPorts
	case r.FromPort == r.ToPort:
		return strconv.Itoa(r.FromPort)
	}
	return strconv.Itoa(r.FromPort) + "-" + strconv.Itoa(r.ToPort)
}

// ruleOf is a rule of the cloud in shared words.
func ruleOf(row unet.FirewallRuleSet) kinds.KeptRule {
	r := kinds.Rule{
		Direction: kinds.In, Protocol: strings.ToLower(row.ProtocolType), CIDR: row.SrcIP, Description: row.Remark, Action: kinds.Allow,
	}
	if strings.EqualFold(row.RuleAction, "DROP") {
		r.Action = kinds.Deny
	}
	switch strings.ToUpper(row.Priority) {
	case "HIGH":
		r.Priority = high
	case "LOW":
		r.Priority = low
	default:
		r.Priority = medium
	}
	r.FromPort, r.ToPort = portsOf(row.DstPort)
	return kinds.KeptRule{ID: r.ID(), Rule: r}
}

// portsOf reads a port or a range; all ports and none are 0.
func portsOf(text string) (from, to int) {
	a, b, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(a)
	if err != nil {
		return 0, 0
	}
	if to = from; ranged {
		if to, err = strconv.Atoi(b); err != nil {
			return 0, 0
		}
	}
	if from <= 1 && to == lastPort {
		return 0, 0
	}
	return from, to
}

// rulesOf are the rules of a firewall, without the one that stands in for none.
func rulesOf(row unet.FirewallDataSet) []kinds.KeptRule {
	out := []kinds.KeptRule{}
	for _, r := range row.Rule {
		if r.Remark != emptyMark {
			out = append(out, ruleOf(r))
		}
	}
	return out
}
