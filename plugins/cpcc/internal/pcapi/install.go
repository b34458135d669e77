package pcapi

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// Parameters that begin so name a second machine. Callers that do not know them
// are served as they always were.
const (
	ofControl = "control_" // of a join: mints its token, and knows the worker's node
	ofWorker  = "worker_"  // of a removal: is reset
)

func silent(kubeadm.Phase, int) {}

// work waits for the machine's turn. A work goes on when its caller leaves: a line
// that is cut after a minute must not undo an installation of five. Whoever asks
// again waits for it, and finds it done.
func (s *Server) work(ctx context.Context, at remote.Config, do func(context.Context) (answer, error)) (answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	end, err := s.turns.Take(ctx, at.Addr)
	if err != nil {
		return answer{}, err
	}
	defer end()
	return do(ctx)
}

// marks are what machines are marked by: by the cluster that the caller names,
// so that a machine which has belonged to another one is refused, else by where
// they are.
func (p params) marks(at remote.Config, worker bool) string {
	switch id := p["clusterid"]; {
	case id == "":
		return at.Addr
	case worker:
		return id + " " + at.Addr
	default:
		return id
	}
}

// newCluster makes a control plane and answers with the join command and, on the
// lines below it, the kubeconfig.
func (s *Server) newCluster(ctx context.Context, p params) (answer, error) {
	at, err := s.machine(p)
	if err != nil {
		return answer{}, err
	}
	if t := p["cluster_type"]; t != "" && t != "kubernetes" {
		return answer{}, fault.Unsupported("clusters of the type %q are not offered", t)
	}
	return s.work(ctx, at, func(ctx context.Context) (answer, error) {
		made, err := s.cfg.Machines.NewCluster(ctx, kubeadm.Cluster{ID: p.marks(at, false), Control: at}, silent)
		return orFailed(answer{info: done, data: made.Join.Reveal() + "\n" + made.Kubeconfig.Reveal()}, "", err)
	})
}

// joined is what a join says to callers that name the control plane's machine.
type joined struct {
	Node string `json:"node_name"`
}

// newWorker makes a machine a worker: by the join command that is given, or with a
// token of its own when the control plane's machine is named. Only then it waits
// for the node.
func (s *Server) newWorker(ctx context.Context, p params) (answer, error) {
	at, err := s.machine(p)
	if err != nil {
		return answer{}, err
	}
	w := kubeadm.Worker{ID: p.marks(at, true), At: at}
	if p[ofControl+"host"] == "" {
		if err := p.need("join_command"); err != nil {
			return answer{}, err
		}
		return s.work(ctx, at, func(ctx context.Context) (answer, error) {
			_, err := s.cfg.Machines.JoinGiven(ctx, w, secret.New(p["join_command"]), silent)
			return orFailed(answer{info: done, data: ""}, "", err)
		})
	}
	if w.Control, err = s.other(p, ofControl); err != nil {
		return answer{}, err
	}
	return s.work(ctx, at, func(ctx context.Context) (answer, error) {
		client, err := s.cluster(ctx, w.Control)
		if err != nil {
			return answer{}, err
		}
		w.Nodes = s.keep(client)
		name, err := s.cfg.Machines.NewWorker(ctx, w, silent)
		return orFailed(answer{info: done, data: joined{name}}, "", err)
	})
}

// removed is what a removal says.
type removed struct {
	Node  string `json:"node_name"`
	Force bool   `json:"force"`
	// Left is what a person has to do about a machine that was named; "" for nothing.
	Left string `json:"left,omitempty"`
}

// deleteNode takes a node out of its cluster, and resets its machine when the
// request names that too.
func (s *Server) deleteNode(ctx context.Context, p params) (answer, error) {
	if err := p.need("node_name"); err != nil {
		return answer{}, err
	}
	k, err := s.keeper(ctx, p)
	if err != nil {
		return answer{}, err
	}
	out := removed{Node: p["node_name"], Force: p.truth("force")}
	how := node.Removal{Force: out.Force}
	if p[ofWorker+"host"] == "" {
		err := k.Remove(ctx, out.Node, how)
		return orFailed(answer{info: "delete node success", data: out}, "delete node failed", err)
	}
	at, err := s.other(p, ofWorker)
	if err != nil {
		return answer{}, err
	}
	return s.work(ctx, at, func(ctx context.Context) (answer, error) {
		out.Left, err = s.cfg.Machines.RemoveWorker(ctx, kubeadm.Worker{ID: p.marks(at, true), At: at, Nodes: k}, out.Node, how)
		return orFailed(answer{info: "delete node success", data: out}, "delete node failed", err)
	})
}
