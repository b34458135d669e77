// Package engine runs the workloads of the business on real clusters: it says in
// the words of package cluster what is said in those of package workload. It
// decides nothing, keeps nothing that a cluster does not have, and computes no
// price.
//
// An [Engine] is safe for concurrent use and holds no goroutine between calls.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubeconfig"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// patience is how long a removal waits for pods before it says that it goes on.
const patience = 10 * time.Second

// mostManagers bounds the clusters whose state is remembered.
const mostManagers = 64

// Config of an Engine. Log is required.
type Config struct {
	Log   *slog.Logger
	Clock clock.Clock // default: the machine's
}

// Engine works on clusters.
type Engine struct {
	pool  *cluster.Pool
	log   *slog.Logger
	clock clock.Clock

	mu       sync.Mutex
	managers map[*cluster.Client]*run.Manager
}

// New makes an engine; it must be closed.
func New(cfg Config) *Engine {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	return &Engine{
		pool: cluster.NewPool(cluster.Config{}), log: cfg.Log, clock: cfg.Clock, managers: map[*cluster.Client]*run.Manager{},
	}
}

// Close lets go of all connections.
func (e *Engine) Close() { e.pool.Close() }

// Admit refuses a kubeconfig that would run commands or read files here.
func (e *Engine) Admit(_ context.Context, config secret.Value) error {
	if _, err := kubeconfig.Parse(config); err != nil {
		return fault.Invalid("spec.kubeconfig", "%s", fault.As(err).Message)
	}
	return nil
}

func (e *Engine) manager(on workload.Target) (*run.Manager, error) {
	client, err := e.pool.Get(on.Kubeconfig)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.managers[client]
	if m == nil {
		if len(e.managers) >= mostManagers {
			clear(e.managers)
		}
		m = run.New(run.Config{Client: client, Log: e.log, Clock: e.clock, Patience: patience})
		e.managers[client] = m
	}
	return m, nil
}

func (e *Engine) nodes(on workload.Target) (*node.Keeper, error) {
	client, err := e.pool.Get(on.Kubeconfig)
	if err != nil {
		return nil, err
	}
	return node.New(node.Config{Client: client, Log: e.log, Clock: e.clock}), nil
}

// Apply makes the workload what in says.
func (e *Engine) Apply(ctx context.Context, on workload.Target, in workload.Instance) error {
	m, err := e.manager(on)
	if err != nil {
		return err
	}
	spec, err := SpecOf(on, in)
	if err != nil {
		return err
	}
	_, err = m.Apply(ctx, spec)
	return err
}

// Remove removes all there is of the workload; its data stays when that was ordered.
func (e *Engine) Remove(ctx context.Context, on workload.Target, in workload.Instance) (gone bool, err error) {
	m, err := e.manager(on)
	if err != nil {
		return false, err
	}
	data := run.DataDrop
	if in.Spec.RetainVolumes {
		data = run.DataKeep
	}
	err = m.Delete(ctx, refOf(on, in), run.DeleteOptions{Data: data})
	return err == nil, err
}

// Observe tells how the workload is; one that the cluster does not have is missing.
func (e *Engine) Observe(ctx context.Context, on workload.Target, in workload.Instance) (workload.Seen, error) {
	m, err := e.manager(on)
	if err != nil {
		return workload.Seen{}, err
	}
	look := m.Status
	if in.Spec.ServicePort == 0 {
		look = m.Inside
	}
	s, err := look(ctx, refOf(on, in))
	if fault.Is(err, fault.ClassNotFound) {
		return workload.Seen{Failed: in.Replicas > 0, Reason: "Missing", Wanted: in.Replicas}, nil
	}
	if err != nil {
		return workload.Seen{}, err
	}
	return seenOf(s), nil
}

func seenOf(s run.Status) workload.Seen {
	out := workload.Seen{
		Exists: true, Current: s.Observed >= s.Generation, Wanted: s.Desired, Ready: s.Ready, Reason: s.Reason, Message: s.Message,
		Done:   s.Phase == run.PhaseRunning || s.Phase == run.PhaseSucceeded,
		Failed: s.Phase == run.PhaseDegraded || s.Phase == run.PhaseFailed, Links: s.Reach.Addresses,
	}
	if s.Phase == run.PhaseStopped {
		out.Wanted, out.Ready = 0, 0
	}
	if s.Reach.NodePort != 0 {
		out.Ports = []int{s.Reach.NodePort}
	}
	return out
}
