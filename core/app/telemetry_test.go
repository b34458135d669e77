package app_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tradewind.example/core/app"
	"tradewind.example/sdk/clock"
)

// kept keeps the spans beyond the exporter's own shutdown.
type kept struct{ *tracetest.InMemoryExporter }

// Shutdown keeps the spans.
func (kept) Shutdown(context.Context) error { return nil }

// TestRequestsAreTraced: a request is a span named after its route, below the
// client's own, and the plugins' metrics are among the broker's.
func TestRequestsAreTraced(t *testing.T) {
	t.Parallel()
	spans := kept{tracetest.NewInMemoryExporter()}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a, err := app.Open(ctx, settings(t), app.Options{
		Clock: clock.Real{}, Logger: slog.New(slog.DiscardHandler), Version: "test", Spans: spans,
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	const parent = "0af7651916cd43dd8448eb211c80319c"
	for _, path := range []string{"/healthz", "/nowhere"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Traceparent", "00-"+parent+"-b7ad6b7169203331-01")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("serving: %v", err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Errorf("closing: %v", err)
	}
	var names []string
	for _, s := range spans.GetSpans() {
		if s.SpanContext.TraceID().String() == parent && s.Parent.SpanID().String() == "b7ad6b7169203331" {
			names = append(names, s.Name)
		}
	}
	if got := strings.Join(names, ", "); !strings.Contains(got, "GET /healthz") || len(names) != 2 {
		t.Errorf("requests are traced as %q", got)
	}
}
