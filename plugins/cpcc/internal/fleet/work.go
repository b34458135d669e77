package fleet

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// again reports whether a job that failed so is to be begun again, instead of
// having failed: the machine or the cluster did not answer, or the process ends.
func again(ctx context.Context, err error) bool {
	return ctx.Err() != nil || fault.Is(err, fault.ClassUnavailable) || fault.Is(err, fault.ClassThrottled)
}

// giveUp is how long a machine in doubt is tried again, from the change's beginning.
const giveUp = 2 * time.Hour

// What a person does about a machine that was given up.
const (
	resetIt = "see why the machine does not answer, reset it with kubeadm reset, then begin anew"
	forceIt = "see why the machine or the cluster does not answer and try again, or remove it by force, which leaves what does not answer as it is"
)

// hopeless reports whether a job that failed so was tried for long enough, and
// what its problem is then.
func hopeless(ctx context.Context, b centre.Book, since time.Time, err error, advice string) (problem string, over bool) {
	if ctx.Err() != nil || b.Now.Sub(since) < giveUp {
		return fault.As(err).Message, false
	}
	return fault.As(err).Message + "; given up after two hours: " + advice, true
}

// doubtful reports whether a removal that failed so may still come about.
func doubtful(ctx context.Context, err error) bool {
	return again(ctx, err) || fault.OutcomeOf(err) == fault.OutcomeUnknown
}

// install makes the control plane. A machine that was given back is idle again;
// one that could not be, or is still in doubt in the end, stays locked until the
// cluster is removed.
func (f *Fleet) install(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	c, err := b.Cluster(ctx, id)
	if err != nil || c.State != centre.Installing {
		return err
	}
	if s, err := workload.ServiceOf(ctx, b, id); err != nil || s.URL != "" {
		if err == nil {
			err = f.installBy(ctx, b, c, s, progress)
		}
		return err
	}
	_, at, err := open(ctx, b, c.ControllerID)
	if err != nil {
		return err
	}
	var made kubeadm.Made
	network, err := b.Network(ctx, c.CentreID)
	if err == nil {
		made, err = f.cfg.Installer.NewCluster(ctx, kubeadm.Cluster{ID: id, Control: at, Network: network}, progress)
	}
	if err == nil {
		return b.Installed(ctx, id, made.Kubeconfig, secret.Value{}, "")
	}
	problem, over := hopeless(ctx, b, c.Created, err, resetIt)
	if again(ctx, err) && !over {
		return err
	}
	if fault.OutcomeOf(err) == fault.OutcomeNotDone && !over {
		if free := b.Free(ctx, c.ControllerID, id); free != nil {
			return free
		}
	}
	if kept := b.Installed(ctx, id, secret.Value{}, secret.Value{}, problem); kept != nil {
		return kept
	}
	return err
}

// dismantle gives the cluster's machines back and removes the cluster. One that
// could not be removed has failed, its devices stay its own, and it may be removed
// again.
func (f *Fleet) dismantle(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	c, err := b.Cluster(ctx, id)
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	if err != nil || c.State != centre.Closing {
		return err
	}
	if c.ByForce {
		progress("empty", 5)
		err = f.cfg.Empty(ctx, b, c)
	}
	if err == nil {
		progress("reset", 10)
		err = f.giveBack(ctx, b, c)
	}
	if err == nil {
		return b.DropCluster(ctx, id)
	}
	problem, over := hopeless(ctx, b, c.ClosesFrom, err, forceIt)
	if doubtful(ctx, err) && !over {
		return err
	}
	if kept := b.Unremoved(ctx, id, problem); kept != nil {
		return kept
	}
	return err
}

// giveBack resets the machines of a cluster, the control plane's last. By force
// the device of one that cannot be reset is given back as well, and keeps why.
func (f *Fleet) giveBack(ctx context.Context, b centre.Book, c centre.Cluster) error {
	var workers, control []centre.Device
	err := b.Devices(ctx, c.CentreID, func(d centre.Device) error {
		switch {
		case d.ClusterID != c.ID:
		case d.Role == centre.RoleWorker:
			workers = append(workers, d)
		default:
			control = append(control, d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s, err := workload.ServiceOf(ctx, b, c.ID)
	if err != nil {
		return err
	}
	for _, d := range append(workers, control...) {
		problem, err := f.reset(ctx, b, c, d, s)
		if err != nil && (!c.ByForce || ctx.Err() != nil) {
			return err
		}
		if err != nil {
			problem = "not reset: run kubeadm reset on the machine before it is used again: " + fault.As(err).Message
		}
		if err := b.Left(ctx, d.ID, c.ID, problem); err != nil {
			return err
		}
	}
	return nil
}

// reset gives a machine back, from here or by its centre's service. left is what a
// person has to do about it, "" for nothing.
func (f *Fleet) reset(ctx context.Context, b centre.Book, c centre.Cluster, d centre.Device, s workload.Service) (left string, err error) {
	worker := d.Role == centre.RoleWorker
	switch {
	case s.URL != "" && !worker:
		return stillThere, nil
	case s.URL != "":
		return f.leaveBy(ctx, b, d, s, true)
	}
	at, err := machine(ctx, b, d)
	if err != nil {
		return "", err
	}
	role, mark := kubeadm.RoleControl, c.ID
	if worker {
		role, mark = kubeadm.RoleWorker, markOf(c.ID, d.ID)
	}
	return "", f.cfg.Installer.Reset(ctx, role, mark, at)
}

// markOf is what a worker's machine is marked by.
func markOf(clusterID, deviceID string) string { return clusterID + " " + deviceID }

// worker is what a join or a leave works on.
func (f *Fleet) worker(ctx context.Context, b centre.Book, id string) (centre.Device, kubeadm.Worker, error) {
	d, at, err := open(ctx, b, id)
	if err != nil {
		return d, kubeadm.Worker{}, err
	}
	c, err := b.Cluster(ctx, d.ClusterID)
	if err != nil {
		return d, kubeadm.Worker{}, err
	}
	var control remote.Config
	if _, control, err = open(ctx, b, c.ControllerID); err != nil {
		return d, kubeadm.Worker{}, err
	}
	config, err := b.Kubeconfig(ctx, c.ID)
	if err != nil {
		return d, kubeadm.Worker{}, err
	}
	nodes, err := f.cfg.Members(c.ID, config)
	return d, kubeadm.Worker{ID: markOf(c.ID, id), Control: control, At: at, Nodes: nodes}, err
}

// member reads a device, and the service of its centre when its cluster is reached
// by that alone.
func (f *Fleet) member(ctx context.Context, b centre.Book, id string) (centre.Device, workload.Service, error) {
	d, err := b.Device(ctx, id)
	if err != nil || d.ClusterID == "" {
		return d, workload.Service{}, err
	}
	s, err := workload.ServiceOf(ctx, b, d.ClusterID)
	return d, s, err
}

// join makes a locked device a worker; one that was given back is idle again.
func (f *Fleet) join(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	d, s, err := f.member(ctx, b, id)
	if err != nil || d.NodeName != "" || d.ClusterID == "" {
		return err
	}
	if s.URL != "" {
		return f.joinBy(ctx, b, d, s, progress)
	}
	d, w, err := f.worker(ctx, b, id)
	if err != nil || d.NodeName != "" {
		return err
	}
	name, err := f.cfg.Installer.NewWorker(ctx, w, progress)
	if err == nil {
		return b.Known(ctx, id, "", name)
	}
	problem, over := hopeless(ctx, b, d.Updated, err, resetIt)
	if doubtful(ctx, err) && !over {
		return err
	}
	if kept := b.Unjoined(ctx, id, d.ClusterID, problem); kept != nil {
		return kept
	}
	return err
}

// leave takes a worker out of its cluster and frees its device. One that could not
// leave stays what it was, and keeps why.
func (f *Fleet) leave(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	d, err := b.Device(ctx, id)
	if err != nil || d.State == centre.Idle || d.Leaving == "" {
		return err
	}
	progress("leave", 10)
	left, err := f.takeOut(ctx, b, d)
	if err == nil {
		return b.Left(ctx, id, d.ClusterID, left)
	}
	problem, over := hopeless(ctx, b, d.LeavesFrom, err, forceIt)
	if doubtful(ctx, err) && !over && !refused(err) {
		return err
	}
	if kept := b.Stays(ctx, id, d.ClusterID, problem); kept != nil {
		return kept
	}
	return err
}

// takeOut takes a worker out of its cluster, from here or by its centre's service.
func (f *Fleet) takeOut(ctx context.Context, b centre.Book, d centre.Device) (left string, err error) {
	force := d.Leaving == centre.ByForce
	s, err := workload.ServiceOf(ctx, b, d.ClusterID)
	if err != nil {
		return "", err
	}
	if s.URL != "" {
		return f.leaveBy(ctx, b, d, s, force)
	}
	_, w, err := f.worker(ctx, b, d.ID)
	if err != nil {
		return "", err
	}
	return f.cfg.Installer.RemoveWorker(ctx, w, d.NodeName, node.Removal{Force: force})
}
