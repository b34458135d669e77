package sim

import (
	"slices"
	"time"
)

func describeRegions(c *Cloud, _ *request) (answer, *apiError) {
	groups := []string{}
	lists := map[string][]object{}
	for i := range c.cfg.Regions {
		r := &c.cfg.Regions[i]
		zones := []object{}
		for j := range r.Zones {
			z := place{&r.Zones[j], r}
			zones = append(zones, object{"AzId": z.azID(), "AzName": z.Name, "AvailableZoneCode": z.Code})
		}
		if !slices.Contains(groups, r.Group) {
			groups = append(groups, r.Group)
		}
		lists[r.Group] = append(lists[r.Group], object{"RegionId": r.id(), "RegionName": r.Name, "RegionCode": r.Code, "AzList": zones})
	}
	rows := []object{}
	for _, g := range groups {
		rows = append(rows, object{"RegionGroupId": groupID(g), "RegionGroupName": g, "RegionList": lists[g]})
	}
	return answer{data: rows}, nil
}

func describeFamilies(c *Cloud, q *request) (answer, *apiError) {
	q.needZone(c)
	q.oneOf("BillingMethod", onDemand, monthly, spot)
	rows := []object{}
	for _, f := range families() {
		specs := []object{}
		for _, s := range f.specs {
			specs = append(specs, object{
				"Cpu": s.cpu, "Ram": s.ram, "Gpu": s.gpu, "GpuShowType": f.gpuType, "GpuTypeId": f.gpuTypeID(), "SupportGpuDriver": f.driver,
			})
		}
		rows = append(rows, object{"EcsFamilyName": f.name, "SpecList": specs})
	}
	return answer{data: object{"EcsFamilyInfo": rows}}, nil
}

func (f *family) gpuTypeID() string {
	if f.gpuType == "" {
		return ""
	}
	return stableUUID("gpu " + f.gpuType)
}

// describeZoneTypes tells which sizes a zone sells now.
func describeZoneTypes(c *Cloud, q *request) (answer, *apiError) {
	z, name := q.needZone(c), q.str("EcsFamilyName")
	cpu, ram, gpu := q.loose("Cpu", -1, 1, 1024), q.loose("Ram", -1, 1, 8192), q.loose("Gpu", -1, 0, 64)
	rows := []object{}
	for _, f := range families() {
		if name != "" && name != f.name {
			continue
		}
		state := "SELL"
		if left, bound := c.stockLeft(z.Code, f.name); bound && left == 0 {
			state = "SELLOUT"
		}
		specs := []object{}
		for _, s := range f.specs {
			if (cpu < 0 || cpu == s.cpu) && (ram < 0 || ram == s.ram) && (gpu < 0 || gpu == s.gpu) {
				specs = append(specs, object{
					"Cpu": s.cpu, "Ram": s.ram, "Gpu": s.gpu, "GpuType": f.gpuType, "SupportGpuDriver": f.driver,
					"Status": state, "CpuName": f.cpuName,
				})
			}
		}
		if len(specs) > 0 {
			rows = append(rows, object{"EcsFamilyName": f.name, "AvailableZone": z.Name, "SpecList": specs})
		}
	}
	return answer{data: rows}, nil
}

// describeSubjects of ecs names test funds by name.
func describeSubjects(c *Cloud, q *request) (answer, *apiError) {
	rows := []object{}
	for _, s := range q.acct.Subjects {
		begin, end := c.subjectTerm()
		rows = append(rows, object{
			"Name": s.Name, "Balance": yuan(s.BalanceFen), "Income": yuan(s.IncomeFen), "Duration": 365,
			"BeginTime": begin.Format(time.DateOnly), "EndTime": end.Format(time.DateOnly),
		})
	}
	return answer{data: rows}, nil
}

// subjectTerm is the calendar year of now, in the vendor's zone.
func (c *Cloud) subjectTerm() (begin, end time.Time) {
	year := c.at.In(china).Year()
	return time.Date(year, 1, 1, 0, 0, 0, 0, china), time.Date(year, 12, 31, 0, 0, 0, 0, china)
}

// platformSubjects are the same funds with the ids that the vpc calls want.
func platformSubjects(c *Cloud, q *request) (answer, *apiError) {
	rows := []object{}
	for _, s := range q.acct.Subjects {
		begin, end := c.subjectTerm()
		rows = append(rows, object{
			"Id": s.ID, "Name": s.Name, "Balance": s.BalanceFen.String(), "BeginTime": clock(begin), "EndTime": clock(end),
			"BillMethod": onDemand, "BillMethodDisplay": methodNames[onDemand], "GoodsIds": "", "GoodsNames": "", "SiteIds": "", "SiteNames": "",
		})
	}
	return answer{data: object{"Total": len(rows), "Currency": "CNY", "SubjectList": rows}}, nil
}

// indicators are what can be measured, each with the keys it is answered
// under and their unit.
var indicators = map[string]struct {
	unit string
	keys []string
	gpu  bool
}{
	"CpuUsage":          {"%", []string{"CpuUsage"}, false},
	"MemoryUsage":       {"%", []string{"MemoryUsage"}, false},
	"Load":              {"", []string{"Load1M", "Load5M", "Load15M"}, false},
	"NetworkRate":       {"kbps", []string{"NetworkInrate", "NetworkOutrate"}, false},
	"DiskUsage":         {"%", []string{"DiskUsage"}, false},
	"DiskThroughput":    {"KB/s", []string{"DiskReadThroughput", "DiskWriteThroughput"}, false},
	"DiskIops":          {"次/s", []string{"DiskReadIops", "DiskWriteIops"}, false},
	"GpuUsage":          {"%", []string{"GpuUsage"}, true},
	"GpuMemoryUsage":    {"%", []string{"GpuMemoryUsage"}, true},
	"GpuTemperature":    {"℃", []string{"GpuTemperature"}, true},
	"GpuClocksGraphics": {"MHz", []string{"GpuClocksGraphics"}, true},
	"GpuClocksMemory":   {"MHz", []string{"GpuClocksMemory"}, true},
}

// maxPoints bounds the points of one series; sampleEvery is their distance.
const (
	maxPoints   = 1500
	sampleEvery = 5 * time.Minute
)

func describeMonitor(_ *Cloud, q *request) (answer, *apiError) {
	i, err := findInstance(q, "EcsId")
	if err != nil {
		return answer{}, err
	}
	from, to := q.window("StartTime", "EndTime", q.loose("TimeInterval", 1, 1, 24*30))
	names := q.strs("Indicators")
	if len(names) == 0 {
		names = []string{"CpuUsage", "MemoryUsage"}
	}
	data := object{}
	for _, name := range names {
		what, ok := indicators[name]
		if !ok {
			return answer{}, invalid("Indicators", "has an entry that is not measured")
		}
		for n, key := range what.keys {
			times, values := []string{}, []any{}
			if !what.gpu || i.spec.gpu > 0 {
				times, values = series(i, from, to, len(name)+n)
			}
			data[key] = object{"Unit": what.unit, "Device": nil, "Time": times, "Value": values}
		}
	}
	return answer{data: data}, q.err()
}

// window reads a span of time; without it, it is the last hours until now.
func (q *request) window(start, end string, hours int) (from, to time.Time) {
	to = q.now
	from = to.Add(-time.Duration(hours) * time.Hour)
	for name, t := range map[string]*time.Time{start: &from, end: &to} {
		text := q.str(name)
		if text == "" {
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05", text, china)
		if err != nil {
			q.fail(invalid(name, "must be YYYY-MM-DD hh:mm:ss"))
			return from, to
		}
		*t = at
	}
	if to.Before(from) {
		q.fail(invalid(end, "is before "+start))
	}
	return from, to
}

// series invents the points of a measure; they are the same each time.
func series(i *instance, from, to time.Time, salt int) (times []string, values []any) {
	times, values = []string{}, []any{}
	if from.Before(i.created) {
		from = i.created
	}
	for at := from.Truncate(sampleEvery).Add(sampleEvery); !at.After(to) && len(times) < maxPoints; at = at.Add(sampleEvery) {
		n := (at.Unix()/300*7 + int64(salt)*13 + int64(i.spec.cpu)) % 1000
		times = append(times, clock(at))
		values = append(values, yuan(n*10))
	}
	return times, values
}

// oneMinuteFlow answers code OK, not Success, and a list.
func oneMinuteFlow(_ *Cloud, q *request) (answer, *apiError) {
	id := q.need("CloudId")
	q.need("StartTime")
	q.need("EndTime")
	from, to := q.window("StartTime", "EndTime", 1)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	if q.acct.bandwidths.get(id) == nil && len(q.acct.eips.list(func(e *eip) bool { return e.own.id == id })) == 0 {
		return answer{}, noResource("CloudId", id)
	}
	rows := []object{}
	for at := from.Truncate(time.Minute); !at.After(to) && !at.After(q.now) && len(rows) < maxPoints; at = at.Add(time.Minute) {
		in := yuan(1000000 + at.Unix()/60%97*100)
		rows = append(rows, object{"in_bps": in, "out_bps": in, "value": in, "time": clock(at)})
	}
	return answer{data: rows}, nil
}

// siteOf finds the zone with that AzId.
func siteOf(c *Cloud, q *request) *Region {
	id := q.need("siteId")
	for i := range c.cfg.Regions {
		for j := range c.cfg.Regions[i].Zones {
			if z := (place{&c.cfg.Regions[i].Zones[j], &c.cfg.Regions[i]}); z.azID() == id {
				return z.region
			}
		}
	}
	if q.err() == nil {
		q.fail(noResource("siteId", id))
	}
	return &Region{}
}

func vpcBandwidth(c *Cloud, q *request) (answer, *apiError) {
	rows := []object{}
	for _, l := range linesOf(siteOf(c, q)) {
		rows = append(rows, object{"conf_id": l.confID, "conf_name": l.name})
	}
	return answer{data: rows}, nil
}

// eipPrice answers a day's price, or that of a term of months.
func eipPrice(c *Cloud, q *request) (answer, *apiError) {
	region := siteOf(c, q)
	size, qos, conf := q.needLoose("size", 1, 100), q.needLoose("qos", 1, maxQos), q.needLoose("bandwidthConfIdStr", 1, 1<<20)
	month, toMonth := q.needLoose("isMounth", 0, 1), q.loose("isToMonth", 0, 0, 1) == 1
	months := q.loose("duration", 1, 1, 36)
	q.need("requestId")
	n := slices.IndexFunc(linesOf(region), func(l *line) bool { return l.confID == conf })
	if q.err() == nil && n < 0 {
		q.fail(noResource("bandwidthConfIdStr", "of the site"))
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	cycle, end := "/天", "2099-01-01 00:00:00"
	band, address := bandDay(q.acct, linesOf(region)[n], "BandwIdth", qos*size), percentOf(addressFen*Fen(size), q.acct.PricePercent)
	if month == 1 {
		cycle, end = "/月", clock(termEnd(q.now, months, toMonth))
		band, address = band*daysPerMonth*Fen(months), address*daysPerMonth*Fen(months)
	}
	price := func(f Fen) object {
		return object{"price": yuan(f), "price_str": f.String(), "sign": "￥", "cycle": cycle, "end_time": end}
	}
	return answer{data: object{"bandwidth_price": price(band), "eip_price": price(address), "total_price": price(band + address)}}, nil
}

// needLoose reads a required number that comes as text.
func (p *params) needLoose(name string, lo, hi int) int {
	if !p.has(name) {
		p.fail(missing(name))
	}
	return p.loose(name, lo, lo, hi)
}
