package fleet

import (
	"context"
	"errors"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// Service works on the machines of centres that only their own service reaches;
// *pcapi.Client is one. Its calls last as long as the works do and tell nothing in
// between. A refusal is a precondition fault whose outcome is unknown: the wire has
// no reasons.
type Service interface {
	NewCluster(ctx context.Context, s workload.Service, clusterID string) (kubeadm.Made, error)
	NewWorker(ctx context.Context, s workload.Service, clusterID string, at workload.Machine, join secret.Value) (node string, err error)
	RemoveWorker(ctx context.Context, s workload.Service, clusterID, node string, at workload.Machine, force bool) (left string, err error)
	// Members lists the nodes; repeats says that the works above may be asked for
	// again, and may be true beside an error.
	Members(ctx context.Context, s workload.Service) (rows []board.NodeRow, repeats bool, err error)
}

const (
	// phaseLook is a look at the board for what came of a lost answer.
	phaseLook kubeadm.Phase = "look"
	// answered is by when the answer to a work has come or is lost.
	answered = 25 * time.Minute
)

// What a person does about what the wire cannot tell.
const (
	halfMade   = "; its machine may be half made: see the service's log, and run kubeadm reset on the machine before it is used again"
	openIt     = "the control plane is there, but the answer with its kubeconfig got lost: give it with give_kubeconfig, or remove the cluster"
	stillThere = "not reset: a centre's service takes no control plane down: run kubeadm reset on the machine before it is used again"
)

// refused reports whether a service has said no.
func refused(err error) bool {
	return fault.Is(err, fault.ClassPrecondition) && fault.OutcomeOf(err) == fault.OutcomeUnknown
}

// installBy has a cluster installed by its centre's service, which is asked once. A
// service whose answer got lost is asked again only when it says that it may be.
func (f *Fleet) installBy(ctx context.Context, b centre.Book, c centre.Cluster, s workload.Service, progress kubeadm.Progress) error {
	if !c.Asked.IsZero() {
		return f.lookFor(ctx, b, c, s, progress)
	}
	first, err := b.Ask(ctx, c.ID)
	if err != nil || !first {
		return err
	}
	return f.ask(ctx, b, c, s, false, progress)
}

// ask asks for the cluster, whose row says so already; repeat is true when it
// was asked for before.
func (f *Fleet) ask(ctx context.Context, b centre.Book, c centre.Cluster, s workload.Service, repeat bool, progress kubeadm.Progress) error {
	progress(kubeadm.PhaseInit, 15)
	made, err := f.cfg.Service.NewCluster(ctx, s, c.ID)
	if err == nil {
		progress(kubeadm.PhaseCredentials, 90)
		if err = f.cfg.Admit(ctx, made.Kubeconfig); err == nil {
			return b.Installed(ctx, c.ID, made.Kubeconfig, made.Join, "")
		}
		return f.notInstalled(ctx, b, c.ID, "the kubeconfig that the centre's service gave is refused: "+why(err), err)
	}
	problem, over := hopeless(ctx, b, c.Created, err, resetIt)
	untouched := fault.OutcomeOf(err) == fault.OutcomeNotDone && !repeat
	var back error
	switch {
	case refused(err):
		problem += halfMade
	case doubtful(ctx, err) && !over:
		if untouched {
			back = b.Unask(ctx, c.ID)
		}
		return errors.Join(back, err)
	case untouched: // nobody was let in, or there is no such endpoint
		back = b.Free(ctx, c.ControllerID, c.ID)
	}
	if back != nil {
		return back
	}
	return f.notInstalled(ctx, b, c.ID, problem, err)
}

// why is what is wrong, for people.
func why(err error) string {
	if e := fault.As(err); len(e.Fields) > 0 {
		return e.Fields[0].Message
	}
	return fault.As(err).Message
}

// notInstalled makes a cluster failed; its device stays locked unless it was freed.
func (f *Fleet) notInstalled(ctx context.Context, b centre.Book, id, problem string, why error) error {
	if err := b.Installed(ctx, id, secret.Value{}, secret.Value{}, problem); err != nil {
		return err
	}
	return why
}

// lookFor finds out what came of a question whose answer got lost.
func (f *Fleet) lookFor(ctx context.Context, b centre.Book, c centre.Cluster, s workload.Service, progress kubeadm.Progress) error {
	progress(phaseLook, 50)
	rows, repeats, err := f.cfg.Service.Members(ctx, s)
	if repeats {
		return f.ask(ctx, b, c, s, true, progress)
	}
	if err == nil && len(rows) > 0 {
		lost := fault.Precondition("%s", openIt)
		if b.Now.Sub(c.Asked) < answered { // by another process, that may still be told
			return fault.Unavailable("the centre's service was asked: its answer is waited for")
		}
		return f.notInstalled(ctx, b, c.ID, lost.Message, lost)
	}
	if err == nil {
		err = fault.Unavailable("there is no control plane yet")
	}
	if problem, over := hopeless(ctx, b, c.Created, err, resetIt); over {
		return f.notInstalled(ctx, b, c.ID, problem, err)
	}
	return err
}

// joinBy has a device join by its centre's service: asked once, and looked for on
// the board, since the wire does not tell the node's name.
func (f *Fleet) joinBy(ctx context.Context, b centre.Book, d centre.Device, s workload.Service, progress kubeadm.Progress) error {
	err := f.joined(ctx, b, d, s, progress)
	if err == nil {
		return nil
	}
	problem, over := hopeless(ctx, b, d.Updated, err, resetIt)
	switch {
	case refused(err):
		problem += halfMade
	case doubtful(ctx, err) && !over:
		return err
	}
	if kept := b.Unjoined(ctx, d.ID, d.ClusterID, problem); kept != nil {
		return kept
	}
	return err
}

// joined takes a join further: asks for it, or looks for what came of that.
func (f *Fleet) joined(ctx context.Context, b centre.Book, d centre.Device, s workload.Service, progress kubeadm.Progress) error {
	if d.Asked.IsZero() {
		first, err := b.AskJoin(ctx, d.ID, d.ClusterID)
		if err != nil || !first {
			return err
		}
		return f.askJoin(ctx, b, d, s, progress)
	}
	progress(phaseLook, 80)
	rows, repeats, err := f.cfg.Service.Members(ctx, s)
	if err != nil {
		return err
	}
	taken, err := f.taken(ctx, b, d)
	if err != nil {
		return err
	}
	row, there := nodeOf(d, rows, taken)
	switch {
	case there && strings.HasPrefix(row.Status, "Ready"):
		return b.Known(ctx, d.ID, "", row.Name)
	case repeats:
		return f.askJoin(ctx, b, d, s, progress)
	}
	return fault.Unavailable("its node is not ready on the board yet")
}

// askJoin asks for the join, whose row says so already.
func (f *Fleet) askJoin(ctx context.Context, b centre.Book, d centre.Device, s workload.Service, progress kubeadm.Progress) error {
	at, err := workload.MachineOf(ctx, b, d)
	if err != nil {
		return err
	}
	join, err := b.Join(ctx, d.ClusterID, d.ID)
	if err != nil {
		return err
	}
	progress(kubeadm.PhaseJoin, 40)
	name, err := f.cfg.Service.NewWorker(ctx, s, d.ClusterID, at, join)
	switch {
	case err == nil && name != "":
		return b.Known(ctx, d.ID, "", name)
	case err == nil:
		return fault.Unavailable("its node is not ready on the board yet")
	case fault.OutcomeOf(err) == fault.OutcomeNotDone && d.Asked.IsZero():
		return errors.Join(b.UnaskJoin(ctx, d.ID, d.ClusterID), err)
	}
	return err
}

// taken are the nodes of the cluster's other devices.
func (f *Fleet) taken(ctx context.Context, b centre.Book, d centre.Device) (map[string]bool, error) {
	out := map[string]bool{}
	err := b.Devices(ctx, d.CentreID, func(other centre.Device) error {
		if other.ID != d.ID && other.ClusterID == d.ClusterID && other.NodeName != "" {
			out[other.NodeName] = true
		}
		return nil
	})
	return out, err
}

// nodeOf finds a device's node on the board: by its name, else by its addresses when
// one node alone has them.
func nodeOf(d centre.Device, rows []board.NodeRow, taken map[string]bool) (board.NodeRow, bool) {
	same := map[string]bool{d.ExternalIP: d.ExternalIP != "" && d.ExternalIP != centre.Unset, d.IP: true}
	var found []board.NodeRow
	for _, r := range rows {
		switch {
		case taken[r.Name] || r.Role == "control-plane":
		case strings.EqualFold(r.Name, d.Name):
			return r, true
		case same[r.InternalIP] || same[r.ExternalIP]:
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		return board.NodeRow{}, false
	}
	return found[0], true
}

// leaveBy has a worker taken out by its centre's service.
func (f *Fleet) leaveBy(ctx context.Context, b centre.Book, d centre.Device, s workload.Service, force bool) (left string, err error) {
	at, err := workload.MachineOf(ctx, b, d)
	if err != nil {
		return "", err
	}
	return f.cfg.Service.RemoveWorker(ctx, s, d.ClusterID, d.NodeName, at, force)
}
