package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/provider"
)

// centres is the handler of the kind centre.
type centres struct{ *plugin }

func centreKind(p *plugin) *provider.Kind {
	h := centres{p}
	return provider.KindOf[centre.Spec, centre.Centre]("centre", "Compute centre", h,
		provider.ActionOf(provider.ActionDescription{Name: "price", Title: "Price a basket"}, h.price),
		provider.ActionOf(provider.ActionDescription{Name: "cards", Title: "Cards in stock"}, h.cards),
		provider.ActionOf(provider.ActionDescription{Name: "idle_devices", Title: "Idle devices"}, h.idle),
		provider.ActionOf(provider.ActionDescription{Name: "lost_workloads", Title: "Workloads that went with their clusters"}, h.lost),
	)
}

func (o *office) centreThing(c centre.Centre) provider.Thing[centre.Centre] {
	status := provider.StatusFrozen
	if c.InEffect(o.centres.Today()) {
		status = provider.StatusRunning
	}
	return provider.Thing[centre.Centre]{ID: c.ID, Name: c.Name, Region: c.ID, Status: status, Token: c.Token, Billing: provider.BillingOnce, Created: c.Created, State: c}
}

// Create opens a centre.
func (h centres) Create(ctx context.Context, req provider.TypedCreate[centre.Spec]) (provider.Result[centre.Centre], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Centre]{}, err
	}
	if err := kubeadm.CheckNetwork("spec.network", req.Spec.Network); err != nil {
		return provider.Result[centre.Centre]{}, err
	}
	c, err := o.centres.Create(ctx, req.Token, req.Spec)
	return done(o.centreThing(c), err)
}

// Get reads a centre.
func (h centres) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[centre.Centre], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Thing[centre.Centre]{}, err
	}
	c, err := o.centres.Centre(ctx, req.ID)
	return o.centreThing(c), err
}

// List yields the centres, with a region that one.
func (h centres) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[centre.Centre]) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.centres.Centres(ctx, func(c centre.Centre) error {
		if req.Call.Region != "" && c.ID != req.Call.Region {
			return nil
		}
		return yield(o.centreThing(c))
	})
}

// Update changes a centre.
func (h centres) Update(ctx context.Context, req provider.TypedUpdate[centre.Spec]) (provider.Result[centre.Centre], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Centre]{}, err
	}
	if err := kubeadm.CheckNetwork("spec.network", req.Spec.Network); err != nil {
		return provider.Result[centre.Centre]{}, err
	}
	c, err := o.centres.Update(ctx, req.ID, req.Spec)
	return done(o.centreThing(c), err)
}

// Delete removes a centre that has nothing left.
func (h centres) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return provider.Started{}, o.centres.Delete(ctx, req.ID, func(ctx context.Context) (string, error) { return o.widgets.Held(ctx, req.ID) })
}

// FindByToken tells what a token made.
func (h centres) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[centre.Centre], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[centre.Centre]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (provider.Thing[centre.Centre], bool, error) {
		c, ok, err := o.centres.FindCentre(ctx, token)
		return o.centreThing(c), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.centres.Centre(ctx, id)
		return err
	})
}

// done is the answer to a change that happened at once.
func done[State any](t provider.Thing[State], err error) (provider.Result[State], error) {
	if err != nil {
		return provider.Result[State]{}, err
	}
	return provider.Done(t), nil
}

// basketInput is a basket to be priced.
type basketInput struct {
	ClusterID string          `json:"cluster_id,omitempty" title:"Cluster" doc:"Whose stock counts; empty is all of the centre"`
	Parts     []workload.Part `json:"parts" required:"true" min:"1" max:"64" title:"Basket"`
	Duration  int64           `json:"duration" required:"true" min:"1" max:"1000000" title:"How long"`
	Unit      price.Span      `json:"duration_unit,omitempty" enum:"秒,分钟,小时,天,周,月" default:"小时" title:"Of what"`
}

// basketPrice is the price of a basket: that of its good lines, beside an error
// for each of the others.
type basketPrice struct {
	Total    provider.Decimal `json:"total_price" title:"Price of the good lines"`
	Currency string           `json:"currency" title:"Currency"`
	Lines    []linePrice      `json:"price_details" title:"Lines"`
	OK       bool             `json:"status" title:"All lines are good"`
	Message  string           `json:"message" title:"First problem"`
	Duration int64            `json:"duration" title:"How long"`
	Unit     price.Span       `json:"duration_unit" title:"Of what"`
}

// linePrice is one line: priced, or with an error.
type linePrice struct {
	Name      string           `json:"resource_name,omitempty" title:"Name"`
	Type      price.Type       `json:"resource_type" title:"Type"`
	Amount    int64            `json:"amount,omitempty" title:"Amount"`
	Unit      price.Unit       `json:"resource_unit,omitempty" title:"Unit of the amount"`
	Priced    price.Unit       `json:"priced_unit,omitempty" title:"Unit of the price"`
	UnitPrice provider.Decimal `json:"unit_price,omitempty" title:"Price of a unit"`
	Duration  int64            `json:"duration,omitempty" title:"How long"`
	Span      price.Span       `json:"duration_unit,omitempty" title:"Of what"`
	Subtotal  provider.Decimal `json:"subtotal,omitempty" title:"Price of the line"`
	Error     string           `json:"error,omitempty" title:"Why it has no price"`
}

// price prices a basket from what the centre sells.
func (h centres) price(ctx context.Context, req provider.TypedAction[basketInput]) (provider.ActionResult[basketPrice], error) {
	var out provider.ActionResult[basketPrice]
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := o.centres.Centre(ctx, req.ID); err != nil {
		return out, err
	}
	shelf, err := o.widgets.Shelf(ctx, req.ID, first(req.Input.ClusterID, req.Call.Zone))
	if err != nil {
		return out, err
	}
	answer := o.cfg.calendar().Basket(workload.Spec{Parts: req.Input.Parts, Replicas: 1}.Basket(), shelf, price.Duration{N: req.Input.Duration, Unit: req.Input.Unit})
	out.Output = basketPrice{
		Total: provider.Decimal(price.Round(answer.Total)), Currency: "元", OK: answer.Problem == "", Message: first(answer.Problem, "汇算正常"),
		Duration: req.Input.Duration, Unit: req.Input.Unit, Lines: []linePrice{},
	}
	for _, l := range answer.Lines {
		out.Output.Lines = append(out.Output.Lines, shown(l, req.Input))
	}
	return out, nil
}

func shown(l price.Line, in basketInput) linePrice {
	if l.Problem != "" {
		return linePrice{Type: l.Part.Type, Error: l.Problem}
	}
	return linePrice{
		Name: l.Part.Name(), Type: l.Part.Type, Amount: l.Part.Amount, Unit: l.Unit, Priced: l.Rate.Per,
		UnitPrice: provider.Decimal(l.Rate.Price), Duration: in.Duration, Span: in.Unit, Subtotal: provider.Decimal(price.Round(l.Subtotal)),
	}
}

// cardsInput says where to count.
type cardsInput struct {
	ClusterID string `json:"cluster_id,omitempty" title:"Cluster" doc:"Empty is all of the centre"`
}

// cardsLeft is how many cards are left.
type cardsLeft struct {
	Cards map[string]int64 `json:"cards" title:"By model"`
}

// cards tells how many cards of each model are left.
func (h centres) cards(ctx context.Context, req provider.TypedAction[cardsInput]) (provider.ActionResult[cardsLeft], error) {
	var out provider.ActionResult[cardsLeft]
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := o.centres.Centre(ctx, req.ID); err != nil {
		return out, err
	}
	out.Output.Cards, err = o.widgets.CardsOn(ctx, req.ID, first(req.Input.ClusterID, req.Call.Zone))
	return out, err
}

// idleDevices are the devices that a cluster could be installed on.
type idleDevices struct {
	Devices []centre.Device `json:"devices" title:"Devices"`
}

// idle lists the centre's devices that are in no cluster.
func (h centres) idle(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[idleDevices], error) {
	out := provider.ActionResult[idleDevices]{Output: idleDevices{Devices: []centre.Device{}}}
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := o.centres.Centre(ctx, req.ID); err != nil {
		return out, err
	}
	return out, o.centres.Devices(ctx, req.ID, func(d centre.Device) error {
		if d.State == centre.Idle {
			out.Output.Devices = append(out.Output.Devices, d)
		}
		return enough(len(out.Output.Devices))
	})
}
