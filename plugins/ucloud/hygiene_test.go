package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
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

// TestConnectionsAreUsedAgain: the SDK gets a client for each request, which
// must not cost a connection each.
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
	// A call that found nothing idle dials and may be overtaken by a connection
	// that became free: two a caller at most, however slow the machine is.
	if n := opened.Load(); n > 2*crowd {
		t.Errorf("%d callers with 10 calls each opened %d connections", crowd, n)
	} else {
		t.Logf("%d calls of %d callers: %d connections", 10*crowd, crowd, n)
	}
}

// TestACrowdChangesEveryKind is for the race detector: callers of both accounts
// make, change and release things of every kind at once.
func TestACrowdChangesEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	vpc := w.made(t, kinds.VPC, "tok-v", "net", `{"cidr":"172.16.0.0/16"}`).ID
	specs := []struct {
		kind, spec string
		term       provider.Term
	}{
		{kinds.SecurityGroup, `{"rules":[` + sshRule + `]}`, forOnce()},
		{kinds.VPC, `{"cidr":"172.17.0.0/16"}`, forOnce()},
		{kinds.Disk, `{"size_gb":20}`, month(1)},
		{kinds.EIP, `{"bandwidth_mbps":2}`, month(1)},
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			c := specs[i%len(specs)]
			token := "crowd-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			change, err := w.Create(t.Context(), provider.CreateRequest{
				Call: w.call(), Token: token, Kind: c.kind, Name: "n", Spec: []byte(c.spec), Term: c.term,
			})
			if err != nil || change.Resource == nil {
				t.Errorf("%s: %+v, %v", c.kind, change, err)
				return
			}
			if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: c.kind, ID: change.Resource.ID}); err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
			if _, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: token, Kind: c.kind, ID: change.Resource.ID}); err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d callers took %v", crowd, time.Since(began))
	if left := len(w.list(t, kinds.SecurityGroup)) + len(w.list(t, kinds.VPC)) + len(w.list(t, kinds.Disk)) + len(w.list(t, kinds.EIP)); left != 4 {
		t.Errorf("%d things are left; want the cloud's two groups and network, and %s", left, vpc)
	}
}
