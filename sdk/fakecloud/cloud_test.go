package fakecloud_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tradewind.example/sdk/fakecloud"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var good = secret.New("s3cret-of-a")

// user talks to a cloud with one key.
type user struct {
	t     *testing.T
	cloud *fakecloud.Cloud
	url   string
	http  *http.Client
	key   string
	with  secret.Value
}

func start(t *testing.T, cfg fakecloud.Config) user {
	t.Helper()
	cfg.Keys = map[string]secret.Value{"a": good, "b": secret.New("s3cret-of-b")}
	if cfg.Kinds == nil {
		cfg.Kinds = map[string]fakecloud.Kind{"disk": {}, "server": {
			Ready: "running", CreateTime: 10 * time.Second, UpdateTime: time.Second, DeleteTime: 5 * time.Second, Quota: 3,
			Actions: map[string]fakecloud.Action{"stop": {From: []string{"running"}, While: "stopping", To: "stopped", Takes: time.Second}},
		}}
	}
	c, err := fakecloud.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return user{t: t, cloud: c, url: s.URL, http: s.Client(), key: "a", with: good}
}

// answer is what the user got.
type answer struct {
	status int
	after  string
	raw    []byte
	fakecloud.Resource
	Items []fakecloud.Resource
	Next  string
	Code  string
}

func (u user) try(method, path, body string) (answer, error) {
	u.t.Helper()
	req, err := http.NewRequestWithContext(u.t.Context(), method, u.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		u.t.Fatal(err)
	}
	fakecloud.Sign(req, []byte(body), u.key, u.with)
	resp, err := u.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	out := answer{status: resp.StatusCode, after: resp.Header.Get("Retry-After")}
	if out.raw, err = io.ReadAll(resp.Body); err != nil {
		u.t.Fatal(err)
	}
	if resp.Header.Get("X-Request-Id") == "" {
		u.t.Errorf("%s %s: the answer has no request id", method, path)
	}
	_ = json.Unmarshal(out.raw, &out) // a malformed body is what some tests want
	return out, nil
}

func (u user) do(method, path, body string, want int) answer {
	u.t.Helper()
	out, err := u.try(method, path, body)
	if err != nil {
		u.t.Fatal(err)
	}
	if out.status != want {
		u.t.Fatalf("%s %s %s: status %d %s; want %d", method, path, body, out.status, out.raw, want)
	}
	return out
}

func (u user) create(kind, token string, want int) answer {
	u.t.Helper()
	return u.do("POST", "/v1/"+kind, `{"name":"n","region":"east","client_token":"`+token+`","spec":{"size":1}}`, want)
}

func TestLifeTakesItsTime(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	made := u.create("server", "t1", http.StatusAccepted)
	if made.Status != "creating" || made.ClientToken != "t1" || !made.Created.Equal(fakecloud.Epoch) {
		t.Errorf("created %+v", made.Resource)
	}
	at := "/v1/server/" + made.ID
	u.do("POST", at+"/stop", "", http.StatusConflict)
	u.cloud.Advance(10 * time.Second)
	steps := []struct {
		method, path, body string
		status             int
		during, then       string
		reason             string
	}{
		{"GET", at, "", 200, "running", "running", "the create is done"},
		{"PATCH", at, `{"name":"m","spec":{"size":2}}`, 202, "updating", "running", "an update ends where it began"},
		{"POST", at + "/stop", "", 202, "stopping", "stopped", "an action goes through its status"},
		{"DELETE", at, "", 202, "deleting", "", "a delete ends in nothing"},
	}
	for _, s := range steps {
		if got := u.do(s.method, s.path, s.body, s.status); got.Status != s.during {
			t.Errorf("%s: %q; want %q", s.reason, got.Status, s.during)
		}
		u.cloud.Advance(5 * time.Second)
		if s.then == "" {
			u.do("GET", at, "", http.StatusNotFound)
			u.do("DELETE", at, "", http.StatusNotFound)
		} else if got := u.do("GET", at, "", 200); got.Status != s.then {
			t.Errorf("%s: then %q; want %q", s.reason, got.Status, s.then)
		}
	}
}

func TestStepLetsPollingBeEnough(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{Step: 4 * time.Second})
	id := u.create("server", "", http.StatusAccepted).ID
	polls := 0
	for u.do("GET", "/v1/server/"+id, "", 200).Status != "running" {
		if polls++; polls > 5 {
			t.Fatal("it never runs")
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.create("disk", "t1", 200)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, reason       string
	}{
		"Region":       {"POST", "/v1/disk", `{"region":"mars","spec":{}}`, 400, "NoSuchRegion", "places are a closed list"},
		"Spec":         {"POST", "/v1/disk", `{"region":"east","spec":7}`, 400, "BadSpec", "a spec is an object"},
		"No spec":      {"POST", "/v1/disk", `{"region":"east"}`, 400, "BadSpec", "a spec is needed"},
		"Field":        {"POST", "/v1/disk", `{"regoin":"east"}`, 400, "BadRequest", "a misspelt field is told"},
		"Body":         {"POST", "/v1/disk", `{`, 400, "BadRequest", "half a body"},
		"Kind":         {"GET", "/v1/moon", "", 404, "NoSuchKind", "kinds are a closed list"},
		"Other kind":   {"GET", "/v1/server/disk-1", "", 404, "NotFound", "an id belongs to its kind"},
		"Action":       {"POST", "/v1/disk/disk-1/fly", "", 404, "NoSuchAction", "actions are a closed list"},
		"Token reused": {"POST", "/v1/disk", `{"name":"x","region":"east","client_token":"t1","spec":{}}`, 409, "TokenUsed", "one token, one thing"},
		"Limit":        {"GET", "/v1/disk?limit=0", "", 400, "BadRequest", "a page has rows"},
		"List region":  {"GET", "/v1/disk?region=mars", "", 400, "NoSuchRegion", "places are a closed list"},
		"Page":         {"GET", "/v1/disk?page=x", "", 400, "BadRequest", "tokens are the cloud's"},
		"Path":         {"GET", "/v2", "", 404, "NoSuchPath", "nothing there"},
		"Method":       {"PUT", "/v1/disk/disk-1", "", 404, "NoSuchPath", "nothing there"},
		"Large":        {"POST", "/v1/disk", `{"name":"` + string(bytes.Repeat([]byte("x"), fakecloud.MaxBodyBytes)) + `"}`, 413, "TooLarge", "bodies are bounded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := u
			v.t = t
			if got := v.do(tc.method, tc.path, tc.body, tc.status); got.Code != tc.code {
				t.Errorf("%s: code %q; want %q", tc.reason, got.Code, tc.code)
			}
		})
	}
}

func TestQuotaAndStock(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	for range 3 {
		u.create("server", "", 202)
	}
	if got := u.create("server", "", http.StatusForbidden); got.Code != "QuotaExceeded" {
		t.Errorf("code %q", got.Code)
	}
	u.cloud.Set(fakecloud.Switches{OutOfStock: true})
	if got := u.create("disk", "", http.StatusConflict); got.Code != "OutOfStock" {
		t.Errorf("code %q", got.Code)
	}
}

func TestOnlyTheRightKeyIsServed(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	id := u.create("disk", "t", 200).ID
	for name, change := range map[string]func(*user){
		"wrong secret": func(v *user) { v.with = secret.New("guess") },
		"no secret":    func(v *user) { v.with = secret.Value{} },
		"unknown key":  func(v *user) { v.key = "nobody" },
	} {
		v := u
		change(&v)
		if got := v.do("GET", "/v1/account", "", http.StatusUnauthorized); got.Code != "BadSignature" {
			t.Errorf("%s: code %q", name, got.Code)
		}
	}
	other := u
	other.key, other.with = "b", secret.New("s3cret-of-b")
	other.do("GET", "/v1/disk/"+id, "", http.StatusNotFound)
	if got := other.do("GET", "/v1/disk", "", 200); len(got.Items) != 0 {
		t.Errorf("one key sees what another owns: %+v", got.Items)
	}
	if got := other.create("disk", "t", 200); got.ID == id {
		t.Error("the tokens of two keys are mixed")
	}
	tampered, err := http.NewRequestWithContext(t.Context(), "POST", u.url+"/v1/disk", bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	fakecloud.Sign(tampered, []byte("[]"), "a", good)
	resp, err := u.http.Do(tampered)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a changed body got %d", resp.StatusCode)
	}
}

func TestPagesAreCompleteAndStable(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{PageSize: 40})
	if err := u.cloud.Seed("a", "disk", 95, json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	u.do("DELETE", "/v1/disk/disk-41", "", http.StatusNoContent)
	for name, tc := range map[string]struct {
		query        string
		short, pages int
		reason       string
	}{
		"full":  {"?limit=40&region=east", 0, 3, "40, 40 and 14"},
		"asked": {"?limit=1000", 0, 3, "the cloud's page size is the most"},
		"short": {"?limit=40", 30, 4, "a short page is not the last"},
	} {
		u.cloud.Set(fakecloud.Switches{ShortPages: tc.short})
		seen, pages := map[string]bool{}, 0
		for next := ""; ; {
			got := u.do("GET", "/v1/disk"+tc.query+"&page="+next, "", 200)
			for _, r := range got.Items {
				if seen[r.ID] {
					t.Errorf("%s: %s twice", name, r.ID)
				}
				seen[r.ID] = true
			}
			pages++
			if next = got.Next; next == "" {
				break
			}
		}
		if len(seen) != 94 || pages != tc.pages {
			t.Errorf("%s (%s): %d rows in %d pages; want 94 in %d", name, tc.reason, len(seen), pages, tc.pages)
		}
	}
	if got := u.do("GET", "/v1/disk?region=west", "", 200); len(got.Items) != 0 || got.Next != "" {
		t.Errorf("the filter let %d rows pass", len(got.Items))
	}
}

func TestReadsLagBehind(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.cloud.Set(fakecloud.Switches{LagReads: 2})
	id := u.create("disk", "t", 200).ID
	u.do("GET", "/v1/disk/"+id, "", 404)
	if got := u.do("GET", "/v1/disk?client_token=t", "", 200); len(got.Items) != 0 {
		t.Error("the second read does not lag")
	}
	u.do("GET", "/v1/disk/"+id, "", 200)
	u.cloud.Set(fakecloud.Switches{LagTime: time.Minute})
	u.do("DELETE", "/v1/disk/"+id, "", 204)
	u.do("GET", "/v1/disk/"+id, "", 200)
	if got := u.cloud.Owned("a", "disk"); len(got) != 0 {
		t.Errorf("the truth lags too: %+v", got)
	}
	u.cloud.Advance(time.Minute)
	u.do("GET", "/v1/disk/"+id, "", 404)
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.cloud.Set(fakecloud.Switches{RatePerSecond: 2})
	for range 2 {
		u.do("GET", "/v1/account", "", 200)
	}
	if got := u.do("GET", "/v1/account", "", http.StatusTooManyRequests); got.after != "1" || got.Code != "Throttled" {
		t.Errorf("Retry-After %q, code %q", got.after, got.Code)
	}
	u.cloud.Advance(500 * time.Millisecond)
	u.do("GET", "/v1/account", "", 200)
	u.do("GET", "/v1/account", "", http.StatusTooManyRequests)
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  fakecloud.Fault
		status int // 0: the connection breaks
		owned  int
		reason string
	}{
		"lose request": {fakecloud.Fault{Trouble: fakecloud.LoseRequest}, 0, 0, "nothing has happened"},
		"lose answer":  {fakecloud.Fault{Trouble: fakecloud.LoseAnswer, Method: "POST"}, 0, 1, "it happened and nobody was told"},
		"fail before":  {fakecloud.Fault{Trouble: fakecloud.FailBefore, Kind: "disk", Status: 500}, 500, 0, "nothing has happened"},
		"fail after":   {fakecloud.Fault{Trouble: fakecloud.FailAfter}, 503, 1, "it happened"},
		"malformed":    {fakecloud.Fault{Trouble: fakecloud.Malformed}, 200, 1, "it happened, the answer is cut"},
		"not this one": {fakecloud.Fault{Trouble: fakecloud.LoseAnswer, Kind: "server"}, 200, 1, "the fault is for another kind"},
		"nor this":     {fakecloud.Fault{Trouble: fakecloud.LoseAnswer, Method: "DELETE"}, 200, 1, "the fault is for another method"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := start(t, fakecloud.Config{})
			u.cloud.Inject(tc.fault)
			got, err := u.try("POST", "/v1/disk", `{"region":"east","spec":{}}`)
			if (err != nil) != (tc.status == 0) || got.status != tc.status {
				t.Errorf("%s: status %d, %v; want %d", tc.reason, got.status, err, tc.status)
			}
			if n := len(u.cloud.Owned("a", "disk")); n != tc.owned {
				t.Errorf("%s: %d made; want %d", tc.reason, n, tc.owned)
			}
			if tc.fault.Trouble == fakecloud.Malformed && json.Valid(got.raw) {
				t.Errorf("the body is whole: %s", got.raw)
			}
			u.cloud.Heal()
			u.create("disk", "", 200)
		})
	}
}

func TestFailLater(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.cloud.Inject(fakecloud.Fault{Trouble: fakecloud.FailLater, Method: "POST"})
	id := u.create("server", "", 202).ID
	u.cloud.Advance(time.Minute)
	if got := u.do("GET", "/v1/server/"+id, "", 200); got.Status != "failed" {
		t.Errorf("status %q", got.Status)
	}
}

func TestLatencyEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.cloud.Set(fakecloud.Switches{Latency: time.Hour})
	u.http = &http.Client{Transport: u.http.Transport, Timeout: 50 * time.Millisecond}
	if _, err := u.try("GET", "/v1/account", ""); err == nil {
		t.Error("there was no latency")
	}
}

func TestConcurrentCreatesWithOneToken(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := u.try("POST", "/v1/disk", `{"region":"east","client_token":"one","spec":{}}`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(u.cloud.Owned("a", "disk")); n != 1 {
		t.Errorf("one token made %d", n)
	}
}

func TestRequestsAreLoggedWithinBounds(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	u.cloud.Inject(fakecloud.Fault{Trouble: fakecloud.LoseAnswer, Method: "PATCH"})
	u.create("disk", "", 200)
	_, _ = u.try("PATCH", "/v1/disk/disk-1?x=1", `{"name":"m"}`) // its answer is lost
	want := []fakecloud.Request{
		{ID: "req-1", At: fakecloud.Epoch, Key: "a", Method: "POST", Path: "/v1/disk", Body: []byte(`{"name":"n","region":"east","client_token":"","spec":{"size":1}}`), Status: 200},
		{ID: "req-2", At: fakecloud.Epoch, Key: "a", Method: "PATCH", Path: "/v1/disk/disk-1", Query: "x=1", Body: []byte(`{"name":"m"}`), Trouble: fakecloud.LoseAnswer},
	}
	if diff := cmp.Diff(want, u.cloud.Requests()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	u.cloud.ForgetRequests()
	for range fakecloud.LogSize + 10 {
		u.cloud.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/account", nil))
	}
	if n := len(u.cloud.Requests()); n > fakecloud.LogSize {
		t.Errorf("the log has %d lines", n)
	}
}

func TestWrongConfigs(t *testing.T) {
	t.Parallel()
	keys, kinds := map[string]secret.Value{"a": good}, map[string]fakecloud.Kind{"disk": {}}
	for name, cfg := range map[string]fakecloud.Config{
		"no key":   {Kinds: kinds},
		"no kind":  {Keys: keys},
		"reserved": {Keys: keys, Kinds: map[string]fakecloud.Kind{"regions": {}}},
	} {
		if _, err := fakecloud.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c, err := fakecloud.New(fakecloud.Config{Keys: keys, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Seed("a", "moon", 1, nil)); err == nil {
		t.Error("seeded a kind that is not there")
	}
	if got := c.Owned("b", "disk"); got != nil {
		t.Error("an unknown key owns " + strconv.Itoa(len(got)))
	}
}

func TestFaultsOfTheSuite(t *testing.T) {
	t.Parallel()
	u := start(t, fakecloud.Config{})
	f := fakecloud.Faults{Cloud: u.cloud}
	if err := f.LoseAnswers(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := u.try("POST", "/v1/disk", `{"region":"east","client_token":"t","spec":{}}`); err == nil {
			t.Error("the answer arrived")
		}
	}
	u.do("GET", "/v1/disk/disk-1", "", 200)
	for _, class := range fault.Classes() {
		err := f.Refuse(t.Context(), class)
		if err != nil && fault.Is(err, fault.ClassUnsupported) {
			continue
		}
		got, tryErr := u.try("POST", "/v1/disk", `{"region":"east","spec":{}}`)
		if (class == fault.ClassThrottled) != (got.after == "1") {
			t.Errorf("%s: Retry-After %q", class, got.after)
		}
		if err != nil || tryErr != nil || got.status < 400 || got.Code == "" {
			t.Errorf("%s: %v, status %d, %v", class, err, got.status, tryErr)
		}
	}
	u.do("DELETE", "/v1/disk/disk-1", "", http.StatusNoContent)
	if err := f.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.create("disk", "", 200)
}
