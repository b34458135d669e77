package demo

import (
	"context"
	"fmt"
)

// sideBySide is the story of several clouds and one customer.
func (p *play) sideBySide() []act {
	return []act{
		{"the operator signs in and connects the clouds", p.connect},
		{"a reseller and one customer join", p.two},
		{"everybody agrees on prices", p.chain},
		{"money is paid in", p.payAlong},
		{"orders at every cloud, side by side", p.ordersBeside},
		{"a renewal and a refund at every cloud", p.afterSales},
		{"the month is settled with every cloud and exported", p.settle},
		{"the books are checked", p.account},
	}
}

// two founds a reseller with one customer.
func (p *play) two(ctx context.Context) error {
	c := &p.cast
	var err error
	if c.reseller, err = p.join(ctx, c.operator, "reseller", "Harbour", "reseller_admin"); err != nil {
		return err
	}
	customer, err := p.join(ctx, c.reseller, "customer", "Alder", "customer_admin")
	if err != nil {
		return err
	}
	c.customers = []*client{customer}
	return p.stock(ctx)
}

// chain makes the sale protocols: one with each cloud, one for all of them from
// there on.
func (p *play) chain(ctx context.Context) error {
	for _, at := range p.providers {
		if err := p.wholesale(ctx, at); err != nil {
			return err
		}
	}
	c := &p.cast
	if _, err := p.agree(ctx, c.operator, c.operator.org, c.reseller.org, "discount", "realtime", "0.75"); err != nil {
		return err
	}
	if _, err := p.agree(ctx, c.reseller, c.reseller.org, c.customers[0].org, "discount", "realtime", "0.88"); err != nil {
		return err
	}
	p.say("   the operator sells to Harbour at 75 %%, Harbour to Alder at 88 %%, whichever cloud")
	return nil
}

func (p *play) payAlong(ctx context.Context) error {
	c := &p.cast
	if err := p.recharge(ctx, c.operator, c.reseller, "100000.00", 1); err != nil {
		return err
	}
	return p.recharge(ctx, c.reseller, c.customers[0], "80000.00", 2)
}

// ordersBeside places orders round by round, in each one at every cloud.
func (p *play) ordersBeside(ctx context.Context) error {
	if err := p.lay(ctx); err != nil {
		return err
	}
	n := 0
	round := func() []purchase {
		n++
		var out []purchase
		for _, at := range p.providers {
			out = append(out, purchase{n: n, who: p.cast.customers[0], at: at, product: n % 2})
		}
		return out
	}
	for range 2 {
		if err := p.buyAll(ctx, round()); err != nil {
			return err
		}
	}
	p.say("   %2d: Alder ordered %d times at each of %d clouds", n, n, len(p.providers))
	if err := p.after(p.cloudRefuses(ctx, round()...), "   %2d: every cloud is sold out; the orders failed and their money is free again", n); err != nil {
		return err
	}
	if err := p.after(p.answerLost(ctx, round()...), "   %2d: every cloud's answer was lost; the orders found what was bought by the token", n); err != nil {
		return err
	}
	for _, b := range round() {
		if err := p.replayed(ctx, b); err != nil {
			return fmt.Errorf("at %s: %w", b.at.title, err)
		}
	}
	p.say("   %2d: sent twice under one key to each: one order", n)
	if err := p.buyAll(ctx, round()); err != nil {
		return err
	}
	p.say("   %2d: every plugin is killed", n)
	for _, at := range p.providers {
		if err := p.killPlugin(ctx, at); err != nil {
			return err
		}
	}
	if err := p.buyAll(ctx, round()); err != nil {
		return err
	}
	p.say("   %2d: the broker is killed", n)
	if err := p.killBroker(ctx); err != nil {
		return err
	}
	return p.decided(ctx)
}

// buyAll places orders and waits for none.
func (p *play) buyAll(ctx context.Context, all []purchase) error {
	for _, b := range all {
		if _, err := p.buy(ctx, b); err != nil {
			return fmt.Errorf("ordering at %s: %w", b.at.title, err)
		}
	}
	return nil
}
