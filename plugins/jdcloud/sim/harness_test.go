package sim_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/jdcloud/sim"
)

const (
	region   = "cn-north-1"
	zone     = "cn-north-1a"
	linux    = "img-ubuntu2204"
	flavor   = "g.n2.large"
	password = "Correct-horse-7"
	key      = "access-one"
	secret   = "secret-one"
	vmPath   = "/v1/regions/cn-north-1/instances"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is the fake clock's start: the 10th of a month of 30 days, noon in Beijing.
func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func config() sim.Config {
	start := epoch()
	return sim.Config{
		Now:            func() time.Time { return start },
		CallsPerMinute: -1,
		Accounts: []sim.Account{
			{Name: "one", AccessKey: key, SecretKey: secret, BalanceFen: 100_000_00, Partner: true, DefaultNetwork: true},
			{Name: "two", AccessKey: "access-two", SecretKey: "secret-two", BalanceFen: 1000, DefaultNetwork: true},
		},
	}
}

// world is a cloud behind a real HTTP server.
type world struct {
	*sim.Cloud
	url string
	t   testing.TB
	// key and secret sign the raw calls.
	key, secret, token string
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
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		srv.Close()
		checkBooks(t, cloud)
		if err := cloud.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return &world{Cloud: cloud, url: srv.URL, t: t, key: key, secret: secret}
}

// checkBooks holds every account: start + recharges - purchases + refunds = balance = what the bills say.
func checkBooks(t testing.TB, c *sim.Cloud) {
	t.Helper()
	for name, b := range c.Report(1).Accounts {
		if want := b.Start + b.Recharged - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
		if got := c.BillSum(name); got != b.Spent-b.Refunded {
			t.Errorf("account %q: bills sum to %v, want %v", name, got, b.Spent-b.Refunded)
		}
	}
	if c.Pending() {
		t.Error("a change was not committed")
	}
}

// reply is a decoded answer.
type reply struct {
	HTTP      int
	RequestID string         `json:"requestId"`
	Result    map[string]any `json:"result"`
	Error     *struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Message string `json:"message"`
	} `json:"error"`
}

// status is the word of the error, or OK.
func (r reply) status() string {
	if r.Error == nil {
		return "OK"
	}
	return r.Error.Status
}

// text finds a value by its path of names.
func (r reply) text(path ...string) string {
	var at any = r.Result
	for _, p := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[p]
	}
	s, _ := at.(string)
	return s
}

// list is a list of the result.
func (r reply) list(name string) []any {
	l, _ := r.Result[name].([]any)
	return l
}

func (r reply) first(name string) string {
	for _, v := range r.list(name) {
		s, _ := v.(string)
		return s
	}
	return ""
}

// scope is the service and region of the credential of a call.
type scope struct{ service, region string }

// call sends a signed call and decodes the answer.
func (w *world) call(service, method, path string, body map[string]any) reply {
	w.t.Helper()
	at := scope{service: service, region: "jdcloud-api"}
	if _, rest, ok := strings.Cut(path, "/regions/"); ok {
		at.region, _, _ = strings.Cut(rest, "/")
	}
	res := w.send(w.request(at, method, path, body))
	defer func() { _ = res.Body.Close() }()
	out := reply{HTTP: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		w.t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	if out.RequestID == "" || res.Header.Get("x-jdcloud-request-id") != out.RequestID {
		w.t.Errorf("%s %s: the request id is missing or not in the header", method, path)
	}
	if out.Error != nil && out.Error.Code != out.HTTP {
		w.t.Errorf("%s %s: code %d is not the status %d", method, path, out.Error.Code, out.HTTP)
	}
	return out
}

// ok sends a call that must succeed.
func (w *world) ok(service, method, path string, body map[string]any) reply {
	w.t.Helper()
	r := w.call(service, method, path, body)
	if r.Error != nil {
		w.t.Fatalf("%s %s: %+v", method, path, *r.Error)
	}
	return r
}

// refused sends a call that must be refused with a word.
func (w *world) refused(want, service, method, path string, body map[string]any) {
	w.t.Helper()
	if r := w.call(service, method, path, body); r.status() != want {
		w.t.Errorf("%s %s: got %s (%+v), want %s", method, path, r.status(), r.Error, want)
	}
}

func (w *world) send(req *http.Request) *http.Response {
	w.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatalf("calling: %v", err)
	}
	return res
}

// request builds a signed request; body is nil for none.
func (w *world) request(at scope, method, path string, body map[string]any) *http.Request {
	w.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	req.URL.RawQuery = strings.ReplaceAll(req.URL.RawQuery, "+", "%20")
	req.Header.Set("Content-Type", "application/json")
	signWith(req, at, w.key, w.secret, w.token, time.Now(), text)
	return req
}

// signWith is a second implementation of the scheme, for the tests alone.
func signWith(req *http.Request, at scope, key, secret, token string, now time.Time, body []byte) {
	date := now.UTC().Format("20060102T150405Z")
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	req.Header.Set("x-jdcloud-date", date)
	req.Header.Set("x-jdcloud-nonce", hex.EncodeToString(nonce))
	values := map[string]string{"host": req.URL.Host, "x-jdcloud-date": date, "x-jdcloud-nonce": hex.EncodeToString(nonce)}
	if token != "" {
		req.Header.Set("x-jdcloud-security-token", token)
		values["x-jdcloud-security-token"] = token
	}
	var names []string
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	text := req.Method + "\n" + strings.ReplaceAll(req.URL.EscapedPath(), ":", "%3A") + "\n" + req.URL.RawQuery + "\n"
	for _, n := range names {
		text += n + ":" + values[n] + "\n"
	}
	text += "\n" + strings.Join(names, ";") + "\n" + sha(body)
	scopeText := date[:8] + "/" + at.region + "/" + at.service + "/jdcloud2_request"
	k := []byte("JDCLOUD2" + secret)
	for _, part := range strings.Split(scopeText, "/") {
		k = hm(k, part)
	}
	sig := hex.EncodeToString(hm(k, "JDCLOUD2-HMAC-SHA256\n"+date+"\n"+scopeText+"\n"+sha([]byte(text))))
	req.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential="+key+"/"+scopeText+", SignedHeaders="+
		strings.Join(names, ";")+", Signature="+sig)
}

func sha(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func hm(k []byte, s string) []byte {
	h := hmac.New(sha256.New, k)
	_, _ = io.WriteString(h, s)
	return h.Sum(nil)
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	if err := w.Advance(d); err != nil {
		w.t.Fatalf("advancing: %v", err)
	}
}

func (w *world) arm(faults ...sim.Fault) {
	w.t.Helper()
	if err := w.SetFaults(faults...); err != nil {
		w.t.Fatalf("arming: %v", err)
	}
}

// subnet is the id of the account's subnet in the region.
func (w *world) subnet() string {
	w.t.Helper()
	r := w.ok("vpc", "GET", "/v1/regions/cn-north-1/subnets/", nil)
	m, _ := r.list("subnets")[0].(map[string]any)
	id, _ := m["subnetId"].(string)
	return id
}

// spec is a sound instanceSpec with changes; a nil value removes a field.
func (w *world) spec(change map[string]any) map[string]any {
	w.t.Helper()
	out := map[string]any{
		"az": zone, "instanceType": flavor, "imageId": linux, "name": "web", "password": password,
		"charge":                  map[string]any{"chargeMode": "postpaid_by_duration"},
		"systemDisk":              map[string]any{"diskCategory": "cloud", "cloudDiskSpec": map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 40, "az": "", "name": ""}},
		"primaryNetworkInterface": map[string]any{"networkInterface": map[string]any{"subnetId": w.subnet()}},
	}
	for k, v := range change {
		out[k] = v
		if v == nil {
			delete(out, k)
		}
	}
	return out
}

// create makes one instance and returns its id.
func (w *world) create(change map[string]any) string {
	w.t.Helper()
	return w.ok("vm", "POST", vmPath, map[string]any{"instanceSpec": w.spec(change)}).first("instanceIds")
}

// running makes an instance and waits until it runs.
func (w *world) running(change map[string]any) string {
	w.t.Helper()
	id := w.create(change)
	w.advance(time.Second)
	return id
}

// state is the status of an instance, or gone.
func (w *world) state(id string) string {
	w.t.Helper()
	r := w.call("vm", "GET", vmPath+"/"+id, nil)
	if r.HTTP == http.StatusNotFound {
		return "gone"
	}
	return r.text("instance", "status")
}

var monthly = map[string]any{"chargeMode": "prepaid_by_duration", "chargeUnit": "month", "chargeDuration": 1}

func decode(t testing.TB, res *http.Response) reply {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	out := reply{HTTP: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return out
}
