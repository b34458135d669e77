package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// walk is one way from an empty broker to a sold workload and back.
type walk struct {
	operator, customer *person
	kubeconfig, image  string
	rush               int // how many buy the last box at once; 0: nobody
	load               int // how many small workloads are bought after that
	out                io.Writer

	provider, enablement string
	centre, cluster      string
	cards                string // the widget
	product, order       string
	resource             string
}

// card is the model of the cards that are sold.
const card = "RTX5090-32G"

// all makes every step and tells of it.
func (w *walk) all(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"the operator signs in", w.operator.signIn},
		{"the plugin becomes a provider", w.register},
		{"a centre with a cluster opens", w.open},
		{"its nodes say which cards they have", w.models},
		{"its parts get a price and a stock", w.parts},
		{"a ready-made box goes on sale", w.bundle},
		{"a customer comes with money", w.welcome},
		{"the customer sees the box, priced", w.look},
		{"the customer buys it", w.buy},
		{"it runs", w.running},
		{"its stock is taken", func(ctx context.Context) error { return w.taken(ctx, "2") }},
		{"the customer gives it back", w.release},
		{"its stock is there again", func(ctx context.Context) error { return w.taken(ctx, "0") }},
		{"everybody who came wants the last one", w.hurry},
		{"many small ones are bought", w.many},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintln(w.out, "ok:", step.name)
	}
	return nil
}

// made is the answer of everything that makes something.
type made struct {
	ID string `json:"id"`
}

func (w *walk) register(ctx context.Context) error {
	var org, prov made
	if err := w.operator.post(ctx, "/v1/orgs", map[string]string{"kind": "provider", "name": "Harbour computing"}, &org); err != nil {
		return err
	}
	if err := w.operator.post(ctx, "/v1/providers", map[string]any{"plugin_name": "cpcc", "org_id": org.ID, "title": "Harbour computing"}, &prov); err != nil {
		return err
	}
	var e struct{ ID, State, Problem string }
	err := w.operator.post(ctx, "/v1/enablements", map[string]any{
		"provider_id": prov.ID, "covers_all": true, "settings": map[string]string{"images": w.image},
	}, &e)
	if err != nil {
		return err
	}
	w.provider, w.enablement = prov.ID, e.ID
	return until(ctx, func() (bool, error) {
		err := w.operator.get(ctx, "/v1/enablements/"+e.ID, &e)
		if err == nil && e.State == "failed" {
			err = fmt.Errorf("the enablement failed: %s", e.Problem)
		}
		return e.State == "active", err
	})
}

// keep adds a thing to the account's inventory.
func (w *walk) keep(ctx context.Context, kind string, spec map[string]any) (string, error) {
	var out made
	path := fmt.Sprintf("/v1/enablements/%s/inventory/%s?region=%s&zone=%s", w.enablement, kind, w.centre, w.cluster)
	err := w.operator.post(ctx, path, map[string]any{"spec": spec}, &out)
	return out.ID, err
}

func (w *walk) open(ctx context.Context) (err error) {
	if w.centre, err = w.keep(ctx, "centre", map[string]any{"name": "Harbour", "contact_name": "Night desk", "contact_phone": "000"}); err != nil {
		return err
	}
	cluster, err := w.keep(ctx, "cluster", map[string]any{"name": "quay", "kubeconfig": w.kubeconfig})
	w.cluster = cluster
	return err
}

// models labels every node that has cards with their model, so that what is sold
// by model runs where it is.
func (w *walk) models(ctx context.Context) error {
	at := fmt.Sprintf("/v1/enablements/%s/inventory/node", w.enablement)
	place := fmt.Sprintf("region=%s&zone=%s", w.centre, w.cluster)
	var nodes struct {
		Items []struct {
			ID    string
			State struct {
				Cards int `json:"available_gpu"`
			}
		}
	}
	if err := w.operator.get(ctx, at+"?"+place+"&limit=500", &nodes); err != nil {
		return err
	}
	for _, n := range nodes.Items {
		if n.State.Cards == 0 {
			continue
		}
		err := w.operator.post(ctx, at+"/"+n.ID+"/actions/set_models?"+place, map[string]any{"input": map[string]string{"gpu_model": card}}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) parts(ctx context.Context) error {
	for _, spec := range []map[string]any{
		{"type": "cpu", "unit_price": "1.5", "stock": 8},
		{"type": "memory", "unit_price": "0.005", "resource_unit": "Mi", "stock": 32768},
		{"type": "gpu", "model": card, "unit_price": "6", "stock": 2},
	} {
		id, err := w.keep(ctx, "widget", spec)
		if err != nil {
			return err
		}
		w.cards = id // the last one is the cards'
	}
	return nil
}

func (w *walk) bundle(ctx context.Context) error {
	_, err := w.keep(ctx, "bundle", map[string]any{
		"name": "Two cards", "spec_note": "4 cores, 8 Gi, two cards",
		"workload": map[string]any{"image": w.image, "parts": []map[string]any{
			{"type": "cpu", "amount": 2}, {"type": "memory", "amount": 4096}, {"type": "gpu", "model": card, "amount": 2},
		}},
	})
	if err != nil {
		return err
	}
	return w.operator.post(ctx, "/v1/providers/"+w.provider+"/sync", nil, nil)
}

func (w *walk) welcome(ctx context.Context) error {
	var org made
	if err := w.operator.post(ctx, "/v1/orgs", map[string]string{"kind": "customer", "name": "Lighthouse"}, &org); err != nil {
		return err
	}
	w.customer = newPerson(w.operator.broker, "keeper-"+strings.ToLower(rand.Text()), rand.Text())
	err := w.operator.post(ctx, "/v1/users", map[string]any{
		"org_id": org.ID, "login": w.customer.login, "name": "Keeper", "password": w.customer.password, "roles": []string{"customer_admin"},
	}, nil)
	if err != nil {
		return err
	}
	err = w.operator.post(ctx, "/v1/recharges", map[string]any{
		"buyer": org.ID, "seller": w.operator.org, "currency": "CNY", "amount": "10000.00", "reference": "slip",
	}, nil)
	if err != nil {
		return err
	}
	return w.customer.signIn(ctx)
}

// hours is a term.
func hours(n int) map[string]any {
	return map[string]any{"billing": "prepaid", "period": "hour", "periods": n}
}

func (w *walk) look(ctx context.Context) error {
	var products struct {
		Items []struct{ ID, Name, Type string }
	}
	if err := w.customer.get(ctx, "/v1/products?provider_id="+w.provider, &products); err != nil {
		return err
	}
	for _, p := range products.Items {
		if p.Type == "combination" {
			w.product = p.ID
		}
	}
	var quote struct {
		Price struct{ Legs []struct{ Amount string } }
	}
	if err := w.customer.post(ctx, "/v1/quotes", map[string]any{"product_id": w.product, "term": hours(1)}, &quote); err != nil {
		return err
	}
	if len(quote.Price.Legs) == 0 {
		return fmt.Errorf("the quote has no price")
	}
	fmt.Fprintf(w.out, "    %d products; the box costs %s for an hour\n", len(products.Items), quote.Price.Legs[len(quote.Price.Legs)-1].Amount)
	return nil
}

func (w *walk) buy(ctx context.Context) error {
	var o made
	err := w.customer.post(ctx, "/v1/orders", map[string]any{"product_id": w.product, "name": "lamp", "term": hours(1)}, &o)
	w.order = o.ID
	return err
}

func (w *walk) running(ctx context.Context) error {
	var o struct {
		State       string
		ResourceIDs []string `json:"resource_ids"`
		Units       []struct{ Problem string }
	}
	err := until(ctx, func() (bool, error) {
		err := w.customer.get(ctx, "/v1/orders/"+w.order, &o)
		if err == nil && o.State == "failed" {
			err = fmt.Errorf("the order failed: %v", o.Units)
		}
		return o.State == "active", err
	})
	if err != nil {
		return err
	}
	w.resource = o.ResourceIDs[0]
	var r struct {
		Status string
		State  struct {
			Seen struct{ Ready int }
		}
	}
	if err := w.customer.get(ctx, "/v1/resources/"+w.resource+"?refresh=true", &r); err != nil {
		return err
	}
	if r.Status != "running" {
		return fmt.Errorf("the resource is %s", r.Status)
	}
	return w.customer.post(ctx, "/v1/resources/"+w.resource+"/actions/events", map[string]any{}, nil)
}

// taken compares how many cards are taken.
func (w *walk) taken(ctx context.Context, want string) error {
	var widget struct {
		State struct{ Stock, Consumed string }
	}
	if err := w.operator.get(ctx, fmt.Sprintf("/v1/enablements/%s/inventory/widget/%s", w.enablement, w.cards), &widget); err != nil {
		return err
	}
	if widget.State.Consumed != want {
		return fmt.Errorf("%s of %s cards are taken, not %s", widget.State.Consumed, widget.State.Stock, want)
	}
	return nil
}

func (w *walk) release(ctx context.Context) error {
	var o struct{ ID, State string }
	if err := w.customer.send(ctx, http.MethodPost, "/v1/resources/"+w.resource+"/release", map[string]string{"reason": "seen enough"}, &o); err != nil {
		return err
	}
	return until(ctx, func() (bool, error) {
		err := w.customer.get(ctx, "/v1/orders/"+o.ID, &o)
		if err == nil && o.State == "failed" {
			err = fmt.Errorf("the release failed")
		}
		return o.State == "active" || o.State == "refunded", err
	})
}
