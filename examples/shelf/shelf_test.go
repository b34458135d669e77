package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

func call(stock string) provider.Call {
	return provider.Call{Org: "o1", RootOrg: "root", RequestID: "r1", Account: provider.Account{
		ID: "a1", Credentials: map[string]secret.Value{"master": secret.New("sesame-77")}, Settings: map[string]string{"stock": stock},
	}}
}

func buy(t *testing.T, c *client.Client, k provider.Call, token string) (provider.Change, error) {
	t.Helper()
	return c.Create(t.Context(), provider.CreateRequest{Call: k, Token: token, Kind: "box", Name: "gift", Spec: json.RawMessage(`{"article":"lamp"}`)})
}

func TestTheLastOneIsSoldOnce(t *testing.T) {
	t.Parallel()
	host := plugintest.NewHost()
	c := plugintest.Start(t, newShelf(version), plugintest.WithHost(host))
	const buyers = 64
	results := make([]error, buyers)
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() { _, results[i] = buy(t, c, call("1"), fmt.Sprint("t", i)) })
	}
	wg.Wait()
	sold, winner := 0, ""
	for i, err := range results {
		switch {
		case err == nil:
			sold, winner = sold+1, fmt.Sprint("t", i)
		case !fault.Is(err, fault.ClassOutOfStock):
			t.Errorf("buyer %d: %v", i, err)
		}
	}
	if sold != 1 {
		t.Fatalf("the last one was sold %d times", sold)
	}
	again, err := buy(t, c, call("1"), winner)
	if err != nil || again.Resource.ID != idOf(winner) {
		t.Errorf("a repeat got %+v, %v", again.Resource, err)
	}
	// Given back, it can be sold again, but not to the token that had it.
	for range 2 {
		if _, err := c.Delete(t.Context(), provider.DeleteRequest{Call: call("1"), Token: "d", Kind: "box", ID: idOf(winner)}); err != nil {
			t.Fatal(err)
		}
	}
	if events := host.Events(); len(events) != 1 || events[0].Event.ResourceID != idOf(winner) {
		t.Errorf("events %+v", events)
	}
	if _, err := buy(t, c, call("1"), winner); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a token bought twice: %v", err)
	}
	if _, err := buy(t, c, call("1"), "new"); err != nil {
		t.Errorf("what was given back is not sold: %v", err)
	}
}

func TestFindByToken(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newShelf(version))
	find := func(change provider.ChangeKind, token, id string) provider.Found {
		f, err := c.FindByToken(t.Context(), provider.FindRequest{Call: call("1"), Kind: "box", Token: token, ID: id, Change: change})
		if err != nil || !f.Settled {
			t.Fatalf("%+v, %v", f, err)
		}
		return f
	}
	if f := find(provider.ChangeCreate, "t1", ""); len(f.Resources) != 0 {
		t.Errorf("nothing was bought, found %+v", f)
	}
	if _, err := buy(t, c, call("1"), "t1"); err != nil {
		t.Fatal(err)
	}
	if f := find(provider.ChangeCreate, "t1", ""); len(f.Resources) != 1 || f.Resources[0].Token != "t1" {
		t.Errorf("found %+v", f)
	}
	if find(provider.ChangeRelease, "d", idOf("t1")).Done || !find(provider.ChangeRelease, "d", "box-none").Done {
		t.Error("a release is told wrongly")
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newShelf(version))
	if _, err := buy(t, c, call("1"), "t1"); err != nil {
		t.Fatal(err)
	}
	for code, opens := range map[string]string{"sesame-77": `{"opens":true}`, "guess": `{"opens":false}`} {
		got, err := c.Act(t.Context(), provider.ActionRequest{
			Call: call("1"), Kind: "box", ID: idOf("t1"), Action: "try", Input: json.RawMessage(`{"code":"` + code + `"}`),
		})
		if err != nil || string(got.Output) != opens {
			t.Errorf("%q: %s, %v", code, got.Output, err)
		}
	}
	_, err := c.Act(t.Context(), provider.ActionRequest{
		Call: call("1"), Kind: "box", ID: "box-none", Action: "try", Input: json.RawMessage(`{"code":"x"}`),
	})
	if !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a box that is not there: %v", err)
	}
}

func TestSwap(t *testing.T) {
	t.Parallel()
	host := plugintest.NewHost()
	c := plugintest.Start(t, newShelf(version), plugintest.WithHost(host))
	for token, article := range map[string]string{"t1": "lamp", "t2": "clock"} {
		req := provider.CreateRequest{Call: call("5"), Token: token, Kind: "box", Spec: json.RawMessage(`{"article":"` + article + `"}`)}
		if _, err := c.Create(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	swap := func(with, token string) error {
		_, err := c.Act(t.Context(), provider.ActionRequest{
			Call: call("5"), Kind: "box", ID: idOf("t1"), Action: "swap", Token: token, Input: json.RawMessage(`{"box":"` + with + `"}`),
		})
		return err
	}
	for range 2 { // the second one is the same swap
		if err := swap(idOf("t2"), "s1"); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"t1": "-120.05", "t2": "-99.00"} {
		q, err := c.Quote(t.Context(), provider.QuoteRequest{Call: call("5"), Change: provider.ChangeRelease, Kind: "box", ResourceID: idOf(id)})
		if err != nil || string(q.List) != want {
			t.Errorf("giving %s back is worth %q, %v; want %s", id, q.List, err, want)
		}
	}
	events := host.Events()
	if len(events) == 0 || events[0].Event.ResourceID != idOf("t2") {
		t.Errorf("events %+v; want one of the other box", events)
	}
	if err := swap(idOf("t1"), "s2"); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a box swapped with itself: %v", err)
	}
	if err := swap("box-none", "s3"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a box swapped with none: %v", err)
	}
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newShelf(version))
	for name, tc := range map[string]struct {
		reason   string
		article  string
		quantity int
		list     provider.Decimal
		class    fault.Class
	}{
		"One":     {"the price as written", "vase", 1, "45.50", 0},
		"Three":   {"the cents add up", "clock", 3, "360.15", 0},
		"Unknown": {"nobody sells it", "sofa", 1, "", fault.ClassInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := c.Quote(t.Context(), provider.QuoteRequest{
				Call: call("1"), Change: provider.ChangeCreate, Kind: "box", Spec: json.RawMessage(`{"article":"` + tc.article + `"}`),
				Term: provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: tc.quantity},
			})
			if q.List != tc.list || tc.class != 0 && !fault.Is(err, tc.class) {
				t.Errorf("%s: got %q, %v; want %q, class %s", tc.reason, q.List, err, tc.list, tc.class)
			}
		})
	}
}
