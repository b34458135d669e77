package demo

import (
	"context"
	"fmt"
)

// oneCloud is the story of one cloud and a chain of resellers.
func (p *play) oneCloud() []act {
	return []act{
		{"the operator signs in and connects the cloud", p.connect},
		{"a reseller, a sub-reseller and three customers join", p.people},
		{"everybody agrees on prices", p.prices},
		{"money is paid in", p.payIn},
		{"fifty orders", p.fiftyOrders},
		{"a renewal and a refund", p.afterSales},
		{"the month is settled and exported", p.settle},
		{"the books are checked", p.account},
	}
}

// theOrders is how many requests for servers the story of one cloud makes.
const theOrders = 50

func (p *play) fiftyOrders(ctx context.Context) error {
	if err := p.lay(ctx); err != nil {
		return err
	}
	at := p.providers[0]
	for n := 1; n <= theOrders; n++ {
		b := purchase{n: n, who: p.cast.customers[n%3], at: at, product: n % 2}
		if err := p.orderNo(ctx, b); err != nil {
			return fmt.Errorf("order %d: %w", n, err)
		}
	}
	if at.sold.requests != theOrders || at.sold.refused["under_floor"] != 1 || at.sold.refused["no_money"] != 1 {
		return fmt.Errorf("the fifty orders were not all placed: %+v", at.sold)
	}
	p.say("   %d accepted, %d refused", len(at.sold.accepted), len(at.sold.refused))
	return p.decided(ctx)
}

// orderNo places one of the orders; some of them meet with something.
func (p *play) orderNo(ctx context.Context, b purchase) error {
	switch b.n {
	case 8:
		b.who, b.product = p.cast.customers[0], raised
		return p.refusal(ctx, b, month(1), "under_floor", 412)
	case 13:
		b.product = dear
		return p.refusal(ctx, b, b.at.years(3), "no_money", 402)
	case 18:
		return p.after(p.cloudRefuses(ctx, b), "   %2d: the cloud is sold out; the order failed and its money is free again", b.n)
	case 23:
		return p.after(p.answerLost(ctx, b), "   %2d: the cloud's answer was lost; the order found what it had bought by the token", b.n)
	case 28:
		return p.after(p.replayed(ctx, b), "   %2d: sent twice under one key: one order", b.n)
	}
	if _, err := p.buy(ctx, b); err != nil {
		return err
	}
	switch b.n {
	case 31:
		p.say("   %2d: the plugin is replaced by a fresh process, while it works", b.n)
		return p.reloadPlugin(ctx, b.at)
	case 33:
		p.say("   %2d: the plugin is killed", b.n)
		return p.killPlugin(ctx, b.at)
	case 38:
		p.say("   %2d: the broker is killed", b.n)
		return p.killBroker(ctx)
	}
	return nil
}

// after says what happened unless it did not.
func (p *play) after(err error, format string, args ...any) error {
	if err == nil {
		p.say(format, args...)
	}
	return err
}
