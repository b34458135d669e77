package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestAddressLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, id, other := w.server(t, "tok-1"), w.address(t, "tok-2"), w.server(t, "tok-3")
	r := w.get(t, "eip", id)
	var s EIPState
	if err := json.Unmarshal(r.State, &s); err != nil || s.IP == "" {
		t.Errorf("state %s, %v", r.State, err)
	}
	s.IP = ""
	if diff := cmp.Diff(EIPState{kinds.EIPState{Line: "Bgp", Bandwidth: 2, PayMode: "Bandwidth", ChargeType: "Month"}}, s); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if r.Token != "tok-2" || r.Name != "front" || r.Status != provider.StatusFree || !r.Expires.Equal(r.Created.AddDate(0, 1, 0)) {
		t.Errorf("resource %+v", r)
	}
	steps := []struct {
		reason, action, input string
		class                 fault.Class
		status                provider.Status
	}{
		{"a free address cannot be bound to nothing", "bind", `{"instance_id":"uhost-none"}`, fault.ClassNotFound, provider.StatusFree},
		{"a free address is unbound already", "unbind", `{}`, 0, provider.StatusFree},
		{"it is bound", "bind", `{"instance_id":"` + host + `"}`, 0, provider.StatusBound},
		{"it is bound already", "bind", `{"instance_id":"` + host + `"}`, 0, provider.StatusBound},
		{"it is bound only once", "bind", `{"instance_id":"` + other + `"}`, fault.ClassPrecondition, provider.StatusBound},
		{"it is unbound", "unbind", `{}`, 0, provider.StatusFree},
		{"it is bound again", "bind", `{"instance_id":"` + host + `"}`, 0, provider.StatusBound},
	}
	for _, step := range steps {
		_, err := w.act(t, "eip", id, step.action, step.input)
		want(t, step.reason, err, step.class, fault.OutcomeNotDone)
		w.clock.Advance(2 * transition)
		if r := w.get(t, "eip", id); r.Status != step.status {
			t.Errorf("%s: then it is %v, want %v", step.reason, r.Status, step.status)
		}
	}
	w.release(t, host, id)
}

// release ends an address that is bound to a server.
func (w *world) release(t *testing.T, host, id string) {
	t.Helper()
	del := provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: "eip", ID: id}
	_, err := w.Delete(t.Context(), del)
	want(t, "a bound address cannot be released", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.delete(t, host)
	w.clock.Advance(2 * transition)
	if n := w.sim.Report(1).EIPs; n != 1 {
		t.Errorf("the server took %d addresses with it that were bought apart", 1-n)
	}
	for range 2 {
		if change, err := w.Delete(t.Context(), del); err != nil || change.Operation != "" {
			t.Errorf("releasing, then again: %+v, %v", change, err)
		}
	}
	if found := w.find(t, "eip", provider.ChangeRelease, "del-1", id, w.clock.Now()); !found.Done {
		t.Errorf("found %+v", found)
	}
}

func TestAddressThroughFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   sim.Fault
		outcome fault.Outcome
		made    int
	}{
		"LostAnswer": {sim.Fault{Kind: sim.KindDrop, After: true}, fault.OutcomeUnknown, 1},
		"Gateway":    {sim.Fault{Kind: sim.KindHTTP}, fault.OutcomeUnknown, 0},
		"Throttled":  {sim.Fault{Kind: sim.KindThrottle}, fault.OutcomeNotDone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.address(t, "tok-0")
			tc.fault.Actions, tc.fault.Count = []string{"AllocateEIP"}, 1
			w.faults(t, tc.fault)
			began := w.clock.Now()
			_, err := w.Create(t.Context(), provider.CreateRequest{
				Call: w.call(), Token: "tok-1", Kind: "eip", Spec: json.RawMessage(`{"line":"Bgp","bandwidth_mbps":2}`), Term: month(1),
			})
			if err == nil || fault.OutcomeOf(err) != tc.outcome {
				t.Errorf("got %v", err)
			}
			found := w.find(t, "eip", provider.ChangeCreate, "tok-1", "", began)
			if len(found.Resources) != tc.made || found.Settled != (tc.made == 1) || found.Done != (tc.made == 1) {
				t.Errorf("at once: %+v", found)
			}
			w.clock.Advance(2 * time.Minute)
			if found = w.find(t, "eip", provider.ChangeCreate, "tok-1", "", began); !found.Settled || len(found.Resources) != tc.made {
				t.Errorf("later: %+v", found)
			}
		})
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxEIPs = 1 })
	order := func(spec string, term provider.Term) error {
		_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "tok-1", Kind: "eip", Spec: json.RawMessage(spec), Term: term})
		return err
	}
	postpay := provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1}
	want(t, "no bandwidth", order(`{"line":"Bgp"}`, month(1)), fault.ClassInvalid, fault.OutcomeNotDone)
	want(t, "a line that is none", order(`{"line":"Nowhere","bandwidth_mbps":1}`, month(1)), fault.ClassInvalid, fault.OutcomeNotDone)
	want(t, "addresses are not paid by use", order(`{"line":"Bgp","bandwidth_mbps":1}`, postpay), fault.ClassInvalid, fault.OutcomeNotDone)
	w.address(t, "tok-2")
	want(t, "the quota is used up", order(`{"line":"Bgp","bandwidth_mbps":1}`, month(1)), fault.ClassQuota, fault.OutcomeNotDone)
}
