package app

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"tradewind.example/core/config"
	"tradewind.example/core/job"
	"tradewind.example/core/telemetry"
	"tradewind.example/host/launch"
	"tradewind.example/host/observe"
)

// openTelemetry begins to trace, if there is a collector.
func (a *App) openTelemetry(ctx context.Context) (err error) {
	c := a.cfg.Telemetry
	if c.OTLPEndpoint == "" && a.spans == nil {
		return nil
	}
	a.traces, err = telemetry.Open(ctx, telemetry.Config{
		Endpoint: c.OTLPEndpoint, SampleEvery: c.SampleEvery, Version: a.version, IDs: observe.IDs{}, Logger: a.log, Exporter: a.spans,
	})
	return err
}

// tracer makes the spans of plugin calls; nil: none.
func (a *App) tracer() trace.TracerProvider {
	if a.traces == nil {
		return nil
	}
	return a.traces.Provider()
}

// traceRequest makes the spans of requests; nil: none.
func (a *App) traceRequest() func(context.Context, string, string) (context.Context, string, func(string, int)) {
	if a.traces == nil {
		return nil
	}
	return a.traces.Request
}

// traceJob makes the spans of jobs; nil: none.
func (a *App) traceJob() func(context.Context, job.Job) (context.Context, func(error)) {
	if a.traces == nil {
		return nil
	}
	return a.traces.Job
}

// isolation is what an entry of the configuration says; nil: nothing.
func isolation(c config.Isolation) *launch.Isolation {
	if c == (config.Isolation{}) {
		return nil
	}
	own := bounds(c)
	return &own
}

func bounds(c config.Isolation) launch.Isolation {
	return launch.Isolation{
		MemoryBytes: int64(c.MemoryBytes), CPUMillis: c.CPUMillis, MaxProcesses: c.MaxProcesses,
		OpenFiles: c.OpenFiles, UID: c.UID, GID: c.GID,
	}
}
