package resource_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"tradewind.example/core/resource"
)

func TestResealLeavesNothingToOldKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	in := resource.ActInput{
		ResourceID: r.ID, Action: "reset_password", Input: json.RawMessage(`{"password":"planted-secret"}`), IdempotencyKey: "ended",
	}
	ended, err := w.svc.Act(w.ctx, w.user, in)
	if err != nil {
		t.Fatal(err)
	}
	w.jobs.wg.Wait()
	w.cloud.hook = func() {
		w.sealer.rotate()
		got, err := w.svc.Reseal(w.ctx)
		if err != nil || got.Done != 1 || got.Left != 1 {
			t.Errorf("while an action is at the cloud: %+v, %v", got, err)
		}
	}
	in.IdempotencyKey = "under-way"
	called, err := w.svc.Act(w.ctx, w.user, in)
	if err != nil || called.State != resource.RunDone {
		t.Fatalf("the action that was at the cloud: %+v, %v", called, err)
	}
	w.jobs.wg.Wait()
	if got, err := w.svc.Reseal(w.ctx); err != nil || got != (resource.Resealed{}) {
		t.Errorf("a pass over sealed actions did %+v, %v", got, err)
	}
	w.sealer.forget()
	for _, id := range []string{ended.ID, called.ID} {
		got, err := w.svc.Run(w.ctx, w.user, id)
		if err != nil || !bytes.Contains(got.Output, []byte("hunter22")) {
			t.Errorf("action %q after the old key is gone: %+v, %v", id, got, err)
		}
	}
}

func TestEndedActionForgetsItsInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("vm-1")
	_, err := w.svc.Act(w.ctx, w.user, resource.ActInput{
		ResourceID: r.ID, Action: "reset_password", Input: json.RawMessage(`{"password":"planted-secret"}`), IdempotencyKey: "k",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.jobs.wg.Wait()
	var dump bytes.Buffer
	if _, err := w.store.Backup(w.ctx, &dump); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(dump.Bytes(), []byte(`"SealedInput":null`)) {
		t.Error("the input of an ended action is still stored")
	}
}
