package sim

import (
	"fmt"
	"time"
)

// Fen is an amount of money in 1/100 yuan, the smallest unit of the cloud's books.
type Fen int64

// String writes yuan with two decimals.
func (f Fen) String() string {
	sign, n := "", int64(f)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// yuan is a Fen that is written as a JSON number of yuan, as the price answers do.
type yuan Fen

// MarshalJSON writes the exact decimal, so no binary fraction is ever formed here.
func (y yuan) MarshalJSON() ([]byte, error) { return []byte(Fen(y).String()), nil }

// ceilDiv is ceil(a/b) for non-negative a and positive b.
func ceilDiv(a Fen, b int64) Fen { return Fen((int64(a) + b - 1) / b) }

// percentOf is round-half-up(amount*percent/100) for non-negative arguments.
func percentOf(amount Fen, percent int64) Fen { return Fen((int64(amount)*percent + 50) / 100) }

// Books are the money of an account since its first start.
// Start + Recharged - Spent + Refunded = Balance, always.
type Books struct {
	Start     Fen `json:"start_fen"`
	Recharged Fen `json:"recharged_fen"`
	Spent     Fen `json:"spent_fen"`
	Refunded  Fen `json:"refunded_fen"`
	Balance   Fen `json:"balance_fen"`
}

// meter charges a resource by the started hour of the cloud's clock.
type meter struct {
	day     Fen // a day's price; an hour costs a 24th, rounded up
	paid    time.Time
	running bool
}

// pay takes money for a resource. Metered charges may take the balance below zero.
func (a *account) pay(resource string, amount Fen) {
	a.books.Spent += amount
	a.books.Balance -= amount
	a.costs[resource] += amount
}

// refund gives money back for a resource.
func (a *account) refund(resource string, amount Fen) {
	a.books.Refunded += amount
	a.books.Balance += amount
	a.costs[resource] -= amount
}

// afford refuses a purchase that the balance does not cover.
func (c *Cloud) afford(a *account, amount Fen) *apiError {
	if !c.replaying && a.books.Balance < amount {
		return refuse(403, codeNoMoney, "the balance %v does not cover %v", a.books.Balance, amount)
	}
	return nil
}

// start begins to charge a resource and charges its first hour.
func (c *Cloud) start(a *account, m *meter, resource string, day Fen) {
	m.day, m.running, m.paid = day, true, c.at
	c.charge(a, m, resource)
}

// charge books the hour that begins now and sets the next one on the agenda.
func (c *Cloud) charge(a *account, m *meter, resource string) {
	a.pay(resource, ceilDiv(m.day, 24))
	m.paid = m.paid.Add(time.Hour)
	due := m.paid
	c.later(due, func() {
		if m.running && m.paid.Equal(due) {
			c.charge(a, m, resource)
		}
	})
}

// stop ends the charges; the started hour is paid.
func (m *meter) stop() { m.running, m.paid = false, time.Time{} }
