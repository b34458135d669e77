package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/rainbond/sim"
)

const (
	adminKey  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	memberKey = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	oldKey    = "cccccccccccccccccccccccccccccccccccccccc"
	otherKey  = "dddddddddddddddddddddddddddddddddddddddd"
	storeKey  = "store-key"
	deniedKey = "denied-key"
	blog      = "5a1e0c7d9b3f4e6a8c2d1f0e9b7a6c5d"
	reg       = "/openapi/v1/teams/blue/regions/rainbond"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func config() sim.Config {
	return sim.Config{
		Now: epoch,
		Users: []sim.User{
			{Name: "root", Key: adminKey, Admin: true},
			{Name: "member", Key: memberKey, Teams: []string{"blue"}, Deny: []string{"stop"}},
			{Name: "gone", Key: oldKey, Admin: true, ExpiresUnix: epoch().Unix()},
			{Name: "other", Key: otherKey},
		},
		Teams: []sim.TeamSeed{
			{Name: "blue", Alias: "Blue", Regions: []string{"rainbond", "edge"}},
			{Name: "red", Regions: []string{"rainbond"}},
		},
		StoreKeys:    []sim.StoreKey{{Key: storeKey}, {Key: deniedKey, Denied: true}},
		StoreURLs:    []string{"http://store.example"},
		TransitionMS: 1000,
	}
}

// world is one cloud behind a server, with the administrator's key.
type world struct {
	*sim.Cloud
	t   *testing.T
	url string
	key string
}

func newWorld(t *testing.T, change ...func(*sim.Config)) *world {
	t.Helper()
	cfg := config()
	for _, f := range change {
		f(&cfg)
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(func() {
		srv.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return &world{Cloud: cloud, t: t, url: srv.URL, key: adminKey}
}

// answer is one response, decoded.
type answer struct {
	status int
	header http.Header
	text   string
	body   any
}

// field walks into the body by names and numbers.
func (a answer) field(path ...any) any {
	at := a.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := at.(map[string]any)
			at = m[p]
		case int:
			l, _ := at.([]any)
			if p >= len(l) {
				return nil
			}
			at = l[p]
		}
	}
	return at
}

func (a answer) rows(path ...any) []any {
	l, _ := a.field(path...).([]any)
	return l
}

// send makes one call; err is the transport's.
func (w *world) send(method, path, body string) (answer, error) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.key != "" {
		req.Header.Set("Authorization", w.key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(raw)}
	_ = json.Unmarshal(raw, &a.body)
	return a, nil
}

// call makes one call that must have the status.
func (w *world) call(status int, method, path, body string) answer {
	w.t.Helper()
	a, err := w.send(method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		w.t.Fatalf("%s %s: HTTP %d, want %d: %s", method, path, a.status, status, a.text)
	}
	return a
}

// app makes an app and returns its path.
func (w *world) app(name string) string {
	w.t.Helper()
	a := w.call(201, "POST", reg+"/apps", fmt.Sprintf(`{"app_name":%q,"app_note":"note of %s"}`, name, name))
	return fmt.Sprintf("%s/apps/%v", reg, a.field("app_id"))
}

func installBody(key, model, version string) string {
	return fmt.Sprintf(`{"market_url":"http://store.example","market_domain":"rainbond","market_type":"rainstore",
		"market_access_key":%q,"app_model_id":%q,"app_model_version":%q}`, key, model, version)
}

// installed makes an app with the blog of a version in it.
func (w *world) installed(name, version, query string) string {
	w.t.Helper()
	path := w.app(name)
	w.call(200, "POST", path+"/install"+query, installBody(storeKey, blog, version))
	return path
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	if err := w.Advance(d); err != nil {
		w.t.Fatal(err)
	}
}

// statuses are the words of all components of an app, in order.
func (w *world) statuses(path string) string {
	w.t.Helper()
	var words []string
	for _, row := range w.call(200, "GET", path+"/services", "").rows() {
		m, _ := row.(map[string]any)
		words = append(words, fmt.Sprint(m["status"]))
	}
	return strings.Join(words, " ")
}

func (w *world) arm(faults ...sim.Fault) {
	w.t.Helper()
	if err := w.SetFaults(faults...); err != nil {
		w.t.Fatalf("arming: %v", err)
	}
}
