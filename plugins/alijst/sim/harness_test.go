package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// lab is a cloud on a loopback port with a client that signs.
type lab struct {
	t     *testing.T
	cloud *Cloud
	url   string
	clock *clock
	nonce atomic.Int64
}

func testAccounts() []Account {
	return []Account{{Name: "one", AccessKeyID: "testid", AccessKeySecret: "testsecret"}}
}

func newLab(t *testing.T, change ...func(*Config)) *lab {
	t.Helper()
	l := &lab{t: t, clock: &clock{now: time.Date(2020, 2, 20, 8, 0, 0, 0, time.UTC)}}
	cfg := Config{
		Accounts: testAccounts(), Now: l.clock.read, RealNow: l.clock.read, TransitionMS: 1000,
		SignIn: SignIn{AppID: "app-one", AppSecret: "secret-one", AllowHosts: []string{"mall.example"}},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.cloud = c
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

// result is an answer as it came.
type result struct {
	status int
	raw    []byte
	body   map[string]any
}

func (r result) code() string { return fmt.Sprint(r.body["Code"]) }

// field walks into the body.
func (r result) field(path string) any {
	var v any = r.body
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r result) rows() []any { rows, _ := r.body["Data"].([]any); return rows }

// id returns a number of the result.
func (r result) id(name string) string {
	n, _ := r.field("Result." + name).(json.Number)
	return n.String()
}

// common returns what every call carries.
func (l *lab) common(action string) map[string]string {
	return map[string]string{
		"Action": action, "Version": versionJST, "Format": "JSON", "AccessKeyId": "testid", "RegionId": "cn-hangzhou",
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureType": "",
		"SignatureNonce": fmt.Sprint("n-", l.nonce.Add(1)), "Timestamp": l.clock.read().UTC().Format("2006-01-02T15:04:05Z"),
	}
}

// signature is written apart from the code under test: it is checked against the vendor's vectors.
func signature(method string, values map[string]string, secret string) string {
	form := url.Values{}
	for k, v := range values {
		if k != "Signature" {
			form.Set(k, v)
		}
	}
	r := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")
	text := method + "&%2F&" + r.Replace(url.QueryEscape(r.Replace(form.Encode())))
	return hmacSHA1(text, secret)
}

// call sends a signed call with the verb of the action.
func (l *lab) call(action string, pairs ...string) result {
	values := l.common(action)
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	method := http.MethodPost
	if a, ok := l.cloud.actions[action]; ok && values["Version"] == versionJST {
		method = a.http
	}
	return l.send(method, values)
}

func (l *lab) send(method string, values map[string]string) result {
	l.t.Helper()
	if _, ok := values["Signature"]; !ok {
		values["Signature"] = signature(method, values, "testsecret")
	}
	query, form := url.Values{}, url.Values{}
	for k, v := range values {
		if method == http.MethodPost && !isCommon(k) && len(k)%2 == 0 { // both places count alike
			form.Set(k, v)
		} else {
			query.Set(k, v)
		}
	}
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.url+"/?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{raw: []byte(err.Error())}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	out := result{status: res.StatusCode, raw: raw, body: map[string]any{}}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	_ = d.Decode(&out.body)
	return out
}

// ok sends a call that must succeed.
func (l *lab) ok(action string, pairs ...string) result {
	l.t.Helper()
	r := l.call(action, pairs...)
	if r.status != http.StatusOK || r.code() != "0" {
		l.t.Fatalf("%s: HTTP %d %s", action, r.status, r.raw)
	}
	return r
}

// wait moves the cloud's clock by so many steps.
func (l *lab) wait(steps int) {
	l.t.Helper()
	if err := l.cloud.Advance(time.Duration(steps) * time.Second); err != nil {
		l.t.Fatal(err)
	}
}
