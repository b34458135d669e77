package main

import (
	"context"
	"errors"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// partKinds are the kinds of what an environment consists of.
func partKinds() []string {
	return []string{kindInstance, kindPod, kindPoint, kindService, kindClaim}
}

// consisting is an environment with its parts: its instances, the pods of its
// newest deploy order, what leads to them and what they keep.
func consisting(ctx context.Context, c *cloud, e environment) (environment, error) {
	e.Parts = []provider.Part{}
	for _, list := range []func() error{
		func() error {
			return addParts(&e.Parts, kindInstance, func(y func(instance) error) error { return walkInstances(ctx, c, e.ID, y) })
		},
		func() error {
			runs := statusesOf(e.Parts)
			return addParts(&e.Parts, kindPod, func(y func(pod) error) error {
				return walkNewestPods(ctx, c, e.ID, func(t pod) error {
					if t, stays := asPart(t, runs); stays {
						return y(t)
					}
					return nil
				})
			})
		},
		func() error {
			return addParts(&e.Parts, kindPoint, func(y func(point) error) error { return walkPoints(ctx, c, e.ID, y) })
		},
		func() error {
			return addParts(&e.Parts, kindService, func(y func(service) error) error { return walkServices(ctx, c, e.ID, y) })
		},
		func() error {
			return addParts(&e.Parts, kindClaim, func(y func(claim) error) error { return walkClaims(ctx, c, e.ID, y) })
		},
	} {
		if err := list(); err != nil {
			e.Parts = nil
			return e, err
		}
	}
	return e, nil
}

// statusesOf are the statuses of instances by name.
func statusesOf(instances []provider.Part) map[string]provider.Status {
	out := map[string]provider.Status{}
	for _, p := range instances {
		out[p.Name] = p.Status
	}
	return out
}

// asPart is a pod as its environment's customer sees it: when its rollout has
// done its work it is what its instance is, and one whose instance was taken
// away is no part any more.
func asPart(t pod, instances map[string]provider.Status) (seen pod, stays bool) {
	if t.State.Status != orderFinished || t.State.Result != resultSuccess {
		return t, true
	}
	t.Status, stays = instances[t.State.Instance]
	return t, stays
}

// addParts adds what a walk yields, as far as parts may be told. What the keys
// may not list is left out: an environment can be read without it.
func addParts[State any](to *[]provider.Part, kind string, walk func(yield func(provider.Thing[State]) error) error) error {
	err := walk(func(t provider.Thing[State]) error {
		switch {
		case len(*to) == provider.MaxParts:
			return errFirst
		case t.Status == provider.StatusDeleted:
			return nil
		}
		p, err := t.Part(kind)
		if err == nil {
			*to = append(*to, p)
		}
		return err
	})
	if errors.Is(err, errFirst) || fault.Is(err, fault.ClassForbidden) {
		return nil
	}
	return err
}

// walkNewestPods streams the pods of an environment's newest deploy order: those
// of older ones have made room for them.
func walkNewestPods(ctx context.Context, c *cloud, environment string, yield func(pod) error) error {
	p, ok := parts(environment, 2, 2)
	if !ok {
		return fault.NotFound(kindEnvironment, environment)
	}
	newest, err := c.orderWith(ctx, environmentRow{AppID: loose(p[0]), EnvID: loose(p[1])}, orderFilter{}, func(orderRow) bool { return true })
	if err != nil || newest == "" {
		return err
	}
	return walkPods(ctx, c, newest, yield)
}
