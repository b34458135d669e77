package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  Fault
		status int
		want   string // in the raw answer
	}{
		"Throttle":   {"throttling is HTTP 400", Fault{Kind: KindThrottle}, 400, `"Throttling.User"`},
		"RetCode":    {"a number is refused business", Fault{Kind: KindRetCode, RetCode: 7, Message: "m"}, 200, `"Code":7`},
		"Gateway":    {"a word is the gateway's", Fault{Kind: KindRetCode, ErrorCode: "ServiceUnavailable", ErrorStatus: 503}, 503, `"ServiceUnavailable"`},
		"HTTP":       {"no JSON", Fault{Kind: KindHTTP}, 503, "Service Unavailable"},
		"NonJSON":    {"a page", Fault{Kind: KindNonJSON}, 200, "<html>"},
		"Empty":      {"nothing", Fault{Kind: KindEmpty}, 200, ""},
		"Numeric":    {"a number with a failure of HTTP", Fault{Kind: KindNumericCode}, 403, `"Code":3`},
		"String":     {"a number as text", Fault{Kind: KindRetCodeString}, 200, `"Code":"0"`},
		"Lower":      {"small letters", Fault{Kind: KindLowerCase}, 200, `"requestId"`},
		"Truncated":  {"half an answer", Fault{Kind: KindTruncated}, 200, `{`},
		"Signature":  {"a right signature is refused", Fault{Kind: KindBadSignature}, 400, "server string to sign is:"},
		"Skew":       {"the clock is off", Fault{Kind: KindClockSkew}, 400, "InvalidTimeStamp.Expired"},
		"Nonce":      {"the nonce was used", Fault{Kind: KindNonceUsed}, 400, "SignatureNonceUsed"},
		"SoldOut":    {"out of stock", Fault{Kind: KindSoldOut, Actions: []string{"ListApp"}}, 200, `"Code":1004`},
		"NoBalance":  {"out of money", Fault{Kind: KindInsufficientBalance, Actions: []string{"ListApp"}}, 200, `"Code":1005`},
		"AfterDrop":  {"no answer at all", Fault{Kind: KindDrop, After: true}, 0, "EOF"},
		"AfterError": {"a failure after the change", Fault{Kind: KindHTTP, After: true, Status: 502}, 502, "Bad Gateway"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			c.fault.Count = 1
			if err := l.cloud.SetFaults(c.fault); err != nil {
				t.Fatal(err)
			}
			r := l.call("ListApp")
			if r.status != c.status || !strings.Contains(string(r.raw), c.want) {
				t.Errorf("%s: HTTP %d %q", c.reason, r.status, r.raw)
			}
			if l.cloud.Faults()[0].Hits != 1 {
				t.Error("it acts once")
			}
			l.ok("ListApp")
		})
	}
}

func TestLostAnswerLeavesTheChange(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	_, _, env := l.deployed()
	if err := l.cloud.SetFaults(Fault{Kind: KindDrop, After: true, Actions: []string{"DeployApp"}, Count: 1}); err != nil {
		t.Fatal(err)
	}
	l.call("DeployApp", "EnvId", env, "Name", "r1", "TotalPartitions", "1")
	if got := l.cloud.Report(10).Living["deploy_order"]; got != 1 {
		t.Errorf("the order is there although nobody was told: %d", got)
	}
	if err := l.cloud.SetFaults(Fault{Kind: KindNotAdmitted, Count: 1}); err != nil {
		t.Fatal(err)
	}
	l.wait(1)
	if r := l.ok("ScaleApp", "EnvId", env, "Replicas", "1"); r.field("Result.Admitted") != false || r.field("Result.BusinessCode") != "102000" {
		t.Errorf("not admitted is Code 0: %s", r.raw)
	}
	if err := l.cloud.SetFaults(Fault{Kind: KindInstallFail, Count: 1}); err != nil {
		t.Fatal(err)
	}
	id := l.ok("ScaleApp", "EnvId", env, "Replicas", "1").id("DeployOrderId")
	l.wait(1)
	if o := l.ok("DescribeDeployOrderDetail", "DeployOrderId", id); fmt.Sprint(o.field("Result.Result")) != "2" {
		t.Errorf("it failed: %s", o.raw)
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(c *Config) { c.BusinessStatus, c.CallsPerMinute = 409, 3 })
	if r := l.call("DescribeAppDetail", "AppId", "1"); r.status != 409 || r.code() != fmt.Sprint(codeNotFound) {
		t.Errorf("refused business travels with the configured status: HTTP %d %s", r.status, r.raw)
	}
	values := l.common("ListApp")
	l.send(http.MethodGet, values)
	if r := l.send(http.MethodGet, values); r.code() != "SignatureNonceUsed" {
		t.Errorf("a nonce is good once: %s", r.raw)
	}
	if r := l.send(http.MethodPost, l.common("ListApp")); r.status != 405 {
		t.Errorf("the verb is that of the SDK: %s", r.raw)
	}
	l.call("ListApp")
	if r := l.call("ListApp"); r.code() != "Throttling.User" {
		t.Errorf("the fourth call of the minute is throttled: %s", r.raw)
	}
}

func TestSDKPanicsOnNumericCode(t *testing.T) {
	l := newLab(t, realTime)
	if err := l.cloud.SetFaults(Fault{Kind: KindNumericCode}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("the vendor's client cannot read a numeric Code of a failure")
		}
	}()
	_, _ = l.sdk().ListApp(retailcloud.CreateListAppRequest())
}

// post sends a signed request to the sign-in.
func (l *lab) post(h http.Handler, path, nonce string, in map[string]string) (int, map[string]any) {
	l.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		l.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	at := strconv.FormatInt(l.clock.read().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("secret-one"))
	mac.Write([]byte("POST\n" + path + "\n" + hex.EncodeToString(sum[:]) + "\n" + at + "\n" + nonce))
	r := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, path, bytes.NewReader(body))
	for k, v := range map[string]string{"X-App-Id": "app-one", "X-Timestamp": at, "X-Nonce": nonce, "X-Signature": hex.EncodeToString(mac.Sum(nil))} {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out struct{ Data map[string]any }
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out.Data
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.cloud.SignIn()
	_, first := l.post(h, "/sso/users", "n1", map[string]string{"user_id": "u1", "name": "x"})
	_, again := l.post(h, "/sso/users", "n2", map[string]string{"user_id": "u1"})
	user, _ := first["external_user_id"].(string)
	if user == "" || again["external_user_id"] != user {
		t.Errorf("a user is made once: %v, %v", first, again)
	}
	if status, _ := l.post(h, "/sso/users", "n2", map[string]string{"user_id": "u2"}); status != 401 {
		t.Errorf("a nonce is good once: %d", status)
	}
	if status, _ := l.post(h, "/sso/tokens", "n3", map[string]string{"external_user_id": user, "target": "https://evil.example/"}); status != 403 {
		t.Errorf("targets are on a list: %d", status)
	}
	login := func(wait int, nonce string) (int, int) {
		_, data := l.post(h, "/sso/tokens", nonce, map[string]string{"external_user_id": user, "target": "https://mall.example/a"})
		link, _ := url.Parse(fmt.Sprint(data["url"]))
		l.wait(wait)
		var codes [2]int
		for i := range codes {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link.RequestURI(), nil))
			codes[i] = w.Code
		}
		return codes[0], codes[1]
	}
	if a, b := login(59, "n4"); a != 302 || b != 401 {
		t.Errorf("a link is good once: %d, %d", a, b)
	}
	if a, _ := login(60, "n5"); a != 401 {
		t.Errorf("a link lives a minute: %d", a)
	}
}

// FuzzParameters holds that no parameter makes a handler fail or the cloud forget itself.
func FuzzParameters(f *testing.F) {
	f.Add("CreateDb", "DbInstanceId=rm-sim-mysql&DbName=a1&CharacterSetName=utf8")
	f.Add("GetRdsBackUp", "DbInstanceId=rm-sim-mysql&PageNumber=2&PageSize=30")
	f.Add("CreateApp", "UserRoles.1.UserId=x&UserRoles.2.RoleName=&Title=%zz")
	f.Fuzz(func(t *testing.T, name, query string) {
		cloud, err := New(Config{Accounts: testAccounts()})
		if err != nil {
			t.Fatal(err)
		}
		values, status := fromForm(query)
		act, ok := cloud.actions[name]
		if status != 0 || !ok || check(act.params, values) != nil {
			return
		}
		q := &call{values: values, action: name, acct: cloud.accounts["testid"]}
		body, _, refused := cloud.run(act, q)
		if (body == nil) == (refused == nil) {
			t.Errorf("%s: either an answer or a refusal: %v, %v", name, body, refused)
		}
	})
}

// FuzzEscape holds the encoder against the standard library's.
func FuzzEscape(f *testing.F) {
	f.Add("a b*~+/中")
	f.Fuzz(func(t *testing.T, s string) {
		if back, err := url.QueryUnescape(escape(s)); err != nil || back != s {
			t.Errorf("%q became %q: %v", s, back, err)
		}
	})
}
