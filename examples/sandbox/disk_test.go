package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

func TestDataDisksAreParts(t *testing.T) {
	t.Parallel()
	c, _ := start(t)
	ctx, k := t.Context(), call(nil)
	change, err := c.Create(ctx, provider.CreateRequest{
		Call: k, Token: "t1", Kind: "instance", Name: "web", Spec: json.RawMessage(`{"flavour":"small","disks":2}`),
		Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
	})
	if err != nil || len(change.Resource.Parts) != 2 {
		t.Fatalf("bought %+v, %v; want two data disks", change.Resource, err)
	}
	id, second := change.Resource.ID, change.Resource.Parts[1].ID
	for action, want := range map[string]provider.Status{"detach": provider.StatusFree, "attach": provider.StatusBound} {
		for range 2 {
			if _, err := c.Act(ctx, provider.ActionRequest{Call: k, Token: "a", Kind: diskKind, ID: second, Action: action, Input: json.RawMessage(`{}`)}); err != nil {
				t.Fatalf("%s: %v", action, err)
			}
		}
		parts := plugintest.Read(t, c, k, "instance", id).Parts
		if alone := plugintest.Read(t, c, k, diskKind, second); parts[1].Status != want || alone.Status != want || parts[0].Status != provider.StatusBound {
			t.Errorf("after %s the disks are %s and %s, by itself it is %s", action, parts[0].Status, parts[1].Status, alone.Status)
		}
	}
	for _, none := range []string{id, id + "/0", id + "/3", id + "/02", id + "/x", "none/1"} {
		if _, err := c.Get(ctx, provider.GetRequest{Call: k, Kind: diskKind, ID: none}); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("the disk %q: %v", none, err)
		}
	}
}
