package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// The types of firewalls as they are on the wire.
const (
	fwOwn    = "user defined"
	fwWeb    = "recommend web"
	fwNotWeb = "recommend non web"
)

// firewall is what the original API calls a security group.
type firewall struct {
	place
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Tag     string   `json:"tag"`
	Remark  string   `json:"remark,omitempty"`
	Type    string   `json:"type"`
	Rules   []fwRule `json:"rules"`
	Created int64    `json:"created"`
}

func (f *firewall) ident() string { return f.ID }

// recommended are the two firewalls that every project has in every region.
// They cannot change, so they are made up each time.
func recommended(p place) []*firewall {
	made := func(kind, name string, ports ...string) *firewall {
		sum := sha256.Sum256([]byte(strings.Join([]string{p.Account, p.Project, p.Region, kind}, "\x00")))
		f := &firewall{place: p, ID: "firewall-" + hex.EncodeToString(sum[:4]), Name: name, Tag: "Default", Type: kind, Created: 1600000000}
		for _, port := range ports {
			f.Rules = append(f.Rules, fwRule{Protocol: "TCP", Port: port, Source: "0.0.0.0/0", Action: "ACCEPT", Priority: "MEDIUM"})
		}
		f.Rules = append(f.Rules, fwRule{Protocol: "ICMP", Source: "0.0.0.0/0", Action: "ACCEPT", Priority: "MEDIUM"})
		return f
	}
	return []*firewall{
		made(fwWeb, "Web recommended", "22", "80", "443", "3389"),
		made(fwNotWeb, "Non web recommended", "22", "3389"),
	}
}

// firewallsOf returns all firewalls of the caller's scope, the recommended first.
func (c *Cloud) firewallsOf(q *request) []*firewall {
	return append(recommended(q.place()), c.firewalls.of(q.key())...)
}

// firewallOf reads FWId and finds the firewall.
func (c *Cloud) firewallOf(q *request) (*firewall, *retError) {
	id := q.need("FWId")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	return c.firewallNamed(q, id)
}

func (c *Cloud) firewallNamed(q *request, id string) (*firewall, *retError) {
	all := c.firewallsOf(q)
	i := slices.IndexFunc(all, func(f *firewall) bool { return f.ID == id })
	if i < 0 {
		return nil, refuse(codeNoSuchFirewall, "firewall does not exist")
	}
	return all[i], nil
}

// guard is the firewall of a host; none was chosen: the recommended for web.
func (c *Cloud) guard(h *host) string {
	if h.Firewall != "" {
		return h.Firewall
	}
	return recommended(place{h.Account, h.Project, h.Region})[0].ID
}

// guarded are the hosts behind a firewall.
func (c *Cloud) guarded(q *request, id string) []*host {
	var out []*host
	for _, h := range c.scopeOf(q.key()).hosts {
		if c.guard(h) == id {
			out = append(out, h)
		}
	}
	return out
}

func createFirewall(c *Cloud, q *request) (answer, *retError) {
	f := &firewall{
		place: q.place(), Name: q.need("Name"), Tag: q.label("Tag", "Default"), Remark: q.text("Remark"),
		Type: fwOwn, Rules: q.rules(), Created: q.now.Unix(),
	}
	q.subject = short(f.Tag)
	q.label("Name", "x")
	if q.err != nil {
		return nil, q.err
	}
	if c.nameTaken(q, f.Name, "") {
		return nil, refuse(codeFirewallName, "firewall name exists")
	}
	if c.limits.MaxFirewalls > 0 && len(c.firewalls.of(q.key())) >= c.limits.MaxFirewalls {
		return nil, refuse(codeEIPQuota, "firewall quota is not enough")
	}
	f.ID = newID("firewall", c.nextSeq())
	c.keepFirewall(f)
	return answer{"FWId": f.ID}, nil
}

func (c *Cloud) keepFirewall(f *firewall) {
	c.firewalls.put(f)
	c.tx.Firewalls = append(c.tx.Firewalls, f)
}

func (c *Cloud) nameTaken(q *request, name, but string) bool {
	return slices.ContainsFunc(c.firewallsOf(q), func(o *firewall) bool { return o.Name == name && o.ID != but })
}

func describeFirewalls(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.num("Offset", 0, 0, 1<<30), q.num("Limit", 20, 1, 10_000_000)
	id, resource := q.values["FWId"], q.values["ResourceId"]
	q.subject = short(id)
	if resource != "" {
		q.guardedKind()
	}
	if q.err != nil {
		return nil, q.err
	}
	all := c.firewallsOf(q)
	if id != "" {
		f, err := c.firewallNamed(q, id)
		if err != nil {
			return nil, err
		}
		all = []*firewall{f}
	}
	if resource != "" {
		h := c.hostIn(q, resource)
		all = slices.DeleteFunc(all, func(f *firewall) bool { return h == nil || c.guard(h) != f.ID })
	}
	rows := []answer{}
	for _, f := range pageOf(all, offset, limit) {
		rows = append(rows, c.firewallRow(q, f))
	}
	return answer{"TotalCount": len(all), "DataSet": rows}, nil
}

func (c *Cloud) firewallRow(q *request, f *firewall) answer {
	rules := []answer{}
	for _, r := range f.Rules {
		rules = append(rules, answer{
			"SrcIP": r.Source, "DstPort": r.Port, "ProtocolType": r.Protocol, "RuleAction": r.Action,
			"Priority": r.Priority, "Remark": r.Remark,
		})
	}
	return answer{
		"FWId": f.ID, "GroupId": strings.TrimPrefix(f.ID, "firewall-"), "Name": f.Name, "Tag": f.Tag, "Remark": f.Remark,
		"ResourceCount": len(c.guarded(q, f.ID)), "CreateTime": f.Created, "Type": f.Type, "Rule": rules,
	}
}

// changed is the newer version of a firewall that may be changed.
func (f *firewall) changed() (*firewall, *retError) {
	if f.Type != fwOwn {
		return nil, refuse(codeFirewallFixed, "recommended firewalls cannot be changed")
	}
	next := *f
	next.Rules = slices.Clone(f.Rules)
	return &next, nil
}

func updateFirewall(c *Cloud, q *request) (answer, *retError) {
	f, err := c.firewallOf(q)
	if err != nil {
		return nil, err
	}
	rules := q.rules()
	if q.err != nil {
		return nil, q.err
	}
	next, err := f.changed()
	if err != nil {
		return nil, err
	}
	next.Rules = rules
	c.keepFirewall(next)
	return answer{"FWId": f.ID}, nil
}

func updateFirewallAttribute(c *Cloud, q *request) (answer, *retError) {
	name, tag, remark := q.label("Name", "x"), q.label("Tag", "Default"), q.text("Remark")
	given := func(field string) bool { return q.values[field] != "" }
	if !given("Name") && !given("Tag") && !given("Remark") {
		q.fail(missing("Name"))
	}
	f, err := c.firewallOf(q)
	if err != nil {
		return nil, err
	}
	next, err := f.changed()
	switch {
	case err != nil:
		return nil, err
	case given("Name") && c.nameTaken(q, name, f.ID):
		return nil, refuse(codeFirewallName, "firewall name exists")
	}
	if given("Name") {
		next.Name = name
	}
	if given("Tag") {
		next.Tag = tag
	}
	if given("Remark") {
		next.Remark = remark
	}
	c.keepFirewall(next)
	return answer{"FWId": f.ID}, nil
}

func describeFirewallResources(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 1000)
	f, err := c.firewallOf(q)
	if err != nil {
		return nil, err
	}
	all := c.guarded(q, f.ID)
	rows := []answer{}
	for _, h := range pageOf(all, offset, limit) {
		rows = append(rows, answer{
			"ResourceID": h.ID, "ResourceType": kindHost, "Name": h.Name, "PrivateIP": privateIP(h.Seq),
			"Remark": h.Remark, "Status": 1, "Tag": h.Tag, "Zone": zoneNumber(q.region, h.Zone),
		})
	}
	return answer{"TotalCount": len(all), "ResourceSet": rows}, nil
}

// zoneNumber is a zone in this one answer, which has a number instead of a name.
func zoneNumber(r *Region, zone string) int { return r.ID*10 + slices.Index(r.Zones, zone) }

// guardedKind reads ResourceType; only hosts are simulated.
func (q *request) guardedKind() {
	if kind := q.str("ResourceType", kindHost); !strings.EqualFold(kind, kindHost) {
		q.fail(notAvailable("ResourceType"))
	}
}

// grantFirewall puts a host behind a firewall, in the place of the one before.
func grantFirewall(c *Cloud, q *request) (answer, *retError) {
	q.need("ResourceType")
	q.guardedKind()
	id := q.need("ResourceId")
	f, err := c.firewallOf(q)
	if err != nil {
		return nil, err
	}
	h := c.hostIn(q, id)
	if h == nil {
		return nil, refuse(codeNoSuchEIP, "resource does not exist")
	}
	h.Firewall = f.ID
	c.tx.Hosts = append(c.tx.Hosts, h)
	return answer{}, nil
}

// disassociateFirewall works for load balancers only, and there are none here.
func disassociateFirewall(c *Cloud, q *request) (answer, *retError) {
	q.need("ResourceType")
	q.need("ResourceId")
	if _, err := c.firewallOf(q); err != nil {
		return nil, err
	}
	return nil, notAvailable("ResourceType")
}

func deleteFirewall(c *Cloud, q *request) (answer, *retError) {
	f, err := c.firewallOf(q)
	if err != nil {
		return nil, err
	}
	if f.Type != fwOwn {
		return nil, refuse(codeFirewallFixed, "recommended firewalls cannot be deleted")
	}
	if len(c.guarded(q, f.ID)) > 0 {
		return nil, refuse(codeFirewallInUse, "firewall is in use")
	}
	c.firewalls.drop(f.ID)
	c.tx.GoneFirewalls = append(c.tx.GoneFirewalls, f.ID)
	return answer{}, nil
}
