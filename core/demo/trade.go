package demo

import (
	"context"
	"fmt"
)

// wholesaleRate is what the operator pays of a cloud's list price, in percent.
const wholesaleRate = 60

// wholesale makes the protocol between a cloud's org and the operator.
func (p *play) wholesale(ctx context.Context, at *provider) error {
	if _, err := p.agree(ctx, p.cast.operator, at.org, p.cast.operator.org, "discount", "period", fmt.Sprintf("0.%02d", wholesaleRate)); err != nil {
		return err
	}
	p.say("   %s sells to the operator at %d %% of list, paid by the month", at.title, wholesaleRate)
	return nil
}

// prices makes the sale protocols of the chain.
func (p *play) prices(ctx context.Context) error {
	c, at := &p.cast, p.providers[0]
	pier, birch, cedar, alder := c.sub, c.customers[1], c.customers[2], c.customers[0]
	if err := p.wholesale(ctx, at); err != nil {
		return err
	}
	for _, a := range []struct {
		by                       *client
		seller, buyer            string
		mode, settle, rate, tell string
	}{
		{c.operator, c.operator.org, c.reseller.org, "discount", "realtime", "0.75", "the operator sells to Harbour at 75 %"},
		{c.reseller, c.reseller.org, pier.org, "rebate", "realtime", "0.08", "Harbour lets Pier sell for 8 % commission"},
		{c.reseller, c.reseller.org, alder.org, "discount", "realtime", "0.88", "Harbour sells to Alder at 88 %"},
		{pier, pier.org, birch.org, "discount", "realtime", "0.90", "Pier sells to Birch at 90 %"},
		{pier, pier.org, cedar.org, "discount", "realtime", "0.95", "Pier sells to Cedar at 95 %"},
	} {
		if _, err := p.agree(ctx, a.by, a.seller, a.buyer, a.mode, a.settle, a.rate); err != nil {
			return err
		}
		p.say("   %s", a.tell)
	}
	floor, err := p.agree(ctx, pier, pier.org, cedar.org, "floor", "realtime", "")
	if err != nil {
		return err
	}
	if err := p.line(ctx, pier, floor, map[string]any{"product_id": at.products[1].ID, "price": "888.80"}); err != nil {
		return err
	}
	p.say("   Pier sells %s to Cedar at a floor of 888.80 a month", at.products[1].Name)
	return p.raiseFloor(ctx, at)
}

// raiseFloor has the operator ask more for one product than Harbour sells it
// for: from now on Harbour's own policy must stop that sale.
func (p *play) raiseFloor(ctx context.Context, at *provider) error {
	c := &p.cast
	floor, err := p.agree(ctx, c.operator, c.operator.org, c.reseller.org, "floor", "realtime", "")
	if err != nil {
		return err
	}
	p.say("   the operator raises its floor of %s to 9999.00 a month", at.products[raised].Name)
	return p.line(ctx, c.operator, floor, map[string]any{"product_id": at.products[raised].ID, "price": "9999.00"})
}

// payIn has the sellers book the money their buyers paid.
func (p *play) payIn(ctx context.Context) error {
	c := &p.cast
	for i, in := range []struct {
		seller, buyer *client
		amount        string
	}{
		{c.operator, c.reseller, "100000.00"}, {c.reseller, c.sub, "60000.00"}, {c.reseller, c.customers[0], "40000.00"},
		{c.sub, c.customers[1], "40000.00"}, {c.sub, c.customers[2], "40000.00"},
	} {
		if err := p.recharge(ctx, in.seller, in.buyer, in.amount, i+1); err != nil {
			return err
		}
	}
	return nil
}

// recharge books a payment of a buyer; slip is its number in the story.
func (p *play) recharge(ctx context.Context, seller, buyer *client, amount string, slip int) error {
	err := seller.pay(ctx, "/v1/recharges", fmt.Sprintf("recharge-%d", slip), map[string]any{
		"buyer": buyer.org, "seller": seller.org, "currency": "CNY", "amount": amount, "reference": fmt.Sprintf("bank slip %d", slip),
	}, nil)
	if err == nil {
		p.say("   %s pays %s CNY to %s", buyer.name, amount, seller.name)
	}
	return err
}
