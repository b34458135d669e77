package main

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

const (
	region = "bj"
	zone   = "cn-bj-a"
	access = "ak-one"
	hidden = "sk-marker-7f3a-0123456789"
	// transition is the simulator's time for one change of state.
	transition = time.Second
)

// The vendor's SDK starts a goroutine when it is loaded, and never ends it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/baidubce/bce-sdk-go/util/log.NewLogger.func1"))
}

// world is the plugin behind gRPC, and the simulator behind HTTP.
type world struct {
	*client.Client
	sim   *sim.Cloud
	clock *clock.Fake
	url   string
	logs  *plugintest.Log
}

// epoch is the fake clock's start: noon in Beijing on the 10th of a month.
func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func newWorld(t testing.TB, change ...func(*sim.Config)) *world {
	t.Helper()
	w := &world{clock: clock.NewFake(epoch()), logs: &plugintest.Log{}}
	cfg := sim.Config{
		Now: w.clock.Now, TransitionMS: int(transition.Milliseconds()),
		Accounts: []sim.Account{
			{
				Name: "one", AccessKey: access, SecretKey: hidden, Reseller: true, BalanceFen: 1_000_000_00, PricePercent: 80,
				Customers: []sim.Customer{
					{Name: "first", UserID: "user-one", AccountID: "account-one", Email: "first@customer.example", Mobile: "00000000001", Type: "PERSONAL", BalanceFen: 12345},
				},
			},
			{Name: "two", AccessKey: "ak-two", SecretKey: "sk-two-0123456789ab", BalanceFen: 1000},
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
	w.Client = plugintest.Start(t, w.plugin(), plugintest.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))))
	return w
}

// plugin is a fresh plugin on the world's clock.
func (w *world) plugin() *plugin {
	return newPlugin(w.clock, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second})
}

// checkBooks holds every account's money to what happened to it.
func (w *world) checkBooks(t testing.TB) {
	t.Helper()
	r := w.sim.Report(1000)
	if r.Error != "" {
		t.Errorf("the cloud broke: %s", r.Error)
	}
	for name, b := range r.Accounts {
		if want := b.Start + b.Recharged + b.In - b.Out - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
	}
	if len(r.BoughtTwice) > 0 {
		t.Errorf("bought twice: %v", r.BoughtTwice)
	}
}

// call is a call for account one, with settings changed.
func (w *world) call(settings ...string) provider.Call {
	all := map[string]string{"access_key": access}
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return provider.Call{
		Org: "o1", RootOrg: "o1", RequestID: "r1", Region: region, Zone: zone,
		Account: provider.Account{
			ID: "a1", Endpoint: w.url, Settings: all,
			Credentials: map[string]secret.Value{"secret_key": secret.New(hidden)},
		},
	}
}

func month(periods int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: periods, Quantity: 1}
}

func hourly() provider.Term {
	return provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1}
}

const serverSpec = `{"flavour":"bcc.g5.c2m8","cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20}}`

func (w *world) order(token string) provider.CreateRequest {
	return provider.CreateRequest{
		Call: w.call(), Token: token, Kind: "instance", Name: "web", Spec: json.RawMessage(serverSpec), Term: month(1),
	}
}

// server buys a server that runs and returns its id.
func (w *world) server(t testing.TB, token string) string {
	t.Helper()
	return w.bought(t, w.order(token)).ID
}

// bought makes something and waits until it is there.
func (w *world) bought(t testing.TB, req provider.CreateRequest) provider.Resource {
	t.Helper()
	change, err := w.Create(t.Context(), req)
	if err != nil {
		t.Fatalf("creating %s %q: %v", req.Kind, req.Token, err)
	}
	if change.Operation != "" {
		if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
			t.Fatalf("creating %s %q: %+v", req.Kind, req.Token, op)
		}
	}
	return w.get(t, req.Kind, change.Resource.ID)
}

// made makes something of a kind.
func (w *world) made(t testing.TB, kind, token, spec string, term provider.Term) provider.Resource {
	t.Helper()
	return w.bought(t, provider.CreateRequest{Call: w.call(), Token: token, Kind: kind, Name: "n-" + token, Spec: json.RawMessage(spec), Term: term})
}

// gone releases something and waits until it is away.
func (w *world) gone(t testing.TB, kind, id string) {
	t.Helper()
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-" + id, Kind: kind, ID: id})
	if err != nil {
		t.Fatalf("deleting %s %q: %v", kind, id, err)
	}
	if change.Operation != "" {
		if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
			t.Fatalf("deleting %s %q: %+v", kind, id, op)
		}
	}
	if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kind, ID: id}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("after the release of %s %q: %v", kind, id, err)
	}
}

// finish polls an operation to its end, one transition apart.
func (w *world) finish(t testing.TB, id string) provider.Operation {
	t.Helper()
	return plugintest.Finish(t, w.Client, w.call(), id, 30, func() { w.clock.Advance(transition) })
}

func (w *world) get(t testing.TB, kind, id string) provider.Resource {
	t.Helper()
	return plugintest.Read(t, w.Client, w.call(), kind, id)
}

func (w *world) list(t testing.TB, kind string) []provider.Resource {
	t.Helper()
	return plugintest.ReadAll(t, w.Client, w.call(), kind)
}

func (w *world) act(t testing.TB, kind, id, action, input string) (provider.Change, error) {
	t.Helper()
	return w.Act(t.Context(), provider.ActionRequest{
		Call: w.call(), Token: "act-1", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input),
	})
}

func (w *world) find(t testing.TB, kind string, change provider.ChangeKind, token, id string, since time.Time) provider.Found {
	t.Helper()
	return plugintest.Find(t, w.Client, provider.FindRequest{Call: w.call(), Token: token, Kind: kind, Change: change, ID: id, Since: since})
}

func (w *world) faults(t testing.TB, f ...sim.Fault) {
	t.Helper()
	if err := w.sim.SetFaults(f...); err != nil {
		t.Fatal(err)
	}
}

// calls is how often an action was called.
func (w *world) calls(action string) int { return int(w.sim.Counts()[action].Calls) }

func ids(all []provider.Resource) []string { return plugintest.IDs(all) }

func want(t testing.TB, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	plugintest.Want(t, reason, err, class, outcome)
}
