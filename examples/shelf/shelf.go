package main

import (
	"context"
	"encoding/json"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is an account's config: how much there is, and what opens the boxes.
type Config struct {
	Stock  int          `json:"stock" min:"0" max:"1000000" default:"1" title:"Stock" doc:"How many of each article there are at first"`
	Silent bool         `json:"silent" title:"Silent" doc:"Tells the broker of no events, to see what they are worth"`
	Master secret.Value `json:"master" required:"true" title:"Master code" doc:"Opens every box; kept sealed beside each"`
}

const weakCode = "the master code opens every box: take one of at least 8 characters"

func (c Config) weak() bool { return len(c.Master.Reveal()) < 8 }

// Spec is what a customer orders.
type Spec struct {
	Article string `json:"article" required:"true" enum:"lamp,vase,clock" title:"Article"`
}

// shelf is the provider and the handler of its only kind. It keeps nothing in
// memory: another process, also of another version, goes on where it stopped.
type shelf struct {
	version string
	host    provider.HostServices
}

func newShelf(version string) *shelf { return &shelf{version: version} }

// UseHost takes the broker's services.
func (s *shelf) UseHost(h provider.HostServices) { s.host = h }

// Describe says who we are.
func (s *shelf) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Config]()
	return provider.Description{
		Name: "shelf", Version: s.version, Title: "Shelf", Summary: "Sells a stock that is kept at the host", Currency: "CNY",
		Config: config, Limits: provider.Limits{TokenWindow: 30 * 24 * time.Hour},
	}, err
}

// Check accepts every account whose master code is long enough.
func (s *shelf) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	cfg, err := provider.DecodeAccount[Config](req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	if cfg.weak() {
		return provider.CheckResponse{Problem: weakCode}, nil
	}
	return provider.CheckResponse{OK: true, Account: req.Call.Account.ID}, nil
}

// Kinds registers boxes.
func (s *shelf) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[Spec, Box]("box", "Box", s,
		provider.ActionOf(provider.ActionDescription{Name: "try", Title: "Try a code"}, s.try),
		provider.ActionOf(provider.ActionDescription{Name: "swap", Title: "Swap with another box", Changes: true}, s.swap))}
}

// Create takes one of the stock, once per token. Everything that makes the sale
// is one transaction: it is made when nobody changed the stock since it was read.
func (s *shelf) Create(ctx context.Context, req provider.TypedCreate[Spec]) (provider.Result[Box], error) {
	if req.Token == "" {
		return provider.Result[Box]{}, fault.Invalid("token", "a create needs a token")
	}
	a, cfg, err := s.open(req.Call)
	if err != nil {
		return provider.Result[Box]{}, err
	}
	for {
		b, err := a.box(ctx, idOf(req.Token))
		if err == nil {
			return provider.Done(b.thing()), nil
		}
		if !fault.Is(err, fault.ClassNotFound) {
			return provider.Result[Box]{}, err
		}
		left, err := a.stock(ctx, req.Spec.Article, cfg.Stock)
		if err != nil {
			return provider.Result[Box]{}, err
		}
		if left.Count == 0 {
			return provider.Result[Box]{}, fault.New(fault.ClassOutOfStock, "no %q is left", req.Spec.Article).Cloud("ShelfEmpty", "").From(fault.SourceCloud)
		}
		err = a.sell(ctx, req, cfg, left)
		switch {
		case fault.Is(err, fault.ClassConflict): // somebody was faster: look again
		case err != nil:
			return provider.Result[Box]{}, err
		default:
			return s.sold(ctx, a, req)
		}
	}
}

// sold reads what a sale made. A token whose box was given back since sells
// nothing again.
func (s *shelf) sold(ctx context.Context, a area, req provider.TypedCreate[Spec]) (provider.Result[Box], error) {
	b, err := a.box(ctx, idOf(req.Token))
	if fault.Is(err, fault.ClassNotFound) {
		return provider.Result[Box]{}, fault.Precondition("what this token bought was given back")
	}
	if err != nil {
		return provider.Result[Box]{}, err
	}
	return provider.Done(b.thing()), nil
}

// Get reads one box.
func (s *shelf) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[Box], error) {
	a, _, err := s.open(req.Call)
	if err != nil {
		return provider.Thing[Box]{}, err
	}
	b, err := a.box(ctx, req.ID)
	return b.thing(), err
}

// List yields the account's boxes by id.
func (s *shelf) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[Box]) error) error {
	a, _, err := s.open(req.Call)
	if err != nil {
		return err
	}
	return a.each(ctx, func(b Box) error { return yield(b.thing()) })
}

// Delete puts a box back; one that is gone already is fine.
func (s *shelf) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	a, cfg, err := s.open(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	for {
		b, err := a.box(ctx, req.ID)
		if fault.Is(err, fault.ClassNotFound) {
			return provider.Started{}, nil
		}
		if err != nil {
			return provider.Started{}, err
		}
		err = a.giveBack(ctx, b)
		if err == nil && !cfg.Silent {
			a.tell(ctx, "back/"+b.ID, b.ID)
		}
		if !fault.Is(err, fault.ClassConflict) {
			return provider.Started{}, err
		}
	}
}

// FindByToken tells what a token made. The storage knows at once.
func (s *shelf) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[Box], error) {
	a, _, err := s.open(req.Call)
	if err != nil {
		return provider.TypedFound[Box]{}, err
	}
	id, found := req.ID, provider.TypedFound[Box]{Settled: true}
	if req.Change == provider.ChangeCreate {
		id = idOf(req.Token)
	}
	b, err := a.box(ctx, id)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		found.Done = req.Change == provider.ChangeRelease
		return found, nil
	case err != nil || req.Change != provider.ChangeCreate:
		return found, err
	}
	found.Things, found.Done = []provider.Thing[Box]{b.thing()}, true
	return found, nil
}

// code is what somebody tries on a box.
type code struct {
	Code secret.Value `json:"code" required:"true" title:"Code"`
}

// tried says whether the code opens the box.
type tried struct {
	Opens bool `json:"opens" title:"Opens"`
}

// try compares a code with the sealed one, which nobody is ever told.
func (s *shelf) try(ctx context.Context, req provider.TypedAction[code]) (provider.ActionResult[tried], error) {
	a, _, err := s.open(req.Call)
	if err != nil {
		return provider.ActionResult[tried]{}, err
	}
	kept, err := a.code(ctx, req.ID)
	if err != nil {
		return provider.ActionResult[tried]{}, err
	}
	return provider.ActionResult[tried]{Output: tried{Opens: kept.Equal(req.Input.Code)}}, nil
}

// other names the box to swap with.
type other struct {
	Box string `json:"box" required:"true" min:"1" max:"64" title:"Number of the other box"`
}

// empty is the answer of a change that has nothing to say.
type empty struct{}

// swap exchanges what is in two boxes. The broker knows of the one it acts on;
// of the other it is told.
func (s *shelf) swap(ctx context.Context, req provider.TypedAction[other]) (provider.ActionResult[empty], error) {
	a, cfg, err := s.open(req.Call)
	if err != nil {
		return provider.ActionResult[empty]{}, err
	}
	if req.Input.Box == req.ID {
		return provider.ActionResult[empty]{}, fault.Invalid("input.box", "must be another box")
	}
	for {
		err := a.exchange(ctx, req.Token, req.ID, req.Input.Box)
		if err == nil && !cfg.Silent {
			a.tell(ctx, "swap/"+req.Token, req.Input.Box)
		}
		if !fault.Is(err, fault.ClassConflict) {
			return provider.ActionResult[empty]{}, err
		}
	}
}

func encode(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Internal(err, "%T cannot be encoded", v)
	}
	return raw, nil
}
