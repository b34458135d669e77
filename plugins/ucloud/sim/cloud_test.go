package sim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/plugins/ucloud/sim"
)

func recorder(h http.Handler, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func TestPagingAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		if code := retCode(w.form(signed(rawCreate(map[string]string{"MaxCount": "60"})))); code != 0 {
			t.Fatalf("create: %d", code)
		}
	}
	w.create("other")
	page := func(offset, limit int, tag string) (total any, n int) {
		out := w.form(signed(map[string]string{
			"Action": "DescribeUHostInstance", "Region": region, "Tag": tag,
			"Offset": fmt.Sprint(offset), "Limit": fmt.Sprint(limit),
		}))
		set, _ := out["UHostSet"].([]any)
		return out["TotalCount"], len(set)
	}
	cases := map[string]struct {
		reason        string
		offset, limit int
		tag           string
		total         float64
		n             int
	}{
		"First":  {"the first page is full", 0, 100, "", 121, 100},
		"Last":   {"the last page has the rest", 100, 100, "", 121, 21},
		"Beyond": {"beyond the end there is nothing", 500, 100, "", 121, 0},
		"Tag":    {"the tag filters", 0, 100, "other", 1, 1},
		"NoTag":  {"an unknown tag finds nothing", 0, 100, "none", 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if total, n := page(c.offset, c.limit, c.tag); total != c.total || n != c.n {
				t.Errorf("%s: %v hosts in all, %d on the page; want %v, %d", c.reason, total, n, c.total, c.n)
			}
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("mine")
	cases := map[string]struct {
		reason string
		change map[string]string
		want   float64
	}{
		"Mine":    {"the owner sees it", nil, 1},
		"Project": {"another project does not", map[string]string{"ProjectId": "org-two"}, 0},
		"Region":  {"another region does not", map[string]string{"Region": "hk"}, 0},
		"Zone":    {"another zone does not", map[string]string{"Zone": "cn-bj2-05"}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			values := map[string]string{"Action": "DescribeUHostInstance", "Region": region, "UHostIds.0": id}
			for k, v := range c.change {
				values[k] = v
			}
			if got := w.form(signed(values))["TotalCount"]; got != c.want {
				t.Errorf("%s: %v", c.reason, got)
			}
		})
	}
}

func TestStockQuotaAndBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *simConfig) {
		c.Limits = sim.Limits{MaxHosts: 6, MaxEIPs: 1, Stock: []sim.Stock{{Zone: zone, MachineType: "N", Count: 3}}}
	})
	try := func(change map[string]string) (int, int) {
		out := w.form(signed(rawCreate(change)))
		ids, _ := out["UHostIds"].([]any)
		return retCode(out), len(ids)
	}
	if code, n := try(map[string]string{"MaxCount": "5"}); code != 0 || n != 3 {
		t.Errorf("short stock makes fewer hosts without an error: code %d, %d hosts", code, n)
	}
	if code, _ := try(nil); code != 8320 {
		t.Errorf("no stock: code %d, want 8320", code)
	}
	if code, _ := try(map[string]string{"MaxCount": "5", "Zone": "cn-bj2-05"}); code != 8095 {
		t.Errorf("an exceeded quota is an error: code %d, want 8095", code)
	}
	eip := map[string]string{"Action": "AllocateEIP", "Region": region, "OperatorName": "Bgp", "Bandwidth": "1", "Count": "2"}
	if code := retCode(w.form(signed(eip))); code != 4207 {
		t.Errorf("EIP quota: code %d, want 4207", code)
	}
	if err := w.SetLimits(sim.Limits{}); err != nil {
		t.Fatal(err)
	}
	if code, _ := try(map[string]string{"ChargeType": "Year", "Quantity": "10", "MaxCount": "100"}); code != 8104 {
		t.Errorf("a dear order: code %d, want 8104", code)
	}
	eip["Bandwidth"], eip["Count"] = "10000", "100"
	if code := retCode(w.form(signed(eip))); code != 4057 {
		t.Errorf("dear addresses: code %d, want 4057", code)
	}
}

func TestHourlyBilling(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, charge string
		atOnce, later  sim.Fen
	}{
		"Dynamic": {"the first hour is paid ahead, each further hour when it begins", "Dynamic", 43, 43 * 4},
		"Postpay": {"hours are paid when they are over", "Postpay", 0, 43 * 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if code := retCode(w.form(signed(rawCreate(map[string]string{"ChargeType": c.charge})))); code != 0 {
				t.Fatalf("create: %d", code)
			}
			if got := w.Report(1).Accounts["one"].Spent; got != c.atOnce {
				t.Errorf("%s: at once %v, want %v", c.reason, got, c.atOnce)
			}
			mustAdvance(t, w.Cloud, 3*time.Hour+time.Minute)
			if got := w.Report(1).Accounts["one"].Spent; got != c.later {
				t.Errorf("%s: after three hours %v, want %v", c.reason, got, c.later)
			}
		})
	}
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	cfg := config()
	cfg.StateFile = path
	first, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	call := func(c *sim.Cloud, values map[string]string) {
		t.Helper()
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encode(signed(values))))
		if res := recorder(c, req); res.StatusCode != 200 {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	call(first, rawCreate(map[string]string{"Tag": "kept", "MaxCount": "3", "NetworkInterface.0.EIP.OperatorName": "Bgp", "NetworkInterface.0.EIP.Bandwidth": "1"}))
	call(first, rawCreate(map[string]string{"Tag": "hourly", "ChargeType": "Dynamic"}))
	call(first, rawCreate(map[string]string{"Tag": "gone"}))
	mustAdvance(t, first, 90*time.Minute)
	gone := first.FirstHost("gone")
	call(first, map[string]string{"Action": "PoweroffUHostInstance", "Region": region, "UHostId": gone})
	mustAdvance(t, first, time.Minute)
	call(first, map[string]string{"Action": "TerminateUHostInstance", "Region": region, "UHostId": gone})
	want := first.Report(100)
	if want.Hosts != 4 || want.HostsByTag["gone"] != 0 || want.Bought["uhost.tag"]["gone"].Orders != 1 {
		t.Fatalf("a terminated host is gone but stays bought: %+v", want)
	}
	// The first cloud is not closed: it is killed, in the middle of a line.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"hosts":[{"id":"uhost-torn`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	for _, reason := range []string{"after a kill", "after a clean end"} {
		again, err := sim.New(cfg)
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		if diff := cmp.Diff(want, again.Report(100), cmp.AllowUnexported(sim.Bought{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
		checkBooks(t, again)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_ = first.Close()
}

func TestMonthsKeepTheDay(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, day int) time.Time { return time.Date(2027, month, day, 4, 0, 0, 0, time.UTC) }
	cases := map[string]struct {
		reason     string
		from, want time.Time
		months     int
	}{
		"Same":  {"the day stays", at(1, 10), at(2, 10), 1},
		"Short": {"a short month ends the term on its last day", at(1, 31), at(2, 28), 1},
		"Long":  {"the day is taken from the start", at(1, 31), at(3, 31), 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sim.AddMonths(c.from, c.months); !got.Equal(c.want) {
				t.Errorf("%s: got %v, want %v", c.reason, got, c.want)
			}
		})
	}
}

func TestStateFileOfAnotherCloud(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte(`{"books":{"stranger":{}}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.StateFile = path
	if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), `"stranger"`) {
		t.Errorf("an account that is not configured must be named: %v", err)
	}
}

// TestBooksProperty drives random calls and clock moves; the books must hold after each.
func TestBooksProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		cfg := config()
		cfg.Accounts[0].PricePercent = rapid.Int64Range(1, 100).Draw(rt, "percent")
		cfg.Faults = []sim.Fault{{Kind: sim.KindRetCode, After: true, Percent: 10}}
		cloud, err := sim.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		m := &machine{cloud: cloud}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			m.step(rt)
			for name, b := range cloud.Report(1).Accounts {
				if b.Balance != b.Start+b.Recharged-b.Spent+b.Refunded || b.Refunded > b.Spent ||
					cloud.BillSum(name) != b.Spent-b.Refunded {
					rt.Fatalf("account %q does not add up: %+v", name, b)
				}
			}
		}
	})
}

// machine remembers the ids of what it bought.
type machine struct {
	cloud *sim.Cloud
	hosts []string
	eips  []string
}

func (m *machine) call(values map[string]string) string {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encode(signed(values))))
	rec := httptest.NewRecorder()
	m.cloud.ServeHTTP(rec, req)
	return rec.Body.String()
}

func (m *machine) step(t *rapid.T) {
	charge := rapid.SampledFrom([]string{"Year", "Month", "Dynamic"}).Draw(t, "charge")
	quantity := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "quantity"))
	target := map[string]string{"Region": region}
	if n := len(m.hosts); n > 0 {
		target["UHostId"] = m.hosts[rapid.IntRange(0, n-1).Draw(t, "host")]
		target["ResourceId"], target["ResourceType"] = target["UHostId"], "uhost"
	}
	if n := len(m.eips); n > 0 {
		target["EIPId"] = m.eips[rapid.IntRange(0, n-1).Draw(t, "eip")]
	}
	switch action := rapid.SampledFrom([]string{
		createAction, "AllocateEIP", "advance", "PoweroffUHostInstance", "TerminateUHostInstance",
		"CreateRenew", "ReleaseEIP", "BindEIP", "UnBindEIP", "recharge",
	}).Draw(t, "action"); action {
	case createAction:
		m.hosts = append(m.hosts, quoted(m.call(rawCreate(map[string]string{
			"ChargeType": charge, "Quantity": quantity, "NetworkInterface.0.EIP.OperatorName": "Bgp", "NetworkInterface.0.EIP.Bandwidth": "3",
		})), "uhost-")...)
	case "AllocateEIP":
		m.eips = append(m.eips, quoted(m.call(map[string]string{
			"Action": action, "Region": region, "OperatorName": "Bgp", "Bandwidth": "9", "ChargeType": charge, "Quantity": quantity,
		}), "eip-")...)
	case "advance":
		if err := m.cloud.Advance(time.Duration(rapid.IntRange(0, 40*24*3600).Draw(t, "seconds")) * time.Second); err != nil {
			t.Fatal(err)
		}
	case "recharge":
		if err := m.cloud.Recharge("one", sim.Fen(rapid.IntRange(1, 100000).Draw(t, "fen"))); err != nil {
			t.Fatal(err)
		}
	default:
		target["Action"], target["Quantity"], target["ReleaseEIP"] = action, quantity, "true"
		m.call(target)
	}
}

// quoted finds ids with a prefix in an answer.
func quoted(body, prefix string) []string {
	var out []string
	for _, s := range strings.Split(body, `"`) {
		if strings.HasPrefix(s, prefix) {
			out = append(out, s)
		}
	}
	return out
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Accounts[0].BalanceFen = 1_000_000_00
	cfg.CallLogSize = 50
	cloud, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const workers, each = 16, 20
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			m := &machine{cloud: cloud}
			for i := range each {
				tag := fmt.Sprintf("w%d-%d", worker, i)
				m.call(rawCreate(map[string]string{"Tag": tag}))
				m.call(map[string]string{"Action": "DescribeUHostInstance", "Region": region, "Tag": tag})
				_ = cloud.SetFaults(sim.Fault{Kind: sim.KindLatency, DelayMS: 0})
				_ = cloud.Advance(time.Millisecond)
				cloud.Report(5)
				cloud.Calls(5)
			}
		})
	}
	wg.Wait()
	r := cloud.Report(1000)
	if r.Hosts != workers*each || len(r.BoughtTwice) != 0 || r.Accounts["one"].Spent != 200_00*workers*each {
		t.Errorf("got %d hosts, twice %v, spent %v", r.Hosts, r.BoughtTwice, r.Accounts["one"].Spent)
	}
	if calls := cloud.Calls(1000); len(calls) != 50 || calls[49].Seq-calls[0].Seq != 49 {
		t.Errorf("the log keeps the newest in order: %d calls", len(calls))
	}
	checkBooks(t, cloud)
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	_, err := sim.New(sim.Config{
		Accounts: []sim.Account{{Name: "a b", PublicKey: "p", PrivateKey: "q", PricePercent: 101}, {Name: "c", PublicKey: "p", PrivateKey: "q"}},
		Limits:   sim.Limits{Stock: []sim.Stock{{}}},
		Faults:   []sim.Fault{{Kind: "x"}},
	})
	for _, want := range []string{"accounts[0].name", "accounts[0].price_percent", "accounts[1]", "limits.stock[0]", "faults[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the message names %s: %v", want, err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	for name, file := range map[string]string{"memory": "", "state": filepath.Join(b.TempDir(), "state")} {
		b.Run(name, func(b *testing.B) {
			cfg := config()
			cfg.Accounts[0].BalanceFen = 1 << 60
			cfg.StateFile = file
			cloud, err := sim.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			body := encode(signed(rawCreate(nil)))
			for b.Loop() {
				rec := httptest.NewRecorder()
				cloud.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
			if got := cloud.BoughtHosts("raw").Resources; got != b.N {
				b.Errorf("%d of %d creates were made", got, b.N)
			}
			_ = cloud.Close()
		})
	}
}
