package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/trace"
)

// crowd is how many callers there are at once.
const crowd = 64

// counted is the simulator behind a server that counts its connections.
func (w *world) counted(t *testing.T) (url string, opened *atomic.Int64) {
	t.Helper()
	opened = &atomic.Int64{}
	srv := httptest.NewUnstartedServer(w.sim)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL, opened
}

// TestConnectionsAreUsedAgain: also though no request may be repeated by the transport.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, opened := w.counted(t)
	p := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	call := w.call()
	call.Account.Endpoint = url
	check := func() {
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Errorf("check: %v", err)
		}
	}
	for range 50 {
		check()
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("50 calls one after another opened %d connections; want 1", n)
	}
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() {
			for range 10 {
				check()
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n > 2*crowd {
		t.Errorf("%d callers with 10 calls each opened %d connections", crowd, n)
	} else {
		t.Logf("%d calls of %d callers: %d connections", 10*crowd, crowd, n)
	}
}

// TestACrowdChangesEveryKind is for the race detector: callers make, change and
// release things of every kind at once.
func TestACrowdChangesEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	specs := []struct {
		kind, spec string
		term       provider.Term
	}{
		{kinds.SecurityGroup, `{"rules":[` + sshRule + `]}`, forOnce()}, {kinds.VPC, `{"cidr":"172.17.0.0/16"}`, forOnce()},
		{kinds.Disk, `{"size_gb":20}`, month(1)}, {kinds.EIP, `{"bandwidth_mbps":2}`, hourly()}, {kinds.Instance, serverSpec, hourly()},
	}
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			c := specs[i%len(specs)]
			token := fmt.Sprintf("crowd-%d", i)
			change, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: token, Kind: c.kind, Name: "net", Spec: []byte(c.spec), Term: c.term})
			if err != nil || change.Resource == nil {
				t.Errorf("%s: %+v, %v", c.kind, change, err)
				return
			}
			id := change.Resource.ID
			if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: c.kind, ID: id}); err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
			if c.kind != kinds.EIP {
				if _, err := w.act(t, c.kind, id, kinds.ActionRename, `{"name":"front"}`); err != nil {
					t.Errorf("%s: %v", c.kind, err)
				}
			}
			done, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: token, Kind: c.kind, ID: id})
			if err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
			if done.Operation != "" {
				if op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: done.Operation}); err != nil || op.State != provider.OperationSucceeded {
					t.Errorf("%s: %+v, %v", c.kind, op, err)
				}
			}
		})
	}
	all.Wait()
	if r := w.sim.Report(10); r.Hosts+r.Disks+r.EIPs != 0 || len(r.BoughtTwice) != 0 {
		t.Errorf("left: %+v", r)
	}
}

// TestNothingIsPrinted: the SDK's own logger prints every request, passwords
// and all, to standard output.
func TestNothingIsPrinted(t *testing.T) { //nolint:paralleltest // replaces the process's standard output
	w := newWorld(t)
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	real := os.Stdout
	os.Stdout = pipe
	id := w.server(t, "tok-1")
	_, actErr := w.act(t, kinds.Instance, id, kinds.ActionResetPassword, `{"password":"Correct-horse-7"}`)
	w.faults(t, sim.Fault{Kind: sim.KindNonJSON})
	_, getErr := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: id})
	os.Stdout = real
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	printed, err := io.ReadAll(r)
	if err != nil || len(printed) > 0 {
		t.Errorf("printed %q, %v", printed, err)
	}
	if actErr != nil || getErr == nil {
		t.Errorf("%v, %v", actErr, getErr)
	}
}

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
	if len(got.all) != 1 || !strings.HasPrefix(got.all[0].Name, "HTTP ") || got.all[0].Attrs["http.response.status_code"] != "200" {
		t.Errorf("spans %+v", got.all)
	}
}
