package sim

import (
	"container/heap"
	"time"
)

// The charge types. Dynamic is hourly paid ahead, Postpay hourly paid
// afterwards; Spot (also written Preemptive) is a cheaper Dynamic.
const (
	chargeYear    = "Year"
	chargeMonth   = "Month"
	chargeDynamic = "Dynamic"
	chargePostpay = "Postpay"
	chargeSpot    = "Spot"
)

// beijing is the zone of the vendor's month ends.
func beijing() *time.Location { return time.FixedZone("CST", 8*3600) }

// lease is what a resource costs and until when it is paid. Times are unix seconds.
type lease struct {
	Charge  string `json:"charge"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires"`
	// Unit is the customer's price of one period: a year, a month or an hour.
	Unit  Fen    `json:"unit"`
	Terms []term `json:"terms,omitempty"`
	// Auto says that a prepaid lease is renewed by one period at its end.
	Auto bool `json:"auto,omitempty"`
}

// term is one paid stretch of a prepaid lease.
type term struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	Paid Fen   `json:"paid"`
}

func isHourly(charge string) bool { return charge != chargeYear && charge != chargeMonth }

func (l *lease) expired(now time.Time) bool {
	return !isHourly(l.Charge) && now.Unix() >= l.Expires
}

// refund is the unused part of all terms, each rounded down to a fen. Hourly
// leases give nothing back.
func (l *lease) refund(now time.Time) Fen {
	var sum Fen
	for _, t := range l.Terms {
		if left := min(t.To-now.Unix(), t.To-t.From); left > 0 && t.To > t.From {
			sum += mulDivFloor(t.Paid, left, t.To-t.From)
		}
	}
	return sum
}

// period is the end and the cost of quantity periods from a moment. Month
// with quantity 0 lasts until the month ends and costs the days that are
// left, the current one included, rounded up to a fen.
func period(charge string, unit Fen, quantity int, from time.Time) (end time.Time, cost Fen) {
	switch {
	case charge == chargePostpay:
		return from.Add(time.Hour), 0
	case isHourly(charge):
		return from.Add(time.Hour), unit
	case charge == chargeYear:
		return addMonths(from, 12*quantity), unit * Fen(quantity)
	case quantity == 0:
		return untilMonthEnd(unit, from)
	}
	return addMonths(from, quantity), unit * Fen(quantity)
}

func untilMonthEnd(unit Fen, from time.Time) (time.Time, Fen) {
	local := from.In(beijing())
	first := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, beijing())
	end := first.AddDate(0, 1, 0)
	days := end.AddDate(0, 0, -1).Day()
	left := int64(days - local.Day() + 1)
	return end, ceilDiv(unit*Fen(left), int64(days))
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

// newLease opens a lease; cost is what has to be paid now.
func newLease(charge string, unit Fen, quantity int, now time.Time) (l lease, cost Fen) {
	end, cost := period(charge, unit, quantity, now)
	l = lease{Charge: charge, Created: now.Unix(), Expires: end.Unix(), Unit: unit}
	if !isHourly(charge) {
		l.Terms = []term{{From: now.Unix(), To: end.Unix(), Paid: cost}}
	}
	return l, cost
}

// renewal quotes an extension that begins where the lease ends.
func (l *lease) renewal(quantity int) (term, Fen) {
	from := time.Unix(l.Expires, 0)
	end, cost := period(l.Charge, l.Unit, quantity, from)
	return term{From: l.Expires, To: end.Unix(), Paid: cost}, cost
}

func (l *lease) extend(t term) {
	l.Expires = t.To
	if !isHourly(l.Charge) {
		l.Terms = append(l.Terms, t)
	}
}

// hourly is one entry of the queue of hourly leases, due at a unix second.
type hourly struct {
	due int64
	id  string
}

type hourHeap []hourly

func (h hourHeap) Len() int           { return len(h) }
func (h hourHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h hourHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are for container/heap only.
func (h *hourHeap) Push(x any) {
	if e, ok := x.(hourly); ok {
		*h = append(*h, e)
	}
}

func (h *hourHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// settle renews what is renewed by itself and bills hourly leases whose hour is
// over: one bill item per lease, whatever the number of hours. The balance may go below zero by it, because
// what has been used is owed.
func (c *Cloud) settle(now time.Time) {
	for len(c.hourly) > 0 && c.hourly[0].due <= now.Unix() {
		e, _ := heap.Pop(&c.hourly).(hourly)
		if h := c.hosts[e.id]; h != nil && h.Expires == e.due {
			c.settleLease(&h.lease, c.byName[h.Account], h.billRow(), now)
			c.tx.Hosts = append(c.tx.Hosts, h)
		} else if p := c.eips[e.id]; p != nil && p.Expires == e.due {
			c.settleLease(&p.lease, c.byName[p.Account], p.billRow(), now)
			c.tx.EIPs = append(c.tx.EIPs, p)
		} else if d := c.udisks.byID[e.id]; d != nil && d.Expires == e.due {
			c.settleLease(&d.lease, c.byName[d.Account], d.billRow(), now)
			c.tx.UDisks = append(c.tx.UDisks, d)
		}
	}
}

func (c *Cloud) settleLease(l *lease, a *account, b bill, now time.Time) {
	if !isHourly(l.Charge) {
		c.renewByItself(l, a, b, now)
		return
	}
	hours := (now.Unix()-l.Expires)/3600 + 1
	b.OrderType = orderRenew
	if l.Charge == chargePostpay {
		b.OrderType = orderPostpay
	}
	b.Start = l.Expires
	l.Expires += hours * 3600
	b.End = l.Expires
	c.charge(a, b, l.Unit*Fen(hours), now)
	c.watch(b.Resource, l)
}

// renewByItself renews a prepaid lease until it ends after now, as long as it
// shall and the money suffices.
func (c *Cloud) renewByItself(l *lease, a *account, b bill, now time.Time) {
	for l.Auto && l.expired(now) {
		t, cost := l.renewal(1)
		if cost > a.books.Balance {
			return
		}
		l.extend(t)
		b.OrderNo, b.OrderType, b.Start, b.End = c.newOrderNo(), orderRenew, t.From, t.To
		c.charge(a, b, cost, now)
	}
	c.watch(b.Resource, l)
}

// watch queues a lease for its end: an hourly one, and one that is renewed.
func (c *Cloud) watch(id string, l *lease) {
	if isHourly(l.Charge) || l.Auto {
		heap.Push(&c.hourly, hourly{due: l.Expires, id: id})
	}
}
