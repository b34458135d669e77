package sim

import (
	"time"
)

// The charge modes.
const (
	prepaid    = "prepaid_by_duration"
	postpaid   = "postpaid_by_duration"
	byUsage    = "postpaid_by_usage"
	unitMonth  = "month"
	unitYear   = "year"
	hoursMonth = 480 // how many hours cost as much as a month
	monthsYear = 10  // how many months a year costs
)

// beijing is the calendar of prepaid terms.
func beijing() *time.Location { return time.FixedZone("CST", 8*3600) }

// charge is a checked ChargeSpec.
type charge struct {
	Mode     string `json:"mode"`
	Unit     string `json:"unit,omitempty"`
	Duration int    `json:"duration,omitempty"`
	Auto     bool   `json:"auto,omitempty"`
}

// months is the length of a prepaid term.
func (c charge) months() int {
	if c.Unit == unitYear {
		return 12 * c.Duration
	}
	return c.Duration
}

// chargeSpec reads a ChargeSpec; an absent one is def.
func (p *params) chargeSpec(name string, def charge, modes ...string) charge {
	spec, ok := p.obj(name)
	if !ok {
		return def
	}
	out := charge{Mode: spec.oneOf("chargeMode", postpaid, modes...), Auto: spec.flag("autoRenew", false)}
	if out.Mode != prepaid {
		return charge{Mode: out.Mode}
	}
	out.Unit = spec.oneOf("chargeUnit", unitMonth, unitMonth, unitYear)
	longest := 9
	if out.Unit == unitYear {
		longest = 3
	}
	out.Duration = spec.num("chargeDuration", 1, 1, longest)
	return out
}

// lease is what a resource costs and until when it is paid. Times are unix seconds.
type lease struct {
	Charge  charge `json:"charge"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires"`
	// Month is what the customer pays per month, before rounding to an hour.
	Month Fen    `json:"month"`
	Terms []term `json:"terms,omitempty"`
}

// term is one paid stretch of a prepaid lease.
type term struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	Paid Fen   `json:"paid"`
	// Order is the number of the order that paid it.
	Order string `json:"order"`
}

func (l *lease) prepaid() bool { return l.Charge.Mode == prepaid }

// unexpired tells whether a prepaid lease still runs.
func (l *lease) unexpired(now time.Time) bool { return l.prepaid() && now.Unix() < l.Expires }

func (l *lease) expired(now time.Time) bool { return l.prepaid() && now.Unix() >= l.Expires }

// price is what a term costs.
func (c charge) price(month Fen) Fen {
	switch {
	case c.Mode != prepaid:
		return 0
	case c.Unit == unitYear:
		return month * monthsYear * Fen(c.Duration)
	}
	return month * Fen(c.Duration)
}

// hour is the price of one hour.
func hour(month Fen) Fen { return ceilDiv(month, hoursMonth) }

// open begins a lease; what has to be paid now is its first term, if it has one.
func open(ch charge, month Fen, orderNo string, now time.Time) lease {
	l := lease{Charge: ch, Created: now.Unix(), Expires: now.Add(time.Hour).Unix(), Month: month}
	if ch.Mode == byUsage {
		l.Expires = 0
	}
	if l.prepaid() {
		l.Expires = 0
		l.extend(term{From: now.Unix(), To: addMonths(now, ch.months()).Unix(), Paid: ch.price(month), Order: orderNo})
	}
	return l
}

func (l *lease) extend(t term) {
	l.Expires = t.To
	l.Terms = append(l.Terms, t)
}

// refund is the unused part of all terms, each rounded down to a fen.
func (l *lease) refund(now time.Time) Fen {
	var sum Fen
	for _, t := range l.Terms {
		if left := min(t.To-now.Unix(), t.To-t.From); left > 0 && t.To > t.From {
			sum += mulDivFloor(t.Paid, left, t.To-t.From)
		}
	}
	return sum
}

// addMonths keeps the day of the month, or takes the month's last day.
func addMonths(t time.Time, n int) time.Time {
	local := t.In(beijing())
	out := local.AddDate(0, n, 0)
	if out.Day() != local.Day() {
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// wire writes the shared charge model.
func (l *lease) wire(a *account, now time.Time) answer {
	status := "normal"
	out := answer{"chargeMode": l.Charge.Mode, "chargeStartTime": iso(l.Created), "chargeExpiredTime": "", "chargeRetireTime": ""}
	switch {
	case l.expired(now):
		status = "overdue"
	case !l.prepaid() && a.books.Balance < 0:
		status = "arrear"
	}
	out["chargeStatus"] = status
	if l.prepaid() {
		out["chargeExpiredTime"] = iso(l.Expires)
		out["chargeRetireTime"] = iso(l.Expires + 7*86400)
	}
	return out
}

// blocked tells whether the resource may not start because it is not paid.
func (l *lease) blocked(a *account, now time.Time) bool {
	return l.expired(now) || (!l.prepaid() && a.books.Balance < 0)
}

// settleLease bills the hours that are over, as one bill, or renews a prepaid
// lease that renews itself. It returns false when nothing is left to wake for.
func (c *Cloud) settleLease(l *lease, b bill, free bool, now time.Time) bool {
	if l.Expires == 0 || now.Unix() < l.Expires {
		return l.Expires != 0
	}
	if l.prepaid() {
		return l.Charge.Auto && c.autoRenew(l, b, now)
	}
	hours := (now.Unix()-l.Expires)/3600 + 1
	b.Action, b.Start = actionUse, l.Expires
	l.Expires += hours * 3600
	b.End = l.Expires
	cost := hour(l.Month) * Fen(hours)
	if free {
		cost = 0
	}
	c.charge(b, cost, now)
	return true
}

// autoRenew pays terms until the lease runs again or the balance is short.
func (c *Cloud) autoRenew(l *lease, b bill, now time.Time) bool {
	for l.expired(now) {
		cost := l.Charge.price(l.Month)
		if cost > c.accounts[b.Account].books.Balance {
			return false
		}
		o := c.newOrder(b.Account, b.Region, orderRenew, l.Charge, now)
		c.extendLease(l, o, b, l.Charge.months(), cost, now)
	}
	return true
}

// extendLease pays one more term from where the lease ends, or from now.
func (c *Cloud) extendLease(l *lease, o *order, b bill, months int, cost Fen, now time.Time) {
	from := time.Unix(max(l.Expires, now.Unix()), 0)
	t := term{From: from.Unix(), To: addMonths(from, months).Unix(), Paid: cost, Order: o.Number}
	o.item(b.Resource, b.Service, cost, l.Expires, t.To)
	c.orders.put(o.Number, o)
	l.extend(t)
	b.Action, b.Start, b.End, b.Order = actionRenew, t.From, t.To, o.Number
	c.charge(b, cost, now)
}
