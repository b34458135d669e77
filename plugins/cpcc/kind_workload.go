package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const kindWorkload = "workload"

// workloads is the handler of the kind workload.
type workloads struct{ *plugin }

type running = provider.Thing[workload.Workload]

func workloadKind(p *plugin) *provider.Kind {
	h := workloads{p}
	change := func(name, title string) provider.ActionDescription {
		return provider.ActionDescription{Name: name, Title: title, Changes: true}
	}
	stop := change("stop", "Stop")
	stop.Destructive = true
	return provider.KindOf[workload.Spec, workload.Workload](kindWorkload, "Workload", h,
		provider.ActionOf(change("start", "Start"), h.start),
		provider.ActionOf(stop, h.stop),
		provider.ActionOf(change("scale", "Change the number of replicas"), h.scale),
		provider.ActionOf(change("restart", "Restart"), h.restart),
		provider.ActionOf(change("reset_password", "Set another password"), h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: "credentials", Title: "User and password"}, h.credentials),
		provider.ActionOf(provider.ActionDescription{Name: "logs", Title: "Output"}, h.logs),
		provider.ActionOf(provider.ActionDescription{Name: "events", Title: "Events"}, h.events),
		provider.ActionOf(change("exec", "Run a command"), h.exec),
	)
}

// Create sells a workload; its operation tells when it runs.
func (h workloads) Create(ctx context.Context, req provider.TypedCreate[workload.Spec]) (provider.Result[workload.Workload], error) {
	var none provider.Result[workload.Workload]
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return none, err
	}
	if req.Term.Quantity > 1 {
		return none, fault.Invalid("term.quantity", "must be 1: one token buys one workload")
	}
	on, err := o.on(ctx, "")
	if err != nil {
		return none, err
	}
	longer, err := prolong(req.Term)
	if err != nil {
		return none, err
	}
	w, err := h.keeper.Create(ctx, o.desk, workload.Order{
		Token: req.Token, OrgID: req.Call.Org, ClusterID: on.ID, Name: req.Name, Spec: req.Spec, Expires: longer(o.desk.Now),
	})
	if err == nil {
		h.news.follow(ctx, o, w)
	}
	return underWay(w, err)
}

// underWay is the answer to a change that the operation tells the end of.
func underWay(w workload.Workload, err error) (provider.Result[workload.Workload], error) {
	if err != nil {
		return provider.Result[workload.Workload]{}, err
	}
	t := w.Thing()
	return provider.StartedAs(w.Operation(), &t), nil
}

// Get reads a workload.
func (h workloads) Get(ctx context.Context, req provider.GetRequest) (running, error) {
	o, err := h.books(ctx, req.Call)
	if err != nil {
		return running{}, err
	}
	w, err := h.keeper.Workload(ctx, o.desk, req.ID)
	return w.Thing(), err
}

// List yields the workloads of the call's place, or of all.
func (h workloads) List(ctx context.Context, req provider.ListRequest, yield func(running) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return h.keeper.Workloads(ctx, o.desk, req.Call.Region, req.Call.Zone, func(w workload.Workload) error { return yield(w.Thing()) })
}

// Update changes what runs.
func (h workloads) Update(ctx context.Context, req provider.TypedUpdate[workload.Spec]) (provider.Result[workload.Workload], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[workload.Workload]{}, err
	}
	w, err := h.keeper.Update(ctx, o.desk, req.ID, req.Token, req.Spec)
	if err == nil {
		h.news.follow(ctx, o, w)
	}
	return underWay(w, err)
}

// Delete removes a workload and gives its stock back.
func (h workloads) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.books(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	gone, err := h.keeper.Delete(ctx, o.desk, req.ID)
	if err != nil || gone {
		return provider.Started{}, err
	}
	return provider.Started{Operation: workload.Removal(req.ID)}, nil
}

// FindByToken tells what a token made, and whether it is still under way.
func (h workloads) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[workload.Workload], error) {
	o, err := h.books(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[workload.Workload]{}, err
	}
	if req.Change == provider.ChangeRenew {
		w, err := h.keeper.Workload(ctx, o.desk, req.ID)
		if err != nil {
			return provider.TypedFound[workload.Workload]{}, err
		}
		return provider.TypedFound[workload.Workload]{Done: w.Renewed(req.Token), Settled: req.Since.IsZero() || o.desk.Now.Sub(req.Since) >= settle}, nil
	}
	var operation string
	out, err := found(ctx, o, req, func(ctx context.Context, token string) (running, bool, error) {
		w, ok, err := h.keeper.Find(ctx, o.desk, token)
		if ok && w.Ready.IsZero() {
			operation = w.Operation()
			h.news.follow(ctx, o, w)
		}
		return w.Thing(), ok, err
	}, func(ctx context.Context, id string) error {
		w, err := h.keeper.Workload(ctx, o.desk, id)
		if err == nil && w.Phase == workload.Deleting {
			operation = workload.Removal(id)
		}
		return err
	})
	out.Operation = operation
	return out, err
}

// Renew prolongs the paid term, once per token.
func (p *plugin) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	if req.Kind != kindWorkload {
		return provider.Change{}, fault.Unsupported("the kind %q has no term", req.Kind)
	}
	o, err := p.books(ctx, req.Call)
	if err != nil {
		return provider.Change{}, err
	}
	longer, err := prolong(req.Term)
	if err != nil {
		return provider.Change{}, err
	}
	w, err := p.keeper.Renew(ctx, o.desk, req.ID, req.Token, longer)
	if err != nil {
		return provider.Change{}, err
	}
	res, err := w.Resource()
	return provider.Change{Resource: res}, err
}
