package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// grown is a world with a cluster that was installed here and has one worker.
func grown(t *testing.T) (w *world, cluster, control, worker string) {
	t.Helper()
	w = newWorld(t, 1)
	control, made := w.install("control", "192.0.2.1")
	w.ends(made.Operation)
	cluster = made.Resource.ID
	worker = w.device("worker", "192.0.2.2")
	w.acts(cluster, "add_worker", `{"device_id":"`+worker+`"}`, provider.OperationSucceeded)
	return w, cluster, control, worker
}

// begin begins an action on a cluster.
func (w *world) begin(cluster, action, input string) string {
	w.t.Helper()
	change, err := w.act("cluster", cluster, action, input)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return change.Operation
}

// acts makes an action on a cluster and waits for its end.
func (w *world) acts(cluster, action, input string, end provider.OperationState) provider.Operation {
	w.t.Helper()
	op := w.ends(w.begin(cluster, action, input))
	if op.State != end {
		w.t.Fatalf("%s: %s, %v; want %s", action, op.State, op.Failure, end)
	}
	return op
}

// goesOn wants an operation to be tried again and again.
func (w *world) goesOn(op string) {
	w.t.Helper()
	for range 3 {
		if now, err := w.Operation(w.t.Context(), provider.OperationRequest{Call: w.call(), ID: op}); err != nil || now.State != provider.OperationRunning {
			w.t.Fatalf("%s: %+v, %v", op, now, err)
		}
	}
}

func (w *world) refuse(err error) { w.machines.set(func() { w.machines.refuse = err }) }

func wantStays(t *testing.T, w *world, device, problem string) {
	t.Helper()
	d := state[centre.Device](w, "device", device)
	if d.State != centre.InUse || d.Leaving != "" || !d.LeavesFrom.IsZero() || !strings.Contains(d.Problem, problem) {
		t.Errorf("the device is %+v; want it in use, because of %q", d, problem)
	}
}

func wantIdle(t *testing.T, w *world, device, problem string) {
	t.Helper()
	d := state[centre.Device](w, "device", device)
	if d.State != centre.Idle || d.ClusterID != "" || d.Role != "" || d.Leaving != "" || !strings.Contains(d.Problem, problem) || problem == "" && d.Problem != "" {
		t.Errorf("the device is %+v; want it idle, with the problem %q", d, problem)
	}
}

func TestALeaveThatIsRefusedEndsAtOnce(t *testing.T) {
	t.Parallel()
	w, cluster, _, worker := grown(t)
	w.refuse(fault.Precondition("the node still has 2 pods"))
	op := w.acts(cluster, "remove_worker", `{"device_id":"`+worker+`"}`, provider.OperationFailed)
	if !strings.Contains(op.Failure.Error(), "2 pods") {
		t.Errorf("it failed by %v", op.Failure)
	}
	wantStays(t, w, worker, "2 pods")
	w.refuse(nil)
	w.acts(cluster, "remove_worker", `{"device_id":"`+worker+`","force":true}`, provider.OperationSucceeded)
	wantIdle(t, w, worker, "")
}

func TestAWorkerThatIsLostIsGivenUp(t *testing.T) {
	t.Parallel()
	w, cluster, _, worker := grown(t)
	w.refuse(fault.Unavailable("the machine does not answer"))
	op := w.begin(cluster, "remove_worker", `{"device_id":"`+worker+`"}`)
	w.goesOn(op)
	w.clock.Advance(3 * time.Hour)
	if end := w.ends(op); end.State != provider.OperationFailed || !strings.Contains(end.Failure.Error(), "by force") {
		t.Errorf("in the end: %+v", end)
	}
	wantStays(t, w, worker, "given up after two hours")
	w.machines.set(func() { w.machines.refuse, w.machines.left = nil, "not reset: run kubeadm reset" })
	w.acts(cluster, "remove_worker", `{"device_id":"`+worker+`","force":true}`, provider.OperationSucceeded)
	wantIdle(t, w, worker, "kubeadm reset")
}

func TestAControlPlaneThatIsLostIsGivenUp(t *testing.T) {
	t.Parallel()
	w, cluster, control, worker := grown(t)
	w.acts(cluster, "remove_worker", `{"device_id":"`+worker+`"}`, provider.OperationSucceeded)
	w.refuse(fault.Unavailable("the machine does not answer"))
	gone, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.anywhere(), Token: "d", Kind: "cluster", ID: cluster})
	if err != nil {
		t.Fatal(err)
	}
	w.goesOn(gone.Operation)
	w.clock.Advance(3 * time.Hour)
	if end := w.ends(gone.Operation); end.State != provider.OperationFailed || !strings.Contains(end.Failure.Error(), "by force") {
		t.Errorf("in the end: %+v", end)
	}
	wantStays(t, w, control, "")
	if c := state[centre.Cluster](w, "cluster", cluster); c.State != centre.Failed || !c.ClosesFrom.IsZero() {
		t.Errorf("the cluster: %+v", c)
	}
	w.refuse(nil) // the machine is back
	again, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.anywhere(), Token: "e", Kind: "cluster", ID: cluster})
	if err != nil {
		t.Fatal(err)
	}
	if end := w.ends(again.Operation); end.State != provider.OperationSucceeded {
		t.Errorf("removed again: %+v", end)
	}
	wantIdle(t, w, control, "")
}

func TestAClusterIsRemovedByForce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refuse  error
		problem string
	}{
		"machines that answer are reset":   {nil, ""},
		"machines that do not are let go":  {fault.Unavailable("the machine does not answer"), "does not answer"},
		"so are those that refuse a reset": {fault.Precondition("the machine belongs to something else"), "belongs to something else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, cluster, control, worker := grown(t)
			before := w.machines.all()
			w.refuse(tc.refuse)
			w.acts(cluster, "remove_by_force", `{}`, provider.OperationSucceeded)
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.anywhere(), Kind: "cluster", ID: cluster})
			want(t, "the removed cluster", err, fault.ClassNotFound)
			wantIdle(t, w, control, tc.problem)
			wantIdle(t, w, worker, tc.problem)
			if did := strings.TrimPrefix(w.machines.all(), before+"|"); did != "reset worker@192.0.2.2:22|reset control@192.0.2.1:22" {
				t.Errorf("the machines did %q", did)
			}
		})
	}
}

func TestANetworkIsPinnedAndApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: net}\n"
	sum := sha256.Sum256([]byte(manifest))
	spec := func(manifest, sum string) string {
		raw, err := json.Marshal(map[string]string{"name": "One", "contact_name": "n", "contact_phone": "000", "network": manifest, "network_sha256": sum})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for reason, bad := range map[string]string{
		"another manifest than the one that was pinned": spec(manifest+"\n", hex.EncodeToString(sum[:])),
		"a manifest that nobody pinned":                 spec(manifest, ""),
		"an address":                                    spec("https://net.example/x.yaml", hex.EncodeToString(sum[:])),
		"a sum alone":                                   spec("", hex.EncodeToString(sum[:])),
	} {
		want(t, reason, w.change("centre", w.centre, bad), fault.ClassInvalid)
	}
	if err := w.change("centre", w.centre, spec(manifest, strings.ToUpper(hex.EncodeToString(sum[:])))); err != nil {
		t.Fatal(err)
	}
	if err := w.change("centre", w.centre, spec("", "")); err != nil { // keeps it
		t.Fatal(err)
	}
	if c := state[centre.Centre](w, "centre", w.centre); c.NetworkSum != hex.EncodeToString(sum[:]) {
		t.Errorf("the centre shows %q", c.NetworkSum)
	}
	_, made := w.install("control", "192.0.2.1")
	w.ends(made.Operation)
	w.machines.set(func() {
		if w.machines.network != manifest {
			t.Errorf("the cluster got the network %q", w.machines.network)
		}
	})
}
