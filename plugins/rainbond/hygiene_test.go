package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

// crowd is how many callers there are at once.
const crowd = 64

// TestConnectionsAreUsedAgain, after refusals too.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, opened := plugintest.Counted(t, w.sim)
	p := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	call := w.with("market_url", url).call()
	call.Account.Endpoint = url
	check := func() {
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Errorf("check: %v", err)
		}
		if _, err := p.Get(t.Context(), provider.GetRequest{Call: call, Kind: kindApp, ID: "999"}); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("get: %v", err)
		}
	}
	plugintest.ReuseConnections(t, opened, plugintest.Crowd{Alone: 50, Do: func(int) { check() }, Callers: crowd, Each: 5, Check: check})
}

// TestACrowdInstallsAndReleases is for the race detector: callers order, work
// on and release apps at once.
func TestACrowdInstallsAndReleases(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			change, err := w.Create(t.Context(), w.order(t, fmt.Sprintf("crowd-%d", i), nil))
			if err != nil || change.Resource == nil {
				t.Errorf("%+v, %v", change, err)
				return
			}
			id := change.Resource.ID
			if op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation}); err != nil || op.State != provider.OperationSucceeded {
				t.Errorf("%+v, %v", op, err)
			}
			for _, action := range []string{"restart", "versions", "rules"} {
				if _, err := w.act(t, id, action, `{}`); err != nil {
					t.Errorf("%s: %v", action, err)
				}
			}
			w.drop(t, id)
		})
	}
	all.Wait()
	if left := w.list(t, kindApp); len(left) != 0 {
		t.Errorf("%v are left", ids(left))
	}
}

// TestOneTokenBuysOnceAtOnce: callers with one token make one app, those of
// another process too.
func TestOneTokenBuysOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beside := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	req := w.order(t, "tok-1", nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	made := map[string]bool{}
	for i := range crowd {
		all.Go(func() {
			from := w.Client
			if i%2 == 1 {
				from = beside
			}
			change, err := from.Create(t.Context(), req)
			if fault.Is(err, fault.ClassConflict) {
				return // the other process made it at the same moment
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			made[change.Resource.ID] = true
		})
	}
	all.Wait()
	if n := w.count("install"); n != 1 || len(made) != 1 {
		t.Errorf("%d installs, made %v", n, made)
	}
}

func TestACallThatEndsDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000, Actions: []string{"install"}})
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := w.Create(ctx, w.order(t, "tok-1", nil))
	if fault.OutcomeOf(err) != fault.OutcomeUnknown || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000})
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.with("timeout_seconds", "1").call()})
	want(t, "the account's own time is over", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

// TestNothingIsWritten: the plugin talks over its standard output.
func TestNothingIsWritten(t *testing.T) {
	w := newWorld(t)
	printed := plugintest.Printed(t, func() {
		for _, f := range []sim.Fault{{Kind: sim.KindHTTP, Status: 502}, {Kind: sim.KindNonJSON}, {Kind: sim.KindDrop}, {Kind: sim.KindBadSignature}, {Kind: sim.KindRetCode}} {
			w.faults(t, f)
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindApp, ID: "1"})
			if err == nil || strings.Contains(err.Error(), blueKey) || strings.Contains(err.Error(), storeKey) {
				t.Errorf("%s: %v", f.Kind, err)
			}
		}
	})
	if printed != "" {
		t.Errorf("written: %q", printed)
	}
	for _, text := range []string{blueKey, storeKey} {
		if strings.Contains(w.logs.String(), text) {
			t.Errorf("%q is in the log", text)
		}
	}
}

// heard is what a console that answers everything alike was asked last.
type heard struct {
	count  atomic.Int64
	mu     sync.Mutex
	header http.Header
	uri    string
	body   string
}

// answering is a console that answers everything with one status and body.
func (w *world) answering(t *testing.T, status int, header http.Header, body string) (*cloud, *heard) {
	t.Helper()
	h := &heard{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.count.Add(1)
		raw, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.header, h.uri, h.body = r.Header.Clone(), r.Method+" "+r.RequestURI, string(raw)
		h.mu.Unlock()
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	p := newPlugin(w.clock, retry.Policy{Attempts: 1})
	t.Cleanup(func() {
		_ = p.Shutdown(context.WithoutCancel(t.Context()))
		srv.Close()
	})
	call := w.with("market_url", srv.URL+"/").call()
	call.Account.Endpoint = srv.URL + "/"
	c, err := p.open(call)
	if err != nil {
		t.Fatal(err)
	}
	return c, h
}

// TestStrangeAnswers hold what is no answer of the console's to be none, and a
// change to be in doubt after it.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	elsewhere := http.Header{"Location": {"http://127.0.0.1:1/"}}
	cases := map[string]struct {
		reason  string
		status  int
		header  http.Header
		body    string
		class   fault.Class
		unknown bool // as a change
	}{
		"List":     {"as documented", 200, nil, `[{"ID":1}]`, 0, false},
		"Null":     {"a delete is answered so", 200, nil, `null`, 0, false},
		"Made":     {"success has several statuses", 201, nil, `[]`, 0, false},
		"Object":   {"the answer is of another shape", 200, nil, `{"a":1}`, fault.ClassUnavailable, true},
		"Inside":   {"a refusal in a success", 200, nil, `{"code":10402,"msg":"no"}`, fault.ClassForbidden, false},
		"Page":     {"a gateway's page", 200, nil, `<html>`, fault.ClassUnavailable, true},
		"Empty":    {"no answer at all", 200, nil, ``, fault.ClassUnavailable, true},
		"Redirect": {"keys go to the endpoint only", 307, elsewhere, ``, fault.ClassInternal, true},
		"TooLong":  {"answers are bounded", 200, nil, `["` + strings.Repeat("x", maxAnswer) + `"]`, fault.ClassInternal, true},
		"Throttle": {"the gateway throttles", 429, nil, `slow down`, fault.ClassThrottled, false},
		"Refused":  {"the gateway refuses", 401, nil, `who`, fault.ClassUnauthenticated, false},
		"Late":     {"the gateway waited", 504, nil, `late`, fault.ClassUnavailable, true},
		"Echo":     {"the answer repeats the key", 400, nil, `{"code":400,"msg":"bad key ` + blueKey + ` and ` + storeKey + `"}`, fault.ClassInvalid, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c, h := w.answering(t, tc.status, tc.header, tc.body)
			_, err := c.apps(t.Context())
			want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
			_, err = write[[]appRow](t.Context(), c, http.MethodPost, c.inRegion("apps"), nil, object{})
			if (err != nil && fault.OutcomeOf(err) == fault.OutcomeUnknown) != tc.unknown || h.count.Load() != 2 {
				t.Errorf("%s: as a change: %v, asked %d times", tc.reason, err, h.count.Load())
			}
			if err != nil && (strings.Contains(err.Error(), blueKey) || strings.Contains(err.Error(), storeKey)) {
				t.Errorf("%s: a key is shown: %v", tc.reason, err)
			}
		})
	}
}

// TestRequestsAreWhole: each service gets its own key, raw, and is_deploy is
// true or not there.
func TestRequestsAreWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, h := w.answering(t, 200, nil, `{}`)
	b := purchase{at: w.clock.Now(), deploy: true, model: "m", version: "v"}
	if _, err := c.install(t.Context(), 17, b); err != nil {
		t.Fatal(err)
	}
	const body = `{"app_model_id":"m","app_model_version":"v","market_access_key":"` + storeKey + `","market_domain":"rainbond","market_type":"rainstore","market_url":"`
	if h.uri != "POST /openapi/v1/teams/blue/regions/rainbond/apps/17/install?is_deploy=true" || !strings.HasPrefix(h.body, body) ||
		h.header.Get("Authorization") != blueKey || h.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(h.header.Get("User-Agent"), "tradewind-") {
		t.Errorf("%s with %v: %s", h.uri, h.header, h.body)
	}
	b.deploy, b.store = false, store{"https://other.example", "d", "rainstore"}
	if _, err := c.install(t.Context(), 17, b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(h.uri, "is_deploy") || !strings.Contains(h.body, `"market_access_key":null`) || strings.Contains(h.body, storeKey) {
		t.Errorf("%s: %s", h.uri, h.body)
	}
	if _, err := c.storeName(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.uri != "GET /app-server/openapi/info?marketDomain=rainbond" || h.header.Get("Authorization") != storeKey {
		t.Errorf("%s with %v", h.uri, h.header)
	}
}

// TestTheConsoleIsNotThere says so, and that nothing was sent.
func TestTheConsoleIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call()
	call.Account.Endpoint = plugintest.Nowhere(t)
	c, err := w.plugin.open(call)
	if err != nil {
		t.Fatal(err)
	}
	_, err = write[nothing](t.Context(), c, http.MethodPost, c.inRegion("apps"), nil, object{})
	want(t, "nothing was sent", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if cause := errors.Unwrap(err); cause == nil || strings.Contains(cause.Error(), blueKey) {
		t.Errorf("the cause is %v", cause)
	}
}
