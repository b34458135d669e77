package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

// fakeCluster is an engine that keeps what it is told and runs it at once.
type fakeCluster struct {
	mu      sync.Mutex
	has     map[string]workload.Instance
	refuse  error
	delay   time.Duration
	noNodes bool
	lost    bool // answers to Apply get lost
	done    []string
	bad     string        // a kubeconfig that runs a command
	dead    bool          // nothing is removed any more
	asked   int           // to remove, while dead
	rest    chan struct{} // closed: what is watched has come to rest
	watched int
	starts  bool // nothing is ready yet
}

func newFakeCluster() *fakeCluster { return &fakeCluster{has: map[string]workload.Instance{}} }

// slow waits as long as the cluster takes to answer.
func (f *fakeCluster) slow(ctx context.Context) error {
	f.mu.Lock()
	d := f.delay
	f.mu.Unlock()
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Unknown(ctx.Err(), "the cluster did not answer in time")
	}
}

func (f *fakeCluster) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeCluster) Admit(_ context.Context, kubeconfig secret.Value) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text := kubeconfig.Reveal(); text == "bad" || text == f.bad {
		return fault.Invalid("spec.kubeconfig", "runs a command")
	}
	return nil
}

func (f *fakeCluster) Apply(ctx context.Context, _ workload.Target, in workload.Instance) error {
	if err := f.slow(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	f.has[in.ID] = in
	if f.lost {
		return fault.Unknown(nil, "the answer was lost")
	}
	return nil
}

func (f *fakeCluster) Remove(ctx context.Context, _ workload.Target, in workload.Instance) (bool, error) {
	if err := f.slow(ctx); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		f.asked++
		return false, fault.Unavailable("the cluster does not answer")
	}
	delete(f.has, in.ID)
	return true, nil
}

// removes is how often a dead cluster was asked to remove something.
func (f *fakeCluster) removes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fakeCluster) Observe(ctx context.Context, _ workload.Target, in workload.Instance) (workload.Seen, error) {
	if err := f.slow(ctx); err != nil {
		return workload.Seen{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now, ok := f.has[in.ID]
	if f.starts {
		return workload.Seen{Exists: ok, Current: true, Wanted: now.Replicas}, nil
	}
	return workload.Seen{Exists: ok, Current: true, Wanted: now.Replicas, Ready: now.Replicas}, nil
}

func (f *fakeCluster) Fits(_ context.Context, _ workload.Target, needs []workload.Need) ([]workload.Verdict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noNodes {
		return nil, fault.Unavailable("the cluster does not answer")
	}
	out := make([]workload.Verdict, len(needs))
	for i, n := range needs {
		out[i].OK = true
		for _, p := range n.Parts {
			if p.Type == price.GPU && p.Amount > 2 {
				out[i] = workload.Verdict{Reason: "no node has 3 cards free"}
			}
		}
	}
	return out, nil
}

func (f *fakeCluster) Logs(_ context.Context, _ workload.Target, in workload.Instance, req workload.LogRequest) (string, error) {
	return fmt.Sprintf("%s %d\n", in.Name, req.Tail), nil
}

func (f *fakeCluster) Exec(_ context.Context, _ workload.Target, _ workload.Instance, _ string, command []string, stdin string) (workload.Ran, error) {
	return workload.Ran{Stdout: command[0] + stdin, Code: 3}, nil
}

func (f *fakeCluster) Pods(_ context.Context, _ workload.Target, yield func(board.PodRow) error) error {
	return yield(board.PodRow{Namespace: "n", Name: "p", Ready: "1/1", Running: "Running", CPURate: "0.004核"})
}

func (f *fakeCluster) Nodes(_ context.Context, _ workload.Target, yield func(board.NodeRow) error) error {
	return yield(board.NodeRow{Name: "node-1", Status: "Ready", CPURate: "21.2%", AvailableGPU: 2})
}

func (f *fakeCluster) did(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, fmt.Sprintf(format, args...))
	return nil
}

func (f *fakeCluster) Label(_ context.Context, _ workload.Target, node, key, value string, remove bool) error {
	return f.did("label %s %s=%s %t", node, key, value, remove)
}

func (f *fakeCluster) Models(_ context.Context, _ workload.Target, node, card, core string) error {
	return f.did("models %s %s %s", node, card, core)
}

func (f *fakeCluster) Cordon(_ context.Context, _ workload.Target, node string, away bool) error {
	return f.did("cordon %s %t", node, away)
}

func (f *fakeCluster) Drain(_ context.Context, _ workload.Target, node string, bare bool, most time.Duration) (int, int, error) {
	return 3, 1, f.did("drain %s %t %s", node, bare, most)
}

func (f *fakeCluster) RemoveNode(_ context.Context, _ workload.Target, node string, force bool, _ time.Duration) error {
	return f.did("remove %s %t", node, force)
}

func (f *fakeCluster) Events(context.Context, workload.Target, workload.Instance) ([]workload.Happening, error) {
	return nil, nil
}

// world is a served plugin whose account has a centre with a cluster and parts.
type world struct {
	*client.Client
	t        *testing.T
	clock    *clock.Fake
	host     *plugintest.Host
	cluster  *fakeCluster
	machines *fakeMachines
	centre   string
	on       string
	widgets  map[price.Type]string
}

const card = "RTX5090-32G"

// account is an account of the plugin; it has no credentials.
func account(id string) provider.Account { return provider.Account{ID: id} }

func (w *world) call() provider.Call {
	return provider.Call{Org: "org", RootOrg: "root", Account: account("a"), Region: w.centre, Zone: w.on}
}

// anywhere is a call without a place.
func (w *world) anywhere() provider.Call {
	c := w.call()
	c.Region, c.Zone = "", ""
	return c
}

func newWorld(t *testing.T, cards int) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)), host: plugintest.NewHost(), cluster: newFakeCluster(), machines: &fakeMachines{}}
	w.host.Clock = w.clock
	w.Client = plugintest.Start(t, newPlugin(w.cluster, w.machines), plugintest.WithHost(w.host))
	w.open(cards)
	return w
}

// another is the same world through another process of the plugin.
func (w *world) another() *world {
	w.t.Helper()
	next := *w
	next.machines = &fakeMachines{}
	next.Client = plugintest.Start(w.t, newPlugin(w.cluster, next.machines), plugintest.WithHost(w.host))
	return &next
}

func (f *fakeCluster) Members(string, secret.Value) (kubeadm.Nodes, error) { return nil, nil }

// open fills the books of the account.
func (w *world) open(cards int) {
	w.t.Helper()
	w.centre = w.make("centre", w.anywhere(), `{"name":"One","contact_name":"n","contact_phone":"000"}`).ID
	at := w.anywhere()
	at.Region = w.centre
	w.on = w.make("cluster", at, `{"name":"k1","kubeconfig":"marker-kubeconfig-1b7e"}`).ID
	w.widgets = map[price.Type]string{}
	for typ, spec := range map[price.Type]string{
		price.CPU:    `{"type":"cpu","unit_price":"1.5","stock":4096}`,
		price.Memory: `{"type":"memory","unit_price":"0.005","resource_unit":"Mi","stock":10485760}`,
		price.Disk:   `{"type":"disk","model":"DATA","unit_price":"0.01","stock":10240}`,
		price.GPU:    fmt.Sprintf(`{"type":"gpu","model":%q,"unit_price":"6","stock":%d}`, card, cards),
	} {
		w.widgets[typ] = w.make("widget", w.call(), spec).ID
	}
}

// try creates one of a kind; the token is made of what is asked for.
func (w *world) try(kind string, call provider.Call, spec string) (provider.Change, error) {
	return w.Create(w.t.Context(), provider.CreateRequest{
		Call: call, Token: area.IDOf(kind, spec), Kind: kind, Name: "made", Spec: json.RawMessage(spec), Term: month(1),
	})
}

func (w *world) make(kind string, call provider.Call, spec string) provider.Resource {
	w.t.Helper()
	c, err := w.try(kind, call, spec)
	if err != nil {
		w.t.Fatalf("making a %s of %s: %v", kind, spec, err)
	}
	return *c.Resource
}

// state reads a thing's state.
func state[T any](w *world, kind, id string) T {
	w.t.Helper()
	var out T
	r, err := w.Get(w.t.Context(), provider.GetRequest{Call: w.anywhere(), Kind: kind, ID: id})
	if err == nil {
		err = json.Unmarshal(r.State, &out)
	}
	if err != nil {
		w.t.Fatalf("reading %s %q: %v", kind, id, err)
	}
	return out
}

func month(n int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: n, Quantity: 1}
}

// basketSpec is the reference's basket as a workload.
const basketSpec = `{"image":"docker.io/ubuntu:22.04","mount_path":"/data","parts":[{"type":"cpu","amount":4},{"type":"memory","amount":8192},{"type":"disk","amount":512},{"type":"gpu","model":"RTX5090-32G","amount":2}]}`

const smallSpec = `{"image":"docker.io/ubuntu:22.04","parts":[{"type":"cpu","amount":1},{"type":"memory","amount":512}]}`

func want(t *testing.T, reason string, err error, class fault.Class) {
	t.Helper()
	if !fault.Is(err, class) {
		t.Errorf("%s: %v; want %s", reason, err, class)
	}
}
