// Package telemetry sends the broker's traces to a collector by OTLP over HTTP:
// each request, each job that came of it, and each call of a plugin with what
// the plugin did in it, as one tree. It makes the spans of requests and jobs;
// those of plugins are the host's. Without a collector there is no Telemetry
// and nothing is traced.
//
// A [Telemetry] is safe for concurrent use. It owns the exporter's goroutine
// from Open to Close. Spans that the collector does not take are dropped: what
// waits is bounded.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tradewind.example/core/job"
	"tradewind.example/sdk/fault"
)

// Config says where traces go. Exporter or Endpoint is required.
type Config struct {
	// Endpoint is the URL of the collector, with the path of its traces:
	// "http://127.0.0.1:4318/v1/traces".
	Endpoint string
	// SampleEvery traces one of so many requests; at least 1.
	SampleEvery int
	Version     string
	IDs         sdktrace.IDGenerator // nil: random ones
	Logger      *slog.Logger
	// Exporter takes the spans instead of a collector.
	Exporter sdktrace.SpanExporter
}

// Telemetry makes spans and sends them.
type Telemetry struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	parents  propagation.TraceContext
}

// Open connects to nothing yet: a collector that is down costs spans only.
func Open(ctx context.Context, cfg Config) (*Telemetry, error) {
	out := cfg.Exporter
	if out == nil {
		var err error
		if out, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Endpoint)); err != nil {
			return nil, fmt.Errorf("making the exporter of traces: %w", err)
		}
	}
	sampler := sampling(cfg.SampleEvery)
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithBatcher(&telling{SpanExporter: out, log: cfg.Logger}),
		sdktrace.WithSampler(sdktrace.ParentBased(sampler, sdktrace.WithRemoteParentSampled(sampler))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "tradewind"), attribute.String("service.version", cfg.Version))),
	}
	if cfg.IDs != nil {
		options = append(options, sdktrace.WithIDGenerator(cfg.IDs))
	}
	p := sdktrace.NewTracerProvider(options...)
	return &Telemetry{provider: p, tracer: p.Tracer("tradewind.example/core")}, nil
}

// sampling decides by the trace's id alone, so that all parts of a trace agree,
// and so that a client cannot have its requests traced by asking for it.
func sampling(every int) sdktrace.Sampler {
	return sdktrace.TraceIDRatioBased(1 / float64(max(1, every)))
}

// Provider makes the spans of others.
func (t *Telemetry) Provider() trace.TracerProvider { return t.provider }

// Close sends what waits, while ctx lasts.
func (t *Telemetry) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Request begins the span of an HTTP request, below the client's own when it
// sent a traceparent. here is the traceparent of the new span, "" when it is
// not recorded. Call end with the answer.
func (t *Telemetry) Request(ctx context.Context, method, traceparent string) (next context.Context, here string, end func(route string, status int)) {
	ctx, span := t.tracer.Start(t.below(ctx, traceparent), method, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, t.here(ctx), func(route string, status int) {
		if span.IsRecording() {
			span.SetName(method + " " + route)
			span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
				attribute.Int("http.response.status_code", status))
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, http.StatusText(status))
			}
		}
		span.End()
	}
}

// Job begins the span of one run of a job, below the request that asked for it.
// Of a failure it tells the class.
func (t *Telemetry) Job(ctx context.Context, j job.Job) (next context.Context, end func(error)) {
	ctx, span := t.tracer.Start(t.below(ctx, j.Trace), "job "+j.Kind, trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(attribute.String("tradewind.job", j.ID), attribute.Int("tradewind.attempt", j.Attempt))
	}
	return ctx, func(err error) {
		if err != nil && span.IsRecording() {
			span.SetStatus(codes.Error, fault.ClassOf(err).String())
		}
		span.End()
	}
}

const header = "traceparent"

func (t *Telemetry) below(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return t.parents.Extract(ctx, propagation.MapCarrier{header: traceparent})
}

func (t *Telemetry) here(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	t.parents.Inject(ctx, carrier)
	return carrier.Get(header)
}

// telling logs what the exporter fails at, where OpenTelemetry would write to
// standard error.
type telling struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

// ExportSpans sends spans.
func (e *telling) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.WarnContext(ctx, "traces are lost: the collector did not take them", "spans", len(spans), "error", err)
	}
	return nil
}
