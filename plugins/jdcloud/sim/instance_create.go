package sim

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var (
	instanceName = regexp.MustCompile(`^[\p{Han}A-Za-z0-9_\-.\[\]]{2,128}$`)
	numberedName = regexp.MustCompile(`\[([0-9]+)\]`)
)

// instanceOrder is a checked CreateInstances.
type instanceOrder struct {
	proto    instance
	typ      *instanceType
	image    *imageView
	password string
	system   *diskSpec // nil for a local system disk
	data     []diskSpec
	network  networkSpec
	eip      *eipSpec
	count    int
	token    string
	charge   charge
}

// networkSpec is where an instance's primary interface goes.
type networkSpec struct {
	subnet *subnet
	groups []string
	ip     string
}

func createInstances(c *Cloud, q *request) (answer, *apiError) {
	token := q.limited("clientToken", 64)
	q.subject = token
	if q.failed() != nil {
		return nil, q.failed()
	}
	if ids, err := c.repeated(q, token); err != nil || ids != nil {
		return answer{"instanceIds": ids}, err
	}
	o := c.readInstances(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	o.token = token
	n, err := c.deliverable(q, o)
	if err != nil {
		return nil, err
	}
	if c.instancesCost(q, o)*Fen(n) > q.acct.books.Balance {
		return nil, noBalance()
	}
	ids := c.deliver(q, o, n)
	c.noteToken(q, token, ids)
	return answer{"instanceIds": ids}, nil
}

// readInstances checks every parameter.
func (c *Cloud) readInstances(q *request) *instanceOrder {
	o := &instanceOrder{count: q.num("maxCount", 1, 1, 100)}
	s := q.needObj("instanceSpec")
	if q.failed() != nil {
		return o
	}
	o.charge = s.chargeSpec("charge", charge{Mode: postpaid}, prepaid, postpaid)
	o.proto = instance{
		place: q.here(), AZ: c.zone(q, &s, "az"), Name: s.matching("name", instanceName), Hostname: s.limited("hostname", 64),
		Description: s.limited("description", 256), Type: s.need("instanceType"), ImageID: s.need("imageId"),
		Tags: s.userTags("userTags"), Group: s.str("resourceGroupId", ""), KeyNames: s.list("keyNames"),
		OnStopped: s.oneOf("chargeOnStopped", "keepCharging", "keepCharging", "stopCharging"),
	}
	if q.subject == "" {
		q.subject = o.proto.Name
	}
	o.typ, o.image = c.types[o.proto.Type], c.imageOf(q.acct.Name, q.region, o.proto.ImageID)
	c.checkMachine(q, &s, o)
	if q.failed() != nil {
		return o
	}
	o.password = s.password("password", false)
	c.readSystemDisk(&s, o)
	c.readDataDisks(q, &s, o)
	o.network = c.readNetwork(q, &s)
	o.eip = c.readBundledEIP(q, &s, o)
	s.userdata()
	return o
}

func (c *Cloud) checkMachine(q *request, s *params, o *instanceOrder) {
	if o.typ == nil && q.failed() == nil {
		s.fail(invalid(s.at("instanceType"), "there is no such instance type"))
	}
	if o.image == nil && q.failed() == nil {
		s.fail(notFound("image", o.proto.ImageID))
	}
	if q.failed() != nil {
		return
	}
	if o.image.Status != imageReady {
		s.fail(precondition("image '%s' is %s", o.image.ID, o.image.Status))
	}
	if o.image.Architecture != o.typ.architecture {
		s.fail(invalid(s.at("imageId"), "its architecture does not fit the instance type"))
	}
	if len(o.proto.KeyNames) > 1 {
		s.fail(invalid(s.at("keyNames"), "at most one key pair is allowed"))
	}
	for _, k := range o.proto.KeyNames {
		if c.keypairOf(q, k) == nil {
			s.fail(notFound("keypair", k))
		}
	}
}

func (c *Cloud) readSystemDisk(s *params, o *instanceOrder) {
	d, _ := s.obj("systemDisk")
	if d.oneOf("diskCategory", "local", "local", "cloud") == "local" {
		o.proto.LocalGB = o.image.SizeGB
		return
	}
	spec := d.needObj("cloudDiskSpec")
	o.system = &diskSpec{name: o.proto.Name + "-system", az: o.proto.AZ, system: true}
	o.system.kind = spec.diskType("diskType", "ssd.gp1")
	o.system.size = spec.diskSize("diskSizeGB", o.image.SizeGB, o.system.kind)
	spec.sameZone(o.proto.AZ)
	if o.system.size < o.image.SizeGB {
		s.fail(invalid(spec.at("diskSizeGB"), "the disk is smaller than the image"))
	}
}

// sameZone refuses an az that is not the instance's; an empty one is none.
func (p *params) sameZone(az string) {
	if got := p.str("az", az); got != az {
		p.fail(invalid(p.at("az"), "it is not the az of the instance"))
	}
}

func (c *Cloud) readDataDisks(q *request, s *params, o *instanceOrder) {
	list := s.objs("dataDisks")
	if o.typ != nil && len(list) > o.typ.disks {
		s.fail(invalid(s.at("dataDisks"), "the instance type takes fewer disks"))
		return
	}
	for i, d := range list {
		d.oneOf("diskCategory", "cloud", "cloud")
		spec := d.needObj("cloudDiskSpec")
		if q.failed() != nil {
			return
		}
		spec.sameZone(o.proto.AZ)
		one := c.readDiskSpec(q, &spec, o.proto.AZ, fmt.Sprintf("%s-data-%d", o.proto.Name, i+1), o.charge)
		one.autoDelete = d.flag("autoDelete", true)
		if one.charge.Mode != o.charge.Mode {
			s.fail(invalid(spec.at("charge"), "its charge mode is not the instance's"))
		}
		o.data = append(o.data, one)
	}
}

func (c *Cloud) readNetwork(q *request, s *params) networkSpec {
	primary := s.needObj("primaryNetworkInterface")
	n := primary.needObj("networkInterface")
	if q.failed() != nil {
		return networkSpec{}
	}
	out := networkSpec{subnet: c.subnetOf(q, n.need("subnetId")), groups: n.list("securityGroups"), ip: n.str("primaryIpAddress", "")}
	if out.subnet == nil {
		s.fail(notFound("subnet", n.str("subnetId", "")))
		return out
	}
	out.groups = c.checkGroups(q, &n, "securityGroups", out.groups, out.subnet.VPC)
	c.checkIP(&n, "primaryIpAddress", out.subnet, out.ip)
	return out
}

func (c *Cloud) readBundledEIP(q *request, s *params, o *instanceOrder) *eipSpec {
	p, ok := s.obj("elasticIp")
	if !ok {
		return nil
	}
	return p.eipSpec("chargeSpec", o.charge, q)
}

// userdata checks the launch script.
func (p *params) userdata() {
	for _, u := range p.objs("userdata") {
		u.oneOf("key", "", "launch-script")
		if v := u.need("value"); len(v) > 32<<10 {
			p.fail(invalid(u.at("value"), "it is too long"))
		} else if _, err := base64.StdEncoding.DecodeString(v); err != nil {
			p.fail(invalid(u.at("value"), "it is not base64"))
		}
	}
}

// password reads a password: 8 to 30 characters of at least three classes,
// without the words the vendor bans.
func (p *params) password(name string, needed bool) string {
	v, ok := p.text(name)
	if !ok {
		if needed {
			p.fail(missing(p.at(name)))
		}
		return ""
	}
	if !goodPassword(v) {
		p.fail(invalid(p.at(name), "it does not meet the rules for passwords"))
	}
	return v
}

func goodPassword(v string) bool {
	if len(v) < 8 || len(v) > 30 {
		return false
	}
	var lower, upper, digit, symbol int
	for _, r := range v {
		switch {
		case r > unicode.MaxASCII || r <= ' ':
			return false
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			symbol = 1
		}
	}
	small := strings.ToLower(v)
	for _, banned := range []string{"jd", "cloud", "password"} {
		if strings.Contains(small, banned) {
			return false
		}
	}
	return lower+upper+digit+symbol >= 3
}

// deliverable is how many instances stock and quota allow: short stock makes
// fewer, an exceeded quota is an error.
func (c *Cloud) deliverable(q *request, o *instanceOrder) (int, *apiError) {
	if c.limits.MaxHosts > 0 && len(c.instancesIn(q))+o.count > c.limits.MaxHosts {
		return 0, quota("instances")
	}
	n := o.count
	if left, bounded := c.stockLeft(o.proto.AZ, o.proto.Type); bounded {
		n = min(n, left)
	}
	if n == 0 {
		return 0, soldOut()
	}
	if o.eip != nil {
		if err := c.eipQuota(q, n); err != nil {
			return 0, err
		}
	}
	if q.plan.Has(KindFewer) && n > 1 {
		n--
	}
	return n, o.network.subnet.room(c, n)
}

// stockLeft is how many more instances fit; the second result is false when there is no bound.
func (c *Cloud) stockLeft(zone, machineType string) (int, bool) {
	for _, s := range c.limits.Stock {
		if s.Zone == zone && s.MachineType == machineType {
			living := c.instances.where(func(h *instance) bool { return h.AZ == zone && h.Type == machineType })
			return max(s.Count-len(living), 0), true
		}
	}
	return 0, false
}

// vmMonth is what an instance costs the account a month, with its system disk.
func (o *instanceOrder) vmMonth(a *account) Fen {
	list := o.typ.month
	if o.system != nil {
		list += o.system.list()
	}
	return percentOf(list, a.PricePercent)
}

// instancesCost is what one instance of the order costs now.
func (c *Cloud) instancesCost(q *request, o *instanceOrder) Fen {
	sum := o.charge.price(o.vmMonth(q.acct))
	for _, d := range o.data {
		sum += d.charge.price(d.month(q.acct))
	}
	if o.eip != nil {
		sum += o.eip.charge.price(o.eip.month(q.acct))
	}
	return sum
}

// deliver makes n instances, pays them and returns their ids.
func (c *Cloud) deliver(q *request, o *instanceOrder, n int) []string {
	ids, names := []string{}, []string{}
	ord := c.newOrder(q.acct.Name, q.region, orderNew, o.charge, q.now)
	for i := range n {
		h := c.buildInstance(q, o, i, ord)
		ids, names = append(ids, h.ID), append(names, h.Name)
	}
	if o.charge.Mode == prepaid {
		c.orders.put(ord.Number, ord)
	}
	if o.count == 1 || !numberedName.MatchString(o.proto.Name) {
		names = []string{o.proto.Name}
	}
	c.notePurchase(purchase{Kind: kindInstance, Names: names, Tags: o.proto.Tags, Token: o.token, Resources: n})
	return ids
}

func (c *Cloud) buildInstance(q *request, o *instanceOrder, i int, ord *order) *instance {
	one := o.proto
	h := &one
	h.ID = c.newID("i")
	h.Name = nameOf(o.proto.Name, i)
	h.Secret = digest(h.ID, o.password)
	h.NIC = c.makeNIC(q, o.network, h.AZ, h.ID).ID
	failing := q.plan.Has(KindInstallFail)
	if failing {
		h.lease = lease{Created: q.now.Unix(), Charge: charge{Mode: postpaid}, Expires: 0}
		c.change(h, h.become(q.now, c.transition(), statePending, stateError, stateGone))
		ord.Items = append(ord.Items, orderItem{Resource: h.ID, Service: serviceVM, Failed: true})
		return h
	}
	c.change(h, h.become(q.now, c.transition(), statePending, stateRunning))
	h.lease = open(o.charge, o.vmMonth(q.acct), ord.Number, q.now)
	c.pay(&h.lease, h.billRow(), ord, q)
	c.buildExtras(q, o, h, ord)
	return h
}

// buildExtras makes the disks and the address that come with an instance.
func (c *Cloud) buildExtras(q *request, o *instanceOrder, h *instance, ord *order) {
	if o.system != nil {
		d := c.makeDisk(q, *o.system, nil)
		d.lease = lease{Charge: h.Charge, Created: h.Created}
		c.attachNow(d, h, "vda")
		h.SystemDisk = d.ID
	}
	for n, spec := range o.data {
		d := c.makeDisk(q, spec, ord)
		c.attachNow(d, h, device(n+1))
	}
	if o.eip != nil {
		e := c.makeEIP(q, *o.eip, ord)
		c.bindEIP(e, c.nics.get(h.NIC), q)
	}
	c.instances.put(h.ID, h)
}

// pay opens the books for a new lease: a prepaid one is charged and written
// into the order.
func (c *Cloud) pay(l *lease, b bill, ord *order, q *request) {
	if l.Expires != 0 {
		c.wakeAt(b.Resource, q.now)
	}
	if !l.prepaid() {
		return
	}
	t := l.Terms[len(l.Terms)-1]
	ord.item(b.Resource, b.Service, t.Paid, 0, t.To)
	b.Action, b.Start, b.End, b.Order = actionNew, t.From, t.To, ord.Number
	c.charge(b, t.Paid, q.now)
}

// nameOf counts the [001] of a batch name up.
func nameOf(name string, i int) string {
	m := numberedName.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	var first int
	_, _ = fmt.Sscanf(m[1], "%d", &first)
	return strings.Replace(name, m[0], fmt.Sprintf("%0*d", len(m[1]), first+i), 1)
}
