package main

import (
	"context"
	"os"
	"strconv"
	"sync/atomic"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// crashesEveryNCalls ends in every nth call for regions; n is the second argument.
func crashesEveryNCalls() {
	n, err := strconv.ParseInt(os.Args[len(os.Args)-1], 10, 64)
	if err != nil || n < 1 {
		os.Exit(64)
	}
	sdk.Serve(&crashing{every: n})
}

type crashing struct {
	fake
	every int64
	asked atomic.Int64
}

// Regions ends the process when it is time.
func (c *crashing) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	if c.asked.Add(1)%c.every == 0 {
		os.Exit(5)
	}
	return c.fake.Regions(ctx, req)
}
