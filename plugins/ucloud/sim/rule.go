package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fwRule is one rule of a firewall. Rules concern what comes in.
type fwRule struct {
	Protocol string `json:"protocol"`
	Port     string `json:"port,omitempty"`
	Source   string `json:"source"`
	Action   string `json:"action"`
	Priority string `json:"priority"`
	Remark   string `json:"remark,omitempty"`
}

// maxRules and maxRuleRemark bound a firewall and the text of a rule.
const (
	maxRules      = 100
	maxRuleRemark = 64
)

// rules reads Rule.N: PROTO|PORT|CIDR|ACTION|PRIORITY[|REMARK].
func (q *request) rules() []fwRule {
	texts := q.list("Rule")
	if len(texts) == 0 {
		q.fail(missing("Rule"))
	}
	if len(texts) > maxRules {
		q.fail(refuse(codeTooManyRules, "too many rules"))
		return nil
	}
	out := make([]fwRule, 0, len(texts))
	for _, text := range texts {
		r, err := parseRule(text)
		if err != nil {
			q.fail(err)
			return nil
		}
		out = append(out, r)
	}
	return out
}

// parseRule reads one rule. Protocols are upper case; ports stand with TCP and
// UDP alone.
func parseRule(text string) (fwRule, *retError) {
	parts := strings.Split(text, "|")
	if len(parts) != 5 && len(parts) != 6 {
		return fwRule{}, notAvailable("Rule")
	}
	r := fwRule{Protocol: parts[0], Port: parts[1], Source: parts[2], Action: parts[3], Priority: parts[4]}
	if len(parts) == 6 {
		r.Remark = parts[5]
	}
	ports := r.Protocol == "TCP" || r.Protocol == "UDP"
	switch {
	case !slices.Contains([]string{"TCP", "UDP", "ICMP", "GRE"}, r.Protocol), ports && !goodPorts(r.Port), !ports && r.Port != "":
		return fwRule{}, notAvailable("Rule")
	case !goodSource(r.Source), r.Action != "ACCEPT" && r.Action != "DROP", utf8.RuneCountInString(r.Remark) > maxRuleRemark:
		return fwRule{}, notAvailable("Rule")
	case !slices.Contains([]string{"HIGH", "MEDIUM", "LOW"}, r.Priority):
		return fwRule{}, refuse(codeBadPriority, "priority is not available")
	}
	return r, nil
}

// goodPorts accepts a port and a range.
func goodPorts(text string) bool {
	from, to, ranged := strings.Cut(text, "-")
	a, err := strconv.Atoi(from)
	if err != nil || a < 0 || a > 65535 {
		return false
	}
	if !ranged {
		return a > 0
	}
	b, err := strconv.Atoi(to)
	return err == nil && b >= a && b <= 65535
}

func goodSource(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}
