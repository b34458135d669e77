package main

import (
	"context"
	"encoding/json"
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// shelf reads the things of one kind. Everything that is read of a kind comes
// from one walk, since the cloud finds things by neither mark nor token.
type shelf[State any] struct {
	*plugin
	kind string
	// walk yields the things of the call's place, or that with the id; it may
	// yield others too.
	walk func(ctx context.Context, c *cloud, id string, yield func(provider.Thing[State]) error) error
	// detail, if any, adds to one thing what the walk does not tell.
	detail func(ctx context.Context, c *cloud, t provider.Thing[State]) (provider.Thing[State], error)
	// step takes the one step that a thing's state allows on its way out: gone
	// tells that it has ended, op what is under way, if anything is to be polled.
	// Each step can be repeated.
	step func(ctx context.Context, p *plugin, c *cloud, t provider.Thing[State]) (gone bool, op operation, err error)
}

// looker reads and deletes the things of a kind, untyped.
type looker interface {
	look(ctx context.Context, c *cloud, id string) (*provider.Resource, error)
	each(ctx context.Context, c *cloud, yield func(provider.Resource) error) error
	remove(ctx context.Context, c *cloud, id string) (gone bool, op operation, err error)
}

// one reads one thing.
func (s shelf[State]) one(ctx context.Context, c *cloud, id string) (provider.Thing[State], error) {
	var out provider.Thing[State]
	if id == "" {
		return out, fault.Invalid("id", "is required")
	}
	found := false
	err := s.walk(ctx, c, id, func(t provider.Thing[State]) error {
		if t.ID == id {
			out, found = t, true
		}
		return nil
	})
	switch {
	case err != nil:
		return out, err
	case !found || out.Status == provider.StatusDeleted:
		return out, fault.NotFound(s.kind, id)
	case s.detail != nil:
		return s.detail(ctx, c, out)
	}
	return out, nil
}

func (s shelf[State]) look(ctx context.Context, c *cloud, id string) (*provider.Resource, error) {
	t, err := s.one(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return resourceOf(s.kind, t)
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

func (s shelf[State]) remove(ctx context.Context, c *cloud, id string) (bool, operation, error) {
	t, err := s.one(ctx, c, id)
	if err != nil {
		return fault.Is(err, fault.ClassNotFound), operation{}, fault.NotDone(goneIsDone(err))
	}
	gone, op, err := s.step(ctx, s.plugin, c, t)
	if fault.Is(err, fault.ClassNotFound) {
		return true, operation{}, nil
	}
	return gone, op, err
}

// Delete takes a thing's first step on its way out; polling takes the others.
func (s shelf[State]) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := s.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	gone, op, err := s.remove(ctx, c.at(c.region, ""), req.ID)
	switch {
	case err != nil || gone:
		return provider.Started{}, err
	case op.how == "":
		op = s.waiting(c, verbDelete, s.kind, req.ID)
	}
	return provider.Started{Operation: op.String()}, nil
}

// Get reads one thing, wherever in the region it is.
func (s shelf[State]) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[State], error) {
	c, err := s.openIn(req.Call)
	if err != nil {
		return provider.Thing[State]{}, err
	}
	return s.one(ctx, c.at(c.region, ""), req.ID)
}

// List streams the things of the region.
func (s shelf[State]) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[State]) error) error {
	c, err := s.openIn(req.Call)
	if err != nil {
		return err
	}
	return s.walk(ctx, c.at(c.region, ""), "", func(t provider.Thing[State]) error {
		if t.Status == provider.StatusDeleted {
			return nil
		}
		return yield(t)
	})
}

// FindByToken tells what became of a create or a release.
func (s shelf[State]) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	c, err := s.openIn(req.Call)
	if err != nil {
		return out, err
	}
	c = c.at(c.region, "")
	switch req.Change {
	case provider.ChangeCreate:
		return s.made(ctx, c, req)
	case provider.ChangeRelease:
		_, err := s.one(ctx, c, req.ID)
		if fault.Is(err, fault.ClassNotFound) {
			return provider.TypedFound[State]{Done: true, Settled: true}, nil
		}
		// A delete can be asked for again at any time, so what is there is
		// simply not released.
		return provider.TypedFound[State]{Settled: err == nil}, err
	}
	return out, fault.Unsupported("the %s of a thing of the kind %q leaves no trace of its token", req.Change, s.kind)
}

// made searches for a token's mark. What is not ready yet is an operation.
func (s shelf[State]) made(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	mark, err := markOf(req.Token)
	if err != nil {
		return out, err
	}
	err = s.walk(ctx, c, "", func(t provider.Thing[State]) error {
		if t.Token == mark && t.Status != provider.StatusDeleted {
			out.Things = append(out.Things, t)
		}
		return nil
	})
	if err != nil {
		return provider.TypedFound[State]{}, err
	}
	for _, t := range out.Things {
		if unready(t.Status) {
			out.Operation = s.waiting(c, verbCreate, s.kind, t.ID).String()
		}
	}
	out.Done = len(out.Things) > 0 && out.Operation == ""
	out.Settled = len(out.Things) > 0 || c.cfg.settled(req.Since, s.clock.Now())
	return out, nil
}

// unready tells whether a new thing is still being made, or failed at it.
func unready(s provider.Status) bool {
	return s == provider.StatusPending || s == provider.StatusStarting || s == provider.StatusError || s == provider.StatusUnknown
}

// order opens a call that makes something; c is in the call's place.
func (s shelf[State]) order(call provider.Call, token string, t provider.Term) (c *cloud, mark string, err error) {
	if c, err = s.openIn(call); err != nil {
		return nil, "", err
	}
	if err = alone(t); err != nil {
		return nil, "", err
	}
	mark, err = markOf(token)
	return c, mark, err
}

// make buys what the token has not bought yet. buy answers the new thing and
// the operation that makes it, "" when there is nothing to wait for.
func (s shelf[State]) make(
	ctx context.Context, c *cloud, call provider.Call, token string, buy func(ctx context.Context) (provider.Thing[State], operation, error),
) (provider.Result[State], error) {
	mark, err := markOf(token)
	if err != nil {
		return provider.Result[State]{}, err
	}
	find := provider.FindRequest{Call: call, Token: token, Kind: s.kind, Change: provider.ChangeCreate}
	return buyOnce(ctx, s.plugin, c, s.kind, mark, buyer[State]{
		find: func(ctx context.Context) (provider.TypedFound[State], error) {
			return s.made(ctx, c.at(c.region, ""), find)
		},
		buy: func(ctx context.Context) (provider.Result[State], string, error) {
			t, op, err := buy(ctx)
			if err != nil {
				return provider.Result[State]{}, "", err
			}
			t.Token, t.Region = mark, c.region
			if op.how == "" {
				return provider.Done(t), t.ID, nil
			}
			return provider.StartedAs(op.String(), &t), t.ID, nil
		},
		hidden: func(id string) provider.Result[State] {
			t := provider.Thing[State]{ID: id, Token: mark, Region: c.region, Status: provider.StatusPending}
			return provider.StartedAs(s.waiting(c, verbCreate, s.kind, id).String(), &t)
		},
	})
}

// resourceOf makes the untyped form of a thing.
func resourceOf[State any](kind string, t provider.Thing[State]) (*provider.Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state,
	}, nil
}

// numbered walks a list that is paged by numbers, whatever the size of a page:
// until as many rows as its total came. fetch gets a page, from 1 on.
func numbered[Row any](
	ctx context.Context, fetch func(ctx context.Context, number int) (rows []Row, total int, err error), key func(Row) string, yield func(Row) error,
) error {
	seen := 0
	next := func(ctx context.Context, token string, _ int) ([]Row, string, error) {
		number := 1
		if token != "" {
			var err error
			if number, err = strconv.Atoi(token); err != nil {
				return nil, "", fault.Internal(err, "reading the number of a page")
			}
		}
		rows, total, err := fetch(ctx, number)
		if seen += len(rows); err != nil || len(rows) == 0 || seen >= total {
			return rows, "", err
		}
		return rows, strconv.Itoa(number + 1), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, next, key, yield)
}
