package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wait"
)

// sold is a world with three workloads on its cluster, and one on another that takes
// of the same widgets.
func sold(t *testing.T) (w *world, ids []string) {
	t.Helper()
	w = newWorld(t, 4)
	at := w.anywhere()
	at.Region = w.centre
	other := w.make("cluster", at, `{"name":"k2","kubeconfig":"marker-kubeconfig-2"}`).ID
	at.Zone = other
	for _, spec := range []string{`{"type":"cpu","unit_price":"1.5","stock":4,"add_stock":true}`, `{"type":"memory","unit_price":"0.005","resource_unit":"Mi","stock":4096,"add_stock":true}`} {
		w.make("widget", at, spec)
	}
	w.make("workload", at, smallSpec)
	for i := range 3 {
		ids = append(ids, w.make("workload", w.call(), smallSpec+strings.Repeat(" ", i+1)).ID)
	}
	return w, ids
}

// shares are what clusters have and have sold of the cores.
func (w *world) shares() (all, own string) {
	w.t.Helper()
	v := state[widget.Widget](w, "widget", w.widgets[price.CPU])
	for _, s := range v.Clusters {
		if s.ClusterID == w.on {
			own = fmt.Sprint(s.Stock, " ", s.Consumed)
		}
	}
	return fmt.Sprint(v.Stock, " ", v.Consumed), own
}

// lost lists what went with clusters of the centre.
func (w *world) lost() (ids []string) {
	w.t.Helper()
	var out lostWorkloads
	got, err := w.act("centre", w.centre, "lost_workloads", `{}`)
	if err == nil {
		err = json.Unmarshal(got.Output, &out)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range out.Workloads {
		ids = append(ids, one.ID)
	}
	return ids
}

func TestSoldThingsAreNotLostByAccident(t *testing.T) {
	t.Parallel()
	w, _ := sold(t)
	for reason, input := range map[string]string{"no number": `{}`, "fewer": `{"workloads":2}`, "more": `{"workloads":4}`} {
		_, err := w.act("cluster", w.on, "remove_by_force", input)
		want(t, reason, err, fault.ClassPrecondition)
		if c := state[centre.Cluster](w, "cluster", w.on); c.State != centre.Ready || c.ByForce || c.Loses != 0 {
			t.Errorf("%s: it is not as it was: %+v", reason, c)
		}
	}
	if _, own := w.shares(); own != "4096 3" || len(w.lost()) != 0 {
		t.Errorf("the stock is %s, and %v are lost", own, w.lost())
	}
}

func TestADeadClusterGoesWithItsWorkloads(t *testing.T) {
	t.Parallel()
	w, ids := sold(t)
	w.cluster.set(func() { w.cluster.dead = true })
	call := w.call() // as the broker asks about them: by their place
	const input = `{"workloads":3}`
	var all sync.WaitGroup
	for range 8 { // a replay may come at any time
		all.Go(func() {
			change, err := w.act("cluster", w.on, "remove_by_force", input)
			if err == nil && change.Operation != "" {
				_, err = w.Operation(t.Context(), provider.OperationRequest{Call: w.anywhere(), ID: change.Operation})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if op := w.begin(w.on, "remove_by_force", input); op != "" {
		w.ends(op)
	}
	if change, err := w.act("cluster", w.on, "remove_by_force", input); err != nil || change.Operation != "" {
		t.Errorf("a replay after the end: %+v, %v", change, err)
	}
	w.gone(call, ids)
	if all, own := w.shares(); all != "4 1" || own != "" {
		t.Errorf("the stock is %s, of the lost cluster %q", all, own)
	}
	if removes := w.cluster.removes(); removes != 1 {
		t.Errorf("a cluster that does not answer was asked %d times", removes)
	}
	events := 0
	for _, e := range w.host.Events() {
		if e.Event.Type == provider.EventResourceChanged {
			events++
		}
	}
	if events != len(ids) {
		t.Errorf("the broker was told of %d; want %d", events, len(ids))
	}
}

// gone checks that the broker finds none of the workloads at the cloud, and can end
// what it keeps of them.
func (w *world) gone(call provider.Call, ids []string) {
	w.t.Helper()
	if lost := w.lost(); len(lost) != len(ids) {
		w.t.Errorf("%v are lost; want %v", lost, ids)
	}
	err := w.Import(w.t.Context(), provider.ImportRequest{Call: w.anywhere(), Kinds: []string{kindWorkload}}, func(r provider.Resource) error {
		for _, id := range ids {
			if r.ID == id {
				w.t.Errorf("the comparison finds %q", id)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	for _, id := range ids {
		_, err := w.Get(w.t.Context(), provider.GetRequest{Call: call, Kind: kindWorkload, ID: id})
		want(w.t, "reading a lost workload by its place", err, fault.ClassNotFound)
		if err != nil && !strings.Contains(err.Error(), "was lost with its cluster") {
			w.t.Errorf("it says %v", err)
		}
		_, err = w.Renew(w.t.Context(), provider.RenewRequest{Call: call, Token: "r" + id, Kind: kindWorkload, ID: id, Term: month(1)})
		want(w.t, "renewing it", err, fault.ClassNotFound)
		if _, err := w.Delete(w.t.Context(), provider.DeleteRequest{Call: call, Token: "d" + id, Kind: kindWorkload, ID: id}); err != nil {
			w.t.Errorf("releasing it: %v", err)
		}
		found, err := w.FindByToken(w.t.Context(), provider.FindRequest{Call: call, Kind: kindWorkload, ID: id, Token: "d" + id, Change: provider.ChangeRelease})
		if err != nil || !found.Done {
			w.t.Errorf("whether it was released: %+v, %v", found, err)
		}
	}
}

// broken are books that fail after some workloads were lost.
type broken struct {
	*plugintest.Host
	mu    sync.Mutex
	after int
}

// Apply refuses to lose more.
func (b *broken) Apply(ctx context.Context, s provider.Scope, t provider.Transaction) error {
	if strings.Contains(t.Token, "/lose/") {
		b.mu.Lock()
		b.after--
		over := b.after < 0
		b.mu.Unlock()
		if over {
			return fault.Unavailable("the books do not answer")
		}
	}
	return b.Host.Apply(ctx, s, t)
}

// TestALossThatIsCutOffGoesOn cuts a removal off after the first workload, and takes
// it up with another process.
func TestALossThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	w, ids := sold(t)
	call := w.call()
	dying := *w
	dying.Client = plugintest.Start(t, newPlugin(w.cluster, &fakeMachines{}), plugintest.WithHost(&broken{Host: w.host, after: 1}))
	op := dying.begin(w.on, "remove_by_force", `{"workloads":3}`)
	_, err := wait.Until(t.Context(), wait.Config{Every: 10 * time.Millisecond, Timeout: 20 * time.Second}, func(context.Context) (int, error) {
		return len(w.lost()), nil
	}, func(n int) (bool, error) { return n > 0, nil })
	if err != nil {
		t.Fatal(err)
	}
	dying.goesOn(op)
	if n := len(w.lost()); n != 1 {
		t.Fatalf("%d are lost when it is cut off; want 1", n)
	}
	if _, own := w.shares(); own != "4096 2" {
		t.Errorf("the stock is %s", own)
	}
	_, err = w.act("cluster", w.on, "remove_by_force", `{"workloads":1}`)
	want(t, "another number in the middle", err, fault.ClassPrecondition)
	if c := state[centre.Cluster](w, "cluster", w.on); c.State != centre.Closing || c.Loses != 3 {
		t.Errorf("the removal ended: %+v", c)
	}
	_, err = w.try("workload", w.call(), smallSpec+"      ")
	want(t, "a sale on a cluster that goes", err, fault.ClassPrecondition)
	next := w.another()
	if again := next.begin(w.on, "remove_by_force", `{"workloads":3}`); again != op {
		t.Errorf("the replay is the operation %q; want %q", again, op)
	}
	if end := next.ends(op); end.State != provider.OperationSucceeded {
		t.Fatalf("taken up: %+v", end)
	}
	next.gone(call, ids)
	if all, own := next.shares(); all != "4 1" || own != "" {
		t.Errorf("the stock is %s, of the lost cluster %q", all, own)
	}
}
