package sim_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
)

// try creates an instance with a tag; it is -1 when the connection breaks.
func (w *world) try(body object, token string) (status int, raw string) {
	w.t.Helper()
	c := post("/v2/instanceBySpec", body)
	if token != "" {
		c = c.with("clientToken", token)
	}
	res, err := http.DefaultClient.Do(c.request(w.t, w.url))
	if err != nil {
		return -1, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return -1, err.Error()
	}
	return res.StatusCode, string(b)
}

func tagged(name string) object {
	return machine(object{"tags": []object{{"tagKey": "order", "tagValue": name}}})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  sim.Fault
		status int
		text   string
		bought int
	}{
		"DropBefore":    {"nothing is bought when the call is lost on the way", sim.Fault{Kind: sim.KindDrop, Count: 2}, -1, "", 0},
		"DropAfter":     {"the change was made, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true}, -1, "", 1},
		"HTTPBefore":    {"a page of a gateway before the change", sim.Fault{Kind: sim.KindHTTP, Status: 502}, 502, "<html>", 0},
		"HTTPAfter":     {"a page of a gateway after the change", sim.Fault{Kind: sim.KindHTTP, After: true}, 503, "<html>", 1},
		"Empty":         {"an error without a body", sim.Fault{Kind: sim.KindEmpty}, 403, "", 0},
		"EmptyAfter":    {"the same after the change", sim.Fault{Kind: sim.KindEmpty, After: true}, 403, "", 1},
		"Code":          {"the default is an internal error", sim.Fault{Kind: sim.KindRetCode}, 500, `"InternalError"`, 0},
		"CodeAfter":     {"any code, after the change", sim.Fault{Kind: sim.KindRetCode, Status: 400, Code: "Odd", Message: "hm", After: true}, 400, `"code":"Odd","message":"hm"`, 1},
		"Number":        {"a code that is a number", sim.Fault{Kind: sim.KindCodeNumber}, 500, `"code":500`, 0},
		"Throttle":      {"without a rate every call is throttled", sim.Fault{Kind: sim.KindThrottle}, 429, "RequestLimitExceeded", 0},
		"SoldOut":       {"the cloud has no stock", sim.Fault{Kind: sim.KindSoldOut}, 409, "InsufficientStock", 0},
		"LowBalance":    {"the money does not suffice", sim.Fault{Kind: sim.KindLowBalance}, 403, "InsufficientBalance", 0},
		"BadSignature":  {"a right signature is refused", sim.Fault{Kind: sim.KindBadSignature}, 403, "SignatureDoesNotMatch", 0},
		"Expired":       {"a fresh request is too old", sim.Fault{Kind: sim.KindExpired}, 400, "RequestExpired", 0},
		"TokenMismatch": {"a token that was used", sim.Fault{Kind: sim.KindTokenMismatch}, 400, "IdempotentParameterMismatch", 0},
		"SuccessFalse":  {"a success that is none", sim.Fault{Kind: sim.KindSuccessFalse, Actions: []string{"CreateInstanceBySpec"}}, 200, `{"success":false}`, 0},
		"NonJSON":       {"a page instead of an answer", sim.Fault{Kind: sim.KindNonJSON}, 200, "<html>", 0},
		"NonJSONAfter":  {"a page after the change", sim.Fault{Kind: sim.KindNonJSON, After: true}, 200, "<html>", 1},
		"Latency":       {"a wait alone spoils nothing", sim.Fault{Kind: sim.KindLatency, DelayMS: 10}, 200, "instanceIds", 1},
		"OtherAction":   {"the filter spares other actions", sim.Fault{Kind: sim.KindDrop, Actions: []string{"BindEip"}}, 200, "instanceIds", 1},
		"Skipped":       {"the first call may pass", sim.Fault{Kind: sim.KindDrop, Skip: 1}, 200, "instanceIds", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.arm(c.fault)
			status, raw := w.try(tagged(name), "")
			if status != c.status || !strings.Contains(raw, c.text) {
				t.Errorf("%s: %d %s, want %d %s", c.reason, status, raw, c.status, c.text)
			}
			if got := w.BoughtInstances("order:" + name).Orders; got != c.bought {
				t.Errorf("%s: bought %d, want %d", c.reason, got, c.bought)
			}
		})
	}
}

// A lost answer is made good by the same call with the same token.
func TestTokenAfterLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindRetCode, After: true, Count: 2})
	body, states := tagged("once"), []int{}
	for range 3 {
		status, _ := w.try(body, "token-1")
		states = append(states, status)
	}
	if want := []int{500, 500, 200}; !slices.Equal(states, want) {
		t.Errorf("two failures, then the answer: %v", states)
	}
	if b := w.BoughtInstances("order:once"); b.Orders != 1 || b.Resources != 1 {
		t.Errorf("one order: %+v", b)
	}
	if status, raw := w.try(tagged("other"), "token-1"); status != 400 || !strings.Contains(raw, "IdempotentParameterMismatch") {
		t.Errorf("the token with another request: %d %s", status, raw)
	}
	w.advance(20 * time.Hour)
	w.try(body, "token-1") // a use keeps it for another day
	w.advance(20 * time.Hour)
	w.try(body, "token-1")
	if b := w.BoughtInstances("order:once"); b.Orders != 1 {
		t.Errorf("within a day of the last use: %+v", b)
	}
	w.advance(25 * time.Hour)
	w.try(body, "token-1")
	if b := w.BoughtInstances("order:once"); b.Orders != 2 {
		t.Errorf("a forgotten token buys again: %+v", b)
	}
	if status, _ := w.try(body, strings.Repeat("x", 65)); status != 400 {
		t.Errorf("a token has 64 characters at most: %d", status)
	}
	if status, _ := w.try(body, "日"); status != 400 {
		t.Errorf("a token is ASCII: %d", status)
	}
	if r := w.Report(10); !slices.Equal(r.BoughtTwice, []string{"order:once"}) {
		t.Errorf("what was bought twice: %v", r.BoughtTwice)
	}
}

// A client that times out during a wait must not conclude that nothing was bought.
func TestLatencyOutlivesTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindLatency, DelayMS: 600000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := post("/v2/instanceBySpec", tagged("slow"))
	if res, err := http.DefaultClient.Do(c.request(t, w.url).WithContext(ctx)); err == nil {
		_ = res.Body.Close()
		t.Fatal("the client should have given up")
	}
	for deadline := time.Now().Add(5 * time.Second); w.BoughtInstances("order:slow").Orders != 1; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the instance was never bought")
		}
	}
}

func TestInnerFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindInstallFail, Count: 1}, sim.Fault{Kind: sim.KindStopHang, Count: 1})
	id, order := w.buy(machine(nil))
	w.advance(time.Second)
	if a, b := w.status(id), w.orderState(order); a != "Error" || b != "CREATE_FAILED" {
		t.Errorf("the creation fails: %v, %v", a, b)
	}
	if b := w.Report(10).Accounts["partner"]; b.Spent != b.Refunded || b.Spent == 0 {
		t.Errorf("the money of a failed order comes back: %+v", b)
	}
	w.ok(call{method: "DELETE", path: "/v2/instance/" + id})
	id, _ = w.buy(machine(nil))
	w.advance(time.Second)
	w.ok(put("/v2/instance/"+id, "stop", object{"forceStop": false}))
	w.advance(time.Hour)
	if got := w.status(id); got != "Stopping" {
		t.Errorf("the guest ignores the stop: %v", got)
	}
	w.ok(put("/v2/instance/"+id, "stop", object{"forceStop": true}))
	w.advance(time.Second)
	if got := w.status(id); got != "Stopped" {
		t.Errorf("force ends it: %v", got)
	}
}

func TestFaultOrderCountAndCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindSoldOut, Count: 2}, sim.Fault{Kind: sim.KindNonJSON, Count: 1, WritesOnly: true})
	w.ok(get("/v2/zone"))
	states := []int{}
	for range 4 {
		status, _ := w.try(tagged("n"), "tok")
		states = append(states, status)
	}
	if want := []int{409, 409, 200, 200}; !slices.Equal(states, want) {
		t.Errorf("two refusals, a page, then success: %v", states)
	}
	if f := w.Faults(); f[0].Hits != 2 || f[1].Hits != 1 {
		t.Errorf("hits are counted: %+v", f)
	}
	if got, want := w.Counts()["CreateInstanceBySpec"], (sim.Count{Calls: 4, OK: 1, Refused: 2, Spoiled: 1}); got != want {
		t.Errorf("counts: %+v, want %+v", got, want)
	}
	last := w.Calls(1)[0]
	if last.Subject != "tok" || last.Account != "partner" || last.Status != 200 || last.Region != "bj" {
		t.Errorf("the last call: %+v", last)
	}
}

func TestThrottleRateAndPercent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindThrottle, Rate: 2, Burst: 3})
	calls := func(n int) (refused int) {
		for range n {
			if w.do(get("/v2/zone")).status != 200 {
				refused++
			}
		}
		return refused
	}
	if got := calls(5); got != 2 {
		t.Errorf("a burst of three passes: %d of 5 throttled", got)
	}
	w.advance(time.Second)
	if got := calls(5); got != 3 {
		t.Errorf("two more a second later: %d of 5 throttled", got)
	}
	w.arm(sim.Fault{Kind: sim.KindRetCode, Percent: 50})
	if got := calls(40); got < 8 || got > 32 {
		t.Errorf("half of the calls should fail: %d of 40", got)
	}
}

func TestHiddenInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 2 })
	w.buy(machine(nil))
	seen := []int{}
	for range 3 {
		rows, _ := w.ok(get("/v2/instance"))["instances"].([]any)
		seen = append(seen, len(rows))
	}
	if !slices.Equal(seen, []int{0, 0, 1}) {
		t.Errorf("two lists do not see it: %v", seen)
	}
}

func TestFaultAndLimitValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, f := range map[string]sim.Fault{
		"Kind": {Kind: "nonsense"}, "After": {Kind: sim.KindThrottle, After: true}, "Percent": {Kind: sim.KindDrop, Percent: 101},
		"Count": {Kind: sim.KindDrop, Count: -1}, "Delay": {Kind: sim.KindLatency, DelayMS: 600001}, "Status": {Kind: sim.KindHTTP, Status: 200},
	} {
		if err := w.SetFaults(f); err == nil {
			t.Errorf("%s must be refused", name)
		}
	}
	if err := w.SetFaults(make([]sim.Fault, 101)...); err == nil {
		t.Error("faults are bounded")
	}
	if err := w.SetLimits(sim.Limits{Stock: []sim.Stock{{Count: -1}}}); err == nil {
		t.Error("stock is checked")
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.try(tagged("seen"), "")
	w.try(tagged("seen"), "")
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		"Faults":    {"faults can be set while running", "PUT", "/faults", `[{"kind":"drop","actions":["NoSuch"],"count":1}]`, 200, `"kind":"drop"`},
		"BadFault":  {"mistakes come with their path", "PUT", "/faults", `[{"kind":"x"}]`, 400, `faults[0]`},
		"Unknown":   {"unknown fields are refused", "PUT", "/faults", `[{"kind":"drop","oops":1}]`, 400, `oops`},
		"Two":       {"one value is enough", "PUT", "/faults", `[] []`, 400, `more than one`},
		"State":     {"the state proves what was bought", "GET", "/state", "", 200, `"bought_twice":["order:seen"]`},
		"StateCut":  {"limits are checked", "GET", "/state?limit=0", "", 400, `limit`},
		"Calls":     {"calls are counted per action", "GET", "/calls?limit=1", "", 200, `"CreateInstanceBySpec":{"calls":2,"ok":2`},
		"Advance":   {"the clock moves", "POST", "/clock/advance", `{"seconds":60}`, 200, `"now":"2026-06-10T04:01:00Z"`},
		"Back":      {"the clock never goes back", "POST", "/clock/advance", `{"seconds":-1}`, 400, `seconds`},
		"Limits":    {"stock can change", "PUT", "/limits", `{"stock":[{"zone":"cn-gz-a","machine_type":"bcc.g5.c1m4","count":0}]}`, 200, `cn-gz-a`},
		"BadLimits": {"limits are checked", "PUT", "/limits", `{"max_hosts":-1}`, 400, `quotas`},
		"GetLimits": {"limits can be read", "GET", "/limits", "", 200, `max_hosts`},
		"Recharge":  {"money can be added", "POST", "/recharge", `{"account":"user-two","amount_fen":5}`, 200, `"recharged_fen":5`},
		"NoAccount": {"the account must exist", "POST", "/recharge", `{"account":"x","amount_fen":5}`, 400, `known account`},
		"Order":     {"customers buy in the console", "POST", "/orders", `{"account":"user-one","type":"NEW","spec":"` + spec + `","image":"` + linux + `"}`, 200, `order_id`},
		"BadOrder":  {"orders are checked", "POST", "/orders", `{"account":"user-one","type":"X"}`, 400, `invalid`},
		"Redeem":    {"tokens are checked", "POST", "/signin/redeem", `{"token":"x"}`, 400, `token`},
		"Healthz":   {"it is alive", "GET", "/healthz", "", 200, `ok`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			w.Admin().ServeHTTP(rec, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			body := rec.Body.String()
			if rec.Code != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s: status %d, want %d; body %s, want %s", c.reason, rec.Code, c.status, body, c.want)
			}
			if strings.Contains(body, partnerSecret) {
				t.Errorf("%s: the secret key is in the answer", c.reason)
			}
		})
	}
}
