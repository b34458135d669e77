package sim_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/capital/sim"
)

const (
	ecs, ecs11, ebs = "/ecs/v1", "/ecs/v1.1", "/ebs/v1"
	sg, vpcs, gcw   = "/sg/v1", "/vpc", "/gcw"
	subjects        = "/platform/subject"

	edge, edgeZone         = "CN_Suqian", "CN_Suqian_B"
	cloudRegion, cloudZone = "CN_HongKong", "CN_Hongkong_A"

	ubuntu   = "Ubuntu 20.04 64位"
	password = "Correct7horse"
	fam      = "CPU密集计算型I3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is the fake clock's start: the 10th of a month of 30 days, noon in Beijing.
func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func config() sim.Config {
	return sim.Config{
		Now: epoch, Wall: epoch,
		Accounts: []sim.Account{
			{
				Name: "one", AccessKey: "AKEXAMPLE", SecretKey: "SKEXAMPLE", BalanceFen: 100_000_00,
				Subjects: []sim.Subject{{ID: 7, Name: "trial", BalanceFen: 100001, IncomeFen: 110001}},
			},
			{Name: "two", AccessKey: "AKTWO", SecretKey: "SKTWO", BalanceFen: 1},
		},
	}
}

// world is a cloud behind a real HTTP server, called with the test's own signing code.
type world struct {
	*sim.Cloud
	t      testing.TB
	url    string
	key    string
	secret string
	nonce  *atomic.Int64
}

// newWorld starts a cloud; every test ends with the check of the books.
func newWorld(t testing.TB, change ...func(*sim.Config)) *world {
	t.Helper()
	cfg := config()
	for _, f := range change {
		f(&cfg)
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("starting the cloud: %v", err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(func() {
		srv.Close()
		http.DefaultClient.CloseIdleConnections()
		checkBooks(t, cloud)
		if err := cloud.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return &world{Cloud: cloud, t: t, url: srv.URL, key: "AKEXAMPLE", secret: "SKEXAMPLE", nonce: &atomic.Int64{}}
}

// checkBooks holds every account: start + recharges - purchases + refunds =
// balance = what the resources' costs say.
func checkBooks(t testing.TB, c *sim.Cloud) {
	t.Helper()
	for name, b := range c.Report(1).Accounts {
		if want := b.Start + b.Recharged - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
		if got := c.CostSum(name); got != b.Spent-b.Refunded {
			t.Errorf("account %q: costs sum to %v, want %v", name, got, b.Spent-b.Refunded)
		}
	}
}

// mySign is the signature by the reference, written a second time.
func mySign(method string, query map[string]string, secret string) string {
	escape := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	text := ""
	for _, k := range slices.Sorted(maps.Keys(query)) {
		text += "&" + escape(k) + "=" + escape(query[k])
	}
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(method + "&%2F&" + escape(strings.TrimPrefix(text, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// public are the signed parameters every call has.
func (w *world) public(action string) map[string]string {
	return map[string]string{
		"Action": action, "AccessKeyId": w.key, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": fmt.Sprintf("nonce-%d", w.nonce.Add(1)), "Timestamp": epoch().Format("2006-01-02T15:04:05Z"), "Version": "2019-08-08",
	}
}

// reply is an answer as it came.
type reply struct {
	status int
	body   map[string]any
	raw    string
}

// code is the code under whichever key it came.
func (r reply) code() string {
	for _, key := range []string{"Code", "code"} {
		if v, ok := r.body[key]; ok {
			return fmt.Sprint(v)
		}
	}
	return ""
}

// send signs and sends a call; the body is sent as it is.
func (w *world) send(method, path string, query map[string]string, body string) (reply, error) {
	signed := maps.Clone(query)
	if signed["Signature"] == "" {
		signed["Signature"] = mySign(method, query, w.secret)
	}
	form := make([]string, 0, len(signed))
	for k, v := range signed {
		form = append(form, urlEscape(k)+"="+urlEscape(v))
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path+"?"+strings.Join(form, "&"), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	out := reply{status: res.StatusCode, raw: string(raw)}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&out.body)
	return out, err
}

// try calls an action: a GET's arguments go in the query, a POST's in the body.
func (w *world) try(method, path, action string, args map[string]any) reply {
	w.t.Helper()
	query, body := w.public(action), ""
	if method == http.MethodGet {
		for k, v := range args {
			query[k] = fmt.Sprint(v)
		}
	} else if args != nil {
		b, err := json.Marshal(args)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(b)
	}
	r, err := w.send(method, path, query, body)
	if err != nil {
		w.t.Fatalf("calling %s: %v", action, err)
	}
	return r
}

type args = map[string]any

// get and post call an action that must be done, and return the whole answer.
func (w *world) get(path, action string, a args) map[string]any {
	w.t.Helper()
	return w.done(action, w.try(http.MethodGet, path, action, a))
}

func (w *world) post(path, action string, a args) map[string]any {
	w.t.Helper()
	return w.done(action, w.try(http.MethodPost, path, action, a))
}

func (w *world) done(action string, r reply) map[string]any {
	w.t.Helper()
	if r.status != http.StatusOK || r.code() != "Success" && r.code() != "OK" {
		w.t.Fatalf("%s: status %d, %s", action, r.status, r.raw)
	}
	return r.body
}

// dig follows keys and indexes into an answer; nil when the way ends.
func dig(v any, way ...any) any {
	for _, step := range way {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func text(v any, way ...any) string {
	switch x := dig(v, way...).(type) {
	case nil:
		return ""
	case string:
		return x
	default:
		return fmt.Sprint(x)
	}
}

func urlEscape(s string) string {
	return strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", " ", "+", "=", "%3D", "#", "%23", ";", "%3B").Replace(s)
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	if err := w.Advance(d); err != nil {
		w.t.Fatalf("advancing: %v", err)
	}
}

// network is a vpc with one subnet, and a gateway on edge nodes.
type network struct{ vpc, subnet, gateway string }

func (w *world) network(region, zone string) network {
	w.t.Helper()
	a := args{
		"RegionCode": region, "VPCName": "net", "VPCSegment": "10.15.0.0/16", "VPCSegmentType": "manual",
		"SubnetList": []args{{"AvailableZoneCode": zone, "SubnetName": "sub", "SubnetSegment": "10.15.1.0/24"}},
	}
	if region != cloudRegion {
		a["BandwidthType"] = "Bandwidth_China_Telecom"
	}
	made := w.post(vpcs, "CreateVPC", a)
	n := network{vpc: text(made, "Data", "VPCId"), subnet: text(made, "Data", "SubnetIdList", 0)}
	w.advance(time.Second)
	if region != cloudRegion {
		made = w.post(vpcs, "CreateVirtualGateWay", args{"VPCId": n.vpc, "VirtualGateWayList": []args{{
			"AvailableZoneCode": zone, "VirtualGateWayName": "gate", "VirtualGateWaySegment": "10.15.2.0/24", "Type": "Bandwidth_China_Telecom",
		}}})
		n.gateway = text(made, "Data", "VirtualGateWayIdList", 0)
		w.advance(time.Second)
	}
	return n
}

// order is a sound CreateInstance with changes; a nil value removes an argument.
func order(n network, zone string, change args) args {
	a := args{
		"AvailableZoneCode": zone, "EcsFamilyName": fam, "Cpu": 2, "Ram": 4, "BillingMethod": "0", "Password": password,
		"ImageId": ubuntu, "SystemDisk": args{"DiskFeature": "ssd", "Size": 40}, "DataDisk": []any{},
		"VpcInfo": args{"VpcId": n.vpc}, "SubnetInfo": args{"SubnetId": n.subnet}, "Name": "web",
	}
	for k, v := range change {
		a[k] = v
		if v == nil {
			delete(a, k)
		}
	}
	return a
}

// create buys instances and waits until they run.
func (w *world) create(n network, zone string, change args) []string {
	w.t.Helper()
	made := w.post(ecs, "CreateInstance", order(n, zone, change))
	ids := []string{}
	for _, id := range dig(made, "Data", "EcsIdSet").([]any) {
		ids = append(ids, id.(string))
	}
	w.advance(time.Second)
	return ids
}

func (w *world) status(id string) string {
	w.t.Helper()
	return text(w.post(ecs, "DescribeInstanceStatus", args{"EcsIds": []string{id}}), "Data", "EcsStatus", id, "Status")
}
