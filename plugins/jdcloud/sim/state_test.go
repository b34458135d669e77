package sim_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/jdcloud/sim"
)

// reopen ends a cloud as a kill would, without Close, and starts the next one.
func reopen(t *testing.T, w *world, path string) *world {
	t.Helper()
	cfg := config()
	cfg.StateFile = path
	cloud, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("starting again: %v", err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(func() {
		srv.Close()
		checkBooks(t, cloud)
		_ = cloud.Close()
	})
	return &world{Cloud: cloud, url: srv.URL, t: t, key: w.key, secret: w.secret}
}

func TestStateSurvivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sim.state")
	w := newWorld(t, func(c *sim.Config) { c.StateFile = path })
	body := map[string]any{"clientToken": "token-1", "instanceSpec": w.spec(map[string]any{
		"charge": monthly, "userTags": []any{map[string]any{"key": "order", "value": "o-1"}},
	})}
	id := w.ok("vm", "POST", vmPath, body).first("instanceIds")
	made := w.ok("iam", "POST", "/v1/subUser", map[string]any{"createSubUserInfo": map[string]any{"name": "worker", "password": "Correct7horse", "createAk": true}})
	gone := w.running(nil)
	w.ok("vm", "DELETE", vmPath+"/"+gone, nil)
	w.advance(3 * time.Hour)
	before := w.Report(100)

	torn, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{secret, password, made.text("subUser", "secretAccessKey"), "Correct7horse"} {
		if bytes.Contains(torn, []byte(s)) {
			t.Error("the state file holds a secret")
		}
	}
	if err := os.WriteFile(path, append(torn, []byte(`{"seq":99999,"set":{"inst`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	next := reopen(t, w, path)
	if diff := cmp.Diff(before, next.Report(100)); diff != "" {
		t.Errorf("the state differs after a kill: %s", diff)
	}
	if again := next.ok("vm", "POST", vmPath, body).first("instanceIds"); again != id {
		t.Errorf("the token bought again: %q, want %q", again, id)
	}
	if next.BoughtHosts("order=o-1").Orders != 1 {
		t.Error("the purchase was forgotten")
	}
	user := &world{Cloud: next.Cloud, url: next.url, t: t, key: made.text("subUser", "accessKey"), secret: made.text("subUser", "secretAccessKey")}
	user.ok("user", "GET", "/v1/describeUser", nil)
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	next.refused("UNAVAILABLE", "vm", "GET", vmPath, nil)
	third := reopen(t, w, path)
	if diff := cmp.Diff(before.Accounts, third.Report(100).Accounts); diff != "" {
		t.Errorf("the books differ after compaction: %s", diff)
	}
}

func TestBadStateFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"NotJSON":      "nonsense\n",
		"UnknownTable": `{"set":{"nothing":{"a":{}}}}` + "\n",
		"UnknownGone":  `{"gone":{"nothing":["a"]}}` + "\n",
		"BadRow":       `{"set":{"instances":{"a":[]}}}` + "\n",
		"Account":      `{"set":{"books":{"stranger":{}}}}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := config()
		cfg.StateFile = path
		if _, err := sim.New(cfg); err == nil {
			t.Errorf("%s: a bad state file was accepted", name)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sim.Config){
		"NoAccounts": func(c *sim.Config) { c.Accounts = nil },
		"NoKey":      func(c *sim.Config) { c.Accounts[0].AccessKey = "" },
		"SameKey":    func(c *sim.Config) { c.Accounts[1].AccessKey = key },
		"BadName":    func(c *sim.Config) { c.Accounts[0].Name = "a b" },
		"Debt":       func(c *sim.Config) { c.Accounts[0].BalanceFen = -1 },
		"Percent":    func(c *sim.Config) { c.Accounts[0].PricePercent = 101 },
		"Limits":     func(c *sim.Config) { c.Limits.MaxHosts = -1 },
		"Stock":      func(c *sim.Config) { c.Limits.Stock = []sim.Stock{{}} },
		"Faults":     func(c *sim.Config) { c.Faults = []sim.Fault{{Kind: "x"}} },
		"Regions":    func(c *sim.Config) { c.Regions = []sim.Region{{ID: "x"}} },
		"Log":        func(c *sim.Config) { c.CallLogSize = -1 },
		"Skew":       func(c *sim.Config) { c.SkewSeconds = -1 },
	} {
		cfg := config()
		change(&cfg)
		if _, err := sim.New(cfg); err == nil {
			t.Errorf("%s: a bad configuration was accepted", name)
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.running(map[string]any{"userTags": []any{map[string]any{"key": "order", "value": "o-1"}}})
	cases := map[string]struct {
		reason, method, path, body string
		code                       int
		want                       string
	}{
		"Health":     {"alive", "GET", "/healthz", "", 200, "ok"},
		"PutFaults":  {"faults are set", "PUT", "/faults", `[{"kind":"latency","delay_ms":1}]`, 200, `"latency"`},
		"BadFaults":  {"mistakes have a path", "PUT", "/faults", `[{"kind":"x"}]`, 400, "faults[0]"},
		"BadField":   {"unknown fields are refused", "PUT", "/limits", `{"nothing":1}`, 400, "nothing"},
		"PutLimits":  {"limits are set", "PUT", "/limits", `{"max_hosts":5}`, 200, `"max_hosts":5`},
		"BadLimits":  {"limits are checked", "PUT", "/limits", `{"max_hosts":-5}`, 400, "limits"},
		"State":      {"counts and books", "GET", "/state?limit=10", "", 200, `"order=o-1"`},
		"BadLimit":   {"lists are bounded", "GET", "/state?limit=0", "", 400, "limit"},
		"Calls":      {"the calls", "GET", "/calls", "", 200, `"CreateInstances"`},
		"Advance":    {"the clock", "POST", "/clock/advance", `{"seconds":1}`, 200, `"now"`},
		"BadAdvance": {"time does not go back", "POST", "/clock/advance", `{"seconds":-1}`, 400, "seconds"},
		"Recharge":   {"money", "POST", "/recharge", `{"account":"one","amount_fen":100}`, 200, "balance_fen"},
		"BadMoney":   {"the account must exist", "POST", "/recharge", `{"account":"x","amount_fen":100}`, 400, "account"},
		"NoCode":     {"no code was sent", "GET", "/codes?mobile=1", "", 400, "mobile"},
	}
	for name, c := range cases {
		rec := httptest.NewRecorder()
		w.Admin().ServeHTTP(rec, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("%s (%s): %d %s, want %d and %q", name, c.reason, rec.Code, rec.Body, c.code, c.want)
		}
	}
}

// Neither the log nor the call log may hold what only a customer may know.
func TestNoSecretsInTheLogs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(c *sim.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	w.running(nil)
	w.ok("sms", "POST", "/v1/regions/cn-north-1/batchSend", map[string]any{
		"templateId": "t", "signId": "s", "phoneList": []string{"13000000003"}, "params": []string{"735911"},
	})
	w.ok("iam", "POST", "/v1/subUser", map[string]any{"createSubUserInfo": map[string]any{"name": "worker", "password": "Correct7horse"}})
	calls, _ := json.Marshal(w.Calls(100))
	for _, s := range []string{secret, password, "735911", "Correct7horse"} {
		if bytes.Contains(calls, []byte(s)) || strings.Contains(log.String(), s) {
			t.Errorf("a log holds %q", s)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(text string) int {
		req := w.request(scope{"vm", region}, "POST", vmPath, nil)
		again, err := http.NewRequestWithContext(t.Context(), "POST", w.url+vmPath, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		again.Header = req.Header
		signWith(again, scope{"vm", region}, key, secret, "", time.Now(), []byte(text))
		res := w.send(again)
		_ = res.Body.Close()
		return res.StatusCode
	}
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"Large":   {strings.Repeat("a", 2<<20), 413},
		"Deep":    {strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), 400},
		"Many":    {`{"a":[` + strings.Repeat("1,", 3000) + `1]}`, 400},
		"Broken":  {"{", 400},
		"Two":     {"{} {}", 400},
		"NoValue": {"null", 400},
		"List":    {"[]", 400},
	} {
		if got := send(c.text); got != c.want {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
	}
}
