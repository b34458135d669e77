package main

import (
	"context"
	"time"

	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// mostLook is how long the look before a purchase may take. The broker counts
// the settle time from its call, so a purchase must not be sent much later.
const mostLook = 5 * time.Second

// buyer is one create of a kind, in the steps that buyOnce takes.
type buyer[State any] struct {
	find   func(ctx context.Context) (provider.TypedFound[State], error)
	buy    func(ctx context.Context) (provider.Result[State], string, error) // with the new id
	hidden func(id string) provider.Result[State]                            // what was bought and is not shown yet
	// safe says that the cloud itself knows the token: a purchase whose answer
	// got lost may be sent again.
	safe bool
}

// buyOnce buys what the token of call has not bought yet.
func buyOnce[State any](ctx context.Context, p *plugin, c *cloud, kind, token string, b buyer[State]) (provider.Result[State], error) {
	return once.Buy(ctx, &p.purchases, p.clock, once.Purchase[State]{
		Key:    c.key() + "\n" + c.region + "\n" + kind + "\n" + token,
		Settle: c.cfg.settle(), Look: mostLook, Find: b.find, Buy: b.buy, Hidden: b.hidden, CloudKnowsToken: b.safe,
	})
}
