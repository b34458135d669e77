// Package saletest proves the whole way of a sale with real processes: a broker,
// the plugin, and a Kubernetes control plane, walked over REST by examples/centre.
// It holds tests alone; the broker and the example are built and run, never
// imported.
package saletest
