package sim

import (
	"net/http"
	"slices"
	"time"
)

// The states of a disk that the simulator enters.
const (
	vsCreating  = "Creating"
	vsAvailable = "Available"
	vsAttaching = "Attaching"
	vsInUse     = "InUse"
	vsDetaching = "Detaching"
	vsExpired   = "Expired"
)

// volume is one data disk.
type volume struct {
	meta
	lease
	Name, Desc, Zone, Type string
	GB                     int
	Instance               string
	Tags                   []tag
	Life                   life
}

func (v *volume) service() string { return "CDS" }
func (v *volume) title() string   { return v.Name }

func (v *volume) status(now time.Time) string {
	if v.expired(now) {
		return vsExpired
	}
	return v.Life.at(now)
}

// attached puts a new disk into an instance at once.
func (v *volume) attached(instance string, now time.Time) *volume {
	v.Instance, v.Life = instance, born(now, vsInUse)
	return v
}

func (v *volume) detached(now time.Time) { v.Instance, v.Life = "", born(now, vsAvailable) }

func volumeOps() []op {
	const one = "/v2/volume/*"
	return []op{
		tokened("CreateVolume", http.MethodPost, "/v2/volume", "", createVolume),
		read("ListVolume", http.MethodGet, "/v2/volume", listVolumes),
		read("GetVolumeDetail", http.MethodGet, one, getVolume),
		change("AttachVolume", http.MethodPut, one, "attach", attachVolume),
		change("DetachVolume", http.MethodPut, one, "detach", detachVolume),
		change("DeleteVolume", http.MethodDelete, one, "", deleteVolume),
	}
}

// newVolume makes a disk that is not kept yet; lay does that.
func (c *Cloud) newVolume(a *account, region, zone string, d disk, payment string, now time.Time) *volume {
	v := &volume{
		meta: c.newMeta("v-", a.ID, region, now), lease: newLease(payment, diskPrices()[d.Type]*Fen(d.GB), a.Percent, now),
		Zone: zone, Type: d.Type, GB: d.GB, Life: born(now, vsCreating).plan(now.Add(c.transition()), vsAvailable),
	}
	v.Name = "volume-" + v.ID[2:]
	return v
}

// volumeBody is the body of a create of disks.
type volumeBody struct {
	disk
	Name    string  `json:"name"`
	Desc    string  `json:"description"`
	Zone    string  `json:"zoneName"`
	Count   int     `json:"purchaseCount"`
	Billing billing `json:"billing"`
	Tags    []tag   `json:"tags"`
}

// check fills defaults in and says what is wrong.
func (b *volumeBody) check(region *Region) *apiError {
	b.Count = max(b.Count, 1)
	if b.Zone == "" {
		b.Zone = region.Zones[0]
	}
	if b.Type == "" {
		b.Type = "enhanced_ssd_pl1"
	}
	if !slices.Contains(region.Zones, b.Zone) || b.Count > 5 || (b.Name != "" && !goodName(b.Name)) {
		return badBody("zoneName, purchaseCount or name is invalid")
	}
	if err := checkTags(b.Tags); err != nil {
		return err
	}
	return checkDisk(b.disk)
}

func createVolume(c *Cloud, q *request) (any, *apiError) {
	var in volumeBody
	if err := q.json(&in); err != nil {
		return nil, err
	}
	payment, n, err := in.Billing.term()
	if err == nil {
		err = in.check(q.region)
	}
	if err != nil {
		return nil, err
	}
	l := newLease(payment, diskPrices()[in.Type]*Fen(in.GB), q.acct.Percent, q.now)
	price := months(l.Unit, n) * Fen(in.Count)
	if c.books.get(q.acct.ID).Balance < max(price, l.Unit*Fen(in.Count)) {
		return nil, lowBalance()
	}
	o := c.newOrder(q.acct, q.region.ID, orderNew, "CDS", q.now)
	o.Price, o.List, o.AutoPaid = price, months(l.List, n)*Fen(in.Count), true
	o.Purchase = &purchase{Payment: payment, Months: n, Count: in.Count}
	o.Product = o.Purchase.product()
	for range in.Count {
		v := c.newVolume(q.acct, q.region.ID, in.Zone, in.disk, payment, q.now)
		v.Desc, v.Tags = in.Desc, in.Tags
		if in.Name != "" {
			v.Name = in.Name
		}
		c.lay(o, v, q.acct.ID)
	}
	c.finish(o, q.acct.ID, q.now)
	c.countBought("volume", in.Name, q.query["clientToken"], in.Tags, in.Count)
	return map[string]any{"volumeIds": o.Shorts, "warningList": []string{}}, nil
}

func (v *volume) wire(now time.Time) any {
	attachments := []any{}
	if v.Instance != "" {
		attachments = append(attachments, map[string]string{"volumeId": v.ID, "instanceId": v.Instance, "device": "/dev/vdb", "serial": v.ID})
	}
	return map[string]any{
		"id": v.ID, "volumeId": v.UUID, "name": v.Name, "desc": v.Desc, "type": "Cds", "storageType": v.Type, "diskSizeInGB": v.GB,
		"paymentTiming": v.Payment, "expireTime": v.expireTime(), "createTime": stamp(v.Created), "status": v.status(now),
		"zoneName": v.Zone, "attachments": attachments, "isSystemVolume": false, "regionId": v.Region, "tags": showTags(v.Tags),
		"enableAutoRenew": false, "encrypted": false,
	}
}

func listVolumes(c *Cloud, q *request) (any, *apiError) {
	rows := c.volumes.all(func(v *volume) bool {
		return v.Account == q.acct.ID && v.Region == q.region.ID && q.passes("instanceId", v.Instance) && q.passes("zoneName", v.Zone) &&
			q.passes("name", v.Name) && q.passes("volumeIds", v.ID)
	})
	return paged(q, "volumes", rows, func(v *volume) any { return v.wire(q.now) }), nil
}

func (c *Cloud) myVolume(q *request, states ...string) (*volume, *apiError) {
	v := c.volumes.get(q.vars[0])
	if v == nil || v.Account != q.acct.ID || v.Region != q.region.ID {
		return nil, noSuch("volume", q.vars[0])
	}
	if st := v.status(q.now); len(states) > 0 && !slices.Contains(states, st) {
		return nil, wrongState("The volume is %s; the call needs one of %v", st, states)
	}
	return v, nil
}

func getVolume(c *Cloud, q *request) (any, *apiError) {
	v, err := c.myVolume(q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume": v.wire(q.now)}, nil
}

func attachVolume(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		ID string `json:"instanceId"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	v, err := c.myVolume(q, vsAvailable)
	if err != nil {
		return nil, err
	}
	i := c.instances.get(in.ID)
	if i == nil || i.Account != q.acct.ID || i.Zone != v.Zone {
		return nil, noSuch("instance", in.ID)
	}
	v.Instance, v.Life = i.ID, v.Life.change(q.now, c.transition(), vsAttaching, vsInUse)
	c.save(v)
	return map[string]any{
		"volumeAttachment": map[string]string{"volumeId": v.ID, "instanceId": i.ID, "device": "/dev/vdb", "serial": v.ID}, "warningList": []string{},
	}, nil
}

func detachVolume(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		ID string `json:"instanceId"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	v, err := c.myVolume(q, vsInUse)
	if err != nil {
		return nil, err
	}
	if v.Instance != in.ID {
		return nil, badBody("the volume is not attached to %q", in.ID)
	}
	v.Instance, v.Life = "", v.Life.change(q.now, c.transition(), vsDetaching, vsAvailable)
	c.save(v)
	return empty(), nil
}

func deleteVolume(c *Cloud, q *request) (any, *apiError) {
	v, err := c.myVolume(q, vsAvailable, vsExpired)
	if err != nil {
		return nil, err
	}
	if v.Instance != "" || (v.Payment == prepaid && !v.expired(q.now)) {
		return nil, wrongState("The volume is attached or Prepaid")
	}
	forget(c, c.volumes, v.ID)
	return empty(), nil
}
