package main

import (
	"context"
	"sync"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// deadlocksOnCall takes a lock twice when it is asked for regions.
func deadlocksOnCall() { sdk.Serve(&deadlocking{}) }

type deadlocking struct {
	fake
	mu sync.Mutex
}

// Regions never returns, and heeds no context.
func (d *deadlocking) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	d.mu.Lock()
	sdk.Logger().Info("deadlocked")
	d.mu.Lock()
	return nil, nil
}
