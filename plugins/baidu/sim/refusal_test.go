package sim_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
)

// text is a string of an answer.
func text(out object, name string) string {
	s, _ := out[name].(string)
	return s
}

func del(path string) call { return call{method: http.MethodDelete, path: path} }

func TestNetworkRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def, _ := w.ok(get("/v1/vpc").with("isDefault", "true"))["vpcs"].([]any)
	first, _ := def[0].(map[string]any)
	net := text(w.ok(post("/v1/vpc", object{"name": "net", "cidr": "10.0.0.0/16"})), "vpcId")
	part := text(w.ok(post("/v1/subnet", object{"name": "part", "zoneName": "cn-bj-a", "cidr": "10.0.1.0/24", "vpcId": net})), "subnetId")
	g := text(w.ok(post("/v2/securityGroup", object{"name": "g", "vpcId": net})), "securityGroupId")
	rule := func(change object) object {
		r := object{"direction": "ingress", "protocol": "tcp", "portRange": "80-90", "sourceIp": "all"}
		for k, v := range change {
			r[k] = v
		}
		return object{"rule": r}
	}
	w.ok(put("/v2/securityGroup/"+g, "authorizeRule", rule(nil)))
	subnet := func(change object) call {
		body := object{"name": "more", "zoneName": "cn-bj-a", "cidr": "10.0.2.0/24", "vpcId": net}
		for k, v := range change {
			body[k] = v
		}
		return post("/v1/subnet", body)
	}
	cases := map[string]struct {
		reason string
		call   call
		status int
	}{
		"PublicRange":  {"ranges are private", post("/v1/vpc", object{"name": "x", "cidr": "8.8.0.0/16"}), 400},
		"HostBits":     {"ranges have no host bits", post("/v1/vpc", object{"name": "x", "cidr": "10.0.0.1/16"}), 400},
		"NoName":       {"networks have names", post("/v1/vpc", object{"cidr": "10.0.0.0/16"}), 400},
		"DeleteInUse":  {"a network with subnets stays", del("/v1/vpc/" + net), 412},
		"DeleteFirst":  {"the default network stays", del("/v1/vpc/" + text(first, "vpcId")), 412},
		"NoNetwork":    {"an unknown network", get("/v1/vpc/vpc-none"), 404},
		"Stranger":     {"networks of others", get("/v1/vpc/"+net).as(otherKey, otherSecret), 404},
		"Overlap":      {"subnets do not overlap", subnet(object{"cidr": "10.0.1.128/25"}), 400},
		"Outside":      {"subnets lie in the network", subnet(object{"cidr": "10.9.0.0/24"}), 400},
		"BadZone":      {"zones are checked", subnet(object{"zoneName": "cn-gz-a"}), 400},
		"BadType":      {"so are types", subnet(object{"subnetType": "ABC"}), 400},
		"NoVPC":        {"the network must exist", subnet(object{"vpcId": "vpc-none"}), 404},
		"GetSubnet":    {"a subnet can be read", get("/v1/subnet/" + part), 200},
		"NoSubnet":     {"an unknown subnet", get("/v1/subnet/sbn-none"), 404},
		"RuleTwice":    {"a rule exists once", put("/v2/securityGroup/"+g, "authorizeRule", rule(nil)), 412},
		"RuleUnknown":  {"an unknown rule cannot go", put("/v2/securityGroup/"+g, "revokeRule", rule(object{"portRange": "1"})), 404},
		"RuleMissing":  {"the rule is required", put("/v2/securityGroup/"+g, "authorizeRule", object{}), 400},
		"BadDirection": {"directions are two", put("/v2/securityGroup/"+g, "authorizeRule", rule(object{"direction": "up"})), 400},
		"BadPorts":     {"ports are ranges", put("/v2/securityGroup/"+g, "authorizeRule", rule(object{"portRange": "90-80"})), 400},
		"BadProtocol":  {"protocols are a closed list", put("/v2/securityGroup/"+g, "authorizeRule", rule(object{"protocol": "gre"})), 400},
		"BadSource":    {"sources are addresses", put("/v2/securityGroup/"+g, "authorizeRule", rule(object{"sourceIp": "everyone"})), 400},
		"NoGroup":      {"an unknown group", get("/v2/securityGroup/g-none"), 404},
		"GroupName":    {"groups have names", post("/v2/securityGroup", object{"name": ""}), 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status {
				t.Errorf("%s: %d, want %d (%s)", c.reason, a.status, c.status, a.raw)
			}
		})
	}
	w.ok(del("/v1/subnet/" + part))
	w.ok(del("/v1/vpc/" + net))
	if a := w.do(get("/v2/securityGroup/" + g)); a.status != 404 {
		t.Errorf("the groups of a network go with it: %d", a.status)
	}
}

func TestAddressAndDiskRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	month := object{"paymentTiming": "Prepaid", "billingMethod": "ByBandwidth", "reservation": object{"reservationLength": 1, "reservationTimeUnit": "month"}}
	hour := object{"paymentTiming": "Postpaid", "billingMethod": "ByTraffic"}
	kept := text(w.ok(post("/v1/eip", object{"bandwidthInMbps": 5, "billing": month})), "eip")
	free := text(w.ok(post("/v1/eip", object{"bandwidthInMbps": 5, "billing": hour})), "eip")
	host, _ := w.buy(machine(object{"networkCapacityInMbps": 1}))
	disks, _ := w.ok(post("/v2/volume", object{"cdsSizeInGB": 20, "storageType": "hp1", "billing": month}))["volumeIds"].([]any)
	disk, _ := disks[0].(string)
	cases := map[string]struct {
		reason string
		call   call
		status int
	}{
		"Traffic":     {"traffic is not prepaid", post("/v1/eip", object{"bandwidthInMbps": 5, "billing": object{"paymentTiming": "Prepaid", "billingMethod": "ByTraffic", "reservation": month["reservation"]}}), 400},
		"NoMethod":    {"hourly addresses have a method", post("/v1/eip", object{"bandwidthInMbps": 5, "billing": object{"paymentTiming": "Postpaid"}}), 400},
		"Bandwidth":   {"bandwidth is bounded", post("/v1/eip", object{"bandwidthInMbps": 201, "billing": hour}), 400},
		"Grow":        {"a prepaid address may grow", put("/v1/eip/"+kept, "resize", object{"newBandwidthInMbps": 6}), 200},
		"Shrink":      {"but not shrink", put("/v1/eip/"+kept, "resize", object{"newBandwidthInMbps": 1}), 400},
		"DeletePaid":  {"nor be deleted", del("/v1/eip/" + kept), 412},
		"RefundFree":  {"an hourly address has no refund", put("/v1/eip/refund/"+free, "x", nil), 412},
		"RenewFree":   {"nor a renewal", put("/v1/eip/"+free, "purchaseReserved", object{"billing": month}), 412},
		"BindNone":    {"the instance must exist", put("/v1/eip/"+free, "bind", object{"instanceType": "BCC", "instanceId": "i-none"}), 404},
		"BindBLB":     {"only instances are simulated", put("/v1/eip/"+free, "bind", object{"instanceType": "BLB", "instanceId": host}), 400},
		"BindTwice":   {"an instance has one address", put("/v1/eip/"+free, "bind", object{"instanceType": "BCC", "instanceId": host}), 412},
		"Unbind":      {"a free address is not bound", put("/v1/eip/"+free, "unbind", nil), 412},
		"NoAddress":   {"an unknown address", del("/v1/eip/198.18.255.1"), 404},
		"SmallDisk":   {"disks are bounded", post("/v2/volume", object{"cdsSizeInGB": 1, "billing": hour}), 400},
		"DiskType":    {"their types are a closed list", post("/v2/volume", object{"cdsSizeInGB": 20, "storageType": "gold", "billing": hour}), 400},
		"AttachEarly": {"a disk that is made cannot be attached", put("/v2/volume/"+disk, "attach", object{"instanceId": host}), 412},
		"NoDisk":      {"an unknown disk", get("/v2/volume/v-none"), 404},
		"Detach":      {"a free disk cannot be detached", put("/v2/volume/"+disk, "detach", object{"instanceId": host}), 412},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status {
				t.Errorf("%s: %d, want %d (%s)", c.reason, a.status, c.status, a.raw)
			}
		})
	}
	w.advance(time.Second)
	if a := w.do(del("/v2/volume/" + disk)); a.status != 412 {
		t.Errorf("a prepaid disk stays: %d", a.status)
	}
	w.advance(60 * 24 * time.Hour)
	w.ok(del("/v2/volume/" + disk))
	w.ok(del("/v1/eip/" + kept))
	list, _ := w.ok(get("/v1/eip").with("status", "paused"))["eipList"].([]any)
	if len(list) != 1 {
		t.Errorf("the address of the instance has ended too: %v", list)
	}
}

// A refund takes disks and address along, and gives all money back.
func TestRelatedRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.RefundAtOnce = true })
	id, order := w.buy(machine(object{"networkCapacityInMbps": 5, "createCdsList": []object{{"cdsSizeInGB": 50, "storageType": "hp1"}}}))
	if got := w.order(order); got["serviceType"] != "BCC__CDS__EIP" || got["price"] != jsonNumber("422.00") {
		t.Errorf("one order for all parts, 272 + 35 + 115: %v of %v", got["price"], got["serviceType"])
	}
	out := w.ok(post("/v2/instance/delete", object{"instanceId": id, "relatedReleaseFlag": true}))
	gone, _ := out["successResources"].(map[string]any)
	if out["instanceRefundFlag"] != true || gone["instanceId"] != id || gone["eip"] == "" || len(gone["volumeIds"].([]any)) != 1 {
		t.Errorf("the answer names what goes: %v", out)
	}
	w.advance(time.Second)
	r := w.Report(10)
	if b := r.Accounts["partner"]; r.Hosts+r.EIPs+r.Volumes != 0 || b.Refunded != b.Spent {
		t.Errorf("everything went, and all money came back: %+v", r)
	}
}

func TestOldCreateAndPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.ok(post("/v2/instance", object{"imageId": linux, "cpuCount": 1, "memoryCapacityInGB": 4, "billing": object{"paymentTiming": "Postpaid"}}))
	if ids, _ := out["instanceIds"].([]any); len(ids) != 1 || out["warningList"] == nil || out["orderId"] != nil {
		t.Errorf("the old create answers ids and warnings: %v", out)
	}
	price := func(change object) call {
		body := object{"spec": spec, "paymentTiming": "Postpaid"}
		for k, v := range change {
			body[k] = v
		}
		return post("/v2/instance/price", body)
	}
	for name, c := range map[string]struct {
		change object
		status int
	}{
		"Hour": {nil, 200}, "Zone": {object{"zoneName": "cn-gz-a"}, 400}, "Spec": {object{"spec": "none"}, 404},
		"Payment": {object{"paymentTiming": "Barter"}, 400}, "Term": {object{"paymentTiming": "Prepaid", "purchaseLength": 11}, 400},
	} {
		if a := w.do(price(c.change)); a.status != c.status {
			t.Errorf("%s: %d, want %d (%s)", name, a.status, c.status, a.raw)
		}
	}
}

// Without names of headers the vendor's default ones are signed.
func TestDefaultHeaders(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/v2/zone", strings.NewReader("{}"))
	r.Host = "h.example"
	r.Header.Set("X-Bce-Date", "now")
	r.Header.Set("User-Agent", "unsigned")
	text, _, _, err := sim.Sign(r, "bce-auth-v1/ak/2020-02-20T08:00:00Z/1800//"+strings.Repeat("0", 64), partnerSecret)
	if want := "POST\n/v2/zone\n\ncontent-length:2\nhost:h.example\nx-bce-date:now"; err != nil || text != want {
		t.Errorf("got %q, %v; want %q", text, err, want)
	}
}

func TestReadmeNamesEveryAction(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sim.Operations() {
		if !strings.Contains(string(page), name) {
			t.Errorf("README.md does not name %s", name)
		}
	}
}

// Keys, passwords and tokens leave the simulator in answers to their owner alone.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "state")
	w := newWorld(t, func(c *sim.Config) {
		c.Logger, c.StateFile = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), path
	})
	cipher := encrypt(partnerSecret, password)
	w.try(machine(object{"adminPass": cipher}), "token")
	signIn := text(w.ok(post("/v1/signinSecurityToken", nil).with("userId", userOne)), "sessionToken")
	role := w.ok(post("/v1/credential", nil).with("assumeRole", "").with("accountId", accountOne).with("roleName", "r"))
	w.do(get("/v2/zone").as(partnerKey, otherSecret))
	places := map[string]string{"log": log.String()}
	for _, page := range []string{"/calls", "/state", "/faults", "/limits"} {
		rec := httptest.NewRecorder()
		w.Admin().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, page, nil))
		places[page] = rec.Body.String()
	}
	state, err := os.ReadFile(path)
	if err != nil || len(state) == 0 {
		t.Fatalf("no state: %v", err)
	}
	places["state file"] = string(state)
	for place, content := range places {
		for name, secret := range map[string]string{
			"secret key": partnerSecret, "password": password, "encrypted password": cipher, "sign-in token": signIn,
			"temporary secret": text(role, "secretAccessKey"), "session token": text(role, "sessionToken"),
		} {
			if strings.Contains(content, secret) {
				t.Errorf("the %s is in %s", name, place)
			}
		}
	}
}
