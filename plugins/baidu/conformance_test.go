package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
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
	return []string{"CreateInstanceBySpec", "CreateEip", "CreateVolume", "CreateVPC", "CreateSecurityGroup"}
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

// Refuse answers each purchase with a code that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	type refusal struct {
		code   string
		status int
	}
	said, ok := map[fault.Class]refusal{
		fault.ClassInvalid: {"InappropriateJSON", 400}, fault.ClassUnauthenticated: {"SignatureDoesNotMatch", 403},
		fault.ClassForbidden: {"AccessDenied", 403}, fault.ClassConflict: {"Odd.Clash", 409},
		fault.ClassPrecondition: {"PreconditionFailed", 412}, fault.ClassThrottled: {"Odd.Often", 429},
		fault.ClassQuota: {"Odd.QuotaReached", 403}, fault.ClassOutOfStock: {"Odd.SoldOut", 400},
		fault.ClassInsufficientBalance: {"Odd.BalanceTooLow", 400}, fault.ClassUnavailable: {"InternalError", 500},
	}[class]
	if !ok {
		return fault.Unsupported("the cloud refuses no purchase with the class %s", class)
	}
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindRetCode, Code: said.code, Status: said.status, Message: "refused", Actions: buying()})
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
			{
				Name: "one", AccessKey: "ak-one", SecretKey: "marker-one-secret-6c1e", Reseller: true, BalanceFen: 1_000_000_00,
				Customers: []sim.Customer{{Name: "first", UserID: "user-one", AccountID: "account-one", Email: "first@customer.example", Mobile: "00000000001", Type: "PERSONAL"}},
			},
			{Name: "two", AccessKey: "ak-two", SecretKey: "marker-two-secret-88d4", Reseller: true, BalanceFen: 1_000_000_00},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	account := func(id, access, key string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL, Settings: map[string]string{"access_key": access, "customer_user_id": "user-one", "customer_email_domain": "customer.example"},
			Credentials: map[string]secret.Value{"secret_key": secret.New(key), "customer_mobile": secret.New("00000000077")},
		}
	}
	return conformance.Fixture{
		Account: account("a1", "ak-one", "marker-one-secret-6c1e"),
		Other:   account("a2", "ak-two", "marker-two-secret-88d4"),
		Wrong:   account("a1", "ak-one", "marker-wrong-secret-02b7"),
		Region:  region, Zone: zone, Now: now, SubAccount: "reseller-7", Cloud: failing{cloud},
		Kinds: map[string]conformance.Kind{
			kinds.Instance: {
				Name: "web", Spec: json.RawMessage(serverSpec), Term: month(1),
				Actions: map[string]json.RawMessage{"reset_password": json.RawMessage(`{"password":"Marker-441!"}`), "rename": json.RawMessage(`{"name":"front"}`)},
			},
			kinds.Disk: {Name: "data", Spec: json.RawMessage(`{"size_gb":20}`), Term: hourly()},
			kinds.VPC:  {Name: "net", Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`), Term: forOnce()},
			kinds.SecurityGroup: {
				Name: "office", Spec: json.RawMessage(`{"rules":[` + sshRule + `]}`), Update: json.RawMessage(`{"rules":[]}`), Term: forOnce(),
				Actions: map[string]json.RawMessage{"add_rule": json.RawMessage(sshRule), "bindings": json.RawMessage(`{}`)},
			},
			kinds.EIP: {Name: "front", Spec: json.RawMessage(`{"bandwidth_mbps":2}`), Term: month(1), Many: pageSize + 5},
		},
	}
}

// TestConformance runs the suite against the simulator; both share a clock.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(epoch())
	f := simulated(t, clk.Now, transition)
	f.Advance = clk.Advance
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}), nil
		},
		Fixture: f,
	})
	conformance.Publish(t, report, "README.md", *update)
}

func TestConformanceOfTheBinary(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("builds the plugin")
	}
	f := simulated(t, time.Now, -time.Millisecond) // at once: polls are two seconds apart
	conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "baidu"), Fixture: f})
}
