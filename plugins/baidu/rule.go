package main

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
)

type ruleRow = api.SecurityGroupRuleModel

// The cloud's words in a rule.
const (
	ingress = "ingress"
	egress  = "egress"
	ipv4    = "IPv4"
	ipv6    = "IPv6"
	anyone  = "all"
	allV4   = "0.0.0.0/0"
	allV6   = "::/0"

	allPorts = "1-65535"
	lastPort = 65535
)

// onlyPriority is what all rules of this cloud show: they have no order.
const onlyPriority = 50

// asKept is a rule as the cloud will show it.
func asKept(r kinds.Rule) kinds.Rule {
	r = r.Filled()
	r.Priority = onlyPriority
	if r.FromPort == 0 && r.ToPort > 0 {
		r.FromPort = 1
	}
	if r.FromPort == 1 && r.ToPort == lastPort {
		r.FromPort, r.ToPort = 0, 0
	}
	if p, err := netip.ParsePrefix(r.CIDR); err == nil {
		r.CIDR = p.Masked().String()
	}
	return r
}

// wireRules writes rules in the cloud's words, each rule once.
func wireRules(all []kinds.Rule, path string) ([]ruleRow, error) {
	out := []ruleRow{}
	seen := map[string]bool{}
	for i, r := range all {
		row, err := wireRule(r, path+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		if id := asKept(r).ID(); !seen[id] {
			seen[id] = true
			out = append(out, row)
		}
	}
	return out, nil
}

// wireRule is one rule in the cloud's words.
func wireRule(r kinds.Rule, path string) (ruleRow, error) {
	r = asKept(r)
	switch {
	case r.Action != kinds.Allow:
		return ruleRow{}, fault.Invalid(path+".action", "must be allow: the cloud refuses what no rule allows")
	case r.Protocol == kinds.GRE:
		return ruleRow{}, fault.Invalid(path+".protocol", "must be tcp, udp, icmp or all")
	}
	if err := r.Check(path); err != nil {
		return ruleRow{}, err
	}
	out := ruleRow{Protocol: r.Protocol, PortRange: portText(r), Remark: r.Description, Direction: ingress, Ethertype: ipv4}
	if strings.Contains(r.CIDR, ":") {
		out.Ethertype = ipv6
	}
	other := r.CIDR
	if other == allV4 || other == allV6 {
		other = anyone
	}
	if r.Direction == kinds.Out {
		out.Direction, out.DestIp = egress, other
	} else {
		out.SourceIp = other
	}
	return out, nil
}

func portText(r kinds.Rule) string {
	switch {
	case r.Protocol == kinds.ICMP:
		return ""
	case r.FromPort == 0 && r.ToPort == 0:
		return allPorts
	case r.FromPort == r.ToPort:
		return strconv.Itoa(r.FromPort)
	}
	return strconv.Itoa(r.FromPort) + "-" + strconv.Itoa(r.ToPort)
}

// keptRule is a rule of the cloud in shared words. The other end may be a
// security group, which is shown by its id.
func keptRule(row ruleRow) kinds.KeptRule {
	r := kinds.Rule{
		Direction: kinds.In, Protocol: firstText(strings.ToLower(row.Protocol), kinds.All), CIDR: firstText(row.SourceIp, row.SourceGroupId),
		Description: row.Remark, Action: kinds.Allow, Priority: onlyPriority,
	}
	if row.Direction == egress {
		r.Direction, r.CIDR = kinds.Out, firstText(row.DestIp, row.DestGroupId)
	}
	if r.CIDR == "" || r.CIDR == anyone {
		r.CIDR = allV4
		if row.Ethertype == ipv6 {
			r.CIDR = allV6
		}
	}
	r.FromPort, r.ToPort = portsOf(row.PortRange)
	return kinds.KeptRule{ID: firstText(row.SecurityGroupRuleId, r.ID()), Rule: r}
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

func keptRules(row groupRow) []kinds.KeptRule {
	out := make([]kinds.KeptRule, 0, len(row.Rules))
	for _, r := range row.Rules {
		out = append(out, keptRule(r))
	}
	return out
}
