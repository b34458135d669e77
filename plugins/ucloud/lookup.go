package main

import (
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// pick reads one row with an id out of a list that was narrowed to it; the
// cloud answers nothing for most unknown ids.
func pick[Row any](noun, id string, key func(Row) string, list func(yield func(Row) error) error) (Row, error) {
	var out Row
	if id == "" {
		return out, fault.Invalid("id", "is required")
	}
	found := false
	err := list(func(row Row) error {
		if key(row) == id {
			out, found = row, true
		}
		return nil
	})
	if err == nil && !found {
		err = fault.NotFound(noun, id)
	}
	return out, err
}

// byToken tells what became of a create or a release; nothing else leaves a
// trace on what cannot be renewed. read reads the resource.
func byToken[State any](
	req provider.FindRequest, noun string, created func() (provider.TypedFound[State], error), read func() error,
) (provider.TypedFound[State], error) {
	switch req.Change {
	case provider.ChangeCreate:
		return created()
	case provider.ChangeRelease:
		return released[State](read())
	}
	return provider.TypedFound[State]{}, fault.Unsupported("the %s of a %s leaves no trace of its token", req.Change, noun)
}

// released tells by the error of reading a resource whether it is gone. A
// delete can be asked for again at any time, so what is there is not released.
func released[State any](err error) (provider.TypedFound[State], error) {
	if fault.Is(err, fault.ClassNotFound) {
		return provider.TypedFound[State]{Done: true, Settled: true}, nil
	}
	return provider.TypedFound[State]{Settled: err == nil}, err
}

// findTagged collects what walk finds with a token's tag.
func findTagged[State any](
	p *plugin, c *cloud, req provider.FindRequest, walk func(tag string, add func(provider.Thing[State])) error,
) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	tag, err := tagOf(req.Token)
	if err != nil {
		return out, err
	}
	if err := walk(tag, func(t provider.Thing[State]) { out.Things = append(out.Things, t) }); err != nil {
		return provider.TypedFound[State]{}, err
	}
	out.Done = len(out.Things) > 0
	out.Settled = out.Done || c.cfg.settled(req.Since, p.clock.Now())
	return out, nil
}

// goneIsDone makes a success of a delete that finds nothing.
func goneIsDone(err error) error {
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}
