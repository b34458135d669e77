package main

import (
	"context"
	"time"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// leaksMemory takes more and more memory from the first call for regions on.
func leaksMemory() { sdk.Serve(&leaking{}) }

type leaking struct {
	fake
	kept [][]byte
}

// leakMost spares the machine when nobody ends the process, bytes.
const leakMost = 1 << 30

// Regions leaks until the process is ended, 8 MiB every 10 ms.
func (l *leaking) Regions(ctx context.Context, _ provider.RegionsRequest) ([]provider.Region, error) {
	for range time.Tick(10 * time.Millisecond) {
		if len(l.kept) == leakMost>>23 {
			break
		}
		block := make([]byte, 8<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1 // memory that nobody wrote to is not there
		}
		l.kept = append(l.kept, block)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}
