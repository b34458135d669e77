package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
)

func TestIsDeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct{ reason, query, want string }{
		"Absent": {"without the parameter nothing is built", "", "undeploy undeploy"},
		"True":   {"true deploys", "?is_deploy=true", "running running"},
		"False":  {"false deploys too: it is a text that is not empty", "?is_deploy=false", "running running"},
		"Empty":  {"an empty text does not deploy", "?is_deploy=", "undeploy undeploy"},
	}
	paths := map[string]string{}
	for name, c := range cases {
		paths[name] = w.installed("deploy-"+name, "1.0", c.query)
	}
	w.pass(time.Second)
	for name, c := range cases {
		if got := w.statuses(paths[name]); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestInstallAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.app("twice")
	first := w.call(200, "POST", path+"/install?is_deploy=true", installBody(storeKey, blog, "1.0"))
	if len(first.rows("service_list")) != 2 || first.field("service_list", 0, "status") != "" || len(first.rows("service_list", 0, "access_infos")) != 0 {
		t.Errorf("components come without state: %s", first.text)
	}
	second := w.call(200, "POST", path+"/install", installBody(storeKey, blog, "1.0"))
	names := map[any]bool{}
	for i := range second.rows("service_list") {
		names[second.field("service_list", i, "service_cname")] = true
	}
	if len(names) != 4 {
		t.Errorf("a second install makes a second group with names of its own, and the answer has all: %v", names)
	}
	r := w.Report(10)
	if r.Bought["install.app"]["twice"].Orders != 2 || len(r.BoughtTwice) != 1 || r.BoughtTwice[0] != "twice" {
		t.Errorf("the report tells of it: %+v", r)
	}
	w.call(200, "DELETE", strings.Replace(path, "/apps/", "/app/", 1)+"/delete", "")
	if r := w.Report(10); r.Apps != 0 || r.Components != 0 {
		t.Errorf("the other delete asks nothing: %+v", r)
	}
}

// The key of the first install stays in the console's row of the store.
func TestFirstKeyWins(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, first, second string
		status                int
		code                  any
	}{
		"GoodThenBad":    {"the wrong key is ignored", storeKey, "wrong", 200, nil},
		"BadThenGood":    {"the right key comes too late", "wrong", storeKey, 401, 10421.0},
		"DeniedThenGood": {"so does it here", deniedKey, storeKey, 403, 10407.0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path := w.app("keys")
			if _, err := w.send("POST", path+"/install", installBody(c.first, blog, "1.0")); err != nil {
				t.Fatal(err)
			}
			a := w.call(c.status, "POST", path+"/install", installBody(c.second, blog, "1.0"))
			if a.field("code") != c.code {
				t.Errorf("%s: %s", c.reason, a.text)
			}
			if name := a.field("data", "bean", "name"); c.status == 403 && len(fmt.Sprint(name)) != 32 {
				t.Errorf("the answer names the row: %s", a.text)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.installed("up", "1.0", "?is_deploy=true")
	info := w.call(200, "GET", path+"/upgrade", "")
	if got := fmt.Sprint(info.field(0, "upgrade_versions")); got != "[1.1 2.0]" || info.field(0, "current_version") != "1.0" {
		t.Fatalf("later versions are offered in order: %s", info.text)
	}
	to := func(version string) string {
		return fmt.Sprintf(`{"update_versions":[{"market_name":%q,"app_model_id":%q,"app_model_version":%q}]}`, info.field(0, "market_name"), blog, version)
	}
	w.arm(sim.Fault{Kind: sim.KindUpgradeAdds})
	w.call(200, "POST", path+"/upgrade", to("1.1"))
	if a := w.call(500, "POST", path+"/upgrade", to("2.0")); a.field("code") != 10401.0 {
		t.Errorf("a version with another component fails by the fault: %s", a.text)
	}
	w.arm()
	a := w.call(200, "POST", path+"/upgrade", to("2.0"))
	if a.field(0, "current_version") != "2.0" || a.field(0, "can_upgrade") != false {
		t.Errorf("the newest is reached: %s", a.text)
	}
	w.pass(time.Second)
	if got := w.statuses(path); got != "running running running" {
		t.Errorf("the new component runs: %s", got)
	}
	w.call(404, "POST", path+"/upgrade", to("3.0"))
	w.call(400, "POST", path+"/upgrade", `{"update_versions":[{"market_name":null,"app_model_id":"x","app_model_version":"1"}]}`)
	w.call(400, "POST", path+"/upgrade", `{}`)
	parts := []sim.Template{{Key: "web", Name: "blog", Image: "registry.example/blog:2.0", Nodes: 1}}
	republished := sim.StoreApp{Key: blog, Name: "Blog", Versions: []sim.StoreVersion{
		{Version: "2.0", UpdateUnix: epoch().Unix(), Components: parts}, {Version: "10.0", UpdateUnix: 1, Components: parts},
	}}
	if err := w.SetStoreApps([]sim.StoreApp{republished}); err != nil {
		t.Fatal(err)
	}
	a = w.call(200, "GET", path+"/upgrade", "")
	if got := fmt.Sprint(a.field(0, "upgrade_versions")); got != "[2.0 10.0]" {
		t.Errorf("a version published again is offered, and 10 is after 2: %s", a.text)
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const store = "/app-server/openapi"
	w.call(401, "GET", store+"/info", "")
	w.key = deniedKey
	w.call(403, "GET", store+"/info", "")
	w.key = storeKey
	w.call(200, "GET", store+"/info?marketDomain=rainbond", "")
	list := w.call(200, "GET", store+"/apps?query=blog&page=1&pageSize=1", "")
	if list.field("total") != 1.0 || list.field("apps", 0, "app_key_id") != blog || list.field("apps", 0, "versions", 0, "memory") != 1536.0 {
		t.Errorf("the app comes with its versions: %s", list.text)
	}
	if a := w.call(200, "GET", store+"/apps?page=-1&pageSize=-1", ""); len(a.rows("apps")) != 3 {
		t.Errorf("-1 is everything: %s", a.text)
	}
	w.call(200, "GET", store+"/apps/"+blog, "")
	w.call(404, "GET", store+"/apps/none", "")
	if a := w.call(200, "GET", store+"/apps/"+blog+"/versions", ""); len(a.rows("versions")) != 3 {
		t.Errorf("three versions: %s", a.text)
	}
	a := w.call(200, "GET", store+"/apps/"+blog+"/versions/1.0?getTemplate=true", "")
	if template, _ := a.field("template").(string); !strings.Contains(template, `"group_version":"1.0"`) {
		t.Errorf("the template is a text: %s", a.text)
	}
	w.call(404, "GET", store+"/apps/"+blog+"/versions/9", "")
	w.call(401, "GET", "/openapi/v1/teams", "")
}

func TestUnreachableStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := strings.Replace(installBody(storeKey, blog, "1.0"), "store.example", "nowhere.example", 1)
	w.call(400, "POST", w.app("far")+"/install", body)
}
