package main

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

const (
	edge     = "CN_Suqian"
	edgeZone = "CN_Suqian_B"
	home     = "CN_HongKong"
	homeZone = "CN_Hongkong_A"
	public   = "access-one"
	private  = "secret-marker-7f3a"
	creates  = "CreateInstance"
	family1  = "CPU密集计算型I3"
	image1   = "Ubuntu 20.04 64位"
	// transition is the simulator's time for one change of state.
	transition = 2 * time.Second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the plugin behind gRPC, and the simulator behind HTTP.
type world struct {
	*client.Client
	plugin *plugin
	sim    *sim.Cloud
	clock  *clock.Fake
	url    string
	logs   *plugintest.Log
	region string
	zone   string
	// settings are put over those of every call.
	settings []string
}

// newWorld is a world whose calls are for the platform region.
func newWorld(t *testing.T, change ...func(*sim.Config)) *world {
	t.Helper()
	w := &world{
		clock: clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)), logs: &plugintest.Log{}, region: home, zone: homeZone,
	}
	cfg := sim.Config{
		Now: w.clock.Now, Wall: time.Now, TransitionMS: int(transition.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", AccessKey: public, SecretKey: private, BalanceFen: 1_000_000_00, PricePercent: 80, Subjects: []sim.Subject{
				{ID: 7, Name: "trial", BalanceFen: 100_00, IncomeFen: 100_00},
			}},
			{Name: "two", AccessKey: "access-two", SecretKey: "secret-two", BalanceFen: 1000},
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
	w.plugin = newPlugin(w.clock, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second})
	w.Client = plugintest.Start(t, w.plugin, plugintest.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))))
	return w
}

// onEdge moves the calls of a world to the edge region.
func (w *world) onEdge() *world {
	w.region, w.zone = edge, edgeZone
	return w
}

// checkBooks holds every account to start + recharges - purchases + refunds =
// balance, and lets no name have bought twice.
func (w *world) checkBooks(t *testing.T) {
	t.Helper()
	r := w.sim.Report(1000)
	for name, b := range r.Accounts {
		if want := b.Start + b.Recharged - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
	}
	for sort, names := range r.Bought {
		for name, b := range names {
			if b.Orders > 1 && strings.Contains(name, markSign) {
				t.Errorf("%s %q was bought %d times", sort, name, b.Orders)
			}
		}
	}
}

// call is a call for account one, with settings changed.
func (w *world) call(settings ...string) provider.Call {
	all := map[string]string{"access_key": public}
	settings = append(slices.Clone(w.settings), settings...)
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return provider.Call{
		Org: "o1", RootOrg: "o1", RequestID: "r1", Region: w.region, Zone: w.zone,
		Account: provider.Account{
			ID: "a1", Endpoint: w.url, Settings: all,
			Credentials: map[string]secret.Value{"secret_key": secret.New(private)},
		},
	}
}

func month(periods int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: periods, Quantity: 1}
}

func hourly() provider.Term {
	return provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1}
}

func forOnce() provider.Term {
	return provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1}
}

// subnet makes a network with a subnet, past the plugin, and returns the
// subnet's id.
func (w *world) subnet(t *testing.T) string {
	t.Helper()
	c, err := w.plugin.openIn(w.call())
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := write[struct{ SubnetIdList []string }](t.Context(), c, post(vpc, "CreateVPC", object{
		"RegionCode": w.region, "VPCName": "net", "VPCSegment": "10.0.0.0/16", "VPCSegmentType": "manual", "BandwidthType": "Bandwidth_CMCC",
		"SubnetList": []object{{"AvailableZoneCode": w.zone, "SubnetName": "sub", "SubnetSegment": "10.0.1.0/24"}},
	}))
	if err != nil {
		t.Fatalf("making a network: %v", err)
	}
	w.clock.Advance(transition)
	return out.SubnetIdList[0]
}

// spec is a server's spec with more fields.
func spec(t *testing.T, fields map[string]any) json.RawMessage {
	t.Helper()
	all := map[string]any{
		"machine_type": family1, "cpu": 2, "memory_mb": 4096, "image_id": image1, "boot_disk": map[string]any{"type": "ssd", "size_gb": 40},
	}
	for k, v := range fields {
		if v == nil {
			delete(all, k)
			continue
		}
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) order(t *testing.T, token, subnet string) provider.CreateRequest {
	t.Helper()
	return provider.CreateRequest{
		Call: w.call(), Token: token, Kind: "instance", Name: "web", Spec: spec(t, map[string]any{"subnet_id": subnet}), Term: month(1),
	}
}

// create makes a thing, waits for it and returns it.
func (w *world) create(t *testing.T, req provider.CreateRequest) provider.Resource {
	t.Helper()
	return plugintest.Create(t, w.Client, req, w.ended(t))
}

// ended polls an operation to its end, one transition apart.
func (w *world) ended(t *testing.T) func(string) provider.Operation {
	return func(id string) provider.Operation { return w.finish(t, id) }
}

// made makes a thing of a kind by its spec.
func (w *world) made(t *testing.T, kind, token, spec string, term provider.Term) provider.Resource {
	t.Helper()
	return w.create(t, provider.CreateRequest{
		Call: w.call(), Token: token, Kind: kind, Name: "thing", Spec: json.RawMessage(spec), Term: term,
	})
}

// finish polls an operation to its end, one transition apart.
func (w *world) finish(t *testing.T, id string) provider.Operation {
	t.Helper()
	return plugintest.Finish(t, w.Client, w.call(), id, 60, func() { w.clock.Advance(transition) })
}

func (w *world) get(t *testing.T, kind, id string) provider.Resource {
	t.Helper()
	return plugintest.Read(t, w.Client, w.call(), kind, id)
}

func (w *world) list(t *testing.T, kind string) []provider.Resource {
	t.Helper()
	return plugintest.ReadAll(t, w.Client, w.call(), kind)
}

// drop deletes a thing and waits until it is gone.
func (w *world) drop(t *testing.T, kind, id string) {
	t.Helper()
	plugintest.Delete(t, w.Client, provider.DeleteRequest{Call: w.call(), Token: "drop-" + id, Kind: kind, ID: id}, w.ended(t))
}

// act performs an action and waits for it.
func (w *world) act(t *testing.T, kind, id, action, input string) (provider.Change, error) {
	t.Helper()
	return plugintest.Act(t, w.Client, provider.ActionRequest{
		Call: w.call(), Token: "act-1", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input),
	}, w.ended(t))
}

// acts is act for what must work.
func (w *world) acts(t *testing.T, kind, id, action, input string) provider.Change {
	t.Helper()
	change, err := w.act(t, kind, id, action, input)
	if err != nil {
		t.Fatalf("%s of %s %q: %v", action, kind, id, err)
	}
	return change
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

// state reads a thing's state.
func state[State any](t *testing.T, r provider.Resource) State {
	t.Helper()
	return plugintest.State[State](t, r)
}

func ids(all []provider.Resource) []string { return plugintest.IDs(all) }

func want(t *testing.T, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	plugintest.Want(t, reason, err, class, outcome)
}
