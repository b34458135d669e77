package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

// fakeMachines are machines that do what kubeadm would have them do.
type fakeMachines struct {
	mu      sync.Mutex
	done    []string
	refuse  error
	left    string        // of workers that are removed
	network string        // of the last cluster
	hold    chan struct{} // closed: go on
}

// did waits for the test's leave, trusts the machine and notes what was done.
func (f *fakeMachines) did(ctx context.Context, at remote.Config, what string) error {
	if at.HostKey == "" {
		if err := at.Trust(ctx, "ssh-ed25519 key-of-"+at.Addr); err != nil {
			return err
		}
	}
	f.mu.Lock()
	hold, refuse := f.hold, f.refuse
	f.done = append(f.done, what+" "+at.User+"@"+at.Addr)
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return refuse
}

func (f *fakeMachines) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeMachines) all() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.done, "|")
}

func (f *fakeMachines) NewCluster(ctx context.Context, c kubeadm.Cluster, progress kubeadm.Progress) (kubeadm.Made, error) {
	progress(kubeadm.PhaseInit, 40)
	f.set(func() { f.network = c.Network })
	return kubeadm.Made{Kubeconfig: secret.New("marker-made-kubeconfig"), Join: secret.New("marker-join")}, f.did(ctx, c.Control, "init")
}

func (f *fakeMachines) NewWorker(ctx context.Context, w kubeadm.Worker, _ kubeadm.Progress) (string, error) {
	return "node-of-" + w.At.User, f.did(ctx, w.At, "join")
}

func (f *fakeMachines) RemoveWorker(ctx context.Context, w kubeadm.Worker, name string, r node.Removal) (string, error) {
	what := "leave " + name
	if r.Force {
		what = "force " + name
	}
	err := f.did(ctx, w.At, what)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left, err
}

func (f *fakeMachines) Reset(ctx context.Context, _ kubeadm.Role, _ string, at remote.Config) error {
	return f.did(ctx, at, "reset")
}

// ends polls an operation to its end.
func (w *world) ends(op string) provider.Operation {
	w.t.Helper()
	out, err := wait.Until(w.t.Context(), wait.Config{Every: 20 * time.Millisecond}, func(ctx context.Context) (provider.Operation, error) {
		return w.Operation(ctx, provider.OperationRequest{Call: w.call(), ID: op})
	}, func(o provider.Operation) (bool, error) { return o.State != provider.OperationRunning, nil })
	if err != nil {
		w.t.Fatalf("operation %q: %v", op, err)
	}
	return out
}

// install makes a device with a cluster on it.
func (w *world) install(name, ip string) (device string, change provider.Change) {
	w.t.Helper()
	device = w.device(name, ip)
	at := w.anywhere()
	at.Region = w.centre
	change, err := w.try("cluster", at, `{"name":"`+name+`","controller_id":"`+device+`"}`)
	if err != nil {
		w.t.Fatal(err)
	}
	return device, change
}

func (w *world) device(name, ip string) string {
	w.t.Helper()
	return w.make("device", w.call(), `{"name":"`+name+`","ip":"`+ip+`","admin_user":"`+name+`","admin_password":"marker-device-99ab"}`).ID
}

func (w *world) act(kind, id, action, input string) (provider.Change, error) {
	return w.Act(w.t.Context(), provider.ActionRequest{Call: w.anywhere(), Token: action + input, Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
}

func TestAClusterIsInstalledGrowsAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	control, made := w.install("control", "192.0.2.1")
	if op := w.ends(made.Operation); op.State != provider.OperationSucceeded {
		t.Fatalf("the installation: %+v", op)
	}
	id := made.Resource.ID
	if c := state[centre.Cluster](w, "cluster", id); c.State != centre.Ready {
		t.Errorf("the cluster is %s", c.State)
	}
	if d := state[centre.Device](w, "device", control); d.HostKey == "" || d.Role != centre.RoleMaster {
		t.Errorf("the control plane's device: %+v", d)
	}
	worker := w.device("worker", "192.0.2.2")
	joined, err := w.act("cluster", id, "add_worker", `{"device_id":"`+worker+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	if op := w.ends(joined.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("the join: %+v", op)
	}
	if d := state[centre.Device](w, "device", worker); d.NodeName != "node-of-worker" || d.ClusterID != id || d.Role != centre.RoleWorker {
		t.Errorf("the worker: %+v", d)
	}
	want(t, "removing a cluster with workers", w.remove("cluster", id), fault.ClassPrecondition)
	left, err := w.act("cluster", id, "remove_worker", `{"device_id":"`+worker+`","force":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if op := w.ends(left.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("the leave: %+v", op)
	}
	gone, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.anywhere(), Token: "d", Kind: "cluster", ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if op := w.ends(gone.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("the removal: %+v", op)
	}
	for _, d := range []string{control, worker} {
		if now := state[centre.Device](w, "device", d); now.State != centre.Idle {
			t.Errorf("the device is not idle again: %+v", now)
		}
	}
	const all = "init control@192.0.2.1:22|join worker@192.0.2.2:22|force node-of-worker worker@192.0.2.2:22|reset control@192.0.2.1:22"
	if got := w.machines.all(); got != all {
		t.Errorf("the machines did %q", got)
	}
}

func TestAnInstallationThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.machines.refuse = fault.Precondition("no containerd")
	device, made := w.install("control", "192.0.2.1")
	op := w.ends(made.Operation)
	if op.State != provider.OperationFailed || !fault.Is(op.Failure, fault.ClassPrecondition) || !strings.Contains(op.Failure.Error(), "no containerd") {
		t.Errorf("%+v", op)
	}
	if d := state[centre.Device](w, "device", device); d.State != centre.Idle {
		t.Errorf("the machine was given back, and its device is %s", d.State)
	}
}

func TestAnInstallationIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.machines.hold = make(chan struct{})
	_, made := w.install("control", "192.0.2.1")
	op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: made.Operation})
	if err != nil || op.State != provider.OperationRunning || op.CheckAfter <= 0 {
		t.Fatalf("while it runs: %+v, %v", op, err)
	}
	_, err = wait.Until(t.Context(), wait.Config{Every: 10 * time.Millisecond, Timeout: 20 * time.Second}, func(ctx context.Context) (provider.Operation, error) {
		return w.Operation(ctx, provider.OperationRequest{Call: w.call(), ID: made.Operation})
	}, func(o provider.Operation) (bool, error) { return o.Progress == 40 && o.Message == "init", nil })
	if err != nil {
		t.Errorf("it does not tell its phase: %v", err)
	}
	next := w.another() // the process was replaced in the middle
	next.machines.set(func() { next.machines.hold = nil })
	if op := next.ends(made.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("taken up: %+v", op)
	}
}

func TestAMachineInDoubtIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]error{
		"it does not answer": fault.Unavailable("no answer"), "it is half made and not given back": fault.Unknown(nil, "half made"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			w.machines.refuse = refuse
			device, made := w.install("control", "192.0.2.1")
			for range 3 {
				op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: made.Operation})
				if err != nil || op.State != provider.OperationRunning {
					t.Fatalf("%+v, %v", op, err)
				}
			}
			if d := state[centre.Device](w, "device", device); d.State != centre.InUse {
				t.Errorf("its device is %s", d.State)
			}
			w.machines.set(func() { w.machines.refuse = nil })
			if op := w.ends(made.Operation); op.State != provider.OperationSucceeded {
				t.Errorf("in the end: %+v", op)
			}
		})
	}
}

func TestAMachineInDoubtIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	control, made := w.install("control", "192.0.2.1")
	w.ends(made.Operation)
	w.machines.set(func() { w.machines.refuse = fault.Unknown(nil, "half made") })
	worker := w.device("worker", "192.0.2.2")
	joined, err := w.act("cluster", made.Resource.ID, "add_worker", `{"device_id":"`+worker+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	other, second := w.install("other", "192.0.2.3")
	for _, op := range []string{joined.Operation, second.Operation} {
		if now, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: op}); err != nil || now.State != provider.OperationRunning {
			t.Fatalf("at first: %+v, %v", now, err)
		}
	}
	w.clock.Advance(3 * time.Hour)
	for _, op := range []string{joined.Operation, second.Operation} {
		if now := w.ends(op); now.State != provider.OperationFailed || !strings.Contains(now.Failure.Error(), "kubeadm reset") {
			t.Errorf("in the end: %+v", now)
		}
	}
	for id, want := range map[string]string{control: centre.InUse, worker: centre.Idle, other: centre.InUse} {
		if d := state[centre.Device](w, "device", id); d.State != want {
			t.Errorf("the device %s is %s; want %s", d.Name, d.State, want)
		}
	}
}

func TestAJoinThatFailsFreesTheDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	_, made := w.install("control", "192.0.2.1")
	w.ends(made.Operation)
	worker := w.device("worker", "192.0.2.2")
	w.machines.set(func() { w.machines.refuse = fault.Precondition("swap is on") })
	joined, err := w.act("cluster", made.Resource.ID, "add_worker", `{"device_id":"`+worker+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	if op := w.ends(joined.Operation); op.State != provider.OperationFailed || !strings.Contains(op.Failure.Error(), "swap is on") {
		t.Errorf("%+v", op)
	}
	if d := state[centre.Device](w, "device", worker); d.State != centre.Idle || d.Problem != "swap is on" {
		t.Errorf("the device: %+v", d)
	}
	_, err = w.act("cluster", w.on, "add_worker", `{"device_id":"`+worker+`"}`)
	want(t, "a worker of a cluster that was not installed here", err, fault.ClassPrecondition)
	_, err = w.act("cluster", made.Resource.ID, "remove_worker", `{"device_id":"`+worker+`"}`)
	want(t, "removing what is no worker", err, fault.ClassPrecondition)
	_, err = w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: "worker/none"})
	want(t, "an unknown operation", err, fault.ClassNotFound)
}
