package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/provider"
)

// widgets is the handler of the kind widget.
type widgets struct{ *plugin }

type part = provider.Thing[widget.Widget]

func widgetKind(p *plugin) *provider.Kind {
	return provider.KindOf[widget.Spec, widget.Widget]("widget", "Priced part", widgets{p})
}

func partThing(w widget.Widget) part {
	return part{
		ID: w.ID, Name: string(w.Type) + " " + w.Model, Region: w.CentreID, Status: provider.StatusRunning, Token: w.Token,
		Billing: provider.BillingOnce, Created: w.Created, State: w,
	}
}

// Create makes a widget or adds to its stock.
func (h widgets) Create(ctx context.Context, req provider.TypedCreate[widget.Spec]) (provider.Result[widget.Widget], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[widget.Widget]{}, err
	}
	if req.Spec.CentreID, err = o.home(ctx, req.Spec.CentreID); err != nil {
		return provider.Result[widget.Widget]{}, err
	}
	on, err := o.on(ctx, req.Spec.ClusterID)
	if err != nil {
		return provider.Result[widget.Widget]{}, err
	}
	req.Spec.ClusterID = on.ID
	w, err := o.widgets.Add(ctx, req.Token, req.Spec, func(ctx context.Context, c *area.Change) error {
		return o.centres.Stocking(ctx, c, req.Spec.CentreID, on.ID)
	})
	return done(partThing(w), err)
}

// Get reads a widget.
func (h widgets) Get(ctx context.Context, req provider.GetRequest) (part, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return part{}, err
	}
	w, err := o.widgets.Widget(ctx, req.ID)
	return partThing(w), err
}

// List yields the widgets of the region's centre, or of all.
func (h widgets) List(ctx context.Context, req provider.ListRequest, yield func(part) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.widgets.Widgets(ctx, req.Call.Region, func(w widget.Widget) error { return yield(partThing(w)) })
}

// Update changes a widget's price.
func (h widgets) Update(ctx context.Context, req provider.TypedUpdate[widget.Spec]) (provider.Result[widget.Widget], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[widget.Widget]{}, err
	}
	w, err := o.widgets.Reprice(ctx, req.ID, req.Spec)
	return done(partThing(w), err)
}

// Delete removes a widget of which nothing is taken.
func (h widgets) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return provider.Started{}, o.widgets.Remove(ctx, req.ID)
}

// FindByToken tells which widget a token made or added to.
func (h widgets) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[widget.Widget], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[widget.Widget]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (part, bool, error) {
		w, ok, err := o.widgets.FindWidget(ctx, token)
		return partThing(w), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.widgets.Widget(ctx, id)
		return err
	})
}
