package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// office is what one call works with: its account's books, at the broker's time.
type office struct {
	call    provider.Call
	cfg     Config
	centres centre.Book
	widgets widget.Book
	desk    workload.Desk
}

// open opens an account's books. The call's region must be a centre of the account,
// and its zone a cluster of that centre.
func (p *plugin) open(ctx context.Context, call provider.Call) (*office, error) {
	o, err := p.books(ctx, call)
	if err != nil {
		return nil, err
	}
	return o, o.place(ctx)
}

// books reads the account's config and opens its books for a call whose region and
// zone may be gone: what is asked for may have gone with them.
func (p *plugin) books(ctx context.Context, call provider.Call) (*office, error) {
	if p.host == nil {
		return nil, fault.Internal(errNoHost, "the broker's storage is not linked")
	}
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	now, err := p.host.Now(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := cfg.zone()
	if err != nil {
		return nil, err
	}
	a := area.Of(p.host, call)
	return &office{
		call: call, cfg: cfg,
		centres: centre.Book{Area: a, Now: now, Plain: cfg.PlainHTTP, Zone: zone},
		widgets: widget.Book{Area: a, Now: now},
		desk:    workload.Desk{Area: a, Now: now, Patience: cfg.patience(), Images: cfg.images(), Plain: cfg.PlainHTTP, Zone: zone},
	}, nil
}

func (o *office) place(ctx context.Context) error {
	if o.call.Region != "" {
		if _, err := o.centres.Centre(ctx, o.call.Region); err != nil {
			return known(err, "region", "names no centre of the account")
		}
	}
	if o.call.Zone != "" {
		c, err := o.centres.Cluster(ctx, o.call.Zone)
		if err != nil {
			return known(err, "zone", "names no cluster of the account")
		}
		if o.call.Region != "" && c.CentreID != o.call.Region {
			return fault.Invalid("zone", "names no cluster of the region's centre")
		}
	}
	return nil
}

// known makes what does not exist a mistake of the caller's.
func known(err error, path, message string) error {
	if fault.Is(err, fault.ClassNotFound) {
		return fault.Invalid(path, "%s", message)
	}
	return err
}

// home is the centre of a spec: the call's region goes before it.
func (o *office) home(ctx context.Context, said string) (string, error) {
	id := first(o.call.Region, said)
	if id == "" {
		return "", fault.Invalid("spec.centre_id", "is required when the call has no region")
	}
	_, err := o.centres.Centre(ctx, id)
	return id, known(err, "spec.centre_id", "names no centre")
}

// on is the cluster of a spec: the call's zone goes before it.
func (o *office) on(ctx context.Context, said string) (centre.Cluster, error) {
	id := first(o.call.Zone, said)
	if id == "" {
		return centre.Cluster{}, fault.Invalid("spec.cluster_id", "is required when the call has no zone")
	}
	c, err := o.centres.Cluster(ctx, id)
	if err == nil && o.call.Region != "" && c.CentreID != o.call.Region {
		err = fault.NotFound("cluster", id)
	}
	return c, known(err, "spec.cluster_id", "names no cluster")
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
