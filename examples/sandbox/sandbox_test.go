package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

func start(t *testing.T) (*client.Client, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(time.Unix(1_700_000_000, 0))
	return plugintest.Start(t, newSandbox(c)), c
}

func call(settings map[string]string) provider.Call {
	return provider.Call{Org: "o1", RequestID: "r1", Region: "east", Account: provider.Account{
		ID: "a1", Credentials: map[string]secret.Value{"api_key": secret.New("key")}, Settings: settings,
	}}
}

func buy(ctx context.Context, c *client.Client, k provider.Call, token string) (provider.Change, error) {
	return c.Create(ctx, provider.CreateRequest{
		Call: k, Token: token, Kind: "instance", Name: "web", Spec: json.RawMessage(`{"flavour":"small","disk_gb":20}`),
		Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
	})
}

func owned(t *testing.T, c *client.Client, k provider.Call) int {
	t.Helper()
	n := 0
	err := c.Import(t.Context(), provider.ImportRequest{Call: k}, func(provider.Resource) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCreateIsIdempotentByToken(t *testing.T) {
	t.Parallel()
	c, _ := start(t)
	first, err := buy(t.Context(), c, call(nil), "t1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := buy(t.Context(), c, call(nil), "t1")
	if err != nil || again.Resource.ID != first.Resource.ID || owned(t, c, call(nil)) != 1 {
		t.Errorf("the same token made %v and %v, %v", first.Resource, again.Resource, err)
	}
}

func TestAsynchronousCreate(t *testing.T) {
	t.Parallel()
	c, clk := start(t)
	k := call(map[string]string{"create_millis": "5000"})
	change, err := buy(t.Context(), c, k, "t1")
	if err != nil || change.Operation == "" {
		t.Fatalf("want an operation, got %+v, %v", change, err)
	}
	op, err := c.Operation(t.Context(), provider.OperationRequest{Call: k, ID: change.Operation})
	if err != nil || op.State != provider.OperationRunning || op.CheckAfter != 5*time.Second {
		t.Errorf("before its time: %+v, %v", op, err)
	}
	clk.Advance(5 * time.Second)
	op, err = c.Operation(t.Context(), provider.OperationRequest{Call: k, ID: change.Operation})
	if err != nil || op.State != provider.OperationSucceeded || op.Resource.Status != provider.StatusRunning {
		t.Errorf("after its time: %+v, %v", op, err)
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		settings map[string]string
		class    fault.Class
		outcome  fault.Outcome
		owned    int
	}{
		"SoldOut":     {"a refusal makes nothing", map[string]string{"refuse_every": "1"}, fault.ClassOutOfStock, fault.OutcomeNotDone, 0},
		"LostAnswer":  {"a lost answer makes the server all the same", map[string]string{"lose_answer_every": "1"}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"BadSettings": {"a setting that is no number is named", map[string]string{"stock": "many"}, fault.ClassInvalid, fault.OutcomeNotDone, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t)
			_, err := buy(t.Context(), c, call(tc.settings), "t1")
			if fault.ClassOf(err) != tc.class || fault.OutcomeOf(err) != tc.outcome {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			if n := owned(t, c, call(nil)); n != tc.owned {
				t.Errorf("%s: %d servers, want %d", tc.reason, n, tc.owned)
			}
			found, err := c.FindByToken(t.Context(), provider.FindRequest{Call: call(nil), Kind: "instance", Token: "t1", Change: provider.ChangeCreate})
			if err != nil || len(found.Resources) != tc.owned || !found.Settled {
				t.Errorf("%s: find by token: %+v, %v", tc.reason, found, err)
			}
		})
	}
}

func TestPricesMatchTheList(t *testing.T) {
	t.Parallel()
	c, _ := start(t)
	prices := map[string]provider.Decimal{}
	err := c.Offerings(t.Context(), provider.OfferingsRequest{Call: call(nil)}, func(o provider.Offering) error {
		q, err := c.Quote(t.Context(), provider.QuoteRequest{
			Call: call(nil), Change: provider.ChangeCreate, Kind: o.Kind, Spec: o.Spec,
			Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
		})
		if err == nil && q.List != o.ListPrice {
			t.Errorf("%s is listed at %s and quoted at %s", o.ID, o.ListPrice, q.List)
		}
		prices[o.ID] = o.ListPrice
		return err
	})
	if err != nil || len(prices) != 8 || prices["east/small"] != "47.00" {
		t.Errorf("offerings: %v, %v", prices, err)
	}
}

func TestRenewReleaseAndPower(t *testing.T) {
	t.Parallel()
	c, _ := start(t)
	k := call(nil)
	change, err := buy(t.Context(), c, k, "t1")
	if err != nil {
		t.Fatal(err)
	}
	id, before := change.Resource.ID, change.Resource.Expires
	for range 2 {
		change, err = c.Renew(t.Context(), provider.RenewRequest{Call: k, Token: "r1", Kind: "instance", ID: id, Term: provider.Term{Period: provider.PeriodMonth, Periods: 1}})
		if err != nil || !change.Resource.Expires.Equal(before.AddDate(0, 1, 0)) {
			t.Fatalf("a renewal prolongs once per token: %v, %v", change.Resource, err)
		}
	}
	act := func(name string) error {
		_, err := c.Act(t.Context(), provider.ActionRequest{Call: k, Token: "x", Kind: "instance", ID: id, Action: name, Input: json.RawMessage(`{}`)})
		return err
	}
	if err := act("start"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("starting a running server: %v", err)
	}
	if err := act("stop"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := c.Delete(t.Context(), provider.DeleteRequest{Call: k, Token: "d1", Kind: "instance", ID: id}); err != nil {
			t.Errorf("deleting what is gone is a success: %v", err)
		}
	}
	if _, err := c.Get(t.Context(), provider.GetRequest{Call: k, Kind: "instance", ID: id}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("after the delete: %v", err)
	}
}

func TestMoreOfferings(t *testing.T) {
	t.Parallel()
	c, _ := start(t)
	ids := map[string]bool{}
	err := c.Offerings(t.Context(), provider.OfferingsRequest{Call: call(map[string]string{"more_offerings": "300"})}, func(o provider.Offering) error {
		ids[o.ID] = true
		return nil
	})
	if want := 2*len(flavours) + 300; err != nil || len(ids) != want {
		t.Errorf("%d different offerings, want %d: %v", len(ids), want, err)
	}
}

// TestName: several sandboxes can stand side by side.
func TestName(t *testing.T) {
	t.Setenv("SANDBOX_NAME", "sandbox2")
	c, _ := start(t)
	if d, err := c.Describe(t.Context()); err != nil || d.Name != "sandbox2" {
		t.Errorf("its name is %q: %v", d.Name, err)
	}
}
