package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"
	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	"github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/client"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/plugins/jdcloud/sim"
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
	return []string{"CreateInstances", "CreateElasticIps", "CreateDisks", "CreateVpc", "CreateSubnet", "CreateNetworkSecurityGroup"}
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

// refusal is an error of the cloud.
type refusal struct {
	code          int
	word, message string
}

// Refuse answers each purchase with an error of the cloud that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	r, ok := map[fault.Class]refusal{
		fault.ClassInvalid: {400, "INVALID_ARGUMENT", "refused"}, fault.ClassUnauthenticated: {401, "UNAUTHENTICATED", "refused"},
		fault.ClassForbidden: {403, "HTTP_FORBIDDEN", "refused"}, fault.ClassNotFound: {404, "NOT_FOUND", "refused"},
		fault.ClassConflict: {409, "ALREADY_EXISTS", "refused"}, fault.ClassPrecondition: {400, "FAILED_PRECONDITION", "refused"},
		fault.ClassThrottled: {429, "RATE_LIMIT", "refused"}, fault.ClassQuota: {429, "QUOTA_EXCEEDED", "refused"},
		fault.ClassOutOfStock:          {400, "FAILED_PRECONDITION", "out of stock"},
		fault.ClassInsufficientBalance: {400, "FAILED_PRECONDITION", "balance is not enough"},
		fault.ClassUnavailable:         {503, "UNAVAILABLE", "refused"}, fault.ClassUnsupported: {501, "NOT_IMPLEMENTED", "refused"},
	}[class]
	if !ok {
		return fault.Unsupported("the cloud refuses no purchase with the class %s", class)
	}
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindRetCode, RetCode: r.code, ErrorStatus: r.word, Message: r.message, Actions: buying()})
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error { return f.cloud.SetFaults() }

var update = flag.Bool("update", false, "write the conformance result into README.md")

func forOnce() provider.Term {
	return provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1}
}

func hourly() provider.Term {
	return provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1}
}

const sshRule = `{"protocol":"tcp","from_port":22,"cidr":"0.0.0.0/0","priority":10,"description":"ssh"}`

// simulated is a simulator for the suite, with its clock and the time of one
// change of state.
func simulated(t *testing.T, now func() time.Time, step time.Duration) conformance.Fixture {
	t.Helper()
	cloud, err := sim.New(sim.Config{
		Now: now, TransitionMS: int(step.Milliseconds()), CallsPerMinute: -1,
		Accounts: []sim.Account{
			{Name: "one", AccessKey: "access-one", SecretKey: "marker-one-secret-6c1e", BalanceFen: 10_000_000_00, DefaultNetwork: true},
			{Name: "two", AccessKey: "access-two", SecretKey: "marker-two-secret-88d4", BalanceFen: 10_000_000_00, DefaultNetwork: true},
			{Name: "bulk", AccessKey: "access-bulk", SecretKey: bulkSecret, BalanceFen: 100_000_000_00},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	account := func(id, key, text string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL,
			Settings: map[string]string{
				"access_key": key, "sub_user_policies": "JDCloudReadOnly", "sso_url_template": "https://console.example/sso?t={ticket}&to={target}",
			},
			Credentials: map[string]secret.Value{"secret_key": secret.New(text)},
		}
	}
	return conformance.Fixture{
		Account: account("a1", "access-one", "marker-one-secret-6c1e"),
		Other:   account("a2", "access-two", "marker-two-secret-88d4"),
		Wrong:   account("a1", "access-one", "marker-wrong-secret-02b7"),
		Window:  conformance.Window{From: now().Add(-time.Hour), To: now().Add(time.Hour)},
		Region:  region, Zone: zone, Now: now, SubAccount: "reseller-7", Cloud: failing{cloud},
		Kinds: map[string]conformance.Kind{
			kinds.Instance: {
				Name: "web", Spec: json.RawMessage(serverSpec), Term: month(1),
				Actions: map[string]json.RawMessage{"reset_password": json.RawMessage(`{"password":"Marker-pass-4411"}`), "rename": json.RawMessage(`{"name":"front"}`)},
			},
			kinds.Disk: {Name: "data", Spec: json.RawMessage(`{"size_gb":20}`), Term: month(1)},
			kinds.VPC:  {Name: "net", Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`), Term: forOnce()},
			kinds.SecurityGroup: {
				Name: "office", Spec: json.RawMessage(`{"rules":[` + sshRule + `]}`), Update: json.RawMessage(`{"rules":[]}`), Term: forOnce(),
				Actions: map[string]json.RawMessage{"add_rule": json.RawMessage(sshRule), "bindings": json.RawMessage(`{}`)},
			},
			// By the hour, since addresses cannot be renewed: they have no place for a renewal's mark.
			kinds.EIP: {Name: "front", Spec: json.RawMessage(`{"bandwidth_mbps":2}`), Term: hourly(), Many: pageSize + 5},
		},
	}
}

const (
	bulkSecret = "marker-bulk-secret-51aa"
	// many is how many bill lines one call makes.
	many = 100
)

// buyBulk fills an account with bill lines, with the vendor's client alone.
func buyBulk(t *testing.T, like provider.Account) *conformance.Big {
	t.Helper()
	a := provider.Account{
		ID: "a3", Endpoint: like.Endpoint, Settings: map[string]string{"access_key": "access-bulk"},
		Credentials: map[string]secret.Value{"secret_key": secret.New(bulkSecret)},
	}
	c := client.NewVpcClient(core.NewCredentials("access-bulk", bulkSecret))
	c.DisableLogger()
	cfg := core.NewConfig()
	cfg.SetScheme("http")
	cfg.SetEndpoint(strings.TrimPrefix(a.Endpoint, "http://"))
	c.SetConfig(cfg)
	if pool, ok := http.DefaultTransport.(*http.Transport); ok {
		defer pool.CloseIdleConnections()
	}
	mode, unit, one := prepaid, "month", 1
	for range bulk / many {
		answer, err := c.CreateElasticIps(vpcapi.NewCreateElasticIpsRequest(region, many, &vpc.ElasticIpSpec{
			BandwidthMbps: 1, Provider: lineBGP, ChargeSpec: &charge.ChargeSpec{ChargeMode: &mode, ChargeUnit: &unit, ChargeDuration: &one},
		}))
		if err != nil || answer.Error.Code != 0 {
			t.Fatalf("buying addresses: %v, %+v", err, answer)
		}
	}
	return &conformance.Big{Account: a, Stream: conformance.StreamBillLines, Rows: bulk}
}

// TestConformance runs the suite against the simulator, in this process and as
// the binary. In this process both share a clock.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	f := simulated(t, clk.Now, transition)
	f.Advance = clk.Advance
	f.Big = buyBulk(t, f.Account)
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}), nil
		},
		Fixture: f,
	})
	if testing.Short() || raced {
		return // the binary proves the rest
	}
	t.Run("binary", func(t *testing.T) {
		f := simulated(t, time.Now, -time.Millisecond) // at once: polls are two seconds apart
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "jdcloud"), Fixture: f}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
