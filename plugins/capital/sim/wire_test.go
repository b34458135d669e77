package sim_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/simkit/web"
)

func TestGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := w.public("DescribeRegions")
	for n := range 300 {
		many[strings.Repeat("x", n+1)] = "1"
	}
	cases := map[string]struct {
		reason, method, path string
		query                map[string]string
		body                 string
		status               int
		code                 string
	}{
		"Slash":     {"a trailing slash is the SDK's", http.MethodGet, ecs + "/", w.public("DescribeRegions"), "", 200, "Success"},
		"NoSlash":   {"none is the samples'", http.MethodGet, ecs, w.public("DescribeRegions"), "", 200, "Success"},
		"Path":      {"an unknown path", http.MethodGet, "/ccs", w.public("DescribeInstance"), "", 404, "InvalidEvent.InvalidUrl.NotFound"},
		"Verb":      {"the wrong verb", http.MethodPost, ecs, w.public("DescribeRegions"), "", 400, "UnsupportedHTTPMethod"},
		"Put":       {"another verb", http.MethodPut, vpcs, w.public("CreateVPC"), "", 400, "UnsupportedHTTPMethod"},
		"Action":    {"an unknown action", http.MethodGet, ecs, w.public("DescribeNothing"), "", 400, "UnsupportedAction"},
		"Case":      {"actions are case-sensitive", http.MethodGet, ecs, w.public("describeRegions"), "", 400, "UnsupportedAction"},
		"Elsewhere": {"an action of another service", http.MethodGet, ecs, w.public("DescribeDisk"), "", 400, "UnsupportedAction"},
		"NoAction":  {"no action", http.MethodGet, ecs, map[string]string{"x": "y"}, "", 400, "MissingParameter"},
		"Many":      {"the number of parameters is bounded", http.MethodGet, ecs, many, "", 400, "ParamParseError"},
		"NoType":    {"a body needs no Content-Type", http.MethodPost, vpcs, w.public("DescribeVPC"), `{"PageNumber":1}`, 200, "Success"},
		"Empty":     {"no body is an empty one", http.MethodPost, vpcs, w.public("DescribeVPC"), "", 200, "Success"},
		"NotJSON":   {"a body is JSON", http.MethodPost, ecs, w.public("DescribeInstanceStatus"), "a=b", 400, "ParamParseError"},
		"List":      {"a body is an object", http.MethodPost, ecs, w.public("DescribeInstanceStatus"), "[]", 400, "ParamParseError"},
		"Two":       {"a body is one object", http.MethodPost, ecs, w.public("DescribeInstanceStatus"), "{}{}", 400, "ParamParseError"},
		"Deep":      {"bodies are shallow", http.MethodPost, ecs, w.public("DescribeInstanceStatus"), strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), 400, "ParamParseError"},
		"Huge":      {"bodies are bounded", http.MethodPost, ecs, w.public("DescribeInstanceStatus"), strings.Repeat("a", 2<<20), 413, "ParamParseError"},
		"GetBody":   {"the body of a GET does not count", http.MethodGet, ecs, w.public("DescribeAccountSubject"), "{", 200, "Success"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := w.send(c.method, c.path, c.query, c.body)
			if err != nil || r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %.300s %v, want %d %s", c.reason, r.status, r.raw, err, c.status, c.code)
			}
		})
	}
	res, err := http.Get(w.url + ecs + "?Action=a&Action=b")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 400 || !strings.Contains(string(body), "repeated") {
		t.Errorf("a repeated parameter is refused: %d %s", res.StatusCode, body)
	}
}

func TestCallLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	log := &strings.Builder{}
	w := newWorld(t, func(c *sim.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	w.post(ecs, "ModifyInstancePassword", args{"EcsIds": []string{id}, "Password": "Another8horse"})
	w.try(http.MethodGet, ecs, "Another8horse", nil)
	calls, err := json.Marshal(w.Calls(100))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"horse", "SKEXAMPLE", "AKEXAMPLE", "nonce-"} {
		if strings.Contains(string(calls)+log.String(), secret) {
			t.Errorf("%q is in the log: %s %s", secret, calls, log)
		}
	}
	counts := w.Counts()
	if counts["CreateInstance"].OK != 1 || counts["unknown"].Refused != 1 {
		t.Errorf("counts: %+v", counts)
	}
	if got := w.Calls(1); len(got) != 1 || got[0].RetCode != "UnsupportedAction" {
		t.Errorf("the newest call: %+v", got)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.CallLogSize = 2 })
	srv := httptest.NewServer(w.Admin())
	defer srv.Close()
	call := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	w.group("one")
	cases := []struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		{"it lives", http.MethodGet, "/healthz", "", 200, "ok"},
		{"faults are set", http.MethodPut, "/faults", `[{"kind":"retcode","ret_code":150,"count":1}]`, 200, `"ret_code":"150"`},
		{"and read", http.MethodGet, "/faults", "", 200, `"hits":0`},
		{"a wrong one is named", http.MethodPut, "/faults", `[{"kind":"x"}]`, 400, "faults[0]"},
		{"unknown fields are refused", http.MethodPut, "/faults", `[{"kynd":"drop"}]`, 400, "kynd"},
		{"limits are set", http.MethodPut, "/limits", `{"max_groups":1}`, 200, `"max_groups":1`},
		{"and read", http.MethodGet, "/limits", "", 200, `"max_groups":1`},
		{"wrong ones are named", http.MethodPut, "/limits", `{"max_hosts":-1}`, 400, "quotas"},
		{"the clock moves", http.MethodPost, "/clock/advance", `{"seconds":3600}`, 200, "2026-06-10T05:00:00Z"},
		{"not back", http.MethodPost, "/clock/advance", `{"seconds":-1}`, 400, "seconds"},
		{"money comes in", http.MethodPost, "/recharge", `{"account":"two","amount_fen":5}`, 200, `"recharged_fen":5`},
		{"for somebody", http.MethodPost, "/recharge", `{"account":"x","amount_fen":5}`, 400, "x"},
		{"the state", http.MethodGet, "/state?limit=5", "", 200, `"sg.name":{"one":{"orders":1,"resources":1}}`},
		{"a bounded one", http.MethodGet, "/state?limit=0", "", 400, "limit"},
		{"the calls", http.MethodGet, "/calls", "", 200, `"action":"CreateSecurityGroup"`},
		{"one body", http.MethodPost, "/recharge", `{} {}`, 400, "more than one"},
	}
	for _, c := range cases {
		if status, body := call(c.method, c.path, c.body); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s %s: %d %s, want %d %s", c.reason, c.method, c.path, status, body, c.status, c.want)
		}
	}
	if r := w.try(http.MethodPost, sg, "CreateSecurityGroup", args{"RegionCode": edge, "SecurityGroupName": "x"}); r.status != 500 || r.code() != "150" {
		t.Errorf("the fault is in force: %d %s", r.status, r.raw)
	}
}

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*sim.Config){
		"accounts: give":                 func(c *sim.Config) { c.Accounts = nil },
		"accounts[0].name":               func(c *sim.Config) { c.Accounts[0].Name = "a b" },
		"accounts[0]: access_key":        func(c *sim.Config) { c.Accounts[0].SecretKey = "" },
		"accounts[1]: name or":           func(c *sim.Config) { c.Accounts[1].AccessKey = "AKEXAMPLE" },
		"accounts[0].balance_fen":        func(c *sim.Config) { c.Accounts[0].BalanceFen = -1 },
		"accounts[0].price_percent":      func(c *sim.Config) { c.Accounts[0].PricePercent = 101 },
		"accounts[0].subjects[0]":        func(c *sim.Config) { c.Accounts[0].Subjects[0].Name = "" },
		"regions[0]: set code":           func(c *sim.Config) { c.Regions = []sim.Region{{}} },
		"regions[0].zones":               func(c *sim.Config) { c.Regions = []sim.Region{{Code: "A", Zones: []sim.Zone{{}}}} },
		"limits.stock[0]":                func(c *sim.Config) { c.Limits.Stock = []sim.Stock{{}} },
		"limits: quotas":                 func(c *sim.Config) { c.Limits.DiskGB = -1 },
		"faults[0]":                      func(c *sim.Config) { c.Faults = []sim.Fault{{}} },
		"call_log_size":                  func(c *sim.Config) { c.CallLogSize = -1 },
		"vpc_page_size, window_seconds ": func(c *sim.Config) { c.VPCPageSize = -1 },
	} {
		cfg := config()
		change(&cfg)
		if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if got := web.NewServer(nil); got.ReadHeaderTimeout == 0 || got.MaxHeaderBytes == 0 {
		t.Error("servers have bounds")
	}
}

// TestRefusedCallsChangeNothing: a wrong field that is read last spoils the whole call.
func TestRefusedCallsChangeNothing(t *testing.T) {
	t.Parallel()
	log := &strings.Builder{}
	w := newWorld(t, func(c *sim.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	n := w.network(edge, edgeZone)
	id := w.eips(edgeZone, nil)[0]
	ins := w.create(n, edgeZone, nil)[0]
	g := w.group("g")
	before := w.snapshot(n)
	for name, c := range map[string]struct {
		path, action string
		a            args
	}{
		"EIP":      {vpcs, "UpdateEIP", args{"EIPId": id, "Description": "x", "Qos": "9"}},
		"Disk":     {ebs, "CreateDisk", args{"AvailableZoneCode": edgeZone, "DiskFeature": "SSD", "Size": 64, "DiskName": 7}},
		"Operate":  {ecs, "OperateInstance", args{"EcsIds": []string{ins}, "OpType": "shutdown_ecs", "DeleteEip": 3}},
		"Delete":   {ecs, "DeleteInstance", args{"EcsIds": []string{ins}, "DeleteEip": "1"}},
		"Image":    {ecs, "CreateImage", args{"EcsId": ins, "Name": "x", "IsOptimized": 7}},
		"Group":    {sg, "ModifySecurityGroupAttribute", args{"SecurityGroupId": g, "SecurityGroupName": "y", "GroupInterconnected": 1}},
		"Priority": {sg, "ModifySecurityGroupsPriority", args{"InstanceId": ins, "RegionCode": edge, "SecurityGroupSet": []args{{"SecurityGroupId": g, "Priority": 6}}}},
		"Instance": {ecs, "CreateInstance", order(n, edgeZone, args{"PubnetInfo": []args{{"SubnetId": n.gateway, "BandwidthType": "Traffic"}}})},
		"Subnet":   {vpcs, "CreateSubnet", args{"VPCId": n.vpc, "SubnetList": []args{{"AvailableZoneCode": edgeZone, "SubnetName": "b", "SubnetSegment": "10.15.3.0/24"}, {}}}},
		"Extend":   {ebs, "ExtendDisk", args{"DiskId": text(before["disks"], "DiskList", 0, "DiskId"), "ExtendedSize": 63}},
	} {
		if r := w.try(http.MethodPost, c.path, c.action, c.a); r.status != 400 {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	w.advance(time.Second)
	if diff := cmp.Diff(before, w.snapshot(n)); diff != "" || log.Len() > 0 {
		t.Errorf("something changed: %s %s", diff, log)
	}
}

func TestDropOnARecorder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindDrop})
	query := w.public("DescribeRegions")
	query["Signature"] = mySign(http.MethodGet, query, w.secret)
	form := ""
	for k, v := range query {
		form += "&" + urlEscape(k) + "=" + urlEscape(v)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, ecs+"?"+form[1:], nil))
	if rec.Code != http.StatusBadGateway {
		t.Errorf("without a connection to close it is a 502: %d", rec.Code)
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "Action=a", "a=%zz", "a=1&a=2", strings.Repeat("&", 500), "%=%"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { sim.ReadQuery(s) })
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":[{"b":1e999}]}`, "[]", `{"a":`, strings.Repeat(`{"a":`, 20)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, b []byte) { sim.ReadBody(b) })
}

// FuzzCalls sends any body to every write: nothing panics, the books hold,
// and what is answered is always JSON.
func FuzzCalls(f *testing.F) {
	f.Add("CreateInstance", `{"AvailableZoneCode":"CN_Suqian_B","EcsFamilyName":"x","Cpu":2,"DataDisk":{},"PubnetInfo":[{}]}`)
	f.Add("CreateVPC", `{"RegionCode":"CN_Suqian","VPCSegment":"10.0.0.0/33","SubnetList":[{"SubnetSegment":"::/0"}]}`)
	f.Add("CreateSecurityGroupPolicies", `{"SecurityGroupPolicySet":{"Ingress":[null]}}`)
	f.Add("ReserveIPAndBindEIP", `{"Ips":[{"NetId":1}]}`)
	f.Add("BandwidthRemoveEIP", `{"EIPIdList":["x"],"Delete":false}`)
	f.Add("UpdateEIP", `{"EIPId":"x","Qos":"9"}`)
	f.Fuzz(func(t *testing.T, action, body string) {
		log := &strings.Builder{}
		w := newWorld(t, func(c *sim.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
		defer func() {
			if log.Len() > 0 {
				t.Errorf("%s: %s", action, log)
			}
		}()
		for path, names := range sim.Routes() {
			for _, name := range names {
				if name != action {
					continue
				}
				r, err := w.send(http.MethodPost, path, w.public(name), body)
				if err != nil || r.body == nil {
					t.Errorf("%s: %d %q %v", name, r.status, r.raw, err)
				}
			}
		}
	})
}
