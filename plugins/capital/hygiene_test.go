package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

// crowd is how many callers there are at once.
const crowd = 64

// TestConnectionsAreUsedAgain: the SDK gets a client for each request, which
// must not cost a connection each; nor must a refusal.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, opened := plugintest.Counted(t, w.sim)
	p := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	call := w.call()
	call.Account.Endpoint = url
	check := func() {
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Errorf("check: %v", err)
		}
		if _, err := p.Get(t.Context(), provider.GetRequest{Call: call, Kind: kinds.Instance, ID: "ins-none"}); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("get: %v", err)
		}
	}
	plugintest.ReuseConnections(t, opened, plugintest.Crowd{Alone: 50, Do: func(int) { check() }, Callers: crowd, Each: 5, Check: check})
}

// TestACrowdChangesEveryKind is for the race detector: callers make, read and
// release things of several kinds at once.
func TestACrowdChangesEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	_, sub := w.net(t)
	specs := []struct {
		kind, spec string
		term       provider.Term
	}{
		{kinds.SecurityGroup, `{"rules":[` + sshRule + `]}`, forOnce()},
		{kinds.Disk, `{"size_gb":24}`, hourly()},
		{kinds.EIP, `{"bandwidth_mbps":2}`, hourly()},
		{kinds.Instance, string(spec(t, map[string]any{"subnet_id": sub.ID})), month(1)},
		{kinds.Bandwidth, `{"bandwidth_mbps":2}`, hourly()},
	}
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			c := specs[i%len(specs)]
			change, err := w.Create(t.Context(), provider.CreateRequest{
				Call: w.call(), Token: fmt.Sprintf("crowd-%d", i), Kind: c.kind, Name: "n", Spec: []byte(c.spec), Term: c.term,
			})
			if err != nil || change.Resource == nil {
				t.Errorf("%s: %+v, %v", c.kind, change, err)
				return
			}
			if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: c.kind, ID: change.Resource.ID}); err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
			w.drop(t, c.kind, change.Resource.ID)
		})
	}
	all.Wait()
	for _, c := range specs {
		if left := w.list(t, c.kind); len(left) != 0 {
			t.Errorf("%s: %v are left", c.kind, ids(left))
		}
	}
}

// TestOneTokenBuysOnceAtOnce: callers with one token make one thing.
func TestOneTokenBuysOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 3 })
	req := w.order(t, "tok-1", w.subnet(t))
	var all sync.WaitGroup
	var mu sync.Mutex
	made := map[string]bool{}
	for range crowd {
		all.Go(func() {
			change, err := w.Create(t.Context(), req)
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
	if n := w.sim.Counts()[creates].Calls; n != 1 || len(made) != 1 {
		t.Errorf("the cloud was asked %d times and made %v", n, made)
	}
}

// TestACallThatEndsDoesNotWait: the SDK knows no contexts; its requests end
// with the call all the same.
func TestACallThatEndsDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order(t, "tok-1", w.subnet(t))
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000, Actions: []string{creates}})
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := w.Create(ctx, req)
	if fault.OutcomeOf(err) != fault.OutcomeUnknown || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000})
	req.Call = w.call("timeout_seconds", "1")
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: req.Call})
	want(t, "the account's own time is over", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

// TestTheSDKWritesNothing: the plugin talks over its standard output, and the
// SDK prints there, and changes the flags of the whole process's log.
func TestTheSDKWritesNothing(t *testing.T) {
	w := newWorld(t)
	flags := log.Flags()
	printed := plugintest.Printed(t, func() {
		for _, f := range []sim.Fault{{Kind: sim.KindHTTP, Status: 502}, {Kind: sim.KindNonJSON}, {Kind: sim.KindDrop}, {Kind: sim.KindBadSignature}, {Kind: sim.KindRetCode}} {
			w.faults(t, f)
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: "ins-none"})
			if err == nil || strings.Contains(err.Error(), "Signature=") || strings.Contains(err.Error(), public) || strings.Contains(err.Error(), private) {
				t.Errorf("%s: %v", f.Kind, err)
			}
		}
	})
	if printed != "" {
		t.Errorf("written: %q", printed)
	}
	if log.Flags() != flags {
		t.Errorf("the log's flags are %b, they were %b", log.Flags(), flags)
	}
	for _, text := range []string{private, "Signature="} {
		if strings.Contains(w.logs.String(), text) {
			t.Errorf("%q is in the log", text)
		}
	}
}

// TestStrangeAnswers hold the rule that only HTTP 200 with a code of success is
// one, whatever else stands in the answer.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	elsewhere := http.Header{"Location": {"http://127.0.0.1:1/"}}
	cases := map[string]struct {
		reason string
		status int
		header http.Header
		body   string
		class  fault.Class
	}{
		"Lower":       {"billing writes it so", 200, nil, `{"code":"success","Data":[]}`, 0},
		"OK":          {"one action writes it so", 200, nil, `{"Code":"OK","Data":[]}`, 0},
		"Number":      {"gcw refuses so", 200, nil, `{"Code":10003,"Message":"bad"}`, fault.ClassInvalid},
		"NumberText":  {"or so", 200, nil, `{"Code":"13503","Message":"bad"}`, fault.ClassUnavailable},
		"NoCode":      {"an answer without a code is none", 200, nil, `{"Data":[]}`, fault.ClassUnavailable},
		"Created":     {"success has the status 200", 201, nil, `{"Code":"Success","Data":[]}`, fault.ClassUnavailable},
		"Data":        {"the data is of another shape", 200, nil, `{"Code":"Success","Data":{"a":1}}`, fault.ClassUnavailable},
		"Null":        {"no data is an empty list", 200, nil, `{"Code":"Success","Data":null}`, 0},
		"Redirect":    {"signed requests go to the endpoint only", 307, elsewhere, ``, fault.ClassUnavailable},
		"Empty":       {"no answer at all", 200, nil, ``, fault.ClassUnavailable},
		"TooLong":     {"answers are bounded", 200, nil, `{"Code":"Success","Data":"` + strings.Repeat("x", maxAnswer) + `"}`, fault.ClassUnavailable},
		"Throttled":   {"the gateway throttles", 429, nil, `slow down`, fault.ClassThrottled},
		"Unauthorize": {"the gateway refuses", 401, nil, `{"Code":"Whatever"}`, fault.ClassUnauthenticated},
		"Teapot":      {"the gateway refuses", 418, nil, `tea`, fault.ClassInternal},
		"Timeout":     {"the gateway waited", 408, nil, `late`, fault.ClassUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			url, asked := plugintest.Answering(t, tc.status, tc.header, tc.body)
			p := newPlugin(w.clock, retry.Policy{Attempts: 1})
			defer func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) }()
			call := w.call()
			call.Account.Endpoint = url
			c, err := p.open(call)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.funds(t.Context())
			want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
			if asked.Load() != 1 {
				t.Errorf("%s: asked %d times", tc.reason, asked.Load())
			}
			_, _, err = write[[]fund](t.Context(), c, post(ecs, creates, object{}))
			if in := fault.OutcomeOf(err) == fault.OutcomeUnknown; err != nil && in != (tc.class == fault.ClassUnavailable) {
				t.Errorf("%s: as a change: %v", tc.reason, err)
			}
		})
	}
}

// TestRequestsAreWhole: what the SDK leaves out or breaks is there.
func TestRequestsAreWhole(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"Code":"Success"}`)
	}))
	defer srv.Close()
	w := newWorld(t)
	p := newPlugin(w.clock, retry.Policy{Attempts: 1})
	defer func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) }()
	call := w.call()
	call.Account.Endpoint = srv.URL
	c, err := p.open(call)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := write[loose](t.Context(), c, post(ecs11, "Do", object{"A": "", "B": nil, "C": 0, "D": []string{}})); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.Header.Get("User-Agent"), "tradewind-") ||
		got.URL.Path != "/ecs/v1.1/" || string(body) != `{"C":0,"D":[]}` {
		t.Errorf("POST %v with %v and %s", got.URL.Path, got.Header, body)
	}
	if _, err := read[loose](t.Context(), c, get(gcw, "Do", "Empty", "", "Full", "a b*~/+专")); err != nil {
		t.Fatal(err)
	}
	q := got.URL.Query()
	if _, empty := q["Empty"]; empty || q.Get("Full") != "a b*~/+专" || q.Get("Version") != apiVersion || q.Get("SignatureMethod") != "HMAC-SHA1" {
		t.Errorf("GET with %v", q)
	}
}

// TestHosts are those of the vendor, by service and area.
func TestHosts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		area    string
		service service
		want    string
	}{
		"Servers":  {"us", ecs, "api.capitalonline.net/ecs/v1"},
		"Networks": {"cn", vpc, "cdsapi.capitalonline.net/vpc"},
		"Asia":     {"asia", gcw, "cdsapi-asia.capitalonline.net/gcw"},
		"America":  {"us", vpc, "cdsapi-us.capitalonline.net/vpc"},
	}
	for name, tc := range cases {
		c := &cloud{cfg: Config{Area: tc.area}}
		if got := c.domain(tc.service); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestRequestsToTheCloudAreTraced: also those of the vendor's SDK, which knows
// no contexts.
func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := plugintest.Traced(t, w.plugin, w.call()); len(got) != 1 {
		t.Errorf("%d spans: %+v", len(got), got)
	}
}

// TestTheCloudIsNotThere says so, without the signed URL.
func TestTheCloudIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call()
	call.Account.Endpoint = plugintest.Nowhere(t)
	c, err := w.plugin.open(call)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = write[loose](t.Context(), c, post(ecs, creates, object{}))
	want(t, "nothing was sent", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if cause := errors.Unwrap(err); cause == nil || strings.Contains(cause.Error(), "Signature") {
		t.Errorf("the cause is %v", cause)
	}
}
