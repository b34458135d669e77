package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func (w *world) remove(kind, id string) error {
	_, err := w.Delete(w.t.Context(), provider.DeleteRequest{Call: w.anywhere(), Token: "d", Kind: kind, ID: id})
	return err
}

func (w *world) change(kind, id, spec string) error {
	_, err := w.Update(w.t.Context(), provider.UpdateRequest{Call: w.anywhere(), Token: "u" + spec, Kind: kind, ID: id, Spec: json.RawMessage(spec)})
	return err
}

const deviceSpec = `{"name":"node","ip":"192.0.2.1","admin_user":"root","admin_password":"marker-device-99ab","stock":{"cpu_stock":4}}`

func TestDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	d := w.make("device", w.call(), deviceSpec)
	got := state[centre.Device](w, "device", d.ID)
	if got.ExternalIP != "未设置" || got.SSHPort != 22 || got.Stock.CPUModel != "STANDARD" || got.ExpireDate != "9999-12-31" || got.EnableDate != "2026-06-10" {
		t.Errorf("the defaults: %+v", got)
	}
	if idle := w.read("centre", w.centre, "idle_devices", `{}`); !strings.Contains(idle, d.ID) {
		t.Errorf("it is not idle: %s", idle)
	}
	at := w.anywhere()
	at.Region = w.centre
	c := w.make("cluster", at, `{"name":"k2","controller_id":"`+d.ID+`"}`)
	if c.Status != provider.StatusPending {
		t.Errorf("a cluster to be installed is %s", c.Status)
	}
	w.ends("cluster/" + c.ID)
	if got := state[centre.Device](w, "device", d.ID); got.State != centre.InUse || got.ClusterID != c.ID || got.Role != centre.RoleMaster {
		t.Errorf("the device is not locked: %+v", got)
	}
	if idle := w.read("centre", w.centre, "idle_devices", `{}`); strings.Contains(idle, d.ID) {
		t.Errorf("a device in use is idle: %s", idle)
	}
	want(t, "removing a device in use", w.remove("device", d.ID), fault.ClassPrecondition)
	want(t, "moving a device in use", w.change("device", d.ID, `{"name":"node","ip":"192.0.2.2","admin_user":"root"}`), fault.ClassPrecondition)
	_, err := w.try("cluster", at, `{"name":"k3","controller_id":"`+d.ID+`"}`)
	want(t, "a second cluster on it", err, fault.ClassPrecondition)
	if err := w.remove("cluster", c.ID); err != nil {
		t.Fatal(err)
	}
	w.ends("cluster-removal/" + c.ID)
	if err := w.remove("device", d.ID); err != nil {
		t.Errorf("a device whose cluster is gone: %v", err)
	}
}

func TestRefusedSpecs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for name, tc := range map[string]struct{ kind, spec, path string }{
		"a day that is none":       {"centre", `{"name":"x","contact_name":"n","contact_phone":"000","enable_date":"2026-02-30"}`, "spec.enable_date"},
		"an end before its start":  {"centre", `{"name":"x","contact_name":"n","contact_phone":"000","enable_date":"2026-02-02","expire_date":"2026-02-01"}`, "spec.expire_date"},
		"pcapi without a URL":      {"centre", `{"name":"x","contact_name":"n","contact_phone":"000","transport":"pcapi","api_user":"u","api_password":"marker-api-1d"}`, "spec.pcapi_url"},
		"a password in the URL":    {"centre", `{"name":"x","contact_name":"n","contact_phone":"000","pcapi_url":"https://u:p@host.example"}`, "spec.pcapi_url"},
		"no address":               {"device", `{"name":"n","ip":"host","admin_user":"root","admin_password":"marker-device-1c"}`, "spec.ip"},
		"no password":              {"device", `{"name":"n","ip":"192.0.2.9","admin_user":"root"}`, "spec.admin_password"},
		"neither device nor file":  {"cluster", `{"name":"k"}`, "spec.controller_id"},
		"a kubeconfig that runs":   {"cluster", `{"name":"k","kubeconfig":"bad"}`, "spec.kubeconfig"},
		"a device that is nowhere": {"cluster", `{"name":"k","controller_id":"x"}`, "spec.controller_id"},
		"a key with a space":       {"label", `{"name":"l","label_type":"node","label_key":"a b","label_value":"c"}`, "spec.label_key"},
		"a value too long":         {"label", `{"name":"l","label_type":"node","label_key":"a","label_value":"` + strings.Repeat("v", 64) + `"}`, "spec.label_value"},
		"a disk of another model":  {"widget", `{"type":"disk","model":"FAST","unit_price":"1","stock":1}`, "spec.model"},
		"a unit of another type":   {"widget", `{"type":"cpu","model":"X","unit_price":"1","resource_unit":"Gi","stock":1}`, "spec.resource_unit"},
		"an image not offered":     {"workload", `{"image":"evil","parts":[{"type":"cpu","amount":1},{"type":"memory","amount":1}]}`, "spec.image"},
		"a policy of another kind": {"workload", `{"engine":"Job","restart_policy":"Always",` + smallSpec[1:], "spec.restart_policy"},
		"always only":              {"workload", `{"engine":"Deployment","restart_policy":"Never",` + smallSpec[1:], "spec.restart_policy"},
		"a schedule for a job":     {"workload", `{"engine":"Job","schedule":"0 3 * * *",` + smallSpec[1:], "spec.schedule"},
		"a port out of range":      {"workload", `{"service_port":80,"node_port":8080,` + smallSpec[1:], "spec.node_port"},
		"ingress without a host":   {"workload", `{"port_mode":"Ingress","service_port":80,` + smallSpec[1:], "spec.host"},
		"no cores":                 {"workload", `{"image":"docker.io/ubuntu:22.04","parts":[{"type":"memory","amount":1}]}`, "spec.parts"},
		"a disk mounted nowhere":   {"workload", `{"image":"docker.io/ubuntu:22.04","parts":[{"type":"cpu","amount":1},{"type":"memory","amount":1},{"type":"disk","amount":1}]}`, "spec.mount_path"},
	} {
		_, err := w.try(tc.kind, w.call(), tc.spec)
		want(t, name, err, fault.ClassInvalid)
		if f := fault.As(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Path != tc.path {
			t.Errorf("%s: %v; want the path %s", name, err, tc.path)
		}
	}
}

func TestWidgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	_, err := w.try("widget", w.call(), `{"type":"gpu","model":"RTX5090-32G","unit_price":"6","stock":2}`)
	want(t, "the same one again", err, fault.ClassConflict)
	if !strings.Contains(err.Error(), "该部件已存在,请前往编辑!") {
		t.Errorf("it says %q", err)
	}
	for range 2 {
		w.make("widget", w.call(), `{"type":"gpu","model":"RTX5090-32G","unit_price":"6","stock":2,"add_stock":true}`)
	}
	at := w.anywhere()
	at.Region = w.centre
	at.Zone = w.make("cluster", at, `{"name":"k2","kubeconfig":"marker-kubeconfig-2c"}`).ID
	w.make("widget", at, `{"type":"gpu","model":"RTX5090-32G","unit_price":"6","stock":4,"add_stock":true}`)
	got := state[widget.Widget](w, "widget", w.widgets[price.GPU])
	if got.Stock != "9" || len(got.Clusters) != 2 || got.Clusters[0].Stock != "5" || got.Clusters[1].Stock != "4" {
		t.Errorf("stock: %+v; want 5 + 4: a replay adds nothing", got)
	}
	if cards := w.read("centre", w.centre, "cards", `{"cluster_id":"`+w.on+`"}`); cards != `{"cards":{"RTX5090-32G":5}}` {
		t.Errorf("cards of one cluster: %s", cards)
	}
	if cards := w.read("centre", w.centre, "cards", `{}`); cards != `{"cards":{"RTX5090-32G":9}}` {
		t.Errorf("cards of all clusters: %s", cards)
	}
	if err := w.change("widget", got.ID, `{"type":"gpu","model":"RTX5090-32G","unit_price":"7.25"}`); err != nil {
		t.Fatal(err)
	}
	want(t, "another model", w.change("widget", got.ID, `{"type":"gpu","model":"RTX1","unit_price":"1"}`), fault.ClassInvalid)
	if now := state[widget.Widget](w, "widget", got.ID); now.UnitPrice != "7.25" || now.Stock != "9" {
		t.Errorf("after an update: %+v", now)
	}
	if _, err := w.buy("one", basketSpec); err != nil {
		t.Fatal(err)
	}
	want(t, "removing a widget in use", w.remove("widget", got.ID), fault.ClassPrecondition)
}

func TestClustersChangeNameAndDatesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	if err := w.change("cluster", w.on, `{"name":"renamed","enable_date":"2026-01-01","expire_date":"2026-12-31"}`); err != nil {
		t.Fatal(err)
	}
	if got := state[centre.Cluster](w, "cluster", w.on); got.Name != "renamed" || got.ExpireDate != "2026-12-31" {
		t.Errorf("%+v", got)
	}
	for field, spec := range map[string]string{
		"spec.kubeconfig":    `{"name":"x","kubeconfig":"marker-other-44"}`,
		"spec.controller_id": `{"name":"x","controller_id":"d"}`,
		"spec.cluster_type":  `{"name":"x","cluster_type":"slurm"}`,
		"spec.centre_id":     `{"name":"x","centre_id":"c"}`,
	} {
		err := w.change("cluster", w.on, spec)
		want(t, field, err, fault.ClassInvalid)
		if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestWhatIsUsedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	op, err := w.buy("one", basketSpec)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a cluster with workloads", w.remove("cluster", w.on), fault.ClassPrecondition)
	want(t, "a centre with clusters", w.remove("centre", w.centre), fault.ClassPrecondition)
	if _, err := w.buy("two", basketSpec); err != nil {
		t.Errorf("a cluster that could not be removed sells no more: %v", err)
	}
	for _, id := range []string{op.Resource.ID} {
		if err := w.remove("workload", id); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "a cluster with one workload left", w.remove("cluster", w.on), fault.ClassPrecondition)
	err = w.List(t.Context(), provider.ListRequest{Call: w.anywhere(), Kind: "workload"}, func(r provider.Resource) error {
		return w.remove("workload", r.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.remove("cluster", w.on); err != nil {
		t.Fatalf("an empty cluster: %v", err)
	}
	want(t, "a centre with widgets", w.remove("centre", w.centre), fault.ClassPrecondition)
	for _, id := range w.widgets {
		if err := w.remove("widget", id); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.remove("centre", w.centre); err != nil {
			t.Errorf("an empty centre: %v", err)
		}
	}
}

const pcapiSpec = `{"name":"P","contact_name":"n","contact_phone":"000","transport":"pcapi","pcapi_url":"https://centre.example","api_user":"u","api_password":"marker-api-5150"}`

// TestNoRowHoldsASecret: what is secret is in sealed rows alone, which no list
// shows.
func TestNoRowHoldsASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.make("device", w.call(), deviceSpec)
	w.make("centre", w.anywhere(), pcapiSpec)
	at := w.anywhere()
	at.Region = area.IDOf("centre", area.IDOf("centre", pcapiSpec))
	_, err := w.try("cluster", at, `{"name":"k9","kubeconfig":"marker-kubeconfig-9"}`)
	want(t, "a cluster that only a pcapi reaches, without its device", err, fault.ClassInvalid)
	if _, err := w.buy("one", basketSpec); err != nil {
		t.Fatal(err)
	}
	sealed := 0
	err = w.host.Scan(t.Context(), provider.Scope{RootOrg: "root"}, provider.KeyRange{}, func(kv provider.KeyValue) error {
		if kv.Sealed {
			sealed++
		}
		if bytes.Contains(kv.Value, []byte("marker-")) || strings.Contains(kv.Key, "marker-kubeconfig") {
			t.Errorf("row %q holds a secret", kv.Key)
		}
		return nil
	})
	if err != nil || sealed != 4 {
		t.Errorf("%d sealed rows, %v; want kubeconfig, two passwords and that of the workload", sealed, err)
	}
	for _, kind := range []string{"centre", "device", "cluster", "widget", "workload"} {
		err := w.List(t.Context(), provider.ListRequest{Call: w.anywhere(), Kind: kind}, func(r provider.Resource) error {
			if bytes.Contains(r.State, []byte("marker-device")) || bytes.Contains(r.State, []byte("marker-api")) || bytes.Contains(r.State, []byte("marker-kubeconfig-1b7e")) {
				t.Errorf("a list of %s shows a secret", kind)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestBoards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	rows := map[string]provider.Resource{}
	for _, kind := range []string{"pod", "node"} {
		err := w.List(t.Context(), provider.ListRequest{Call: w.call(), Kind: kind}, func(r provider.Resource) error {
			rows[kind] = r
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := string(rows["pod"].State); !strings.Contains(got, `"pod_cpurate":"0.004核","pod_memrate":"未知"`) || !strings.Contains(got, `"pod_nominated_node":"无"`) {
		t.Errorf("the pod: %s", got)
	}
	if got := string(rows["node"].State); !strings.Contains(got, `"node_status":"已就绪","node_role":"工作节点"`) || !strings.Contains(got, `"available_gpu":2`) {
		t.Errorf("the node: %s", got)
	}
	want(t, "a board of no cluster", w.List(t.Context(), provider.ListRequest{Call: w.anywhere(), Kind: "pod"}, func(provider.Resource) error { return nil }), fault.ClassInvalid)
}

func TestNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	kept := w.make("label", w.anywhere(), `{"name":"no gpu","label_type":"node","label_key":"kyy-gpu","label_value":"false"}`).ID
	act := func(action, input string) (provider.Change, error) {
		return w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: action + input, Kind: "node", ID: "node-1", Action: action, Input: json.RawMessage(input)})
	}
	for _, a := range [][2]string{
		{"label", `{"label":"a/b=c"}`}, {"unlabel", `{"label_id":"` + kept + `"}`}, {"set_models", `{"gpu_model":"RTX5090-32G"}`},
		{"cordon", `{}`}, {"drain", `{"bare":true}`}, {"uncordon", `{}`}, {"remove", `{"force":true}`},
	} {
		if _, err := act(a[0], a[1]); err != nil {
			t.Errorf("%s: %v", a[0], err)
		}
	}
	const all = "label node-1 a/b=c false|label node-1 kyy-gpu=false true|models node-1 RTX5090-32G |cordon node-1 true|drain node-1 true 20s|cordon node-1 false|remove node-1 true"
	if got := strings.Join(w.cluster.done, "|"); got != all {
		t.Errorf("the cluster was told %q", got)
	}
	for _, input := range []string{`{}`, `{"label":"a"}`, `{"label":"a=b","label_id":"` + kept + `"}`, `{"label_id":"none"}`, `{"label":"a b=c"}`} {
		_, err := act("label", input)
		want(t, "the label "+input, err, fault.ClassInvalid)
	}
}

// TestDaysBeginInTheAccountsZone asks at two in the morning of the next day there.
func TestDaysBeginInTheAccountsZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	if err := w.change("cluster", w.on, `{"name":"k1","enable_date":"2026-01-01","expire_date":"2026-06-10"}`); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(14 * time.Hour)
	d := w.make("device", w.call(), deviceSpec)
	if got := state[centre.Device](w, "device", d.ID); got.EnableDate != "2026-06-11" || got.Created.Format(time.RFC3339) != "2026-06-10T18:00:00Z" {
		t.Errorf("it is enabled from %s, and was made at %s", got.EnableDate, got.Created)
	}
	_, err := w.try("workload", w.call(), smallSpec)
	want(t, "a cluster after its last day there", err, fault.ClassPrecondition)
	elsewhere := w.call()
	elsewhere.Account.Settings = map[string]string{"time_zone": "UTC"}
	if _, err := w.try("workload", elsewhere, smallSpec); err != nil {
		t.Errorf("where it is still the day before: %v", err)
	}
	elsewhere.Account.Settings["time_zone"] = "Nowhere/Town"
	for what, err := range map[string]error{
		"a check": func() error { _, err := w.Check(t.Context(), provider.CheckRequest{Call: elsewhere}); return err }(),
		"a sale":  func() error { _, err := w.try("workload", elsewhere, smallSpec+" "); return err }(),
	} {
		want(t, what, err, fault.ClassInvalid)
		if f := fault.As(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Path != "account.settings.time_zone" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
