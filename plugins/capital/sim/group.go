package sim

import (
	"slices"
	"time"
	"unicode/utf8"
)

// bounds of security groups: groups of an instance, instances of a group,
// rules of a group, groups of an account.
const (
	maxGroups       = 5
	maxMembers      = 2000
	maxRules        = 200
	defaultMaxGroup = 100
)

// group is a security group of one region.
type group struct {
	id, name, note string
	region         *Region
	joined         bool // GroupInterconnected
	created        time.Time
	updated        time.Time
	rules          []*rule
}

// members are the instances of a group.
func (a *account) members(g *group) []*instance {
	return a.instances.list(func(i *instance) bool {
		return slices.ContainsFunc(i.groups, func(b binding) bool { return b.group == g })
	})
}

// needGroup reads a required SecurityGroupId.
func (q *request) needGroup(p *params) *group {
	id := p.need("SecurityGroupId")
	if q.err() != nil {
		return &group{}
	}
	if p == &q.params {
		q.subject = id
	}
	g := q.acct.groups.get(id)
	if g == nil {
		p.fail(noResource(p.path+"SecurityGroupId", id))
		return &group{}
	}
	return g
}

// describeGroups answers everything without a PageSize, or with 0.
func describeGroups(c *Cloud, q *request) (answer, *apiError) {
	region, name := q.optRegion(c), q.str("SecurityGroupName")
	ids := []string{}
	if text := q.str("SecurityGroupId"); text != "" && text[0] == '[' {
		ids = q.texts("SecurityGroupId")
	} else if text != "" {
		ids = append(ids, text)
	}
	all := q.acct.groups.list(func(g *group) bool {
		return (region == nil || g.region.Code == region.Code) && matches(name, g.name) && (len(ids) == 0 || slices.Contains(ids, g.id))
	})
	groups, page := ecsPage(q, all)
	var rows []object // null when there is none
	for _, g := range groups {
		n := len(q.acct.members(g))
		rows = append(rows, object{
			"SecurityGroupId": g.id, "SecurityGroupName": g.name, "SecurityGroupRegion": g.region.Name, "InstanceCount": n,
			"IpCount": maxMembers - n, "SecurityGroupDesc": g.note, "CreatedTime": clock(g.created), "UpdateTime": clock(g.updated),
			"GroupInterconnected": g.joined,
		})
	}
	return answer{data: object{"TotalCount": page.total, "SecurityGroupSet": rows}, page: page}, nil
}

// label reads text of a bounded number of characters.
func (p *params) label(name string, most int) string {
	v := p.str(name)
	if utf8.RuneCountInString(v) > most {
		p.fail(invalid(p.path+name, "is too long"))
	}
	return v
}

func createGroup(c *Cloud, q *request) (answer, *apiError) {
	g := &group{region: q.needRegion(c), name: q.label("SecurityGroupName", 60), note: q.label("SecurityGroupDescription", 128)}
	g.joined, g.created, g.updated = q.flag("GroupInterconnected"), c.at, c.at
	q.need("SecurityGroupName")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	most := defaultMaxGroup
	if c.limits.MaxGroups > 0 {
		most = c.limits.MaxGroups
	}
	if !c.replaying && q.acct.groups.len() >= most {
		return answer{}, refuse(400, codeQuota, "the account may have %d security groups", most)
	}
	g.id = c.newID("sg-")
	q.subject = g.id
	q.acct.groups.add(g.id, g)
	q.acct.buy("sg.name", g.name, 1)
	return answer{data: object{"SecurityGroupId": g.id}}, nil
}

func modifyGroup(c *Cloud, q *request) (answer, *apiError) {
	g := q.needGroup(&q.params)
	name, note, joined := q.label("SecurityGroupName", 60), q.label("SecurityGroupDescription", 128), q.flag("GroupInterconnected")
	hasNote, hasJoined := q.has("SecurityGroupDescription"), q.has("GroupInterconnected")
	switch {
	case q.err() != nil:
		return answer{}, q.err()
	case name == "" && !hasNote && !hasJoined:
		return answer{}, missing("SecurityGroupName, SecurityGroupDescription or GroupInterconnected")
	case name == g.name, hasNote && note == g.note, hasJoined && joined == g.joined:
		return answer{}, invalid("the value", "is the one the group has")
	}
	if name != "" {
		g.name = name
	}
	if hasNote {
		g.note = note
	}
	if hasJoined {
		g.joined = joined
	}
	g.updated = c.at
	return answer{noData: true}, nil
}

func deleteGroup(_ *Cloud, q *request) (answer, *apiError) {
	g := q.needGroup(&q.params)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	if n := len(q.acct.members(g)); n > 0 {
		return answer{}, inUse("%d instances are in the security group", n)
	}
	q.acct.groups.remove(g.id)
	return answer{noData: true}, nil
}

// needMember reads a required id of an instance in the group's region.
func (q *request) needMember(p *params, r *Region) *instance {
	id := p.need("InstanceId")
	if q.err() != nil {
		return &instance{}
	}
	i := q.acct.instances.get(id)
	if i == nil || i.zone.region.Code != r.Code {
		p.fail(noResource(p.path+"InstanceId", id))
		return &instance{}
	}
	return i
}

// regroup is what one call does to the groups of an instance.
type regroup struct {
	on     *instance
	groups []binding
}

func associateGroups(c *Cloud, q *request) (answer, *apiError) {
	g, r := q.needGroup(&q.params), q.needRegion(c)
	changes := []regroup{}
	for _, p := range q.needObjs("InstanceSet") {
		i := q.needMember(p, r)
		b := binding{g, p.needNum("SecurityGroupPriority", 1, maxGroups)}
		if err := q.err(); err != nil {
			return answer{}, err
		}
		if slices.ContainsFunc(i.groups, func(o binding) bool { return o.group == g || o.priority == b.priority }) {
			return answer{}, inUse("instance %q has the security group or the priority already", i.id)
		}
		if slices.ContainsFunc(changes, func(o regroup) bool { return o.on == i }) {
			return answer{}, invalid("InstanceSet", "names an instance twice")
		}
		changes = append(changes, regroup{i, sorted(append(slices.Clone(i.groups), b))})
	}
	switch {
	case q.err() != nil:
		return answer{}, q.err()
	case g.region.Code != r.Code:
		return answer{}, noResource("SecurityGroupId", g.id)
	case len(q.acct.members(g))+len(changes) > maxMembers:
		return answer{}, refuse(400, codeQuota, "a security group has at most %d instances", maxMembers)
	}
	for _, ch := range changes {
		ch.on.groups = ch.groups
	}
	return answer{noData: true}, nil
}

func sorted(all []binding) []binding {
	slices.SortFunc(all, func(a, b binding) int { return a.priority - b.priority })
	return all
}

func disassociateGroups(_ *Cloud, q *request) (answer, *apiError) {
	g, ids := q.needGroup(&q.params), q.needStrs("InstanceIds")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	changes := []regroup{}
	for _, id := range ids {
		i := q.acct.instances.get(id)
		if i == nil || !slices.ContainsFunc(i.groups, func(b binding) bool { return b.group == g }) {
			return answer{}, noResource("InstanceIds", id)
		}
		if len(i.groups) == 1 {
			return answer{}, inUse("it is the last security group of instance %q", id)
		}
		left := slices.DeleteFunc(slices.Clone(i.groups), func(b binding) bool { return b.group == g })
		changes = append(changes, regroup{i, left})
	}
	for _, ch := range changes {
		ch.on.groups = ch.groups
	}
	return answer{noData: true}, nil
}

// prioritizeGroups replaces the whole set of an instance.
func prioritizeGroups(c *Cloud, q *request) (answer, *apiError) {
	i := q.needMember(&q.params, q.needRegion(c))
	set := []binding{}
	for _, p := range q.needObjs("SecurityGroupSet") {
		b := binding{q.needGroup(p), p.needNum("Priority", 1, maxGroups)}
		if q.err() == nil && slices.ContainsFunc(set, func(o binding) bool { return o.group == b.group || o.priority == b.priority }) {
			p.fail(invalid("SecurityGroupSet", "names a security group or a priority twice"))
		}
		if q.err() == nil && b.group.region.Code != i.zone.region.Code {
			p.fail(noResource(p.path+"SecurityGroupId", b.group.id))
		}
		set = append(set, b)
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	i.groups = sorted(set)
	return answer{noData: true}, nil
}

func groupStatistics(_ *Cloud, q *request) (answer, *apiError) {
	g := q.needGroup(&q.params)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows := []object{}
	for _, i := range q.acct.members(g) {
		rows = append(rows, object{
			"InstanceName": i.name, "InstanceId": i.id, "Region": i.zone.region.Name, "Az": i.zone.Name,
			"Vpc": i.subnet.vpc.name, "Ip": i.ip.String(),
		})
	}
	return answer{data: object{"InstanceCount": len(rows), "InstanceStatistics": rows}}, nil
}
