package main

import (
	"context"
	"io"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/provider"
)

// worker is what works on clusters, by one transport.
type worker interface {
	workload.Engine
	workload.Inspector
	workload.Talker
	boards
	nodeKeeper
}

// routed works on each cluster by the transport of its centre.
type routed struct {
	gate
	native, service worker
}

func (r routed) by(on workload.Target) worker {
	if on.Service.URL != "" {
		return r.service
	}
	return r.native
}

// Apply makes a workload what in says.
func (r routed) Apply(ctx context.Context, on workload.Target, in workload.Instance) error {
	return r.by(on).Apply(ctx, on, in)
}

// Remove removes a workload.
func (r routed) Remove(ctx context.Context, on workload.Target, in workload.Instance) (gone bool, err error) {
	return r.by(on).Remove(ctx, on, in)
}

// Observe tells how a workload is.
func (r routed) Observe(ctx context.Context, on workload.Target, in workload.Instance) (workload.Seen, error) {
	return r.by(on).Observe(ctx, on, in)
}

// Fits tells for each need whether nodes can hold it.
func (r routed) Fits(ctx context.Context, on workload.Target, needs []workload.Need) ([]workload.Verdict, error) {
	return r.by(on).Fits(ctx, on, needs)
}

// Logs reads the end of a pod's output.
func (r routed) Logs(ctx context.Context, on workload.Target, in workload.Instance, req workload.LogRequest) (string, error) {
	return r.by(on).Logs(ctx, on, in, req)
}

// Exec runs a command in a container.
func (r routed) Exec(ctx context.Context, on workload.Target, in workload.Instance, pod string, command []string, stdin string) (workload.Ran, error) {
	return r.by(on).Exec(ctx, on, in, pod, command, stdin)
}

// Events lists what happened to a workload.
func (r routed) Events(ctx context.Context, on workload.Target, in workload.Instance) ([]workload.Happening, error) {
	return r.by(on).Events(ctx, on, in)
}

// Await waits until a workload has come to rest.
func (r routed) Await(ctx context.Context, on workload.Target, in workload.Instance) error {
	return r.by(on).Await(ctx, on, in)
}

// Stream copies a pod's output as it comes.
func (r routed) Stream(ctx context.Context, on workload.Target, in workload.Instance, req workload.LogStream, out io.Writer) error {
	return r.by(on).Stream(ctx, on, in, req, out)
}

// Console runs a command for somebody who types.
func (r routed) Console(ctx context.Context, on workload.Target, in workload.Instance, req workload.Session, t provider.Terminal) (int, error) {
	return r.by(on).Console(ctx, on, in, req, t)
}

// Pods yields the pods of a cluster.
func (r routed) Pods(ctx context.Context, on workload.Target, yield func(board.PodRow) error) error {
	return r.by(on).Pods(ctx, on, yield)
}

// Nodes yields the nodes of a cluster.
func (r routed) Nodes(ctx context.Context, on workload.Target, yield func(board.NodeRow) error) error {
	return r.by(on).Nodes(ctx, on, yield)
}

// Label sets or removes a label of a node.
func (r routed) Label(ctx context.Context, on workload.Target, node, key, value string, remove bool) error {
	return r.by(on).Label(ctx, on, node, key, value, remove)
}

// Models says what a node is made of.
func (r routed) Models(ctx context.Context, on workload.Target, node, card, core string) error {
	return r.by(on).Models(ctx, on, node, card, core)
}

// Cordon keeps new pods away from a node, or lets them come again.
func (r routed) Cordon(ctx context.Context, on workload.Target, node string, away bool) error {
	return r.by(on).Cordon(ctx, on, node, away)
}

// Drain moves the pods of a node away.
func (r routed) Drain(ctx context.Context, on workload.Target, node string, bare bool, most time.Duration) (left, blocked int, err error) {
	return r.by(on).Drain(ctx, on, node, bare, most)
}

// RemoveNode takes a node out of its cluster.
func (r routed) RemoveNode(ctx context.Context, on workload.Target, node string, force bool, most time.Duration) error {
	return r.by(on).RemoveNode(ctx, on, node, force, most)
}
