package sim_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

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
		status int // 0 when there is no answer
		code   string
		bought int
	}{
		"DropBefore":   {"nothing is bought when the call is lost on the way", sim.Fault{Kind: sim.KindDrop}, 0, "", 0},
		"DropAfter":    {"the change was made, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true}, 0, "", 1},
		"HTTPBefore":   {"a gateway failure before the change", sim.Fault{Kind: sim.KindHTTP}, 503, "", 0},
		"HTTPAfter":    {"a gateway failure after the change", sim.Fault{Kind: sim.KindHTTP, Status: 504, After: true}, 504, "", 1},
		"Code":         {"InternalError is the default", sim.Fault{Kind: sim.KindRetCode}, 500, "InternalError", 0},
		"CodeAfter":    {"a code after the change", sim.Fault{Kind: sim.KindRetCode, RetCode: "Busy", Status: 200, After: true}, 200, "Busy", 1},
		"Throttle":     {"without a rate every call is throttled", sim.Fault{Kind: sim.KindThrottle}, 429, "Throttling", 0},
		"SoldOut":      {"the cloud has no stock", sim.Fault{Kind: sim.KindSoldOut}, 403, "Resource.SoldOut", 0},
		"NoMoney":      {"the balance is short", sim.Fault{Kind: sim.KindNoMoney}, 403, "Balance.Insufficient", 0},
		"Quota":        {"instances have a documented code", sim.Fault{Kind: sim.KindQuota}, 400, "MaxEcsCountExceed", 0},
		"BadSignature": {"a right signature is refused", sim.Fault{Kind: sim.KindBadSignature}, 403, "SignatureDoesNotMatch", 0},
		"NonJSON":      {"a page instead of an answer", sim.Fault{Kind: sim.KindNonJSON}, 200, "", 0},
		"NonJSONAfter": {"a page after the change", sim.Fault{Kind: sim.KindNonJSON, After: true}, 200, "", 1},
		"Latency":      {"a wait alone spoils nothing", sim.Fault{Kind: sim.KindLatency, DelayMS: 20}, 200, "Success", 1},
		"OtherAction":  {"the filter spares other actions", sim.Fault{Kind: sim.KindDrop, Actions: []string{"BindEIP"}}, 200, "Success", 1},
		"Skipped":      {"the first call may pass", sim.Fault{Kind: sim.KindDrop, Skip: 1}, 200, "Success", 1},
		"WritesOnly":   {"a create is a write", sim.Fault{Kind: sim.KindDrop, WritesOnly: true}, 0, "", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.network(edge, edgeZone)
			w.arm(c.fault)
			body := `{"AvailableZoneCode":"` + edgeZone + `","EcsFamilyName":"` + fam + `","Cpu":1,"Ram":1,"BillingMethod":"0","Password":"` + password +
				`","ImageId":"` + ubuntu + `","SystemDisk":{"DiskFeature":"ssd","Size":24},"VpcInfo":{"VpcId":"` + n.vpc + `"},"SubnetInfo":{"SubnetId":"` + n.subnet + `"},"Name":"token"}`
			r, err := w.send(http.MethodPost, ecs, w.public("CreateInstance"), body)
			if (err != nil) != (c.status == 0) || r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %s %v, want %d %s", c.reason, r.status, r.raw, err, c.status, c.code)
			}
			if got := w.BoughtHosts("token").Orders; got != c.bought {
				t.Errorf("%s: bought %d, want %d", c.reason, got, c.bought)
			}
		})
	}
}

func TestFaultsOfTheChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	event := func(r map[string]any) string {
		w.advance(time.Second)
		return text(w.get(ecs, "DescribeEvent", args{"EventId": text(r, "Data", "EventId")}), "Data", "EventStatus")
	}
	before := w.Report(1).Accounts["one"].Balance
	w.arm(sim.Fault{Kind: sim.KindInstallFail, Count: 1}, sim.Fault{Kind: sim.KindPartFail})
	whole := w.post(ecs, "CreateInstance", order(n, edgeZone, nil))
	if got := event(whole); got != "error" || w.status(text(whole, "Data", "EcsIdSet", 0)) != "failed" {
		t.Errorf("a create that fails: event %s", got)
	}
	if got := w.Report(1).Accounts["one"].Balance; got != before {
		t.Errorf("what failed is paid back: %v, want %v", got, before)
	}
	part := w.post(ecs, "CreateInstance", order(n, edgeZone, args{"Number": 3}))
	if got := event(part); got != "part_fail" {
		t.Errorf("a create that fails in part: event %s", got)
	}
	e := w.get(ecs, "DescribeEvent", args{"EventId": text(part, "Data", "EventId")})
	if text(e, "Data", "TaskList", 1, "Status") != "success" || text(e, "Data", "TaskList", 2, "Status") != "error" {
		t.Errorf("the tasks tell which: %v", e)
	}
	id := text(part, "Data", "EcsIdSet", 0)
	w.arm(sim.Fault{Kind: sim.KindTaskFail, Count: 1}, sim.Fault{Kind: sim.KindStopHang, Count: 1})
	stop := w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": "shutdown_ecs"})
	w.arm()
	if got := event(stop); got == "success" || w.status(id) != "shutting_down" {
		t.Errorf("a stop that hangs: event %s, instance %s", got, w.status(id))
	}
	if got := event(w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": "hard_shutdown_ecs"})); got != "success" || w.status(id) != "shutdown" {
		t.Errorf("a hard stop ends it: event %s, instance %s", got, w.status(id))
	}
	w.arm(sim.Fault{Kind: sim.KindTaskFail})
	if got := event(w.post(ecs, "DeleteInstance", args{"EcsIds": []string{id}})); got != "error" || w.status(id) != "shutdown" {
		t.Errorf("a delete that fails leaves the instance: event %s, instance %s", got, w.status(id))
	}
	task := text(w.post(vpcs, "DeleteVirtualGateWay", args{"VirtualGateWayId": n.gateway}), "TaskId")
	w.advance(time.Second)
	if got := text(w.get(vpcs, "DescribeTask", args{"TaskId": task}), "Data", "TaskStatus"); got != "error" {
		t.Errorf("a task that fails is %s", got)
	}
	if got := text(w.post(vpcs, "DescribeVirtualGateWay", args{"RegionCode": edge}), "Data", "VirtualGateWayList", 0, "Status"); got != "ok" {
		t.Errorf("the gateway is %s", got)
	}
}

// A client that gives up must not conclude that nothing was bought.
func TestLatencyOutlivesTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindLatency, DelayMS: 600000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	patient := *w
	patient.t = withContext{t, ctx}
	body := `{"RegionCode":"` + edge + `","SecurityGroupName":"slow"}`
	if _, err := patient.send(http.MethodPost, sg, w.public("CreateSecurityGroup"), body); err == nil {
		t.Fatal("the client should have given up")
	}
	for deadline := time.Now().Add(5 * time.Second); w.Report(10).Bought["sg.name"]["slow"].Orders != 1; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the group was never made")
		}
	}
}

// withContext is a test whose context ends earlier.
type withContext struct {
	testing.TB
	ctx context.Context
}

func (w withContext) Context() context.Context { return w.ctx }

func TestThrottleRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindThrottle, Rate: 2})
	codes := ""
	for range 3 {
		codes += w.try(http.MethodGet, ecs, "DescribeRegions", nil).code() + " "
	}
	w.advance(time.Second)
	codes += w.try(http.MethodGet, ecs, "DescribeRegions", nil).code()
	if codes != "Success Success Throttling Success" {
		t.Errorf("two calls a second pass: %s", codes)
	}
	if got := w.Faults(); len(got) != 1 || got[0].Hits != 1 {
		t.Errorf("a fault counts how often it acted: %+v", got)
	}
}

func TestBadFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, f := range map[string]sim.Fault{
		"Kind":    {Kind: "flood"},
		"After":   {Kind: sim.KindSoldOut, After: true},
		"Percent": {Kind: sim.KindDrop, Percent: 101},
		"Count":   {Kind: sim.KindDrop, Count: -1},
		"Delay":   {Kind: sim.KindLatency, DelayMS: 600001},
		"Status":  {Kind: sim.KindHTTP, Status: 200},
		"Code":    {Kind: sim.KindRetCode, Status: 100},
	} {
		if err := w.SetFaults(f); err == nil {
			t.Errorf("%s: %+v was taken", name, f)
		}
	}
}

func TestHiddenInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 2 })
	w.create(w.network(edge, edgeZone), edgeZone, nil)
	got := ""
	for range 3 {
		got += text(w.get(ecs, "DescribeInstanceList", nil), "TotalCount")
	}
	if got != "001" {
		t.Errorf("a new instance shows late: %s", got)
	}
}
