package sim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/rainbond/sim"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  sim.Fault
		status int // 0 is a transport failure
		code   any
		bought int
	}{
		"DropBefore":   {"nothing is installed when the call is lost on the way", sim.Fault{Kind: sim.KindDrop}, 0, nil, 0},
		"DropAfter":    {"the change was made, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true}, 0, nil, 1},
		"HTTPBefore":   {"a gateway failure before the change", sim.Fault{Kind: sim.KindHTTP}, 503, nil, 0},
		"HTTPAfter":    {"a gateway failure after the change", sim.Fault{Kind: sim.KindHTTP, Status: 504, After: true}, 504, nil, 1},
		"Code":         {"an exception", sim.Fault{Kind: sim.KindRetCode}, 500, 10401.0, 0},
		"CodeAfter":    {"an exception after the change", sim.Fault{Kind: sim.KindRetCode, Status: 409, RetCode: 409, After: true}, 409, 409.0, 1},
		"Throttle":     {"without a rate every call is throttled", sim.Fault{Kind: sim.KindThrottle}, 409, 409.0, 0},
		"Key":          {"a right key is refused", sim.Fault{Kind: sim.KindBadSignature}, 401, 401.0, 0},
		"SoldOut":      {"the cluster is full", sim.Fault{Kind: sim.KindSoldOut}, 412, 10406.0, 0},
		"NoMoney":      {"the account is overdue", sim.Fault{Kind: sim.KindInsufficientBalance}, 412, 10410.0, 0},
		"InstallFails": {"what was made is taken back", sim.Fault{Kind: sim.KindInstallFail}, 400, 400.0, 0},
		"NonJSON":      {"a page after the change", sim.Fault{Kind: sim.KindNonJSON, After: true}, 200, nil, 1},
		"Latency":      {"a wait alone spoils nothing", sim.Fault{Kind: sim.KindLatency, DelayMS: 5}, 200, nil, 1},
		"Other":        {"the filter spares other calls", sim.Fault{Kind: sim.KindDrop, Actions: []string{"operate"}}, 200, nil, 1},
		"Skipped":      {"the first call may pass", sim.Fault{Kind: sim.KindDrop, Skip: 1, WritesOnly: true}, 200, nil, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path := w.app("fault")
			w.arm(c.fault)
			a, err := w.send("POST", path+"/install?is_deploy=true", installBody(storeKey, blog, "1.0"))
			if a.status != c.status || (err != nil) != (c.status == 0) || a.field("code") != c.code {
				t.Errorf("%s: HTTP %d, %v: %s", c.reason, a.status, err, a.text)
			}
			w.arm()
			if got := w.Report(10).Bought["install.app"]["fault"].Orders; got != c.bought {
				t.Errorf("%s: installed %d times, want %d", c.reason, got, c.bought)
			}
			if n := len(w.call(200, "GET", path+"/services", "").rows()); n != 2*c.bought {
				t.Errorf("%s: %d components", c.reason, n)
			}
		})
	}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		kind   sim.Kind
		action string
		want   string
	}{
		"DeployLost": {"a deploy that fails is not told", sim.KindDeployLost, "deploy", "undeploy undeploy"},
		"Abnormal":   {"components may start badly", sim.KindAbnormal, "deploy", "abnormal abnormal"},
		"StopHangs":  {"a stop may never end", sim.KindStopHang, "stop", "stopping stopping"},
		"RegionDown": {"without the region no state is known", sim.KindRegionDown, "deploy", "<nil> <nil>"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			deploy := ""
			if c.action == "stop" {
				deploy = "?is_deploy=true"
			}
			path := w.installed("effect", "1.0", deploy)
			w.arm(sim.Fault{Kind: c.kind})
			w.call(200, "POST", path+"/operations", `{"action":"`+c.action+`"}`)
			w.pass(time.Minute)
			if got := w.statuses(path); got != c.want {
				t.Errorf("%s: %q, want %q", c.reason, got, c.want)
			}
		})
	}
}

func TestThrottleRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindThrottle, Rate: 2})
	for i, want := range []int{200, 200, 409} {
		if a, _ := w.send("GET", "/openapi/v1/teams", ""); a.status != want {
			t.Errorf("call %d: HTTP %d, want %d", i, a.status, want)
		}
	}
	w.pass(time.Second)
	w.call(200, "GET", "/openapi/v1/teams", "")
}

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*sim.Config)
		want   string
	}{
		"NoUsers": {"somebody must hold a key", func(c *sim.Config) { c.Users = nil }, "users"},
		"Key":     {"keys are 40 digits", func(c *sim.Config) { c.Users[0].Key = "short" }, "users[0]"},
		"Twice":   {"a key has one owner", func(c *sim.Config) { c.Users[1].Key = adminKey }, "users[1]"},
		"Deny":    {"actions are known", func(c *sim.Config) { c.Users[0].Deny = []string{"restart"} }, "restart"},
		"Region":  {"a team's regions exist", func(c *sim.Config) { c.Teams[0].Regions = []string{"x"} }, "teams[0].regions"},
		"Team":    {"teams have names", func(c *sim.Config) { c.Teams[0].Name = "" }, "teams[0].name"},
		"Status":  {"a region has a status", func(c *sim.Config) { c.Regions = []sim.Region{{Name: "r"}} }, "regions[0]"},
		"Versions": {"a version has components", func(c *sim.Config) {
			c.StoreApps = []sim.StoreApp{{Key: "k", Name: "n", Versions: []sim.StoreVersion{{Version: "1"}}}}
		}, "components"},
		"Fault":   {"faults are checked", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: "x"}} }, "faults[0]"},
		"After":   {"not every fault can come after", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: sim.KindSoldOut, After: true}} }, "after"},
		"Delay":   {"waits are bounded", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: sim.KindLatency, DelayMS: 600001}} }, "delay_ms"},
		"HTTP":    {"only failures can be injected", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: sim.KindHTTP, Status: 200}} }, "status"},
		"Count":   {"counts are not negative", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: sim.KindDrop, Count: -1}} }, "count"},
		"Percent": {"chances are bounded", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: sim.KindDrop, Percent: 101}} }, "percent"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			c.change(&cfg)
			if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	keep := func(c *sim.Config) { c.StateFile = file }
	w := newWorld(t, keep)
	path := w.installed("kept", "1.0", "?is_deploy=true")
	w.pass(time.Hour)
	before := w.Report(100)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.call(500, "GET", path, "")
	again := newWorld(t, keep)
	if d := cmp.Diff(before, again.Report(100)); d != "" {
		t.Errorf("all is there after a restart: -before +after\n%s", d)
	}
	if got := again.statuses(path); got != "running running" {
		t.Errorf("states go on: %s", got)
	}
}

func TestParallelInstalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.app("parallel")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { _, _ = w.send("POST", path+"/install", installBody(storeKey, blog, "1.0")) })
	}
	wg.Wait()
	if r := w.Report(10); r.Components != 32 || r.Bought["install.app"]["parallel"].Orders != 16 {
		t.Errorf("each call makes a group: %+v", r)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.installed("seen", "1.0", "")
	w.call(404, "GET", "/openapi/v1/none", "")
	admin := w.Admin()
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		"Faults":   {"faults can be set while running", "PUT", "/faults", `[{"kind":"drop","actions":["none"],"count":1}]`, 200, `"kind":"drop"`},
		"BadFault": {"mistakes come with their path", "PUT", "/faults", `[{"kind":"x"}]`, 400, `faults[0]`},
		"Unknown":  {"unknown fields are refused", "PUT", "/faults", `[{"kind":"drop","oops":1}]`, 400, `oops`},
		"Two":      {"one value is one value", "PUT", "/faults", `[] []`, 400, `more than one`},
		"Store":    {"the catalogue can be replaced", "PUT", "/store/apps", `[]`, 200, `"store_apps":0`},
		"BadStore": {"the catalogue is checked", "PUT", "/store/apps", `[{"key":""}]`, 400, `store_apps[0]`},
		"Parts":    {"the state tells what apps consist of", "GET", "/state", "", 200, `[{"kind":"component","id":"`},
		"State":    {"the state proves what was made", "GET", "/state", "", 200, `"install.app":{"seen":{"orders":1,"resources":2}}`},
		"StateCut": {"limits are checked", "GET", "/state?limit=0", "", 400, `limit`},
		"Calls":    {"calls are counted by name", "GET", "/calls?limit=1", "", 200, `"install":{"calls":1,"ok":1`},
		"Refused":  {"unknown paths share one count", "GET", "/calls", "", 200, `"unknown":{"calls":1,"ok":0,"refused":1`},
		"Advance":  {"the clock moves", "POST", "/clock/advance", `{"seconds":60}`, 200, `"now":"2026-06-10T04:01:00Z"`},
		"Back":     {"the clock never goes back", "POST", "/clock/advance", `{"seconds":-1}`, 400, `seconds`},
		"Healthz":  {"it is alive", "GET", "/healthz", "", 200, `ok`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			admin.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
			body, _ := io.ReadAll(rec.Body)
			if rec.Code != c.status || !strings.Contains(string(body), c.want) {
				t.Errorf("%s: HTTP %d, want %d; %s, want %s", c.reason, rec.Code, c.status, body, c.want)
			}
			if strings.Contains(string(body), adminKey) || strings.Contains(string(body), storeKey) {
				t.Errorf("%s: a key is in the answer", c.reason)
			}
		})
	}
}

func FuzzServe(f *testing.F) {
	f.Add("POST", "/apps", `{"app_name":"x"}`)
	f.Add("GET", "/apps/1/upgrade?page=9", "")
	f.Add("POST", "/apps/3/install?is_deploy", installBody(storeKey, blog, "1.0"))
	f.Add("POST", "/apps/3/upgrade", `{"update_versions":[{}]}`)
	f.Add("POST", "/apps/3/domains", `{"protocol":"tcp","tcp":{"end_point":"x"}}`)
	cloud, err := sim.New(config())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://console.example", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		where, query, _ := strings.Cut(path, "?")
		req.URL.Path, req.URL.RawQuery = reg+where, query
		req.Header.Set("Authorization", adminKey)
		rec := httptest.NewRecorder()
		cloud.ServeHTTP(rec, req)
		if rec.Code == http.StatusInternalServerError {
			t.Errorf("%s %s %s: %s", method, path, body, rec.Body)
		}
	})
}
