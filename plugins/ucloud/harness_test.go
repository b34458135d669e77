package main

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

const (
	region  = "cn-bj2"
	zone    = "cn-bj2-04"
	public  = "public-one"
	private = "private-marker-7f3a"
	image1  = "uimage-ubuntu2204"
	// transition is the simulator's time for one change of state.
	transition = time.Second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the plugin behind gRPC, and the simulator behind HTTP.
type world struct {
	*client.Client
	sim   *sim.Cloud
	clock *clock.Fake
	url   string
	logs  *plugintest.Log
}

func newWorld(t *testing.T, change ...func(*sim.Config)) *world {
	t.Helper()
	w := &world{clock: clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)), logs: &plugintest.Log{}}
	cfg := sim.Config{
		Now: w.clock.Now, TransitionMS: int(transition.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", PublicKey: public, PrivateKey: private, BalanceFen: 1_000_000_00, PricePercent: 80, Projects: []sim.Project{
				{ID: "org-one", Name: "Default", Default: true}, {ID: "org-two", Name: "second"},
			}},
			{Name: "two", PublicKey: "public-two", PrivateKey: "private-two", BalanceFen: 1000, ChannelKey: "channel-two"},
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if w.sim, err = sim.New(cfg); err != nil {
		t.Fatalf("starting the cloud: %v", err)
	}
	srv := httptest.NewServer(w.sim)
	w.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		w.checkBooks(t)
		if err := w.sim.Close(); err != nil {
			t.Errorf("closing the cloud: %v", err)
		}
	})
	p := newPlugin(w.clock, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second})
	w.Client = plugintest.Start(t, p, plugintest.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))))
	return w
}

// checkBooks holds every account to start + recharges - purchases + refunds = balance.
func (w *world) checkBooks(t *testing.T) {
	t.Helper()
	for name, b := range w.sim.Report(1).Accounts {
		if want := b.Start + b.Recharged - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
	}
}

// call is a call for account one, with settings changed.
func (w *world) call(settings ...string) provider.Call {
	all := map[string]string{"public_key": public, "project_id": "org-one"}
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return provider.Call{
		Org: "o1", RootOrg: "o1", RequestID: "r1", Region: region, Zone: zone,
		Account: provider.Account{
			ID: "a1", Endpoint: w.url, Settings: all,
			Credentials: map[string]secret.Value{"private_key": secret.New(private)},
		},
	}
}

func month(periods int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: periods, Quantity: 1}
}

const serverSpec = `{"machine_type":"N","cpu":2,"memory_mb":4096,"image_id":"uimage-ubuntu2204","boot_disk":{"type":"CLOUD_SSD","size_gb":20}}`

func (w *world) order(token string) provider.CreateRequest {
	return provider.CreateRequest{
		Call: w.call(), Token: token, Kind: "instance", Name: "web", Spec: json.RawMessage(serverSpec), Term: month(1),
	}
}

// server buys a server that runs and returns its id.
func (w *world) server(t *testing.T, token string) string {
	t.Helper()
	change, err := w.Create(t.Context(), w.order(token))
	if err != nil {
		t.Fatalf("creating %q: %v", token, err)
	}
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
		t.Fatalf("creating %q: %+v", token, op)
	}
	return change.Resource.ID
}

// address buys an address and returns its id.
func (w *world) address(t *testing.T, token string) string {
	t.Helper()
	change, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: token, Kind: "eip", Name: "front", Spec: json.RawMessage(`{"line":"Bgp","bandwidth_mbps":2}`), Term: month(1),
	})
	if err != nil {
		t.Fatalf("allocating %q: %v", token, err)
	}
	return change.Resource.ID
}

// finish polls an operation to its end, one transition apart.
func (w *world) finish(t *testing.T, id string) provider.Operation {
	t.Helper()
	return plugintest.Finish(t, w.Client, w.call(), id, 30, func() { w.clock.Advance(transition) })
}

func (w *world) get(t *testing.T, kind, id string) provider.Resource {
	t.Helper()
	return plugintest.Read(t, w.Client, w.call(), kind, id)
}

func (w *world) act(t *testing.T, kind, id, action, input string) (provider.Change, error) {
	t.Helper()
	return w.Act(t.Context(), provider.ActionRequest{
		Call: w.call(), Token: "act-1", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input),
	})
}

func (w *world) find(t *testing.T, kind string, change provider.ChangeKind, token, id string, since time.Time) provider.Found {
	t.Helper()
	return plugintest.Find(t, w.Client, provider.FindRequest{Call: w.call(), Token: token, Kind: kind, Change: change, ID: id, Since: since})
}

func (w *world) faults(t *testing.T, f ...sim.Fault) {
	t.Helper()
	if err := w.sim.SetFaults(f...); err != nil {
		t.Fatal(err)
	}
}

func ids(all []provider.Resource) []string { return plugintest.IDs(all) }

func want(t *testing.T, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	plugintest.Want(t, reason, err, class, outcome)
}

func secretOf(text string) secret.Value { return secret.New(text) }
