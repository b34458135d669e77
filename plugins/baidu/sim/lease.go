package sim

import (
	"fmt"
	"time"
)

// The two ways to pay that the simulator sells.
const (
	prepaid  = "Prepaid"
	postpaid = "Postpaid"
)

// lease is what a resource costs and until when it is paid. Times are unix seconds.
type lease struct {
	Payment string `json:"payment"`
	// Unit is the customer's price, List the list price, of a month or an hour.
	Unit Fen `json:"unit"`
	List Fen `json:"list"`
	// Expires ends a prepaid lease; Billed is until when postpaid hours were billed.
	Expires int64  `json:"expires,omitempty"`
	Billed  int64  `json:"billed,omitempty"`
	Paused  bool   `json:"paused,omitempty"` // stopped without charge
	Terms   []term `json:"terms,omitempty"`
	// Refunding is the order that waits to give the money back.
	Refunding string `json:"refunding,omitempty"`
}

// term is one paid stretch of a prepaid lease.
type term struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Paid  Fen    `json:"paid"`
	Payer string `json:"payer"` // account id
}

func (l *lease) rent() *lease { return l }

// leased is a resource that costs money.
type leased interface {
	head() *meta
	rent() *lease
	service() string
	title() string
}

func (l *lease) expired(now time.Time) bool { return l.Payment == prepaid && now.Unix() >= l.Expires }

func (l *lease) expireTime() string {
	if l.Payment != prepaid {
		return ""
	}
	return stamp(l.Expires)
}

// refund is the unused part of all terms by payer, each rounded down to a fen.
func (l *lease) refund(now time.Time) map[string]Fen {
	out := map[string]Fen{}
	for _, t := range l.Terms {
		if left := min(t.To-now.Unix(), t.To-t.From); left > 0 && t.To > t.From {
			if t.Paid < 0 { // a downgrade gave this back already
				out[t.Payer] -= mulDivFloor(-t.Paid, left, t.To-t.From)
				continue
			}
			out[t.Payer] += mulDivFloor(t.Paid, left, t.To-t.From)
		}
	}
	return out
}

// difference is what another monthly price costs for the paid time that is
// left, in proportion to what was paid; a negative one is given back.
func (l *lease) difference(unit Fen, now time.Time) Fen {
	left := Fen(0)
	for _, v := range l.refund(now) {
		left += v
	}
	if l.Unit == 0 || left <= 0 {
		return 0
	}
	return Fen(int64(left) * int64(unit-l.Unit) / int64(l.Unit))
}

// beijing is the zone of the vendor's days and months.
func beijing() *time.Location { return time.FixedZone("CST", 8*3600) }

// addMonths keeps the day of the month, or takes the month's last day.
func addMonths(t time.Time, n int) time.Time {
	local := t.In(beijing())
	out := local.AddDate(0, n, 0)
	if out.Day() != local.Day() {
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// months is the price of n months; each full year costs ten.
func months(unit Fen, n int) Fen { return unit * Fen(n-n/12*2) }

// hourly is the list price of an hour of what costs month fen in a month.
func hourly(month Fen) Fen { return ceilDiv(month, 480) }

// newLease opens a lease from a monthly list price.
func newLease(payment string, month Fen, percent int64, now time.Time) lease {
	l := lease{Payment: payment, List: month}
	if payment == postpaid {
		l.List, l.Billed = hourly(month), now.Unix()
	} else {
		l.Expires = now.Unix()
	}
	l.Unit = percentOf(l.List, percent)
	return l
}

// extend adds paid months to a prepaid lease.
func (l *lease) extend(n int, payer string) {
	to := addMonths(time.Unix(l.Expires, 0), n).Unix()
	l.Terms = append(l.Terms, term{From: l.Expires, To: to, Paid: months(l.Unit, n), Payer: payer})
	l.Expires = to
}

// bill is one row of money that was taken or, negative, given back.
type bill struct {
	meta
	Payer    string `json:"payer"` // account id
	Service  string `json:"service"`
	Product  string `json:"product"` // prepay or postpay
	Resource string `json:"resource"`
	Name     string `json:"name"`
	Order    string `json:"order"`
	Type     string `json:"type"` // of the order
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
	Amount   Fen    `json:"amount"`
	List     Fen    `json:"list"`
}

// take books an amount out of the payer's money; a negative one is a refund.
// It never asks whether the money suffices.
func (c *Cloud) take(b *bill) {
	c.changeBooks(b.Payer, func(k *Books) {
		k.Balance -= b.Amount
		if b.Amount < 0 {
			k.Refunded -= b.Amount
		} else {
			k.Spent += b.Amount
		}
	})
	keep(c, c.bills, b.ID, b)
}

// billFor is an empty bill for a resource; its id counts on.
func (c *Cloud) billFor(r leased, now time.Time) *bill {
	h := r.head()
	m := c.newMeta("bill-", h.Account, h.Region, now)
	return &bill{meta: m, Payer: h.Account, Service: r.service(), Resource: h.ID, Name: r.title(), Product: "prepay"}
}

// leases are all resources that cost money, of the accounts that pass.
func (c *Cloud) leases(keep func(leased) bool) []leased {
	var out []leased
	add := func(r leased) {
		if keep(r) {
			out = append(out, r)
		}
	}
	for _, id := range c.instances.ids {
		add(c.instances.rows[id])
	}
	for _, id := range c.eips.ids {
		add(c.eips.rows[id])
	}
	for _, id := range c.volumes.ids {
		add(c.volumes.rows[id])
	}
	return out
}

// save notes a changed resource for the state file.
func (c *Cloud) save(r leased) {
	switch v := r.(type) {
	case *instance:
		keep(c, c.instances, v.ID, v)
	case *eip:
		keep(c, c.eips, v.ID, v)
	case *volume:
		keep(c, c.volumes, v.ID, v)
	}
}

// nextHour is when the next postpaid hour ends; 0 when there is none.
func (c *Cloud) nextHour() int64 {
	due := int64(0)
	for _, r := range c.leases(func(r leased) bool { return r.rent().Payment == postpaid }) {
		if at := r.rent().Billed + 3600; due == 0 || at < due {
			due = at
		}
	}
	return due
}

// watch makes settle see a new postpaid lease.
func (c *Cloud) watch(l *lease) {
	if at := l.Billed + 3600; l.Payment == postpaid && (c.due == 0 || at < c.due) {
		c.due = at
	}
}

// settle does what fell due: postpaid hours that are over, refunds that end,
// renewals by rule. The balance may go below zero by hours, because what has
// been used is owed.
func (c *Cloud) settle(now time.Time) {
	c.endRefunds(now)
	c.renewByRule(now)
	if c.due == 0 || c.due > now.Unix() {
		return
	}
	for _, r := range c.leases(func(r leased) bool { return r.rent().Payment == postpaid }) {
		c.billHours(r, now)
	}
	c.due = c.nextHour()
}

// billHours books whole hours, one bill a day and resource.
func (c *Cloud) billHours(r leased, now time.Time) {
	l := r.rent()
	for l.Billed+3600 <= now.Unix() {
		start := time.Unix(l.Billed, 0).In(beijing())
		midnight := time.Date(start.Year(), start.Month(), start.Day()+1, 0, 0, 0, 0, beijing()).Unix()
		hours := max((min(midnight, now.Unix())-l.Billed)/3600, 1)
		from := l.Billed
		l.Billed += hours * 3600
		if !l.Paused {
			c.billDay(r, fmt.Sprintf("%s/%s", r.head().ID, start.Format(time.DateOnly)), from, hours)
		}
	}
	c.save(r)
}

func (c *Cloud) billDay(r leased, id string, from, hours int64) {
	l := r.rent()
	amount, list := l.Unit*Fen(hours), l.List*Fen(hours)
	b := c.bills.get(id)
	if b == nil {
		b = c.billFor(r, time.Unix(from, 0))
		b.ID, b.Product, b.Type, b.Start, b.End = id, "postpay", orderNew, from, from+hours*3600
		b.Amount, b.List = amount, list
		c.take(b)
		return
	}
	b.Amount, b.List, b.End = b.Amount+amount, b.List+list, from+hours*3600
	keep(c, c.bills, id, b)
	c.changeBooks(b.Payer, func(k *Books) {
		k.Balance -= amount
		k.Spent += amount
	})
}
