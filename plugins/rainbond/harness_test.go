package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

const (
	home     = "rainbond"
	edge     = "edge"
	adminKey = "5ec2e7a1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	blueKey  = "5ec2e7b2bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	oldKey   = "5ec2e7c3cccccccccccccccccccccccccccccccc"
	storeKey = "store-marker-7f3a"
	noKey    = "store-denied-51c0"
	blog     = "5a1e0c7d9b3f4e6a8c2d1f0e9b7a6c5d"
	cacheID  = "0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c"
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
	key    string
	// settings are put over those of every call.
	settings map[string]string
	// more says that apps are installed into on purpose.
	more bool
}

func newWorld(t *testing.T, change ...func(*sim.Config)) *world {
	t.Helper()
	w := &world{
		clock: clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)), logs: &plugintest.Log{}, region: home, key: blueKey, settings: map[string]string{},
	}
	cfg := sim.Config{
		Now: w.clock.Now, TransitionMS: int(transition.Milliseconds()),
		Users: []sim.User{
			{Name: "root", Key: adminKey, Admin: true},
			{Name: "blue", Key: blueKey, Teams: []string{"blue"}},
			{Name: "gone", Key: oldKey, Teams: []string{"blue"}, ExpiresUnix: 1},
		},
		Teams:     []sim.TeamSeed{{Name: "blue", Alias: "Blue", Regions: []string{home, edge}}, {Name: "red", Regions: []string{home}}},
		StoreKeys: []sim.StoreKey{{Key: storeKey}, {Key: noKey, Denied: true}},
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
		if !w.more {
			w.checkOnce(t)
		}
		if err := w.sim.Close(); err != nil {
			t.Errorf("closing the cloud: %v", err)
		}
	})
	w.plugin = newPlugin(w.clock, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 3 * time.Second})
	w.Client = plugintest.Start(t, w.plugin, plugintest.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))))
	return w
}

// checkOnce lets no name of an app be made or installed into twice.
func (w *world) checkOnce(t *testing.T) {
	t.Helper()
	for _, name := range w.sim.Report(1000).BoughtTwice {
		t.Errorf("%q was bought twice", name)
	}
}

// with is the same world whose calls have other settings, as pairs.
func (w *world) with(pairs ...string) *world {
	out := *w
	out.settings = maps.Clone(w.settings)
	for i := 0; i+1 < len(pairs); i += 2 {
		out.settings[pairs[i]] = pairs[i+1]
	}
	return &out
}

func (w *world) call() provider.Call {
	all := map[string]string{"team": "blue", "market_url": w.url, "plain_http": "true", "core_price": "100", "memory_price": "50.5"}
	maps.Copy(all, w.settings)
	keys := map[string]secret.Value{"access_key": secret.New(w.key), "market_access_key": secret.New(storeKey)}
	if key, ok := all["store key"]; ok {
		keys["market_access_key"] = secret.New(key)
		delete(all, "store key")
	}
	return provider.Call{
		Org: "o1", RootOrg: "o1", RequestID: "r1", Region: w.region,
		Account: provider.Account{ID: "a1", Endpoint: w.url, Settings: all, Credentials: keys},
	}
}

func month(periods int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: periods, Quantity: 1}
}

// spec is an app's spec with more fields.
func spec(t *testing.T, fields map[string]any) json.RawMessage {
	t.Helper()
	all := map[string]any{"app_model_id": blog, "app_model_version": "1.0"}
	maps.Copy(all, fields)
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) order(t *testing.T, token string, fields map[string]any) provider.CreateRequest {
	t.Helper()
	return provider.CreateRequest{Call: w.call(), Token: token, Kind: kindApp, Name: "shop", Spec: spec(t, fields), Term: month(1)}
}

// install orders an app and waits for it.
func (w *world) install(t *testing.T, token string, fields map[string]any) provider.Resource {
	t.Helper()
	change, err := w.Create(t.Context(), w.order(t, token, fields))
	if err != nil {
		t.Fatalf("ordering %q: %v", token, err)
	}
	if change.Operation == "" {
		return *change.Resource
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationSucceeded {
		t.Fatalf("ordering %q: %+v", token, op)
	}
	return *op.Resource
}

// finish polls an operation to its end, one transition apart at first.
func (w *world) finish(t *testing.T, id string) provider.Operation {
	t.Helper()
	n := 0
	return plugintest.Finish(t, w.Client, w.call(), id, 500, func() {
		step := transition
		if n > 20 { // what lasts is looked at less often
			step *= 10
		}
		w.clock.Advance(step)
		n++
	})
}

func (w *world) get(t *testing.T, kind, id string) provider.Resource {
	t.Helper()
	return plugintest.Read(t, w.Client, w.call(), kind, id)
}

func (w *world) list(t *testing.T, kind string) []provider.Resource {
	t.Helper()
	return plugintest.ReadAll(t, w.Client, w.call(), kind)
}

// drop deletes an app and waits until it is gone.
func (w *world) drop(t *testing.T, id string) {
	t.Helper()
	plugintest.Delete(t, w.Client, provider.DeleteRequest{Call: w.call(), Token: "drop-" + id, Kind: kindApp, ID: id}, w.ended(t))
}

// ended polls an operation to its end.
func (w *world) ended(t *testing.T) func(string) provider.Operation {
	return func(id string) provider.Operation { return w.finish(t, id) }
}

// act performs an action and waits for it.
func (w *world) act(t *testing.T, id, action, input string) (provider.Change, error) {
	t.Helper()
	return plugintest.Act(t, w.Client, provider.ActionRequest{
		Call: w.call(), Token: "act-1", Kind: kindApp, ID: id, Action: action, Input: json.RawMessage(input),
	}, w.ended(t))
}

// acts is act for what must work; it returns the output.
func (w *world) acts(t *testing.T, id, action, input string) json.RawMessage {
	t.Helper()
	change, err := w.act(t, id, action, input)
	if err != nil {
		t.Fatalf("%s of %q: %v", action, id, err)
	}
	return change.Output
}

func (w *world) find(t *testing.T, change provider.ChangeKind, token, id string, since time.Time) provider.Found {
	t.Helper()
	return plugintest.Find(t, w.Client, provider.FindRequest{Call: w.call(), Token: token, Kind: kindApp, Change: change, ID: id, Since: since})
}

func (w *world) faults(t *testing.T, f ...sim.Fault) {
	t.Helper()
	if err := w.sim.SetFaults(f...); err != nil {
		t.Fatal(err)
	}
}

// lose drops the answer of one call of the name after its change was made.
func (w *world) lose(t *testing.T, call string) {
	t.Helper()
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{call}, Count: 1})
}

// decoded reads a JSON document.
func decoded[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("reading %s: %v", raw, err)
	}
	return out
}

// parts are the components of an app by their names.
func (w *world) parts(t *testing.T, id string) map[string]Component {
	t.Helper()
	out := map[string]Component{}
	for _, x := range decoded[AppState](t, w.get(t, kindApp, id).State).Components {
		out[x.Name] = x
	}
	return out
}

func (w *world) count(call string) int64 { return w.sim.Counts()[call].Calls }

func ids(all []provider.Resource) []string { return plugintest.IDs(all) }

func want(t *testing.T, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	plugintest.Want(t, reason, err, class, outcome)
}
