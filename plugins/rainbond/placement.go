package main

import (
	"context"
	"fmt"
	"math/big"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// Place compares the memory that a version takes with what the team has left in
// the region. A region that tells no bound has none.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	if req.Kind != kindApp {
		return provider.Placement{}, fault.Unsupported("things of the kind %q are not placed", req.Kind)
	}
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	spec, err := schema.Decode[AppSpec](req.Spec)
	if err != nil {
		return provider.Placement{}, fault.Invalid("spec", "cannot be read").With(err)
	}
	left, bounded, err := c.memoryLeft(ctx)
	if err != nil {
		return provider.Placement{}, err
	}
	if from, err := c.storeFor(spec); err != nil || from != (store{}) {
		return provider.Placement{OK: err == nil}, err // of another store nothing is known
	}
	query, err := c.inStore()
	if err != nil {
		return provider.Placement{}, err
	}
	v, err := readStore[versionRow](ctx, c, path("apps", spec.AppModelID, "versions", spec.AppModelVersion), query)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return provider.Placement{Reason: fault.As(err).Message}, nil
	case err != nil:
		return provider.Placement{}, err
	case bounded && left.Cmp(big.NewRat(int64(v.Memory), 1)) < 0:
		return provider.Placement{Reason: fmt.Sprintf("it takes %d MB of memory, of which the team has %s left here", v.Memory, left.FloatString(0))}, nil
	}
	return provider.Placement{OK: true}, nil
}

// memoryLeft is what the team has left in the region, in MB; bounded is false
// where there is no bound.
func (c *cloud) memoryLeft(ctx context.Context) (left *big.Rat, bounded bool, err error) {
	row, err := read[struct {
		Total Amount `json:"total_memory"`
		Used  Amount `json:"used_memory"`
	}](ctx, c, c.inRegion("resource"), nil)
	if err != nil || row.Total == "" || row.Used == "" {
		return nil, false, err
	}
	total, err := amountOf(string(row.Total))
	if err != nil || total.Sign() == 0 {
		return nil, false, err
	}
	used, err := amountOf(string(row.Used))
	if err != nil {
		return nil, false, err
	}
	return new(big.Rat).Sub(total, used), true, nil
}
