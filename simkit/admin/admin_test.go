package admin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
)

type fen int64

type limits struct {
	Max int `json:"max"`
}

// world is what a simulator hands in.
type world struct {
	faults  []string
	limits  limits
	now     time.Time
	balance fen
}

var errRefused = errors.New("refused by the simulator")

func (w *world) desk() *admin.Desk {
	d := admin.New()
	admin.Faults(d, func() []string { return w.faults }, func(f ...string) error {
		if len(f) > 0 && f[0] == "bad" {
			return errRefused
		}
		w.faults = f
		return nil
	})
	admin.Limits(d, func() limits { return w.limits }, func(l limits) error {
		if l.Max < 0 {
			return errRefused
		}
		w.limits = l
		return nil
	})
	admin.State(d, func(limit int) map[string]int { return map[string]int{"limit": limit} })
	admin.Calls(d, func() map[string]calls.Count { return map[string]calls.Count{"A": {Calls: 1}} }, func(limit int) []int { return []int{limit} })
	admin.Clock(d, func(by time.Duration) error {
		if by == 13*time.Second {
			return errRefused
		}
		w.now = w.now.Add(by)
		return nil
	}, func() time.Time { return w.now })
	admin.Find(d, "/double", func(q url.Values) (string, error) {
		if q.Get("of") == "" {
			return "", errRefused
		}
		return q.Get("of") + q.Get("of"), nil
	})
	admin.Recharge(d, func(account string, amount fen) error {
		if account != "one" {
			return errRefused
		}
		w.balance += amount
		return nil
	}, func() map[string]fen { return map[string]fen{"one": w.balance} })
	return d
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		"Health":       {"it tells its health", "GET", "/healthz", "", 200, `{"status":"ok"}`},
		"Faults":       {"faults are read", "GET", "/faults", "", 200, `["drop"]`},
		"SetFaults":    {"and replaced", "PUT", "/faults", `["http"]`, 200, `["http"]`},
		"BadFaults":    {"a mistake is told", "PUT", "/faults", `["bad"]`, 400, `{"error":"refused by the simulator"}`},
		"Limits":       {"limits are read", "GET", "/limits", "", 200, `{"max":4}`},
		"SetLimits":    {"and replaced", "PUT", "/limits", `{"max":5}`, 200, `{"max":5}`},
		"BadLimits":    {"a mistake is told", "PUT", "/limits", `{"max":-1}`, 400, "refused"},
		"State":        {"the report has a bound", "GET", "/state", "", 200, `{"limit":1000}`},
		"StateLimit":   {"which can be given", "GET", "/state?limit=100000", "", 200, `{"limit":100000}`},
		"TooMany":      {"up to a bound", "GET", "/state?limit=100001", "", 400, `limit: \"100001\"`},
		"None":         {"of at least one", "GET", "/calls?limit=0", "", 400, "not between 1 and 100000"},
		"NoNumber":     {"in digits", "GET", "/calls?limit=x", "", 400, "not between"},
		"Calls":        {"calls come with counts", "GET", "/calls?limit=7", "", 200, `{"calls":[7],"counts":{"A":{"calls":1,"ok":0,"refused":0,"spoiled":0}}}`},
		"Find":         {"parameters are read", "GET", "/double?of=x", "", 200, `"xx"`},
		"BadFind":      {"a mistake is told", "GET", "/double", "", 400, "refused"},
		"Clock":        {"the clock goes forward", "POST", "/clock/advance", `{"seconds":90}`, 200, `{"now":"1970-01-01T00:01:30Z"}`},
		"Back":         {"never back", "POST", "/clock/advance", `{"seconds":-1}`, 400, "seconds: -1"},
		"Decades":      {"ten years at the most", "POST", "/clock/advance", `{"seconds":315360001}`, 400, "ten years"},
		"ClockRefused": {"a mistake is told", "POST", "/clock/advance", `{"seconds":13}`, 400, "refused"},
		"Recharge":     {"money is added", "POST", "/recharge", `{"account":"one","amount_fen":5}`, 200, `{"one":5}`},
		"BadRecharge":  {"a mistake is told", "POST", "/recharge", `{"account":"two","amount_fen":5}`, 400, "refused"},
		"Unknown":      {"unknown fields are refused", "POST", "/recharge", `{"acount":"one"}`, 400, "acount"},
		"Twice":        {"one value a body", "PUT", "/faults", `[] []`, 400, "more than one JSON value"},
		"Malformed":    {"in JSON", "PUT", "/faults", `[`, 400, "reading the body"},
		"Long":         {"of a bounded length", "PUT", "/faults", `["` + strings.Repeat("x", 1<<20) + `"]`, 400, "too large"},
		"Verb":         {"each path has its verbs", "DELETE", "/faults", "", 405, ""},
		"NotThere":     {"and there are no others", "GET", "/secrets", "", 404, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{faults: []string{"drop"}, limits: limits{4}, now: time.Unix(0, 0).UTC()}
			rec := httptest.NewRecorder()
			w.desk().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
			b, err := io.ReadAll(rec.Body)
			if err != nil || rec.Code != c.status || !strings.Contains(string(b), c.want) {
				t.Errorf("%s: status %d, %s, %v; want %d, %s", c.reason, rec.Code, b, err, c.status, c.want)
			}
			if rec.Code == http.StatusBadRequest && rec.Header().Get("Content-Type") != "application/json" {
				t.Error("refusals are JSON")
			}
		})
	}
}
