package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/pcapi"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// service answers as the services of centres do, and runs at once what it is told.
type service struct {
	mu    sync.Mutex
	runs  map[string]string // namespace by the name of the controller
	asked []url.Values
	fail  bool
	nodes []string // of the board; nil: there is no control plane
	lost  bool     // the answer to new_cluster
	made  string   // what it is
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	s.asked = append(s.asked, q)
	user, password, _ := r.BasicAuth()
	if user != "u" || password != "marker-api-5150" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer := `{"status":true,"info":"operate success","data":null}`
	switch name := strings.TrimPrefix(r.URL.Path, pcapi.Prefix); {
	case s.fail:
		answer = `{"status":false,"info":"operate failed","data":""}`
	case name == "determine_accommodat":
		answer = `[]`
	case name == "yaml_apply_delete" && q.Get("action") == "apply":
		s.runs[q.Get("podcd_name")] = q.Get("namespace_name")
	case name == "yaml_apply_delete":
		delete(s.runs, q.Get("podcd_name"))
	case name == "get_cluster_pods":
		answer = s.pods()
	case name == "new_cluster":
		s.nodes = []string{"control"}
		if s.lost {
			panic(http.ErrAbortHandler)
		}
		answer = fmt.Sprintf(`{"status":true,"info":"operate success","data":%q}`, s.made)
	case name == "new_worker":
		s.nodes = append(s.nodes, "worker")
	case name == "delete_cluster_node":
		s.nodes = slices.DeleteFunc(s.nodes, func(n string) bool { return n == q.Get("node_name") })
		answer = fmt.Sprintf(`{"status":true,"info":"delete node success","data":{"node_name":%q,"force":%s}}`, q.Get("node_name"), q.Get("force"))
	case name == "get_cluster_nodes" && s.nodes == nil:
		answer = `{"status":false,"info":"operate failed","data":""}`
	case name == "get_cluster_nodes":
		answer = s.board()
	}
	_, _ = fmt.Fprint(w, answer) // the caller may have left
}

func (s *service) board() string {
	rows := []map[string]any{}
	for _, name := range s.nodes {
		role := ""
		if name == "control" {
			role = "control-plane"
		}
		rows = append(rows, map[string]any{"node_name": name, "node_status": "Ready", "node_role": role})
	}
	return listing(rows)
}

func (s *service) pods() string {
	rows := []map[string]any{}
	for name, namespace := range s.runs {
		rows = append(rows, map[string]any{"pod_namespace": namespace, "pod_name": name + "-0", "pod_ready": "1/1", "pod_running": "Running", "pod_readiness_gates": []string{}})
	}
	return listing(rows)
}

func listing(rows []map[string]any) string {
	raw, err := json.Marshal(map[string]any{"status": true, "info": "operate success", "data": map[string]any{"total": len(rows), "rows": rows}})
	if err != nil {
		return ""
	}
	return string(raw)
}

func (s *service) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// far makes a centre that only speaks pcapi the world's.
func (w *world) far() *service {
	w.t.Helper()
	s := &service{runs: map[string]string{}, made: "kubeadm join 192.0.2.9:6443 --token marker-join-31\napiVersion: v1\nkind: Config\n# marker-made-2c\n"}
	srv := httptest.NewServer(s)
	w.t.Cleanup(srv.Close)
	w.centre, w.on = w.make("centre", w.anywhere(), strings.Replace(pcapiSpec, "https://centre.example", srv.URL, 1)).ID, ""
	return s
}

// served moves the world to a centre that only speaks pcapi.
func (w *world) served() *service {
	w.t.Helper()
	s := w.far()
	at := w.anywhere()
	at.Region = w.centre
	d := w.make("device", at, `{"name":"control","ip":"192.0.2.9","admin_user":"root","admin_password":"marker-device-99ab"}`).ID
	w.on = w.make("cluster", at, `{"name":"far","kubeconfig":"marker-kubeconfig-1b7e","controller_id":"`+d+`"}`).ID
	w.widgets = map[price.Type]string{
		price.CPU:    w.make("widget", w.call(), `{"type":"cpu","unit_price":"1","stock":2}`).ID,
		price.Memory: w.make("widget", w.call(), `{"type":"memory","unit_price":"1","resource_unit":"Mi","stock":4096}`).ID,
	}
	return s
}

func TestASaleInACentreThatSpeaksPCAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	s := w.served()
	s.set(func() { s.fail = true })
	_, err := w.try("workload", w.call(), smallSpec)
	if err == nil || strings.Contains(err.Error(), "marker-") {
		t.Fatalf("a sale while the service fails: %v", err)
	}
	s.set(func() { s.fail = false })
	made, err := w.try("workload", w.call(), smallSpec+" ")
	if err != nil {
		t.Fatal(err)
	}
	if made.Operation != "" {
		if op := w.ends(made.Operation); op.State != provider.OperationSucceeded {
			t.Fatalf("the create: %+v", op)
		}
	}
	s.set(func() {
		if len(s.runs) != 1 {
			t.Errorf("%d workloads run; want 1", len(s.runs))
		}
	})
	_, err = w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: "logs", Kind: "workload", ID: made.Resource.ID, Action: "logs", Input: json.RawMessage(`{}`)})
	want(t, "logs, which the API does not show", err, fault.ClassUnsupported)
	gone, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: "workload", ID: made.Resource.ID})
	if err != nil {
		t.Fatal(err)
	}
	if gone.Operation != "" {
		w.ends(gone.Operation)
	}
	s.set(func() {
		if len(s.runs) != 0 {
			t.Errorf("it still runs: %v", s.runs)
		}
		for _, q := range s.asked {
			if q.Has("host") && (q.Get("psssword") != "marker-device-99ab" || q.Get("host") != "192.0.2.9") {
				t.Errorf("the machine of the control plane: %v", q)
			}
		}
	})
}

func TestMachinesOfACentreThatSpeaksPCAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	near := w.on
	s := w.far()
	_, made := w.install("control", "192.0.2.9")
	if op := w.ends(made.Operation); op.State != provider.OperationSucceeded {
		t.Fatalf("the installation: %+v", op)
	}
	cluster, worker := made.Resource.ID, w.device("worker", "192.0.2.8")
	w.acts(cluster, "add_worker", `{"device_id":"`+worker+`"}`, provider.OperationSucceeded)
	if d := state[centre.Device](w, "device", worker); d.NodeName != "worker" {
		t.Errorf("the worker: %+v", d)
	}
	w.acts(cluster, "remove_worker", `{"device_id":"`+worker+`"}`, provider.OperationSucceeded)
	wantIdle(t, w, worker, "not reset")
	const mine = "kubeadm join 192.0.2.9:6443 --token marker-mine-78"
	w.acts(cluster, "add_worker", `{"device_id":"`+worker+`","join_command":"`+mine+`"}`, provider.OperationSucceeded)
	w.acts(cluster, "remove_by_force", `{}`, provider.OperationSucceeded)
	wantIdle(t, w, worker, "not reset")
	var joins []string
	s.set(func() {
		for _, q := range s.asked {
			if q.Has("join_command") {
				joins = append(joins, q.Get("join_command"))
			}
		}
	})
	if want := []string{"kubeadm join 192.0.2.9:6443 --token marker-join-31", mine}; !slices.Equal(joins, want) {
		t.Errorf("it was told to join by %q; want %q", joins, want)
	}
	_, err := w.act("cluster", near, "add_worker", `{"device_id":"`+worker+`","join_command":"`+mine+`"}`)
	want(t, "a join command for a cluster that is reached from here", err, fault.ClassPrecondition)
}

func TestAKubeconfigThatGotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	near := w.on
	s := w.far()
	s.set(func() { s.lost = true })
	control, made := w.install("control", "192.0.2.9")
	w.goesOn(made.Operation)
	w.clock.Advance(time.Hour)
	if op := w.ends(made.Operation); op.State != provider.OperationFailed || !strings.Contains(op.Failure.Error(), "give_kubeconfig") {
		t.Fatalf("the installation: %+v", op)
	}
	asked := 0
	s.set(func() {
		for _, q := range s.asked {
			if q.Get("role") == "master" {
				asked++
			}
		}
	})
	if asked != 1 {
		t.Errorf("it was asked for %d control planes", asked)
	}
	_, err := w.act("cluster", made.Resource.ID, "give_kubeconfig", `{"kubeconfig":"bad"}`)
	want(t, "a kubeconfig that runs commands", err, fault.ClassInvalid)
	if bad := fault.As(err); len(bad.Fields) != 1 || bad.Fields[0].Path != "input.kubeconfig" {
		t.Errorf("it names %+v", bad.Fields)
	}
	if _, err := w.act("cluster", made.Resource.ID, "give_kubeconfig", `{"kubeconfig":"marker-given-66"}`); err != nil {
		t.Fatal(err)
	}
	if c := state[centre.Cluster](w, "cluster", made.Resource.ID); c.State != centre.Ready || c.Problem != "" {
		t.Errorf("the cluster: %+v", c)
	}
	_, err = w.act("cluster", near, "give_kubeconfig", `{"kubeconfig":"marker-given-66"}`)
	want(t, "a cluster that has one", err, fault.ClassPrecondition)
	if d := state[centre.Device](w, "device", control); d.State != centre.InUse {
		t.Errorf("its device: %+v", d)
	}
}

func TestAServicesKubeconfigIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	s := w.far()
	s.set(func() { s.made = "kubeadm join x\napiVersion: bad" })
	w.cluster.set(func() { w.cluster.bad = "apiVersion: bad" })
	_, made := w.install("control", "192.0.2.9")
	if op := w.ends(made.Operation); op.State != provider.OperationFailed || !strings.Contains(op.Failure.Error(), "runs a command") {
		t.Errorf("the installation: %+v", op)
	}
	if c := state[centre.Cluster](w, "cluster", made.Resource.ID); c.State != centre.Failed {
		t.Errorf("the cluster: %+v", c)
	}
}
