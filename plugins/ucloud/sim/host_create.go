package sim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxDisks bounds the disks of one host.
const maxDisks = 16

// order is a checked CreateUHostInstance.
type order struct {
	spec      *hostSpec
	image     *Image
	name, tag string
	password  string
	charge    string
	quantity  int
	count     int
	eip       *eipOrder // nil without a public address
	firewall  string    // empty for the recommended one
	vpc       string
	subnet    string
}

func createHosts(c *Cloud, q *request) (answer, *retError) {
	o, err := c.readOrder(q)
	if err != nil {
		return nil, err
	}
	n, err := c.deliverable(q, o)
	if err != nil {
		return nil, err
	}
	_, unit := c.unitPrices(q.acct, o.spec, o.charge)
	each := q.whole(o.charge, unit.total(), o.quantity, 1)
	if o.eip != nil {
		each += q.whole(o.charge, o.eip.unit(q.acct, o.charge), o.quantity, 1)
	}
	if each*Fen(n) > q.acct.books.Balance {
		return nil, refuse(codeHostBalance, "balance is not enough to pay the order")
	}
	return c.deliver(q, o, n, unit.total()), nil
}

// deliver makes n hosts, pays them and returns their ids.
func (c *Cloud) deliver(q *request, o *order, n int, unit Fen) answer {
	ids, ips := []string{}, []string{}
	orderNo := c.newOrderNo()
	for i := range n {
		h := c.buildHost(q, o, i, unit, orderNo)
		ids = append(ids, h.ID)
		if o.eip != nil {
			e := c.allocate(q, o.eip, o.charge, o.quantity, orderNo)
			c.attach(e, h, q)
			ips = append(ips, e.Addr)
		}
	}
	out := answer{"UHostIds": ids}
	if n == 1 {
		if len(ips) == 0 {
			ips = []string{privateIP(c.hosts[ids[0]].Seq)}
		}
		out["IPs"] = ips
	}
	return out
}

func (c *Cloud) buildHost(q *request, o *order, i int, unit Fen, orderNo string) *host {
	seq := c.nextSeq()
	spec := *o.spec
	spec.Disks = slices.Clone(spec.Disks)
	h := &host{
		Seq: seq, ID: newID("uhost", seq), Account: q.acct.Name, Project: q.project,
		Region: q.region.Name, Zone: q.zone, Name: o.name, Tag: o.tag, Spec: spec,
		Firewall: o.firewall, VPC: o.vpc, Subnet: o.subnet,
		hidden: c.cfg.HideNewHostPolls,
	}
	if o.count > 1 {
		h.Name = numbered(o.name, i+1)
	}
	h.Secret = digest(h.ID, o.password)
	if q.plan.Has(KindInstallFail) {
		h.become(q.now, c.transition(), stateInitializing, stateInstallFail)
	} else {
		h.become(q.now, c.transition(), stateInitializing, stateStarting, stateRunning)
	}
	var cost Fen
	h.lease, cost = newLease(o.charge, unit, o.quantity, q.now)
	c.putHost(h)
	b := h.billRow()
	b.OrderNo, b.OrderType, b.Start, b.End = orderNo, orderBuy, h.Created, h.Expires
	c.charge(q.acct, b, cost, q.now)
	c.tx.Hosts = append(c.tx.Hosts, h)
	return h
}

func numbered(name string, n int) string {
	suffix := "-" + strconv.Itoa(n)
	runes := []rune(name)
	return string(runes[:min(len(runes), 63-len(suffix))]) + suffix
}

// deliverable is how many hosts stock and quota allow: short stock makes
// fewer, an exceeded quota is an error.
func (c *Cloud) deliverable(q *request, o *order) (int, *retError) {
	if c.limits.MaxHosts > 0 && c.hostCount(q)+o.count > c.limits.MaxHosts {
		return 0, refuse(codeHostQuota, "UHost quota is not enough")
	}
	n := o.count
	if left, bounded := c.stockLeft(q.zone, o.spec.MachineType); bounded {
		n = min(n, left)
	}
	if n == 0 {
		return 0, refuse(codeSoldOut, "Resource is sold out")
	}
	if o.eip != nil {
		if err := c.eipQuota(q, n); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// hostCount counts the account's hosts in the region, over all projects.
func (c *Cloud) hostCount(q *request) int {
	n := 0
	for _, p := range q.acct.Projects {
		k := q.key()
		k.project = p.ID
		n += len(c.scopeOf(k).hosts)
	}
	return n
}

// readOrder checks every parameter of CreateUHostInstance.
func (c *Cloud) readOrder(q *request) (*order, *retError) {
	o := &order{
		spec:   &hostSpec{ImageID: q.need("ImageId")},
		name:   q.label("Name", "UHost"),
		tag:    q.label("Tag", "Default"),
		charge: q.chargeType(chargeMonth),
		count:  q.num("MaxCount", 1, 1, 100),
	}
	q.subject = short(o.tag)
	q.need("Zone")
	o.quantity = q.quantity(o.charge)
	c.readSize(q, o.spec, codeBadCPU, codeBadMemory)
	q.readPlatform(o.spec)
	o.spec.Disks = q.disks()
	o.image = c.image(o.spec.ImageID)
	if o.image == nil {
		q.fail(notAvailable("ImageId"))
	}
	if q.err != nil {
		return nil, q.err
	}
	q.checkDisks(c.machines[o.spec.MachineType], o.spec.Disks, o.image)
	o.password = q.login(o.image)
	o.eip = q.embeddedEIP()
	o.vpc, o.subnet = c.netOf(q)
	if o.firewall = q.values["SecurityGroupId"]; o.firewall != "" {
		if _, err := c.firewallNamed(q, o.firewall); err != nil {
			q.fail(err)
		}
	}
	return o, q.err
}

// quantity reads Quantity; 0 means "to the end of the month" and so belongs
// to Month alone. Hourly charges ignore it.
func (q *request) quantity(charge string) int {
	if isHourly(charge) {
		return 1
	}
	n := q.num("Quantity", 1, 0, 120)
	if charge == chargeYear && (n == 0 || n > 10) {
		q.fail(notAvailable("Quantity"))
	}
	return n
}

func (q *request) readPlatform(s *hostSpec) {
	s.Net = q.oneOf("NetCapability", "Normal", "Normal", "Super", "Ultra", "Extreme")
	s.Platform = q.oneOf("MinimalCpuPlatform", "Intel/Auto", "Intel/Auto", "Intel/IvyBridge", "Intel/Haswell",
		"Intel/Broadwell", "Intel/Skylake", "Intel/Cascadelake", "Intel/CascadelakeR", "Intel/IceLake",
		"Amd/Epyc2", "Amd/Auto", "Ampere/Auto", "Ampere/Altra")
	s.Hotplug = q.flag("HotplugFeature")
}

// checkDisks enforces one boot disk, sizes and the pairs a machine type allows.
func (q *request) checkDisks(m machine, disks []disk, image *Image) {
	if len(disks) == 0 {
		q.fail(missing("Disks"))
		return
	}
	boots := slices.DeleteFunc(slices.Clone(disks), func(d disk) bool { return !d.Boot })
	if len(boots) != 1 {
		q.fail(notAvailable("Disks.IsBoot"))
		return
	}
	q.checkBoot(boots[0], image)
	rule := ruleFor(m, boots[0].Type)
	if rule == nil {
		q.fail(notAvailable("Disks.Type"))
		return
	}
	for _, d := range disks {
		if d.Boot {
			continue
		}
		if !slices.Contains(rule.data, d.Type) {
			q.fail(notAvailable("Disks.Type"))
		}
		if d.SizeGB < 20 || d.SizeGB > dataMax(d.Type) {
			q.fail(refuse(codeDiskSize, "data disk size %d GB is not available", d.SizeGB))
		}
	}
}

func (q *request) checkBoot(d disk, image *Image) {
	switch {
	case d.SizeGB < image.SizeGB:
		q.fail(refuse(codeBootTooSmall, "system disk is smaller than the image of %d GB", image.SizeGB))
	case strings.HasPrefix(d.Type, "LOCAL_") && d.SizeGB != image.SizeGB:
		q.fail(refuse(codeDiskSize, "local system disk must have the size of the image, %d GB", image.SizeGB))
	case d.SizeGB > 500:
		q.fail(refuse(codeDiskSize, "system disk size %d GB is not available", d.SizeGB))
	}
}

func ruleFor(m machine, boot string) *diskRule {
	for i := range m.disks {
		if slices.Contains(m.disks[i].boot, boot) {
			return &m.disks[i]
		}
	}
	return nil
}

// login reads LoginMode and returns the password; key pairs have none.
func (q *request) login(image *Image) string {
	q.need("LoginMode")
	if q.oneOf("LoginMode", "Password", "Password", "KeyPair") == "KeyPair" {
		q.need("KeyPairId")
		return ""
	}
	return q.password(image)
}

// password decodes and checks Password. A value that is itself base64 of a
// good password is refused: it was encoded twice.
func (q *request) password(image *Image) string {
	raw := q.need("Password")
	if raw == "" {
		return ""
	}
	plain, err := base64.StdEncoding.DecodeString(raw)
	if err != nil || !goodPassword(string(plain), image.OSType) {
		q.fail(notAvailable("Password"))
		return ""
	}
	if inner, err := base64.StdEncoding.DecodeString(string(plain)); err == nil && goodPassword(string(inner), image.OSType) {
		q.fail(notAvailable("Password"))
	}
	return string(plain)
}

const passwordSymbols = "()`~!@#$%^&*-+=_|{}[]:;'<>,.?/"

// goodPassword is the vendor's rule: 8 to 30 characters of at least two
// classes, three on Windows, without the administrator's name there.
func goodPassword(p, osType string) bool {
	if len(p) < 8 || len(p) > 30 {
		return false
	}
	var lower, upper, digit, symbol int
	for _, r := range p {
		switch {
		case r > unicode.MaxASCII:
			return false
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		case strings.ContainsRune(passwordSymbols, r):
			symbol = 1
		default:
			return false
		}
	}
	classes := lower + upper + digit + symbol
	if osType == "Windows" {
		return classes >= 3 && !strings.Contains(strings.ToLower(p), "administrator")
	}
	return classes >= 2
}

// newID makes the id of a resource from its sequence number.
func newID(prefix string, seq int64) string {
	return prefix + "-" + strconv.FormatInt(36*36*36*36*36+seq, 36)
}
