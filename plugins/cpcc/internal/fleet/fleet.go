// Package fleet makes clusters on the operator's devices, and lets devices join
// and leave them. Each change is a row first and a job after that: the row says
// what is to be done, so that a job that a process took with it when it died is
// begun again by whoever asks how far it is. The steps on the machines are those
// of package kubeadm, which may be repeated, or one call of the centre's own
// service, which may not: its row says that it was asked, and a lost answer is
// looked up.
//
// A [Fleet] is safe for concurrent use. Its jobs are its own: Shutdown waits for
// them.
package fleet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Installer works on machines; *kubeadm.Installer is one.
type Installer interface {
	NewCluster(ctx context.Context, c kubeadm.Cluster, progress kubeadm.Progress) (kubeadm.Made, error)
	NewWorker(ctx context.Context, w kubeadm.Worker, progress kubeadm.Progress) (string, error)
	RemoveWorker(ctx context.Context, w kubeadm.Worker, name string, r node.Removal) (left string, err error)
	Reset(ctx context.Context, role kubeadm.Role, id string, at remote.Config) error
}

// Members opens a cluster for looking after its nodes.
type Members func(clusterID string, kubeconfig secret.Value) (kubeadm.Nodes, error)

// Config is what a Fleet needs.
type Config struct {
	Installer Installer
	Service   Service // for centres that it alone reaches
	Members   Members
	// Admit refuses a kubeconfig that would run commands or read files here.
	Admit func(ctx context.Context, kubeconfig secret.Value) error
	// Empty takes what is sold on a cluster that is removed by force out of the
	// books; it may be repeated.
	Empty func(ctx context.Context, b centre.Book, c centre.Cluster) error
	// Now is the broker's clock: jobs outlive the calls that begin them.
	Now func(ctx context.Context) (time.Time, error)
}

// Fleet changes clusters.
type Fleet struct {
	cfg  Config
	jobs *kubeadm.Jobs
}

// New makes a fleet; it must be shut down.
func New(cfg Config) *Fleet { return &Fleet{cfg: cfg, jobs: kubeadm.NewJobs()} }

// Shutdown ends the jobs. What they were doing is begun again when it is asked for.
func (f *Fleet) Shutdown(ctx context.Context) error { return f.jobs.Shutdown(ctx) }

// The prefixes of operations.
const (
	installing = "cluster/"
	resetting  = "cluster-removal/"
	joining    = "worker/"
	leaving    = "worker-removal/"
)

// pollAfter is how soon it is worth asking again.
const pollAfter = 5 * time.Second

// Install begins the installation of a cluster whose row has its device locked.
func (f *Fleet) Install(ctx context.Context, b centre.Book, c centre.Cluster) (operation string, err error) {
	operation = installing + c.ID
	return operation, f.begin(ctx, b, operation)
}

// Dismantle begins the removal of a closed cluster from its machine.
func (f *Fleet) Dismantle(ctx context.Context, b centre.Book, c centre.Cluster) (operation string, err error) {
	operation = resetting + c.ID
	return operation, f.begin(ctx, b, operation)
}

// Join locks an idle device for a cluster and begins to make it a worker: with a
// token of its own, or by the command that a centre's service is to be given.
func (f *Fleet) Join(ctx context.Context, b centre.Book, c centre.Cluster, deviceID string, command secret.Value) (operation string, err error) {
	if c.ControllerID == "" || c.State != centre.Ready {
		return "", fault.Precondition("workers join clusters that were installed here and are ready")
	}
	s, err := workload.ServiceOf(ctx, b, c.ID)
	if err != nil {
		return "", err
	}
	if s.URL == "" && !command.IsZero() {
		return "", fault.Invalid("input.join_command", "is for centres with the transport pcapi: a token is made here")
	}
	d, err := b.Device(ctx, deviceID)
	if err != nil {
		return "", err
	}
	if d.CentreID != c.CentreID {
		return "", fault.Invalid("input.device_id", "names no device of the cluster's centre")
	}
	if _, err := b.Take(ctx, deviceID, c.ID, centre.RoleWorker, command); err != nil {
		return "", err
	}
	operation = joining + deviceID
	return operation, f.begin(ctx, b, operation)
}

// Leave begins to take a worker out of its cluster. By force it goes with pods on
// it, and when its machine does not answer.
func (f *Fleet) Leave(ctx context.Context, b centre.Book, c centre.Cluster, deviceID string, force bool) (operation string, err error) {
	d, err := b.Device(ctx, deviceID)
	if err != nil {
		return "", err
	}
	if d.ClusterID != c.ID || d.Role != centre.RoleWorker {
		return "", fault.Precondition("the device is no worker of the cluster")
	}
	if err := b.Leaving(ctx, deviceID, force); err != nil {
		return "", err
	}
	operation = leaving + deviceID
	return operation, f.begin(ctx, b, operation)
}

// Mine reports whether an operation is one of these.
func Mine(operation string) bool {
	for _, prefix := range []string{installing, resetting, joining, leaving} {
		if strings.HasPrefix(operation, prefix) {
			return true
		}
	}
	return false
}

// begin starts the job of an operation, unless it is running here.
func (f *Fleet) begin(ctx context.Context, b centre.Book, operation string) error {
	kind, id, _ := strings.Cut(operation, "/")
	work := map[string]func(context.Context, centre.Book, string, kubeadm.Progress) error{
		"cluster": f.install, "cluster-removal": f.dismantle, "worker": f.join, "worker-removal": f.leave,
	}[kind]
	return f.jobs.Start(ctx, b.Area.Account()+"/"+operation, func(ctx context.Context, progress kubeadm.Progress) error {
		now, err := f.cfg.Now(ctx)
		if err != nil {
			return err
		}
		b.Now = now
		return work(ctx, b, id, progress)
	})
}

// Operation tells how far a change is. One that nobody works on is begun again.
func (f *Fleet) Operation(ctx context.Context, b centre.Book, operation string) (provider.Operation, error) {
	out := provider.Operation{ID: operation, State: provider.OperationRunning, CheckAfter: pollAfter}
	end, err := f.ended(ctx, b, operation)
	if err != nil {
		return provider.Operation{}, err
	}
	if end.over {
		out.State, out.Failure, out.CheckAfter = provider.OperationSucceeded, end.failure, 0
		if out.Progress = 100; end.failure != nil {
			out.State, out.Progress = provider.OperationFailed, 0
		}
		return out, nil
	}
	job, known := f.jobs.Get(b.Area.Account() + "/" + operation)
	if known && !job.Ended {
		out.Progress, out.Message = min(job.Percent, 99), string(job.Phase)
		return out, nil
	}
	if known && job.Err != nil {
		out.Message = fault.As(job.Err).Message
	}
	return out, f.begin(ctx, b, operation)
}

// ending is whether a change is over, and why it failed.
type ending struct {
	over    bool
	failure error
}

func failed(format string, args ...any) (ending, error) {
	return ending{over: true, failure: fault.Precondition(format, args...)}, nil
}

// ended reads from the rows how a change stands.
func (f *Fleet) ended(ctx context.Context, b centre.Book, operation string) (ending, error) {
	kind, id, _ := strings.Cut(operation, "/")
	if kind == "cluster" || kind == "cluster-removal" {
		c, err := b.Cluster(ctx, id)
		switch {
		case kind == "cluster-removal" && fault.Is(err, fault.ClassNotFound):
			return ending{over: true}, nil
		case err != nil:
			return ending{}, known(err, operation)
		case kind == "cluster-removal" && c.State == centre.Closing:
			return ending{}, nil
		case kind == "cluster-removal" && c.State != centre.Failed:
			return failed("the cluster is not being removed")
		case c.State == centre.Failed:
			return failed("%s", c.Problem)
		}
		return ending{over: c.State == centre.Ready}, nil
	}
	d, err := b.Device(ctx, id)
	switch {
	case err != nil:
		return ending{}, known(err, operation)
	case kind == "worker-removal":
		if d.State != centre.Idle && d.Leaving == "" {
			return failed("the device did not leave: %s", d.Problem)
		}
		return ending{over: d.State == centre.Idle}, nil
	case d.State == centre.Idle:
		return failed("the device did not join: %s", d.Problem)
	}
	return ending{over: d.NodeName != ""}, nil
}

// known says that an operation whose thing is gone is unknown.
func known(err error, operation string) error {
	if fault.Is(err, fault.ClassNotFound) {
		return fault.NotFound("operation", operation)
	}
	return err
}

// machine is how a device is reached. A host key that is seen first is kept
// before any password is sent.
func machine(ctx context.Context, b centre.Book, d centre.Device) (remote.Config, error) {
	password, err := b.DevicePassword(ctx, d.ID)
	return remote.Config{
		Addr: net.JoinHostPort(d.IP, strconv.Itoa(d.SSHPort)), User: d.AdminUser, Password: password, HostKey: d.HostKey,
		Trust: func(ctx context.Context, hostKey string) error { return b.Known(ctx, d.ID, hostKey, "") },
	}, err
}

// open reads a device and how it is reached.
func open(ctx context.Context, b centre.Book, id string) (centre.Device, remote.Config, error) {
	d, err := b.Device(ctx, id)
	if err != nil {
		return d, remote.Config{}, fmt.Errorf("reading the device: %w", err)
	}
	at, err := machine(ctx, b, d)
	return d, at, err
}
