package pcapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

const sshPassword, apiPassword = "marker-ssh-7c1e", "marker-api-44d0"

// fakeMachines answer as kubeadm would.
type fakeMachines struct {
	refuse      error
	joined      secret.Value
	at, control remote.Config
	id          string
	begun, hold chan struct{} // nil: nobody waits
	works       atomic.Int32
}

func (f *fakeMachines) NewCluster(ctx context.Context, c kubeadm.Cluster, _ kubeadm.Progress) (kubeadm.Made, error) {
	f.at, f.id = c.Control, c.ID
	if f.begun != nil {
		f.begun <- struct{}{}
		<-f.hold
		f.works.Add(1)
		return kubeadm.Made{Join: secret.New("kubeadm join here"), Kubeconfig: secret.New("apiVersion: v1\n")}, ctx.Err()
	}
	return kubeadm.Made{Join: secret.New("kubeadm join here"), Kubeconfig: secret.New("apiVersion: v1\nkind: Config\n")}, f.refuse
}

func (f *fakeMachines) NewWorker(_ context.Context, w kubeadm.Worker, _ kubeadm.Progress) (string, error) {
	f.at, f.control = w.At, w.Control
	return "node", f.refuse
}

func (f *fakeMachines) RemoveWorker(_ context.Context, w kubeadm.Worker, name string, r node.Removal) (string, error) {
	f.at = w.At
	return fmt.Sprintf("left of %s %t", name, r.Force), f.refuse
}

func (f *fakeMachines) JoinGiven(_ context.Context, w kubeadm.Worker, command secret.Value, _ kubeadm.Progress) (string, error) {
	f.at, f.joined = w.At, command
	return "node", f.refuse
}

// journal collects the log.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// world is a served API in front of the control plane.
type world struct {
	*testing.T
	url      string
	log      *journal
	machines *fakeMachines
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, log: &journal{}, machines: &fakeMachines{}}
	s := New(Config{
		User: "broker", Password: secret.New(apiPassword), Log: slog.New(slog.NewTextHandler(w.log, nil)), Machines: w.machines,
		Kubeconfig: func(_ context.Context, at remote.Config) (secret.Value, error) {
			if at.Password.Reveal() != sshPassword {
				return secret.Value{}, fault.Unauthenticated("wrong password")
			}
			return secret.New(string(plane.AdminConfig())), nil
		},
	})
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); s.Close() })
	w.url = srv.URL + Prefix
	return w
}

// ssh are the parameters of a machine, in the spelling that callers use.
func ssh(more ...string) url.Values {
	out := url.Values{"host": {"192.0.2.1"}, "port": {"22"}, "user": {"root"}, "psssword": {sshPassword}}
	for i := 0; i < len(more); i += 2 {
		out.Set(more[i], more[i+1])
	}
	return out
}

func (w *world) ask(method, endpoint string, q url.Values) (status int, body string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+endpoint+"?"+q.Encode(), nil)
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth("broker", apiPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(raw))
}

// says compares a whole answer.
func (w *world) says(method, endpoint string, q url.Values, want string) {
	w.Helper()
	if status, body := w.ask(method, endpoint, q); status != http.StatusOK || body != want {
		w.Errorf("%s: %d %s; want %s", endpoint, status, body, want)
	}
}

const failed = `{"status":false,"info":"operate failed","data":""}`

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, set := range map[string]func(*http.Request){
		"nobody":         func(*http.Request) {},
		"wrong password": func(r *http.Request) { r.SetBasicAuth("broker", "x") },
		"wrong user":     func(r *http.Request) { r.SetBasicAuth("x", apiPassword) },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"get_cluster_pods", nil)
		if err != nil {
			t.Fatal(err)
		}
		set(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}

func TestNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := plane.AddNode(t, planetest.Node{}).Name
	w.says(http.MethodPost, "node_label_opt", ssh("worker_node", name, "label", "kyy-gpu=false", "opt", "label"), `{"status":true,"info":"节点绑定标签成功","data":{}}`)
	w.says(http.MethodPost, "node_label_opt", ssh("worker_node", name, "label", "kyy-gpu=true", "opt", "unlabel"), failed)
	w.says(http.MethodPost, "node_state_switch", ssh("node_name", name, "state", "cordon", "darin", "true"), `{"status":true,"info":"switch node success","data":{"state":"cordon","drain":true}}`)
	_, body := w.ask(http.MethodGet, "get_cluster_nodes", ssh())
	var board struct {
		Status bool
		Data   struct {
			Total int
			Rows  []struct {
				Name   string   `json:"node_name"`
				Status string   `json:"node_status"`
				Labels []string `json:"node_labels"`
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &board); err != nil || !board.Status || board.Data.Total == 0 {
		t.Fatalf("%s, %v", body, err)
	}
	for _, row := range board.Data.Rows {
		if row.Name == name && (row.Status != "Ready,SchedulingDisabled" || !slices.Contains(row.Labels, "kyy-gpu=false")) {
			t.Errorf("the node: %+v", row)
		}
	}
	w.says(http.MethodPost, "node_state_switch", ssh("node_name", name, "state", "uncordon"), `{"status":true,"info":"switch node success","data":{"state":"uncordon","drain":false}}`)
	w.says(http.MethodPost, "node_state_switch", ssh("node_name", "none", "state", "cordon"), `{"status":false,"info":"switch node failed","data":{"state":"cordon","drain":false}}`)
	w.says(http.MethodPost, "delete_cluster_node", ssh("node_name", name), `{"status":true,"info":"delete node success","data":{"node_name":"`+name+`","force":false}}`)
	w.says(http.MethodGet, "get_cluster_nodes", url.Values{"host": {"192.0.2.1"}, "port": {"22"}, "user": {"root"}, "password": {sshPassword}}, failed)
}

func TestWorkloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plane.AddNode(t, planetest.Node{})
	q := url.Values{
		"kubeconfig": {string(plane.AdminConfig())}, "action": {"apply"}, "clusterid": {"_pcapi-cluster"}, "cpcid": {"c"}, "namespace_name": {"-org"},
		"podcd_name": {"9-statefulset"}, "source_name": {"web"}, "source_podengine": {"Deployment"}, "source_replicasetnum": {"1"},
		"pod_imagepath": {"docker.io/ubuntu:22.04"}, "source_memrate": {"512Mi"}, "source_cpurate": {"500m"}, "source_gpu": {"0"},
		"source_portmode": {"NodePort"}, "source_apiport": {"80"}, "source_insideport": {"8080"}, "source_authuser": {"ops"}, "source_authpasswd": {"marker-login-5f"},
	}
	w.says(http.MethodPost, "yaml_apply_delete", q, `{"status":true,"info":"operate success","data":null}`)
	q.Set("source_restartpolicy", "Never")
	w.says(http.MethodPost, "yaml_apply_delete", q, failed)
	_, body := w.ask(http.MethodGet, "get_cluster_pods", ssh())
	if !strings.Contains(body, `"status":true,"info":"operate success","data":{"total":`) {
		t.Errorf("the pods: %s", body)
	}
	q.Set("action", "delete")
	w.says(http.MethodPost, "yaml_apply_delete", q, `{"status":true,"info":"operate success","data":null}`)
	q.Set("kubeconfig", "users:\n- user: {exec: {command: sh}}")
	w.says(http.MethodPost, "yaml_apply_delete", q, failed)
	if log := w.log.String(); strings.Contains(log, "marker-") || !strings.Contains(log, "yaml_apply_delete") {
		t.Errorf("the log: %s", log)
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plane.AddNode(t, planetest.Node{CPU: "4"})
	q := url.Values{"kubeconfig": {string(plane.AdminConfig())}, "resources": {
		`[{"productid":"fits","parts":[{"type":"cpu","model":"STANDARD","amount":1}]},{"productid":"never","parts":[{"type":"cpu","model":"STANDARD","amount":100000}]}]`,
	}}
	w.says(http.MethodGet, "determine_accommodat", q, `["never"]`)
	q.Set("resources", "{")
	w.says(http.MethodGet, "determine_accommodat", q, failed)
}

func TestMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says(http.MethodPost, "new_cluster", ssh("role", "master"), `{"status":true,"info":"operate success","data":"kubeadm join here\napiVersion: v1\nkind: Config\n"}`)
	if w.machines.at.Addr != "192.0.2.1:22" || w.machines.at.Password.Reveal() != sshPassword {
		t.Errorf("the machine is %s", w.machines.at.Addr)
	}
	if err := w.machines.at.Trust(t.Context(), "key"); err == nil {
		t.Error("a machine is trusted that nobody knows")
	}
	w.says(http.MethodPost, "new_worker", ssh("role", "worker", "join_command", "kubeadm join marker-join"), `{"status":true,"info":"operate success","data":""}`)
	w.says(http.MethodPost, "new_worker", ssh("role", "worker"), failed)
	w.machines.refuse = fault.Precondition("swap is on")
	w.says(http.MethodPost, "new_cluster", ssh(), failed)
	if log := w.log.String(); strings.Contains(log, "marker-") || !strings.Contains(log, "swap is on") {
		t.Errorf("the log: %s", log)
	}
}

// TestMachinesByWhoKnowsMore names machines that old callers do not.
func TestMachinesByWhoKnowsMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := func(prefix string, more ...string) url.Values {
		q := ssh(append(more, "clusterid", "k1")...)
		for name, value := range ssh() {
			q[prefix+name] = value
		}
		q.Set(prefix+"host", "192.0.2.7")
		return q
	}
	w.says(http.MethodPost, "new_cluster", second(""), `{"status":true,"info":"operate success","data":"kubeadm join here\napiVersion: v1\nkind: Config\n"}`)
	if w.machines.id != "k1" {
		t.Errorf("the machine is marked by %q", w.machines.id)
	}
	w.says(http.MethodPost, "new_worker", second(ofControl), `{"status":true,"info":"operate success","data":{"node_name":"node"}}`)
	if w.machines.control.Addr != "192.0.2.7:22" || w.machines.at.Addr != "192.0.2.1:22" {
		t.Errorf("%s joined %s", w.machines.at.Addr, w.machines.control.Addr)
	}
	w.says(http.MethodPost, "delete_cluster_node", second(ofWorker, "node_name", "n", "force", "true"),
		`{"status":true,"info":"delete node success","data":{"node_name":"n","force":true,"left":"left of n true"}}`)
	if w.machines.at.Addr != "192.0.2.7:22" {
		t.Errorf("%s was reset", w.machines.at.Addr)
	}
	bad := second(ofControl)
	bad.Del(ofControl + "psssword")
	w.says(http.MethodPost, "new_worker", bad, failed)
}

// TestParametersInABody asks as who keeps them out of the logs of proxies.
func TestParametersInABody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tc := range map[string]struct {
		query, kind, body, want string
	}{
		"a board":           {"", "application/json; charset=utf-8", `{"host":"192.0.2.1","port":"22","user":"root","psssword":"` + sshPassword + `"}`, `{"status":true,"info":"operate success","data":{"total":`},
		"both":              {"?host=192.0.2.1", "application/json", `{}`, failed},
		"no texts":          {"", "application/json", `{"port":22}`, failed},
		"too long":          {"", "application/json", `{"host":"` + strings.Repeat("x", mostQuery) + `"}`, failed},
		"not said to be":    {"", "text/plain", `{"host":"192.0.2.1"}`, failed},
		"nothing that ends": {"", "application/json", `{"host`, failed},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"get_cluster_nodes"+tc.query, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("broker", apiPassword)
		req.Header.Set("Content-Type", tc.kind)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.HasPrefix(string(raw), tc.want) || resp.Header.Get(Repeats) == "" {
			t.Errorf("%s: %s, %v; want %s", name, raw, err, tc.want)
		}
	}
	if log := w.log.String(); strings.Contains(log, "marker-") {
		t.Errorf("the log: %s", log)
	}
}

// TestAWorkOutlivesItsCaller leaves an installation in the middle, and asks again.
func TestAWorkOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.machines.begun, w.machines.hold = make(chan struct{}), make(chan struct{})
	c, s := newClient(t), target(strings.TrimSuffix(w.url, Prefix), "").Service
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.NewCluster(ctx, s, "k1"); first <- err }()
	<-w.machines.begun
	leave()
	if err := <-first; fault.OutcomeOf(err) != fault.OutcomeUnknown {
		t.Errorf("who left heard %v", err)
	}
	go func() { _, err := c.NewCluster(t.Context(), s, "k1"); second <- err }()
	select {
	case <-w.machines.begun:
		t.Error("two works are on one machine")
	case <-time.After(100 * time.Millisecond):
	}
	w.machines.hold <- struct{}{}
	<-w.machines.begun
	w.machines.hold <- struct{}{}
	if err := <-second; err != nil || w.machines.works.Load() != 2 {
		t.Errorf("who came back heard %v after %d works", err, w.machines.works.Load())
	}
	if n := strings.Count(w.log.String(), "a request was served"); n == 0 {
		t.Errorf("the work ended with its caller: %s", w.log.String())
	}
}
