// Package once keeps a plugin from buying twice at a cloud that knows no tokens:
// a purchase looks first for what its token has made, purchases of one token
// take turns, and what was sent is remembered until the cloud must show it.
//
// It is no promise across a restart: afterwards the look remains, and the broker
// asks by token before it repeats. Nothing here calls a cloud by itself.
package once

import (
	"context"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	// mostRemembered bounds the purchases that are remembered at once. What does
	// not fit is left to the look and to the broker's question by token.
	mostRemembered = 10_000
	// leastLook is how long the look before a purchase may take in any case.
	leastLook = 5 * time.Second
)

// Purchases remembers the purchases of one process. The zero value is ready to
// use. Safe for concurrent use.
type Purchases struct {
	Turns

	mu   sync.Mutex
	sent map[string]sent
}

// sent is a purchase that the cloud may not show yet.
type sent struct {
	id    string // what it made; "" when its answer got lost
	until time.Time
}

// remember keeps what was sent until it must be visible, and forgets what is.
func (p *Purchases) remember(key string, s sent, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent == nil {
		p.sent = map[string]sent{}
	}
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
func (p *Purchases) recall(key string, now time.Time) (sent, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sent[key]
	return s, ok && now.Before(s.until)
}

// Purchase is one create of a kind, in the steps that [Buy] takes.
type Purchase[State any] struct {
	// Key tells whose purchase this is: the account, the place, the kind and the
	// token, so that no other has the same.
	Key string
	// Settle is how long the cloud may take to show what was bought.
	Settle time.Duration
	// Look is how long the look may take, because the broker counts the settle
	// time from its call: a purchase must not be sent much later. 0 is a quarter of
	// Settle, 5 s at least.
	Look time.Duration
	// Find returns what the token has made so far.
	Find func(ctx context.Context) (provider.TypedFound[State], error)
	// Buy sends the purchase, once, and returns the new thing's id with the answer.
	Buy func(ctx context.Context) (provider.Result[State], string, error)
	// Hidden is the answer for what was bought and is not shown yet.
	Hidden func(id string) provider.Result[State]
	// CloudKnowsToken says that a purchase whose answer got lost may be sent
	// again, because the cloud makes one thing per token.
	CloudKnowsToken bool
}

func (b *Purchase[State]) look() time.Duration {
	if b.Look > 0 {
		return b.Look
	}
	return max(leastLook, b.Settle/4)
}

// Buy buys what the token of b has not bought yet. Its outcome is unknown when a
// purchase was sent that nobody saw the answer of, and not done when the look
// failed or took too long.
func Buy[State any](ctx context.Context, p *Purchases, c clock.Clock, b Purchase[State]) (provider.Result[State], error) {
	var none provider.Result[State]
	asked := c.Now()
	end, err := p.Take(ctx, b.Key)
	if err != nil {
		return none, err
	}
	defer end()
	found, err := b.Find(ctx)
	switch {
	case err != nil:
		return none, fault.NotDone(err)
	case len(found.Things) > 0 && found.Operation != "":
		return provider.StartedAs(found.Operation, &found.Things[0]), nil
	case len(found.Things) > 0:
		return provider.Done(found.Things[0]), nil
	}
	began := c.Now()
	switch s, ok := p.recall(b.Key, began); {
	case ok && s.id != "":
		return b.Hidden(s.id), nil
	case ok && !b.CloudKnowsToken:
		return none, fault.Unknown(nil, "a purchase with this token was sent and may still show").From(fault.SourceCloud)
	case began.Sub(asked) > b.look():
		return none, fault.Unavailable("the cloud is too slow to buy now").From(fault.SourceCloud)
	}
	out, id, err := b.Buy(ctx)
	if err == nil || fault.OutcomeOf(err) == fault.OutcomeUnknown {
		p.remember(b.Key, sent{id: id, until: began.Add(b.Settle)}, c.Now())
	}
	return out, err
}
