package main

import (
	"context"
	"os"
	"slices"
	"sync/atomic"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// reportsUnhealthy says that it is not well from the second time on that it is
// asked ("always": from the first), until it is asked for regions: then it is
// well again.
func reportsUnhealthy() {
	p := &ill{}
	if slices.Contains(os.Args, "always") {
		p.asked.Add(1)
	}
	serve(p)
}

type ill struct {
	cloud
	asked  atomic.Int64 // how often
	healed atomic.Bool
}

// Health complains.
func (p *ill) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	if p.asked.Add(1) > 1 && !p.healed.Load() {
		return nil, convert.StatusFromFault(fault.Unavailable("the cloud's gate is shut, token=hunter2hunter2"))
	}
	return &pb.HealthResponse{}, nil
}

// Regions heals.
func (p *ill) Regions(ctx context.Context, req *pb.RegionsRequest) (*pb.RegionsResponse, error) {
	p.healed.Store(true)
	return p.cloud.Regions(ctx, req)
}
