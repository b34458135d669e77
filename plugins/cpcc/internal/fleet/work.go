package fleet

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
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

// hopeless reports whether a job that failed so was tried for long enough, and
// what its problem is then.
func hopeless(ctx context.Context, b centre.Book, since time.Time, err error) (problem string, over bool) {
	if ctx.Err() != nil || b.Now.Sub(since) < giveUp {
		return fault.As(err).Message, false
	}
	return fault.As(err).Message + "; given up after two hours: see why the machine does not answer, reset it with kubeadm reset, then begin anew", true
}

// install makes the control plane. A machine that was given back is idle again;
// one that could not be, or is still in doubt in the end, stays locked until the
// cluster is removed.
func (f *Fleet) install(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	c, err := b.Cluster(ctx, id)
	if err != nil || c.State != centre.Installing {
		return err
	}
	_, at, err := open(ctx, b, c.ControllerID)
	if err != nil {
		return err
	}
	made, err := f.cfg.Installer.NewCluster(ctx, kubeadm.Cluster{ID: id, Control: at}, progress)
	if err == nil {
		return b.Installed(ctx, id, made.Kubeconfig, "")
	}
	problem, over := hopeless(ctx, b, c.Created, err)
	if again(ctx, err) && !over {
		return err
	}
	if fault.OutcomeOf(err) == fault.OutcomeNotDone && !over {
		if free := b.Free(ctx, c.ControllerID, id); free != nil {
			return free
		}
	}
	if kept := b.Installed(ctx, id, secret.Value{}, problem); kept != nil {
		return kept
	}
	return err
}

// dismantle gives the control plane's machine back and removes the cluster.
func (f *Fleet) dismantle(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	c, err := b.Cluster(ctx, id)
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	if err != nil || c.State != centre.Closing {
		return err
	}
	progress("reset", 10)
	d, at, err := open(ctx, b, c.ControllerID)
	if err != nil && !fault.Is(err, fault.ClassNotFound) {
		return err
	}
	if err == nil && d.ClusterID == id {
		if err := f.cfg.Installer.Reset(ctx, kubeadm.RoleControl, id, at); err != nil {
			return err
		}
	}
	return b.DropCluster(ctx, id)
}

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
	return d, kubeadm.Worker{ID: c.ID + " " + id, Control: control, At: at, Nodes: nodes}, err
}

// join makes a locked device a worker; one that was given back is idle again.
func (f *Fleet) join(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	d, w, err := f.worker(ctx, b, id)
	if err != nil || d.NodeName != "" {
		return err
	}
	name, err := f.cfg.Installer.NewWorker(ctx, w, progress)
	if err == nil {
		return b.Known(ctx, id, "", name)
	}
	problem, over := hopeless(ctx, b, d.Updated, err)
	if (again(ctx, err) || fault.OutcomeOf(err) == fault.OutcomeUnknown) && !over {
		return err
	}
	if kept := b.Unjoined(ctx, id, d.ClusterID, problem); kept != nil {
		return kept
	}
	return err
}

// leave takes a worker out of its cluster and frees its device.
func (f *Fleet) leave(ctx context.Context, b centre.Book, id string, progress kubeadm.Progress) error {
	d, err := b.Device(ctx, id)
	if err != nil || d.State == centre.Idle {
		return err
	}
	progress("leave", 10)
	_, w, err := f.worker(ctx, b, id)
	if err != nil {
		return err
	}
	if err := f.cfg.Installer.RemoveWorker(ctx, w, d.NodeName, node.Removal{Force: d.Leaving == centre.ByForce}); err != nil {
		return err
	}
	return b.Free(ctx, id, d.ClusterID)
}
