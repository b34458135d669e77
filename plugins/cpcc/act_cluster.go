package main

import (
	"context"
	"errors"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// forceInput says what may be lost.
type forceInput struct {
	Workloads int `json:"workloads,omitempty" min:"0" max:"100000" title:"Workloads that are lost" doc:"Exactly as many as the cluster has: they are sold, and nobody gives back by itself what was paid for them. 0 removes no cluster that has any"`
}

// removeByForce removes a cluster with its workers: the machines that can be reset
// are, the devices of the others carry that they were not. It goes with its workloads
// when their number is named: the cluster takes no more of them before they are
// counted, and each is taken out of the books with its stock. A cluster that is gone
// is a success.
func (h clusters) removeByForce(ctx context.Context, req provider.TypedAction[forceInput]) (provider.ActionResult[nothing], error) {
	out, err := h.move(ctx, req.Call, req.ID, func(o *office, c centre.Cluster) (string, error) {
		before, ok, err := o.centres.Close(ctx, c.ID)
		if err != nil || !ok {
			return "", err
		}
		n := req.Input.Workloads
		if under := before.State == centre.Closing && before.ByForce; !under || before.Loses != n {
			err = o.confirmed(ctx, c, n)
		}
		if err == nil {
			err = o.centres.Force(ctx, c.ID, n)
		}
		if err == nil {
			return h.fleet.Dismantle(ctx, o.centres, c)
		}
		if before.State == centre.Closing { // by a removal that goes on
			return "", err
		}
		return "", errors.Join(err, o.centres.Reopen(ctx, c.ID, before.State))
	})
	if fault.Is(err, fault.ClassNotFound) {
		return provider.ActionResult[nothing]{}, nil
	}
	return out, err
}

// confirmed refuses to lose another number of workloads than was named.
func (o *office) confirmed(ctx context.Context, c centre.Cluster, n int) error {
	have, err := workload.Count(ctx, o.desk.Area, c.ID)
	switch {
	case err != nil || have == n:
		return err
	case n == 0:
		return fault.Precondition("the cluster still has %d workloads, which are sold: remove them first, or lose them by giving their number as workloads", have)
	}
	return fault.Precondition("the cluster has %d workloads, not %d: none is lost", have, n)
}

// empty takes what is sold on a cluster that is removed by force out of the books,
// and tells the broker of each workload.
func (p *plugin) empty(ctx context.Context, b centre.Book, c centre.Cluster) error {
	desk := workload.Desk{Area: b.Area, Now: b.Now, Plain: b.Plain}
	if c.Loses > 0 {
		err := p.keeper.Lose(ctx, desk, c.ID, func(id string) {
			// Lost news are found out by the broker's own comparison.
			_ = p.host.Emit(ctx, b.Area.Scope(), provider.ResourceEvent("lost/"+id, kindWorkload, id))
		})
		if err != nil {
			return err
		}
	}
	return withdraw(ctx, b, c)
}

// lostWorkloads are what went with clusters.
type lostWorkloads struct {
	Workloads []workload.Lost `json:"workloads" title:"Workloads"`
}

// lost lists the workloads that went with clusters of the centre.
func (h centres) lost(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[lostWorkloads], error) {
	out := provider.ActionResult[lostWorkloads]{Output: lostWorkloads{Workloads: []workload.Lost{}}}
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := o.centres.Centre(ctx, req.ID); err != nil {
		return out, err
	}
	return out, o.desk.Losses(ctx, req.ID, func(w workload.Lost) error {
		out.Output.Workloads = append(out.Output.Workloads, w)
		return enough(len(out.Output.Workloads))
	})
}
