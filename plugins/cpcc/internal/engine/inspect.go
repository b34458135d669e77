package engine

import (
	"bytes"
	"context"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/cluster/placement"
	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The bounds of what is read of a workload.
const (
	mostText   = 256 << 10 // bytes of a log or of a command's output
	mostEvents = 200
)

// Fits tells for each need whether nodes can hold it now.
func (e *Engine) Fits(ctx context.Context, on workload.Target, needs []workload.Need) ([]workload.Verdict, error) {
	client, err := e.pool.Get(on.Kubeconfig)
	if err != nil {
		return nil, err
	}
	asked := make([]placement.Need, 0, len(needs))
	for _, n := range needs {
		one, err := needOf(n)
		if err != nil {
			return nil, err
		}
		asked = append(asked, one)
	}
	verdicts, err := placement.Check(ctx, client, asked)
	out := make([]workload.Verdict, 0, len(verdicts))
	for _, v := range verdicts {
		out = append(out, workload.Verdict{OK: v.Fits, Reason: v.Reason})
	}
	return out, err
}

// bounded keeps the last bytes that were written to it.
type bounded struct{ buf bytes.Buffer }

// Write keeps the end of what was written.
func (b *bounded) Write(p []byte) (int, error) {
	b.buf.Write(p)
	if over := b.buf.Len() - mostText; over > 0 {
		b.buf.Next(over)
	}
	return len(p), nil
}

// text is what was kept, as valid text.
func (b *bounded) text() string { return strings.ToValidUTF8(b.buf.String(), "\uFFFD") }

// Logs returns the end of a pod's output.
func (e *Engine) Logs(ctx context.Context, on workload.Target, in workload.Instance, req workload.LogRequest) (string, error) {
	m, err := e.manager(on)
	if err != nil {
		return "", err
	}
	var out bounded
	err = m.Logs(ctx, refOf(on, in), run.LogOptions{Pod: req.Pod, Tail: req.Tail, Previous: req.Previous}, &out)
	return out.text(), err
}

// Exec runs a command in a container to its end.
func (e *Engine) Exec(ctx context.Context, on workload.Target, in workload.Instance, pod string, command []string, stdin string) (workload.Ran, error) {
	m, err := e.manager(on)
	if err != nil {
		return workload.Ran{}, err
	}
	var stdout, stderr bounded
	t := run.Terminal{Pod: pod, Command: command, Stdout: &stdout, Stderr: &stderr}
	if stdin != "" {
		t.Stdin = strings.NewReader(stdin)
	}
	code, err := m.Exec(ctx, refOf(on, in), t)
	return workload.Ran{Stdout: stdout.text(), Stderr: stderr.text(), Code: code}, err
}

// Events returns what happened to a workload, the newest first.
func (e *Engine) Events(ctx context.Context, on workload.Target, in workload.Instance) ([]workload.Happening, error) {
	m, err := e.manager(on)
	if err != nil {
		return nil, err
	}
	all, err := m.Events(ctx, refOf(on, in), mostEvents)
	out := make([]workload.Happening, 0, len(all))
	for _, v := range all {
		typ := "Normal"
		if v.Warning {
			typ = "Warning"
		}
		out = append(out, workload.Happening{
			Time: v.Last.UTC().Format(time.RFC3339), Type: typ, Reason: v.Reason, Object: v.About, Message: v.Message, Count: v.Count,
		})
	}
	return out, err
}

// Pods yields the pods of a cluster that are the business's, and those of others.
func (e *Engine) Pods(ctx context.Context, on workload.Target, yield func(board.PodRow) error) error {
	client, err := e.pool.Get(on.Kubeconfig)
	if err != nil {
		return err
	}
	return board.EachPod(ctx, client, e.clock.Now(), board.Query{}, yield)
}

// Nodes yields the nodes of a cluster.
func (e *Engine) Nodes(ctx context.Context, on workload.Target, yield func(board.NodeRow) error) error {
	client, err := e.pool.Get(on.Kubeconfig)
	if err != nil {
		return err
	}
	return board.EachNode(ctx, client, e.clock.Now(), board.Query{}, yield)
}

// Label sets a label of a node, or removes one that has this value.
func (e *Engine) Label(ctx context.Context, on workload.Target, name, key, value string, remove bool) error {
	k, err := e.nodes(on)
	if err != nil {
		return err
	}
	if remove {
		return k.Unlabel(ctx, name, key, value)
	}
	return k.Label(ctx, name, key, value)
}

// Models says which cards and processors a node has; "" leaves what it says.
func (e *Engine) Models(ctx context.Context, on workload.Target, name, card, core string) error {
	k, err := e.nodes(on)
	if err != nil {
		return err
	}
	for key, model := range map[string]string{cluster.LabelGPUModel: card, cluster.LabelCPUModel: core} {
		if model == "" {
			continue
		}
		if err := k.Label(ctx, name, key, kubename.Label(model)); err != nil {
			return err
		}
	}
	return nil
}

// Members opens a cluster for letting machines join and leave it.
func (e *Engine) Members(clusterID string, config secret.Value) (kubeadm.Nodes, error) {
	return e.nodes(workload.Target{ClusterID: clusterID, Kubeconfig: config})
}

// Cordon keeps new pods away from a node, or lets them come again.
func (e *Engine) Cordon(ctx context.Context, on workload.Target, name string, away bool) error {
	k, err := e.nodes(on)
	if err != nil {
		return err
	}
	if away {
		return k.Cordon(ctx, name)
	}
	return k.Uncordon(ctx, name)
}

// Drain empties a node as far as disruption budgets let it within the time; done
// is false while pods are left, and it may be repeated.
func (e *Engine) Drain(ctx context.Context, on workload.Target, name string, bare bool, most time.Duration) (left, blocked int, err error) {
	k, err := e.nodes(on)
	if err != nil {
		return 0, 0, err
	}
	out, err := k.Drain(ctx, name, node.DrainOptions{Timeout: most, Bare: bare})
	if fault.Is(err, fault.ClassUnavailable) && out.Left > 0 || fault.Is(err, fault.ClassPrecondition) && out.Blocked > 0 {
		err = nil
	}
	return out.Left, out.Blocked, err
}

// RemoveNode takes a node out of its cluster.
func (e *Engine) RemoveNode(ctx context.Context, on workload.Target, name string, force bool, most time.Duration) error {
	k, err := e.nodes(on)
	if err != nil {
		return err
	}
	return k.Remove(ctx, name, node.Removal{Force: force, Timeout: most})
}
