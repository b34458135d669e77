package main

import (
	"context"
	"slices"

	"tradewind.example/sdk/provider"
)

// Import lists the team's apps and their components, of the call's region or of
// all that the team has opened.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	places, err := c.here(ctx)
	if err != nil {
		return err
	}
	wanted := func(kind string) bool { return len(req.Kinds) == 0 || slices.Contains(req.Kinds, kind) }
	if !wanted(kindApp) && !wanted(kindComponent) {
		return nil
	}
	for _, at := range places {
		if err := c.in(at.Name).eachApp(ctx, func(t app) error { return imported(t, wanted, yield) }); err != nil {
			return err
		}
	}
	return nil
}

// imported yields an app and what is in it.
func imported(t app, wanted func(kind string) bool, yield func(provider.Resource) error) error {
	if wanted(kindApp) {
		r, err := resourceOf(kindApp, t)
		if err == nil {
			err = yield(*r)
		}
		if err != nil {
			return err
		}
	}
	if !wanted(kindComponent) {
		return nil
	}
	for _, x := range t.State.Components {
		r, err := resourceOf(kindComponent, x.shown(t))
		if err == nil {
			err = yield(*r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
