package sim_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
)

func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	prepaid := func(n any, unit string) object {
		return object{"paymentTiming": "Prepaid", "reservation": object{"reservationLength": n, "reservationTimeUnit": unit}}
	}
	cases := map[string]struct {
		reason string
		change object
		ok     bool
	}{
		"Sound":         {"the body as it is", nil, true},
		"NoImage":       {"the image is required", object{"imageId": nil}, false},
		"BadImage":      {"the image must exist", object{"imageId": "m-none"}, false},
		"BadSpec":       {"the specification must exist", object{"spec": "bcc.zz.c9m9"}, false},
		"BySize":        {"cores and memory find a specification", object{"spec": nil, "cpuCount": 2, "memoryCapacityInGB": 4}, true},
		"OddSize":       {"unless none has that size", object{"spec": nil, "cpuCount": 3, "memoryCapacityInGB": 4}, false},
		"BadZone":       {"the zone must be in the region", object{"zoneName": "cn-gz-a"}, false},
		"ZoneSells":     {"a zone may not sell the specification", object{"zoneName": "cn-bj-d", "spec": "bcc.ic4.c1m1"}, false},
		"SmallRoot":     {"the system disk holds the image", object{"rootDiskSizeInGb": 10}, false},
		"Windows":       {"Windows needs more", object{"imageId": "m-windows2022", "rootDiskSizeInGb": 20}, false},
		"RootType":      {"the type of disk must exist", object{"rootDiskStorageType": "gold"}, false},
		"Disk":          {"a data disk", object{"createCdsList": []object{{"cdsSizeInGB": 50}}}, true},
		"BadDisk":       {"data disks are bounded", object{"createCdsList": []object{{"cdsSizeInGB": 1}}}, false},
		"TooMany":       {"a purchase is bounded", object{"purchaseCount": 101}, false},
		"BadName":       {"names begin with a letter", object{"name": "1st"}, false},
		"ChineseName":   {"Chinese names are allowed", object{"name": "服务器-1"}, true},
		"LongName":      {"names have 65 characters", object{"name": strings.Repeat("a", 66)}, false},
		"NoTagKey":      {"tags have keys", object{"tags": []object{{"tagValue": "x"}}}, false},
		"PlainPassword": {"the password is encrypted", object{"adminPass": password}, false},
		"OtherKey":      {"by the caller's own key", object{"adminPass": encrypt(otherSecret, password)}, false},
		"WeakPassword":  {"letters, digits and symbols", object{"adminPass": encrypt(partnerSecret, "onlyletters")}, false},
		"LongPassword":  {"16 characters at most", object{"adminPass": encrypt(partnerSecret, "Abcdefgh-12345678")}, false},
		"NoPassword":    {"without a password the cloud makes one", object{"adminPass": nil}, true},
		"BadPayment":    {"payment is a closed list", object{"billing": object{"paymentTiming": "Barter"}}, false},
		"NoTerm":        {"a prepaid purchase has a term", object{"billing": object{"paymentTiming": "Prepaid"}}, false},
		"TenMonths":     {"ten months are not offered", object{"billing": prepaid(10, "month")}, false},
		"TwoYears":      {"years are", object{"billing": prepaid(2, "year")}, true},
		"BadSubnet":     {"the subnet must exist", object{"subnetId": "sbn-none"}, false},
		"BadGroup":      {"the security group must exist", object{"securityGroupId": "g-none"}, false},
		"Mbps":          {"an address along with it", object{"networkCapacityInMbps": 5}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.do(post("/v2/instanceBySpec", machine(c.change)))
			if (a.status == 200) != c.ok || (!c.ok && a.code != "InappropriateJSON") {
				t.Errorf("%s: %d %s", c.reason, a.status, a.raw)
			}
		})
	}
}

func TestStateRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.buy(machine(object{"deletionProtection": 1}))
	hour, _ := w.buy(postpaid(nil))
	path := "/v2/instance/" + id
	if a := w.do(put(path, "reboot", object{})); a.status != 412 {
		t.Errorf("a starting instance cannot reboot: %d", a.status)
	}
	w.advance(time.Second)
	cases := map[string]struct {
		reason string
		call   call
		status int
	}{
		"StartRunning":  {"a running instance cannot start", put(path, "start", nil), 412},
		"ResizeRunning": {"nor change its size", put("/v2/instanceBySpec/"+id, "resize", object{"spec": "bcc.g5.c4m16"}), 412},
		"ResizeLive":    {"unless live", put("/v2/instanceBySpec/"+hour, "resize", object{"spec": "bcc.g5.c4m16", "liveResize": true}), 200},
		"DeletePrepaid": {"a prepaid instance is refunded, not deleted", call{method: "DELETE", path: path}, 412},
		"Protected":     {"protection holds against refunds", post("/v2/instance/delete", object{"instanceId": id}), 412},
		"RefundHourly":  {"an hourly instance is deleted, not refunded", post("/v2/instance/delete", object{"instanceId": hour}), 412},
		"RenewHourly":   {"nor renewed", put("/v2/instance/"+hour, "purchaseReserved", object{"billing": object{"reservation": object{"reservationLength": 1}}}), 412},
		"PrepayTwice":   {"a prepaid instance stays so", call{method: "POST", path: path, query: map[string]string{"toPrepay": ""}, body: object{"duration": 1}}, 412},
		"NoSuch":        {"an unknown instance", get("/v2/instance/i-none"), 404},
		"Stranger":      {"instances of others are not found", get(path).as(otherKey, otherSecret), 404},
		"OtherRegion":   {"nor in another region", call{method: "GET", path: path, host: "bcc.gz.baidubce.com"}, 404},
		"BadRename":     {"names are checked", put(path, "modifyAttribute", object{"name": ""}), 400},
		"Describe":      {"a description", put(path, "modifyDesc", object{"desc": "text"}), 200},
		"BadGroup":      {"an unknown group", put(path, "bind", object{"securityGroupId": "g-none"}), 404},
		"BadRebuild":    {"an unknown image", put(path, "rebuild", object{"imageId": "m-none"}), 400},
		"BadPassword":   {"a password is required", put(path, "changePass", object{}), 400},
		"BatchNone":     {"a batch needs ids", post("/v2/instance/batchRefundResource", object{}), 400},
		"BadMarker":     {"markers come from the cloud", get("/v2/instance").with("marker", "?"), 400},
		"BadMaxKeys":    {"pages are bounded", get("/v2/instance").with("maxKeys", "1001"), 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status {
				t.Errorf("%s: %d, want %d (%s)", c.reason, a.status, c.status, a.raw)
			}
		})
	}
	w.ok(call{method: "DELETE", path: "/v2/instance/" + hour})
}

func TestListPagingAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(post("/v2/instanceBySpec", postpaid(object{"purchaseCount": 5, "name": "many", "autoSeqSuffix": true})))
	w.buy(machine(object{"zoneName": "cn-bj-d", "tags": []object{{"tagKey": "a", "tagValue": "b"}}}))
	seen, marker, pages := map[any]bool{}, "", 0
	for {
		out := w.ok(get("/v2/instance").with("maxKeys", "2").with("marker", marker))
		rows, _ := out["instances"].([]any)
		for _, r := range rows {
			one, _ := r.(map[string]any)
			seen[one["name"]] = true
		}
		pages++
		if out["isTruncated"] != true {
			break
		}
		marker, _ = out["nextMarker"].(string)
	}
	if pages != 3 || len(seen) != 6 || !seen["many0005"] {
		t.Errorf("three pages of two: %d pages, %v", pages, seen)
	}
	for filter, want := range map[string]int{
		"zoneName=cn-bj-d": 1, "paymentTiming=Postpaid": 5, "status=Starting": 6, "status=Running": 0, "tags=a:b": 1,
		"instanceNames=web": 1, "fuzzyInstanceName=many": 5, "vpcId=none": 0, "instanceIds=i-none,i-other": 0,
	} {
		k, v, _ := strings.Cut(filter, "=")
		rows, _ := w.ok(get("/v2/instance").with(k, v))["instances"].([]any)
		if len(rows) != want {
			t.Errorf("%s: %d, want %d", filter, len(rows), want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits = sim.Limits{MaxHosts: 3, MaxEIPs: 1, Stock: []sim.Stock{{Zone: "cn-bj-a", MachineType: spec, Count: 1}}}
	})
	code := func(change object) string { return w.do(post("/v2/instanceBySpec", machine(change))).code }
	if got := code(object{"purchaseCount": 2}); got != "InsufficientStock" {
		t.Errorf("stock: %q", got)
	}
	if got := code(nil); got != "" {
		t.Errorf("one fits: %q", got)
	}
	if got := code(object{"purchaseCount": 3, "zoneName": "cn-bj-d"}); got != "QuotaExceeded" {
		t.Errorf("quota: %q", got)
	}
	if got := code(object{"purchaseCount": 2, "zoneName": "cn-bj-d", "networkCapacityInMbps": 1}); got != "QuotaExceeded" {
		t.Errorf("quota of addresses: %q", got)
	}
	big := object{"purchaseCount": 2, "zoneName": "cn-bj-d", "spec": "bcc.m5.c16m128", "billing": object{"paymentTiming": "Prepaid", "reservation": object{"reservationLength": 36, "reservationTimeUnit": "month"}}}
	if got := code(big); got != "InsufficientBalance" {
		t.Errorf("a dear purchase: %q", got)
	}
	out := w.ok(post("/v2/instance/getStockWithSpec", object{"spec": spec}))
	row, _ := out["bccStocks"].([]any)[0].(map[string]any)
	if number(row["inventoryQuantity"]) != 0 {
		t.Errorf("the stock is seen: %v", row)
	}
}

func TestStopWithoutCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.buy(postpaid(nil))
	w.advance(time.Hour)
	w.ok(put("/v2/instance/"+id, "stop", object{"stopWithNoCharge": true}))
	w.advance(10 * time.Hour)
	spent := w.Report(10).Accounts["partner"].Spent
	w.ok(put("/v2/instance/"+id, "start", nil))
	w.advance(2 * time.Hour)
	if got := w.Report(10).Accounts["partner"].Spent; spent != 57 || got != 3*57 {
		t.Errorf("one hour, ten without charge, two more: %v, %v", spent, got)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	there := post("/v2/instanceBySpec", machine(nil))
	there.host = "bcc.gz.baidubce.com:443"
	w.ok(there)
	list := get("/v2/instance")
	if rows, _ := w.ok(list)["instances"].([]any); len(rows) != 0 {
		t.Error("another region does not see it")
	}
	h, err := w.InRegion("gz")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	other := &world{Cloud: w.Cloud, url: srv.URL, t: t}
	rows, _ := other.ok(list)["instances"].([]any)
	if one, _ := rows[0].(map[string]any); len(rows) != 1 || one["zoneName"] != "cn-gz-a" {
		t.Errorf("a port of the region does: %v", rows)
	}
	if _, err := w.InRegion("mars"); err == nil {
		t.Error("regions are checked")
	}
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	cfg := config()
	cfg.StateFile = path
	first, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(first)
	w := &world{Cloud: first, url: srv.URL, t: t}
	status, _ := w.try(tagged("kept"), "kept-token")
	user := w.ok(post("/v1/vs/account", person(7)))["userId"]
	bought, _ := w.buy(machine(nil))
	w.ok(post("/v2/instance/delete", object{"instanceId": bought}))
	w.advance(time.Hour)
	w.ok(post(payPath, object{"orderId": w.refundOf()}))
	srv.Close()
	// The first cloud is not closed: a kill leaves the file as it is.
	second, err := sim.New(cfg)
	if err != nil || status != 200 {
		t.Fatalf("reading the state again: %v, %d", err, status)
	}
	srv = httptest.NewServer(second)
	defer srv.Close()
	w = &world{Cloud: second, url: srv.URL, t: t}
	w.try(tagged("kept"), "kept-token")
	w.advance(time.Second)
	if b := second.BoughtInstances("order:kept"); b.Orders != 1 || second.Report(10).Hosts != 1 {
		t.Errorf("the token is remembered: %+v", b)
	}
	if got := w.ok(get(fmt.Sprintf("/v1/vs/account/%v", user))); got["email"] != "p7@customer.example" {
		t.Errorf("the customer is remembered: %v", got)
	}
	if !second.Now().Equal(epoch().Add(time.Hour + time.Second)) {
		t.Errorf("the clock is remembered: %v", second.Now())
	}
	checkBooks(t, second)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if a := w.do(get("/v2/zone")); a.code != "InternalError" {
		t.Errorf("a closed cloud refuses: %s", a.raw)
	}
	third, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("reading the short form: %v", err)
	}
	if third.Report(10).Hosts != 1 {
		t.Error("the short form has everything")
	}
	checkBooks(t, third)
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*sim.Config)
		want   string
	}{
		"None":     {"an account is needed", func(c *sim.Config) { c.Accounts = nil }, "accounts"},
		"Short":    {"secrets have 16 characters", func(c *sim.Config) { c.Accounts[0].SecretKey = "short" }, "secret_key"},
		"Slash":    {"keys have no slash", func(c *sim.Config) { c.Accounts[0].AccessKey = "a/b" }, "access_key"},
		"Twice":    {"keys are unique", func(c *sim.Config) { c.Accounts[1].AccessKey = partnerKey }, "twice"},
		"Region":   {"the region must exist", func(c *sim.Config) { c.DefaultRegion = "mars" }, "default_region"},
		"Which":    {"the kind of id is a closed list", func(c *sim.Config) { c.QueryAccountID = "x" }, "query_account_id"},
		"Reseller": {"only resellers have customers", func(c *sim.Config) { c.Accounts[0].Reseller = false }, "reseller"},
		"Percent":  {"a percent", func(c *sim.Config) { c.Accounts[0].PricePercent = 101 }, "price_percent"},
		"Sign":     {"tokens live two hours at most", func(c *sim.Config) { c.SignInSeconds = 7201 }, "sign_in_seconds"},
		"Fault":    {"faults are checked", func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: "x"}} }, "faults[0]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			c.change(&cfg)
			_, err := sim.New(cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.reason, err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), partnerSecret) || strings.Contains(err.Error(), "short")) {
				t.Errorf("%s: a secret is in the error: %v", c.reason, err)
			}
		})
	}
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for k := range 5 {
				w.try(postpaid(nil), fmt.Sprintf("t%d", (n*5+k)%20))
				w.Report(10)
			}
		})
	}
	all.Wait()
	if got := w.Report(10).Hosts; got != 20 {
		t.Errorf("twenty tokens buy twenty: %d", got)
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add(encrypt(partnerSecret, password))
	f.Add("00")
	f.Fuzz(func(t *testing.T, cipher string) {
		if plain, ok := sim.Decrypt(partnerSecret, cipher); ok && encrypt(partnerSecret, plain) != strings.ToLower(cipher) {
			t.Errorf("%q decrypts to %q, which encrypts to another text", cipher, plain)
		}
	})
}

func FuzzYuan(f *testing.F) {
	f.Add("12.34")
	f.Add(`"0.10"`)
	f.Fuzz(func(t *testing.T, s string) {
		n, err := sim.ParseYuan(s)
		if err != nil {
			return
		}
		if back, err := sim.ParseYuan(n.String()); err != nil || back != n {
			t.Errorf("%q is %v, which is read as %v, %v", s, n, back, err)
		}
	})
}

func TestMonthEnds(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 1, 31, 4, 0, 0, 0, time.UTC)
	if got := sim.AddMonths(end, 1); got.UTC() != time.Date(2026, 2, 28, 4, 0, 0, 0, time.UTC) {
		t.Errorf("the last day of a short month: %v", got)
	}
}
