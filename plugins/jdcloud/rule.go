package main

import (
	"fmt"
	"net/netip"
	"slices"

	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
)

// The numbers of protocols and directions.
const (
	protocolICMP = 1
	protocolTCP  = 6
	protocolUDP  = 17
	protocolAll  = 300

	directionIn  = 0
	directionOut = 1

	firstPort, lastPort = 1, 65535

	// mostRules is how many rules a group can have, its default ones among them.
	mostRules = 100
)

func protocolNumber(word string) (int, bool) {
	n, ok := map[string]int{kinds.ICMP: protocolICMP, kinds.TCP: protocolTCP, kinds.UDP: protocolUDP, kinds.All: protocolAll}[word]
	return n, ok
}

func protocolWord(n int) string {
	for _, word := range []string{kinds.ICMP, kinds.TCP, kinds.UDP, kinds.All} {
		if known, _ := protocolNumber(word); known == n {
			return word
		}
	}
	return fmt.Sprint(n)
}

// normal is a rule with its defaults, as the cloud would show it: a range of
// addresses begins with its first one, and all ports are none.
func normal(r kinds.Rule) kinds.Rule {
	r = r.Filled()
	if p, err := netip.ParsePrefix(r.CIDR); err == nil {
		r.CIDR = p.Masked().String()
	} else if a, err := netip.ParseAddr(r.CIDR); err == nil {
		r.CIDR = netip.PrefixFrom(a, a.BitLen()).String()
	}
	if r.FromPort <= firstPort && (r.ToPort == lastPort || r.ToPort == 0) {
		r.FromPort, r.ToPort = 0, 0
	}
	return r
}

// checkRules refuses rules that the cloud has no words for.
func checkRules(all []kinds.Rule, path string) error {
	if len(all) >= mostRules {
		return fault.Invalid(path, "must be fewer than %d", mostRules)
	}
	for i, r := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := r.Check(at); err != nil {
			return err
		}
		if _, ok := protocolNumber(r.Protocol); !ok {
			return fault.Invalid(at+".protocol", "must be tcp, udp, icmp or all: the cloud has no rules for %q", r.Protocol)
		}
	}
	return nil
}

// ruleSpec is a rule in the cloud's words.
func ruleSpec(r kinds.Rule) vpc.AddSecurityGroupRules {
	r = normal(r)
	number, _ := protocolNumber(r.Protocol)
	direction := directionIn
	if r.Direction == kinds.Out {
		direction = directionOut
	}
	from, to := r.FromPort, r.ToPort
	if (number == protocolTCP || number == protocolUDP) && to == 0 {
		from, to = firstPort, lastPort
	}
	return vpc.AddSecurityGroupRules{
		Protocol: number, Direction: direction, RuleAction: &r.Action, Priority: &r.Priority, AddressPrefix: r.CIDR,
		FromPort: &from, ToPort: &to, Description: optional(r.Description),
	}
}

// ruleOf is a rule of the cloud in common words.
func ruleOf(r vpc.SecurityGroupRule) kinds.KeptRule {
	direction := kinds.In
	if r.Direction == directionOut {
		direction = kinds.Out
	}
	return kinds.KeptRule{ID: r.RuleId, Rule: normal(kinds.Rule{
		Direction: direction, Protocol: protocolWord(r.Protocol), FromPort: r.FromPort, ToPort: r.ToPort, CIDR: r.AddressPrefix,
		Action: r.RuleAction, Priority: r.Priority, Description: r.Description,
	})}
}

// missing are the rules of want that have does not have, each once.
func missing(have []vpc.SecurityGroupRule, want []kinds.Rule) []vpc.AddSecurityGroupRules {
	var all []kinds.Rule
	for _, r := range have {
		all = append(all, ruleOf(r).Rule)
	}
	var out []vpc.AddSecurityGroupRules
	for _, r := range want {
		r = normal(r)
		if !slices.ContainsFunc(all, r.Same) {
			all = append(all, r)
			out = append(out, ruleSpec(r))
		}
	}
	return out
}

// surplus are the ids of the rules of have that want does not have. Those that
// the cloud made itself stay.
func surplus(have []vpc.SecurityGroupRule, want []kinds.Rule) []string {
	var out []string
	for _, r := range have {
		kept := ruleOf(r).Rule
		wanted := slices.ContainsFunc(want, func(w kinds.Rule) bool { return kept.Same(normal(w)) })
		if !wanted && r.RuleType != typeDefault {
			out = append(out, r.RuleId)
		}
	}
	return out
}

// typeDefault marks the groups and rules that the cloud made itself.
const typeDefault = "default"
