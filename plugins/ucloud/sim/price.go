package sim

import (
	"fmt"
	"slices"
)

// hoursPerMonth is how many hours of Dynamic cost as much as a month.
const hoursPerMonth = 480

// monthsPerYear is how many months a year costs.
const monthsPerYear = 10

// parts is a price split as the price API details it.
type parts struct{ host, disk, snapshot Fen }

func (p parts) total() Fen { return p.host + p.disk + p.snapshot }

func (p parts) each(f func(Fen) Fen) parts {
	return parts{host: f(p.host), disk: f(p.disk), snapshot: f(p.snapshot)}
}

func (p parts) wire() answer {
	return answer{"UHost": yuan(p.host), "UDisk": yuan(p.disk), "Snapshot": yuan(p.snapshot), "Volume": yuan(0)}
}

// perUnit turns a list price per month into the list price of one period.
func perUnit(charge string, month Fen) Fen {
	switch charge {
	case chargeYear:
		return month * monthsPerYear
	case chargeMonth:
		return month
	case chargeSpot:
		return ceilDiv(ceilDiv(month, hoursPerMonth)*2, 5)
	default:
		return ceilDiv(month, hoursPerMonth)
	}
}

// diskMonth is the list price of one GB per month.
func diskMonth(kind string) Fen {
	switch kind {
	case "LOCAL_NORMAL":
		return 20
	case "LOCAL_SSD":
		return 60
	case "CLOUD_NORMAL":
		return 30
	case "CLOUD_ESSD":
		return 120
	case "CLOUD_RSSD":
		return 130
	case "CLOUD_EFFICIENCY":
		return 40
	default: // CLOUD_SSD
		return 100
	}
}

// snapshotMonth is the list price of backup for one GB per month.
const snapshotMonth Fen = 15

// month is the list price of one host per month.
func (c *Cloud) month(s *hostSpec) parts {
	m := c.machines[s.MachineType]
	gpu, _ := gpuMonth(s.GPUType)
	p := parts{host: m.cpuFen*Fen(s.CPU) + m.memFen*Fen(s.MemoryMB/1024) + gpu*Fen(s.GPU)}
	for _, d := range s.Disks {
		p.disk += diskMonth(d.Type) * Fen(d.SizeGB)
		if d.Backup == "SNAPSHOT" {
			p.snapshot += snapshotMonth * Fen(d.SizeGB)
		}
	}
	return p
}

// eipMonth is the list price of an EIP per month: the first five Mbps are
// cheap, traffic pay mode has no rent.
func eipMonth(operator, payMode string, mbps int) Fen {
	if payMode != "Bandwidth" {
		return 0
	}
	first, more := Fen(2300), Fen(8000)
	if operator == "International" {
		first, more = 5000, 9000
	}
	return first*Fen(min(mbps, 5)) + more*Fen(max(mbps-5, 0))
}

// unitPrices are list and customer price of one period of one host. Each
// part is discounted and rounded on its own, so details always add up.
func (c *Cloud) unitPrices(a *account, s *hostSpec, charge string) (list, mine parts) {
	list = c.month(s).each(func(f Fen) Fen { return perUnit(charge, f) })
	return list, list.each(func(f Fen) Fen { return percentOf(f, a.PricePercent) })
}

func getHostPrice(c *Cloud, q *request) (answer, *retError) {
	count := q.needNum("Count", 1, 5)
	quantity := q.num("Quantity", 1, 0, 120)
	charges := []string{chargeYear, chargeMonth, chargeDynamic}
	if q.values["ChargeType"] != "" {
		charges = []string{q.chargeType(chargeMonth)}
	}
	q.need("CPU")
	q.need("Memory")
	details := q.flag("ShowPriceDetails")
	spec := c.readPriceSpec(q)
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, charge := range charges {
		rows = append(rows, c.priceRow(q, spec, charge, quantity, count, details))
	}
	return answer{"PriceSet": rows}, nil
}

// chargeType reads ChargeType; Preemptive is another word for Spot.
func (q *request) chargeType(def string) string {
	v := q.oneOf("ChargeType", def, chargeYear, chargeMonth, chargeDynamic, chargePostpay, chargeSpot, "Preemptive")
	if v == "Preemptive" {
		return chargeSpot
	}
	return v
}

func (c *Cloud) priceRow(q *request, s *hostSpec, charge string, quantity, count int, details bool) answer {
	list, mine := c.unitPrices(q.acct, s, charge)
	whole := func(p parts) parts { return p.each(func(f Fen) Fen { return q.whole(charge, f, quantity, count) }) }
	// Month ends are rounded per order, so the parts follow the total there.
	row := answer{
		"ChargeType":    charge,
		"Price":         yuan(q.whole(charge, mine.total(), quantity, count)),
		"OriginalPrice": yuan(q.whole(charge, list.total(), quantity, count)),
		"ListPrice":     yuan(q.whole(charge, list.total(), quantity, count)),
	}
	if details {
		row["PriceDetail"], row["OriginalPriceDetail"] = whole(mine).wire(), whole(list).wire()
		row["ListPriceDetail"] = whole(list).wire()
	}
	return row
}

// whole is the price of an order: quantity periods for count hosts.
func (q *request) whole(charge string, unit Fen, quantity, count int) Fen {
	if isHourly(charge) {
		return unit * Fen(count)
	}
	_, cost := period(charge, unit, quantity, q.now)
	return cost * Fen(count)
}

func getRenewPrice(c *Cloud, q *request) (answer, *retError) {
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, err
	}
	charges := []string{chargeYear, chargeMonth, chargeDynamic}
	if q.values["ChargeType"] != "" {
		charges = []string{q.chargeType(chargeMonth)}
	}
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, charge := range charges {
		list, mine := c.unitPrices(q.acct, &h.Spec, charge)
		rows = append(rows, answer{
			"ChargeType": charge, "Price": yuan(mine.total()), "OriginalPrice": yuan(list.total()),
		})
	}
	return answer{"PriceSet": rows}, nil
}

// getRefundPrice quotes exactly what TerminateUHostInstance would give back now.
func getRefundPrice(c *Cloud, q *request) (answer, *retError) {
	ids := q.list("UHostIds")
	if len(ids) == 0 {
		q.fail(missing("UHostIds"))
	}
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, id := range ids {
		row := answer{"UHostId": id, "Code": 0, "Message": "", "RefundPrice": yuan(0)}
		if h := c.hostIn(q, id); h != nil {
			row["RefundPrice"] = yuan(h.refund(q.now))
		} else {
			row["Code"], row["Message"] = codeNoSuchHost, noSuchHost().text
		}
		rows = append(rows, row)
	}
	return answer{"RefundPriceSet": rows}, nil
}

func getEIPPrice(_ *Cloud, q *request) (answer, *retError) {
	operator := q.operator()
	q.need("Bandwidth")
	mbps := q.num("Bandwidth", 0, 0, 800)
	payMode := q.payMode()
	quantity := q.num("Quantity", 1, 0, 120)
	charges := []string{chargeYear, chargeMonth, chargeDynamic}
	if q.values["ChargeType"] != "" {
		charges = []string{q.oneOf("ChargeType", chargeMonth, charges...)}
	}
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, charge := range charges {
		list := perUnit(charge, eipMonth(operator, payMode, mbps))
		end, _ := period(charge, list, quantity, q.now)
		rows = append(rows, answer{
			"ChargeType": charge, "PurchaseValue": end.Unix(),
			"OriginalPrice": yuan(q.whole(charge, list, quantity, 1)),
			"Price":         yuan(q.whole(charge, percentOf(list, q.acct.PricePercent), quantity, 1)),
		})
	}
	return answer{"PriceSet": rows}, nil
}

// readPriceSpec reads what the price depends on, with the codes of the price API.
func (c *Cloud) readPriceSpec(q *request) *hostSpec {
	s := &hostSpec{ImageID: q.values["ImageId"]}
	c.readSize(q, s, codePriceCPU, codePriceMemory)
	s.Disks = q.disks()
	image := c.image(s.ImageID)
	if s.ImageID != "" && image == nil {
		q.fail(notAvailable("ImageId"))
	}
	if len(s.Disks) == 0 && image != nil {
		s.Disks = []disk{{Boot: true, Type: c.machines[s.MachineType].disks[0].boot[0], SizeGB: image.SizeGB}}
	}
	if len(s.Disks) == 0 {
		q.fail(missing("Disks"))
	}
	for i, d := range s.Disks {
		if d.SizeGB > dataMax(d.Type) {
			q.fail(refuse(codePriceDisk, "disk %d of %d GB is not available", i, d.SizeGB))
		}
	}
	return s
}

// readSize reads machine type, cores, memory and cards.
func (c *Cloud) readSize(q *request, s *hostSpec, badCPU, badMemory int) {
	s.MachineType = q.oneOf("MachineType", "N", c.machine...)
	s.CPU = q.num("CPU", 4, 1, 1<<16)
	s.MemoryMB = q.num("Memory", 8192, 1, 1<<30)
	s.GPU = q.num("GPU", 0, 0, 8)
	s.GPUType = q.values["GpuType"]
	if q.err != nil {
		return
	}
	if !slices.Contains(cpuSizes(), s.CPU) {
		q.fail(refuse(badCPU, "CPU %d is not available", s.CPU))
	}
	if s.MemoryMB%1024 != 0 || !slices.Contains(memorySizes(s.CPU), s.MemoryMB/1024) {
		q.fail(refuse(badMemory, "memory %d MB is not available for %d cores", s.MemoryMB, s.CPU))
	}
	q.checkGPU(c.machines[s.MachineType], s)
}

func (q *request) checkGPU(m machine, s *hostSpec) {
	_, known := gpuMonth(s.GPUType)
	switch {
	case !m.gpu && (s.GPU > 0 || s.GPUType != ""):
		q.fail(notAvailable("GPU"))
	case m.gpu && s.GPUType == "":
		q.fail(missing("GpuType"))
	case m.gpu && !known:
		q.fail(notAvailable("GpuType"))
	case m.gpu && s.GPU == 0:
		s.GPU = 1
	}
}

// disks reads Disks.N; the rules that depend on image and machine come later.
func (q *request) disks() []disk {
	var out []disk
	for i := 0; q.has(fmt.Sprintf("Disks.%d.", i)); i++ {
		at := func(name string) string { return fmt.Sprintf("Disks.%d.%s", i, name) }
		if i == maxDisks {
			q.fail(notAvailable("Disks"))
			return out
		}
		q.need(at("Type"))
		out = append(out, disk{
			Boot:   q.flag(at("IsBoot")),
			SizeGB: q.needNum(at("Size"), 1, 1<<20),
			Type: q.oneOf(at("Type"), "CLOUD_SSD", "LOCAL_NORMAL", "LOCAL_SSD", "CLOUD_NORMAL", "CLOUD_SSD",
				"CLOUD_ESSD", "CLOUD_RSSD", "CLOUD_EFFICIENCY"),
			Backup: q.oneOf(at("BackupType"), "NONE", "NONE", "SNAPSHOT", "DATAARK"),
		})
	}
	return out
}
