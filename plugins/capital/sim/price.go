package sim

// diskFen is a gigabyte's price a month.
var diskFen = map[string]Fen{featureSSD: 60, featureLocal: 40}

// daysOfMonth makes a day cost a 20th of a month: what is paid by the day is dearer.
const daysOfMonth = 20

// monthsOfYear are what a year costs.
const monthsOfYear = 10

// dayOf is a day's price of something by its month's price.
func dayOf(month Fen) Fen { return ceilDiv(month, daysOfMonth) }

// spotOf is what a spot instance costs at least.
func spotOf(day Fen) Fen { return ceilDiv(day*2, 5) }

// rentOf is a term's price for a month's, or a day's when it is paid by the
// day. Every started year of a long term costs ten months.
func rentOf(month Fen, method string, months int) Fen {
	switch {
	case method == spot:
		return spotOf(dayOf(month))
	case method == onDemand:
		return dayOf(month)
	case months >= 12:
		return month * monthsOfYear * Fen(months/12)
	default:
		return month * Fen(months)
	}
}

// price is a term's price of one instance of the order with its disks, or a day's.
func (o *order) price(a *account) Fen {
	month := o.proto.family.at(o.proto.spec)
	for _, d := range o.disks {
		month += diskFen[d.feature] * Fen(d.size)
	}
	return percentOf(rentOf(month, o.proto.method, o.proto.months), a.PricePercent)
}

// dayPrice is what an instance that exists costs a day.
func (a *account) dayPrice(i *instance) Fen {
	month := a.diskMonth(i)
	if i.free == 0 {
		month += i.family.at(i.spec)
	}
	return percentOf(rentOf(month, i.method, 0), a.PricePercent)
}

// diskMonth is a month's price of the disks that came with an instance.
func (a *account) diskMonth(i *instance) Fen {
	month := Fen(0)
	for _, d := range a.disksOf(i) {
		if !d.meter.running {
			month += diskFen[d.feature] * Fen(d.size)
		}
	}
	return month
}

// describePrice answers a day's price, or a term's. The months left to the end
// of a month count as whole ones.
func describePrice(c *Cloud, q *request) (answer, *apiError) {
	q.needZone(c)
	o := &order{number: q.num("Number", 1, 1, 100)}
	if q.has("EcsFamilyName") {
		o.proto.family, o.proto.spec = q.needFamily()
	} else {
		o.proto.family = families()[0]
		o.proto.spec = spec{q.needNum("Cpu", 1, 1024), q.needNum("Ram", 1, 8192), q.num("Gpu", 0, 0, 64)}
	}
	o.proto.method = q.oneOf("BillingMethod", onDemand, monthly, spot)
	o.proto.months, _ = readDuration(q, o.proto.method)
	o.disks = append(o.disks, q.needDisk(q.needObj("SystemDiskInfo"), true))
	for _, p := range q.objs("DataDiskInfo") {
		o.disks = append(o.disks, q.needDisk(p, false))
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	data := object{"PriceUnit": "天", "PriceSymbol": "￥", "TotalPrice": yuan(o.price(q.acct) * Fen(o.number))}
	switch o.proto.method {
	case monthly:
		data["PriceUnit"] = "月"
		if o.proto.months >= 12 {
			data["PriceUnit"] = "年"
		}
	case spot:
		data["SpotStdAmount"] = data["TotalPrice"]
		o.proto.method = onDemand
		data["DemandStdAmount"] = yuan(o.price(q.acct) * Fen(o.number))
	}
	return answer{data: data}, nil
}
