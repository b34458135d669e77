package main

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// buyer is one create of a kind, in the steps that buyOnce takes.
type buyer[State any] struct {
	find func(ctx context.Context) (provider.TypedFound[State], error)
	buy  func(ctx context.Context) (provider.Thing[State], error)
}

// buyOnce buys what the token has not bought yet. It looks first, because the
// cloud forgets client tokens after a day; that two callers at once buy one
// thing is the client token's work.
func buyOnce[State any](ctx context.Context, b buyer[State]) (provider.Result[State], error) {
	found, err := b.find(ctx)
	switch {
	case err != nil:
		return provider.Result[State]{}, fault.NotDone(err)
	case len(found.Things) > 0:
		return provider.Done(found.Things[0]), nil
	}
	t, err := b.buy(ctx)
	if err != nil {
		return provider.Result[State]{}, err
	}
	return provider.Done(t), nil
}

// findTagged collects what walk finds with a token's tag.
func findTagged[State any](
	p *plugin, c *cloud, req provider.FindRequest, walk func(tag string, add func(provider.Thing[State])) error,
) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	tag, err := tagOf(req.Token)
	if err != nil {
		return out, err
	}
	if err := walk(tag, func(t provider.Thing[State]) { out.Things = append(out.Things, t) }); err != nil {
		return provider.TypedFound[State]{}, err
	}
	out.Done = len(out.Things) > 0
	out.Settled = out.Done || c.cfg.settled(req.Since, p.clock.Now())
	return out, nil
}

// free opens a call that makes something the cloud charges nothing for.
func (p *plugin) free(ctx context.Context, call provider.Call, token string, term provider.Term) (*cloud, string, error) {
	c, err := p.openIn(ctx, call)
	if err != nil {
		return nil, "", err
	}
	if err := one(term); err != nil {
		return nil, "", err
	}
	tag, err := tagOf(token)
	return c, tag, err
}

// createOf is the question what a create's token has made.
func createOf(call provider.Call, kind, token string) provider.FindRequest {
	return provider.FindRequest{Call: call, Token: token, Kind: kind, Change: provider.ChangeCreate}
}

// whatBecame answers find-by-token for kinds that only creates and releases
// leave traces of.
func whatBecame[State any](
	ctx context.Context, p *plugin, req provider.FindRequest,
	created func(context.Context, *cloud, provider.FindRequest) (provider.TypedFound[State], error),
	read func(context.Context, *cloud, string) error,
) (provider.TypedFound[State], error) {
	c, err := p.openIn(ctx, req.Call)
	switch {
	case err != nil:
		return provider.TypedFound[State]{}, err
	case req.Change == provider.ChangeCreate:
		return created(ctx, c, req)
	case req.Change == provider.ChangeRelease:
		return released[State](read(ctx, c, req.ID))
	}
	return provider.TypedFound[State]{}, fault.Unsupported("a %s of the kind %q leaves no trace of its token", req.Change, req.Kind)
}
