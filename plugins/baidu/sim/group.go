package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// group is a security group; the default one of a network cannot be deleted.
type group struct {
	meta
	Name, Desc, VPC string
	Default         bool
	Tags            []tag
	Rules           []rule
	Made            int // rules that were ever added
}

// rule lets traffic pass.
type rule struct {
	ID        string `json:"securityGroupRuleId"`
	Direction string `json:"direction"`
	Ethertype string `json:"ethertype"`
	Protocol  string `json:"protocol"`
	Ports     string `json:"portRange"`
	Source    string `json:"sourceIp"`
	Dest      string `json:"destIp"`
	SourceSG  string `json:"sourceGroupId"`
	DestSG    string `json:"destGroupId"`
	Group     string `json:"securityGroupId"`
	Remark    string `json:"remark"`
}

// same tells whether two rules let the same traffic pass.
func (r rule) same(o rule) bool {
	r.ID, r.Remark, r.Group, o.ID, o.Remark, o.Group = "", "", "", "", "", ""
	return r == o
}

// check fills defaults in and says what is wrong.
func (r *rule) check() *apiError {
	if r.Direction != "ingress" && r.Direction != "egress" {
		return badBody("rule.direction is not ingress or egress")
	}
	if r.Ethertype == "" {
		r.Ethertype = "IPv4"
	}
	if r.Ports == "" && r.Protocol != "icmp" {
		r.Ports = "1-65535"
	}
	if !slices.Contains([]string{"", "all", "tcp", "udp", "icmp"}, r.Protocol) || !slices.Contains([]string{"IPv4", "IPv6"}, r.Ethertype) {
		return badBody("rule.protocol or rule.ethertype is not known")
	}
	if r.Ports != "" && !goodPorts(r.Ports) {
		return badBody("rule.portRange %q is not a port or a range of ports", r.Ports)
	}
	if !goodSource(r.Source) || !goodSource(r.Dest) || len(r.Remark) > 200 {
		return badBody("rule.sourceIp, rule.destIp or rule.remark is invalid")
	}
	return nil
}

func goodPorts(s string) bool {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	a, err := strconv.Atoi(low)
	b, err2 := strconv.Atoi(high)
	return err == nil && err2 == nil && a >= 1 && a <= b && b <= 65535
}

func goodSource(s string) bool {
	if s == "" || s == "all" {
		return true
	}
	_, err := netip.ParsePrefix(s)
	_, err2 := netip.ParseAddr(s)
	return err == nil || err2 == nil
}

// addGroup makes the default group of a network.
func (c *Cloud) addGroup(account, region, vpc, name string, now time.Time) *group {
	g := &group{meta: c.newMeta("g-", account, region, now), Name: name, VPC: vpc, Default: true}
	for _, d := range []string{"ingress", "egress"} {
		g.add(rule{Direction: d, Ethertype: "IPv4", Protocol: "all", Ports: "1-65535"})
	}
	keep(c, c.groups, g.ID, g)
	return g
}

func (g *group) add(r rule) {
	g.Made++
	r.ID, r.Group = "r-"+shortID(g.Seq<<16|int64(g.Made)), g.ID
	g.Rules = append(g.Rules, r)
}

func (c *Cloud) defaultGroup(vpc string) *group {
	found := c.groups.all(func(g *group) bool { return g.VPC == vpc && g.Default })
	return found[0]
}

func createGroup(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Name  string `json:"name"`
		Desc  string `json:"desc"`
		VPC   string `json:"vpcId"`
		Rules []rule `json:"rules"`
		Tags  []tag  `json:"tags"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if in.VPC == "" {
		in.VPC = c.defaults(q.acct.ID, q.region, q.now).ID
	}
	v, err := c.myVPC(q, in.VPC)
	if err != nil {
		return nil, err
	}
	if !goodName(in.Name) || len(in.Desc) > 200 || len(in.Rules) > 100 {
		return nil, badBody("name, desc or rules is invalid")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	for k := range in.Rules {
		if err := in.Rules[k].check(); err != nil {
			return nil, err
		}
	}
	g := &group{meta: c.newMeta("g-", q.acct.ID, q.region.ID, q.now), Name: in.Name, Desc: in.Desc, VPC: v.ID, Tags: in.Tags}
	for _, r := range in.Rules {
		g.add(r)
	}
	keep(c, c.groups, g.ID, g)
	return map[string]any{"securityGroupId": g.ID}, nil
}

func (g *group) wire() map[string]any {
	rules := g.Rules
	if rules == nil {
		rules = []rule{}
	}
	return map[string]any{
		"id": g.ID, "name": g.Name, "desc": g.Desc, "vpcId": g.VPC, "createdTime": stamp(g.Created), "rules": rules, "tags": showTags(g.Tags),
	}
}

func listGroups(c *Cloud, q *request) (any, *apiError) {
	c.defaults(q.acct.ID, q.region, q.now)
	of := q.str("instanceId")
	rows := c.groups.all(func(g *group) bool {
		if g.Account != q.acct.ID || g.Region != q.region.ID || !q.passes("vpcId", g.VPC) {
			return false
		}
		if i := c.instances.get(of); of != "" && (i == nil || !slices.Contains(i.Groups, g.ID)) {
			return false
		}
		return q.passes("securityGroupId", g.ID) && q.passes("securityGroupIds", g.ID)
	})
	return paged(q, "securityGroups", rows, func(g *group) any { return g.wire() }), nil
}

func (c *Cloud) myGroup(q *request) (*group, *apiError) {
	g := c.groups.get(q.vars[0])
	if g == nil || g.Account != q.acct.ID || g.Region != q.region.ID {
		return nil, noSuch("security group", q.vars[0])
	}
	return g, nil
}

// members is how many instances are in a group.
func (c *Cloud) members(g *group) int {
	return len(c.instances.all(func(i *instance) bool { return slices.Contains(i.Groups, g.ID) }))
}

func getGroup(c *Cloud, q *request) (any, *apiError) {
	g, err := c.myGroup(q)
	if err != nil {
		return nil, err
	}
	out := g.wire()
	out["sgVersion"], out["bindInstanceNum"] = 1, c.members(g)
	return out, nil
}

// ruleBody reads the rule of a change.
func (q *request) ruleBody() (rule, *apiError) {
	var in struct {
		Rule *rule `json:"rule"`
	}
	if err := q.json(&in); err != nil {
		return rule{}, err
	}
	if in.Rule == nil {
		return rule{}, badBody("rule is required")
	}
	return *in.Rule, in.Rule.check()
}

func authorizeRule(c *Cloud, q *request) (any, *apiError) {
	g, err := c.myGroup(q)
	if err != nil {
		return nil, err
	}
	r, err := q.ruleBody()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(g.Rules, r.same) {
		return nil, wrongState("The rule exists already")
	}
	if len(g.Rules) >= 100 {
		return nil, overQuota("rules")
	}
	g.Rules = slices.Clone(g.Rules)
	g.add(r)
	keep(c, c.groups, g.ID, g)
	return empty(), nil
}

func revokeRule(c *Cloud, q *request) (any, *apiError) {
	g, err := c.myGroup(q)
	if err != nil {
		return nil, err
	}
	r, err := q.ruleBody()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(g.Rules, r.same)
	if at < 0 {
		return nil, noSuch("security group rule", r.Direction)
	}
	g.Rules = slices.Delete(slices.Clone(g.Rules), at, at+1)
	keep(c, c.groups, g.ID, g)
	return empty(), nil
}

func deleteGroup(c *Cloud, q *request) (any, *apiError) {
	g, err := c.myGroup(q)
	if err != nil {
		return nil, err
	}
	if g.Default || c.members(g) > 0 {
		return nil, wrongState("The security group is the default one or has instances")
	}
	forget(c, c.groups, g.ID)
	return empty(), nil
}
