package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func (w *world) rule(t *testing.T, call provider.Call, kind, id string) kinds.RenewalRule {
	t.Helper()
	out, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Kind: kind, ID: id, Action: kinds.ActionRenewalRule, Input: json.RawMessage(`{}`)})
	var r kinds.RenewalRule
	if err != nil || json.Unmarshal(out.Output, &r) != nil {
		t.Fatalf("the rule of %s %q: %s, %v", kind, id, out.Output, err)
	}
	return r
}

func (w *world) setRule(t *testing.T, call provider.Call, kind, id, input string) error {
	t.Helper()
	_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "r", Kind: kind, ID: id, Action: kinds.ActionAutoRenew, Input: json.RawMessage(input)})
	return err
}

// TestRenewalRules: what has a rule is prolonged by the cloud, a server with the
// disks that came with it.
func TestRenewalRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	buy := w.order("tok-1")
	buy.Spec = json.RawMessage(`{"flavour":"bcc.g5.c2m8","cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20},"data_disks":[{"size_gb":50}]}`)
	server := w.bought(t, buy)
	address := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":2}`, month(1))
	call := w.call("allow_auto_renew", "true")
	for kind, r := range map[string]provider.Resource{kinds.Instance: server, kinds.EIP: address} {
		if has := w.rule(t, call, kind, r.ID); has.Set {
			t.Errorf("%s has the rule %+v before it was made", kind, has)
		}
		want(t, kind+" without leave", w.setRule(t, w.call(), kind, r.ID, `{"periods":2}`), fault.ClassPrecondition, fault.OutcomeNotDone)
		want(t, kind+" for four years", w.setRule(t, call, kind, r.ID, `{"period":"year","periods":4}`), fault.ClassInvalid, fault.OutcomeNotDone)
		w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"CreateRenewRule"}})
		want(t, kind+" with a lost answer", w.setRule(t, call, kind, r.ID, `{"periods":2}`), fault.ClassUnavailable, fault.OutcomeUnknown)
		for range 2 {
			if err := w.setRule(t, call, kind, r.ID, `{"periods":2}`); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		if has := w.rule(t, call, kind, r.ID); has.Next == "" || !same(has, kinds.RenewalPeriod{Period: "month", Periods: 2}) {
			t.Errorf("the rule of %s is %+v", kind, has)
		}
	}
	if n := w.calls("CreateRenewRule"); n != 3 {
		t.Errorf("a server with a disk and an address took %d rules", n)
	}
	w.clock.Set(server.Expires.AddDate(0, 0, -2))
	if after := w.get(t, kinds.Instance, server.ID); after.Expires.Before(server.Expires.AddDate(0, 1, 20)) {
		t.Errorf("the server ended at %v and ends at %v", server.Expires, after.Expires)
	}
}

func TestWhatHasNoRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("allow_auto_renew", "true")
	hour := w.order("tok-h")
	hour.Term = hourly()
	id := w.bought(t, hour).ID
	want(t, "paid by the hour", w.setRule(t, call, kinds.Instance, id, `{"periods":1}`), fault.ClassPrecondition, fault.OutcomeNotDone)
	want(t, "no server", w.setRule(t, call, kinds.Instance, "i-none", `{"periods":1}`), fault.ClassNotFound, fault.OutcomeNotDone)
	want(t, "no address", w.setRule(t, call, kinds.EIP, "ip-none", `{"periods":1}`), fault.ClassNotFound, fault.OutcomeNotDone)
	_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Kind: kinds.EIP, ID: "ip-none", Action: kinds.ActionRenewalRule, Input: []byte(`{}`)})
	want(t, "the rule of no address", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestRulesOfCustomers: a reseller makes them for what its customers have.
func TestRulesOfCustomers(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"account_id", "user_id"} {
		w := newWorld(t, rich, func(c *sim.Config) { c.QueryAccountID = by })
		buy := w.order("tok-1")
		buy.Call = w.roleCall("query_account", by)
		change, err := w.Create(t.Context(), buy)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(2 * transition)
		call := w.call("query_account", by, "allow_auto_renew", "true")
		input := func(service string) string {
			return `{"service":"` + service + `","region":"bj","resource_id":"` + change.Resource.ID + `","period":"year","periods":1}`
		}
		want(t, "an unknown product", w.setRule(t, call, kindCustomer, "user-one", input("XYZ")), fault.ClassInvalid, fault.OutcomeNotDone)
		want(t, "nobody", w.setRule(t, call, kindCustomer, "nobody", input("BCC")), fault.ClassNotFound, fault.OutcomeNotDone)
		want(t, "without leave", w.setRule(t, w.call("query_account", by), kindCustomer, "user-one", input("BCC")), fault.ClassPrecondition, fault.OutcomeNotDone)
		if err := w.setRule(t, call, kindCustomer, "user-one", input("BCC")); err != nil {
			t.Errorf("by %s: %v", by, err)
		}
		out, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Kind: kindCustomer, ID: "user-one", Action: "resources", Input: json.RawMessage(`{}`)})
		var has Rented
		if err != nil || json.Unmarshal(out.Output, &has) != nil || has.Total == 0 || has.Resources[0].Renews != "1 year" {
			t.Errorf("by %s: the customer has %s, %v", by, out.Output, err)
		}
		if r := w.rule(t, w.roleCall("query_account", by), kinds.Instance, change.Resource.ID); r.Period != "year" {
			t.Errorf("by %s: in the customer's own account the rule is %+v", by, r)
		}
	}
}
