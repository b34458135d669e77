package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/bundle"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// clusters is the handler of the kind cluster.
type clusters struct{ *plugin }

type clusterThing = provider.Thing[centre.Cluster]

func clusterKind(p *plugin) *provider.Kind {
	h := clusters{p}
	return provider.KindOf[centre.ClusterSpec, centre.Cluster]("cluster", "Cluster", h,
		provider.ActionOf(provider.ActionDescription{Name: "add_worker", Title: "Make a device a worker", Changes: true}, h.addWorker),
		provider.ActionOf(provider.ActionDescription{Name: "give_kubeconfig", Title: "Open a cluster that a service installed", Changes: true}, h.giveKubeconfig),
		provider.ActionOf(provider.ActionDescription{Name: "remove_worker", Title: "Take a worker out", Changes: true, Destructive: true}, h.removeWorker),
		provider.ActionOf(provider.ActionDescription{Name: "remove_by_force", Title: "Remove with machines that cannot be reset", Changes: true, Destructive: true}, h.removeByForce),
		provider.ActionOf(provider.ActionDescription{Name: "accommodate", Title: "Which products do not fit now"}, h.accommodate))
}

func (o *office) cluster(c centre.Cluster) clusterThing {
	status := provider.StatusFrozen
	switch {
	case c.Sells(o.centres.Today()):
		status = provider.StatusRunning
	case c.State == centre.Installing:
		status = provider.StatusPending
	case c.State == centre.Failed:
		status = provider.StatusError
	case c.State == centre.Closing:
		status = provider.StatusStopping
	}
	return clusterThing{
		ID: c.ID, Name: c.Name, Region: c.CentreID, Zone: c.ID, Status: status, RawStatus: c.State, Token: c.Token,
		Billing: provider.BillingOnce, Created: c.Created, State: c,
	}
}

// Create registers a cluster that exists, or begins to install one. Its kubeconfig is judged before
// anything is kept: one that would run commands or read files here is refused.
func (h clusters) Create(ctx context.Context, req provider.TypedCreate[centre.ClusterSpec]) (provider.Result[centre.Cluster], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Cluster]{}, err
	}
	if req.Spec.CentreID, err = o.home(ctx, req.Spec.CentreID); err != nil {
		return provider.Result[centre.Cluster]{}, err
	}
	home, err := o.centres.Centre(ctx, req.Spec.CentreID)
	if err != nil {
		return provider.Result[centre.Cluster]{}, err
	}
	if !req.Spec.Kubeconfig.IsZero() {
		if err := h.engine.Admit(ctx, req.Spec.Kubeconfig); err != nil {
			return provider.Result[centre.Cluster]{}, err
		}
	}
	add := o.centres.AddCluster
	if home.Transport == centre.PCAPI {
		add = o.centres.Adopt
	}
	c, err := add(ctx, req.Token, req.Spec)
	if err != nil || c.State != centre.Installing {
		return done(o.cluster(c), err)
	}
	operation, err := h.fleet.Install(ctx, o.centres, c)
	t := o.cluster(c)
	return provider.StartedAs(operation, &t), err
}

// Get reads a cluster.
func (h clusters) Get(ctx context.Context, req provider.GetRequest) (clusterThing, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return clusterThing{}, err
	}
	c, err := o.centres.Cluster(ctx, req.ID)
	return o.cluster(c), err
}

// List yields the clusters of the region's centre, or of all.
func (h clusters) List(ctx context.Context, req provider.ListRequest, yield func(clusterThing) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.centres.Clusters(ctx, req.Call.Region, func(c centre.Cluster) error { return yield(o.cluster(c)) })
}

// Update changes a cluster's name and dates.
func (h clusters) Update(ctx context.Context, req provider.TypedUpdate[centre.ClusterSpec]) (provider.Result[centre.Cluster], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Cluster]{}, err
	}
	c, err := o.centres.UpdateCluster(ctx, req.ID, req.Spec)
	return done(o.cluster(c), err)
}

// Delete removes a cluster without workloads. It is closed first, so that none
// can be sold while it is looked at.
func (h clusters) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	before, ok, err := o.centres.Close(ctx, req.ID)
	if err != nil || !ok {
		return provider.Started{}, err
	}
	held, err := workload.Count(ctx, o.desk.Area, req.ID)
	if err == nil && held == 0 {
		var started provider.Started
		if started, err = h.drop(ctx, o, before); err == nil {
			return started, nil
		}
	}
	if before.State == centre.Closing { // an earlier removal was cut off
		before.State = centre.Ready
	}
	if back := o.centres.Reopen(ctx, req.ID, before.State); back != nil {
		return provider.Started{}, back
	}
	if err == nil {
		err = fault.Precondition("the cluster still has workloads: remove them first")
	}
	return provider.Started{}, err
}

// drop removes a closed cluster with all that is sold on it. Each step may be
// repeated; the cluster goes last, so that a removal that was cut off goes on.
//
// A cluster that was installed here is dismantled by an operation; its workers
// have to leave before that.
func (h clusters) drop(ctx context.Context, o *office, c centre.Cluster) (provider.Started, error) {
	workers := 0
	err := o.centres.Devices(ctx, c.CentreID, func(d centre.Device) error {
		if d.ClusterID == c.ID && d.Role == centre.RoleWorker {
			workers++
		}
		return nil
	})
	if err == nil && workers > 0 {
		err = fault.Precondition("the cluster still has %d workers: remove them first", workers)
	}
	if err == nil {
		err = withdraw(ctx, o.centres, c)
	}
	served := false
	if err == nil {
		served, err = o.served(ctx, c)
	}
	if err != nil || c.ControllerID == "" || served && c.Asked.IsZero() {
		if err == nil {
			err = o.centres.DropCluster(ctx, c.ID)
		}
		return provider.Started{}, err
	}
	operation, err := h.fleet.Dismantle(ctx, o.centres, c)
	return provider.Started{Operation: operation}, err
}

// withdraw takes what is sold on a closed cluster off the shelves.
func withdraw(ctx context.Context, b centre.Book, c centre.Cluster) error {
	if err := (bundle.Book{Area: b.Area, Now: b.Now}).RemoveOf(ctx, c.ID); err != nil {
		return err
	}
	return widget.Book{Area: b.Area, Now: b.Now}.Withdraw(ctx, c.ID)
}

// served reports whether the centre's own service works on a cluster.
func (o *office) served(ctx context.Context, c centre.Cluster) (bool, error) {
	home, err := o.centres.Centre(ctx, c.CentreID)
	return home.Transport == centre.PCAPI, err
}

// workerInput names a device.
type workerInput struct {
	DeviceID string       `json:"device_id" required:"true" min:"1" max:"128" title:"Device"`
	Join     secret.Value `json:"join_command,omitempty" max:"4096" title:"Join command" doc:"Fresh, for a centre's own service that makes no token itself: what kubeadm token create --print-join-command prints there"`
}

// leaverInput names a device that is to go.
type leaverInput struct {
	DeviceID string `json:"device_id" required:"true" min:"1" max:"128" title:"Device"`
	Force    bool   `json:"force,omitempty" title:"Also with pods on it, and when its machine does not answer"`
}

// addWorker makes an idle device a worker; its operation tells when it is.
func (h clusters) addWorker(ctx context.Context, req provider.TypedAction[workerInput]) (provider.ActionResult[nothing], error) {
	return h.move(ctx, req.Call, req.ID, func(o *office, c centre.Cluster) (string, error) {
		return h.fleet.Join(ctx, o.centres, c, req.Input.DeviceID, req.Input.Join)
	})
}

// removeWorker takes a worker out and gives its device back.
func (h clusters) removeWorker(ctx context.Context, req provider.TypedAction[leaverInput]) (provider.ActionResult[nothing], error) {
	return h.move(ctx, req.Call, req.ID, func(o *office, c centre.Cluster) (string, error) {
		return h.fleet.Leave(ctx, o.centres, c, req.Input.DeviceID, req.Input.Force)
	})
}

// kubeconfigInput is what opens a cluster.
type kubeconfigInput struct {
	Kubeconfig secret.Value `json:"kubeconfig" required:"true" min:"1" max:"65536" title:"Kubeconfig" doc:"/etc/kubernetes/admin.conf of the control plane's machine"`
}

// giveKubeconfig opens a cluster that its centre's service installed when the answer
// with its kubeconfig got lost. It is judged as that of a cluster that exists.
func (h clusters) giveKubeconfig(ctx context.Context, req provider.TypedAction[kubeconfigInput]) (provider.ActionResult[nothing], error) {
	return h.move(ctx, req.Call, req.ID, func(o *office, c centre.Cluster) (string, error) {
		if err := h.engine.Admit(ctx, req.Input.Kubeconfig); err != nil {
			if bad := fault.As(err); len(bad.Fields) > 0 {
				err = fault.Invalid("input.kubeconfig", "%s", bad.Fields[0].Message)
			}
			return "", err
		}
		_, err := o.centres.Open(ctx, c.ID, req.Input.Kubeconfig)
		return "", err
	})
}

func (h clusters) move(ctx context.Context, call provider.Call, id string, do func(*office, centre.Cluster) (string, error)) (provider.ActionResult[nothing], error) {
	o, err := h.open(ctx, call)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	c, err := o.centres.Cluster(ctx, id)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	operation, err := do(o, c)
	return provider.ActionResult[nothing]{Operation: operation}, err
}

// FindByToken tells what a token made.
func (h clusters) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[centre.Cluster], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[centre.Cluster]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (clusterThing, bool, error) {
		c, ok, err := o.centres.FindCluster(ctx, token)
		return o.cluster(c), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.centres.Cluster(ctx, id)
		return err
	})
}

// accommodateInput are the products of a page.
type accommodateInput struct {
	Products []productParts `json:"products" required:"true" max:"200" title:"Products"`
	Labels   []string       `json:"labels,omitempty" max:"16" title:"Labels" doc:"key=value, that the node must have"`
}

// productParts is what a product is made of.
type productParts struct {
	ID    string          `json:"product_id" required:"true" min:"1" max:"128" title:"Product"`
	Parts []workload.Part `json:"parts" required:"true" min:"1" max:"16" title:"Basket"`
}

// unplaceable are the products that no node can hold.
type unplaceable struct {
	IDs    []string `json:"product_ids" title:"Products that cannot be placed"`
	Reason string   `json:"reason" title:"How it was decided" doc:"dynamic: on live nodes; static: by stock alone"`
}

// accommodate tells which products no node can hold with all parts at once. A
// cluster that cannot be asked is judged by its stock.
func (h clusters) accommodate(ctx context.Context, req provider.TypedAction[accommodateInput]) (provider.ActionResult[unplaceable], error) {
	out := provider.ActionResult[unplaceable]{Output: unplaceable{IDs: []string{}, Reason: "dynamic"}}
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return out, err
	}
	c, err := o.centres.Cluster(ctx, req.ID)
	if err != nil {
		return out, err
	}
	stocked := map[string]bool{}
	var specs []workload.Spec
	for _, p := range req.Input.Products {
		s := workload.Spec{Parts: p.Parts, Replicas: 1}
		answer, err := o.basket(ctx, c, s, price.Duration{N: 1, Unit: price.Hour})
		if err != nil {
			return out, err
		}
		stocked[p.ID] = answer.Problem == ""
		specs = append(specs, s)
	}
	verdicts, err := h.keeper.Fits(ctx, o.desk, c.ID, specs, req.Input.Labels)
	switch {
	case fault.Is(err, fault.ClassUnavailable):
		out.Output.Reason = "static"
	case err != nil:
		return out, err
	}
	for i, p := range req.Input.Products {
		if !stocked[p.ID] || verdicts != nil && !verdicts[i].OK {
			out.Output.IDs = append(out.Output.IDs, p.ID)
		}
	}
	return out, nil
}
