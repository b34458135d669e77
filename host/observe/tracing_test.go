package observe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"tradewind.example/host/guard"
	"tradewind.example/host/observe"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/trace"
	"tradewind.example/sdk/wire/client"
	pb "tradewind.example/sdk/wire/providerv1"
)

// exporting returns a provider and what it exported.
func exporting(t *testing.T, sampler sdktrace.Sampler) (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	out := tracetest.NewInMemoryExporter()
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(out), sdktrace.WithIDGenerator(observe.IDs{}), sdktrace.WithSampler(sampler))
	t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	return p, out
}

func traced(ctx context.Context, tr *observe.Tracing) (context.Context, *guard.Call, *pb.Call) {
	c := &guard.Call{
		Plugin: "fake", Method: pb.RegionsService_Regions_FullMethodName, Begun: time.Now(),
		Routed: true, Route: client.Route{Org: "org-1", Account: "acc-1", Region: "east"},
	}
	ctx, _ = tr.Begin(ctx, c)
	envelope := &pb.Call{}
	tr.Stamp(ctx, envelope)
	return ctx, c, envelope
}

// finished is a span that a plugin made for the call with that traceparent.
func finished(t *testing.T, traceparent, span, parent string) trace.Finished {
	t.Helper()
	at, ok := trace.Parse(traceparent)
	if !ok {
		t.Fatalf("%q is no traceparent", traceparent)
	}
	if parent == "" {
		parent = fmt.Sprintf("%x", at.Span)
	}
	return trace.Finished{
		Trace: fmt.Sprintf("%x", at.Trace), Span: span, Parent: parent, Name: "inside " + span, Kind: trace.KindServer,
		Start: time.Now().Add(-time.Second).UnixNano(), End: time.Now().UnixNano(), Attrs: map[string]string{"a": "b"}, Failure: "throttled",
	}
}

func TestPluginSpansJoinTheTree(t *testing.T) {
	t.Parallel()
	p, out := exporting(t, sdktrace.AlwaysSample())
	tr := observe.NewTracing("fake", p)
	root, request := p.Tracer("test").Start(t.Context(), "GET /v1/regions")
	ctx, c, envelope := traced(root, tr)
	// The inner span ends, and comes, before the outer one.
	if !tr.Join(t.Context(), finished(t, envelope.GetTraceparent(), "00000000000000b1", "00000000000000a1"), 7) ||
		!tr.Join(t.Context(), finished(t, envelope.GetTraceparent(), "00000000000000a1", ""), 7) {
		t.Fatal("the plugin's spans are refused")
	}
	tr.End(ctx, c, fault.Throttled(time.Second, "secret text"))
	request.End()

	byName := map[string]tracetest.SpanStub{}
	for _, s := range out.GetSpans() {
		byName[s.Name] = s
	}
	order := []string{"GET /v1/regions", "plugin RegionsService/Regions", "inside 00000000000000a1", "inside 00000000000000b1"}
	for i, name := range order[1:] {
		child, parent := byName[name], byName[order[i]]
		if child.SpanContext.TraceID() != parent.SpanContext.TraceID() || child.Parent.SpanID() != parent.SpanContext.SpanID() {
			t.Errorf("%q is not below %q", name, order[i])
		}
	}
	inside := byName[order[2]]
	if d := inside.EndTime.Sub(inside.StartTime); d < 900*time.Millisecond || inside.Status.Description != "throttled" || inside.SpanKind != oteltrace.SpanKindServer {
		t.Errorf("the plugin's span is %+v", inside)
	}
	if strings.Contains(fmt.Sprint(out.GetSpans()), "secret text") {
		t.Error("the text of an error is in a span")
	}
}

// TestForeignSpansAreRefused: a plugin cannot write into traces that it was
// never asked to work for, nor into any after a long time.
func TestForeignSpansAreRefused(t *testing.T) {
	t.Parallel()
	p, _ := exporting(t, sdktrace.AlwaysSample())
	tr := observe.NewTracing("fake", p)
	_, _, envelope := traced(t.Context(), tr)
	foreign := finished(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00000000000000a1", "")
	if tr.Join(t.Context(), foreign, 7) {
		t.Error("a span of a foreign trace is taken")
	}
	for range 2000 {
		traced(t.Context(), tr)
	}
	if tr.Join(t.Context(), finished(t, envelope.GetTraceparent(), "00000000000000a1", ""), 7) {
		t.Error("a span of a trace long past is taken: what is remembered is not bounded")
	}
}

func TestUnsampledCallsAreNotStamped(t *testing.T) {
	t.Parallel()
	p, out := exporting(t, sdktrace.NeverSample())
	tr := observe.NewTracing("fake", p)
	ctx, c, envelope := traced(t.Context(), tr)
	tr.End(ctx, c, nil)
	if envelope.GetTraceparent() != "" || len(out.GetSpans()) != 0 {
		t.Errorf("stamped %q, exported %d spans", envelope.GetTraceparent(), len(out.GetSpans()))
	}
}
