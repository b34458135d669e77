package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// tally counts what happened to the order requests.
type tally struct {
	requests  int      // distinct requests, refused ones included
	accepted  []string // ids of the buy orders, in order
	owner     map[string]*client
	refused   map[string]int // by reason
	adopted   string         // the order whose answer the cloud lost
	released  string         // the order that the cloud refused
	renewed   string         // renewal order
	refunded  string         // release order
	resources []string
}

// prices makes the sale protocols of the chain.
func (p *play) prices(ctx context.Context) error {
	c := &p.cast
	pier, birch, cedar, alder := c.sub, c.customers[1], c.customers[2], c.customers[0]
	for _, a := range []struct {
		by                       *client
		seller, buyer            string
		mode, settle, rate, tell string
	}{
		{c.operator, c.providerOrg, c.operator.org, "discount", "period", "0.60", "the cloud sells to the operator at 60 % of list, paid by the month"},
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
	if err := p.line(ctx, pier, floor, map[string]any{"product_id": c.products[1].ID, "price": "888.80"}); err != nil {
		return err
	}
	p.say("   Pier sells %s to Cedar at a floor of 888.80 a month", c.products[1].Name)
	return p.raiseFloor(ctx)
}

// raiseFloor has the operator ask more for one product than Harbour sells it
// for: from now on Harbour's own policy must stop that sale.
func (p *play) raiseFloor(ctx context.Context) error {
	c := &p.cast
	floor, err := p.agree(ctx, c.operator, c.operator.org, c.reseller.org, "floor", "realtime", "")
	if err != nil {
		return err
	}
	p.say("   the operator raises its floor of %s to 9999.00 a month", c.products[2].Name)
	return p.line(ctx, c.operator, floor, map[string]any{"product_id": c.products[2].ID, "price": "9999.00"})
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
		err := in.seller.pay(ctx, "/v1/recharges", fmt.Sprintf("recharge-%d", i), map[string]any{
			"buyer": in.buyer.org, "seller": in.seller.org, "currency": "CNY", "amount": in.amount, "reference": fmt.Sprintf("bank slip %d", i+1),
		}, nil)
		if err != nil {
			return err
		}
		p.say("   %s pays %s CNY to %s", in.buyer.name, in.amount, in.seller.name)
	}
	return nil
}

// theOrders is how many requests the story makes.
const theOrders = 50

func (p *play) orders(ctx context.Context) error {
	p.sold = tally{owner: map[string]*client{}, refused: map[string]int{}}
	for n := 1; n <= theOrders; n++ {
		if err := p.orderNo(ctx, n); err != nil {
			return fmt.Errorf("order %d: %w", n, err)
		}
	}
	p.say("   %d accepted, refused: %v", len(p.sold.accepted), p.sold.refused)
	return p.decided(ctx)
}

// orderNo places order n; some of them meet with something.
func (p *play) orderNo(ctx context.Context, n int) error {
	who, what := p.cast.customers[n%3], p.cast.products[n%2]
	switch n {
	case 8:
		return p.refusal(ctx, n, p.cast.customers[0], p.cast.products[2].ID, 1, "under_floor", 412)
	case 13:
		return p.refusal(ctx, n, who, what.ID, 120, "no_money", 402)
	case 18:
		return p.cloudRefuses(ctx, n, who, what.ID)
	case 23:
		return p.answerLost(ctx, n, who, what.ID)
	case 28:
		return p.replayed(ctx, n, who, what.ID)
	case 31:
		if _, err := p.buy(ctx, n, who, what.ID, 1); err != nil {
			return err
		}
		p.say("   %2d: the plugin is replaced by a fresh process, while it works", n)
		return p.reloadPlugin(ctx)
	case 33:
		if _, err := p.buy(ctx, n, who, what.ID, 1); err != nil {
			return err
		}
		p.say("   %2d: the plugin is killed", n)
		return p.killPlugin(ctx)
	case 38:
		if _, err := p.buy(ctx, n, who, what.ID, 1); err != nil {
			return err
		}
		p.say("   %2d: the broker is killed", n)
		return p.killBroker(ctx)
	}
	_, err := p.buy(ctx, n, who, what.ID, 1)
	return err
}

func orderBody(n int, productID string, periods int) map[string]any {
	return map[string]any{
		"product_id": productID, "name": fmt.Sprintf("server-%02d", n),
		"term": map[string]any{"billing": "prepaid", "period": "month", "periods": periods, "quantity": 1},
	}
}

func key(n int) string { return fmt.Sprintf("order-%03d", n) }

// buy orders and waits for nothing: the cloud is asked in the background.
func (p *play) buy(ctx context.Context, n int, who *client, productID string, periods int) (string, error) {
	p.sold.requests++
	var o idOf
	if err := who.pay(ctx, "/v1/orders", key(n), orderBody(n, productID, periods), &o); err != nil {
		return "", err
	}
	p.sold.accepted = append(p.sold.accepted, o.ID)
	p.sold.owner[o.ID] = who
	return o.ID, nil
}

// refusal expects the order to be refused and nothing to be held for it.
func (p *play) refusal(ctx context.Context, n int, who *client, productID string, periods int, why string, status int) error {
	before, err := p.held(ctx, who)
	if err != nil {
		return err
	}
	_, err = p.buy(ctx, n, who, productID, periods)
	var refused *problem
	switch {
	case err == nil:
		return fmt.Errorf("an order that must be refused (%s) was accepted", why)
	case !errors.As(err, &refused) || refused.Status != status:
		return fmt.Errorf("want a refusal (%s) with status %d: %w", why, status, err)
	}
	after, err := p.held(ctx, who)
	if err != nil {
		return err
	}
	if after > before {
		return fmt.Errorf("a refused order (%s) holds money: %d, before it %d", why, after, before)
	}
	p.sold.refused[why]++
	p.say("   %2d: %s is refused: %s", n, who.name, refused.Detail)
	return nil
}

// cloudRefuses makes the cloud sell out for one order: its money comes back.
func (p *play) cloudRefuses(ctx context.Context, n int, who *client, productID string) error {
	if err := p.settled(ctx); err != nil {
		return err
	}
	if err := p.fault(ctx, map[string]any{"kind": "sold_out", "count": 1}); err != nil {
		return err
	}
	id, err := p.buy(ctx, n, who, productID, 1)
	if err != nil {
		return err
	}
	if err := p.until(ctx, id, "failed"); err != nil {
		return err
	}
	p.sold.released = id
	p.say("   %2d: the cloud is sold out; the order failed and its money is free again", n)
	return p.fault(ctx)
}

// answerLost makes the cloud buy and lose its answer: the order finds what was
// bought instead of buying again.
func (p *play) answerLost(ctx context.Context, n int, who *client, productID string) error {
	if err := p.settled(ctx); err != nil {
		return err
	}
	if err := p.fault(ctx, map[string]any{"kind": "drop", "after": true, "actions": []string{"CreateUHostInstance"}, "count": 1}); err != nil {
		return err
	}
	id, err := p.buy(ctx, n, who, productID, 1)
	if err != nil {
		return err
	}
	if err := p.until(ctx, id, "active"); err != nil {
		return err
	}
	p.sold.adopted = id
	p.say("   %2d: the cloud's answer was lost; the order found its server by the token", n)
	return p.fault(ctx)
}

// replayed sends one request twice under one key.
func (p *play) replayed(ctx context.Context, n int, who *client, productID string) error {
	first, err := p.buy(ctx, n, who, productID, 1)
	if err != nil {
		return err
	}
	var again idOf
	if err := who.pay(ctx, "/v1/orders", key(n), orderBody(n, productID, 1), &again); err != nil {
		return err
	}
	if again.ID != first {
		return fmt.Errorf("the same key made orders %s and %s", first, again.ID)
	}
	p.say("   %2d: sent twice under one key: one order", n)
	return nil
}

type orderState struct {
	State     string `json:"state"`
	Attention *struct {
		Reason string `json:"reason"`
	} `json:"attention"`
	ResourceIDs []string `json:"resource_ids"`
}

// until waits for an order to reach a state.
func (p *play) until(ctx context.Context, id, state string) error {
	return poll(ctx, 90*time.Second, "order "+id+" to be "+state, func() (bool, error) {
		var o orderState
		if err := p.sold.owner[id].get(ctx, "/v1/orders/"+id, &o); err != nil {
			return false, err
		}
		if o.Attention != nil {
			return false, fmt.Errorf("order %s needs attention: %s", id, o.Attention.Reason)
		}
		over := o.State == "active" || o.State == "failed"
		if over && o.State != state {
			return false, fmt.Errorf("order %s is %s", id, o.State)
		}
		return o.State == state, nil
	})
}

// settled waits until no accepted order is under way.
func (p *play) settled(ctx context.Context) error {
	for _, id := range p.sold.accepted {
		if id == p.sold.released {
			continue
		}
		if err := p.until(ctx, id, "active"); err != nil {
			return err
		}
	}
	return nil
}

// decided waits for the last order and collects the resources.
func (p *play) decided(ctx context.Context) error {
	if err := p.settled(ctx); err != nil {
		return err
	}
	for _, id := range p.sold.accepted {
		var o orderState
		if err := p.sold.owner[id].get(ctx, "/v1/orders/"+id, &o); err != nil {
			return err
		}
		p.sold.resources = append(p.sold.resources, o.ResourceIDs...)
	}
	p.say("   every order is decided; %d servers run", len(p.sold.resources))
	return nil
}

// afterSales renews one server and gives another back.
func (p *play) afterSales(ctx context.Context) error {
	who := p.sold.owner[p.sold.accepted[0]]
	var mine []idOf
	if err := each(ctx, who, "/v1/resources", func(r idOf) error { mine = append(mine, r); return nil }); err != nil {
		return err
	}
	if len(mine) < 2 {
		return fmt.Errorf("%s has %d servers", who.name, len(mine))
	}
	var renewal, release idOf
	if err := who.pay(ctx, "/v1/resources/"+mine[0].ID+"/renew", "renew-1", map[string]int{"periods": 2}, &renewal); err != nil {
		return err
	}
	p.sold.renewed, p.sold.owner[renewal.ID] = renewal.ID, who
	if err := p.until(ctx, renewal.ID, "active"); err != nil {
		return err
	}
	p.say("   %s renews a server by two months", who.name)
	if err := who.pay(ctx, "/v1/resources/"+mine[1].ID+"/release", "release-1", map[string]string{"reason": "no longer needed"}, &release); err != nil {
		return err
	}
	p.sold.refunded, p.sold.owner[release.ID] = release.ID, who
	if err := p.until(ctx, release.ID, "refunded"); err != nil {
		return err
	}
	p.say("   %s gives a server back; the unused term is refunded down the chain", who.name)
	return nil
}
