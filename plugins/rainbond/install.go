package main

import (
	"context"
	"net/http"
	"net/url"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// Create makes an app of its own for the token and installs the model into it.
// Neither is repeatable at the console: the app's marked name can exist once,
// and an app that has components is not installed into again.
func (h apps) Create(ctx context.Context, req provider.TypedCreate[AppSpec]) (provider.Result[AppState], error) {
	var zero provider.Result[AppState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	mark, err := markOf(req.Token)
	if err != nil {
		return zero, err
	}
	if err := alone(req.Term); err != nil {
		return zero, err
	}
	from, err := c.storeFor(req.Spec)
	if err != nil {
		return zero, err
	}
	b := purchase{at: h.clock.Now(), deploy: req.Spec.deploys(), model: req.Spec.AppModelID, version: req.Spec.AppModelVersion, billing: req.Term.Billing, store: from}
	return once.Buy(ctx, &h.purchases, h.clock, once.Purchase[AppState]{
		Key:    c.identity() + "\n" + c.region + "\n" + kindApp + "\n" + mark,
		Settle: c.cfg.settle(),
		Find: func(ctx context.Context) (provider.TypedFound[AppState], error) {
			return h.made(ctx, c, req.Token, b.at)
		},
		Buy: func(ctx context.Context) (provider.Result[AppState], string, error) {
			return h.buy(ctx, c, req, nameOf(req.Name)+"."+mark, b)
		},
		Hidden: func(id string) provider.Result[AppState] {
			n, _ := numberOf(id)
			t := appRow{ID: n, Name: nameOf(req.Name) + "." + mark, Note: b.note("")}.thing(c, nil)
			return provider.StartedAs(h.begin(c, verbCreate, n, "").String(), &t)
		},
	})
}

// buy makes the app and installs the model. An app whose install was refused is
// taken back at once.
func (h apps) buy(ctx context.Context, c *cloud, req provider.TypedCreate[AppSpec], name string, b purchase) (provider.Result[AppState], string, error) {
	var zero provider.Result[AppState]
	body := object{"app_name": name, "app_note": b.note(req.Spec.Note)}
	if req.Spec.K8sApp != "" {
		body["k8s_app"] = req.Spec.K8sApp
	}
	row, err := write[appRow](ctx, c, http.MethodPost, c.inRegion("apps"), nil, body)
	if err != nil {
		return zero, "", err
	}
	if row.ID == 0 {
		return zero, "", fault.Unknown(nil, "the console does not say which app it made").From(fault.SourceCloud)
	}
	parts, err := c.install(ctx, row.ID, b)
	if err != nil {
		return zero, row.thing(c, nil).ID, c.takeBack(ctx, row.ID, err)
	}
	t := row.thing(c, parts)
	return provider.StartedAs(h.begin(c, verbCreate, row.ID, "").String(), &t), t.ID, nil
}

// takeBack deletes the app that an install was refused for. While it is there
// the order is in doubt: whoever asks for it goes on with it.
func (c *cloud) takeBack(ctx context.Context, n int64, why error) error {
	if fault.OutcomeOf(why) == fault.OutcomeUnknown {
		return why
	}
	_, err := write[nothing](ctx, c, http.MethodDelete, c.inApp(n), nil, nil)
	if goneIsDone(err) == nil {
		return why
	}
	e := *fault.As(why)
	e.Outcome = fault.OutcomeUnknown
	return &e
}

// install installs an app model into an app, once it is certain that nobody
// did: a second call would install it a second time. It may take minutes.
func (c *cloud) install(ctx context.Context, n int64, b purchase) ([]Component, error) {
	from := b.store
	key := any(nil)
	if from == (store{}) {
		from = store{c.cfg.MarketURL, c.cfg.MarketDomain, c.cfg.MarketType}
		if !c.cfg.MarketKey.IsZero() {
			key = c.cfg.MarketKey.Reveal()
		}
	}
	// Any text in is_deploy deploys, "false" too: it is left out to wait.
	query := url.Values{}
	if b.deploy {
		query.Set("is_deploy", "true")
	}
	out, err := slow[struct {
		Parts []partRow `json:"service_list"`
	}](ctx, c, c.inApp(n, "install"), query, object{
		"market_url": from.URL, "market_domain": from.Domain, "market_type": from.Type, "market_access_key": key,
		"app_model_id": b.model, "app_model_version": b.version,
	})
	if err != nil {
		return nil, err
	}
	var parts []Component
	for _, r := range out.Parts {
		word := "creating" // the answer tells no states
		r.Status = &word
		parts = append(parts, r.component())
	}
	return parts, nil
}

// storeFor is the store that a spec names; zero is the account's own. The
// account's key for its store never goes to another one.
func (c *cloud) storeFor(s AppSpec) (store, error) {
	own := store{c.cfg.MarketURL, c.cfg.MarketDomain, c.cfg.MarketType}
	want := store{firstText(s.MarketURL, own.URL), firstText(s.MarketDomain, own.Domain), firstText(s.MarketType, own.Type)}
	switch {
	case want.URL == "":
		return store{}, fault.Invalid("spec.market_url", "is required: the account names no store")
	case want == own:
		return store{}, nil
	case !c.cfg.OtherStores:
		return store{}, fault.Invalid("spec.market_url", "must be the account's store: it allows no other ones")
	}
	_, err := c.cfg.address(want.URL, "spec.market_url")
	return want, err
}
