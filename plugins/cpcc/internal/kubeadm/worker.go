package kubeadm

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

// Nodes is what a cluster's API does for its members; *node.Keeper is one.
type Nodes interface {
	// Ready tells whether the node is there and ready.
	Ready(ctx context.Context, node string) (bool, error)
	// Remove takes a node out of the cluster; one that is gone is a success.
	Remove(ctx context.Context, node string, r node.Removal) error
}

// Worker is a machine to make a member.
type Worker struct {
	ID      string // the caller's own, of the machine in this cluster; marks it
	Control remote.Config
	At      remote.Config
	Nodes   Nodes
}

// NewWorker makes a machine a member with a token of its own, waits until its
// node is ready, and returns the node's name. When it fails after the machine
// was changed, the machine is given back and the node removed.
func (i *Installer) NewWorker(ctx context.Context, w Worker, progress Progress) (string, error) {
	progress(PhaseConnect, 0)
	m, err := remote.Dial(ctx, w.At)
	if err != nil {
		return "", err
	}
	defer i.closing(ctx, m)
	mark := markOf(RoleWorker, w.ID)
	progress(PhasePreflight, 10)
	out, err := i.run(ctx, m, PhasePreflight, "preflight.sh", vars{"MARK": mark, "KEY": ""})
	if err != nil {
		return "", err
	}
	name := strings.ToLower(lastLine(out))
	progress(PhaseToken, 30)
	join, err := i.freshToken(ctx, w.Control)
	if err != nil {
		return "", err
	}
	if err := i.join(ctx, m, mark, name, join, w.Nodes, progress); err != nil {
		err = i.giveBack(ctx, w.At, m.HostKey(), mark, err)
		return "", i.forget(ctx, w.Nodes, name, err)
	}
	return name, nil
}

func (i *Installer) join(ctx context.Context, m *remote.Machine, mark, name string, j joining, nodes Nodes, progress Progress) error {
	progress(PhaseJoin, 40)
	if _, err := i.run(ctx, m, PhaseJoin, "join.sh", vars{"MARK": mark, "KEY": "", "CONFIG": encoded(j.config(name))}); err != nil {
		return err
	}
	progress(PhaseReady, 80)
	_, err := wait.Until(ctx, i.waiting(), func(ctx context.Context) (bool, error) {
		ready, err := nodes.Ready(ctx, name)
		if fault.Is(err, fault.ClassNotFound) {
			return false, nil
		}
		return ready, err
	}, func(ready bool) (bool, error) { return ready, nil })
	return err
}

// forget removes what a failed join left in the cluster.
func (i *Installer) forget(ctx context.Context, nodes Nodes, name string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTime)
	defer cancel()
	if err := nodes.Remove(ctx, name, node.Removal{}); err != nil {
		i.cfg.Log.WarnContext(ctx, "a node is left of a join that failed", "node", name, "error", err)
	}
	return cause
}

// RemoveWorker takes a node out of its cluster and gives its machine back. With
// Force it does the one that can be done when the other cannot, and left says what
// a person has to do about that; "" for nothing. When neither can be done, the
// fault is that of the machine.
func (i *Installer) RemoveWorker(ctx context.Context, w Worker, name string, r node.Removal) (left string, err error) {
	apart := w.Nodes.Remove(ctx, name, r)
	if apart != nil && (!r.Force || !fault.Is(apart, fault.ClassUnavailable)) {
		return "", apart
	}
	err = i.Reset(ctx, RoleWorker, w.ID, w.At)
	switch {
	case err == nil && apart == nil:
		return "", nil
	case err == nil:
		left = fmt.Sprintf("the cluster did not answer and still has the node %q: remove it when it answers", name)
	case !r.Force || apart != nil || ctx.Err() != nil:
		return "", err
	default:
		left = "not reset: run kubeadm reset on the machine before it is used again: " + fault.As(err).Message
	}
	i.cfg.Log.WarnContext(ctx, "a worker was removed by force", "machine", w.At.Addr, "left", left)
	return left, nil
}

func (i *Installer) freshToken(ctx context.Context, control remote.Config) (joining, error) {
	m, err := remote.Dial(ctx, control)
	if err != nil {
		return joining{}, fmt.Errorf("reaching the control plane's machine: %w", err)
	}
	defer i.closing(ctx, m)
	return i.token(ctx, m)
}

func (i *Installer) token(ctx context.Context, m *remote.Machine) (joining, error) {
	out, err := i.run(ctx, m, PhaseToken, "token.sh", nil)
	if err != nil {
		return joining{}, err
	}
	return parseJoin(out)
}

// joining is what a join command says.
type joining struct{ endpoint, token, hash string }

// joinForm is the one form that is taken: its parts are used, it is never run.
var joinForm = regexp.MustCompile(`^kubeadm join ([A-Za-z0-9.:\[\]-]+) --token ([a-z0-9]{6}\.[a-z0-9]{16}) --discovery-token-ca-cert-hash (sha256:[0-9a-f]{64})$`)

func parseJoin(text string) (joining, error) {
	for line := range strings.Lines(text) {
		if m := joinForm.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			if _, _, err := net.SplitHostPort(m[1]); err == nil {
				return joining{endpoint: m[1], token: m[2], hash: m[3]}, nil
			}
		}
	}
	return joining{}, fault.Precondition("the control plane's kubeadm printed no join command of the known form")
}

func (j joining) command() secret.Value {
	return secret.New(fmt.Sprintf("kubeadm join %s --token %s --discovery-token-ca-cert-hash %s", j.endpoint, j.token, j.hash))
}

// id is the part of the token that is no secret.
func (j joining) id() string {
	id, _, _ := strings.Cut(j.token, ".")
	return id
}

// config hands the same to kubeadm in a file: a command line is seen by all.
func (j joining) config(name string) string {
	return fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: %q
    token: %q
    caCertHashes: [%q]
nodeRegistration:
  name: %q
`, j.endpoint, j.token, j.hash, name)
}

// withAddress puts the address by which the cluster is reached from here into a
// kubeconfig.
func withAddress(config, address string) (string, error) {
	cfg, err := clientcmd.Load([]byte(config))
	if err != nil || len(cfg.Clusters) == 0 {
		return "", fault.Precondition("the machine's kubeconfig cannot be read")
	}
	if address == "" {
		return config, nil
	}
	for _, c := range cfg.Clusters {
		if err := readdress(c, address); err != nil {
			return "", err
		}
	}
	out, err := clientcmd.Write(*cfg)
	if err != nil {
		return "", fault.Internal(err, "writing a kubeconfig")
	}
	return string(out), nil
}

func readdress(c *api.Cluster, address string) error {
	u, err := url.Parse(c.Server)
	if err != nil {
		return fault.Precondition("the machine's kubeconfig cannot be read")
	}
	u.Host = net.JoinHostPort(address, u.Port())
	c.Server = u.String()
	return nil
}
