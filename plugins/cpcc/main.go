// Command tradewind-provider-cpcc sells the capacity of compute centres:
// Kubernetes clusters on the operator's own machines. It is a translator only
// towards the clusters; the business itself (centres, devices, clusters, labels,
// priced parts with their stock, workloads) is its own, and lives in the
// broker's storage.
//
// One process serves all accounts at once and keeps nothing that must survive
// it: another process, also of another version, goes on where it stopped.
package main

import (
	"context"
	"log/slog"
	_ "time/tzdata" // days begin in the account's zone on machines without a zone database

	"tradewind.example/plugins/cpcc/internal/engine"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/sdk"
)

func main() { sdk.Serve(newLive()) }

// live is the plugin on real clusters: what reaches them is made when there is a
// log, so that a plugin that is only described opens nothing.
type live struct {
	*plugin
	clusters *engine.Engine
}

func newLive() *live {
	clusters := engine.New(engine.Config{Log: slog.New(slog.DiscardHandler)})
	return &live{plugin: newPlugin(clusters, nil), clusters: clusters}
}

// UseLogger takes the SDK's logger. It comes before any other call.
func (l *live) UseLogger(log *slog.Logger) {
	l.clusters.Close()
	l.clusters = engine.New(engine.Config{Log: log})
	l.attach(l.clusters, kubeadm.New(kubeadm.Config{Log: log}))
}

// Shutdown ends what is under way and lets go of the connections.
func (l *live) Shutdown(ctx context.Context) error {
	defer l.clusters.Close()
	return l.plugin.Shutdown(ctx)
}
