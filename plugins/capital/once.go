package main

import (
	"context"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// mostRemembered bounds the purchases that are remembered at once.
const mostRemembered = 10_000

// leastLook is how long the look before a purchase may take in any case; a
// long settle time allows a quarter of it. The broker counts the settle time
// from its call, so a purchase must not be sent much later.
const leastLook = 5 * time.Second

func (c Config) mostLook() time.Duration { return max(leastLook, c.settle()/4) }

// purchases sees to it that one token buys one thing. The cloud does not know
// tokens, so a purchase is preceded by a look for what its token has made, and
// purchases with the same token take turns. What was sent is remembered until
// the cloud must show it; after a restart only the look remains, and the broker
// asks by token before it repeats. Safe for concurrent use.
type purchases struct {
	mu   sync.Mutex
	turn map[string]*turn
	sent map[string]sent
}

// turn is held by the purchase that is being made.
type turn struct {
	free  chan struct{} // holds one item while nobody is at it
	users int
}

// sent is a purchase that the cloud may not show yet.
type sent struct {
	id    string // what it made; "" when its answer got lost
	until time.Time
}

func newPurchases() *purchases {
	return &purchases{turn: map[string]*turn{}, sent: map[string]sent{}}
}

// take waits for the turn of key; the function it returns ends the turn.
func (p *purchases) take(ctx context.Context, key string) (end func(), err error) {
	p.mu.Lock()
	t := p.turn[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		p.turn[key] = t
	}
	t.users++
	p.mu.Unlock()
	leave := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(p.turn, key)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fault.Unavailable("another create with this token is at work").With(ctx.Err())
	}
}

// remember keeps what was sent until it must be visible, and forgets what is.
func (p *purchases) remember(key string, s sent, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, old := range p.sent {
		if !now.Before(old.until) {
			delete(p.sent, k)
		}
	}
	if len(p.sent) < mostRemembered {
		p.sent[key] = s
	}
}

// recall returns what was sent and may not be visible yet.
func (p *purchases) recall(key string, now time.Time) (sent, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sent[key]
	return s, ok && now.Before(s.until)
}

// buyer is one create of a kind, in the steps that buyOnce takes.
type buyer[State any] struct {
	find   func(ctx context.Context) (provider.TypedFound[State], error)
	buy    func(ctx context.Context) (provider.Result[State], string, error) // with the new id
	hidden func(id string) provider.Result[State]                            // what was bought and is not shown yet
}

// buyOnce buys what the token of call has not bought yet.
func buyOnce[State any](ctx context.Context, p *plugin, c *cloud, kind, token string, b buyer[State]) (provider.Result[State], error) {
	var zero provider.Result[State]
	key := c.identity() + "\n" + c.region + "\n" + kind + "\n" + token
	asked := p.clock.Now()
	end, err := p.purchases.take(ctx, key)
	if err != nil {
		return zero, err
	}
	defer end()
	found, err := b.find(ctx)
	switch {
	case err != nil:
		return zero, notDone(err)
	case len(found.Things) > 0 && found.Operation != "":
		return provider.StartedAs(found.Operation, &found.Things[0]), nil
	case len(found.Things) > 0:
		return provider.Done(found.Things[0]), nil
	}
	began := p.clock.Now()
	switch s, ok := p.purchases.recall(key, began); {
	case ok && s.id != "":
		return b.hidden(s.id), nil
	case ok:
		return zero, fault.Unknown(nil, "a purchase with this token was sent and may still show").From(fault.SourceCloud)
	case began.Sub(asked) > c.cfg.mostLook():
		return zero, fault.Unavailable("the cloud is too slow to buy now").From(fault.SourceCloud)
	}
	out, id, err := b.buy(ctx)
	if err == nil || fault.OutcomeOf(err) == fault.OutcomeUnknown {
		p.purchases.remember(key, sent{id: id, until: began.Add(c.cfg.settle())}, p.clock.Now())
	}
	return out, err
}
