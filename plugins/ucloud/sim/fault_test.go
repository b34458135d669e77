package sim_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/simkit/web"
)

const createAction = "CreateUHostInstance"

func (w *world) arm(faults ...sim.Fault) {
	w.t.Helper()
	if err := w.SetFaults(faults...); err != nil {
		w.t.Fatalf("arming: %v", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  sim.Fault
		// code is what the SDK reports: 0 none, -1 network or HTTP status.
		code   int
		failed bool
		bought int
	}{
		"DropBefore":   {"nothing is bought when the call is lost on the way", sim.Fault{Kind: sim.KindDrop}, -1, true, 0},
		"DropAfter":    {"the change was made, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true}, -1, true, 1},
		"HTTPBefore":   {"a gateway failure before the change", sim.Fault{Kind: sim.KindHTTP, Status: 503}, -1, true, 0},
		"HTTPAfter":    {"a gateway failure after the change", sim.Fault{Kind: sim.KindHTTP, Status: 504, After: true}, -1, true, 1},
		"Code110":      {"an API timeout before the change", sim.Fault{Kind: sim.KindRetCode, RetCode: 110}, 110, true, 0},
		"Code130After": {"a gateway fault after the change", sim.Fault{Kind: sim.KindRetCode, RetCode: 130, After: true}, 130, true, 1},
		"Code150":      {"150 is the default code", sim.Fault{Kind: sim.KindRetCode}, 150, true, 0},
		"Throttle":     {"without a rate every call is throttled", sim.Fault{Kind: sim.KindThrottle}, 153, true, 0},
		"SoldOut":      {"the cloud has no stock", sim.Fault{Kind: sim.KindSoldOut}, 8320, true, 0},
		"BadSignature": {"a right signature is refused", sim.Fault{Kind: sim.KindBadSignature}, 171, true, 0},
		"NonJSON":      {"a page instead of an answer", sim.Fault{Kind: sim.KindNonJSON}, 0, true, 0},
		"NonJSONAfter": {"a page after the change", sim.Fault{Kind: sim.KindNonJSON, After: true}, 0, true, 1},
		"CodeString":   {"the RetCode is a string; the SDK mends it", sim.Fault{Kind: sim.KindRetCodeString}, 0, false, 1},
		"Latency":      {"a wait alone spoils nothing", sim.Fault{Kind: sim.KindLatency, DelayMS: 20}, 0, false, 1},
		"OtherAction":  {"the filter spares other actions", sim.Fault{Kind: sim.KindDrop, Actions: []string{"BindEIP"}}, 0, false, 1},
		"Skipped":      {"the first call may pass", sim.Fault{Kind: sim.KindDrop, Skip: 1}, 0, false, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.arm(c.fault)
			u := w.uhost()
			_, err := u.CreateUHostInstance(createRequest(u, "token"))
			if (err != nil) != c.failed || codeOf(err) != c.code {
				t.Errorf("%s: error %v (code %d), want code %d", c.reason, err, codeOf(err), c.code)
			}
			if got := w.BoughtHosts("token").Orders; got != c.bought {
				t.Errorf("%s: bought %d, want %d", c.reason, got, c.bought)
			}
		})
	}
}

// A client that times out during a wait must not conclude that nothing was bought.
func TestLatencyOutlivesTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindLatency, DelayMS: 600000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader(encode(signed(rawCreate(nil)))))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Fatal("the client should have given up")
	}
	for deadline := time.Now().Add(5 * time.Second); w.BoughtHosts("raw").Orders != 1; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the host was never bought")
		}
	}
}

func TestWaitsOutlastTheReadTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindLatency, DelayMS: 150})
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = web.NewServer(w.Cloud)
	srv.Config.ReadTimeout = 50 * time.Millisecond
	srv.Start()
	defer srv.Close()
	w.url = srv.URL
	began := time.Now()
	if code := retCode(w.form(signed(rawCreate(nil)))); code != 0 || time.Since(began) < 150*time.Millisecond {
		t.Errorf("RetCode %d after %v", code, time.Since(began))
	}
}

func TestFaultsOnRetCodeString(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindRetCodeString})
	out := w.form(signed(rawCreate(map[string]string{"CPU": "3"})))
	if out["RetCode"] != "8044" {
		t.Errorf("refusals carry the string too: %v", out["RetCode"])
	}
}

func TestFaultOrderAndCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(
		sim.Fault{Kind: sim.KindSoldOut, Count: 2},
		sim.Fault{Kind: sim.KindDrop, Actions: []string{createAction}, Count: 1, WritesOnly: true},
	)
	u, got := w.uhost(), []int{}
	for range 4 {
		_, err := u.CreateUHostInstance(createRequest(u, "n"))
		got = append(got, codeOf(err))
	}
	if want := []int{8320, 8320, -1, 0}; !equal(got, want) {
		t.Errorf("two refusals, one loss, then success: got %v, want %v", got, want)
	}
	if f := w.Faults(); f[0].Hits != 2 || f[1].Hits != 1 {
		t.Errorf("hits are counted: %+v", f)
	}
	count := w.Counts()[createAction]
	if want := (sim.Count{Calls: 4, OK: 1, Refused: 2, Spoiled: 1}); count != want {
		t.Errorf("call counts: got %+v, want %+v", count, want)
	}
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestFaultPercentIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		w := newWorld(t, func(c *simConfig) { c.Seed = seed })
		w.arm(sim.Fault{Kind: sim.KindRetCode, Percent: 50})
		var b strings.Builder
		for range 40 {
			b.WriteString(map[bool]string{true: "1", false: "0"}[retCode(w.form(signed(map[string]string{"Action": "GetRegion"}))) == 150])
		}
		return b.String()
	}
	one, again, other := run(1), run(1), run(2)
	if one != again || one == other {
		t.Errorf("the seed decides: %s, %s, %s", one, again, other)
	}
	if n := strings.Count(one, "1"); n < 8 || n > 32 {
		t.Errorf("half of the calls should fail, got %d of 40", n)
	}
}

func TestThrottleRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindThrottle, Rate: 2, Burst: 3})
	calls := func(n int) (throttled int) {
		for range n {
			if retCode(w.form(signed(map[string]string{"Action": "GetRegion"}))) == 153 {
				throttled++
			}
		}
		return throttled
	}
	if got := calls(5); got != 2 {
		t.Errorf("a burst of three passes: %d of 5 throttled", got)
	}
	mustAdvance(t, w.Cloud, time.Second)
	if got := calls(5); got != 3 {
		t.Errorf("two more a second later: %d of 5 throttled", got)
	}
}

func TestInstallFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindInstallFail, Count: 1})
	id := w.create("broken")
	mustAdvance(t, w.Cloud, time.Second)
	if got := w.state(id); got != "Install Fail" {
		t.Errorf("the state has a space: %q", got)
	}
	out := w.form(signed(map[string]string{"Action": "TerminateUHostInstance", "Region": region, "UHostId": id}))
	if retCode(out) != 0 {
		t.Errorf("a failed host can be terminated: %v", out)
	}
}

func TestStopHang(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("stubborn")
	mustAdvance(t, w.Cloud, time.Second)
	w.arm(sim.Fault{Kind: sim.KindStopHang})
	on := func(action string) int {
		return retCode(w.form(signed(map[string]string{"Action": action, "Region": region, "UHostId": id})))
	}
	if code := on("StopUHostInstance"); code != 0 {
		t.Fatalf("stop: %d", code)
	}
	mustAdvance(t, w.Cloud, time.Hour)
	if got := w.state(id); got != "Stopping" {
		t.Errorf("the guest ignores the stop: %q", got)
	}
	if code := on("PoweroffUHostInstance"); code != 0 {
		t.Errorf("power-off: %d", code)
	}
	mustAdvance(t, w.Cloud, time.Second)
	if got := w.state(id); got != "Stopped" {
		t.Errorf("the power-off ends it: %q", got)
	}
}

func TestHiddenHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *simConfig) { c.HideNewHostPolls = 2 })
	w.create("shy")
	got := []int{len(w.tagged("shy")), len(w.tagged("shy")), len(w.tagged("shy"))}
	if !equal(got, []int{0, 0, 1}) {
		t.Errorf("two polls do not see the host: %v", got)
	}
}

func TestFaultValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason string
		fault  sim.Fault
	}{
		"Kind":    {"unknown kinds are refused", sim.Fault{Kind: "nonsense"}},
		"After":   {"a throttle cannot come after the change", sim.Fault{Kind: sim.KindThrottle, After: true}},
		"Percent": {"a chance is at most 100", sim.Fault{Kind: sim.KindDrop, Percent: 101}},
		"Count":   {"counts are not negative", sim.Fault{Kind: sim.KindDrop, Count: -1}},
		"Delay":   {"waits are bounded", sim.Fault{Kind: sim.KindLatency, DelayMS: 600001}},
		"Status":  {"only failures can be injected", sim.Fault{Kind: sim.KindHTTP, Status: 200}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := w.SetFaults(c.fault); err == nil {
				t.Error(c.reason)
			}
		})
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("seen")
	w.create("seen")
	admin := w.Admin()
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		"Faults":    {"faults can be set while running", "PUT", "/faults", `[{"kind":"drop","actions":["NoSuch"],"count":1}]`, 200, `"kind":"drop"`},
		"BadFault":  {"mistakes come with their path", "PUT", "/faults", `[{"kind":"x"}]`, 400, `faults[0]`},
		"Unknown":   {"unknown fields are refused", "PUT", "/faults", `[{"kind":"drop","oops":1}]`, 400, `oops`},
		"State":     {"the state proves what was bought", "GET", "/state", "", 200, `"bought_twice":["seen"]`},
		"StateCut":  {"limits are checked", "GET", "/state?limit=0", "", 400, `limit`},
		"Calls":     {"calls are counted per action", "GET", "/calls?limit=1", "", 200, `"CreateUHostInstance":{"calls":2,"ok":2`},
		"Advance":   {"the clock moves", "POST", "/clock/advance", `{"seconds":60}`, 200, `"now":"2026-06-10T04:01:00Z"`},
		"Back":      {"the clock never goes back", "POST", "/clock/advance", `{"seconds":-1}`, 400, `seconds`},
		"Limits":    {"stock can change", "PUT", "/limits", `{"stock":[{"zone":"hk-02","machine_type":"N","count":0}]}`, 200, `hk-02`},
		"BadLimits": {"limits are checked", "PUT", "/limits", `{"max_hosts":-1}`, 400, `quotas`},
		"Recharge":  {"money can be added", "POST", "/recharge", `{"account":"two","amount_fen":5}`, 200, `"recharged_fen":5`},
		"NoAccount": {"the account must exist", "POST", "/recharge", `{"account":"x","amount_fen":5}`, 400, `known account`},
		"Healthz":   {"it is alive", "GET", "/healthz", "", 200, `ok`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, "/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Path, req.URL.RawQuery, _ = strings.Cut(c.path, "?")
			req.URL.RawQuery, _ = strings.CutPrefix(c.path, req.URL.Path+"?")
			rec := recorder(admin, req)
			body, _ := io.ReadAll(rec.Body)
			if rec.StatusCode != c.status || !strings.Contains(string(body), c.want) {
				t.Errorf("%s: status %d, want %d; body %s, want %s", c.reason, rec.StatusCode, c.status, body, c.want)
			}
			if strings.Contains(string(body), private) {
				t.Errorf("%s: the private key is in the answer", c.reason)
			}
		})
	}
}
