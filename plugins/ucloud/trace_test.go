package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
)

// spans collects finished spans.
type spans struct {
	mu  sync.Mutex
	all []trace.Finished
}

func (s *spans) Record(f trace.Finished) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, f)
}

// TestRequestsToTheCloudAreTraced: also those of the vendor's SDK, which knows
// no contexts.
func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	parent, ok := trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if !ok {
		t.Fatal("the test's parent is none")
	}
	var got spans
	if _, err := p.Check(trace.With(t.Context(), parent, &got), provider.CheckRequest{Call: w.call()}); err != nil {
		t.Fatal(err)
	}
	if len(got.all) == 0 {
		t.Fatal("no span")
	}
	for _, s := range got.all {
		if !strings.HasPrefix(s.Name, "HTTP ") || s.Parent != "b7ad6b7169203331" || s.Attrs["http.response.status_code"] != "200" || s.Failure != "" {
			t.Errorf("span is %+v", s)
		}
	}
}
