package apitest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tradewind.example/core/app"
)

// kept keeps the spans beyond the exporter's own shutdown.
type kept struct{ *tracetest.InMemoryExporter }

// Shutdown keeps the spans.
func (kept) Shutdown(context.Context) error { return nil }

// TestAnOrderIsOneTrace: the request that orders, the job that it led to, the
// call of the plugin, and what the plugin process did are one tree, and no
// secret is in any span.
func TestAnOrderIsOneTrace(t *testing.T) {
	spans := kept{tracetest.NewInMemoryExporter()}
	b := startWith(t, app.Options{Spans: spans})
	build(t, b, b.first, "A", markA, map[string]string{"R1": markR1})
	b.stop()

	all := spans.GetSpans()
	byID := map[string]tracetest.SpanStub{}
	for _, s := range all {
		byID[s.SpanContext.SpanID().String()] = s
	}
	chains := map[string]bool{}
	for _, s := range all {
		names := []string{s.Name}
		for at := s; at.Parent.SpanID().IsValid(); {
			parent, ok := byID[at.Parent.SpanID().String()]
			if !ok || parent.SpanContext.TraceID() != at.SpanContext.TraceID() {
				t.Errorf("%q has a parent that is not there", at.Name)
				break
			}
			at, names = parent, append([]string{parent.Name}, names...)
		}
		chains[strings.Join(names, " > ")] = true
	}
	for _, want := range []string{
		"POST /v1/orders > job order.provision > plugin ResourcesService/Create > ResourcesService/Create",
		"POST /v1/resources/:id/actions/:action > job resource.act > plugin ResourcesService/Act > ResourcesService/Act",
		"POST /v1/providers/:id/sync > plugin OfferingsService/Offerings > OfferingsService/Offerings",
	} {
		if !chains[want] {
			t.Errorf("there is no trace %s among:\n%s", want, strings.Join(sorted(chains), "\n"))
		}
	}
	text := fmt.Sprintf("%+v", all)
	for _, secret := range b.secrets.found([]byte(text)) {
		t.Errorf("a span tells %s", secret)
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
