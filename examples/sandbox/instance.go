package main

import (
	"context"
	"encoding/json"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Spec is what a customer chooses.
type Spec struct {
	Flavour string `json:"flavour" required:"true" enum:"small,medium,large,gpu" title:"Flavour"`
	Disk    int    `json:"disk_gb" min:"10" max:"2000" default:"20" title:"Disk" doc:"Size of the system disk in GB"`
	Disks   int    `json:"disks,omitempty" min:"0" max:"8" title:"Data disks" doc:"They cost nothing"`
}

// State is what an instance is.
type State struct {
	Flavour string `json:"flavour" title:"Flavour"`
	CPU     int    `json:"cpu" title:"Cores"`
	Memory  int    `json:"memory_gb" title:"Memory in GB"`
	Disk    int    `json:"disk_gb" title:"Disk in GB"`
	Address string `json:"address" title:"Private address"`
}

type instances struct{ *sandbox }

type none struct{}

// password is what reset_password sets.
type password struct {
	Password secret.Value `json:"password" required:"true" min:"8" max:"64" title:"New password"`
}

// console is where to look at an instance's screen.
type console struct {
	Text string `json:"text" title:"Screen"`
}

func instanceKind(s *sandbox) *provider.Kind {
	h := instances{s}
	return provider.KindOf[Spec, State]("instance", "Server", h,
		provider.ActionOf(provider.ActionDescription{Name: "start", Title: "Start", Changes: true}, h.power(provider.StatusRunning, provider.StatusStopped)),
		provider.ActionOf(provider.ActionDescription{Name: "stop", Title: "Stop", Changes: true}, h.power(provider.StatusStopped, provider.StatusRunning)),
		provider.ActionOf(provider.ActionDescription{Name: "reboot", Title: "Reboot", Changes: true}, h.power(provider.StatusRunning, provider.StatusRunning)),
		provider.ActionOf(provider.ActionDescription{Name: "reset_password", Title: "Set password", Changes: true}, h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: "resize", Title: "Resize", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: "console", Title: "Console"}, h.console),
	).Of(diskKind)
}

// Create buys an instance; with create_millis set it answers an operation.
func (h instances) Create(ctx context.Context, req provider.TypedCreate[Spec]) (provider.Result[State], error) {
	set, err := provider.DecodeAccount[Settings](req.Call)
	if err != nil {
		return provider.Result[State]{}, err
	}
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.Result[State]{}, err
	}
	sv, err := c.create(req, set)
	if err != nil {
		return provider.Result[State]{}, err
	}
	t, err := thing(sv)
	if err != nil {
		return provider.Result[State]{}, err
	}
	if sv.status == provider.StatusPending {
		return provider.StartedAs(sv.id, &t), nil
	}
	return provider.Done(t), nil
}

// Get reads one instance.
func (h instances) Get(_ context.Context, req provider.GetRequest) (provider.Thing[State], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.Thing[State]{}, err
	}
	sv, err := c.get(req.ID)
	if err != nil {
		return provider.Thing[State]{}, err
	}
	return thing(sv)
}

// List streams the instances of the call's region.
func (h instances) List(_ context.Context, req provider.ListRequest, yield func(provider.Thing[State]) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	for _, sv := range c.list(req.Call.Region) {
		t, err := thing(sv)
		if err != nil {
			return err
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// Delete releases an instance; one already gone is a success.
func (h instances) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	c.remove(req.ID)
	return provider.Started{}, nil
}

// FindByToken tells what a token made; the sandbox always knows at once.
func (h instances) FindByToken(_ context.Context, req provider.FindRequest) (provider.TypedFound[State], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.TypedFound[State]{}, err
	}
	found := provider.TypedFound[State]{Settled: true}
	switch req.Change {
	case provider.ChangeRenew:
		found.Done = c.renewed(req.Token)
	case provider.ChangeRelease:
		_, err := c.get(req.ID)
		found.Done = fault.Is(err, fault.ClassNotFound)
	default:
		sv, ok := c.find(req.Token)
		if !ok {
			return found, nil
		}
		t, err := thing(sv)
		if err != nil {
			return found, err
		}
		found.Things, found.Done = []provider.Thing[State]{t}, true
		if sv.status == provider.StatusPending {
			found.Operation, found.Done = sv.id, false
		}
	}
	return found, nil
}

func (h instances) power(to provider.Status, from ...provider.Status) func(context.Context, provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return func(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
		c, err := h.change(ctx, req.Call)
		if err != nil {
			return provider.ActionResult[none]{}, err
		}
		return provider.ActionResult[none]{}, c.power(req.ID, to, from...)
	}
}

// resetPassword accepts any password: nobody can sign in to a sandbox.
func (h instances) resetPassword(ctx context.Context, req provider.TypedAction[password]) (provider.ActionResult[none], error) {
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	_, err = c.get(req.ID)
	return provider.ActionResult[none]{}, err
}

func (h instances) console(_ context.Context, req provider.TypedAction[none]) (provider.ActionResult[console], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.ActionResult[console]{}, err
	}
	sv, err := c.get(req.ID)
	if err != nil {
		return provider.ActionResult[console]{}, err
	}
	return provider.ActionResult[console]{Output: console{Text: sv.name + " is " + string(sv.status)}}, nil
}

// thing shows a server in the contract's words.
func thing(sv *server) (provider.Thing[State], error) {
	f, err := flavourOf(sv.spec.Flavour)
	if err != nil {
		return provider.Thing[State]{}, err
	}
	parts, err := sv.parts()
	if err != nil {
		return provider.Thing[State]{}, err
	}
	return provider.Thing[State]{
		ID: sv.id, Name: sv.name, Region: sv.region, Status: sv.status, RawStatus: string(sv.status), Token: sv.token,
		Billing: sv.billing, Created: sv.created, Expires: sv.expires,
		State: State{Flavour: f.id, CPU: f.cpu, Memory: f.memory, Disk: sv.spec.Disk, Address: sv.address()},
		Parts: parts,
	}, nil
}

func resource(sv *server) (*provider.Resource, error) {
	t, err := thing(sv)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: "instance", Name: t.Name, Region: t.Region, Status: t.Status, RawStatus: t.RawStatus, Token: t.Token,
		Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state, Parts: t.Parts,
	}, nil
}
