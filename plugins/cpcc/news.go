package main

import (
	"context"
	"sync"
	"time"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/provider"
)

const (
	// mostWatched bounds how many workloads are watched at once; the others are
	// asked about.
	mostWatched = 64
	// watchTime bounds the watch over one workload.
	watchTime = 5 * time.Minute
)

// news tells the broker that a change of a workload is at its end, so that it
// asks then and not a pause later. What is lost of it costs that pause alone.
//
// Safe for concurrent use. It owns its goroutines; close waits for them.
type news struct {
	plugin *plugin
	slots  chan struct{}
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	ends   map[string]context.CancelFunc // by account and operation
}

func newNews(p *plugin) *news {
	return &news{plugin: p, slots: make(chan struct{}, mostWatched), ends: map[string]context.CancelFunc{}}
}

// again follows the workload of an operation that somebody asks about and that goes
// on: whoever followed it may have ended with another process.
func (n *news) again(ctx context.Context, o *office, operation string) {
	w, ok, err := n.plugin.keeper.Subject(ctx, o.desk, operation)
	if err == nil && ok { // whoever polls finds out
		n.follow(ctx, o, w)
	}
}

// follow watches a workload that the cluster was told of, until it has come to
// rest, and tells of the operation then. One that is watched already is left alone.
func (n *news) follow(ctx context.Context, o *office, w workload.Workload) {
	if w.Phase != workload.Applied {
		return
	}
	on, in, err := n.plugin.keeper.Running(ctx, o.desk, w.ID)
	if err != nil || on.Service.URL != "" {
		return // whoever polls finds out
	}
	ctx, done := n.begin(ctx, o.call.Account.ID+"/"+w.Operation())
	if done == nil {
		return
	}
	n.work.Go(func() {
		defer done()
		if n.plugin.engine.Await(ctx, on, in) != nil {
			return
		}
		operation := w.Operation()
		// Lost news are found out by who polls.
		_ = n.plugin.host.Emit(ctx, provider.Scope{RootOrg: o.call.RootOrg}, provider.OperationEvent(operation, operation))
	})
}

// begin takes a slot; done is nil when there is none, or when somebody watches.
func (n *news) begin(ctx context.Context, id string) (_ context.Context, done func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.ends[id] != nil {
		return nil, nil
	}
	select {
	case n.slots <- struct{}{}:
	default:
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), watchTime)
	n.ends[id] = cancel
	return ctx, func() {
		cancel()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.ends, id)
		<-n.slots
	}
}

// close ends the watches.
func (n *news) close() {
	n.mu.Lock()
	n.closed = true
	for _, cancel := range n.ends {
		cancel()
	}
	n.mu.Unlock()
	n.work.Wait()
}
