package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/bundle"
	"tradewind.example/sdk/provider"
)

// bundles is the handler of the kind bundle.
type bundles struct{ *plugin }

type combination = provider.Thing[bundle.Bundle]

func bundleKind(p *plugin) *provider.Kind {
	return provider.KindOf[bundle.Spec, bundle.Bundle]("bundle", "Combination", bundles{p})
}

func (o *office) bundles() bundle.Book {
	return bundle.Book{Area: o.desk.Area, Now: o.desk.Now, Images: o.desk.Images}
}

func bundleThing(b bundle.Bundle) combination {
	return combination{
		ID: b.ID, Name: b.Name, Region: b.CentreID, Zone: b.ClusterID, Status: provider.StatusRunning, Token: b.Token,
		Billing: provider.BillingOnce, Created: b.Created, State: b,
	}
}

// Create makes a bundle.
func (h bundles) Create(ctx context.Context, req provider.TypedCreate[bundle.Spec]) (provider.Result[bundle.Bundle], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[bundle.Bundle]{}, err
	}
	on, err := o.on(ctx, req.Spec.ClusterID)
	if err != nil {
		return provider.Result[bundle.Bundle]{}, err
	}
	req.Spec.CentreID, req.Spec.ClusterID = on.CentreID, on.ID
	b, err := o.bundles().Add(ctx, req.Token, req.Spec, func(ctx context.Context, c *area.Change) error {
		return o.centres.Stocking(ctx, c, on.CentreID, on.ID)
	})
	return done(bundleThing(b), err)
}

// Get reads a bundle.
func (h bundles) Get(ctx context.Context, req provider.GetRequest) (combination, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return combination{}, err
	}
	b, err := o.bundles().Bundle(ctx, req.ID)
	return bundleThing(b), err
}

// List yields the bundles of the call's place, or of all.
func (h bundles) List(ctx context.Context, req provider.ListRequest, yield func(combination) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.bundles().Bundles(ctx, req.Call.Region, req.Call.Zone, func(b bundle.Bundle) error { return yield(bundleThing(b)) })
}

// Update changes a bundle.
func (h bundles) Update(ctx context.Context, req provider.TypedUpdate[bundle.Spec]) (provider.Result[bundle.Bundle], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[bundle.Bundle]{}, err
	}
	b, err := o.bundles().Update(ctx, req.ID, req.Spec)
	return done(bundleThing(b), err)
}

// Delete removes a bundle; what was sold of it stays.
func (h bundles) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return provider.Started{}, o.bundles().Remove(ctx, req.ID)
}

// FindByToken tells what a token made.
func (h bundles) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[bundle.Bundle], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[bundle.Bundle]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (combination, bool, error) {
		b, ok, err := o.bundles().Find(ctx, token)
		return bundleThing(b), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.bundles().Bundle(ctx, id)
		return err
	})
}
