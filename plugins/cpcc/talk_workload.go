package main

import (
	"context"
	"io"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Logs streams a pod's output. One that is followed ends when its container
// does, or its reader.
func (h workloads) Logs(ctx context.Context, req provider.LogsRequest, out io.Writer) error {
	on, in, err := h.inside(ctx, req.Call, req.ID)
	if err != nil {
		return err
	}
	err = h.engine.Stream(ctx, on, in, workload.LogStream{
		Pod: req.Part, Container: req.Container, Tail: req.TailLines, Since: req.Since, Follow: req.Follow,
		Timestamps: req.Timestamps, Previous: req.Previous,
	}, out)
	if err == nil && ctx.Err() != nil {
		return fault.Unavailable("the reader has left").With(ctx.Err())
	}
	return err
}

// Console runs a command in a container, a shell by default.
func (h workloads) Console(ctx context.Context, req provider.ConsoleRequest, t provider.Terminal) (int, error) {
	on, in, err := h.inside(ctx, req.Call, req.ID)
	if err != nil {
		return 0, err
	}
	return h.engine.Console(ctx, on, in, workload.Session{
		Pod: req.Part, Container: req.Container, Command: req.Command, Terminal: req.Terminal,
	}, t)
}
