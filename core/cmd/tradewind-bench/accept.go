package main

import (
	"context"
	"errors"
	"fmt"

	"tradewind.example/core/id"
)

// accept measures how many orders are taken, durably, apart from the work that
// follows: the one worker of this broker waits for a slow cloud all the time.
func (b *bench) accept(ctx context.Context) (err error) {
	b.say("a broker that only takes orders")
	k, err := b.newBroker("accept", map[string]any{
		"jobs":   map[string]any{"workers": 1},
		"orders": map[string]any{"call_timeout": "5m"},
	})
	if err != nil {
		return err
	}
	if _, err := k.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.process.kill()) }()
	c, err := setUp(k, 60_000)
	if err != nil {
		return err
	}
	shape, err := b.shapeOfOrder(ctx, k, c)
	if err != nil {
		return err
	}
	spread, err := b.acceptRates(ctx, k, c, shape)
	if err != nil {
		return err
	}
	return b.growth(ctx, k, c, spread)
}

// acceptRates measures orders at 1, 8 and 64 clients, and with one hot wallet.
func (b *bench) acceptRates(ctx context.Context, k *broker, c *cast, s *shape) (spread float64, err error) {
	limits, err := openLimit(s)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, limits.db.Close()) }()
	for _, clients := range []int{1, 8, customers} {
		b.say("orders by %d clients", clients)
		p, err := b.inTurns(
			func() (rate, error) { return b.orderRound(ctx, k, c, clients, false) },
			func() (rate, error) { return limits.load(ctx, clients, b.warm/2, b.round/2) })
		if err != nil {
			return 0, err
		}
		details := p.details()
		var t *target
		if clients == customers {
			t = &target{}
			*t = ratioAtLeast(0.40)
			if details["ascending_per_s"], err = b.ascending(ctx, s); err != nil {
				return 0, err
			}
		}
		f := b.report.add(figure{
			Name: fmt.Sprintf("orders at %d", clients), What: fmt.Sprintf("POST /v1/orders over three legs, accepted durably, by %d clients", clients),
			Unit: "/s", Details: details, Bare: fmt.Sprintf("bbolt's own group commit of the %d rows that one order adds, %d bytes, under keys of the same form and spread", s.rows(), s.bytes()),
		}, p.values, p.limits, t)
		b.say("%g orders/s for %v CPU each, bare %g/s", f.Value, p.value.cpu, f.Limit)
		spread = f.Value
	}
	return spread, b.hotWallet(ctx, k, c)
}

func (b *bench) hotWallet(ctx context.Context, k *broker, c *cast) error {
	b.say("orders by %d clients from one wallet", customers)
	p, err := b.inTurns(
		func() (rate, error) { return b.orderRound(ctx, k, c, customers, true) },
		func() (rate, error) { return b.orderRound(ctx, k, c, customers, false) })
	if err != nil {
		return err
	}
	t := ratioAtLeast(0.90)
	b.report.add(figure{
		Name: "hot wallet", What: "the same with all orders from one customer", Unit: "/s", Details: p.details(),
		Bare: "the same with 64 customers",
	}, p.values, p.limits, &t)
	return nil
}

func (b *bench) orderRound(ctx context.Context, k *broker, c *cast, clients int, hot bool) (rate, error) {
	o, err := ordering(c, id.New(), hot)
	if err != nil {
		return rate{}, err
	}
	return costing(k.pid(), func() (rate, error) { return load(ctx, clients, b.warm, b.round, o.send) })
}
