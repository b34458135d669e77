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

	"tradewind.example/plugins/cpcc/internal/engine"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk"
)

func main() { sdk.Serve(&live{plugin: newPlugin(nil)}) }

// live is the plugin on real clusters: its engine is made when there is a log.
type live struct {
	*plugin
	clusters *engine.Engine
}

// UseLogger takes the SDK's logger and makes the engine. It comes before any
// other call.
func (l *live) UseLogger(log *slog.Logger) {
	l.clusters = engine.New(engine.Config{Log: log})
	l.engine, l.keeper = l.clusters, workload.NewKeeper(l.clusters)
}

// Shutdown lets go of the connections.
func (l *live) Shutdown(context.Context) error {
	l.clusters.Close()
	return nil
}
