package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// buying are the actions that the suite makes fail.
func buying() []string {
	return []string{
		"CreateUHostInstance", "AllocateEIP", "CreateUDisk", "CreateVPC", "CreateFirewall",
	}
}

// failing lets the simulator fail as the suite wants.
type failing struct{ cloud *sim.Cloud }

// LoseAnswers closes the connection after each purchase.
func (f failing) LoseAnswers(context.Context) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindDrop, After: true, Actions: buying()})
}

// Delay makes every action wait.
func (f failing) Delay(_ context.Context, d time.Duration) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindLatency, DelayMS: int(d.Milliseconds())})
}

// Refuse answers each purchase with a code of the cloud that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	code, ok := map[fault.Class]int{
		fault.ClassInvalid: 230, fault.ClassUnauthenticated: 171, fault.ClassForbidden: 299, fault.ClassConflict: 4364,
		fault.ClassPrecondition: 8905, fault.ClassThrottled: 153, fault.ClassQuota: 8095, fault.ClassOutOfStock: 8320,
		fault.ClassInsufficientBalance: 8104, fault.ClassUnavailable: 150, fault.ClassUnsupported: 161,
	}[class]
	if !ok {
		return fault.Unsupported("the cloud refuses no purchase with the class %s", class)
	}
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindRetCode, RetCode: code, Message: "refused", Actions: buying()})
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error { return f.cloud.SetFaults() }

var update = flag.Bool("update", false, "write the conformance result into README.md")

// simulated is a simulator for the suite, with its clock and the time of one
// change of state.
func simulated(t *testing.T, now func() time.Time, step time.Duration) conformance.Fixture {
	t.Helper()
	cloud, err := sim.New(sim.Config{
		Now: now, TransitionMS: int(step.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", PublicKey: "public-one", PrivateKey: "marker-one-private-6c1e", BalanceFen: 1_000_000_00, Projects: []sim.Project{{ID: "org-one", Name: "Default", Default: true}}},
			{Name: "two", PublicKey: "public-two", PrivateKey: "marker-two-private-88d4", BalanceFen: 1_000_000_00, Projects: []sim.Project{{ID: "org-two", Name: "Default", Default: true}}},
			bulkAccount(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	account := func(id, public, private, project string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL, Settings: map[string]string{"public_key": public, "project_id": project, "sub_user_policies": "ucs:policy/all"},
			Credentials: map[string]secret.Value{"private_key": secret.New(private)},
		}
	}
	buyBulk(t, srv.URL)
	return conformance.Fixture{
		Big:     &conformance.Big{Account: account("a3", "public-bulk", "marker-bulk-private-51aa", "org-bulk"), Stream: conformance.StreamList, Kind: "eip", Rows: bulk},
		Account: account("a1", "public-one", "marker-one-private-6c1e", "org-one"),
		Other:   account("a2", "public-two", "marker-two-private-88d4", "org-two"),
		Wrong:   account("a1", "public-one", "marker-wrong-private-02b7", "org-one"),
		Region:  region, Zone: zone, Now: now, SubAccount: "reseller-7", Cloud: failing{cloud},
		Kinds: map[string]conformance.Kind{
			"instance": {
				Name: "web", Spec: json.RawMessage(serverSpec), Term: month(1),
				Actions: map[string]json.RawMessage{"reset_password": json.RawMessage(`{"password":"Marker-pass-4411"}`), "rename": json.RawMessage(`{"name":"front"}`)},
			},
			// By the hour, since disks cannot be renewed: they have no place for a renewal's mark.
			kinds.Disk: {Name: "data", Spec: json.RawMessage(`{"size_gb":20}`), Term: provider.Term{
				Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1,
			}},
			kinds.VPC: {Name: "net", Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`), Term: forOnce()},
			kinds.SecurityGroup: {
				Name: "office", Spec: json.RawMessage(`{"rules":[` + sshRule + `]}`), Update: json.RawMessage(`{"rules":[]}`), Term: forOnce(),
				Actions: map[string]json.RawMessage{"add_rule": json.RawMessage(sshRule), "bindings": json.RawMessage(`{}`)},
			},
			"eip": {Name: "front", Spec: json.RawMessage(`{"line":"Bgp","bandwidth_mbps":2}`), Term: month(1), Many: pageSize + 5},
		},
	}
}

// many is how many addresses of the long list one call buys.
const many = 100

// bulkAccount is the account with the long list.
func bulkAccount() sim.Account {
	return sim.Account{
		Name: "bulk", PublicKey: "public-bulk", PrivateKey: "marker-bulk-private-51aa", BalanceFen: 100_000_000_00,
		Projects: []sim.Project{{ID: "org-bulk", Name: "Default", Default: true}},
	}
}

// buyBulk fills the account with the long list, with the SDK alone.
func buyBulk(t *testing.T, url string) {
	t.Helper()
	a := bulkAccount()
	cfg, cred := ucloud.NewConfig(), auth.NewCredential()
	cfg.BaseUrl, cfg.Region, cfg.LogLevel = url, region, log.FatalLevel
	cred.PublicKey, cred.PrivateKey = a.PublicKey, a.PrivateKey
	c := unet.NewClient(&cfg, &cred)
	pool := &http.Transport{}
	defer pool.CloseIdleConnections()
	c.SetTransport(pool)
	for range bulk / many {
		r := c.NewAllocateEIPRequest()
		r.OperatorName, r.Bandwidth, r.Count = ucloud.String("Bgp"), ucloud.Int(1), ucloud.Int(many)
		if _, err := c.AllocateEIP(r); err != nil {
			t.Fatalf("buying addresses: %v", err)
		}
	}
}

// TestConformance runs the suite against the simulator, with the plugin in this
// process and as a binary of its own.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	f := simulated(t, clk.Now, transition)
	f.Advance = clk.Advance
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}), nil
		},
		Fixture: f,
	})
	if testing.Short() || raced {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		f := simulated(t, time.Now, -time.Millisecond) // at once: polls are two seconds apart
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "ucloud"), Fixture: f}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
