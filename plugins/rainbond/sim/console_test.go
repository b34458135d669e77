package sim_test

import (
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason, key, path string
		status            int
		msg               string
	}{
		"Right":     {"the raw key is enough", adminKey, "/openapi/v1/regions", 200, ""},
		"None":      {"without a key nobody is known", "", "/openapi/v1/teams", 401, "No token"},
		"Scheme":    {"a scheme makes it another key", "Bearer " + adminKey, "/openapi/v1/teams", 401, "No such user or user is not admin"},
		"Expired":   {"the key is valid until its second", oldKey, "/openapi/v1/teams", 401, "No such user or user is not admin"},
		"Forbidden": {"regions are for administrators", memberKey, "/openapi/v1/regions", 403, ""},
		"Stranger":  {"a team is for its members", otherKey, "/openapi/v1/teams/blue", 403, ""},
		"Member":    {"a member sees the team", memberKey, "/openapi/v1/teams/blue", 200, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := &world{Cloud: w.Cloud, t: t, url: w.url, key: c.key}
			a := w.call(c.status, "GET", c.path, "")
			if c.msg != "" && a.field("msg") != c.msg {
				t.Errorf("%s: %s, want %q", c.reason, a.text, c.msg)
			}
			if c.status == 401 && (a.header.Get("WWW-Authenticate") != "Token" || a.field("code") != 401.0 || a.field("error_trace") == nil) {
				t.Errorf("%s: not the shape of an APIException: %s", c.reason, a.text)
			}
		})
	}
}

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("shapes", "1.0", "?is_deploy=true")
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		code                       any
		want                       string
	}{
		"NoTeam":     {"shape 1", "GET", "/openapi/v1/teams/none", "", 404, 404.0, "团队不存在"},
		"NoRegion":   {"shape 1", "GET", "/openapi/v1/teams/blue/regions/none/apps", "", 404, 3000.0, "数据中心不存在"},
		"NotOpened":  {"the team has not opened it", "GET", "/openapi/v1/teams/red/regions/edge/apps", "", 409, 2001.0, ""},
		"NoApp":      {"apps belong to a team and region", "GET", "/openapi/v1/teams/blue/regions/edge/apps/" + path[strings.LastIndex(path, "/")+1:], "", 404, 404.0, "应用不存在"},
		"NoPart":     {"shape 1", "GET", path + "/services/none", "", 404, 404.0, "组件不存在"},
		"Required":   {"shape 2", "POST", path + "/install", `{}`, 400, 20400.0, `"market_url"`},
		"Null":       {"only the store's key may be null", "POST", path + "/install", `{"market_url":null}`, 400, 20400.0, `ValidationError`},
		"Long":       {"lengths are bounded", "POST", reg + "/apps", `{"app_name":"` + strings.Repeat("x", 129) + `"}`, 400, 20400.0, "128"},
		"Letters":    {"names have an alphabet", "POST", reg + "/apps", `{"app_name":"a b"}`, 400, 20400.0, "app_name"},
		"Duplicate":  {"names are unique in team and region", "POST", reg + "/apps", `{"app_name":"shapes"}`, 400, 400.0, "应用名称已存在"},
		"Running":    {"a running app is not deleted", "DELETE", path, "", 400, 400.0, ""},
		"Restart":    {"there is no restart", "POST", path + "/operations", `{"action":"restart"}`, 400, 20400.0, "action"},
		"JSON":       {"a body that is none", "POST", path + "/operations", `{`, 400, 400.0, "ParseError"},
		"NoMethod":   {"shape 3", "PATCH", path, "", 405, 405.0, "MethodNotAllowed"},
		"Slash":      {"a slash at the end breaks the route", "GET", reg + "/apps/", "", 404, 404.0, "NotFound"},
		"Page":       {"pages are numbers", "GET", "/openapi/v1/teams?page=x", "", 400, 20400.0, "page"},
		"NoVersion":  {"the store lacks the version", "POST", path + "/install", installBody(storeKey, blog, "9"), 404, 404.0, "云端应用版本不存在"},
		"NoModel":    {"the store lacks the app", "POST", path + "/install", installBody(storeKey, "none", "1.0"), 404, 404.0, "资源不存在"},
		"BadMemory":  {"memory has a least size", "POST", path + "/services/none/telescopic/vertical", `{"new_memory":1}`, 404, 404.0, ""},
		"RuleNoPart": {"a rule leads to a component", "POST", path + "/httpdomains", `{"service_id":"x","container_port":80,"domain_name":"a.example"}`, 404, 404.0, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := &world{Cloud: w.Cloud, t: t, url: w.url, key: w.key}
			a := w.call(c.status, c.method, c.path, c.body)
			if a.field("code") != c.code || !strings.Contains(a.text, c.want) {
				t.Errorf("%s: %s, want code %v and %s", c.reason, a.text, c.code, c.want)
			}
		})
	}
}

func TestTeamsAndRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.call(200, "GET", "/openapi/v1/regions", ""); len(a.rows()) != 2 || !strings.Contains(a.text, sim.ClusterSecret) {
		t.Errorf("administrators get the regions with the keys of their clusters: %s", a.text)
	}
	made := w.call(201, "POST", "/openapi/v1/teams", `{"tenant_name":"Green"}`)
	id, _ := made.field("tenant_id").(string)
	if made.field("tenant_alias") != "Green" || len(id) != 32 {
		t.Errorf("the name becomes the alias: %s", made.text)
	}
	w.call(409, "GET", "/openapi/v1/teams/"+id+"/regions/edge/apps", "")
	w.call(201, "POST", "/openapi/v1/teams/"+id+"/regions", `{"region":"edge"}`)
	w.call(200, "GET", "/openapi/v1/teams/"+id+"/regions/edge/apps", "")
	if a := w.call(200, "GET", "/openapi/v1/teams/"+id+"/regions", ""); a.field("total") != 1.0 {
		t.Errorf("one region is open: %s", a.text)
	}
	w.call(200, "PUT", "/openapi/v1/teams/"+id, `{"tenant_alias":"Lime"}`)
	page := w.call(200, "GET", "/openapi/v1/teams?page=2&page_size=2", "")
	if page.field("total") != 3.0 || len(page.rows("tenants")) != 1 || page.field("tenants", 0, "tenant_alias") != "Lime" {
		t.Errorf("the second page has the third team: %s", page.text)
	}
	w.call(200, "DELETE", "/openapi/v1/teams/"+id, "")
	w.call(404, "GET", "/openapi/v1/teams/"+id, "")
	w.installed("sizes", "1.0", "?is_deploy=true")
	if a := w.call(200, "GET", reg+"/overview", ""); a.field("used_memory") != 1536.0 || a.field("component_nums") != 2.0 {
		t.Errorf("what runs is used: %s", a.text)
	}
	if a := w.call(200, "GET", "/openapi/v1/regions/rainbond?extend_info=true", ""); a.field("used_cpu") != 2.0 {
		t.Errorf("cores are rounded up: %s", a.text)
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("life", "1.0", "")
	steps := []struct {
		reason, action, at, later, app string
	}{
		{"what was never built cannot start", "start", "undeploy undeploy", "undeploy undeploy", "closed"},
		{"a deploy builds and starts", "deploy", "starting starting", "running running", "running"},
		{"a start of what runs does nothing", "start", "running running", "running running", "running"},
		{"an upgrade rolls", "upgrade", "upgrade upgrade", "running running", "running"},
		{"a stop ends closed", "stop", "stopping stopping", "closed closed", "closed"},
		{"what was built starts", "start", "starting starting", "running running", "running"},
	}
	for _, s := range steps {
		if a := w.call(200, "POST", path+"/operations", `{"action":"`+s.action+`"}`); a.field("msg") != "操作成功" {
			t.Errorf("%s: %s", s.reason, a.text)
		}
		if got := w.statuses(path); got != s.at {
			t.Errorf("%s: %q at once, want %q", s.reason, got, s.at)
		}
		w.pass(time.Second)
		if got := w.statuses(path); got != s.later {
			t.Errorf("%s: %q later, want %q", s.reason, got, s.later)
		}
		if a := w.call(200, "GET", path, ""); a.field("status") != s.app {
			t.Errorf("%s: the app is %v, want %s", s.reason, a.field("status"), s.app)
		}
	}
	one, _ := w.call(200, "GET", path+"/services", "").field(0, "service_id").(string)
	w.call(200, "POST", path+"/operations", `{"action":"stop","service_ids":["`+one+`"]}`)
	w.pass(time.Second)
	if a := w.call(200, "GET", path, ""); w.statuses(path) != "closed running" || a.field("status") != "part_running" {
		t.Errorf("only the components named stop: %s, app %v", w.statuses(path), a.field("status"))
	}
	w.call(200, "POST", reg+"/apps/close", `{}`)
	w.pass(time.Second)
	if got := w.statuses(path); got != "closed closed" {
		t.Errorf("close without names closes the whole team: %s", got)
	}
	w.call(200, "DELETE", path, "")
	w.call(404, "GET", path, "")
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("roles", "1.0", "")
	w.key = memberKey
	w.call(200, "POST", path+"/operations", `{"action":"deploy"}`)
	a := w.call(403, "POST", path+"/operations", `{"action":"stop"}`)
	if a.field("code") != 10402.0 || a.field("msg_show") != "没有操作权限" {
		t.Errorf("the role lacks the action: %s", a.text)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("events", "1.0", "?is_deploy=true")
	part := path + "/services/" + w.call(200, "GET", path+"/services", "").field(0, "service_alias").(string)
	a := w.call(200, "GET", part+"/events", "")
	if a.field("total") != 1.0 || a.field("events", 0, "final_status") != "" {
		t.Fatalf("the deploy goes on: %s", a.text)
	}
	w.pass(time.Second)
	a = w.call(200, "GET", part+"/events?page=1&page_size=5", "")
	if a.field("events", 0, "status") != "success" || a.field("events", 0, "final_status") != "complete" {
		t.Errorf("the deploy has ended: %s", a.text)
	}
	logs := w.call(200, "GET", reg+"/events/"+a.field("events", 0, "event_id").(string)+"/logs", "")
	if len(logs.rows("logs")) != 2 {
		t.Errorf("a beginning and an end: %s", logs.text)
	}
	w.call(404, "GET", reg+"/events/none/logs", "")
}

func TestComponents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Regions = []sim.Region{{Name: "rainbond", Status: "1", MemoryMB: 2048}}
		c.Teams = []sim.TeamSeed{{Name: "blue", Regions: []string{"rainbond"}}}
	})
	path := w.app("parts")
	id := path[strings.LastIndex(path, "/")+1:]
	made := w.call(200, "POST", path+"/services", `{"group_id":`+id+`,"service_cname":"web","image":"registry.example/web:1"}`)
	part := path + "/services/" + made.field("data", "bean", "service_id").(string)
	w.pass(time.Second)
	if a := w.call(200, "GET", part, ""); a.field("status") != "running" || a.field("min_memory") != 512.0 {
		t.Errorf("it is deployed by default: %s", a.text)
	}
	w.call(200, "POST", part+"/telescopic/vertical", `{"new_memory":1024,"new_cpu":500}`)
	w.call(200, "POST", part+"/telescopic/horizontal", `{"new_node":2}`)
	if a := w.call(412, "POST", part+"/telescopic/horizontal", `{"new_node":3}`); a.field("code") != 10406.0 {
		t.Errorf("the cluster has 2048 MB: %s", a.text)
	}
	w.call(400, "POST", part+"/telescopic/horizontal", `{"new_node":101}`)
	w.call(400, "POST", part+"/telescopic/vertical", `{}`)
	w.call(200, "PUT", part+"/envs", `{"envs":[{"name":"A","value":"1","scope":"inner"}]}`)
	if a := w.call(200, "PUT", part+"/envs", `{"envs":[{"name":"A","value":"2"}]}`); len(a.rows("envs")) != 1 || a.field("envs", 0, "value") != "2" {
		t.Errorf("a name is there once: %s", a.text)
	}
	w.call(400, "DELETE", part, "")
	w.call(200, "DELETE", part+"?force=1", "")
	w.call(404, "GET", part, "")
}

func TestPortsAndRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("rules", "1.0", "?is_deploy=true")
	service := w.call(200, "GET", path+"/services", "").field(0, "service_id").(string)
	part := path + "/services/" + service
	rule := `{"service_id":"` + service + `","container_port":80,"domain_name":"blog.example"`
	if a := w.call(400, "POST", path+"/httpdomains", rule+`}`); a.field("msg") != "没有开启对外端口" || a.field("code") != nil {
		t.Errorf("the port is closed, and the body has no code: %s", a.text)
	}
	w.call(200, "PUT", part+"/ports/80", `{"action":"open_outer"}`)
	made := w.call(201, "POST", path+"/httpdomains", rule+`}`)
	if a := w.call(400, "POST", path+"/httpdomains", rule+`,"whether_open":true}`); a.field("msg") != "策略已存在" {
		t.Errorf("a rule is there once: %s", a.text)
	}
	at := path + "/httpdomains/" + made.field("http_rule_id").(string)
	if a := w.call(200, "PUT", at, `{"domain_path":"/new","certificate_id":3}`); a.field("protocol") != "https" || a.field("domain_path") != "/new" {
		t.Errorf("a certificate makes it https: %s", a.text)
	}
	if a := w.call(200, "GET", part, ""); a.field("access_infos", 0) != "https://blog.example/new" {
		t.Errorf("the component tells where it is: %s", a.text)
	}
	w.call(200, "GET", at, "")
	w.call(200, "DELETE", at, "")
	w.call(404, "GET", at, "")
	tcp := `{"protocol":"tcp","tcp":{"service_id":"` + service + `","container_port":80,"end_point":"192.0.2.10:10001","default_port":10001,"default_ip":"192.0.2.10"}}`
	list := w.call(201, "POST", path+"/domains", tcp)
	w.call(400, "POST", path+"/domains", tcp)
	w.call(400, "POST", path+"/domains", strings.Replace(tcp, ":10001\"", "\"", 1))
	w.call(200, "DELETE", path+"/domains/"+list.field("tcp", 0, "tcp_rule_id").(string), "")
	if a := w.call(200, "GET", path+"/domains", ""); len(a.rows("tcp"))+len(a.rows("http")) != 0 {
		t.Errorf("both are gone: %s", a.text)
	}
	if a := w.call(200, "POST", part+"/ports", `{"port":8080,"protocol":"grpc"}`); a.field("code") != 200.0 || a.field("data", "bean", "container_port") != 8080.0 {
		t.Errorf("ports are answered in the envelope: %s", a.text)
	}
	w.call(400, "POST", part+"/ports", `{"port":8080,"protocol":"grpc"}`)
	w.call(409, "DELETE", part+"/ports/80", "")
	w.call(200, "PUT", part+"/ports/80", `{"action":"close_outer"}`)
	w.call(200, "DELETE", part+"/ports/80", "")
	if a := w.call(200, "GET", part+"/ports", ""); len(a.rows("data", "list")) != 1 {
		t.Errorf("one port is left: %s", a.text)
	}
}
