package sim

import (
	"slices"
	"time"
)

// kindDisk is how bills write a disk of its own.
const kindDisk = "udisk"

// udisk is a disk of its own.
type udisk struct {
	place
	ID     string `json:"id"`
	Zone   string `json:"zone"`
	Name   string `json:"name"`
	Tag    string `json:"tag"`
	Type   string `json:"type"`
	SizeGB int    `json:"size_gb"`
	Host   string `json:"host,omitempty"`
	// MovesUntil is when an attach or detach is over, in unix milliseconds.
	MovesUntil int64 `json:"moves_until,omitempty"`
	lease
}

func (d *udisk) ident() string { return d.ID }

func (d *udisk) billRow() bill {
	return bill{Kind: kindDisk, Resource: d.ID, Account: d.Account, Project: d.Project, Charge: d.Charge, Tag: d.Tag, Name: d.Name}
}

// diskTypes pairs the names of the first protocol version with those of the second.
func diskTypes() map[string]string {
	return map[string]string{
		"DataDisk": "CLOUD_NORMAL", "SSDDataDisk": "CLOUD_SSD", "RSSDDataDisk": "CLOUD_RSSD", "EfficiencyDataDisk": "CLOUD_EFFICIENCY",
	}
}

func (q *request) udiskType() string {
	return q.oneOf("DiskType", "DataDisk", "DataDisk", "SSDDataDisk", "RSSDDataDisk", "EfficiencyDataDisk")
}

func (d *udisk) status(now time.Time) string {
	moving := now.UnixMilli() < d.MovesUntil
	switch {
	case moving && d.Host != "":
		return "Attaching"
	case moving:
		return "Detaching"
	case d.Host != "":
		return "InUse"
	}
	return "Available"
}

func diskUnit(a *account, charge, kind string, gb int) (list, mine Fen) {
	list = perUnit(charge, diskMonth(diskTypes()[kind])*Fen(gb))
	return list, percentOf(list, a.PricePercent)
}

// udiskSize reads Size; the limits are those of data disks.
func (q *request) udiskSize(kind string) int {
	gb := q.needNum("Size", 1, 1<<20)
	if q.err == nil && (gb < 20 || gb > dataMax(diskTypes()[kind])) {
		q.fail(notAvailable("Size"))
	}
	return gb
}

func createUDisk(c *Cloud, q *request) (answer, *retError) {
	q.need("Zone")
	kind := q.udiskType()
	d := &udisk{
		place: q.place(), Zone: q.zone, Name: q.need("Name"), Tag: q.label("Tag", "Default"), Type: kind, SizeGB: q.udiskSize(kind),
	}
	q.subject = short(d.Tag)
	q.label("Name", "x")
	charge := q.oneOf("ChargeType", chargeDynamic, chargeYear, chargeMonth, chargeDynamic, chargePostpay)
	quantity := q.quantity(charge)
	if q.err != nil {
		return nil, q.err
	}
	_, unit := diskUnit(q.acct, charge, kind, d.SizeGB)
	if q.whole(charge, unit, quantity, 1) > q.acct.books.Balance {
		return nil, refuse(codeEIPBalance, "balance is not enough")
	}
	d.ID = newID("bsm", c.nextSeq())
	var cost Fen
	d.lease, cost = newLease(charge, unit, quantity, q.now)
	c.keepUDisk(d)
	c.watch(d.ID, &d.lease)
	b := d.billRow()
	b.OrderType, b.Start, b.End = orderBuy, d.Created, d.Expires
	c.charge(q.acct, b, cost, q.now)
	return answer{"UDiskId": []string{d.ID}}, nil
}

func (c *Cloud) keepUDisk(d *udisk) {
	c.udisks.put(d)
	c.tx.UDisks = append(c.tx.UDisks, d)
}

// udiskOf reads UDiskId and finds the disk.
func (c *Cloud) udiskOf(q *request) (*udisk, *retError) {
	id := q.need("UDiskId")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	d, ok := c.udisks.find(q, id)
	if !ok {
		return nil, refuse(codeNoSuchHost, "UDisk does not exist")
	}
	return d, nil
}

func describeUDisks(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	id, modern := q.values["UDiskId"], q.num("ProtocolVersion", 0, 0, 1) == 1
	if q.err != nil {
		return nil, q.err
	}
	all := []*udisk{}
	for _, d := range c.udisks.of(q.key()) {
		if passes(id, d.ID) && passes(q.zone, d.Zone) {
			all = append(all, d)
		}
	}
	rows := []answer{}
	for _, d := range pageOf(all, offset, limit) {
		rows = append(rows, c.udiskRow(d, q.now, modern))
	}
	return answer{"TotalCount": len(all), "DataSet": rows}, nil
}

func (c *Cloud) udiskRow(d *udisk, now time.Time, modern bool) answer {
	kind, hostName, device := d.Type, "", ""
	if modern {
		kind = diskTypes()[d.Type]
	}
	if h := c.hosts[d.Host]; h != nil {
		hostName, device = h.Name, "vdb"
	}
	return answer{
		"UDiskId": d.ID, "Name": d.Name, "Tag": d.Tag, "Zone": d.Zone, "Size": d.SizeGB, "DiskType": kind, "Status": d.status(now),
		"ChargeType": d.Charge, "CreateTime": d.Created, "ExpiredTime": d.Expires, "IsExpire": "No", "IsBoot": "False",
		"UHostId": d.Host, "HostId": d.Host, "UHostName": hostName, "HostName": hostName, "DeviceName": device,
	}
}

// move attaches to a host or, with "", detaches.
func (c *Cloud) move(d *udisk, host string, q *request) answer {
	next := *d
	next.Host = host
	next.MovesUntil = q.now.Add(c.transition()).UnixMilli()
	c.keepUDisk(&next)
	return answer{"UDiskId": d.ID, "UHostId": host, "HostId": host}
}

func attachUDisk(c *Cloud, q *request) (answer, *retError) {
	d, err := c.udiskOf(q)
	if err != nil {
		return nil, err
	}
	h := c.hostIn(q, q.str("HostId", q.values["UHostId"]))
	switch {
	case h == nil:
		return nil, noSuchHost()
	case h.Zone != d.Zone:
		return nil, notAvailable("HostId")
	case d.status(q.now) != "Available":
		return nil, refuse(codeDiskBusy, "UDisk is %s", d.status(q.now))
	}
	return c.move(d, h.ID, q), nil
}

func detachUDisk(c *Cloud, q *request) (answer, *retError) {
	d, err := c.udiskOf(q)
	switch {
	case err != nil:
		return nil, err
	case d.status(q.now) != "InUse":
		return nil, refuse(codeDiskBusy, "UDisk is %s", d.status(q.now))
	case d.Host != q.str("HostId", q.values["UHostId"]):
		return nil, notAvailable("HostId")
	}
	return c.move(d, "", q), nil
}

func deleteUDisk(c *Cloud, q *request) (answer, *retError) {
	d, err := c.udiskOf(q)
	switch {
	case err != nil:
		return nil, err
	case d.status(q.now) != "Available":
		return nil, refuse(codeDiskBusy, "UDisk is %s", d.status(q.now))
	}
	c.finish(&d.lease, q.acct, d.billRow(), q.now)
	c.udisks.drop(d.ID)
	c.tx.GoneUDisks = append(c.tx.GoneUDisks, d.ID)
	return answer{}, nil
}

// udiskGrowth reads a disk and the size it should get; disks only grow.
func (c *Cloud) udiskGrowth(q *request, id string) (*udisk, int, *retError) {
	d, ok := c.udisks.find(q, id)
	if !ok {
		return nil, 0, refuse(codeNoSuchHost, "UDisk does not exist")
	}
	gb := q.udiskSize(d.Type)
	if q.err == nil && gb <= d.SizeGB {
		q.fail(notAvailable("Size"))
	}
	return d, gb, q.err
}

func resizeUDisk(c *Cloud, q *request) (answer, *retError) {
	d, gb, err := c.udiskGrowth(q, q.need("UDiskId"))
	if err != nil {
		return nil, err
	}
	next := *d
	next.Terms = slices.Clone(d.Terms)
	_, unit := diskUnit(q.acct, d.Charge, d.Type, gb)
	if err := c.settleResize(q, &next.lease, unit, d.billRow(), codeEIPBalance); err != nil {
		return nil, err
	}
	next.SizeGB = gb
	c.keepUDisk(&next)
	return answer{}, nil
}

func renameUDisk(c *Cloud, q *request) (answer, *retError) {
	name := q.need("UDiskName")
	q.label("UDiskName", "x")
	d, err := c.udiskOf(q)
	if err != nil {
		return nil, err
	}
	if q.err != nil {
		return nil, q.err
	}
	next := *d
	next.Name = name
	c.keepUDisk(&next)
	return answer{}, nil
}

// getUDiskPrice answers in fen, other than the prices of hosts and addresses.
// Here OriginalPrice is what the account pays, and ListPrice the public price.
func getUDiskPrice(_ *Cloud, q *request) (answer, *retError) {
	q.need("Zone")
	kind := q.udiskType()
	gb := q.udiskSize(kind)
	quantity := q.num("Quantity", 1, 0, 120)
	charges := []string{chargeYear, chargeMonth, chargeDynamic}
	if q.values["ChargeType"] != "" {
		charges = []string{q.oneOf("ChargeType", chargeMonth, append(charges, chargePostpay)...)}
	}
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, charge := range charges {
		list, mine := diskUnit(q.acct, charge, kind, gb)
		price := q.whole(charge, mine, quantity, 1)
		rows = append(rows, answer{
			"ChargeType": charge, "ChargeName": kind, "Price": int64(price), "OriginalPrice": int64(price),
			"ListPrice": int64(q.whole(charge, list, quantity, 1)),
		})
	}
	return answer{"DataSet": rows}, nil
}

func getUDiskUpgradePrice(c *Cloud, q *request) (answer, *retError) {
	d, gb, err := c.udiskGrowth(q, q.need("SourceId"))
	if err != nil {
		return nil, err
	}
	_, unit := diskUnit(q.acct, d.Charge, d.Type, gb)
	_, cost := d.resized(unit, q.now)
	return answer{"Price": int64(cost), "OriginalPrice": int64(cost)}, nil
}
