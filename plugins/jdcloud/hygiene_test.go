package main

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

// crowd is how many callers there are at once.
const crowd = 64

// TestConnectionsAreUsedAgain: also though no request may be repeated by the transport.
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
	var actErr, getErr error
	printed := plugintest.Printed(t, func() {
		id := w.server(t, "tok-1")
		_, actErr = w.act(t, kinds.Instance, id, kinds.ActionResetPassword, `{"password":"Correct-horse-7"}`)
		w.faults(t, sim.Fault{Kind: sim.KindNonJSON})
		_, getErr = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: id})
	})
	if printed != "" {
		t.Errorf("printed %q", printed)
	}
	if actErr != nil || getErr == nil {
		t.Errorf("%v, %v", actErr, getErr)
	}
}

func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	if got := plugintest.Traced(t, p, w.call()); len(got) != 1 {
		t.Errorf("%d spans: %+v", len(got), got)
	}
}
