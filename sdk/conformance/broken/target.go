package broken

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Siblings are the rules that a flaw breaks besides its own, since they rest on
// the same promise.
func Siblings() map[Flaw][]string {
	return map[Flaw][]string{
		"create-idempotent":  {"create-concurrent", "lost-answer"},
		"cancel":             {"shutdown"},
		"common-kinds/needs": {"describe-fixture"},
		"deadline":           {"shutdown"},
		"operation-ends":     {"create-concurrent", "create-idempotent"},
		"find-unused/never":  {"deadline", "refusal-class"},
		"find-made":          {"create-concurrent", "create-idempotent", "lost-answer"},
		"leftovers":          {"shutdown"},

		"console-leave":           {"shutdown"},
		"console-leave/goroutine": {"shutdown"},
		"logs-follow":             {"shutdown"},
	}
}

// Variants are more ways to break rules that promise more than one thing.
func Variants() []Flaw {
	return []Flaw{
		"check-wrong/error", "common-kinds/needs", "console-exit/mute", "console-leave/goroutine", "logs-follow/ends", "delete-gone/token", "find-unused/never", "list-complete/order", "list-complete/twice", "offerings/price",
		"parts/itself", "parts/kind", "parts/state", "parts/twice", "parts/unread", "parts/untold", "quote/changes", "refusal-class/outcome", "regions/empty", "secrets/error", "secrets/list", "times-utc/state",
	}
}

// OfBinary are the flaws of the program beside this package.
func OfBinary() []Flaw { return []Flaw{"output", "shutdown", "leftovers", "cancel"} }

// Target returns a plugin with a flaw, and a function that ends what it left.
func Target(flaw Flaw) (conformance.Target, func()) {
	cloud := NewCloud()
	var instances atomic.Int64
	var mu sync.Mutex
	var made []*Plugin
	target := conformance.Target{
		Fixture: Fixture(cloud),
		Wrap:    func(conn grpc.ClientConnInterface) grpc.ClientConnInterface { return crooked(flaw, conn) },
		New: func() (provider.Provider, error) {
			p := New(flaw, cloud, instances.Add(1))
			mu.Lock()
			defer mu.Unlock()
			made = append(made, p)
			if flaw == "capability-undeclared" {
				return small{p, p, p}, nil
			}
			return p, nil
		},
	}
	return target, func() {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range made {
			p.Release()
		}
	}
}

// Fixture returns what the suite needs for plugins of cloud; nil is a cloud
// that cannot be reached, and can only be slow.
func Fixture(cloud *Cloud) conformance.Fixture {
	f := conformance.Fixture{
		Account: account1("one", "marker-one-5a1e"), Other: account1("two", "marker-two-77c0"), Wrong: account1("one", "wrong-marker-90d2"),
		Region: "east", SubAccount: "reseller", Advance: func(time.Duration) {},
		Kinds: map[string]conformance.Kind{"disk": {
			Name: "data", Spec: json.RawMessage(`{"size_gb":20,"password":"marker-spec-31f8"}`), Update: json.RawMessage(`{"size_gb":40}`),
			Term:    provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
			Actions: map[string]json.RawMessage{"rename": json.RawMessage(`{"name":"other"}`)},

			Commands: &conformance.Commands{Exit: []string{commandExit}, Code: exitCode, Says: lastWord, Echo: []string{commandEcho}},
		}},
	}
	f.Cloud = &conformance.Switches{Slow: map[string]string{"slow": "true"}}
	if cloud != nil {
		f.Cloud = cloud
	}
	return f
}

// Flood lets the suite open a console that writes without end. It measures
// memory, so nothing else should run beside it.
func Flood(f *conformance.Fixture) {
	f.Kinds["disk"].Commands.Flood = []string{commandFlood}
}

// Big is the long list of the plugin.
func Big() *conformance.Big {
	return &conformance.Big{Account: account1(BigAccount, "marker-big-0b44"), Stream: conformance.StreamUsage, Rows: BigRows}
}

func account1(id, key string) provider.Account {
	return provider.Account{
		ID: id, Settings: map[string]string{"project": "p1"}, Credentials: map[string]secret.Value{"api_key": secret.New(key)},
	}
}
