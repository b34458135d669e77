package cloudhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
)

const marker = "hunter2-marker"

// sign puts a secret where clouds put their signatures.
func sign(req *http.Request, _ []byte) error {
	q := req.URL.Query()
	q.Set("Signature", marker)
	req.URL.RawQuery = q.Encode()
	req.Header.Set("Authorization", marker)
	return nil
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestGoodAnswer(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Query().Get("Action"), r.Header.Get("X-A"), r.URL.Query().Get("Signature"))
	})
	resp, err := cloudhttp.New(cloudhttp.Config{}).Do(t.Context(), cloudhttp.Request{
		Method: http.MethodPost, URL: addr + "/?b=1", Query: url.Values{"Action": {"Buy"}}, Header: http.Header{"x-a": {"1"}}, Sign: sign,
	})
	if err != nil || string(resp.Body) != "POST Buy 1 "+marker {
		t.Errorf("%+v, %v; want everything to arrive, signed last", resp, err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, marker)
		}
	}
	large := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) }
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server watch the connection
		<-r.Context().Done()
	}
	type want struct {
		Class   fault.Class
		Outcome fault.Outcome
		After   time.Duration
	}
	const no, maybe = fault.OutcomeNotDone, fault.OutcomeUnknown
	for name, tc := range map[string]struct {
		h      http.HandlerFunc // nil: nobody listens
		change bool
		want   want
		reason string
	}{
		"refused":          {nil, true, want{fault.ClassUnavailable, no, 0}, "nothing was sent"},
		"lost answer":      {hangUp, true, want{fault.ClassUnavailable, maybe, 0}, "the request had arrived"},
		"lost read":        {hangUp, false, want{fault.ClassUnavailable, no, 0}, "a read changes nothing"},
		"slow change":      {slow, true, want{fault.ClassUnavailable, maybe, 0}, "the request had arrived"},
		"large change":     {large, true, want{fault.ClassInternal, maybe, 0}, "the cloud answered something"},
		"server error":     {status(500), true, want{fault.ClassUnavailable, maybe, 0}, "it may have broken after the change"},
		"server error get": {status(502), false, want{fault.ClassUnavailable, no, 0}, "a read changes nothing"},
		"throttled":        {status(429, "Retry-After", "7"), true, want{fault.ClassThrottled, no, 7 * time.Second}, "in seconds"},
		"throttled date":   {status(429, "Retry-After", "Fri, 02 Jan 2026 00:00:09 GMT"), false, want{fault.ClassThrottled, no, 9 * time.Second}, "as a date"},
		"bad credentials":  {status(401), true, want{fault.ClassUnauthenticated, no, 0}, "401"},
		"odd 4xx":          {status(418), true, want{fault.ClassInvalid, no, 0}, "any 4xx is the caller's"},
		"redirect":         {status(302, "Location", "https://evil.example/"), false, want{fault.ClassInternal, no, 0}, "a signed request goes nowhere else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := "http://" + closed.Addr().String()
			if tc.h != nil {
				addr = serve(t, tc.h)
			}
			c := cloudhttp.New(cloudhttp.Config{MaxBytes: 1000, Timeout: 300 * time.Millisecond,
				Clock: clock.NewFake(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))})
			_, err := c.Do(t.Context(), cloudhttp.Request{Method: http.MethodPost, URL: addr, Body: []byte("b"), Change: tc.change, Sign: sign})
			e := fault.As(err)
			if e == nil {
				t.Fatalf("no error; %s", tc.reason)
			}
			if diff := cmp.Diff(tc.want, want{e.Class, e.Outcome, e.RetryAfter}); diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), marker) {
					t.Errorf("a secret is in the error: %v", err)
				}
			}
		})
	}
}

func TestClassifyKnowsBetter(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `sold out`)
	})
	c := cloudhttp.New(cloudhttp.Config{Classify: func(resp *cloudhttp.Response, _ *cloudhttp.Request) *fault.Error {
		if string(resp.Body) == "sold out" {
			return fault.New(fault.ClassOutOfStock, "none left").Cloud("8320", resp.Header.Get("X-Id"))
		}
		return nil
	}})
	if _, err := c.Do(t.Context(), cloudhttp.Request{URL: addr}); !fault.Is(err, fault.ClassOutOfStock) {
		t.Errorf("got %v; want out_of_stock", err)
	}
}

func TestSignerThatFails(t *testing.T) {
	t.Parallel()
	c := cloudhttp.New(cloudhttp.Config{})
	bad := errors.New("no key")
	_, err := c.Do(t.Context(), cloudhttp.Request{URL: "http://127.0.0.1:1/", Change: true, Sign: func(*http.Request, []byte) error { return bad }})
	if e := fault.As(err); !errors.Is(err, bad) || e.Outcome != fault.OutcomeNotDone {
		t.Errorf("got %v; want the signer's error, nothing done", err)
	}
	if _, err := c.Do(t.Context(), cloudhttp.Request{URL: "http://a b/?Signature=" + marker}); err == nil || strings.Contains(fmt.Sprint(err, errors.Unwrap(err)), marker) {
		t.Errorf("a broken address: %v; want an error without it", err)
	}
}

func ExampleClient_Do() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer s.Close()
	_, err := cloudhttp.New(cloudhttp.Config{}).Do(context.Background(), cloudhttp.Request{URL: s.URL})
	fmt.Println(fault.ClassOf(err))
	// Output: throttled
}
