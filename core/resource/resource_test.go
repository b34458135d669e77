package resource_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/job"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

func TestAct(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		script  []error
		started bool
		hook    func(*world) func()
		state   resource.RunState
		calls   int
	}{
		"Done":      {reason: "a change is carried out and waited for", state: resource.RunDone, calls: 1},
		"Refused":   {reason: "a definite refusal is a failure", script: []error{fault.Precondition("stop it first")}, state: resource.RunFailed, calls: 1},
		"Throttled": {reason: "what passes is tried again", script: []error{fault.Throttled(0, "slow down")}, state: resource.RunDone, calls: 2},
		"Unknown":   {reason: "a lost answer is never repeated", script: []error{fault.Unknown(nil, "no answer")}, state: resource.RunUnknown, calls: 1},
		"NotAFault": {reason: "an error nobody vouches for is unknown", script: []error{errBoom}, state: resource.RunUnknown, calls: 1},
		"Started":   {reason: "a started change is polled", started: true, state: resource.RunDone, calls: 1},
		"Crash": {
			reason: "a death during the call leaves the fate unknown", state: resource.RunUnknown, calls: 1,
			hook: func(w *world) func() {
				return func() {
					w.cloud.hook = nil
					panic(errBoom)
				}
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.add("vm-1")
			w.cloud.script, w.cloud.started = tc.script, tc.started
			if tc.hook != nil {
				w.cloud.hook = tc.hook(w)
			}
			in := resource.ActInput{ResourceID: r.ID, Action: "reboot", IdempotencyKey: "key"}
			got, err := w.svc.Act(w.ctx, w.user, in)
			w.jobs.wg.Wait()
			if err != nil || got.State != tc.state {
				t.Errorf("%s: %+v, %v", tc.reason, got, err)
			}
			again, err := w.svc.Act(w.ctx, w.user, in)
			if err != nil || again.ID != got.ID {
				t.Errorf("%s: a repeated request made %+v, %v", tc.reason, again, err)
			}
			if len(w.cloud.acts) != tc.calls {
				t.Errorf("%s: the cloud was called %d times, want %d", tc.reason, len(w.cloud.acts), tc.calls)
			}
			for _, req := range w.cloud.acts {
				if req.Token == "" || req.Token != w.cloud.acts[0].Token {
					t.Errorf("%s: token %q", tc.reason, req.Token)
				}
			}
		})
	}
}

func TestRefusedActionsAreDecidedInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.cloud.script = []error{fault.Throttled(8760*time.Hour, "come back next year")}
	if _, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "reboot", IdempotencyKey: "key"}); err != nil {
		t.Fatal(err)
	}
	w.jobs.wg.Wait()
	if want := job.Snooze(2 * time.Minute); len(w.jobs.results) == 0 || w.jobs.results[0] == nil || w.jobs.results[0].Error() != want.Error() {
		t.Errorf("an action is tried for two minutes, whatever the cloud asks for: got %v, want %q", w.jobs.results, want)
	}
}

func TestActWaitsOnlySoLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.jobs.hold = true
	type answer struct {
		run resource.ActionRun
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		run, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "reboot", IdempotencyKey: "key"})
		answers <- answer{run, err}
	}()
	waitFor(t, func() bool { return w.clock.Waiters() > 0 })
	w.clock.Advance(time.Minute)
	got := <-answers
	if got.err != nil || got.run.State != resource.RunWaiting || got.run.ID == "" {
		t.Errorf("an action that takes long: %+v, %v", got.run, got.err)
	}
}

// waitFor polls until the condition holds, for a bounded time.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatal("the condition did not come to hold")
		}
	}
}

func TestActReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	got, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "console"})
	if err != nil || got.ID != "" || !bytes.Contains(got.Output, []byte("hunter22")) {
		t.Errorf("console: %+v, %v", got, err)
	}
	if len(w.jobs.ready()) != 0 || w.cloud.acts[0].Token != "" {
		t.Error("a pure read was stored")
	}
	page, err := w.svc.Runs(w.ctx, w.user, r.ID, "", 10)
	if err != nil || len(page.Items) != 0 {
		t.Errorf("runs %+v, %v", page, err)
	}
}

func TestActRefusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		caller access.Caller
		in     resource.ActInput
		class  fault.Class
	}{
		"NoSuchAction": {reason: "what the kind does not declare", caller: caller(customer, access.RoleCustomerAdmin), in: resource.ActInput{Action: "explode", IdempotencyKey: "k"}, class: fault.ClassUnsupported},
		"BadInput":     {reason: "input that does not fit the schema", caller: caller(customer, access.RoleCustomerAdmin), in: resource.ActInput{Action: "reset_password", Input: json.RawMessage(`{"password":"x"}`), IdempotencyKey: "k"}, class: fault.ClassInvalid},
		"NoKey":        {reason: "a change needs a key", caller: caller(customer, access.RoleCustomerAdmin), in: resource.ActInput{Action: "reboot"}, class: fault.ClassInvalid},
		"Stranger":     {reason: "a foreign resource does not exist", caller: caller(stranger, access.RoleCustomerAdmin), in: resource.ActInput{Action: "reboot", IdempotencyKey: "k"}, class: fault.ClassNotFound},
		"Auditor":      {reason: "who only reads may not act", caller: caller(operator, access.RoleAuditor), in: resource.ActInput{Action: "reboot", IdempotencyKey: "k"}, class: fault.ClassForbidden},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tc.in.ResourceID = w.add("vm-1").ID
			if _, err := w.svc.Act(w.ctx, tc.caller, tc.in); !fault.Is(err, tc.class) {
				t.Errorf("%s: %v, want %s", tc.reason, err, tc.class)
			}
			if len(w.cloud.acts) != 0 {
				t.Errorf("%s: the cloud was called", tc.reason)
			}
		})
	}
}

func TestRevokedProviderCanOnlyStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.gone = true
	stop, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "stop", IdempotencyKey: "1"})
	if err != nil || stop.State != resource.RunDone {
		t.Errorf("stop: %+v, %v", stop, err)
	}
	reboot, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "reboot", IdempotencyKey: "2"})
	if err != nil || reboot.State != resource.RunFailed {
		t.Errorf("reboot: %+v, %v", reboot, err)
	}
	w.jobs.wg.Wait()
}

// TestActKeepsSecrets plants a password and looks for it in every byte stored.
func TestActKeepsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	in := resource.ActInput{ResourceID: r.ID, Action: "reset_password", Input: json.RawMessage(`{"password":"planted-secret"}`), IdempotencyKey: "k"}
	got, err := w.svc.Act(w.ctx, w.user, in)
	w.jobs.wg.Wait()
	if err != nil || !strings.Contains(string(got.Output), "hunter22") {
		t.Fatalf("reset_password: %+v, %v", got, err)
	}
	if string(w.cloud.acts[0].Input) != `{"password":"planted-secret"}` {
		t.Errorf("the cloud got %s", w.cloud.acts[0].Input)
	}
	var dump bytes.Buffer
	if _, err := w.store.Backup(w.ctx, &dump); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"planted-secret", "hunter22"} {
		if bytes.Contains(dump.Bytes(), []byte(secret)) {
			t.Errorf("the store holds %q in the clear", secret)
		}
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.cloud.things[0].Status = contract.StatusStopped
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, false)); got.Status != contract.StatusRunning {
		t.Errorf("without a refresh it is %s", got.Status)
	}
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, true)); got.Status != contract.StatusStopped || !got.End.Equal(r.End) {
		t.Errorf("refreshed: %+v", got)
	}
	w.cloud.things = nil
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, true)); got.Status != contract.StatusStopped {
		t.Error("the cloud was asked again at once")
	}
	w.clock.Advance(time.Minute)
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, true)); got.Status != contract.StatusDeleted || !got.Live() {
		t.Errorf("a resource that is gone: %s, live %v; it stays ours until released", got.Status, got.Live())
	}
}

func TestCostIsTheAccountsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, false)); got.Cost != (resource.CostBasis{}) || got.EnablementID != "" {
		t.Errorf("the customer sees %+v", got.Cost)
	}
	if got := must(w.svc.Get(w.ctx, w.staff, r.ID, false)); got.Cost.Amount != "600.00" {
		t.Errorf("the operator sees %+v", got.Cost)
	}
	list := must(w.svc.List(w.ctx, w.user, resource.Query{Limit: 10}))
	if len(list.Items) != 1 || list.Items[0].Cost.Amount != "" {
		t.Errorf("the customer's list: %+v", list.Items)
	}
	second := w.add("vm-2")
	oldest := must(w.svc.List(w.ctx, w.user, resource.Query{OldestFirst: true, Limit: 1}))
	newest := must(w.svc.List(w.ctx, w.user, resource.Query{Limit: 1}))
	if oldest.Items[0].ID != r.ID || newest.Items[0].ID != second.ID {
		t.Errorf("the list begins with %q one way and %q the other", oldest.Items[0].VendorID, newest.Items[0].VendorID)
	}
	if foreign := must(w.svc.List(w.ctx, caller(stranger, access.RoleCustomerAdmin), resource.Query{Limit: 10})); len(foreign.Items) != 0 {
		t.Errorf("a stranger lists %+v", foreign.Items)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, noImport := range []bool{false, true} {
		t.Run(fmt.Sprint("noImport=", noImport), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cloud.noImport = noImport
			w.add("vm-same")
			w.add("vm-lost")
			w.add("vm-other")
			w.cloud.things[1].ID = "vm-alien"
			w.cloud.things[2].Expires = start.AddDate(1, 0, 0)
			what := resource.Comparison{RootID: operator, OrgID: operator, ProviderID: "provider", EnablementID: "enablement"}
			for range 2 {
				if err := w.svc.Compare(w.ctx, what); err != nil {
					t.Fatal(err)
				}
				w.clock.Advance(24 * time.Hour)
			}
			got := map[string]resource.DiscrepancyKind{}
			for _, d := range must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items {
				got[d.VendorID] = d.Kind
				if !d.First.Equal(start) || d.Last.Equal(start) {
					t.Errorf("%s was seen first %s and last %s", d.VendorID, d.First, d.Last)
				}
			}
			want := map[string]resource.DiscrepancyKind{
				"vm-alien": resource.MissingHere, "vm-lost": resource.MissingThere, "vm-other": resource.Differs,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("discrepancies (-want +got):\n%s", diff)
			}
			w.cloud.things[1].ID, w.cloud.things[2].Expires = "vm-lost", start.AddDate(0, 1, 0)
			if err := w.svc.Compare(w.ctx, what); err != nil {
				t.Fatal(err)
			}
			if left := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items; len(left) != 0 {
				t.Errorf("what is cured still stands: %+v", left)
			}
			if list := must(w.svc.List(w.ctx, w.staff, resource.Query{Limit: 10})); len(list.Items) != 3 {
				t.Errorf("the comparison changed the resources: %d", len(list.Items))
			}
		})
	}
}

func TestWhatIsBoughtWhileTheCloudListsIsNotMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fresh := w.add("vm-old")
	w.cloud.imported = func() {
		w.clock.Advance(time.Second)
		fresh.ID, fresh.VendorID, fresh.Created = id.New(), "vm-new", w.clock.Now()
		if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, fresh, nil) }); err != nil {
			t.Error(err)
		}
	}
	what := resource.Comparison{RootID: operator, OrgID: operator, ProviderID: "provider", EnablementID: "enablement"}
	if err := w.svc.Compare(w.ctx, what); err != nil {
		t.Fatal(err)
	}
	if got := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items; len(got) != 0 {
		t.Errorf("what the cloud could not list yet is %+v", got)
	}
	w.cloud.imported = nil
	if err := w.svc.Compare(w.ctx, what); err != nil {
		t.Fatal(err)
	}
	if got := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items; len(got) != 1 || got[0].Kind != resource.MissingThere {
		t.Errorf("the next comparison says %+v, want it missing there", got)
	}
}

func TestVendorIDIsUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	r.ID += "x"
	err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, r, nil) })
	if !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a second resource with one vendor id: %v", err)
	}
	r.AccountID = "elsewhere"
	if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, r, nil) }); err != nil {
		t.Errorf("a cloud that counts in each account anew: %v", err)
	}
	err = w.store.View(w.ctx, func(rd store.Reader) error {
		all, err := w.svc.HoldersTx(rd, "provider", "instance", "vm-1")
		slices.Sort(all)
		want := []string{strings.TrimSuffix(r.ID, "x"), r.ID}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("the holders of the id (-want +got):\n%s", diff)
		}
		for account, want := range map[string]string{"enablement": want[0], "elsewhere": want[1], "nowhere": ""} {
			if id, found, err := w.svc.HolderTx(rd, account, "provider", "instance", "vm-1"); id != want || found != (want != "") || err != nil {
				t.Errorf("in account %s: %q, %v, %v", account, id, found, err)
			}
			if lives, err := w.svc.InAccount(rd, account); lives != (want != "") || err != nil {
				t.Errorf("something lives in account %s: %v, %v", account, lives, err)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
