package main

import (
	"context"
	"encoding/json"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// shelf reads the things of one kind.
type shelf[State any] struct {
	*plugin
	kind string
	// walk yields the things of the call's region, "" for all of them, or those
	// within another thing, whose id is given.
	walk func(ctx context.Context, c *cloud, within string, yield func(provider.Thing[State]) error) error
	// one reads one thing by its id; nil: it is searched among all.
	one func(ctx context.Context, c *cloud, id string) (provider.Thing[State], error)
	// within tells in which other thing one with this id is, for a shorter search.
	within func(id string) string
	// consist adds its parts to a thing; nil: things of the kind have none.
	consist func(ctx context.Context, c *cloud, t provider.Thing[State]) (provider.Thing[State], error)
}

// whole is a thing with its parts.
func (s shelf[State]) whole(ctx context.Context, c *cloud, t provider.Thing[State]) (provider.Thing[State], error) {
	if s.consist == nil {
		return t, nil
	}
	return s.consist(ctx, c, t)
}

// soon is whole for what was just made: it is made also when its parts cannot be
// read, which are not told then.
func (s shelf[State]) soon(ctx context.Context, c *cloud, t provider.Thing[State]) provider.Thing[State] {
	t, err := s.whole(ctx, c, t)
	if err != nil {
		t.Parts = nil
	}
	return t
}

// looker reads the things of a kind, untyped.
type looker interface {
	look(ctx context.Context, c *cloud, id string) (*provider.Resource, error)
	lookInto(ctx context.Context, c *cloud, id string) (*provider.Resource, error)
	each(ctx context.Context, c *cloud, yield func(provider.Resource) error) error
}

// get reads one thing, which must be in the call's region if it is in any.
func (s shelf[State]) get(ctx context.Context, c *cloud, id string) (provider.Thing[State], error) {
	var none provider.Thing[State]
	if id == "" {
		return none, fault.Invalid("id", "is required")
	}
	read := s.one
	if read == nil {
		read = s.search
	}
	t, err := read(ctx, c, id)
	switch {
	case err != nil:
		return none, err
	case t.Status == provider.StatusDeleted, t.Region != "" && c.region != "" && t.Region != c.region:
		return none, fault.NotFound(s.kind, id)
	}
	return t, nil
}

// search finds a thing among all of its kind.
func (s shelf[State]) search(ctx context.Context, c *cloud, id string) (provider.Thing[State], error) {
	var out provider.Thing[State]
	within := ""
	if s.within != nil {
		if within = s.within(id); within == "" {
			return out, fault.NotFound(s.kind, id)
		}
	}
	found := false
	err := s.walk(ctx, c, within, func(t provider.Thing[State]) error {
		if t.ID == id {
			out, found = t, true
		}
		return nil
	})
	if err == nil && !found {
		err = fault.NotFound(s.kind, id)
	}
	return out, err
}

func (s shelf[State]) look(ctx context.Context, c *cloud, id string) (*provider.Resource, error) {
	t, err := s.get(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return resourceOf(s.kind, t)
}

// lookInto is look with the parts.
func (s shelf[State]) lookInto(ctx context.Context, c *cloud, id string) (*provider.Resource, error) {
	t, err := s.get(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return resourceOf(s.kind, s.soon(ctx, c, t))
}

func (s shelf[State]) each(ctx context.Context, c *cloud, yield func(provider.Resource) error) error {
	return s.walk(ctx, c, "", func(t provider.Thing[State]) error {
		r, err := resourceOf(s.kind, t)
		if err != nil || t.Status == provider.StatusDeleted {
			return err
		}
		return yield(*r)
	})
}

// Get reads one thing.
func (s shelf[State]) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[State], error) {
	c, err := s.openIn(ctx, req.Call)
	if err != nil {
		return provider.Thing[State]{}, err
	}
	t, err := s.get(ctx, c, req.ID)
	if err != nil {
		return t, err
	}
	return s.whole(ctx, c, t)
}

// List streams the things of the region, and those that belong to none.
func (s shelf[State]) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[State]) error) error {
	c, err := s.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return s.walk(ctx, c, "", func(t provider.Thing[State]) error {
		if t.Status == provider.StatusDeleted {
			return nil
		}
		return yield(t)
	})
}

// found is a shelf of things that carry the mark of the token that made them.
type found[State any] struct{ shelf[State] }

// FindByToken tells what became of a create or a release.
func (s found[State]) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	c, err := s.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		mark, err := markOf(req.Token)
		if err != nil {
			return out, err
		}
		out, err = s.made(ctx, c, "", func(t provider.Thing[State]) bool { return t.Token == mark })
		out.Settled = len(out.Things) > 0 || err == nil && c.cfg.settled(req.Since, s.clock.Now())
		return out, err
	case provider.ChangeRelease:
		_, err := s.get(ctx, c, req.ID)
		if fault.Is(err, fault.ClassNotFound) {
			return provider.TypedFound[State]{Done: true, Settled: true}, nil
		}
		// A delete can be asked for again at any time, so what is there is
		// simply not released.
		return provider.TypedFound[State]{Settled: err == nil}, err
	}
	return out, fault.Unsupported("the %s of a thing of the kind %q leaves no trace of its token", req.Change, s.kind)
}

// made searches for what was made. What is not ready yet is an operation.
func (s shelf[State]) made(ctx context.Context, c *cloud, within string, is func(provider.Thing[State]) bool) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	err := s.walk(ctx, c, within, func(t provider.Thing[State]) error {
		if is(t) && t.Status != provider.StatusDeleted {
			out.Things = append(out.Things, t)
		}
		return nil
	})
	if err != nil {
		return provider.TypedFound[State]{}, err
	}
	for i, t := range out.Things {
		out.Things[i] = s.soon(ctx, c, t)
		if unready(t.Status) {
			out.Operation = s.waiting(c, verbCreate, s.kind, t.ID).String()
		}
	}
	out.Done = len(out.Things) > 0 && out.Operation == ""
	return out, nil
}

// unready tells whether a new thing is still being made, or failed at it.
func unready(s provider.Status) bool {
	return s == provider.StatusPending || s == provider.StatusStarting || s == provider.StatusError
}

// order opens a call that makes something.
func (s shelf[State]) order(ctx context.Context, call provider.Call, token string, t provider.Term) (c *cloud, mark string, err error) {
	if mark, err = markOf(token); err != nil {
		return nil, "", err
	}
	if err = alone(t); err != nil {
		return nil, "", err
	}
	c, err = s.openIn(ctx, call)
	return c, mark, err
}

// making is one creation.
type making[State any] struct {
	mark   string
	within string // the thing it is made in
	// is tells the thing that is to be made; nil: by the mark.
	is func(provider.Thing[State]) bool
	// buy asks the cloud for it and answers its id.
	buy func(ctx context.Context) (string, error)
	// takes says that it is not ready at once.
	takes bool
}

// make makes what the token has not made yet, after a look for it.
func (s shelf[State]) make(ctx context.Context, c *cloud, m making[State]) (provider.Result[State], error) {
	if m.is == nil {
		m.is = func(t provider.Thing[State]) bool { return t.Token == m.mark }
	}
	return once.Buy(ctx, &s.purchases, s.clock, once.Purchase[State]{
		Key: c.identity() + "\n" + s.kind + "\n" + m.within + "\n" + m.mark, Settle: c.cfg.settle(),
		Find: func(ctx context.Context) (provider.TypedFound[State], error) { return s.made(ctx, c, m.within, m.is) },
		Buy: func(ctx context.Context) (provider.Result[State], string, error) {
			id, err := m.buy(ctx)
			if err != nil {
				return provider.Result[State]{}, "", err
			}
			t, seen := s.fresh(ctx, c, id, m.mark)
			return s.answer(c, t, !seen || m.takes && unready(t.Status)), id, nil
		},
		Hidden: func(id string) provider.Result[State] {
			return s.answer(c, provider.Thing[State]{ID: id, Token: m.mark, Status: provider.StatusPending}, true)
		},
	})
}

// fresh reads what was just made. It is made also when it cannot be read.
func (s shelf[State]) fresh(ctx context.Context, c *cloud, id, mark string) (t provider.Thing[State], seen bool) {
	t, err := s.get(ctx, c, id)
	if err != nil {
		return provider.Thing[State]{ID: id, Token: mark, Status: provider.StatusPending}, false
	}
	return s.soon(ctx, c, t), true
}

func (s shelf[State]) answer(c *cloud, t provider.Thing[State], waits bool) provider.Result[State] {
	if waits {
		return provider.StartedAs(s.waiting(c, verbCreate, s.kind, t.ID).String(), &t)
	}
	return provider.Done(t)
}

// store is a shelf of things that a release takes away.
type store[State any] struct {
	found[State]
	remover[State]
}

// remover takes things of a shelf away.
type remover[State any] struct {
	from shelf[State]
	// ask asks the cloud to delete what has this id.
	ask func(ctx context.Context, c *cloud, id string) error
}

func stored[State any](s shelf[State], ask func(ctx context.Context, c *cloud, id string) error) store[State] {
	return store[State]{found[State]{s}, remover[State]{s, ask}}
}

// Delete asks the cloud to delete a thing, and waits for the end by polling
// while the cloud still shows it.
func (r remover[State]) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := r.from.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	op, err := r.from.drop(ctx, c, req.ID, r.ask)
	return provider.Started{Operation: op}, err
}

// drop looks for a thing, has it deleted, and looks whether it is gone.
func (s shelf[State]) drop(ctx context.Context, c *cloud, id string, ask func(ctx context.Context, c *cloud, id string) error) (operation string, err error) {
	t, err := s.get(ctx, c, id)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return "", nil
	case err != nil:
		return "", fault.NotDone(err)
	}
	if t.Status != provider.StatusStopping {
		if err := goneIsDone(ask(ctx, c, id)); err != nil {
			return "", err
		}
	}
	if _, err := s.get(ctx, c, id); fault.Is(err, fault.ClassNotFound) {
		return "", nil
	}
	return s.waiting(c, verbDelete, s.kind, id).String(), nil
}

// resourceOf makes the untyped form of a thing.
func resourceOf[State any](kind string, t provider.Thing[State]) (*provider.Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state, Parts: t.Parts,
	}, nil
}

// Import streams everything that the account owns, of the call's region or of
// all.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	if c.region != "" {
		if err := c.here(ctx); err != nil {
			return err
		}
	}
	for _, k := range p.kinds {
		kind := k.Description.Name
		if len(req.Kinds) > 0 && !slices.Contains(req.Kinds, kind) {
			continue
		}
		if err := p.shelves[kind].each(ctx, c, yield); err != nil {
			return err
		}
	}
	return nil
}

// renamed has a thing's name changed by send; it keeps its mark.
func (s shelf[State]) renamed(
	ctx context.Context, req provider.TypedAction[kinds.NameInput], send func(c *cloud, name string) error,
) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := newName(req.Input.Name); err != nil {
		return out, err
	}
	c, err := s.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	now, err := s.get(ctx, c, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	return out, send(c, join(req.Input.Name, now.Token))
}
