package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// tally counts what happened to the orders of servers at one cloud.
type tally struct {
	requests int            // distinct requests, refused ones included
	accepted []placed       // buy orders, in order
	refused  map[string]int // by reason
	adopted  string         // the order whose answer the cloud lost
	released string         // the order that the cloud refused
	renewed  string         // renewal order
	refunded string         // release order
	acted    string         // the part that was worked on
	ended    int            // parts that ended with the purchase given back
}

// placed is an order that was accepted.
type placed struct {
	id  string
	who *client
}

// purchase is an order of one server for a month that is about to be placed.
type purchase struct {
	n       int // of the story, at most once at a cloud
	who     *client
	at      *provider
	product int // of the provider's
}

func (b purchase) key() string { return fmt.Sprintf("order-%s-%03d", b.at.name, b.n) }

// month is a prepaid term.
func month(periods int) map[string]any {
	return map[string]any{"billing": "prepaid", "period": "month", "periods": periods, "quantity": 1}
}

// body is the request, whose spec names the customer's network at clouds that
// have none of their own.
func (b purchase) body(term map[string]any) map[string]any {
	x := b.at.products[b.product]
	out := map[string]any{"product_id": x.ID, "name": fmt.Sprintf("server-%02d", b.n), "term": term}
	if fields := b.at.networks[b.who]; len(fields) > 0 {
		spec := maps.Clone(x.Spec)
		maps.Copy(spec, fields)
		out["spec"] = spec
	}
	return out
}

// buy orders and waits for nothing: the cloud is asked in the background.
func (p *play) buy(ctx context.Context, b purchase) (placed, error) {
	return p.order(ctx, b, month(1))
}

func (p *play) order(ctx context.Context, b purchase, term map[string]any) (placed, error) {
	b.at.sold.requests++
	var o idOf
	if err := b.who.pay(ctx, "/v1/orders", b.key(), b.body(term), &o); err != nil {
		return placed{}, err
	}
	out := placed{o.ID, b.who}
	b.at.sold.accepted = append(b.at.sold.accepted, out)
	return out, nil
}

// refusal expects the order to be refused and nothing to be held for it.
func (p *play) refusal(ctx context.Context, b purchase, term map[string]any, why string, status int) error {
	before, err := p.held(ctx, b.who)
	if err != nil {
		return err
	}
	_, err = p.order(ctx, b, term)
	var refused *problem
	switch {
	case err == nil:
		return fmt.Errorf("an order that must be refused (%s) was accepted", why)
	case !errors.As(err, &refused) || refused.Status != status:
		return fmt.Errorf("want a refusal (%s) with status %d: %w", why, status, err)
	}
	after, err := p.held(ctx, b.who)
	if err != nil {
		return err
	}
	if after > before {
		return fmt.Errorf("a refused order (%s) holds money: %d, before it %d", why, after, before)
	}
	b.at.sold.refused[why]++
	p.say("   %2d: %s is refused: %s", b.n, b.who.name, refused.Detail)
	return nil
}

// cloudRefuses makes each cloud sell out for one order: its money comes back.
func (p *play) cloudRefuses(ctx context.Context, all ...purchase) error {
	soldOut := func(*provider) map[string]any { return map[string]any{"kind": "sold_out", "count": 1} }
	return p.faulted(ctx, soldOut, all, func(b purchase, o placed) error {
		b.at.sold.released = o.id
		return p.until(ctx, o, "failed")
	})
}

// answerLost makes each cloud buy and lose its answer: the order finds what was
// bought instead of buying again.
func (p *play) answerLost(ctx context.Context, all ...purchase) error {
	lost := func(at *provider) map[string]any {
		return map[string]any{"kind": "drop", "after": true, "actions": []string{at.creates}, "count": 1}
	}
	return p.faulted(ctx, lost, all, func(b purchase, o placed) error {
		b.at.sold.adopted = o.id
		return p.until(ctx, o, "active")
	})
}

// faulted places orders, one at a cloud, that meet with a fault of their cloud,
// and hands each to then. No other order is under way meanwhile.
func (p *play) faulted(ctx context.Context, fault func(*provider) map[string]any, all []purchase, then func(purchase, placed) error) error {
	if err := p.settled(ctx); err != nil {
		return err
	}
	for _, b := range all {
		if err := b.at.fault(ctx, fault(b.at)); err != nil {
			return fmt.Errorf("setting the fault of %s: %w", b.at.title, err)
		}
	}
	orders := make([]placed, len(all))
	for i, b := range all {
		var err error
		if orders[i], err = p.buy(ctx, b); err != nil {
			return err
		}
	}
	for i, b := range all {
		if err := then(b, orders[i]); err != nil {
			return fmt.Errorf("at %s: %w", b.at.title, err)
		}
		hits, err := b.at.hits(ctx)
		if err != nil {
			return err
		}
		if hits != 1 {
			return fmt.Errorf("the fault of %s hit %d calls, not one", b.at.title, hits)
		}
		if err := b.at.fault(ctx); err != nil {
			return err
		}
	}
	return nil
}

// replayed sends one request twice under one key.
func (p *play) replayed(ctx context.Context, b purchase) error {
	first, err := p.buy(ctx, b)
	if err != nil {
		return err
	}
	var again idOf
	if err := b.who.pay(ctx, "/v1/orders", b.key(), b.body(month(1)), &again); err != nil {
		return err
	}
	if again.ID != first.id {
		return fmt.Errorf("the same key made orders %s and %s", first.id, again.ID)
	}
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
func (p *play) until(ctx context.Context, o placed, state string) error {
	return poll(ctx, 90*time.Second, "order "+o.id+" to be "+state, func() (bool, error) {
		var now orderState
		if err := o.who.get(ctx, "/v1/orders/"+o.id, &now); err != nil {
			return false, err
		}
		if now.Attention != nil {
			return false, fmt.Errorf("order %s needs attention: %s", o.id, now.Attention.Reason)
		}
		over := now.State == "active" || now.State == "failed"
		if over && now.State != state {
			return false, fmt.Errorf("order %s is %s", o.id, now.State)
		}
		return now.State == state, nil
	})
}

// settled waits until no accepted order is under way.
func (p *play) settled(ctx context.Context) error {
	for _, at := range p.providers {
		for _, o := range at.sold.accepted {
			if o.id == at.sold.released {
				continue
			}
			if err := p.until(ctx, o, "active"); err != nil {
				return fmt.Errorf("at %s: %w", at.title, err)
			}
		}
	}
	return nil
}

// decided waits for the last order and counts what runs.
func (p *play) decided(ctx context.Context) error {
	if err := p.settled(ctx); err != nil {
		return err
	}
	servers := 0
	for _, at := range p.providers {
		for _, o := range at.sold.accepted {
			var now orderState
			if err := o.who.get(ctx, "/v1/orders/"+o.id, &now); err != nil {
				return err
			}
			servers += len(now.ResourceIDs)
		}
	}
	p.say("   every order is decided; %d %s run", servers, p.plural())
	return p.consist(ctx)
}

// afterSales renews one server at each cloud, where that can be ordered, and
// gives another back.
func (p *play) afterSales(ctx context.Context) error {
	for _, at := range p.providers {
		who := at.sold.accepted[0].who
		mine, err := at.first(ctx, who, 2)
		if err != nil {
			return err
		}
		if err := p.renew(ctx, at, who, mine[0].ID); err != nil {
			return fmt.Errorf("renewing at %s: %w", at.title, err)
		}
		if err := p.giveBack(ctx, at, who, mine[1].ID); err != nil {
			return fmt.Errorf("releasing at %s: %w", at.title, err)
		}
	}
	return nil
}

// first are the first of what somebody bought at a cloud, at least so many.
func (at *provider) first(ctx context.Context, who *client, n int) ([]idOf, error) {
	var mine []idOf
	err := each(ctx, who, "/v1/resources?parts=false&kind="+at.sells()+"&provider_id="+at.id, func(r idOf) error { mine = append(mine, r); return nil })
	if err == nil && len(mine) < n {
		err = fmt.Errorf("%s has %d %s at %s", who.name, len(mine), at.plural(), at.title)
	}
	return mine, err
}

func (p *play) renew(ctx context.Context, at *provider, who *client, server string) error {
	if !at.renews {
		p.say("   %s has no renewals to order", at.title)
		return nil
	}
	var o idOf
	if err := who.pay(ctx, "/v1/resources/"+server+"/renew", "renew-"+at.name, map[string]int{"periods": 2}, &o); err != nil {
		return err
	}
	at.sold.renewed = o.ID
	if err := p.until(ctx, placed{o.ID, who}, "active"); err != nil {
		return err
	}
	p.say("   %s renews one of the %s of %s by two months", who.name, at.plural(), at.title)
	return nil
}

func (p *play) giveBack(ctx context.Context, at *provider, who *client, server string) error {
	parts, err := partsBelow(ctx, who, server, false)
	if err != nil {
		return err
	}
	var o idOf
	if err := who.pay(ctx, "/v1/resources/"+server+"/release", "release-"+at.name, map[string]string{"reason": "no longer needed"}, &o); err != nil {
		return err
	}
	at.sold.refunded = o.ID
	if err := p.until(ctx, placed{o.ID, who}, "refunded"); err != nil {
		return err
	}
	if err := at.gone(ctx, who, server, parts); err != nil {
		return err
	}
	what := "the unused term is refunded down the chain"
	if !at.repays {
		what = "the cloud itself pays nothing back"
	}
	p.say("   %s gives one of the %s of %s back; %s", who.name, at.plural(), at.title, what)
	return nil
}
