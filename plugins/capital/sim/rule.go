package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rule lets traffic of a security group pass, or not.
type rule struct {
	id, note string
	ingress  bool
	protocol string // tcp, udp or icmp
	port     string // from/to
	cidr     string
	priority int
	allow    bool
}

// same tells whether two rules say the same, whatever their notes.
func (r *rule) same(o *rule) bool {
	return r.ingress == o.ingress && r.protocol == o.protocol && r.port == o.port && r.cidr == o.cidr &&
		r.priority == o.priority && r.allow == o.allow
}

// readRule reads a new rule.
func readRule(p *params, ingress bool) *rule {
	return &rule{
		ingress: ingress, protocol: p.protocol(), port: p.port(p.need("Port")), cidr: p.cidr(p.need("CidrBlock")),
		priority: p.needNum("Priority", 1, 100), allow: p.needFlag("Status"), note: p.label("PolicyDescription", 128),
	}
}

func (p *params) protocol() string {
	v := strings.ToLower(p.need("Protocol"))
	if v != "" && !slices.Contains([]string{"tcp", "udp", "icmp"}, v) {
		p.fail(invalid(p.path+"Protocol", "must be TCP, UDP or ICMP"))
	}
	return v
}

// port takes from/to; for icmp it is 1/1.
func (p *params) port(text string) string {
	from, to, ok := strings.Cut(text, "/")
	lo, err1 := strconv.Atoi(from)
	hi, err2 := strconv.Atoi(to)
	if text != "" && (!ok || err1 != nil || err2 != nil || lo < 1 || hi > 65535 || lo > hi) {
		p.fail(invalid(p.path+"Port", "must be from/to, such as 22/22"))
	}
	return text
}

func (p *params) cidr(text string) string {
	if text == "" {
		return ""
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return text
	}
	if _, err := netip.ParsePrefix(text); err != nil {
		p.fail(invalid(p.path+"CidrBlock", "must be an address or a network"))
	}
	return text
}

// readRules reads SecurityGroupPolicySet and refuses rules that say what
// another one does.
func readRules(c *Cloud, q *request, have []*rule) []*rule {
	set := q.needObj("SecurityGroupPolicySet")
	out := []*rule{}
	for _, direction := range []string{"Ingress", "Egress"} {
		for _, p := range set.objs(direction) {
			r := readRule(p, direction == "Ingress")
			if q.err() == nil && slices.ContainsFunc(slices.Concat(have, out), r.same) {
				p.fail(inUse("%s says what another rule does", strings.TrimSuffix(p.path, ".")))
			}
			out = append(out, r)
		}
	}
	if q.err() == nil && len(out) == 0 {
		q.fail(missing("SecurityGroupPolicySet.Ingress or Egress"))
	}
	if len(have)+len(out) > maxRules {
		q.fail(refuse(400, codeQuota, "a security group has at most %d rules", maxRules))
	}
	if q.err() != nil {
		return nil
	}
	for _, r := range out {
		r.id = c.newID("sp-")
	}
	return out
}

func createRules(c *Cloud, q *request) (answer, *apiError) {
	g := q.needGroup(&q.params)
	rules := readRules(c, q, g.rules)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	g.rules, g.updated = append(g.rules, rules...), c.at
	return answer{noData: true}, nil
}

func describeRules(_ *Cloud, q *request) (answer, *apiError) {
	g := q.needGroup(&q.params)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	in, out := []object{}, []object{}
	for _, r := range g.rules {
		row := object{
			"PolicyID": r.id, "SecurityGroupId": g.id, "Protocol": r.protocol, "Port": r.port, "CidrBlock": r.cidr,
			"Priority": r.priority, "Status": r.allow, "PolicyDescription": r.note,
		}
		if r.ingress {
			in = append(in, row)
		} else {
			out = append(out, row)
		}
	}
	return answer{data: object{"SecurityGroupId": g.id, "SecurityGroupPolicySet": object{"Ingress": in, "Egress": out}}}, nil
}

// deleteRules with an empty list deletes every rule, as the vendor says.
func deleteRules(c *Cloud, q *request) (answer, *apiError) {
	g, ids := q.needGroup(&q.params), q.strs("PolicyIds")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(g.rules, func(r *rule) bool { return r.id == id }) {
			return answer{}, noResource("PolicyIds", id)
		}
	}
	g.rules = slices.DeleteFunc(g.rules, func(r *rule) bool { return len(ids) == 0 || slices.Contains(ids, r.id) })
	g.updated = c.at
	return answer{noData: true}, nil
}

// modifyRules replaces all rules, or changes those that are named.
func modifyRules(c *Cloud, q *request) (answer, *apiError) {
	g, reset := q.needGroup(&q.params), q.needFlag("Reset")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	var rules []*rule
	if reset {
		rules = readRules(c, q, nil)
	} else {
		rules = changedRules(q, g)
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	g.rules, g.updated = rules, c.at
	return answer{noData: true}, nil
}

// changedRules are the group's rules with the changes made.
func changedRules(q *request, g *group) []*rule {
	set := q.needObj("SecurityGroupPolicySet")
	out, changed := slices.Clone(g.rules), 0
	for _, direction := range []string{"Ingress", "Egress"} {
		for _, p := range set.objs(direction) {
			id := p.need("PolicyId")
			n := slices.IndexFunc(out, func(r *rule) bool { return r.id == id && r.ingress == (direction == "Ingress") })
			if q.err() == nil && n < 0 {
				p.fail(noResource(p.path+"PolicyId", id))
			}
			if q.err() != nil {
				return nil
			}
			r := changedRule(p, out[n])
			if r.same(out[n]) && r.note == out[n].note {
				p.fail(invalid(strings.TrimSuffix(p.path, "."), "changes nothing"))
			}
			out[n] = r
			changed++
		}
	}
	if q.err() == nil && changed == 0 {
		q.fail(missing("SecurityGroupPolicySet.Ingress or Egress"))
	}
	return out
}

func changedRule(p *params, was *rule) *rule {
	r := *was
	if p.has("Protocol") {
		r.protocol = p.protocol()
	}
	if p.has("Port") {
		r.port = p.port(p.need("Port"))
	}
	if p.has("CidrBlock") {
		r.cidr = p.cidr(p.need("CidrBlock"))
	}
	r.priority = p.num("Priority", r.priority, 1, 100)
	if p.has("Status") {
		r.allow = p.flag("Status")
	}
	if p.has("PolicyDescription") {
		r.note = p.label("PolicyDescription", 128)
	}
	return &r
}
