package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// RackSpec is what an account's people say of a rack.
type RackSpec struct {
	Name  string `json:"name" required:"true" min:"1" max:"64" title:"Name"`
	Units int    `json:"units" min:"1" max:"60" default:"42" title:"Height" doc:"In rack units"`
}

// RackState is what a rack is.
type RackState struct {
	Name  string `json:"name" title:"Name"`
	Units int    `json:"units" title:"Height in rack units"`
}

// errand is what somebody is sent for.
type errand struct {
	Note string `json:"note,omitempty" max:"200" title:"What to look for"`
}

// rack is kept by the account's own people and is not sold: it shows how a kind
// is managed without orders.
type rack struct {
	id, token, region string
	spec              RackSpec
	created           time.Time
}

type racks struct{ *sandbox }

func rackKind(s *sandbox) *provider.Kind {
	h := racks{s}
	return provider.KindOf[RackSpec, RackState]("rack", "Rack", h,
		provider.ActionOf(provider.ActionDescription{Name: "inspect", Title: "Send somebody to look", Changes: true}, h.inspect),
	).Manage()
}

func (k rack) thing() provider.Thing[RackState] {
	return provider.Thing[RackState]{
		ID: k.id, Name: k.spec.Name, Region: k.region, Status: provider.StatusRunning, Token: k.token, Billing: provider.BillingOnce,
		Created: k.created, State: RackState(k.spec),
	}
}

func (k rack) resource() (*provider.Resource, error) {
	t := k.thing()
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: "rack", Name: t.Name, Region: t.Region, Status: t.Status, Token: t.Token, Billing: t.Billing, Created: t.Created, State: state,
	}, nil
}

// inspection is how far an inspection is: whoever is sent has looked at once.
func (k rack) inspection() (provider.Operation, error) {
	r, err := k.resource()
	return provider.Operation{ID: k.id, State: provider.OperationSucceeded, Progress: 100, Resource: r}, err
}

// Create puts a rack up, once per token.
func (h racks) Create(ctx context.Context, req provider.TypedCreate[RackSpec]) (provider.Result[RackState], error) {
	set, err := provider.DecodeAccount[Settings](req.Call)
	if err != nil {
		return provider.Result[RackState]{}, err
	}
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.Result[RackState]{}, err
	}
	k, err := c.putUp(req, set)
	if err != nil {
		return provider.Result[RackState]{}, err
	}
	return provider.Done(k.thing()), nil
}

// Get reads one rack.
func (h racks) Get(_ context.Context, req provider.GetRequest) (provider.Thing[RackState], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.Thing[RackState]{}, err
	}
	k, ok := c.rack(req.ID)
	if !ok {
		return provider.Thing[RackState]{}, noRack(req.ID)
	}
	return k.thing(), nil
}

// List streams the racks of the call's region.
func (h racks) List(_ context.Context, req provider.ListRequest, yield func(provider.Thing[RackState]) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	for _, k := range c.rackRows(req.Call.Region) {
		if err := yield(k.thing()); err != nil {
			return err
		}
	}
	return nil
}

// Update changes a rack.
func (h racks) Update(ctx context.Context, req provider.TypedUpdate[RackSpec]) (provider.Result[RackState], error) {
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.Result[RackState]{}, err
	}
	k, err := c.rebuild(req.ID, req.Spec)
	if err != nil {
		return provider.Result[RackState]{}, err
	}
	return provider.Done(k.thing()), nil
}

// Delete takes a rack down; one already gone is a success.
func (h racks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.change(ctx, req.Call)
	if err == nil {
		c.takeDown(req.ID)
	}
	return provider.Started{}, err
}

// FindByToken tells what a token made; the sandbox always knows at once.
func (h racks) FindByToken(_ context.Context, req provider.FindRequest) (provider.TypedFound[RackState], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.TypedFound[RackState]{}, err
	}
	found := provider.TypedFound[RackState]{Settled: true}
	if req.Change == provider.ChangeRelease {
		_, there := c.rack(req.ID)
		found.Done = !there
		return found, nil
	}
	for _, k := range c.rackRows("") {
		if k.token == req.Token {
			found.Things, found.Done = []provider.Thing[RackState]{k.thing()}, true
		}
	}
	return found, nil
}

// inspect answers with an operation, to show how one is asked for.
func (h racks) inspect(ctx context.Context, req provider.TypedAction[errand]) (provider.ActionResult[none], error) {
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	if _, ok := c.rack(req.ID); !ok {
		return provider.ActionResult[none]{}, noRack(req.ID)
	}
	return provider.ActionResult[none]{Operation: req.ID}, nil
}

func noRack(id string) error { return fault.NotFound("rack", id).Cloud("SandboxNotFound", "") }

// putUp makes a rack, or returns the one this token made before.
func (c *cloud) putUp(req provider.TypedCreate[RackSpec], s Settings) (rack, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.racks {
		if k.token == req.Token {
			return *k, nil
		}
	}
	if err := c.admit(s); err != nil {
		return rack{}, err
	}
	k := &rack{id: "rack-" + strconv.FormatInt(c.nextRack.Add(1), 10), token: req.Token, region: req.Call.Region, spec: req.Spec, created: c.clock.Now()}
	c.racks[k.id] = k
	return *k, c.lose(s)
}

func (c *cloud) rack(id string) (rack, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.racks[id]
	if !ok {
		return rack{}, false
	}
	return *k, true
}

// rackRows returns the racks of a region ("" for all), by id.
func (c *cloud) rackRows(region string) []rack {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]rack, 0, len(c.racks))
	for _, k := range c.racks {
		if region == "" || k.region == region {
			out = append(out, *k)
		}
	}
	slices.SortFunc(out, func(a, b rack) int { return strings.Compare(a.id, b.id) })
	return out
}

func (c *cloud) rebuild(id string, spec RackSpec) (rack, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.racks[id]
	if !ok {
		return rack{}, noRack(id)
	}
	k.spec = spec
	return *k, nil
}

func (c *cloud) takeDown(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.racks, id)
}
