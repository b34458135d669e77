package main

import (
	"context"
	"encoding/json"
	"flag"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var update = flag.Bool("update", false, "write the conformance result into README.md")

// seeded is the plugin with books that have something in them already, in place
// of those that the suite serves.
type seeded struct {
	*plugin
	books provider.HostServices
}

// UseHost takes the filled books.
func (s seeded) UseHost(provider.HostServices) { s.plugin.UseHost(s.books) }

// lossy are books whose answers to purchases can get lost.
type lossy struct {
	*plugintest.Host
	losing atomic.Bool
}

// Apply makes the change, and loses the answer.
func (l *lossy) Apply(ctx context.Context, s provider.Scope, t provider.Transaction) error {
	err := l.Host.Apply(ctx, s, t)
	if err == nil && len(t.Writes) > 0 && strings.Contains(t.Token, "/reserve/") && l.losing.Load() {
		return fault.Unknown(nil, "the answer was lost")
	}
	return err
}

// failing lets cluster and books fail as the suite wants.
type failing struct {
	*fakeCluster
	books *lossy
}

// LoseAnswers loses what the books answer to a purchase. A lost answer of the
// cluster is no lost create: the operation takes it up.
func (f failing) LoseAnswers(context.Context) error {
	f.books.losing.Store(true)
	return nil
}

// Delay makes the cluster slow.
func (f failing) Delay(_ context.Context, d time.Duration) error {
	f.set(func() { f.delay = d })
	return nil
}

// Refuse makes the cluster refuse each workload.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	switch class {
	case fault.ClassInvalid, fault.ClassForbidden, fault.ClassQuota, fault.ClassPrecondition, fault.ClassOutOfStock, fault.ClassUnsupported:
		f.set(func() { f.refuse = fault.New(class, "refused").Cloud("refused", "r-1") })
		return nil
	}
	return fault.Unsupported("the cluster refuses no workload with the class %s", class)
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error {
	f.books.losing.Store(false)
	f.set(func() { f.refuse, f.delay = nil, 0 })
	return nil
}

// books are filled books for two accounts.
func books(t *testing.T, clk clock.Clock, accounts ...string) *plugintest.Host {
	t.Helper()
	host := plugintest.NewHost()
	host.Clock = clk
	p := plugintest.Start(t, newPlugin(newFakeCluster(), nil), plugintest.WithHost(host))
	for _, id := range accounts {
		call := provider.Call{RootOrg: "conformance", Account: account(id)}
		create := func(kind, spec string) {
			c, err := p.Create(t.Context(), provider.CreateRequest{Call: call, Token: kind + spec, Kind: kind, Spec: json.RawMessage(spec)})
			if err != nil {
				t.Fatalf("making a %s: %v", kind, err)
			}
			if kind == "centre" {
				call.Region = c.Resource.ID
			}
			if kind == "cluster" {
				call.Zone = c.Resource.ID
			}
		}
		create("centre", seedCentre)
		create("cluster", seedCluster)
		create("widget", `{"type":"cpu","unit_price":"1.5","stock":100000}`)
		create("widget", `{"type":"memory","unit_price":"0.005","resource_unit":"Mi","stock":100000000}`)
		create("bundle", `{"name":"small","spec_note":"one core","workload":`+smallSpec+`}`)
	}
	return host
}

const (
	seedCentre  = `{"name":"Seed","contact_name":"n","contact_phone":"000"}`
	seedCluster = `{"name":"seed","kubeconfig":"marker-kubeconfig-77aa"}`
)

// fixture is what the suite works with, for workloads alone.
func fixture(clk *clock.Fake, cluster *fakeCluster, books *lossy) conformance.Fixture {
	marked := func(id string) provider.Account {
		return provider.Account{ID: id, Credentials: map[string]secret.Value{"unused": secret.New("marker-" + id + "-credential-3141592")}}
	}
	return conformance.Fixture{
		Account: marked("a"), Other: marked("b"),
		Region: area.IDOf("centre", "centre"+seedCentre), Zone: area.IDOf("cluster", "cluster"+seedCluster),
		Now: clk.Now, Advance: clk.Advance, Cloud: failing{cluster, books},
		Kinds: map[string]conformance.Kind{"workload": {
			Spec:   json.RawMessage(smallSpec),
			Update: json.RawMessage(`{"image":"docker.io/ubuntu:22.04","parts":[{"type":"cpu","amount":2},{"type":"memory","amount":512}]}`),
			Term:   month(1), Many: 50, Commands: commands(),
			Actions: map[string]json.RawMessage{
				"stop": nil, "start": nil, "restart": nil, "scale": json.RawMessage(`{"replicas":0}`), "logs": nil, "events": nil,
				"exec":           json.RawMessage(`{"command":["true"]}`),
				"reset_password": json.RawMessage(`{"password":"Marker-pass-4411"}`),
			},
		}},
	}
}

// run runs the suite against a plugin with filled books.
func run(t *testing.T, change func(*conformance.Fixture)) conformance.Report {
	t.Helper()
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	cluster := newFakeCluster()
	host := &lossy{Host: books(t, clk, "a", "b")}
	f := fixture(clk, cluster, host)
	change(&f)
	return conformance.Run(t, conformance.Target{
		New:     func() (provider.Provider, error) { return seeded{newPlugin(cluster, nil), host}, nil },
		Fixture: f,
	})
}

func TestConformance(t *testing.T) {
	report := run(t, func(*conformance.Fixture) {})
	conformance.Publish(t, report, "README.md", *update)
}

// TestConformanceOfTheBooks checks the kinds that no cluster is asked about.
func TestConformanceOfTheBooks(t *testing.T) {
	run(t, func(f *conformance.Fixture) {
		f.Cloud = nil
		f.Kinds = map[string]conformance.Kind{
			"device": {
				Spec:   json.RawMessage(`{"name":"node","ip":"192.0.2.1","admin_user":"root","admin_password":"marker-device-99ab"}`),
				Update: json.RawMessage(`{"name":"renamed","ip":"192.0.2.1","admin_user":"root"}`),
			},
			"label":  {Spec: json.RawMessage(`{"name":"no gpu","label_type":"node","label_key":"kyy-gpu","label_value":"false"}`)},
			"bundle": {Spec: json.RawMessage(`{"name":"b","spec_note":"n","workload":` + smallSpec + `}`)},
		}
	})
}
