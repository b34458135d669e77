package sim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/jdcloud/sim"
)

// buy orders one instance with a token and returns the status of the answer,
// 0 for a lost one, and its body.
func (w *world) buy(token string) (int, string) {
	w.t.Helper()
	req := w.request(scope{"vm", region}, "POST", vmPath, map[string]any{"instanceSpec": w.spec(nil), "clientToken": token})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	create := []string{"CreateInstances"}
	cases := map[string]struct {
		reason string
		fault  sim.Fault
		code   int
		body   string
		bought int
	}{
		"DropBefore":   {"nothing is bought when the call is lost on the way", sim.Fault{Kind: sim.KindDrop}, 0, "", 0},
		"DropAfter":    {"the change was made, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true}, 0, "", 1},
		"HTTPBefore":   {"a gateway's page before the change", sim.Fault{Kind: sim.KindHTTP, Status: 502}, 502, "<html>", 0},
		"HTTPAfter":    {"a gateway's page after the change", sim.Fault{Kind: sim.KindHTTP, After: true}, 503, "<html>", 1},
		"RetCode":      {"503 is the default code", sim.Fault{Kind: sim.KindRetCode}, 503, `"status":"UNAVAILABLE"`, 0},
		"RetCode500":   {"the word follows the code", sim.Fault{Kind: sim.KindRetCode, RetCode: 500, After: true}, 500, `"status":"INTERNAL"`, 1},
		"RetCodeWord":  {"the word can be set", sim.Fault{Kind: sim.KindRetCode, RetCode: 409, ErrorStatus: "ALREADY_EXISTS", Message: "m"}, 409, `"ALREADY_EXISTS"`, 0},
		"Throttle":     {"without a rate every call is throttled", sim.Fault{Kind: sim.KindThrottle}, 429, `"RATE_LIMIT"`, 0},
		"SoldOut":      {"the cloud has no stock", sim.Fault{Kind: sim.KindSoldOut}, 400, "out of stock", 0},
		"NoBalance":    {"the balance is short", sim.Fault{Kind: sim.KindNoBalance}, 400, "balance", 0},
		"BadSignature": {"a right signature is refused", sim.Fault{Kind: sim.KindBadSignature}, 401, `"UNAUTHENTICATED"`, 0},
		"NonJSON":      {"a page instead of an answer", sim.Fault{Kind: sim.KindNonJSON, After: true}, 200, "<html>", 1},
		"Empty":        {"nothing instead of an answer", sim.Fault{Kind: sim.KindEmpty, After: true}, 200, "", 1},
		"NoError":      {"500 without an error, which the SDK takes for success", sim.Fault{Kind: sim.KindNoError}, 500, `{"requestId":`, 0},
		"Latency":      {"a wait alone spoils nothing", sim.Fault{Kind: sim.KindLatency, DelayMS: 20}, 200, "instanceIds", 1},
		"OtherAction":  {"the filter spares other actions", sim.Fault{Kind: sim.KindDrop, Actions: []string{"DeleteInstance"}}, 200, "instanceIds", 1},
		"FullName":     {"actions have a full name too", sim.Fault{Kind: sim.KindRetCode, Actions: []string{"vm.CreateInstances"}}, 503, "", 0},
		"Skipped":      {"the first call may pass", sim.Fault{Kind: sim.KindDrop, Skip: 1}, 200, "instanceIds", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.fault.Actions == nil {
				c.fault.Actions = create
			}
			w.arm(c.fault)
			code, body := w.buy("token")
			if code != c.code || !strings.Contains(body, c.body) {
				t.Errorf("%s: got %d %s, want %d and %q", c.reason, code, body, c.code, c.body)
			}
			if got := w.Report(10).Bought["instance.token"]["token"].Orders; got != c.bought {
				t.Errorf("%s: bought %d, want %d", c.reason, got, c.bought)
			}
		})
	}
}

// A lost answer and the same token again: the client learns what it bought.
func TestLostAnswerAndTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"CreateInstances"}, Count: 1})
	if code, _ := w.buy("t"); code != 0 {
		t.Fatalf("the answer was not lost: %d", code)
	}
	if code, body := w.buy("t"); code != 200 || !strings.Contains(body, "i-jd") {
		t.Errorf("the second try: %d %s", code, body)
	}
	if r := w.Report(10); r.Hosts != 1 {
		t.Errorf("%d instances, want 1", r.Hosts)
	}
}

// A client that times out during a wait must not conclude that nothing was bought.
func TestLatencyOutlivesTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := map[string]any{"instanceSpec": w.spec(nil), "clientToken": "slow"}
	w.arm(sim.Fault{Kind: sim.KindLatency, DelayMS: 600000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req := w.request(scope{"vm", region}, "POST", vmPath, body).WithContext(ctx)
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Fatal("the client should have given up")
	}
	for deadline := time.Now().Add(5 * time.Second); w.Report(10).Hosts != 1; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the instance was never bought")
		}
	}
}

func TestRetCodeAsString(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindRetCodeString})
	res := w.send(w.request(scope{"vm", region}, "GET", vmPath+"/i-none", nil))
	defer func() { _ = res.Body.Close() }()
	var out struct{ Error map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out.Error["code"] != "404" {
		t.Errorf("the code is a string: %v %v", out.Error, err)
	}
}

func TestDecimalFees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].PricePercent = 33 })
	w.create(map[string]any{"charge": monthly})
	fee := func() json.Number {
		res := w.send(w.request(scope{"order", region}, "POST", "/v2/regions/cn-north-1/orders", map[string]any{}))
		defer func() { _ = res.Body.Close() }()
		d := json.NewDecoder(res.Body)
		d.UseNumber()
		var out struct {
			Result struct {
				ResultList []struct{ TotalFee json.Number }
			}
		}
		if err := d.Decode(&out); err != nil || len(out.Result.ResultList) != 1 {
			t.Fatalf("orders: %v", err)
		}
		return out.Result.ResultList[0].TotalFee
	}
	if got := fee(); got != "92" { // 33 % of 280.00 is 92.40
		t.Errorf("the fee is cut to an integer: %s", got)
	}
	w.arm(sim.Fault{Kind: sim.KindDecimalFees})
	if got := fee(); got != "92.40" {
		t.Errorf("the fee is exact: %s", got)
	}
}

func TestStopHang(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	w.arm(sim.Fault{Kind: sim.KindStopHang})
	w.ok("vm", "POST", vmPath+"/"+id+":stopInstance", nil)
	w.advance(time.Minute)
	if got := w.state(id); got != "stopping" {
		t.Errorf("state %q, want stopping", got)
	}
	w.advance(time.Hour)
	if got := w.state(id); got != "stopped" {
		t.Errorf("state %q, want stopped", got)
	}
}

func TestFaultOrderAndCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(
		sim.Fault{Kind: sim.KindSoldOut, Count: 2},
		sim.Fault{Kind: sim.KindDrop, Actions: []string{"CreateInstances"}, Count: 1, WritesOnly: true},
	)
	var got []int
	for range 4 {
		code, _ := w.buy("")
		got = append(got, code)
	}
	if diff := cmp.Diff([]int{400, 400, 0, 200}, got); diff != "" {
		t.Errorf("two refusals, one loss, then success: %s", diff)
	}
	if f := w.Faults(); f[0].Hits != 2 || f[1].Hits != 1 {
		t.Errorf("hits are counted: %+v", f)
	}
	if diff := cmp.Diff(sim.Count{Calls: 4, OK: 1, Refused: 2, Spoiled: 1}, w.Counts()["CreateInstances"]); diff != "" {
		t.Errorf("call counts: %s", diff)
	}
}

func TestBadFaultsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, f := range map[string]sim.Fault{
		"Kind":    {Kind: "nonsense"},
		"After":   {Kind: sim.KindSoldOut, After: true},
		"Percent": {Kind: sim.KindDrop, Percent: 101},
		"Count":   {Kind: sim.KindDrop, Count: -1},
		"Delay":   {Kind: sim.KindLatency, DelayMS: 600001},
		"Status":  {Kind: sim.KindHTTP, Status: 200},
		"Code":    {Kind: sim.KindRetCode, RetCode: 700},
	} {
		if err := w.SetFaults(f); err == nil {
			t.Errorf("%s: %+v was accepted", name, f)
		}
	}
}

func TestGatewayRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.CallsPerMinute = 3
		start := time.Now()
		c.Wall = func() time.Time { return start }
	})
	var got []string
	for range 4 {
		got = append(got, w.call("vm", "GET", vmPath, nil).status())
	}
	got = append(got, w.call("disk", "GET", "/v1/regions/cn-north-1/disks", nil).status())
	if diff := cmp.Diff([]string{"OK", "OK", "OK", "RATE_LIMIT", "OK"}, got); diff != "" {
		t.Errorf("each service has its own count: %s", diff)
	}
}

func TestThrottleFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindThrottle, Rate: 1, Burst: 2})
	var got []string
	for range 3 {
		got = append(got, w.call("vm", "GET", vmPath, nil).status())
	}
	w.advance(time.Second)
	got = append(got, w.call("vm", "GET", vmPath, nil).status())
	if diff := cmp.Diff([]string{"OK", "OK", "RATE_LIMIT", "OK"}, got); diff != "" {
		t.Errorf("a bucket of two that fills with the cloud's clock: %s", diff)
	}
}
