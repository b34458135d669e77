package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// order is a CreateInstance after its arguments were read.
type order struct {
	proto   instance // what all instances of the order share
	number  int
	name    string
	first   int // StartNumber, -1 without
	groups  []*group
	disks   []diskOrder
	pub     []pubOrder
	ips     []netip.Addr
	rent    Fen // of one instance: the term's price, or a day's
	prepaid bool
}

func createInstances(c *Cloud, q *request) (answer, *apiError) {
	o := readOrder(c, q)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	if err := c.admitOrder(q, o); err != nil {
		return answer{}, err
	}
	made := []*instance{}
	for n := range o.number {
		made = append(made, c.makeInstance(q, o, n))
	}
	q.acct.buy("ecs.name", o.name, o.number)
	e := c.newEvent(q, eventCreate, c.due(), idsOf(made), o.fails(q))
	for n, i := range made {
		if e.parts[n].failed {
			i.state.then = insFailed
			c.later(e.due, func() { c.release(q.acct, i) })
		}
	}
	q.subject = o.name
	return answer{data: object{"EventId": e.id, "EcsIdSet": idsOf(made)}}, nil
}

// fails tells which instances of the order end in failed.
func (o *order) fails(q *request) func(int) bool {
	return func(n int) bool {
		switch q.fails {
		case KindInstallFail, KindTaskFail:
			return true
		case KindPartFail:
			return n == o.number-1
		default:
			return false
		}
	}
}

// release gives back the money for an instance that never came to be. The
// instance stays in the list until it is deleted.
func (c *Cloud) release(a *account, i *instance) {
	i.meter.stop()
	a.refund(i.id, a.costs[i.id])
}

func readOrder(c *Cloud, q *request) *order {
	o := &order{proto: instance{zone: q.needZone(c)}, number: q.num("Number", 1, 1, 100), name: q.str("Name")}
	o.proto.family, o.proto.spec = q.needFamily()
	q.password(c)
	o.proto.secret = q.secret
	o.readTerm(q)
	o.proto.image = q.needImage(c, o)
	o.readNetwork(q)
	o.readDisks(q)
	for _, p := range q.objs("SecurityGroups") {
		o.groups = append(o.groups, q.needGroup(p))
	}
	if len(o.groups) > maxGroups {
		q.fail(invalid("SecurityGroups", "has more than 5 entries"))
	}
	o.first = q.loose("StartNumber", -1, 0, 1<<20)
	if o.name == "" {
		o.name = "ecs-" + c.at.In(china).Format("20060102")
	}
	if dns := q.strs("DnsList"); len(dns) != 0 && len(dns) != 2 {
		q.fail(invalid("DnsList", "must have two entries"))
	}
	o.readSubject(q)
	if q.err() == nil {
		o.readPublic(c, q)
	}
	return o
}

// readTerm reads how the order is paid. Without IsToMonth a monthly order
// runs to the end of a month only.
func (o *order) readTerm(q *request) {
	i := &o.proto
	i.method = q.oneOf("BillingMethod", onDemand, monthly, spot)
	months, toMonth := readDuration(q, i.method)
	i.renew = q.loose("IsAutoRenewal", 1, 0, 1)
	q.loose("UtcTime", 0, 0, 1)
	if i.method != monthly {
		i.renew = 0
		return
	}
	o.prepaid, i.months = true, months
	i.ends = termEnd(q.now, months, toMonth)
}

// readDuration reads the months of a monthly order: 1 to 11, 12, 24 or 36.
func readDuration(q *request, method string) (months int, toMonth bool) {
	months, toMonth = q.loose("Duration", 1, 0, 36), q.loose("IsToMonth", 1, 0, 1) == 1
	if method == monthly && (months < 1 || months > 12 && months%12 != 0) {
		q.fail(invalid("Duration", "must be 1 to 11, 12, 24 or 36"))
	}
	return months, toMonth
}

// termEnd counts calendar months in the vendor's zone: to the first of a
// month, or to the same day, or the last one of a shorter month.
func termEnd(from time.Time, months int, toMonth bool) time.Time {
	f := from.In(china)
	first := time.Date(f.Year(), f.Month()+time.Month(months), 1, 0, 0, 0, 0, china)
	if toMonth {
		return first
	}
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(f.Day(), last), f.Hour(), f.Minute(), f.Second(), 0, china)
}

// needImage reads an image by id or name.
func (q *request) needImage(c *Cloud, o *order) *Image {
	key := q.need("ImageId")
	if q.err() != nil {
		return &Image{}
	}
	for _, img := range c.imagesIn(q.acct, o.proto.zone, q.now) {
		if img.ID == key || img.Name == key {
			if img.Driver != "" && img.Driver != o.proto.family.driver {
				q.fail(invalid("ImageId", "does not fit the graphics cards of the family"))
			}
			return img
		}
	}
	q.fail(refuse(404, "InvalidImage.NotFound", "the image %q does not exist in the zone", key))
	return &Image{}
}

// readNetwork reads vpc and subnet, and the addresses an order may ask for.
func (o *order) readNetwork(q *request) {
	vpcID := q.needObj("VpcInfo").need("VpcId")
	info := q.needObj("SubnetInfo")
	subnetID := info.need("SubnetId")
	asked := info.strs("IpAddress")
	v, s := q.acct.vpcs.get(vpcID), q.acct.segments.get(subnetID)
	switch {
	case q.err() != nil:
	case v == nil:
		q.fail(refuse(404, "InvalidVpc.NotFound", "the vpc %q does not exist", vpcID))
	case s == nil || s.gateway:
		q.fail(noResource("SubnetId", subnetID))
	case s.vpc != v:
		q.fail(refuse(403, "InvalidOperation.VpcMismatch", "the subnet is not of the vpc"))
	case s.zone.Code != o.proto.zone.Code:
		q.fail(refuse(403, "InvalidOperation.AzMismatch", "the subnet is in another zone"))
	case s.state.at(q.now) != vpcOK:
		q.fail(notPermitted("the subnet is %s", s.state.at(q.now)))
	default:
		o.proto.subnet = s
		o.takeAddresses(q, asked)
	}
}

// takeAddresses chooses the private address of each instance.
func (o *order) takeAddresses(q *request, asked []string) {
	if len(asked) > o.number {
		q.fail(invalid("SubnetInfo.IpAddress", "has more entries than instances are wanted"))
		return
	}
	s := o.proto.subnet
	for _, text := range asked {
		a, ok := s.usable(text)
		if !ok || s.usedBy(a) != nil || slices.Contains(o.ips, a) {
			q.fail(invalid("SubnetInfo.IpAddress", "has an address that is not free in the subnet"))
			return
		}
		o.ips = append(o.ips, a)
	}
	for len(o.ips) < o.number {
		a, ok := s.free(o.ips)
		if !ok {
			q.fail(refuse(400, codeQuota, "the subnet has no free address"))
			return
		}
		o.ips = append(o.ips, a)
	}
}

// readSubject reads the test fund that pays. The simulator takes the money
// from the balance all the same.
func (o *order) readSubject(q *request) {
	o.proto.subject = q.str("TestAccount")
	if o.proto.subject != "" && !slices.ContainsFunc(q.acct.Subjects, func(s Subject) bool { return s.Name == o.proto.subject }) {
		q.fail(refuse(404, "InvalidAccount.NotFound", "the test account %q does not exist", o.proto.subject))
	}
}

// admitOrder checks stock, quota and balance.
func (c *Cloud) admitOrder(q *request, o *order) *apiError {
	left, bound := c.stockLeft(o.proto.zone.Code, o.proto.family.name)
	have := q.acct.instances.len()
	o.rent = o.price(q.acct)
	if c.replaying {
		return nil
	}
	if bound && left < o.number {
		return refuse(403, codeSoldOut, "the zone has %d instances of the family left", left)
	}
	if c.limits.MaxHosts > 0 && have+o.number > c.limits.MaxHosts {
		return refuse(400, "MaxEcsCountExceed", "the account may have %d instances and has %d", c.limits.MaxHosts, have)
	}
	if err := c.admitDisks(q, o.proto.zone, o.gigabytes()*o.number); err != nil {
		return err
	}
	if err := c.admitEIPs(q, o.newEIPs()); err != nil {
		return err
	}
	cost := o.rent * Fen(o.number)
	if !o.prepaid {
		cost = ceilDiv(o.rent, 24) * Fen(o.number)
	}
	return c.afford(q.acct, cost)
}

func (c *Cloud) makeInstance(q *request, o *order, n int) *instance {
	i := new(instance)
	*i = o.proto
	i.id, i.name, i.ip, i.created, i.hidden = c.newID("ins-"), o.name, o.ips[n], c.at, c.cfg.HideNewHostPolls
	if o.first >= 0 {
		i.name = o.name + strconv.Itoa(o.first+n)
	}
	i.state = phase{doing: insBuilding, due: c.due(), then: insRunning}
	i.subnet.used[i.ip] = &use{instance: i.id}
	for p, g := range o.groups {
		i.groups = append(i.groups, binding{g, p + 1})
	}
	q.acct.instances.add(i.id, i)
	for d, want := range o.disks {
		made := c.makeDisk(q.acct, i.zone, want, i)
		if d == 0 {
			i.system = made
		}
	}
	c.makePublic(q, o, i, n)
	if o.prepaid {
		q.acct.pay(i.id, o.rent)
		c.renewAt(q.acct, i, o.rent)
	} else {
		c.start(q.acct, &i.meter, i.id, o.rent)
	}
	return i
}

// renewAt prolongs a monthly instance when its term ends, if it is to be
// renewed and the balance covers it; otherwise it is shut down and kept.
func (c *Cloud) renewAt(a *account, i *instance, price Fen) {
	c.later(i.ends, func() {
		if a.instances.get(i.id) == nil || i.state.then == insFailed {
			return
		}
		if i.renew == 1 && a.books.Balance >= price {
			a.pay(i.id, price)
			i.ends = termEnd(i.ends, i.months, false)
			c.renewAt(a, i, price)
			return
		}
		i.state = still(insStopped)
	})
}
