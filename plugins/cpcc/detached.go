package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// detached is the engine of a plugin that reaches no clusters: the business can
// be kept, and whatever needs a cluster is refused.
type detached struct{}

func refused() error { return fault.Unsupported("this build of the plugin reaches no clusters") }

func (detached) Admit(context.Context, secret.Value) error { return refused() }

func (detached) Apply(context.Context, workload.Target, workload.Instance) error { return refused() }

func (detached) Remove(context.Context, workload.Target, workload.Instance) (bool, error) {
	return false, refused()
}

func (detached) Observe(context.Context, workload.Target, workload.Instance) (workload.Seen, error) {
	return workload.Seen{}, refused()
}

func (detached) Fits(context.Context, workload.Target, []price.Part, []string) (bool, string, error) {
	return false, "", refused()
}

func (detached) Logs(context.Context, workload.Target, workload.Instance, workload.LogRequest) (string, error) {
	return "", refused()
}

func (detached) Exec(context.Context, workload.Target, workload.Instance, string, []string, string) (workload.Ran, error) {
	return workload.Ran{}, refused()
}

func (detached) Events(context.Context, workload.Target, workload.Instance) ([]workload.Happening, error) {
	return nil, refused()
}
