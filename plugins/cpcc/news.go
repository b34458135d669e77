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
	last   int
	ends   map[int]context.CancelFunc
}

func newNews(p *plugin) *news {
	return &news{plugin: p, slots: make(chan struct{}, mostWatched), ends: map[int]context.CancelFunc{}}
}

// follow watches a workload that the cluster was told of, until it has come to
// rest, and tells of the operation then.
func (n *news) follow(ctx context.Context, o *office, w workload.Workload) {
	if w.Phase != workload.Applied {
		return
	}
	on, in, err := n.plugin.keeper.Running(ctx, o.desk, w.ID)
	if err != nil || on.Service.URL != "" {
		return // whoever polls finds out
	}
	ctx, done := n.begin(ctx)
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

// begin takes a slot; done is nil when there is none.
func (n *news) begin(ctx context.Context) (_ context.Context, done func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil
	}
	select {
	case n.slots <- struct{}{}:
	default:
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), watchTime)
	n.last++
	id := n.last
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
