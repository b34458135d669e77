package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/core/access"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

type fakeAuth map[string]access.Caller

func (f fakeAuth) Authenticate(_ context.Context, bearer string) (access.Caller, error) {
	c, ok := f[bearer]
	if !ok {
		return access.Caller{}, fault.Unauthenticated("the token is not valid")
	}
	return c, nil
}

func testServer(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		Auth: fakeAuth{"good": {UserID: "u1", OrgID: "o1", RootID: "o1"}}, Logger: slog.New(slog.DiscardHandler),
		Clock: clock.NewFake(time.Unix(1_700_000_000, 0)), Version: "test", BodyLimit: 1 << 20,
		RequestTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		RatePerSecond: 1000, RateBurst: 1000, MaxConnections: 100, Registry: prometheus.NewRegistry(),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type echoIn struct {
	Key
	Body struct {
		Name     string `json:"name" maxLength:"10"`
		Password string `json:"password,omitempty" maxLength:"5"`
	}
}

type echoOut struct {
	Body struct {
		User string `json:"user"`
		Name string `json:"name"`
	}
}

func bindEcho(s *Server, err error) {
	Handle(s, Route{Method: http.MethodPost, Path: "/v1/echo", ID: "echo", Tag: "test", Summary: "Echo"},
		func(_ context.Context, c access.Caller, in *echoIn) (*echoOut, error) {
			if err != nil {
				return nil, err
			}
			if in.Body.Name == "panic" {
				panic("boom")
			}
			out := &echoOut{}
			out.Body.User, out.Body.Name = c.UserID, in.Body.Name
			return out, nil
		})
}

func send(t *testing.T, s *Server, method, path, token, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := s.app.Test(req, 5000)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestEdge(t *testing.T) {
	t.Parallel()
	key := map[string]string{"Idempotency-Key": "k1"}
	cases := map[string]struct {
		reason              string
		method, path, token string
		body                string
		header              map[string]string
		status              int
		contains            string
	}{
		"Good":           {"a signed-in caller reaches the handler", "POST", "/v1/echo", "good", `{"name":"ann"}`, key, 200, `"user":"u1"`},
		"NoToken":        {"a route that needs a caller refuses a stranger", "POST", "/v1/echo", "", `{"name":"ann"}`, key, 401, "unauthenticated"},
		"WrongToken":     {"a wrong token is refused everywhere", "GET", "/openapi.json", "bad", "", nil, 401, "unauthenticated"},
		"NoKey":          {"money needs an idempotency key", "POST", "/v1/echo", "good", `{"name":"ann"}`, nil, 422, "Idempotency-Key"},
		"WrongType":      {"a wrong type names the field", "POST", "/v1/echo", "good", `{"name":7}`, key, 422, "body.name"},
		"UnknownField":   {"a field nobody reads is a mistake worth telling", "POST", "/v1/echo", "good", `{"name":"a","nme":"b"}`, key, 422, "body.nme"},
		"BadJSON":        {"a broken body is the client's fault", "POST", "/v1/echo", "good", `{`, key, 400, "invalid"},
		"Panic":          {"a defect answers 500 and the process lives", "POST", "/v1/echo", "good", `{"name":"panic"}`, key, 500, "internal"},
		"NoRoute":        {"an unknown route is a problem document too", "GET", "/v1/nothing", "good", "", nil, 404, "not_found"},
		"WrongMethod":    {"a wrong method says so", "DELETE", "/v1/echo", "good", "", nil, 405, "does not take"},
		"UnknownQuery":   {"a query nobody reads is a mistake worth telling", "POST", "/v1/echo?x=1", "good", `{"name":"a"}`, key, 422, "query.x"},
		"Healthy":        {"probes need no sign-in", "GET", "/healthz", "", "", nil, 200, "ok"},
		"Document":       {"the document is OpenAPI 3.1", "GET", "/openapi.json", "", "", nil, 200, `"openapi":"3.1.0"`},
		"Viewer":         {"the viewer is served from the binary", "GET", "/docs/index.html", "", "", nil, 200, "swagger-ui"},
		"ViewerEscape":   {"only the viewer's files are served", "GET", "/docs/..%2f..%2fetc%2fpasswd", "", "", nil, 404, "not_found"},
		"LongRequestBad": {"an over-long bearer is refused", "GET", "/v1/x", strings.Repeat("a", 600), "", nil, 401, "unauthenticated"},
	}
	s := testServer(t, nil)
	bindEcho(s, nil)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, s, c.method, c.path, c.token, c.body, c.header)
			if resp.StatusCode != c.status || !strings.Contains(body, c.contains) {
				t.Errorf("%s: got %d %s, want %d with %q", c.reason, resp.StatusCode, body, c.status, c.contains)
			}
			if c.status >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: content type %q", c.reason, resp.Header.Get("Content-Type"))
			}
			if resp.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s: no request id", c.reason)
			}
		})
	}
}

func TestPublicRoutesDoNotLookAtTokens(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	type out struct {
		Body struct {
			SignedIn bool `json:"signed_in"`
		}
	}
	Handle(s, Route{Method: "POST", Path: "/v1/door", ID: "door", Tag: "T", Summary: "s", Public: true},
		func(ctx context.Context, _ access.Caller, _ *struct{}) (*out, error) {
			o := &out{}
			_, o.Body.SignedIn = CallerOf(ctx)
			return o, nil
		})
	for name, token := range map[string]string{"none": "", "stale": "bad", "good": "good", "long": strings.Repeat("a", 600)} {
		if resp, body := send(t, s, "POST", "/v1/door", token, "", nil); resp.StatusCode != 200 || !strings.Contains(body, `"signed_in":false`) {
			t.Errorf("%s token: got %d %s, want 200 and nobody signed in", name, resp.StatusCode, body)
		}
	}
	if resp, body := send(t, s, "GET", "/v1/door", "bad", "", nil); resp.StatusCode != 401 {
		t.Errorf("another method of the path is not public: got %d %s", resp.StatusCode, body)
	}
}

func TestSecretsAreNotEchoed(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	bindEcho(s, nil)
	_, body := send(t, s, "POST", "/v1/echo", "good", `{"name":"ann","password":"marker-secret"}`, map[string]string{"Idempotency-Key": "k"})
	if !strings.Contains(body, "body.password") || strings.Contains(body, "marker") {
		t.Errorf("a refused password must be named and not shown: %s", body)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.RatePerSecond, c.RateBurst = 1, 2 })
	bindEcho(s, nil)
	var last *http.Response
	for range 3 {
		last, _ = send(t, s, "POST", "/v1/echo", "good", `{"name":"a"}`, map[string]string{"Idempotency-Key": "k"})
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("third request of a burst of two: %d, Retry-After %q", last.StatusCode, last.Header.Get("Retry-After"))
	}
}

func TestProblemTable(t *testing.T) {
	t.Parallel()
	for _, class := range fault.Classes() {
		if statusOf[class] == 0 || titles[class] == "" {
			t.Errorf("class %s has no status or title", class)
		}
		p := ProblemOf(fault.New(class, "x"))
		if p.Type != typePrefix+class.String() || p.Status != statusOf[class] {
			t.Errorf("class %s became %+v", class, p)
		}
		b, err := json.Marshal(p)
		if err != nil || !json.Valid(b) {
			t.Errorf("class %s: %v", class, err)
		}
	}
	if p := ProblemOf(fault.Internal(context.Canceled, "table users is locked")); strings.Contains(p.Detail, "users") {
		t.Errorf("internal text reached the caller: %s", p.Detail)
	}
	cloud := ProblemOf(fault.Unauthenticated("key AKID is wrong").Cloud("171", "r1"))
	if cloud.Status != statusDependency || strings.Contains(cloud.Detail, "AKID") {
		t.Errorf("a cloud's refusal of our credentials became %+v", cloud)
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, header string
		rev            uint64
		class          fault.Class
	}{
		"Quoted":  {"the form we send", `"7"`, 7, 0},
		"Weak":    {"a proxy may weaken it", `W/"7"`, 7, 0},
		"Any":     {"an overwrite asked for", "*", 0, 0},
		"Missing": {"a blind overwrite is refused", "", 0, fault.ClassInvalid},
		"Foreign": {"not ours", `"abc"`, 0, fault.ClassInvalid},
	}
	for name, c := range cases {
		rev, err := IfMatch{IfMatch: c.header}.Revision()
		if rev != c.rev || fault.ClassOf(err) != c.class {
			t.Errorf("%s: %s: got %d, %v", name, c.reason, rev, err)
		}
	}
}

func TestOperatorsSeeTheCause(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := testServer(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	bindEcho(s, nil)
	_, body := send(t, s, "POST", "/v1/echo", "good", `{"name":"panic"}`, map[string]string{"Idempotency-Key": "k"})
	if !strings.Contains(log.String(), "boom") || strings.Contains(body, "boom") {
		t.Errorf("the cause belongs into the log and not into the answer: log %q, answer %q", log.String(), body)
	}
}
