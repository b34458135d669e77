package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tradewind.example/core/job"
	"tradewind.example/core/telemetry"
	"tradewind.example/sdk/fault"
)

// kept keeps what a test exported beyond the exporter's own shutdown.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

func open(t *testing.T, every int) (*telemetry.Telemetry, func() tracetest.SpanStubs) {
	t.Helper()
	out := tracetest.NewInMemoryExporter()
	tel, err := telemetry.Open(t.Context(), telemetry.Config{SampleEvery: every, Exporter: kept{out}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return tel, func() tracetest.SpanStubs {
		if err := tel.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.GetSpans()
	}
}

func TestJobsAreBelowTheirRequest(t *testing.T) {
	t.Parallel()
	tel, spans := open(t, 1)
	const client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	_, here, end := tel.Request(t.Context(), "POST", client)
	end("/v1/orders/:id", http.StatusBadGateway)
	_, done := tel.Job(t.Context(), job.Job{ID: "j-1", Kind: "order", Attempt: 2, Trace: here})
	done(fault.NotFound("secret", "text"))
	got := spans()
	if len(got) != 2 {
		t.Fatalf("%d spans", len(got))
	}
	request, run := got[0], got[1]
	if request.Name != "POST /v1/orders/:id" || request.Parent.SpanID().String() != "b7ad6b7169203331" || request.Status.Code != codes.Error {
		t.Errorf("the request's span is %+v", request)
	}
	if run.Name != "job order" || run.Parent.SpanID() != request.SpanContext.SpanID() || run.SpanContext.TraceID() != request.SpanContext.TraceID() {
		t.Errorf("the job's span is %+v", run)
	}
	if run.Status.Description != "not_found" {
		t.Errorf("the job's failure is %q", run.Status.Description)
	}
}

// TestClientsCannotForceTraces: whoever asks, one of so many is traced.
func TestClientsCannotForceTraces(t *testing.T) {
	t.Parallel()
	tel, spans := open(t, 1_000_000_000)
	for _, parent := range []string{"", "00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-01", "nonsense"} {
		_, here, end := tel.Request(t.Context(), "GET", parent)
		end("/", http.StatusOK)
		if here != "" {
			t.Errorf("a request with parent %q is traced", parent)
		}
	}
	if got := spans(); len(got) != 0 {
		t.Errorf("%d spans", len(got))
	}
}

func TestSpansGoToTheCollector(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" && r.Method == http.MethodPost {
			got.Add(1)
		}
	}))
	defer collector.Close()
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Endpoint: collector.URL + "/v1/traces", SampleEvery: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, end := tel.Request(t.Context(), "GET", "")
	end("/", http.StatusOK)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Load() != 1 {
		t.Errorf("%d posts reached the collector", got.Load())
	}
}

// failing takes nothing.
type failing struct{}

var errBoom = errors.New("boom")

func (failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return errBoom }

func (failing) Shutdown(context.Context) error { return nil }

func TestLostTracesAreTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tel, err := telemetry.Open(t.Context(), telemetry.Config{
		SampleEvery: 1, Exporter: failing{}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _, end := tel.Request(t.Context(), "GET", "")
	end("/", http.StatusOK)
	if err := tel.Close(t.Context()); err != nil {
		t.Errorf("closing: %v", err)
	}
	if !strings.Contains(log.String(), "traces are lost") {
		t.Errorf("the log says %q", &log)
	}
}
