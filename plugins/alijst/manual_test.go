package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/provider"
)

// field is one parameter as the manual's table has it. testdata/manual.json is
// written from the tables alone, not from the plugin.
type field struct {
	Name, Type, In string
	Required       bool
	Words          []string
	Least, Most    int64
}

// manual is one action of the manual.
type manual struct {
	Action, Method string
	Params         []field
}

func manuals(t *testing.T) map[string]manual {
	t.Helper()
	b, err := os.ReadFile("testdata/manual.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []manual
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]manual{}
	for _, m := range all {
		out[m.Action] = m
	}
	if len(out) != 66 {
		t.Fatalf("the manual has %d actions, want 66", len(out))
	}
	return out
}

// heard is a request as it came to the cloud.
type heard struct {
	method      string
	query, form url.Values
}

// listening is the simulator behind a server that keeps every request.
type listening struct {
	next http.Handler
	mu   sync.Mutex
	all  []heard
}

func (l *listening) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut", http.StatusBadRequest)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	l.all = append(l.all, heard{r.Method, r.URL.Query(), form})
	l.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	l.next.ServeHTTP(w, r)
}

var placed = regexp.MustCompile(`\.([0-9]+)(\.|$)`)

// common are the parameters that every request of the RPC style carries.
func common(name string) bool {
	return slices.Contains([]string{
		"Action", "Version", "Format", "Timestamp", "AccessKeyId", "RegionId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType",
	}, name)
}

// loosened are marks of the manual that its own texts contradict: filters and
// what stays as it is may be left out, and what is destroyed must be named.
func (f field) must(action string) bool {
	switch action + "." + f.Name {
	case "DeleteAppDetail.AppId":
		return true
	case "ListNodeLabelBindings.InstanceId":
		return false
	}
	if action == "ListDeployOrders" {
		return slices.Contains([]string{"PageNumber", "PageSize", "AppId"}, f.Name)
	}
	return f.Required
}

// differs tells how a value is not what the manual says; "" when it is.
func (f field) differs(v string) string {
	switch f.Type {
	case "Integer", "Long":
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "is no number"
		}
		if f.Most > 0 && (n < f.Least || n > f.Most) {
			return fmt.Sprintf("is not between %d and %d", f.Least, f.Most)
		}
	case "Boolean":
		if v != "true" && v != "false" {
			return "is no truth"
		}
	}
	if len(f.Words) > 0 && !slices.Contains(f.Words, v) {
		return fmt.Sprintf("is none of %v", f.Words)
	}
	return ""
}

// compare holds one request against the manual, and marks what it had.
func (m manual) compare(t *testing.T, h heard, had map[string]bool) {
	t.Helper()
	if h.method != m.Method {
		t.Errorf("%s is sent as %s, the SDK sends %s", m.Action, h.method, m.Method)
	}
	seen := map[string]bool{}
	for where, values := range map[string]url.Values{"Query": h.query, "Body": h.form} {
		for name, vs := range values {
			if common(name) && (name != "RegionId" || m.Action != "CreateCluster") {
				if where != "Query" {
					t.Errorf("%s: %s stands in the body", m.Action, name)
				}
				continue
			}
			plain := placed.ReplaceAllString(name, ".N$2")
			i := slices.IndexFunc(m.Params, func(f field) bool { return f.Name == plain })
			if i < 0 {
				t.Errorf("%s.%s is not in the manual", m.Action, name)
				continue
			}
			f := m.Params[i]
			seen[plain], had[m.Action+"."+plain] = true, true
			if f.In != where {
				t.Errorf("%s.%s stands in the %s, want %s", m.Action, name, where, f.In)
			}
			if d := f.differs(vs[0]); d != "" || len(vs) != 1 {
				t.Errorf("%s.%s=%q %s", m.Action, name, vs, d)
			}
		}
	}
	for _, f := range m.Params {
		if f.must(m.Action) && !seen[f.Name] {
			t.Errorf("%s comes without %s", m.Action, f.Name)
		}
	}
}

// unsent are documented parameters that the plugin never sends, and why.
func unsent() map[string]string {
	return map[string]string{
		"CreateCluster.ClusterId":                 "is ignored by the cloud",
		"CreateCluster.CreateWithArmsIntegration": "is ignored by the cloud",
		"CreateCluster.NetPlug":                   "is ignored by the cloud",
		"CreateCluster.PrivateZone":               "is ignored by the cloud",
		"ListAppEnvironment.EnvType":              "its numbering contradicts itself",
		"ListAppEnvironment.EnvName":              "whether parts of names fit is not documented: names are compared here",
		"ListDeployConfig.EnvType":                "one application has few",
		"ListDeployConfig.Name":                   "whether parts of names fit is not documented: names are compared here",
		"GetRdsBackUp.BackupType":                 "both sorts are wanted",
		"ListNodeLabels.LabelKey":                 "a cluster has few",
	}
}

// TestEveryRequestIsTheManuals walks all 66 actions through the plugin's kinds
// and holds each request, field by field, against the manual's tables: verb,
// place, name, form, words and range. Every documented parameter is sent at
// least once, but for those that have a reason.
func TestEveryRequestIsTheManuals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	l := &listening{next: w.sim}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	walkApplications(t, w)
	walkClusterAndData(t, w)
	all, had, walked := manuals(t), map[string]bool{}, map[string]bool{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.all {
		action := h.query.Get("Action")
		m, ok := all[action]
		if !ok {
			if action != "DescribeRegions" {
				t.Errorf("%s is not in the manual", action)
			}
			continue
		}
		walked[action] = true
		m.compare(t, h, had)
	}
	reasons := unsent()
	for name, m := range all {
		if !walked[name] || w.sim.Counts()[name].OK == 0 {
			t.Errorf("%s was not walked", name)
		}
		for _, f := range m.Params {
			full := name + "." + f.Name
			if had[full] == (reasons[full] != "") {
				t.Errorf("%s: sent %v, and the reason not to is %q", full, had[full], reasons[full])
			}
		}
	}
}

// walkApplications sends the actions on what belongs to applications.
func walkApplications(t *testing.T, w *world) {
	t.Helper()
	users := `"users":[{"role":"Owner","user_id":"user-1","user_type":"TAOBAO"},{"role":"Dev","user_id":"user-2","user_type":"TAOBAO"}]`
	app := w.made(t, kindApp, "m-app", `{"business_title":"Trade","description":"a shop","namespace":"shop",`+users+`}`).ID
	w.update(t, kindApp, app, `{"business_title":"Trade","description":"the shop","language":"PHP",`+users+`}`)
	w.made(t, kindApp, "m-plain", `{"stateful":true}`)
	yamls := `"deployment":"kind: Deployment","config_map":"a: b","config_maps":["a: b","c: d"],"code_path":"/shop"`
	config := w.made(t, kindConfig, "m-config", fmt.Sprintf(`{"app_id":%q,%s}`, app, yamls)).ID
	w.update(t, kindConfig, config, fmt.Sprintf(`{"app_id":%q,%s}`, app, yamls))
	other := w.made(t, kindApp, "m-other", `{"stateful":true}`).ID
	state := w.made(t, kindConfig, "m-state", fmt.Sprintf(`{"app_id":%q,"env_type":"test","stateful_set":"kind: StatefulSet"}`, other)).ID
	w.update(t, kindConfig, state, fmt.Sprintf(`{"app_id":%q,"env_type":"test","stateful_set":"kind: StatefulSet"}`, other))
	s := stage{world: w, app: app, config: config}
	s.env = w.made(t, kindEnvironment, "m-env", s.environment(2)).ID
	w.update(t, kindEnvironment, s.env, s.environment(2))
	order := output[Rollout](t, w.begin(t, kindEnvironment, s.env, "deploy",
		`{"name":"first","partitions":2,"pause":"first","package_url":"https://packages.example/a.tgz","description":"d","monitoring":true}`)).Order
	w.walkOrder(t, s, order)
	w.acts(t, kindEnvironment, s.env, "deploy", `{"name":"second","package_id":"77"}`)
	w.acts(t, kindEnvironment, s.env, "scale", `{"replicas":1}`)
	claim := w.made(t, kindClaim, "m-claim", s.in(`"capacity":"10Gi","storage_class":"nas"`)).ID
	service := w.made(t, kindService, "m-service", s.in(`"service_type":"NodePort","ports":[{"name":"web","protocol":"TCP","port":80,"target_port":"8080","node_port":30080}]`)).ID
	inside := w.made(t, kindService, "m-inside", s.in(`"headless":true,"ports":[`+aPort+`]`)).ID
	w.update(t, kindService, service, s.in(`"service_type":"NodePort","ports":[{"name":"web","port":81,"target_port":"8080","node_port":30081}]`))
	w.acts(t, kindService, service, "rename", `{"name":"front"}`)
	w.get(t, kindService, inside)
	tcp := s.in(`"balancer_id":"lb-sim-internet","port":80,"target_port":8080,"established_timeout":60`)
	https := s.in(`"balancer_id":"lb-sim-internet","port":443,"target_port":8443,"protocol":"HTTPS","sticky":true,"cookie_timeout":60,"certificate_id":"cert-1"`)
	for token, spec := range map[string]string{"m-tcp": tcp, "m-https": https} {
		id := w.made(t, kindPoint, token, spec).ID
		w.update(t, kindPoint, id, spec)
		w.acts(t, kindPoint, id, "rename", `{"name":"door"}`)
		w.drop(t, kindPoint, id)
	}
	env := fmt.Sprintf(`"environment_id":%q`, s.env)
	w.acts(t, kindApp, app, "access_points", `{`+env+`,"name":"x","network":"internet","protocols":["TCP","HTTPS"],"balancer_id":"lb-sim-internet"}`)
	w.acts(t, kindApp, app, "services", `{`+env+`,"name":"x","service_type":"NodePort"}`)
	w.acts(t, kindEnvironment, s.env, "components", `{}`)
	w.drop(t, kindService, service)
	w.drop(t, kindClaim, claim)
	w.list(t, kindUser)
	w.acts(t, kindEnvironment, s.env, "destroy", confirm(s.env))
	w.drop(t, kindConfig, config)
	w.acts(t, kindApp, app, "destroy", confirm(app))
}

// walkOrder sends the actions on a paused deploy order.
func (w *world) walkOrder(t *testing.T, s stage, order string) {
	t.Helper()
	w.get(t, kindOrder, order)
	at := `"2026-06-10T00:00:00Z"`
	w.acts(t, kindEnvironment, s.env, "deploy_orders", `{"deploy_type":"partition_parallel","category":"deploy","pause":"first","partition_type":"group_even","env_type":"prod",
		"status":"2","statuses":["1","2"],"results":["0","1"],"started_from":`+at+`,"started_after":`+at+`,"started_until":`+at+`,"started_before":`+at+`,
		"ended_from":`+at+`,"ended_after":`+at+`,"ended_until":`+at+`,"ended_before":`+at+`}`)
	w.acts(t, kindOrder, order, "pods", `{"statuses":["1","2","3"],"results":["0","1"]}`)
	for _, p := range w.list(t, kindPod) {
		w.acts(t, kindPod, p.ID, "logs", `{}`)
		w.acts(t, kindPod, p.ID, "events", `{}`)
	}
	w.begin(t, kindOrder, order, "resume", `{}`)
	again := output[Rollout](t, w.beginAs(t, "m-again", kindEnvironment, s.env, "deploy", `{"pause":"each"}`)).Order
	w.acts(t, kindOrder, again, "close", confirm(again))
}

// walkClusterAndData sends the actions on clusters and databases.
func walkClusterAndData(t *testing.T, w *world) {
	t.Helper()
	standard := `{"vpc_id":"vpc-1","vswitch_ids":["vsw-1","vsw-2"],"region_name":"Hangzhou","password":"Marker-pass-4411","pod_cidr":"172.20.0.0/16",
		"service_cidr":"172.21.0.0/20","monitoring":true,"logging":true,"public_api":false,"snat":true}`
	w.made(t, kindCluster, "m-standard", standard)
	s := w.stage(t)
	w.acts(t, kindCluster, s.cluster, "search", `{}`)
	w.acts(t, kindCluster, s.cluster, "detail", `{}`)
	w.acts(t, kindCluster, s.cluster, "candidates", `{}`)
	label := w.made(t, kindLabel, "m-label", s.on(`"key":"label.jst.com/tier","value":"front"`)).ID
	ref := `{"instance_id":"i-cn-hangzhou-1"}`
	w.acts(t, kindLabel, label, "bind", ref)
	w.acts(t, kindLabel, label, "bindings", `{}`)
	w.acts(t, kindLabel, label, "unbind", ref)
	w.drop(t, kindLabel, label)
	volume := w.made(t, kindVolume, "m-volume", s.on(`"mount_target":"nas.example","mount_dir":"/data","capacity":"10Gi","storage_class":"nas"`)).ID
	w.drop(t, kindVolume, volume)
	room := w.made(t, kindAllocation, "m-room", fmt.Sprintf(`{"environment_id":%q,"cluster_id":%q}`, s.env, s.cluster)).ID
	w.get(t, kindAllocation, room)
	w.drop(t, kindAllocation, room)
	db := w.made(t, kindDatabase, "m-db", `{"db_instance_id":"rm-sim-mysql","db_name":"shop","character_set":"utf8mb4","description":"orders"}`).ID
	w.acts(t, kindAccount, rds+"/app", "grant", `{"db_name":"shop","privilege":"ReadWrite"}`)
	w.get(t, kindBackup, w.list(t, kindBackup)[0].ID)
	w.acts(t, kindDatabase, db, "destroy", confirm(db))
	w.acts(t, kindAccount, rds+"/app", "destroy", confirm(rds+"/app"))
	w.acts(t, kindNode, s.node, "destroy", confirm(s.node))
	w.acts(t, kindCluster, s.cluster, "destroy", confirm(s.cluster))
}

// update changes a thing's spec.
func (w *world) update(t *testing.T, kind, id, spec string) provider.Change {
	t.Helper()
	out, err := w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kind, ID: id, Spec: json.RawMessage(spec)})
	if err != nil {
		t.Fatalf("updating %s %q: %v", kind, id, err)
	}
	return out
}

// beginAs is begin with a token of its own.
func (w *world) beginAs(t *testing.T, token, kind, id, action, input string) provider.Change {
	t.Helper()
	out, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: token, Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
	if err != nil {
		t.Fatalf("%s of %s %q: %v", action, kind, id, err)
	}
	return out
}

// TestAnEmptyPathIsSent: the cloud keeps what does not come, and the SDK sends
// nothing that is empty.
func TestAnEmptyPathIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	spec := `{"app_id":"` + s.app + `","deployment":"kind: Deployment"`
	s.update(t, kindConfig, s.config, spec+`,"code_path":"/shop"}`)
	s.update(t, kindConfig, s.config, spec+`}`)
	if c := state[ConfigState](t, s.get(t, kindConfig, s.config)); c.CodePath != "" || !strings.Contains(c.Deployment, "kind") {
		t.Errorf("the configuration is %+v", c)
	}
}
