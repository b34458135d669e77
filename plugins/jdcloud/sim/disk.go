package sim

import (
	"fmt"
	"slices"
	"time"
)

// The words of a disk's status.
const (
	diskCreating  = "creating"
	diskAvailable = "available"
	diskInUse     = "in-use"
	diskExtending = "extending"
	diskRestoring = "restoring"
	diskDeleting  = "deleting"
	diskTrash     = "in-recyclebin"
)

// disk is one cloud disk. A system disk has no lease of its own.
type disk struct {
	place
	ID          string `json:"id"`
	AZ          string `json:"az"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Kind        string `json:"kind"`
	SizeGB      int    `json:"size_gb"`
	IOPS        int    `json:"iops,omitempty"`
	Snapshot    string `json:"snapshot,omitempty"`
	Encrypted   bool   `json:"encrypted,omitempty"`
	System      bool   `json:"system,omitempty"`
	Instance    string `json:"instance,omitempty"`
	Device      string `json:"device,omitempty"`
	AutoDelete  bool   `json:"auto_delete,omitempty"`
	Attached    int64  `json:"attached,omitempty"`
	// Moving is the attachment on its way: attaching or detaching.
	Moving string `json:"moving,omitempty"`
	Tags   []tag  `json:"tags,omitempty"`
	Group  string `json:"resource_group,omitempty"`
	life
	lease
}

// diskSpec is a checked DiskSpec.
type diskSpec struct {
	name, az, kind, description, snapshot, group string
	size, iops                                   int
	charge                                       charge
	tags                                         []tag
	encrypted, system, autoDelete                bool
}

func (s *diskSpec) list() Fen {
	price, _ := diskPrice(s.kind)
	return price * Fen(s.size)
}

func (s *diskSpec) month(a *account) Fen { return percentOf(s.list(), a.PricePercent) }

func (d *disk) billRow() bill {
	return bill{
		Service: serviceDisk, Resource: d.ID, Account: d.Account, Region: d.Region, AZ: d.AZ, Mode: d.Charge.Mode, Name: d.Name, Tags: d.Tags,
	}
}

// diskActions are the calls of the disk service.
func diskActions() []action {
	const all, snaps = "/v1/regions/{regionId}/disks", "/v1/regions/{regionId}/snapshots"
	on := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "disk", method: method, path: path, run: run}
	}
	return []action{
		on("CreateDisks", "POST", all, createDisks),
		on("DescribeDisks", "GET", all, describeDisks),
		on("DescribeDisk", "GET", all+"/{diskId}", describeDisk),
		on("ModifyDiskAttribute", "PATCH", all+"/{diskId}", modifyDisk),
		on("DeleteDisk", "DELETE", all+"/{diskId}", deleteDisk),
		on("ExtendDisk", "POST", all+"/{diskId}:extend", extendDisk),
		on("RestoreDisk", "POST", all+"/{diskId}:restore", restoreDisk),
		on("RecoverDisk", "POST", all+"/{diskId}:recover", recoverDisk),
		on("CreateSnapshot", "POST", snaps, createSnapshot),
		on("DescribeSnapshots", "GET", snaps, describeSnapshots),
		on("DescribeSnapshot", "GET", snaps+"/{snapshotId}", describeSnapshot),
		on("ModifySnapshotAttribute", "PATCH", snaps+"/{snapshotId}", modifySnapshot),
		on("DeleteSnapshot", "DELETE", snaps+"/{snapshotId}", deleteSnapshot),
		on("DescribeQuota", "GET", "/v1/regions/{regionId}/quotas", describeDiskQuota),
	}
}

func (p *params) diskType(name, def string) string {
	v := p.str(name, def)
	if _, ok := diskPrice(v); !ok {
		p.fail(invalid(p.at(name), "there is no such disk type"))
	}
	return v
}

// diskSize reads a size in GB, which comes in steps of 10.
func (p *params) diskSize(name string, def int, kind string) int {
	lo, hi := diskBounds(kind)
	n := p.num(name, def, lo, hi)
	if n%10 != 0 {
		p.fail(invalid(p.at(name), "it is not a multiple of 10"))
	}
	return n
}

// readDiskSpec reads the spec of a data disk; az and name have defaults
// inside of an instance.
func (c *Cloud) readDiskSpec(q *request, p *params, az, name string, def charge) diskSpec {
	s := diskSpec{
		name: p.str("name", name), az: p.str("az", az), kind: p.diskType("diskType", p.need("diskType")), iops: p.num("iops", 0, 0, 100000),
		description: p.limited("description", 256), snapshot: p.str("snapshotId", ""), charge: p.chargeSpec("charge", def, prepaid, postpaid),
		encrypted: p.flag("encrypt", false),
	}
	if s.name == "" {
		p.fail(missing(p.at("name")))
	}
	if s.az == "" {
		p.fail(missing(p.at("az")))
	} else if !slices.Contains(c.regionOf(q.region).Zones, s.az) {
		p.fail(invalid(p.at("az"), "there is no such az in the region"))
	}
	least := 0
	if s.snapshot != "" {
		from := c.snapshots.get(s.snapshot)
		if from == nil || !from.in(q) {
			p.fail(notFound("snapshot", s.snapshot))
			return s
		}
		least = from.SizeGB
	}
	if least == 0 {
		p.need("diskSizeGB")
	}
	s.size = p.diskSize("diskSizeGB", max(least, 20), s.kind)
	if s.size < least {
		p.fail(invalid(p.at("diskSizeGB"), "it is smaller than the snapshot"))
	}
	return s
}

func createDisks(c *Cloud, q *request) (answer, *apiError) {
	token := q.need("clientToken")
	q.limited("clientToken", 64)
	n := q.needNum("maxCount", 1, 100)
	p := q.needObj("diskSpec")
	q.subject = token
	if q.failed() != nil {
		return nil, q.failed()
	}
	if ids, err := c.repeated(q, token); err != nil || ids != nil {
		return answer{"diskIds": ids}, err
	}
	s := c.readDiskSpec(q, &p, "", "", charge{Mode: postpaid})
	s.tags, s.group = q.userTags("userTags"), q.str("resourceGroupId", "")
	if q.failed() != nil {
		return nil, q.failed()
	}
	if have := len(c.disks.where(func(d *disk) bool { return d.in(q) })); c.limits.MaxDisks > 0 && have+n > c.limits.MaxDisks {
		return nil, quota("disks")
	}
	if s.charge.price(s.month(q.acct))*Fen(n) > q.acct.books.Balance {
		return nil, noBalance()
	}
	return answer{"diskIds": c.deliverDisks(q, s, n, token)}, nil
}

func (c *Cloud) deliverDisks(q *request, s diskSpec, n int, token string) []string {
	ids := []string{}
	ord := c.newOrder(q.acct.Name, q.region, orderNew, s.charge, q.now)
	for range n {
		ids = append(ids, c.makeDisk(q, s, ord).ID)
	}
	if s.charge.Mode == prepaid {
		c.orders.put(ord.Number, ord)
	}
	c.noteToken(q, token, ids)
	c.notePurchase(purchase{Kind: kindDisk, Names: []string{s.name}, Tags: s.tags, Token: token, Resources: n})
	return ids
}

// makeDisk makes a disk and pays it; without an order it has no lease.
func (c *Cloud) makeDisk(q *request, s diskSpec, ord *order) *disk {
	d := &disk{
		place: q.here(), ID: c.newID("vol"), AZ: s.az, Name: s.name, Description: s.description, Kind: s.kind, SizeGB: s.size, IOPS: s.iops,
		Snapshot: s.snapshot, Encrypted: s.encrypted, System: s.system, AutoDelete: s.autoDelete, Tags: s.tags, Group: s.group,
	}
	d.become(q.now, c.transition(), diskCreating, diskAvailable)
	if ord != nil {
		d.lease = open(s.charge, s.month(q.acct), ord.Number, q.now)
		c.pay(&d.lease, d.billRow(), ord, q)
	}
	c.disks.put(d.ID, d)
	return d
}

// attachNow hangs a disk on the instance it was made with.
func (c *Cloud) attachNow(d *disk, h *instance, dev string) {
	d.Instance, d.Device, d.Attached = h.ID, dev, h.Created
	d.life = life{State: diskInUse}
	c.disks.put(d.ID, d)
}

func device(n int) string { return "vd" + string(rune('a'+n)) }

func (c *Cloud) wakeDisk(d *disk, now time.Time) {
	if d.at(now) == stateGone {
		c.dropDisk(d)
		return
	}
	before := d.Expires
	if c.settleLease(&d.lease, d.billRow(), false, now) {
		c.wakeAt(d.ID, time.Unix(d.Expires, 0))
	}
	if len(d.Steps) > 0 {
		c.wakeAt(d.ID, time.UnixMilli(d.Steps[len(d.Steps)-1].At))
	}
	if d.Expires != before {
		c.disks.put(d.ID, d)
	}
}

func (c *Cloud) dropDisk(d *disk) { c.disks.drop(d.ID) }

// disksOf are the disks of an instance, the system disk first.
func (c *Cloud) disksOf(instanceID string) []*disk {
	out := c.disks.where(func(d *disk) bool { return d.Instance == instanceID && instanceID != "" })
	slices.SortStableFunc(out, func(a, b *disk) int {
		if a.System == b.System {
			return 0
		}
		if a.System {
			return -1
		}
		return 1
	})
	return out
}

// attachment is the word for how a disk hangs on its instance.
func (d *disk) attachment(now time.Time) string {
	if d.running(now) && d.Moving != "" {
		return d.Moving
	}
	return "attached"
}

func (c *Cloud) diskIn(q *request) (*disk, *apiError) {
	id := q.need("diskId")
	q.subject = id
	if d := c.disks.get(id); d != nil && d.in(q) && d.at(q.now) != stateGone {
		return d, nil
	}
	return nil, notFound("disk", id)
}

// idleDisk finds a disk without a task in one of the given states.
func (c *Cloud) idleDisk(q *request, states ...string) (*disk, *apiError) {
	d, err := c.diskIn(q)
	switch {
	case err != nil:
		return nil, err
	case q.failed() != nil:
		return nil, q.failed()
	case d.running(q.now):
		return nil, busy("disk", d.ID)
	case !slices.Contains(states, d.State):
		return nil, precondition("disk '%s' is %s", d.ID, d.State)
	}
	return d, nil
}

func describeDisks(c *Cloud, q *request) (answer, *apiError) {
	p := q.page()
	conds := q.filters("diskId", "diskType", "instanceId", "instanceType", "status", "az", "name", "multiAttach", "encrypted", "chargeMode")
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.disks.where(func(d *disk) bool {
		return d.in(q) && d.at(q.now) != stateGone && passAll(conds, pick(map[string]string{
			"diskId": d.ID, "diskType": d.Kind, "instanceId": d.Instance, "instanceType": "vm", "status": d.State, "az": d.AZ, "name": d.Name,
			"multiAttach": "false", "encrypted": fmt.Sprint(d.Encrypted), "chargeMode": d.Charge.Mode,
		}, d.Tags))
	})
	rows := rowsOf(pageOf(found, p, false), func(d *disk) answer { return c.diskRow(d, q) })
	return answer{"disks": rows, "totalCount": len(found)}, nil
}

func (c *Cloud) diskRow(d *disk, q *request) answer {
	row := answer{
		"diskId": d.ID, "az": d.AZ, "name": d.Name, "description": d.Description, "diskType": d.Kind, "diskSizeGB": d.SizeGB, "iops": d.IOPS,
		"throughput": 0, "status": d.at(q.now), "attachments": []answer{}, "snapshotId": d.Snapshot, "multiAttachable": false,
		"encrypted": d.Encrypted, "enabled": true, "createTime": iso(d.Created), "charge": c.leaseBehind(d).wire(q.acct, q.now), "tags": tagRows(d.Tags),
		"snapshotPolicies": []answer{}, "resourceGroupId": d.Group, "canPutInRecycleBin": d.Charge.Mode == postpaid && !d.System,
	}
	if d.Instance != "" {
		row["attachments"] = []answer{{
			"attachmentId": "att-" + d.ID, "diskId": d.ID, "instanceType": "vm", "instanceId": d.Instance, "status": d.attachment(q.now),
			"attachTime": iso(d.Attached),
		}}
	}
	return row
}

// leaseBehind is the lease that pays a disk: a system disk is paid with its instance.
func (c *Cloud) leaseBehind(d *disk) *lease {
	if h := c.instances.get(d.Instance); d.System && h != nil {
		return &h.lease
	}
	return &d.lease
}

func describeDisk(c *Cloud, q *request) (answer, *apiError) {
	d, err := c.diskIn(q)
	if err != nil {
		return nil, err
	}
	return answer{"disk": c.diskRow(d, q)}, nil
}

func modifyDisk(c *Cloud, q *request) (answer, *apiError) {
	d, err := c.diskIn(q)
	if err != nil {
		return nil, err
	}
	name, description := q.str("name", d.Name), q.limited("description", 256)
	if q.failed() != nil {
		return nil, q.failed()
	}
	d.Name = name
	if q.has("description") {
		d.Description = description
	}
	c.disks.put(d.ID, d)
	return nil, nil
}

func deleteDisk(c *Cloud, q *request) (answer, *apiError) {
	trash := q.flag("putInRecycleBin", false)
	d, err := c.idleDisk(q, diskAvailable, diskTrash)
	if err != nil {
		return nil, err
	}
	if d.unexpired(q.now) {
		return nil, precondition("disk '%s' is prepaid and has not expired", d.ID)
	}
	if trash {
		d.become(q.now, 0, diskTrash)
		c.disks.put(d.ID, d)
		return nil, nil
	}
	c.changeDisk(d, d.become(q.now, c.transition(), diskDeleting, stateGone))
	c.settle(q.now)
	return nil, nil
}

func (c *Cloud) changeDisk(d *disk, end time.Time) {
	c.disks.put(d.ID, d)
	c.wakeAt(d.ID, end)
}

func recoverDisk(c *Cloud, q *request) (answer, *apiError) {
	d, err := c.idleDisk(q, diskTrash)
	if err != nil {
		return nil, err
	}
	d.become(q.now, 0, diskAvailable)
	c.disks.put(d.ID, d)
	return nil, nil
}

func extendDisk(c *Cloud, q *request) (answer, *apiError) {
	d, err := c.idleDisk(q, diskAvailable, diskInUse)
	if err != nil {
		return nil, err
	}
	q.need("diskSizeGB")
	size := q.diskSize("diskSizeGB", d.SizeGB, d.Kind)
	if size <= d.SizeGB {
		q.fail(invalid("diskSizeGB", "it is not larger than the disk"))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	price, _ := diskPrice(d.Kind)
	grown := percentOf(price*Fen(size), q.acct.PricePercent) - percentOf(price*Fen(d.SizeGB), q.acct.PricePercent)
	owner := d.ID
	if d.System {
		owner = d.Instance
	}
	if l, ok := c.leaseOf(d.Account, owner); ok {
		if err := c.repriced(l, l.Month+grown, q); err != nil {
			return nil, err
		}
	}
	d.SizeGB = size
	c.changeDisk(d, d.become(q.now, c.transition(), diskExtending, d.State))
	return nil, nil
}

func restoreDisk(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("snapshotId")
	d, err := c.idleDisk(q, diskAvailable)
	if err != nil {
		return nil, err
	}
	if s := c.snapshots.get(id); s == nil || !s.in(q) || s.Disk != d.ID {
		return nil, notFound("snapshot", id)
	}
	c.changeDisk(d, d.become(q.now, c.transition(), diskRestoring, diskAvailable))
	return nil, nil
}

func attachDisk(c *Cloud, q *request) (answer, *apiError) {
	dev, auto := q.str("deviceName", ""), q.flag("autoDelete", false)
	h, err := c.instanceIn(q, stateRunning, stateStopped)
	if err != nil {
		return nil, err
	}
	d, err := c.idleDisk(q, diskAvailable)
	if err != nil {
		return nil, err
	}
	have := c.disksOf(h.ID)
	if d.AZ != h.AZ {
		return nil, precondition("disk '%s' is in another az", d.ID)
	}
	if len(have) > c.types[h.Type].disks {
		return nil, quota("disks of the instance")
	}
	names := []string{"vda"}
	for _, o := range have {
		names = append(names, o.Device)
	}
	for i := 1; dev == ""; i++ {
		if !slices.Contains(names, device(i)) {
			dev = device(i)
		}
	}
	if slices.Contains(names, dev) {
		return nil, invalid("deviceName", "it is in use")
	}
	d.Instance, d.Device, d.AutoDelete, d.Attached, d.Moving = h.ID, dev, auto, q.now.Unix(), "attaching"
	c.changeDisk(d, d.become(q.now, c.transition(), diskAvailable, diskInUse))
	return nil, nil
}

func detachDisk(c *Cloud, q *request) (answer, *apiError) {
	q.flag("force", false)
	h, err := c.freeInstance(q)
	if err != nil {
		return nil, err
	}
	d, err := c.idleDisk(q, diskInUse)
	switch {
	case err != nil:
		return nil, err
	case d.Instance != h.ID:
		return nil, precondition("disk '%s' is not attached to instance '%s'", d.ID, h.ID)
	case d.System:
		return nil, precondition("the system disk cannot be detached")
	}
	d.Instance, d.Device, d.Moving = "", "", ""
	c.changeDisk(d, d.become(q.now, c.transition(), diskInUse, diskAvailable))
	return nil, nil
}

func describeDiskQuota(c *Cloud, q *request) (answer, *apiError) {
	q.oneOf("type", q.need("type"), "disk", "snapshot", "ssd", "premium-hdd", "ssd.gp1", "ssd.io1", "hdd.std1", "ssd.io2", "ssd.gp2")
	if q.failed() != nil {
		return nil, q.failed()
	}
	used := len(c.disks.where(func(d *disk) bool { return d.in(q) && !d.System }))
	return answer{"quota": answer{"limit": bound(c.limits.MaxDisks), "used": used}}, nil
}
