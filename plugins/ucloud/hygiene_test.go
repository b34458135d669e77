package main

import (
	"sync"
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

// TestConnectionsAreUsedAgain: the SDK gets a client for each request, which
// must not cost a connection each.
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
	}
	plugintest.ReuseConnections(t, opened, plugintest.Crowd{Alone: 50, Do: func(int) { check() }, Callers: crowd, Each: 10, Check: check})
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
