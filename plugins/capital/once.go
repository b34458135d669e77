package main

import (
	"context"

	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// buyer is one create of a kind, in the steps that buyOnce takes.
type buyer[State any] struct {
	find   func(ctx context.Context) (provider.TypedFound[State], error)
	buy    func(ctx context.Context) (provider.Result[State], string, error) // with the new id
	hidden func(id string) provider.Result[State]                            // what was bought and is not shown yet
}

// buyOnce buys what the token of call has not bought yet: the cloud does not know
// tokens.
func buyOnce[State any](ctx context.Context, p *plugin, c *cloud, kind, token string, b buyer[State]) (provider.Result[State], error) {
	return once.Buy(ctx, &p.purchases, p.clock, once.Purchase[State]{
		Key:    c.identity() + "\n" + c.region + "\n" + kind + "\n" + token,
		Settle: c.cfg.settle(), Find: b.find, Buy: b.buy, Hidden: b.hidden,
	})
}
