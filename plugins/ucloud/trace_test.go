package main

import (
	"context"
	"testing"

	"tradewind.example/sdk/plugintest"
)

// TestRequestsToTheCloudAreTraced: also those of the vendor's SDK, which knows
// no contexts.
func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	plugintest.Traced(t, p, w.call())
}
