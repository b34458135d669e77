package cloudhttp_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/trace"
)

type spans struct {
	mu  sync.Mutex
	all []trace.Finished
}

func (s *spans) Record(f trace.Finished) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, f)
}

func TestRequestsBecomeSpans(t *testing.T) {
	t.Parallel()
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			t.Error("the trace is told to the cloud")
		}
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer cloud.Close()
	var got spans
	parent, _ := trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx := trace.With(t.Context(), parent, &got)
	client := cloudhttp.New(cloudhttp.Config{})
	for _, url := range []string{cloud.URL + "/good?Signature=hunter2", cloud.URL + "/bad", "http://127.0.0.1:1/"} {
		_, _ = client.Do(ctx, cloudhttp.Request{URL: url})
	}
	if len(got.all) != 3 {
		t.Fatalf("%d spans, want 3", len(got.all))
	}
	want := []struct{ status, failure string }{{"200", ""}, {"418", "invalid"}, {"", "unavailable"}}
	for i, s := range got.all {
		if s.Name != "HTTP GET" || s.Kind != trace.KindClient || s.Parent != "b7ad6b7169203331" ||
			s.Attrs["http.response.status_code"] != want[i].status || s.Failure != want[i].failure {
			t.Errorf("span %d is %+v", i, s)
		}
		if len(s.Attrs) > 3 {
			t.Errorf("span %d tells too much: %v", i, s.Attrs)
		}
	}
	if _, err := client.Do(t.Context(), cloudhttp.Request{URL: cloud.URL}); err != nil || len(got.all) != 3 {
		t.Errorf("a call that is not traced made a span, or failed: %v", err)
	}
}
