package plugintest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// trial notes what would have failed a test.
type trial struct {
	testing.TB
	failed []string
}

func (t *trial) Helper() {}
func (t *trial) Errorf(format string, args ...any) {
	t.failed = append(t.failed, fmt.Sprintf(format, args...))
}

func (t *trial) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

func (t *trial) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

// try runs do as a test of its own and returns what failed in it.
func try(t *testing.T, do func(testing.TB)) string {
	t.Helper()
	tr, done := &trial{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		do(tr)
	}()
	<-done
	return strings.Join(tr.failed, "; ")
}

// slow is a plugin whose operations end at their third question; "endless"
// never ends, "rude" does not say when to ask again.
type slow struct {
	bare
	asked atomic.Int64
}

func (s *slow) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	op := provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: time.Second}
	switch req.ID {
	case "lost":
		return provider.Operation{}, fault.NotFound("operation", req.ID)
	case "rude":
		op.CheckAfter = 0
	}
	if s.asked.Add(1) > 2 && req.ID != "endless" {
		op.State, op.CheckAfter = provider.OperationSucceeded, 0
	}
	return op, nil
}

func TestFinishAsksToTheEnd(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, id, want string }{
		"Ends":    {"an operation that ends is returned", "op", ""},
		"Rude":    {"it must say when to ask again", "rude", `operation "rude" does not say`},
		"Endless": {"it must end", "endless", `operation "endless" does not end`},
		"Lost":    {"it must be known", "lost", `operation "lost": `},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, steps := plugintest.Start(t, &slow{}), 0
			failed := try(t, func(tb testing.TB) {
				if op := plugintest.Finish(tb, client, call, c.id, 9, func() { steps++ }); op.State != provider.OperationSucceeded {
					tb.Errorf("state %v", op.State)
				}
			})
			if (c.want == "") != (failed == "") || !strings.Contains(failed, c.want) {
				t.Errorf("%s: failed %q, want %q", c.reason, failed, c.want)
			}
			if c.want == "" && steps != 2 {
				t.Errorf("the clock goes on between questions: %d steps", steps)
			}
		})
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull(), plugintest.WithLogger(slog.New(slog.DiscardHandler)))
	if r := plugintest.Read(t, c, call, "thing", "x"); r.ID != "x" {
		t.Errorf("read %+v", r)
	}
	if failed := try(t, func(tb testing.TB) { plugintest.Read(tb, c, call, "thing", "missing") }); !strings.Contains(failed, `reading thing "missing"`) {
		t.Errorf("what is not there ends the test: %q", failed)
	}
	if failed := try(t, func(tb testing.TB) { plugintest.ReadAll(tb, c, call, "thing") }); !strings.Contains(failed, "listing thing") {
		t.Errorf("a list that breaks off ends the test: %q", failed)
	}
	find := func(token string) string {
		return try(t, func(tb testing.TB) {
			plugintest.Find(tb, c, provider.FindRequest{Call: call, Kind: "thing", Token: token, Change: provider.ChangeCreate})
		})
	}
	if failed := find("tok"); failed != "" {
		t.Errorf("a search that works: %q", failed)
	}
	if failed := find(""); !strings.Contains(failed, "finding") {
		t.Errorf("a search that fails ends the test: %q", failed)
	}
}

func TestWant(t *testing.T) {
	t.Parallel()
	gone := fault.NotFound("thing", "x")
	for reason, c := range map[string]struct {
		err  error
		ok   bool
		want fault.Class
	}{
		"the class is held":       {gone, true, fault.ClassNotFound},
		"another class fails":     {gone, false, fault.ClassConflict},
		"no error has its class":  {nil, true, fault.ClassOf(nil)},
		"no error is not a fault": {nil, false, fault.ClassNotFound},
	} {
		failed := try(t, func(tb testing.TB) { plugintest.Want(tb, reason, c.err, c.want, fault.OutcomeOf(gone)) })
		if (failed == "") != c.ok {
			t.Errorf("%s: %q", reason, failed)
		}
	}
	if failed := try(t, func(tb testing.TB) { plugintest.Want(tb, "x", gone, fault.ClassNotFound, fault.OutcomeUnknown) }); failed == "" {
		t.Error("the outcome is held")
	}
}

func TestLogIsSafe(t *testing.T) {
	t.Parallel()
	var l plugintest.Log
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { slog.New(slog.NewTextHandler(&l, nil)).Info("line"); _ = l.String() })
	}
	all.Wait()
	if n := strings.Count(l.String(), "msg=line"); n != 8 {
		t.Errorf("%d lines", n)
	}
}

func TestReuseConnections(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		keep bool
		want string
	}{
		"a client that keeps its connections": {true, ""},
		"one that does not":                   {false, "4 rounds one after another opened 4 connections; want 1; 2 callers with 5 rounds each opened 14 connections"},
	} {
		url, opened := plugintest.Counted(t, http.NotFoundHandler())
		tr := &http.Transport{DisableKeepAlives: !c.keep, MaxIdleConnsPerHost: 2}
		t.Cleanup(tr.CloseIdleConnections)
		client := &http.Client{Transport: tr}
		get := func() {
			res, err := client.Get(url)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		failed := try(t, func(tb testing.TB) {
			plugintest.ReuseConnections(tb, opened, plugintest.Crowd{Alone: 4, Do: func(int) { get() }, Callers: 2, Each: 5, Check: get})
		})
		if failed != c.want {
			t.Errorf("%s: failed %q, want %q", reason, failed, c.want)
		}
	}
}

// traced is a plugin that makes one request, under the check's span or not.
type traced struct {
	bare
	at string
}

func (p traced) Check(ctx context.Context, _ provider.CheckRequest) (provider.CheckResponse, error) {
	if p.at == "" {
		return provider.CheckResponse{OK: true}, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.at, nil)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := cloudhttp.Traced(tr).RoundTrip(r)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	return provider.CheckResponse{OK: true}, res.Body.Close()
}

func TestTraced(t *testing.T) {
	t.Parallel()
	good, _ := plugintest.Counted(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	bad, _ := plugintest.Counted(t, http.NotFoundHandler())
	for reason, c := range map[string]struct{ at, want string }{
		"a request is seen":     {good, ""},
		"a refusal is told":     {bad, "span is"},
		"none is missed":        {"", "no span"},
		"a failure is reported": {"http://127.0.0.1:1", "connect"},
	} {
		failed := try(t, func(tb testing.TB) {
			if got := plugintest.Traced(tb, traced{at: c.at}, call); len(got) != 1 {
				tb.Errorf("%d spans", len(got))
			}
		})
		if (failed == "") != (c.want == "") || !strings.Contains(failed, c.want) {
			t.Errorf("%s: failed %q, want %q", reason, failed, c.want)
		}
	}
}

// TestChangesAreWaitedFor makes, deletes and acts with operations that end in
// every way.
func TestChangesAreWaitedFor(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull(), plugintest.WithLogger(slog.New(slog.DiscardHandler)))
	made := provider.Resource{ID: "t-9"}
	ends := map[string]provider.Operation{
		"well":  {State: provider.OperationSucceeded, Resource: &made},
		"badly": {State: provider.OperationFailed, Failure: fault.NotFound("thing", "t-9")},
	}
	for how, op := range ends {
		ended := func(string) provider.Operation { return op }
		var got provider.Resource
		failed := try(t, func(tb testing.TB) {
			req := provider.CreateRequest{Call: call, Token: "tok", Kind: "thing", Name: "n", Spec: []byte(`{"size_gb":1,"mode":"start","password":"p"}`)}
			got = plugintest.Create(tb, c, req, ended)
		})
		if well := how == "well"; (failed == "") != well || well != (got.ID == "t-9") {
			t.Errorf("a create that ends %s: %q, %+v", how, failed, got)
		}
		failed = try(t, func(tb testing.TB) {
			plugintest.Delete(tb, c, provider.DeleteRequest{Call: call, Token: "tok", Kind: "thing", ID: "t-9"}, ended)
		})
		if (failed == "") != (how == "well") {
			t.Errorf("a delete that ends %s: %q", how, failed)
		}
	}
	failed := try(t, func(tb testing.TB) {
		plugintest.Delete(tb, c, provider.DeleteRequest{Call: call, Token: "tok", Kind: "none", ID: "t-9"}, nil)
	})
	if !strings.Contains(failed, `deleting none "t-9"`) {
		t.Errorf("a delete that is refused ends the test: %q", failed)
	}
	if _, err := plugintest.Act(t, c, provider.ActionRequest{Call: call, Token: "tok", Kind: "none", ID: "t-9", Action: "x"}, nil); err == nil {
		t.Error("an action that is refused has no error")
	}
}

func TestWhatIsReadOfResources(t *testing.T) {
	t.Parallel()
	if got := plugintest.IDs([]provider.Resource{{ID: "b"}, {ID: "a"}}); strings.Join(got, " ") != "a b" {
		t.Errorf("ids %v", got)
	}
	r := provider.Resource{ID: "a", State: []byte(`{"size":7}`)}
	if got := plugintest.State[struct{ Size int }](t, r); got.Size != 7 {
		t.Errorf("state %+v", got)
	}
	r.State = []byte(`[]`)
	if failed := try(t, func(tb testing.TB) { plugintest.State[struct{ Size int }](tb, r) }); !strings.Contains(failed, `the state of "a"`) {
		t.Errorf("a state of another shape ends the test: %q", failed)
	}
}

func TestCloudsThatAreNone(t *testing.T) {
	t.Parallel()
	url, asked := plugintest.Answering(t, http.StatusTeapot, http.Header{"X-Tea": {"green"}}, "tea")
	get := func(url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return http.DefaultClient.Do(req)
	}
	resp, err := get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "tea" || resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Tea") != "green" || asked.Load() != 1 {
		t.Errorf("answered %d %v %q (%v), asked %d times", resp.StatusCode, resp.Header, body, err, asked.Load())
	}
	if resp, err := get(plugintest.Nowhere(t)); err == nil {
		_ = resp.Body.Close()
		t.Error("somebody listens nowhere")
	}
}

func TestPrinted(t *testing.T) { //nolint:paralleltest // replaces the process's standard output
	got := plugintest.Printed(t, func() {
		fmt.Println("printed")
		log.Print("logged")
	})
	if !strings.Contains(got, "printed\n") || !strings.Contains(got, "logged\n") {
		t.Errorf("got %q", got)
	}
	if got := plugintest.Printed(t, func() {}); got != "" {
		t.Errorf("nothing printed: %q", got)
	}
}
