package centre

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The states of a cluster.
const (
	Installing = "installing"
	Ready      = "ready"
	Failed     = "failed"
	Closing    = "closing" // being removed: takes no workloads
)

// ClusterSpec is what the operator says of a cluster: either an idle device to
// install it on, or the kubeconfig of one that exists; of one that exists and that
// its centre's service works on both.
type ClusterSpec struct {
	CentreID     string       `json:"centre_id,omitempty" title:"Centre" doc:"The call's region goes before it"`
	Name         string       `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	Type         string       `json:"cluster_type,omitempty" enum:"kubernetes,slurm" default:"kubernetes" title:"Type"`
	ControllerID string       `json:"controller_id,omitempty" title:"Device to install on"`
	Kubeconfig   secret.Value `json:"kubeconfig,omitempty" title:"Kubeconfig" doc:"Of a cluster that exists"`
	EnableDate   string       `json:"enable_date,omitempty" title:"First day"`
	ExpireDate   string       `json:"expire_date,omitempty" title:"Last day"`
}

// Cluster is one cluster, as it is kept and shown.
type Cluster struct {
	ID           string    `json:"id" title:"Cluster"`
	CentreID     string    `json:"centre_id" title:"Centre"`
	Name         string    `json:"name" title:"Name"`
	Type         string    `json:"cluster_type" title:"Type"`
	ControllerID string    `json:"controller_id,omitempty" title:"Device of the control plane"`
	State        string    `json:"state" title:"State" doc:"installing, ready, failed or closing"`
	Problem      string    `json:"problem,omitempty" title:"Why it failed"`
	ClosesFrom   time.Time `json:"closes_from,omitzero" title:"Is being removed since"`
	Asked        time.Time `json:"asked,omitzero" title:"When its centre's service was asked to install it"`
	ByForce      bool      `json:"by_force,omitempty" title:"Is removed with machines that cannot be reset"`
	Loses        int       `json:"loses,omitempty" title:"Workloads that are lost with it"`
	EnableDate   string    `json:"enable_date" title:"First day"`
	ExpireDate   string    `json:"expire_date" title:"Last day"`
	Token        string    `json:"token" title:"Token it was made with"`
	Created      time.Time `json:"created" title:"Made"`
	Updated      time.Time `json:"updated" title:"Changed"`
}

// Sells reports whether the cluster may take workloads on a day (see [Book.Today]).
func (c Cluster) Sells(today time.Time) bool {
	return c.State == Ready && inEffect(c.EnableDate, c.ExpireDate, today)
}

// What is sealed beside a cluster.
const (
	kubeconfigName = "cluster-kubeconfig"
	joinName       = "cluster-join" // as its centre's service told it
)

// AddCluster registers a cluster, once per token. One with a kubeconfig is ready
// at once; one with a device locks it and is to be installed.
func (b Book) AddCluster(ctx context.Context, token string, s ClusterSpec) (Cluster, error) {
	if s.Type != "kubernetes" {
		return Cluster{}, fault.Unsupported("clusters of the type %q are not offered", s.Type)
	}
	if s.Kubeconfig.IsZero() == (s.ControllerID == "") {
		return Cluster{}, fault.Invalid("spec.controller_id", "give either a device to install on or the kubeconfig of a cluster")
	}
	return b.addCluster(ctx, token, s)
}

// Adopt registers a cluster that its centre's own service works on, once per
// token: that wants its control plane's device, which is locked. With a kubeconfig,
// which the service wants for workloads, it is ready at once; without one it is to
// be installed by the service.
func (b Book) Adopt(ctx context.Context, token string, s ClusterSpec) (Cluster, error) {
	if s.Type != "kubernetes" {
		return Cluster{}, fault.Unsupported("clusters of the type %q are not offered", s.Type)
	}
	if s.ControllerID == "" {
		return Cluster{}, fault.Invalid("spec.controller_id", "is required: the centre's service wants the device of the control plane")
	}
	return b.addCluster(ctx, token, s)
}

func (b Book) addCluster(ctx context.Context, token string, s ClusterSpec) (Cluster, error) {
	v := Cluster{ID: area.IDOf("cluster", token), CentreID: s.CentreID, Name: s.Name, Type: s.Type, ControllerID: s.ControllerID, State: Ready, Token: token, Created: b.Now, Updated: b.Now}
	var err error
	if v.EnableDate, v.ExpireDate, err = dates(s.EnableDate, s.ExpireDate, b.Today()); err != nil {
		return Cluster{}, err
	}
	if s.Kubeconfig.IsZero() {
		v.State = Installing
	}
	return insert(ctx, b, clusters, v.ID, token, func(c *area.Change) (Cluster, error) {
		c.Seal(kubeconfigName, v.ID, s.Kubeconfig)
		if err := b.lock(ctx, c, v); err != nil {
			return v, err
		}
		return v, b.open(ctx, c, v.CentreID)
	})
}

// lock adds the locking of the control plane's device to the change that makes
// its cluster: both happen or neither.
func (b Book) lock(ctx context.Context, c *area.Change, v Cluster) error {
	if v.ControllerID == "" {
		return nil
	}
	row, err := devices.Get(ctx, b.Area, v.ControllerID)
	switch {
	case fault.Is(err, fault.ClassNotFound) || err == nil && row.Value.CentreID != v.CentreID:
		return fault.Invalid("spec.controller_id", "names no device of the centre")
	case err != nil:
		return err
	case row.Value.State != Idle:
		return fault.Precondition("the device is in use")
	case !inEffect(row.Value.EnableDate, row.Value.ExpireDate, b.Today()):
		return fault.Precondition("the device is not in effect today")
	}
	row.Value.State, row.Value.ClusterID, row.Value.Role, row.Value.Problem, row.Value.Updated = InUse, v.ID, RoleMaster, "", b.Now
	c.Replace(devices.Key(v.ControllerID), row.Revision, row.Value)
	return nil
}

// Cluster returns one cluster.
func (b Book) Cluster(ctx context.Context, id string) (Cluster, error) {
	row, err := clusters.Get(ctx, b.Area, id)
	return row.Value, err
}

// Selling returns a cluster that takes workloads now, and lets the change be
// made only while it does.
func (b Book) Selling(ctx context.Context, c *area.Change, id string) (Cluster, error) {
	row, err := clusters.Get(ctx, b.Area, id)
	if err != nil {
		return Cluster{}, err
	}
	home, err := b.Centre(ctx, row.Value.CentreID)
	if err != nil {
		return Cluster{}, err
	}
	if !row.Value.Sells(b.Today()) || !home.InEffect(b.Today()) {
		return Cluster{}, fault.Precondition("cluster %q takes no workloads now", row.Value.Name)
	}
	c.Expect(clusters.Key(id), row.Revision)
	return row.Value, nil
}

// Stocking lets a change that gives stock to a cluster be made only while its
// centre and itself are there to stay.
func (b Book) Stocking(ctx context.Context, c *area.Change, centreID, id string) error {
	row, err := clusters.Get(ctx, b.Area, id)
	switch {
	case fault.Is(err, fault.ClassNotFound) || err == nil && row.Value.CentreID != centreID:
		return fault.Invalid("spec.cluster_id", "names no cluster of the centre")
	case err != nil:
		return err
	case row.Value.State == Closing:
		return fault.Precondition("the cluster is being removed")
	}
	c.Expect(clusters.Key(id), row.Revision)
	return b.open(ctx, c, centreID)
}

// FindCluster returns what a token made; ok is false for nothing.
func (b Book) FindCluster(ctx context.Context, token string) (Cluster, bool, error) {
	row, err := clusters.Find(ctx, b.Area, area.IDOf("cluster", token))
	return row.Value, row.Revision != 0, err
}

// Clusters yields the clusters of a centre, "" of all, by id.
func (b Book) Clusters(ctx context.Context, centreID string, yield func(Cluster) error) error {
	return clusters.Each(ctx, b.Area, func(r area.Row[Cluster]) error {
		if centreID != "" && r.Value.CentreID != centreID {
			return nil
		}
		return yield(r.Value)
	})
}

// Kubeconfig returns what opens a cluster.
func (b Book) Kubeconfig(ctx context.Context, id string) (secret.Value, error) {
	return b.Area.Secret(ctx, kubeconfigName, id)
}

// UpdateCluster changes a cluster's name and dates: nothing else may change.
func (b Book) UpdateCluster(ctx context.Context, id string, s ClusterSpec) (Cluster, error) {
	return edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) (err error) {
		var bad []fault.Field
		for path, differs := range map[string]bool{
			"spec.centre_id":     s.CentreID != "" && s.CentreID != v.CentreID,
			"spec.cluster_type":  s.Type != v.Type,
			"spec.controller_id": s.ControllerID != "" && s.ControllerID != v.ControllerID,
			"spec.kubeconfig":    !s.Kubeconfig.IsZero(),
		} {
			if differs {
				bad = append(bad, fault.Field{Path: path, Message: "cannot be changed: only name and dates can"})
			}
		}
		if len(bad) > 0 {
			return fault.InvalidFields(bad)
		}
		v.Name, v.Updated = s.Name, b.Now
		v.EnableDate, v.ExpireDate, err = dates(s.EnableDate, s.ExpireDate, b.Today())
		return err
	})
}

// Ask notes that the centre's service is being asked to install a cluster, before
// it is: a service that was asked once is not asked again unless its answer says
// that it may be. False: it was asked before.
func (b Book) Ask(ctx context.Context, id string) (first bool, err error) {
	_, err = edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		if first = v.State == Installing && v.Asked.IsZero(); first {
			v.Asked, v.Updated = b.Now, b.Now
		}
		return nil
	})
	return first && err == nil, err
}

// Unask notes that the service was not asked after all.
func (b Book) Unask(ctx context.Context, id string) error {
	_, err := edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		v.Asked = time.Time{}
		return nil
	})
	return err
}

// Open makes a cluster ready that a service installed and whose kubeconfig got lost.
func (b Book) Open(ctx context.Context, id string, kubeconfig secret.Value) (Cluster, error) {
	had, err := b.Kubeconfig(ctx, id)
	if err != nil {
		return Cluster{}, err
	}
	return edit(ctx, b, clusters, id, func(c *area.Change, v *Cluster) error {
		if v.State != Failed || v.Asked.IsZero() || !had.IsZero() {
			return fault.Precondition("only a cluster that its centre's service installed, and whose kubeconfig got lost, is given one")
		}
		v.State, v.Problem, v.Updated = Ready, "", b.Now
		c.Seal(kubeconfigName, id, kubeconfig)
		return nil
	})
}

// Installed makes a cluster ready, with what opens it and the join command that is
// kept for its workers, if there is one; or failed with problem.
func (b Book) Installed(ctx context.Context, id string, kubeconfig, join secret.Value, problem string) error {
	_, err := edit(ctx, b, clusters, id, func(c *area.Change, v *Cluster) error {
		if v.State != Installing {
			return nil
		}
		v.State, v.Problem, v.Updated = Ready, problem, b.Now
		if problem != "" {
			v.State = Failed
			return nil
		}
		c.Seal(kubeconfigName, id, kubeconfig)
		c.Seal(joinName, id, join)
		return nil
	})
	return err
}

// Join returns the join command that was kept for a worker: its own, else its
// cluster's. Empty is none.
func (b Book) Join(ctx context.Context, clusterID, deviceID string) (secret.Value, error) {
	own, err := b.Area.Secret(ctx, deviceJoinName, deviceID)
	if err != nil || !own.IsZero() {
		return own, err
	}
	return b.Area.Secret(ctx, joinName, clusterID)
}

// Close stops a cluster from taking workloads; ok is false when it is gone.
func (b Book) Close(ctx context.Context, id string) (before Cluster, ok bool, err error) {
	_, err = edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		before = *v
		if v.State != Closing {
			v.State, v.ClosesFrom = Closing, b.Now
		}
		return nil
	})
	if fault.Is(err, fault.ClassNotFound) {
		return before, false, nil
	}
	return before, err == nil, err
}

// Reopen undoes a Close.
func (b Book) Reopen(ctx context.Context, id, state string) error {
	_, err := edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		v.State, v.ClosesFrom, v.ByForce, v.Loses = state, time.Time{}, false, 0
		return nil
	})
	return err
}

// Force lets a closed cluster go with machines that cannot be reset, and with as
// many workloads as are lost with it.
func (b Book) Force(ctx context.Context, id string, lost int) error {
	_, err := edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		if v.ByForce = v.State == Closing; v.ByForce {
			v.Loses = lost
		}
		return nil
	})
	return err
}

// Unremoved ends the removal of a cluster that could not be removed, and keeps why.
func (b Book) Unremoved(ctx context.Context, id, problem string) error {
	_, err := edit(ctx, b, clusters, id, func(_ *area.Change, v *Cluster) error {
		if v.State == Closing {
			v.State, v.Problem, v.ClosesFrom, v.ByForce, v.Loses, v.Updated = Failed, problem, time.Time{}, false, 0, b.Now
		}
		return nil
	})
	return err
}

// DropCluster removes a closed cluster and frees its devices.
func (b Book) DropCluster(ctx context.Context, id string) error {
	used, err := devices.All(ctx, b.Area, MostRows, func(d Device) bool { return d.ClusterID == id })
	if err != nil {
		return err
	}
	for _, d := range used {
		if err := b.Free(ctx, d.Value.ID, id); err != nil {
			return err
		}
	}
	return remove(ctx, b, clusters, id, func(c *area.Change, v Cluster) error {
		if v.State != Closing {
			return fault.Precondition("the cluster is not closed")
		}
		c.Forget(kubeconfigName, id)
		c.Forget(joinName, id)
		return nil
	})
}
