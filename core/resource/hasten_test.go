package resource_test

import (
	"testing"

	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	contract "tradewind.example/sdk/provider"
)

func TestHastenFindsStartedActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.cloud.started, w.jobs.hold = true, true
	hasten := func(plugin, root, op string) int {
		t.Helper()
		var n int
		err := w.store.Update(w.ctx, func(tx store.Tx) (err error) {
			n, _, err = w.svc.HastenTx(tx, plugin, root, op)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	done := make(chan resource.ActionRun, 1)
	go func() {
		run, _ := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: r.ID, Action: "reboot", IdempotencyKey: "key"})
		done <- run
	}()
	before := w.clock.Waiters()
	for len(w.jobs.ready()) == 0 || w.clock.Waiters() == before {
		if t.Context().Err() != nil {
			t.Fatal("the action has no job")
		}
	}
	j := w.jobs.ready()[0]
	if n := hasten("fake", operator, "op"); n != 0 {
		t.Errorf("%d actions wait for an operation that has not begun", n)
	}
	w.jobs.run(j)
	if hasten("other", operator, "op")+hasten("fake", customer, "op")+hasten("fake", operator, "else") != 0 {
		t.Error("somebody else's operation wakes the action")
	}
	if n := hasten("fake", operator, "op"); n != 1 || len(w.jobs.hastened) != 1 || w.jobs.hastened[0] != j.ID {
		t.Errorf("%d actions found, jobs %v made due", n, w.jobs.hastened)
	}
	w.jobs.run(j)
	w.jobs.run(j)
	if run := <-done; run.State != resource.RunDone {
		t.Errorf("the action is %s", run.State)
	}
	if n := hasten("fake", operator, "op"); n != 0 {
		t.Error("an action that has ended still waits")
	}
}

func TestRefreshByTheBroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	w.cloud.things[0].Status = contract.StatusFrozen
	if err := w.svc.Refresh(w.ctx, r.ID); err != nil {
		t.Fatal(err)
	}
	if got := must(w.svc.Get(w.ctx, w.user, r.ID, false)); got.Status != contract.StatusFrozen {
		t.Errorf("the resource is %s", got.Status)
	}
}
