package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states of an instance that the simulator enters.
const (
	stRunning  = "Running"
	stStarting = "Starting"
	stStopping = "Stopping"
	stStopped  = "Stopped"
	stScaling  = "Scaling"
	stExpired  = "Expired"
	stError    = "Error"
	stImaging  = "ImageProcessing"
)

// instance is one virtual machine.
type instance struct {
	meta
	lease
	Name, Desc, Hostname string
	Spec, Zone, Image    string
	CPU, Memory          int
	RootGB               int
	RootType             string
	Subnet, VPC, IP      string
	Groups               []string
	Tags                 []tag
	KeyPair              string
	Secret               string // salted digest of the password
	Protected            bool
	Life                 life
	Order                string
}

func (i *instance) service() string { return "BCC" }
func (i *instance) title() string   { return i.Name }

// status is the state at a moment; the end of the paid time shows through.
func (i *instance) status(now time.Time) string {
	if i.expired(now) {
		return stExpired
	}
	return i.Life.at(now)
}

func instanceOps() []op {
	const one = "/v2/instance/*"
	return []op{
		tokened("CreateInstanceBySpec", http.MethodPost, "/v2/instanceBySpec", "", createBySpec),
		tokened("CreateInstance", http.MethodPost, "/v2/instance", "", createOld),
		read("ListInstances", http.MethodGet, "/v2/instance", listInstances),
		read("GetInstanceDetail", http.MethodGet, one, getInstance),
		read("GetInstanceVNC", http.MethodGet, "/v2/instance/*/vnc", getVNC),
		change("StartInstance", http.MethodPut, one, "start", startInstance),
		change("StopInstance", http.MethodPut, one, "stop", stopInstance),
		change("RebootInstance", http.MethodPut, one, "reboot", rebootInstance),
		change("ChangeInstancePass", http.MethodPut, one, "changePass", changePass),
		change("RebuildInstance", http.MethodPut, one, "rebuild", rebuildInstance),
		change("ModifyInstanceAttribute", http.MethodPut, one, "modifyAttribute", renameInstance),
		change("ModifyInstanceDesc", http.MethodPut, one, "modifyDesc", describeInstance),
		change("BindSecurityGroup", http.MethodPut, one, "bind", bindGroup),
		change("UnBindSecurityGroup", http.MethodPut, one, "unbind", unbindGroup),
		tokened("ResizeInstanceBySpec", http.MethodPut, "/v2/instanceBySpec/*", "resize", resizeInstance),
		tokened("RenewInstance", http.MethodPut, one, "purchaseReserved", renewInstance),
		tokened("ChangeToPrepaid", http.MethodPost, one, "toPrepay", toPrepaid),
		change("DeleteInstance", http.MethodDelete, one, "", deleteInstance),
		change("DeleteInstanceWithRelateResource", http.MethodPost, one, "", deleteRelated),
		change("DeletePrepaidInstance", http.MethodPost, "/v2/instance/delete", "", deletePrepaid),
		change("BatchRefundResource", http.MethodPost, "/v2/instance/batchRefundResource", "", batchRefund),
	}
}

func createBySpec(c *Cloud, q *request) (any, *apiError) {
	ids, order, err := c.create(q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"instanceIds": ids, "orderId": order}, nil
}

func createOld(c *Cloud, q *request) (any, *apiError) {
	ids, _, err := c.create(q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"instanceIds": ids, "warningList": []string{}}, nil
}

// create checks everything, then buys: nothing is refused after money moved.
func (c *Cloud) create(q *request) ([]string, string, *apiError) {
	var in createArgs
	if err := q.json(&in); err != nil {
		return nil, "", err
	}
	p, err := c.check(q, in)
	if err != nil {
		return nil, "", err
	}
	if err := c.affordable(q, p); err != nil {
		return nil, "", err
	}
	o := c.newOrder(q.acct, q.region.ID, orderNew, p.services(), q.now)
	o.Product, o.Purchase, o.AutoPaid = p.product(), p, true
	o.Price, o.List = p.cost(q.acct.Percent)
	if p.Payment == postpaid {
		o.Price, o.List = 0, 0
	}
	c.fulfil(o, q.acct, q.now, q.plan)
	q.subject = p.Token
	return o.Shorts[:p.Count], o.ID, nil
}

func (p *purchase) product() string {
	if p.Payment == prepaid {
		return "prepay"
	}
	return "postpay"
}

// affordable checks quota, stock and money.
func (c *Cloud) affordable(q *request, p *purchase) *apiError {
	if err := c.fits(q.acct.ID, q.region.ID, p); err != nil {
		return err
	}
	if price, _ := p.cost(q.acct.Percent); c.books.get(q.acct.ID).Balance < price {
		return lowBalance()
	}
	return nil
}

func (c *Cloud) fits(account, region string, p *purchase) *apiError {
	if limit := c.limits.MaxHosts; limit > 0 {
		have := len(c.instances.all(func(i *instance) bool { return i.Account == account && i.Region == region }))
		if have+p.Count > limit {
			return overQuota("instances")
		}
	}
	if p.Mbps > 0 {
		if err := c.addressFits(account, region, p.Count); err != nil {
			return err
		}
	}
	if c.stockLeft(p.Zone, p.Spec) < p.Count {
		return soldOut()
	}
	return nil
}

// build makes the machines of a paid purchase with their disks and addresses.
// The first p.Count ids of the order are the machines.
func (c *Cloud) build(o *order, acct *account, payer string, now time.Time, failed bool) {
	p := o.Purchase
	var extra []leased
	for n := range p.Count {
		i := c.newInstance(o, acct, n, now)
		if failed {
			i.Life = i.Life.plan(now.Add(c.transition()), stError)
			i.Paused = true
		} else {
			i.Life = i.Life.plan(now.Add(c.transition()), stRunning)
		}
		if c.cfg.HideNewHostPolls > 0 {
			c.polls[i.ID] = c.cfg.HideNewHostPolls
		}
		c.lay(o, i, payer)
		for _, d := range p.Disks {
			extra = append(extra, c.newVolume(acct, i.Region, i.Zone, d, p.Payment, now).attached(i.ID, now))
		}
		if p.Mbps > 0 {
			a := c.newEIP(acct, i.Region, p.EIPName, p.Mbps, p.Traffic, p.Payment, now)
			a.bound(i.ID, now)
			extra = append(extra, a)
		}
		if p.RenewMonths > 0 {
			c.addRule(i, p.RenewMonths)
		}
	}
	for _, r := range extra {
		c.lay(o, r, payer)
	}
	c.countBought("instance", p.Name, p.Token, p.Tags, p.Count)
}

// lay pays for a new resource and notes it in the order.
func (c *Cloud) lay(o *order, r leased, payer string) {
	l, h := r.rent(), r.head()
	if l.Payment == prepaid {
		b := c.billFor(r, time.Unix(h.Created, 0))
		b.Start = l.Expires
		l.extend(o.Purchase.Months, payer)
		b.Payer, b.Order, b.Type, b.End = payer, o.ID, o.Type, l.Expires
		b.Amount, b.List = months(l.Unit, o.Purchase.Months), months(l.List, o.Purchase.Months)
		c.take(b)
	}
	o.Shorts, o.Resources = append(o.Shorts, h.ID), append(o.Resources, h.UUID)
	c.watch(l)
	c.save(r)
}

func (c *Cloud) newInstance(o *order, acct *account, n int, now time.Time) *instance {
	p := o.Purchase
	name := p.Name
	if p.Suffix && p.Count > 1 && name != "" {
		name = fmt.Sprintf("%s%04d", name, n+1)
	}
	i := &instance{
		meta: c.newMeta("i-", acct.ID, o.Region, now), lease: newLease(p.Payment, p.Month, acct.Percent, now),
		Name: name, Hostname: p.Hostname, Spec: p.Spec, Zone: p.Zone, Image: p.Image, CPU: p.CPU, Memory: p.Memory,
		RootGB: p.RootGB, RootType: p.RootType, Subnet: p.Subnet, VPC: p.VPC, Groups: slices.Clone(p.Groups),
		Tags: p.Tags, Secret: p.Secret, Protected: p.Protected, Life: born(now, stStarting), Order: o.ID,
	}
	if i.Name == "" {
		i.Name = "instance-" + strings.TrimPrefix(i.ID, "i-")
	}
	i.IP = c.nextIP(i.Subnet)
	return i
}

func listInstances(c *Cloud, q *request) (any, *apiError) {
	rows := c.instances.all(func(i *instance) bool {
		if i.Account != q.acct.ID || i.Region != q.region.ID {
			return false
		}
		if c.polls[i.ID] > 0 {
			c.polls[i.ID]--
			return false
		}
		return i.listed(q)
	})
	return paged(q, "instances", rows, func(i *instance) any { return c.showInstance(i, q.now) }), nil
}

// listed tells whether the filters of a list let the instance pass.
func (i *instance) listed(q *request) bool {
	group := q.list("securityGroupIds")
	inGroup := group == nil || slices.ContainsFunc(i.Groups, func(g string) bool { return slices.Contains(group, g) })
	tags := q.list("tags")
	tagged := tags == nil || slices.ContainsFunc(i.Tags, func(t tag) bool {
		return slices.Contains(tags, t.Key+":"+t.Value) || slices.Contains(tags, t.Key)
	})
	return inGroup && tagged && q.passes("zoneName", i.Zone) && q.passes("instanceIds", i.ID) &&
		q.passes("instanceNames", i.Name) && q.passes("vpcId", i.VPC) && q.passes("status", i.status(q.now)) &&
		q.passes("paymentTiming", i.Payment) && q.passes("internalIp", i.IP) && q.passes("privateIps", i.IP) &&
		q.passes("keypairId", i.KeyPair) && strings.Contains(i.Name, q.str("fuzzyInstanceName"))
}

// showInstance is the instance as the API writes it.
func (c *Cloud) showInstance(i *instance, now time.Time) any {
	var image = imageOf(i.Image)
	public, mbps := "", 0
	for _, e := range c.eips.rows {
		if e.Instance == i.ID {
			public, mbps = e.IP, e.Mbps
		}
	}
	volumes := []any{}
	for _, id := range c.volumes.ids {
		if v := c.volumes.rows[id]; v.Instance == i.ID {
			volumes = append(volumes, v.wire(now))
		}
	}
	protected := 0
	if i.Protected {
		protected = 1
	}
	return map[string]any{
		"id": i.ID, "serialNumber": i.UUID, "name": i.Name, "hostname": i.Hostname, "desc": i.Desc, "status": i.status(now),
		"instanceType": "N5", "spec": i.Spec, "paymentTiming": i.Payment, "createTime": stamp(i.Created),
		"expireTime": i.expireTime(), "publicIp": public, "internalIp": i.IP, "cpuCount": i.CPU, "memoryCapacityInGB": i.Memory,
		"localDiskSizeInGB": i.RootGB, "imageId": i.Image, "imageName": image.name, "osName": image.osName, "osVersion": image.version,
		"networkCapacityInMbps": mbps, "placementPolicy": "default", "zoneName": i.Zone, "subnetId": i.Subnet, "vpcId": i.VPC,
		"autoRenew": c.renewals.get(i.ID) != nil, "keypairId": i.KeyPair, "tags": showTags(i.Tags), "volumes": volumes,
		"deletionProtection": protected, "chargeStatus": chargeStatus(&i.lease), "nicInfo": map[string]any{"securityGroups": i.Groups},
	}
}

func chargeStatus(l *lease) string {
	if l.Paused {
		return "not_charge"
	}
	return "charge"
}

func showTags(tags []tag) []tag {
	if tags == nil {
		return []tag{}
	}
	return tags
}

// mine finds a resource of the caller in the region.
func (c *Cloud) mine(q *request) (*instance, *apiError) {
	i := c.instances.get(q.vars[0])
	if i == nil || i.Account != q.acct.ID || i.Region != q.region.ID {
		return nil, noSuch("instance", q.vars[0])
	}
	return i, nil
}

func getInstance(c *Cloud, q *request) (any, *apiError) {
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"instance": c.showInstance(i, q.now)}, nil
}

func getVNC(c *Cloud, q *request) (any, *apiError) {
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if st := i.status(q.now); st != stRunning {
		return nil, wrongState("The instance is %s, not Running", st)
	}
	key := plainID(fmt.Sprintf("vnc %s %d", i.ID, q.now.UnixNano()))
	return map[string]any{"vncUrl": "https://vnc.bce.example/" + i.Region + "/vnc.html?token=" + key}, nil
}
