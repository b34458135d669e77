package observe

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/trace"
	pb "tradewind.example/sdk/wire/providerv1"
)

// scope names what makes the spans.
const scope = "tradewind.example/host"

// Tracing makes spans of the calls of one plugin and takes the plugin's own
// spans into the traces that the calls belong to. Make it with [NewTracing].
type Tracing struct {
	plugin string
	tracer oteltrace.Tracer
	handed handed
}

// NewTracing makes the tracing of a plugin. The provider should use [IDs], or
// else the spans that come from the plugin lose their order.
func NewTracing(plugin string, p oteltrace.TracerProvider) *Tracing {
	return &Tracing{plugin: plugin, tracer: p.Tracer(scope), handed: handed{seen: map[oteltrace.TraceID]struct{}{}}}
}

// Begin starts a span for the call, below the one in ctx.
func (t *Tracing) Begin(ctx context.Context, c *guard.Call) (context.Context, error) {
	ctx, span := t.tracer.Start(ctx, "plugin "+c.Name(), oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithTimestamp(c.Begun))
	if span.IsRecording() {
		span.SetAttributes(attribute.String("tradewind.plugin", t.plugin), attribute.String("rpc.system", "grpc"), attribute.String("rpc.method", c.Name()))
		if c.Routed {
			span.SetAttributes(attribute.String("tradewind.org", c.Route.Org), attribute.String("tradewind.account", c.Route.Account),
				attribute.String("cloud.region", c.Route.Region))
		}
	}
	return ctx, nil
}

// End ends the span; of a failure it tells the class.
func (t *Tracing) End(ctx context.Context, _ *guard.Call, err error) {
	span := oteltrace.SpanFromContext(ctx)
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, classes()[classIndex(err)])
	}
	span.End()
}

// Stamp tells the plugin, in the envelope of a request, which span of which
// trace it works for. Calls that nobody wants to see are not stamped.
func (t *Tracing) Stamp(ctx context.Context, call *pb.Call) {
	at := oteltrace.SpanContextFromContext(ctx)
	if !at.IsSampled() || !at.IsValid() {
		return
	}
	t.handed.add(at.TraceID())
	call.Traceparent = trace.Context{Trace: at.TraceID(), Span: at.SpanID(), Sampled: true}.String()
}

// Join takes a span that the plugin finished into its trace, if the plugin was
// ever asked to work for that trace. It reports whether it was taken.
func (t *Tracing) Join(ctx context.Context, f trace.Finished, pid int) bool {
	traceID, err := oteltrace.TraceIDFromHex(f.Trace)
	if err != nil || !t.handed.has(traceID) {
		return false
	}
	spanID, err := oteltrace.SpanIDFromHex(f.Span)
	if err != nil {
		return false
	}
	parentID, err := oteltrace.SpanIDFromHex(f.Parent)
	if err != nil {
		return false
	}
	parent := oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
		TraceID: traceID, SpanID: parentID, TraceFlags: oteltrace.FlagsSampled, Remote: true,
	})
	ctx = context.WithValue(oteltrace.ContextWithRemoteSpanContext(ctx, parent), spanKey{}, spanID)
	_, span := t.tracer.Start(ctx, f.Name, oteltrace.WithTimestamp(time.Unix(0, f.Start)), oteltrace.WithSpanKind(kindOf(f.Kind)))
	span.SetAttributes(attribute.String("tradewind.plugin", t.plugin), attribute.Int("process.pid", pid))
	for name, value := range f.Attrs {
		span.SetAttributes(attribute.String(name, value))
	}
	if f.Failure != "" {
		span.SetStatus(codes.Error, f.Failure)
	}
	span.End(oteltrace.WithTimestamp(time.Unix(0, f.End)))
	return true
}

func kindOf(k trace.Kind) oteltrace.SpanKind {
	switch k {
	case trace.KindServer:
		return oteltrace.SpanKindServer
	case trace.KindClient:
		return oteltrace.SpanKindClient
	}
	return oteltrace.SpanKindInternal
}

// maxHanded bounds how many traces are remembered per plugin; spans that come
// later than that many further traces are dropped.
const maxHanded = 1024

// handed remembers which traces a plugin has worked for last.
type handed struct {
	mu    sync.Mutex
	seen  map[oteltrace.TraceID]struct{}
	order [maxHanded]oteltrace.TraceID
	next  int
}

func (h *handed) add(id oteltrace.TraceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.seen[id]; ok {
		return
	}
	delete(h.seen, h.order[h.next])
	h.order[h.next], h.seen[id] = id, struct{}{}
	h.next = (h.next + 1) % maxHanded
}

func (h *handed) has(id oteltrace.TraceID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.seen[id]
	return ok
}

type spanKey struct{}

// IDs makes the ids of traces and spans. A span that came from a plugin keeps
// the id that it has there, so that its children find it. It is the IDGenerator
// of OpenTelemetry's SDK.
type IDs struct{}

// NewIDs returns the ids of a new trace and its first span.
func (IDs) NewIDs(ctx context.Context) (oteltrace.TraceID, oteltrace.SpanID) {
	var id oteltrace.TraceID
	random(id[:])
	return id, IDs{}.NewSpanID(ctx, id)
}

// NewSpanID returns the id of a new span.
func (IDs) NewSpanID(ctx context.Context, _ oteltrace.TraceID) oteltrace.SpanID {
	if id, ok := ctx.Value(spanKey{}).(oteltrace.SpanID); ok {
		return id
	}
	var id oteltrace.SpanID
	random(id[:])
	return id
}

// random fills id; an id of zeros would be none.
func random(id []byte) {
	_, _ = rand.Read(id) // never fails, see crypto/rand
	id[0] |= 1
}
