package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// features of disks. The ebs service writes SSD, the ecs service ssd.
const (
	featureSSD   = "ssd"
	featureLocal = "local"
)

var diskWords = map[string]string{featureSSD: "云盘", featureLocal: "本地盘"}

// states of disks.
const (
	diskBuilding   = "building"
	diskBuildFail  = "build_fail"
	diskRunning    = "running"
	diskMounting   = "mounting"
	diskUnmounting = "unmounting"
	diskWaiting    = "waiting"
	diskUpdating   = "updating"
	diskDeleting   = "recycling"
)

var diskStatusWords = map[string]string{
	diskBuilding: "创建中", diskBuildFail: "创建失败", diskRunning: "使用中", diskMounting: "挂载中", diskUnmounting: "卸载中",
	diskWaiting: "待挂载", diskUpdating: "更新中", diskDeleting: "回收中",
}

// disk is a system or data disk.
type disk struct {
	id, name string
	zone     *place
	feature  string
	size     int // GB
	system   bool
	on       *instance // nil when it is not attached
	follows  int       // ReleaseWithInstance
	state    phase
	meter    meter // of a disk that no instance's rent covers
	created  time.Time
}

// diskOrder is a disk that a call asks for.
type diskOrder struct {
	feature string
	size    int
	system  bool
	follows int
}

// bounds of a disk in GB; sizes of cloud disks are multiples of 8.
const (
	minDisk  = 24
	maxDisk  = 32000
	diskStep = 8
)

// needDisk reads DiskFeature and Size.
func (q *request) needDisk(p *params, system bool) diskOrder {
	d := diskOrder{feature: p.oneOf("DiskFeature", featureSSD, featureLocal), size: p.needNum("Size", 1, 1<<20), system: system}
	d.follows = p.num("ReleaseWithInstance", 1, 0, 1)
	if q.err() == nil && d.feature == featureSSD {
		q.checkSize(d.size)
	}
	return d
}

func (p *params) checkSize(size int) {
	switch {
	case size < minDisk:
		p.fail(refuse(400, "MinDiskSizeLess", "a disk has at least %d GB", minDisk))
	case size > maxDisk:
		p.fail(refuse(400, "MaxDiskSizeExceed", "a disk has at most %d GB", maxDisk))
	case size%diskStep != 0:
		p.fail(refuse(400, "InvalidDiskSize.ValueNotSupported", "the size of a disk is a multiple of %d GB", diskStep))
	}
}

// readDisks reads the system disk and the list of data disks. The doc's
// sample shows one object; the table a list. Both are taken.
func (o *order) readDisks(q *request) {
	o.disks = []diskOrder{q.needDisk(q.needObj("SystemDisk"), true)}
	data := []*params{}
	if _, one := q.values["DataDisk"].(map[string]any); one {
		data = append(data, q.obj("DataDisk"))
	} else {
		data = q.objs("DataDisk")
	}
	for _, p := range data {
		o.disks = append(o.disks, q.needDisk(p, false))
	}
	if q.err() != nil {
		return
	}
	for _, d := range o.disks {
		if d.feature != o.disks[0].feature {
			q.fail(refuse(400, "UnSupportedMixingLocalAndEbs", "local and cloud disks can not be mixed"))
		}
	}
	switch {
	case o.disks[0].size < o.proto.image.SizeGB:
		q.fail(refuse(400, "MinDiskSizeLess", "the image needs %d GB", o.proto.image.SizeGB))
	case o.disks[0].feature == featureLocal && !o.proto.family.localDisk:
		q.fail(invalid("SystemDisk.DiskFeature", "local is not offered with the family"))
	}
}

// gigabytes are the cloud disks of one instance.
func (o *order) gigabytes() int {
	n := 0
	for _, d := range o.disks {
		if d.feature == featureSSD {
			n += d.size
		}
	}
	return n
}

// diskUsed are the gigabytes of cloud disks an account has in a zone.
func (a *account) diskUsed(zone string) int {
	n := 0
	for _, d := range a.disks.list(func(d *disk) bool { return d.zone.Code == zone && d.feature == featureSSD }) {
		n += d.size
	}
	return n
}

func (c *Cloud) diskQuota() int {
	if c.limits.DiskGB > 0 {
		return c.limits.DiskGB
	}
	return 100000
}

// admitDisks holds more gigabytes against the quota.
func (c *Cloud) admitDisks(q *request, z *place, more int) *apiError {
	if used := q.acct.diskUsed(z.Code); !c.replaying && used+more > c.diskQuota() {
		return refuse(400, codeQuota, "the zone has %d of %d GB left", c.diskQuota()-used, c.diskQuota())
	}
	return nil
}

func (a *account) disksOf(i *instance) []*disk {
	return a.disks.list(func(d *disk) bool { return d.on == i })
}

func (c *Cloud) makeDisk(a *account, z *place, want diskOrder, on *instance) *disk {
	d := &disk{
		id: c.newID("disk-"), name: want.feature + "_" + c.at.In(china).Format("20060102"), zone: z, feature: want.feature,
		size: want.size, system: want.system, on: on, follows: want.follows, created: c.at,
		state: phase{doing: diskBuilding, due: c.due(), then: diskRunning},
	}
	if on == nil {
		d.state.then = diskWaiting
	}
	a.disks.add(d.id, d)
	return d
}

// conf is a disk as DescribeInstance has it, without its id.
func (d *disk) conf() object {
	sort := "data"
	if d.system {
		sort = "system"
	}
	return object{
		"ReleaseWithInstance": d.follows, "DiskType": sort, "Name": d.name, "Size": d.size, "Unit": "GB",
		"DiskIops": 1800 + 30*d.size, "BandMbps": 80 + d.size*2/3, "DiskFeature": d.feature,
	}
}

// row is a disk as the ebs service has it.
func (d *disk) row(now time.Time) object {
	word := d.state.at(now)
	row := object{
		"DiskId": d.id, "DiskName": d.name, "Size": d.size, "EcsId": "", "EcsName": "", "BillingMethod": onDemand,
		"ReleaseWithInstance": d.follows, "RegionCode": d.zone.region.Code, "AvailableZoneCode": d.zone.Code,
		"Status": word, "StatusDisplay": diskStatusWords[word], "DiskFeature": strings.ToUpper(d.feature), "Property": "data",
	}
	if d.system {
		row["Property"] = "system"
	}
	if d.on != nil {
		row["EcsId"], row["EcsName"], row["BillingMethod"] = d.on.id, d.on.name, d.on.method
	}
	return row
}

func diskRows(all []*disk, now time.Time) []object {
	rows := []object{}
	for _, d := range all {
		rows = append(rows, d.row(now))
	}
	return rows
}

func describeDiskQuota(c *Cloud, q *request) (answer, *apiError) {
	z := q.needZone(c)
	total, used := c.diskQuota(), q.acct.diskUsed(z.Code)
	return answer{data: object{"QuotaList": []object{
		{"TotalQuota": total, "UsedQuota": used, "FreeQuota": max(total-used, 0), "DiskFeature": "SSD"},
	}}}, nil
}

func describeDisks(c *Cloud, q *request) (answer, *apiError) {
	zone, region, ids := q.optZone(c), q.optRegion(c), q.texts("DiskIds")
	all := q.acct.disks.list(func(d *disk) bool {
		return d.feature == featureSSD && (zone == nil || d.zone.Code == zone.Code) && d.zone.inRegion(region) &&
			(len(ids) == 0 || slices.Contains(ids, d.id))
	})
	rows, page := ecsPage(q, all)
	return answer{data: object{"DiskList": diskRows(rows, q.now)}, page: page}, nil
}

func findDisk(q *request, id string) (*disk, *apiError) {
	if err := q.err(); err != nil {
		return nil, err
	}
	q.subject = id
	d := q.acct.disks.get(id)
	if d == nil || d.feature != featureSSD {
		return nil, noResource("DiskId", id)
	}
	return d, nil
}

func describeDisk(_ *Cloud, q *request) (answer, *apiError) {
	d, err := findDisk(q, q.need("DiskId"))
	if err != nil {
		return answer{}, err
	}
	return answer{data: object{"DiskInfo": d.row(q.now)}}, nil
}

// describeAttached takes the name of its table and that of its sample.
func describeAttached(_ *Cloud, q *request) (answer, *apiError) {
	i, err := findInstance(q, q.spelling("InstanceId", "EcsId"))
	if err != nil {
		return answer{}, err
	}
	all := q.acct.disks.list(func(d *disk) bool { return d.on == i && d.feature == featureSSD })
	return answer{data: object{"DiskList": diskRows(all, q.now)}}, nil
}

// spelling is the second name when only that came, else the first: the
// vendor's tables and samples do not always agree.
func (p *params) spelling(table, sample string) string {
	if !p.has(table) && p.has(sample) {
		return sample
	}
	return table
}

func createDisks(c *Cloud, q *request) (answer, *apiError) {
	z, number := q.needZone(c), q.num("Number", 1, 1, 100)
	q.oneOf("DiskFeature", "SSD")
	want := diskOrder{feature: featureSSD, size: q.needNum("Size", 1, 1<<20), follows: q.num("ReleaseWithInstance", 1, 0, 1)}
	q.checkSize(want.size)
	if m := q.str("BillingMethod"); m != "" && m != onDemand {
		q.fail(invalid("BillingMethod", "must be 0"))
	}
	name := q.str("DiskName")
	on, err := q.target(z)
	if err == nil {
		err = c.admitDisks(q, z, want.size*number)
	}
	day := percentOf(dayOf(diskFen[featureSSD]*Fen(want.size)), q.acct.PricePercent)
	if err == nil {
		err = c.afford(q.acct, ceilDiv(day, 24)*Fen(number))
	}
	if err != nil {
		return answer{}, err
	}
	ids := []string{}
	for n := range number {
		ids = append(ids, c.buyDisk(q, z, want, on, numbered(name, n), day).id)
	}
	q.acct.buy("disk.name", name, number)
	e := c.newEvent(q, eventDisk, c.due(), ids, q.taskFails)
	return answer{data: object{"EventId": e.id, "DiskIdSet": ids}}, nil
}

// target reads the instance that a new disk goes to; nil for none.
func (q *request) target(z *place) (*instance, *apiError) {
	if q.str("InstanceId") == "" || q.err() != nil {
		return nil, q.err()
	}
	i, err := findInstance(q, "InstanceId")
	if err == nil && i.zone.Code != z.Code {
		err = refuse(403, "InvalidOperation.AzMismatch", "the instance is in another zone")
	}
	if err == nil {
		err = inState(q, []*instance{i}, insRunning, insStopped)
	}
	return i, err
}

// numbered is the name of the nth disk of an order; the first has the plain one.
func numbered(name string, n int) string {
	if name == "" || n == 0 {
		return name
	}
	return fmt.Sprintf("%s_%02d", name, n)
}

func (c *Cloud) buyDisk(q *request, z *place, want diskOrder, on *instance, name string, day Fen) *disk {
	d := c.makeDisk(q.acct, z, want, on)
	if name != "" {
		d.name = name
	}
	c.start(q.acct, &d.meter, d.id, day)
	if q.taskFails(0) {
		d.state.then = diskBuildFail
		c.later(c.due(), func() {
			d.meter.stop()
			q.acct.refund(d.id, q.acct.costs[d.id])
			d.on = nil
		})
	}
	return d
}

// findDisks reads DiskIds; all must be data disks in one of the states.
func findDisks(q *request, states ...string) ([]*disk, []string, *apiError) {
	ids := q.needStrs("DiskIds")
	out := []*disk{}
	for _, id := range ids {
		d, err := findDisk(q, id)
		if err != nil {
			return nil, nil, err
		}
		if now := d.state.at(q.now); d.system || !slices.Contains(states, now) {
			return nil, nil, notPermitted("disk %q is a system disk or %s, not %s", id, now, strings.Join(states, " or "))
		}
		out = append(out, d)
	}
	return out, ids, q.err()
}

func deleteDisks(c *Cloud, q *request) (answer, *apiError) {
	all, ids, err := findDisks(q, diskWaiting, diskBuildFail)
	if err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventNoDisk, c.due(), ids, q.taskFails)
	for _, d := range all {
		d.state = phase{doing: diskDeleting, due: e.due, then: d.state.at(q.now)}
		if e.failed() == 0 {
			c.later(e.due, func() { c.dropDisk(q.acct, d) })
		}
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func (c *Cloud) dropDisk(a *account, d *disk) {
	d.meter.stop()
	a.disks.remove(d.id)
}

func attachDisks(c *Cloud, q *request) (answer, *apiError) {
	all, ids, err := findDisks(q, diskWaiting)
	if err != nil {
		return answer{}, err
	}
	i, err := findInstance(q, q.spelling("InstanceId", "EcsId"))
	if err == nil {
		err = inState(q, []*instance{i}, insRunning, insStopped)
	}
	follows := q.num("ReleaseWithInstance", 1, 0, 1)
	if err == nil {
		err = q.err()
	}
	if err != nil {
		return answer{}, err
	}
	for _, d := range all {
		if d.zone.Code != i.zone.Code {
			return answer{}, refuse(403, "InvalidOperation.AzMismatch", "disk %q is in another zone", d.id)
		}
	}
	e := c.newEvent(q, eventMount, c.due(), ids, q.taskFails)
	for _, d := range all {
		d.state = phase{doing: diskMounting, due: e.due, then: diskRunning}
		if e.failed() > 0 {
			d.state.then = diskWaiting
			continue
		}
		d.on, d.follows = i, follows
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func detachDisks(c *Cloud, q *request) (answer, *apiError) {
	all, ids, err := findDisks(q, diskRunning)
	if err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventUnmount, c.due(), ids, q.taskFails)
	for _, d := range all {
		d.state = phase{doing: diskUnmounting, due: e.due, then: diskWaiting}
		if e.failed() > 0 {
			d.state.then = diskRunning
			continue
		}
		c.later(e.due, func() { c.loosen(q.acct, d) })
	}
	return answer{data: object{"EventId": e.id}}, nil
}

// loosen takes a disk off its instance; from then on it is charged by itself.
func (c *Cloud) loosen(a *account, d *disk) {
	i := d.on
	d.on = nil
	if !d.meter.running {
		c.start(a, &d.meter, d.id, percentOf(dayOf(diskFen[d.feature]*Fen(d.size)), a.PricePercent))
	}
	if i != nil && i.meter.running {
		i.meter.day = a.dayPrice(i)
	}
}

func extendDisk(c *Cloud, q *request) (answer, *apiError) {
	size := q.needNum("ExtendedSize", 1, 1<<20)
	d, err := findDisk(q, q.need("DiskId"))
	if err != nil {
		return answer{}, err
	}
	q.checkSize(size)
	switch word := d.state.at(q.now); {
	case q.err() != nil:
		return answer{}, q.err()
	case size <= d.size:
		return answer{}, refuse(400, "InvalidDiskSize.ValueNotSupported", "the disk has %d GB already", d.size)
	case word != diskRunning && word != diskWaiting:
		return answer{}, notPermitted("the disk is %s", word)
	}
	if err := c.admitDisks(q, d.zone, size-d.size); err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventExtend, c.due(), []string{d.id}, q.taskFails)
	d.state = phase{doing: diskUpdating, due: e.due, then: d.state.at(q.now)}
	if e.failed() == 0 {
		c.later(e.due, func() { q.acct.extend(d, size) })
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func (a *account) extend(d *disk, size int) {
	d.size = size
	switch {
	case d.meter.running:
		d.meter.day = percentOf(dayOf(diskFen[d.feature]*Fen(size)), a.PricePercent)
	case d.on != nil && d.on.meter.running:
		d.on.meter.day = a.dayPrice(d.on)
	}
}
