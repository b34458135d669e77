package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

const (
	home    = "cn-hangzhou"
	other   = "cn-beijing"
	public  = "key-one"
	private = "secret-marker-7f3a"
	rds     = "rm-sim-mysql"
	// transition is the simulator's time for one step of its work.
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
	// settings are put over those of every call.
	settings []string
}

// newWorld is a world whose calls are for the region home.
func newWorld(t *testing.T, change ...func(*sim.Config)) *world {
	t.Helper()
	w := &world{clock: clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)), logs: &plugintest.Log{}, region: home}
	cfg := sim.Config{
		Now: w.clock.Now, TransitionMS: int(transition.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", AccessKeyID: public, AccessKeySecret: private},
			{Name: "two", AccessKeyID: "key-two", AccessKeySecret: "secret-two"},
		},
		SignIn: sim.SignIn{AppID: "app-one", AppSecret: "sign-in-marker-91c2", AllowHosts: []string{"mall.example"}},
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
		w.checkTwice(t)
	})
	w.plugin = newPlugin(w.clock, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second})
	w.Client = plugintest.Start(t, w.plugin, plugintest.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))))
	return w
}

// checkTwice lets no token have made anything twice, nor any parameter be sent
// that no document has.
func (w *world) checkTwice(t *testing.T) {
	t.Helper()
	for _, name := range w.sim.Report(1000).BoughtTwice {
		if strings.Contains(name, markSign) {
			t.Errorf("made twice: %s", name)
		}
	}
	for _, c := range w.sim.Calls(10000) {
		if len(c.Unknown) > 0 {
			t.Errorf("%s: %v are in no document", c.Action, c.Unknown)
		}
	}
}

// call is a call for account one, with settings changed.
func (w *world) call(settings ...string) provider.Call {
	all := map[string]string{"access_key_id": public, "rds_instances": rds, "zone_hours": "0", "replica_price": "99.90", "allow_scale_up": "true"}
	settings = append(slices.Clone(w.settings), settings...)
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return provider.Call{
		Org: "o1", RootOrg: "o1", RequestID: "r1", Region: w.region,
		Account: provider.Account{
			ID: "a1", Endpoint: w.url, Settings: all,
			Credentials: map[string]secret.Value{"access_key_secret": secret.New(private), "sign_in_app_secret": secret.New("sign-in-marker-91c2")},
		},
	}
}

func month(periods int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: periods, Quantity: 1}
}

func forOnce() provider.Term {
	return provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1}
}

// order is an order of a thing.
func (w *world) order(kind, token, spec string) provider.CreateRequest {
	term := forOnce()
	if kind == kindEnvironment {
		term = month(1)
	}
	return provider.CreateRequest{Call: w.call(), Token: token, Kind: kind, Name: "thing", Spec: json.RawMessage(spec), Term: term}
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
func (w *world) made(t *testing.T, kind, token, spec string) provider.Resource {
	t.Helper()
	return w.create(t, w.order(kind, token, spec))
}

// stage is a world with an application, its configuration, an environment of
// two replicas, and a cluster with one node.
type stage struct {
	*world
	app, config, env, cluster, node string
}

const (
	aCluster = `{"cluster_type":"Serverless","vpc_id":"vpc-1","vswitch_ids":["vsw-1"],"key_pair":"k"}`
	aPort    = `{"name":"web","port":80,"target_port":"8080"}`
)

func newStage(t *testing.T, change ...func(*sim.Config)) stage {
	t.Helper()
	return newWorld(t, change...).stage(t)
}

func (w *world) stage(t *testing.T) stage {
	t.Helper()
	s := stage{world: w}
	s.app = w.made(t, kindApp, "t-app", `{}`).ID
	s.config = w.made(t, kindConfig, "t-config", fmt.Sprintf(`{"app_id":%q,"deployment":"kind: Deployment"}`, s.app)).ID
	s.env = w.made(t, kindEnvironment, "t-env", s.environment(2)).ID
	s.cluster = w.made(t, kindCluster, "t-cluster", aCluster).ID
	s.node = w.made(t, kindNode, "t-node", fmt.Sprintf(`{"cluster_id":%q,"instance_id":"i-cn-hangzhou-1"}`, s.cluster)).ID
	return s
}

// environment is the spec of one more environment.
func (s stage) environment(replicas int) string {
	return fmt.Sprintf(`{"app_id":%q,"deploy_config_id":%q,"replicas":%d}`, s.app, s.config, replicas)
}

// in is a spec of something in the stage's environment.
func (s stage) in(fields string) string {
	return fmt.Sprintf(`{"environment_id":%q,%s}`, s.env, fields)
}

// on is a spec of something on the stage's cluster.
func (s stage) on(fields string) string {
	return fmt.Sprintf(`{"cluster_id":%q,%s}`, s.cluster, fields)
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

// begin is an action that is not waited for.
func (w *world) begin(t *testing.T, kind, id, action, input string) provider.Change {
	t.Helper()
	change, err := w.Act(t.Context(), provider.ActionRequest{
		Call: w.call(), Token: "begin-" + action, Kind: kind, ID: id, Action: action, Input: json.RawMessage(input),
	})
	if err != nil {
		t.Fatalf("%s of %s %q: %v", action, kind, id, err)
	}
	return change
}

// output reads what an action answered.
func output[Out any](t *testing.T, c provider.Change) Out {
	t.Helper()
	var out Out
	if err := json.Unmarshal(c.Output, &out); err != nil {
		t.Fatalf("the output %s: %v", c.Output, err)
	}
	return out
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

// confirm is the input that confirms what cannot be undone.
func confirm(id string) string { return fmt.Sprintf(`{"confirm":%q}`, id) }

func want(t *testing.T, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	plugintest.Want(t, reason, err, class, outcome)
}
