package sim

import (
	"fmt"
	"time"
)

// instanceActions are the calls of the vm service about instances.
func instanceActions() []action {
	const all, one = "/v1/regions/{regionId}/instances", "/v1/regions/{regionId}/instances/{instanceId}"
	vm := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vm", method: method, path: path, run: run}
	}
	return []action{
		vm("CreateInstances", "POST", all, createInstances),
		vm("DescribeInstances", "GET", all, describeInstances),
		vm("DescribeBriefInstances", "GET", all+":describeBriefInstances", describeBriefInstances),
		vm("DescribeInstance", "GET", one, describeInstance),
		vm("DescribeInstanceStatus", "GET", "/v1/regions/{regionId}/instanceStatus", describeInstanceStatus),
		vm("DeleteInstance", "DELETE", one, deleteInstance),
		vm("StartInstance", "POST", one+":startInstance", startInstance),
		vm("StopInstance", "POST", one+":stopInstance", stopInstance),
		vm("RebootInstance", "POST", one+":rebootInstance", rebootInstance),
		vm("ModifyInstancePassword", "POST", one+":modifyInstancePassword", modifyPassword),
		vm("ModifyInstanceAttribute", "POST", one+":modifyInstanceAttribute", modifyInstance),
		vm("ResizeInstance", "POST", one+":resizeInstance", resizeInstance),
		vm("RebuildInstance", "POST", one+":rebuildInstance", rebuildInstance),
		vm("DescribeInstanceVncUrl", "GET", one+"/vnc", describeVNC),
		vm("AssociateElasticIp", "POST", one+":associateElasticIp", associateToInstance),
		vm("DisassociateElasticIp", "POST", one+":disassociateElasticIp", disassociateFromInstance),
		vm("AttachDisk", "POST", one+":attachDisk", attachDisk),
		vm("DetachDisk", "POST", one+":detachDisk", detachDisk),
		vm("DescribeInstanceTypes", "GET", "/v1/regions/{regionId}/instanceTypes", describeInstanceTypes),
		vm("DescribeQuotas", "GET", "/v1/regions/{regionId}/quotas", describeVMQuotas),
	}
}

func startInstance(c *Cloud, q *request) (answer, *apiError) {
	h, err := c.instanceIn(q, stateStopped)
	if err != nil {
		return nil, err
	}
	if h.blocked(q.acct, q.now) {
		return nil, precondition("instance '%s' is overdue or in arrears", h.ID)
	}
	c.change(h, h.become(q.now, c.transition(), stateStarting, stateRunning))
	h.takePassword()
	return nil, nil
}

func stopInstance(c *Cloud, q *request) (answer, *apiError) {
	onStopped := q.oneOf("chargeOnStopped", "", "keepCharging", "stopCharging")
	h, err := c.instanceIn(q, stateRunning)
	if err != nil {
		return nil, err
	}
	if onStopped != "" {
		h.OnStopped = onStopped
	}
	each := c.transition()
	if q.plan.Has(KindStopHang) {
		each = time.Hour
	}
	c.change(h, h.become(q.now, each, stateStopping, stateStopped))
	return nil, nil
}

func rebootInstance(c *Cloud, q *request) (answer, *apiError) {
	h, err := c.instanceIn(q, stateRunning)
	if err != nil {
		return nil, err
	}
	if h.blocked(q.acct, q.now) {
		return nil, precondition("instance '%s' is overdue or in arrears", h.ID)
	}
	c.change(h, h.become(q.now, c.transition(), stateRebooting, stateRunning))
	h.takePassword()
	return nil, nil
}

// takePassword brings a changed password into force.
func (h *instance) takePassword() {
	if h.NextSecret != "" {
		h.Secret, h.NextSecret = h.NextSecret, ""
	}
}

// modifyPassword takes effect with the next start, and is a task for one transition.
func modifyPassword(c *Cloud, q *request) (answer, *apiError) {
	password := q.password("password", true)
	h, err := c.instanceIn(q, stateRunning, stateStopped)
	if err != nil {
		return nil, err
	}
	h.NextSecret = digest(h.ID, password)
	h.BusyUntil = q.now.Add(c.transition()).UnixMilli()
	c.instances.put(h.ID, h)
	return nil, nil
}

func modifyInstance(c *Cloud, q *request) (answer, *apiError) {
	name, description, hostname := "", q.limited("description", 256), q.limited("hostname", 64)
	if q.has("name") {
		name = q.matching("name", instanceName)
	}
	h, err := c.instanceOf(q)
	if err != nil {
		return nil, err
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	if name != "" {
		h.Name = name
	}
	if q.has("description") {
		h.Description = description
	}
	if hostname != "" {
		h.Hostname = hostname
	}
	c.instances.put(h.ID, h)
	return nil, nil
}

func deleteInstance(c *Cloud, q *request) (answer, *apiError) {
	withEIP := q.flag("deletePrimaryNetworkInterfaceAllElasticIp", false)
	h, err := c.instanceIn(q, stateRunning, stateStopped, stateError)
	if err != nil {
		return nil, err
	}
	if h.unexpired(q.now) {
		return nil, precondition("instance '%s' is prepaid and has not expired", h.ID)
	}
	if n := c.nics.get(h.NIC); withEIP && n != nil {
		if e := c.eips.get(n.EIP); e != nil && !e.unexpired(q.now) {
			n.EIP = ""
			c.eips.drop(e.ID)
		}
	}
	c.beginDelete(h, q.now)
	return nil, nil
}

// beginDelete starts the deletion; when nothing has to be waited for it ends at once.
func (c *Cloud) beginDelete(h *instance, now time.Time) {
	c.change(h, h.become(now, c.transition(), stateDeleting, stateGone))
	c.settle(now)
}

func resizeInstance(c *Cloud, q *request) (answer, *apiError) {
	want := q.need("instanceType")
	q.flag("force", false)
	h, err := c.instanceIn(q, stateStopped)
	if err != nil {
		return nil, err
	}
	typ, old := c.types[want], c.types[h.Type]
	if typ == nil || old == nil || typ.architecture != old.architecture {
		return nil, invalid("instanceType", "the instance cannot become this type")
	}
	if h.blocked(q.acct, q.now) {
		return nil, precondition("instance '%s' is overdue or in arrears", h.ID)
	}
	if left, bounded := c.stockLeft(h.AZ, want); bounded && left == 0 {
		return nil, soldOut()
	}
	month := h.Month + percentOf(typ.month, q.acct.PricePercent) - percentOf(old.month, q.acct.PricePercent)
	l, _ := c.leaseOf(h.Account, h.ID)
	if err := c.repriced(l, month, q); err != nil {
		return nil, err
	}
	h.Type = want
	c.change(h, h.become(q.now, c.transition(), stateResizing, stateStopped))
	return nil, nil
}

// repriced changes what a lease costs a month. A prepaid one pays what the
// rest of its time costs more; nothing is given back for less.
func (c *Cloud) repriced(l leased, month Fen, q *request) *apiError {
	more := month - l.Month
	if l.prepaid() && more > 0 {
		left := Fen(l.Expires-q.now.Unix()) * more
		cost := ceilDiv(left, 30*86400)
		if cost > q.acct.books.Balance {
			return noBalance()
		}
		o := c.newOrder(q.acct.Name, q.region, orderResize, l.Charge, q.now)
		o.item(l.bill.Resource, l.bill.Service, cost, l.Expires, l.Expires)
		c.orders.put(o.Number, o)
		l.Terms = append(l.Terms, term{From: q.now.Unix(), To: l.Expires, Paid: cost, Order: o.Number})
		b := l.bill
		b.Action, b.Start, b.End, b.Order = actionResize, q.now.Unix(), l.Expires, o.Number
		c.charge(b, cost, q.now)
	}
	l.Month = month
	l.keep()
	return nil
}

func rebuildInstance(c *Cloud, q *request) (answer, *apiError) {
	password, keys := q.password("password", false), q.list("keyNames")
	h, err := c.instanceIn(q, stateStopped)
	if err != nil {
		return nil, err
	}
	id := q.str("imageId", h.ImageID)
	im := c.imageOf(q.acct.Name, q.region, id)
	switch {
	case im == nil:
		return nil, notFound("image", id)
	case im.Architecture != c.types[h.Type].architecture:
		return nil, invalid("imageId", "its architecture does not fit the instance type")
	case len(keys) > 1:
		return nil, invalid("keyNames", "at most one key pair is allowed")
	}
	for _, k := range keys {
		if c.keypairOf(q, k) == nil {
			return nil, notFound("keypair", k)
		}
	}
	h.ImageID, h.KeyNames, h.Hostname = id, keys, q.str("hostname", h.Hostname)
	h.Secret, h.NextSecret = digest(h.ID, password), ""
	c.change(h, h.become(q.now, c.transition(), stateRebuilding, stateStopped))
	return nil, nil
}

// describeVNC hands out a URL that nobody can guess and that is good for a while.
func describeVNC(c *Cloud, q *request) (answer, *apiError) {
	h, err := c.instanceOf(q)
	if err != nil {
		return nil, err
	}
	if h.at(q.now) != stateRunning {
		return nil, precondition("instance '%s' is not running", h.ID)
	}
	until := q.now.Add(time.Duration(c.cfg.VNCSeconds) * time.Second).Unix()
	url := fmt.Sprintf("https://vnc.jdcloud.example/%s/?token=%s&expires=%d", h.Region, newRequestID(), until)
	return answer{"vncUrl": url}, nil
}

func describeInstanceTypes(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("instanceTypes", "az", "architecture")
	q.oneOf("chargeMode", "", prepaid, postpaid)
	if q.failed() != nil {
		return nil, q.failed()
	}
	rows := []answer{}
	for _, name := range sortedKeys(c.types) {
		t := c.types[name]
		for _, az := range c.regionOf(q.region).Zones {
			fields := pick(map[string]string{"instanceTypes": name, "az": az, "architecture": t.architecture}, nil)
			if passAll(conds, fields) {
				rows = append(rows, c.typeRow(t, q.region))
				break
			}
		}
	}
	return answer{"instanceTypes": rows, "specificInstanceTypes": []answer{}, "totalCount": len(rows)}, nil
}

func (c *Cloud) typeRow(t *instanceType, region string) answer {
	states := []answer{}
	for _, az := range c.regionOf(region).Zones {
		left, bounded := c.stockLeft(az, t.name)
		states = append(states, answer{"az": az, "inStock": !bounded || left > 0, "availableCount": left})
	}
	return answer{
		"family": t.family, "instanceType": t.name, "cpu": t.cpu, "memoryMB": t.memoryMB, "architecture": t.architecture,
		"nicLimit": t.nics, "cloudDiskCountLimit": t.disks, "desc": "", "state": states, "generation": 2,
		"localDisks": []answer{}, "cloudDiskTypes": []string{"hdd.std1", "ssd.gp1", "ssd.io1"},
	}
}

func describeVMQuotas(c *Cloud, q *request) (answer, *apiError) {
	conds := q.filters("resourceTypes")
	if q.failed() != nil {
		return nil, q.failed()
	}
	rows := []answer{}
	add := func(kind string, limit, used int) {
		if passAll(conds, pick(map[string]string{"resourceTypes": kind}, nil)) {
			rows = append(rows, answer{"resourceType": kind, "limit": limit, "used": used})
		}
	}
	add("instance", bound(c.limits.MaxHosts), len(c.instancesIn(q)))
	add("keypair", 100, len(c.keypairs.where(func(k *keypair) bool { return k.in(q) })))
	add("image", 100, len(c.images.where(func(i *privateImage) bool { return i.in(q) })))
	return answer{"quotas": rows}, nil
}

// bound writes a limit; without one it is large.
func bound(limit int) int {
	if limit == 0 {
		return 100000
	}
	return limit
}
