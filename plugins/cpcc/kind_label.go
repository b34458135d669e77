package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/sdk/provider"
)

// labels is the handler of the kind label.
type labels struct{ *plugin }

type label = provider.Thing[centre.Label]

func labelKind(p *plugin) *provider.Kind {
	return provider.KindOf[centre.LabelSpec, centre.Label]("label", "Label", labels{p})
}

func labelThing(l centre.Label) label {
	return label{ID: l.ID, Name: l.Name, Status: provider.StatusRunning, Token: l.Token, Billing: provider.BillingOnce, Created: l.Created, State: l}
}

// Create makes a label.
func (h labels) Create(ctx context.Context, req provider.TypedCreate[centre.LabelSpec]) (provider.Result[centre.Label], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Label]{}, err
	}
	l, err := o.centres.AddLabel(ctx, req.Token, req.Spec)
	return done(labelThing(l), err)
}

// Get reads a label.
func (h labels) Get(ctx context.Context, req provider.GetRequest) (label, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return label{}, err
	}
	l, err := o.centres.Label(ctx, req.ID)
	return labelThing(l), err
}

// List yields the labels.
func (h labels) List(ctx context.Context, req provider.ListRequest, yield func(label) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.centres.Labels(ctx, func(l centre.Label) error { return yield(labelThing(l)) })
}

// Delete removes a label.
func (h labels) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return provider.Started{}, o.centres.RemoveLabel(ctx, req.ID)
}

// FindByToken tells what a token made.
func (h labels) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[centre.Label], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[centre.Label]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (label, bool, error) {
		l, ok, err := o.centres.FindLabel(ctx, token)
		return labelThing(l), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.centres.Label(ctx, id)
		return err
	})
}
