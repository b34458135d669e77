package admin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
)

type fen int64

type limits struct {
	Max int `json:"max"`
}

type fault struct {
	Kind    faults.Kind `json:"kind"`
	Actions []string    `json:"actions,omitempty"`
	Burst   int         `json:"-"`
	Hits    int         `json:"hits"`
}

func vocabulary() faults.Vocabulary[fault] {
	return faults.Vocabulary[fault]{Words: faults.Common(), View: func(f *fault) faults.View {
		return faults.View{Kind: f.Kind, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits}
	}}
}

// world is what a simulator hands in.
type world struct {
	*admin.Panel[fault, calls.Line]
	mu      sync.Mutex
	limits  limits
	now     time.Time
	balance fen
}

var errRefused = errors.New("refused by the simulator")

func (w *world) desk() *admin.Desk {
	d := admin.New()
	admin.Switches(d, w.Panel)
	admin.Limits(d, func() limits { return w.limits }, func(l limits) error {
		if l.Max < 0 {
			return errRefused
		}
		w.limits = l
		return nil
	})
	admin.State(d, func(limit int) map[string]int { return map[string]int{"limit": limit} })
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

func (w *world) advance(by time.Duration) error {
	if by == 13*time.Second {
		return errRefused
	}
	w.now = w.now.Add(by)
	return nil
}

// newWorld has a fault that acted once on one of two calls.
func newWorld() *world {
	w := &world{limits: limits{4}, now: time.Unix(0, 0).UTC()}
	set := faults.NewSet(vocabulary(), 1, []fault{{Kind: faults.Drop}})
	log := calls.NewLog(2, func(l *calls.Line) *calls.Line { return l })
	w.Panel = admin.NewPanel(&w.mu, set, log, admin.Clock{Now: func() time.Time { return w.now }, Advance: w.advance})
	set.Draw(faults.Call{Action: "A"})
	log.Add(calls.Line{Action: "A"}, w.now, calls.OK)
	log.Add(calls.Line{Action: "A"}, w.now, calls.Spoiled)
	return w
}

func TestPanelTakesTheLock(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.SetFaults(fault{Kind: faults.HTTP}); err != nil || len(w.Faults()) != 1 || len(w.Calls(5)) != 2 || len(w.Counts()) != 1 || w.Advance(time.Second) != nil || w.Now().IsZero() {
				t.Errorf("all may turn and read at once: %v", err)
			}
		})
	}
	all.Wait()
	if got := w.Now().Unix(); got != 8 {
		t.Errorf("the clock went on by %d seconds, want 8", got)
	}
	for _, d := range []time.Duration{-1, 10*365*24*time.Hour + 1} {
		if err := w.Advance(d); err == nil || w.Now().Unix() != 8 {
			t.Errorf("%v is no step of the clock: %v", d, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, method, path, body string
		status                     int
		want                       string
	}{
		"Health":       {"it tells its health", "GET", "/healthz", "", 200, `{"status":"ok"}`},
		"Faults":       {"faults are read", "GET", "/faults", "", 200, `[{"kind":"drop","hits":1}]`},
		"SetFaults":    {"and replaced", "PUT", "/faults", `[{"kind":"http"}]`, 200, `[{"kind":"http","hits":0}]`},
		"BadFaults":    {"a mistake is told", "PUT", "/faults", `[{"kind":"bad"}]`, 400, `{"error":"faults[0]: kind \"bad\" is unknown"}`},
		"Limits":       {"limits are read", "GET", "/limits", "", 200, `{"max":4}`},
		"SetLimits":    {"and replaced", "PUT", "/limits", `{"max":5}`, 200, `{"max":5}`},
		"BadLimits":    {"a mistake is told", "PUT", "/limits", `{"max":-1}`, 400, "refused"},
		"State":        {"the report has a bound", "GET", "/state", "", 200, `{"limit":1000}`},
		"StateLimit":   {"which can be given", "GET", "/state?limit=100000", "", 200, `{"limit":100000}`},
		"TooMany":      {"up to a bound", "GET", "/state?limit=100001", "", 400, `limit: \"100001\"`},
		"None":         {"of at least one", "GET", "/calls?limit=0", "", 400, "not between 1 and 100000"},
		"NoNumber":     {"in digits", "GET", "/calls?limit=x", "", 400, "not between"},
		"Calls":        {"calls come with counts", "GET", "/calls?limit=1", "", 200, `"seq":2,"time":"1970-01-01T00:00:00Z","action":"A","took_us":0}],"counts":{"A":{"calls":2,"ok":1,"refused":0,"spoiled":1}}}`},
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
			w := newWorld()
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
