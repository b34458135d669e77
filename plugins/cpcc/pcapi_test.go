package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

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
	}
	_, _ = fmt.Fprint(w, answer) // the caller may have left
}

func (s *service) pods() string {
	rows := []map[string]any{}
	for name, namespace := range s.runs {
		rows = append(rows, map[string]any{"pod_namespace": namespace, "pod_name": name + "-0", "pod_ready": "1/1", "pod_running": "Running", "pod_readiness_gates": []string{}})
	}
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

// served moves the world to a centre that only speaks pcapi.
func (w *world) served() *service {
	w.t.Helper()
	s := &service{runs: map[string]string{}}
	srv := httptest.NewServer(s)
	w.t.Cleanup(srv.Close)
	w.centre = w.make("centre", w.anywhere(), strings.Replace(pcapiSpec, "https://centre.example", srv.URL, 1)).ID
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
	_, err = w.act("cluster", w.on, "add_worker", `{"device_id":"x"}`)
	want(t, "a worker in a centre that keeps its own machines", err, fault.ClassUnsupported)
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
