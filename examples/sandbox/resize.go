package main

import (
	"context"
	"encoding/json"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Size is what an instance shall be; what is left out stays.
type Size struct {
	Flavour string `json:"flavour,omitempty" enum:"small,medium,large,gpu" title:"Flavour"`
	Disk    int    `json:"disk_gb,omitempty" min:"10" max:"2000" title:"Disk" doc:"Size of the system disk in GB"`
}

func (s Size) of(spec Spec) Spec {
	if s.Flavour != "" {
		spec.Flavour = s.Flavour
	}
	if s.Disk != 0 {
		spec.Disk = s.Disk
	}
	return spec
}

// resize gives an instance another size and takes or gives back the difference
// for the rest of its term. A repeat finds it done.
func (h instances) resize(ctx context.Context, req provider.TypedAction[Size]) (provider.ActionResult[none], error) {
	c, err := h.change(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, c.resize(req.ID, req.Input)
}

func (c *cloud) resize(id string, size Size) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sv, ok := c.servers[id]
	if !ok {
		return fault.NotFound("instance", id).Cloud("SandboxNotFound", "")
	}
	to := size.of(sv.spec)
	if to == sv.spec {
		return nil
	}
	fen, err := c.difference(sv, to)
	if err != nil {
		return err
	}
	sv.spec = to
	c.bought("resize", sv, fen, sv.expires)
	return nil
}

// difference is what a server costs more as another one for the rest of its
// term, in fen.
func (c *cloud) difference(sv *server, to Spec) (int64, error) {
	if sv.expires.IsZero() {
		return 0, nil
	}
	one := provider.Term{Period: sv.period, Periods: 1}
	before, err := listPrice(sv.spec, one)
	if err != nil {
		return 0, err
	}
	then, err := listPrice(to, one)
	if err != nil {
		return 0, err
	}
	now := c.clock.Now()
	period := int64(extend(now, one).Sub(now) / time.Second)
	return (then - before) * max(int64(sv.expires.Sub(now)/time.Second), 0) / period, nil
}

// quoteResize prices another size of an instance.
func (s *sandbox) quoteResize(req provider.QuoteRequest) (provider.Quote, error) {
	var to Spec
	if err := json.Unmarshal(req.Spec, &to); err != nil {
		return provider.Quote{}, fault.Invalid("spec", "is not an instance spec")
	}
	c, err := s.open(req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	sv, err := c.get(req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	fen, err := c.difference(sv, Size{Flavour: to.Flavour, Disk: to.Disk}.of(sv.spec))
	return provider.Quote{Currency: "CNY", List: yuan(fen)}, err
}
