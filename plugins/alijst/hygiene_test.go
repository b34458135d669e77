package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// crowd is how many callers there are at once.
const crowd = 64

// TestConnectionsAreUsedAgain: the SDK gets a client for each request, which
// must not cost a connection each; nor must a refusal.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, opened := plugintest.Counted(t, w.sim)
	p := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	call := w.call()
	call.Account.Endpoint = url
	check := func() {
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Errorf("check: %v", err)
		}
		if _, err := p.Get(t.Context(), provider.GetRequest{Call: call, Kind: kindApp, ID: "7"}); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("get: %v", err)
		}
	}
	plugintest.ReuseConnections(t, opened, plugintest.Crowd{Alone: 50, Do: func(int) { check() }, Callers: crowd, Each: 5, Check: check})
}

// TestADeleteSentAsAGetHasItsOwnConnection: Go sends a GET again by itself when
// a connection that was used before breaks.
func TestADeleteSentAsAGetHasItsOwnConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kindApp, "tok-1", `{}`).ID
	var deletes, served atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Action") != "DeleteAppDetail" {
			served.Add(1)
			w.sim.ServeHTTP(rw, r)
			return
		}
		deletes.Add(1)
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(srv.Close)
	call := w.call()
	call.Account.Endpoint = srv.URL
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: call, Token: "d", Kind: kindApp, ID: id})
	want(t, "the connection broke", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if n := deletes.Load(); n != 1 || served.Load() == 0 {
		t.Errorf("the delete was sent %d times, after %d other requests", n, served.Load())
	}
}

// TestACrowdChangesEveryKind is for the race detector: callers make, read and
// release things of several kinds at once.
func TestACrowdChangesEveryKind(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *sim.Config) { c.TransitionMS = -1 })
	sold := []string{kindApp, kindConfig, kindEnvironment, kindClaim, kindService, kindVolume}
	before := len(s.list(t, kindApp))
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			kind := sold[i%len(sold)]
			change, err := s.Create(t.Context(), s.order(kind, fmt.Sprintf("crowd-%d", i), creations()[kind].spec(s)))
			if err != nil || change.Resource == nil {
				t.Errorf("%s: %+v, %v", kind, change, err)
				return
			}
			if _, err := s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kind, ID: change.Resource.ID}); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			s.drop(t, kind, change.Resource.ID)
		})
	}
	all.Wait()
	if left := len(s.list(t, kindApp)); left != before {
		t.Errorf("%d applications are left, there were %d", left, before)
	}
}

// TestOneTokenMakesOnceAtOnce: callers with one token make one thing.
func TestOneTokenMakesOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	made := map[string]bool{}
	for range crowd {
		all.Go(func() {
			change, err := w.Create(t.Context(), w.order(kindApp, "tok-1", `{}`))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			made[change.Resource.ID] = true
		})
	}
	all.Wait()
	if n := w.sim.Counts()["CreateApp"].Calls; n != 1 || len(made) != 1 {
		t.Errorf("the cloud was asked %d times and made %v", n, made)
	}
}

// TestACallThatEndsDoesNotWait: the SDK knows no contexts; its requests end
// with the call all the same.
func TestACallThatEndsDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list(t, kindUser) // the regions are known
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000, Actions: []string{"CreateApp"}})
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := w.Create(ctx, w.order(kindApp, "tok-1", `{}`))
	if fault.OutcomeOf(err) != fault.OutcomeUnknown || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 60_000})
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call("timeout_seconds", "1")})
	want(t, "the account's own time is over", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

// TestTheSDKWritesNothing, and no text of an error or a log has the keys or
// what a signature is made of.
func TestTheSDKWritesNothing(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "*(") // no regular expression
	w := newWorld(t)
	w.list(t, kindUser)
	printed := plugintest.Printed(t, func() {
		for _, f := range []sim.Fault{
			{Kind: sim.KindHTTP, Status: 502}, {Kind: sim.KindNonJSON}, {Kind: sim.KindDrop}, {Kind: sim.KindBadSignature}, {Kind: sim.KindRetCode},
			{Kind: sim.KindNumericCode}, {Kind: sim.KindTruncated}, {Kind: sim.KindEmpty}, {Kind: sim.KindRetCode, Message: "no " + private},
		} {
			w.faults(t, f)
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindApp, ID: "7"})
			if err == nil || strings.Contains(err.Error(), "Signature=") || strings.Contains(err.Error(), "string to sign") || strings.Contains(err.Error(), private) {
				t.Errorf("%s: %v", f.Kind, err)
			}
		}
	})
	if printed != "" {
		t.Errorf("written: %q", printed)
	}
	for _, text := range []string{private, "Signature="} {
		if strings.Contains(w.logs.String(), text) {
			t.Errorf("%q is in the log", text)
		}
	}
}

// TestStrangeAnswers hold the rule that only HTTP 200 with a request's id and
// the code 0 is a success, whatever else stands in the answer.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	elsewhere := http.Header{"Location": {"http://127.0.0.1:1/"}}
	cases := map[string]struct {
		reason string
		status int
		header http.Header
		body   string
		class  fault.Class
	}{
		"Good":         {"as the SDK reads it", 200, nil, `{"RequestId":"r","Code":0,"TotalCount":1}`, 0},
		"Lower":        {"as the manual's samples are", 200, nil, `{"requestId":"r","code":0,"totalCount":1}`, 0},
		"Text":         {"a number as a text", 200, nil, `{"RequestId":"r","Code":"0"}`, 0},
		"Number":       {"a refusal that the SDK lets pass", 200, nil, `{"RequestId":"r","Code":3,"ErrorMessage":"no"}`, fault.ClassForbidden},
		"LowerRefused": {"a refusal that the SDK takes for a success", 200, nil, `{"requestId":"r","code":1002,"errMsg":"twice"}`, fault.ClassConflict},
		"Panic":        {"a refusal on which the SDK panics", 403, nil, `{"RequestId":"r","Code":3}`, fault.ClassForbidden},
		"Unknown":      {"a number that nobody documents", 200, nil, `{"RequestId":"r","Code":99}`, fault.ClassPrecondition},
		"Word":         {"a word with the status of a success", 200, nil, `{"RequestId":"r","Code":"Forbidden"}`, fault.ClassForbidden},
		"NotSuccess":   {"a success that says it is none", 200, nil, `{"RequestId":"r","Code":0,"Success":false}`, fault.ClassUnavailable},
		"NoRequestID":  {"nothing that the SDK could read", 200, nil, `{"Code":0}`, fault.ClassUnavailable},
		"NoCode":       {"an answer without a code is none", 200, nil, `{"RequestId":"r"}`, fault.ClassUnavailable},
		"UsersCode":    {"200 is for users alone", 200, nil, `{"RequestId":"r","Code":200}`, fault.ClassPrecondition},
		"Shape":        {"the data is of another shape", 200, nil, `{"RequestId":"r","Code":0,"Data":3}`, fault.ClassUnavailable},
		"Redirect":     {"signed requests go to the endpoint only", 307, elsewhere, ``, fault.ClassUnavailable},
		"Empty":        {"no answer at all", 200, nil, ``, fault.ClassUnavailable},
		"TooLong":      {"answers are bounded", 200, nil, `{"RequestId":"r","Code":0,"Data":"` + strings.Repeat("x", maxAnswer) + `"}`, fault.ClassUnavailable},
		"Throttled":    {"the gateway throttles", 429, nil, `slow down`, fault.ClassThrottled},
		"ThrottledUs":  {"and says so its own way", 400, nil, `{"RequestId":"r","Code":"Throttling.User"}`, fault.ClassThrottled},
		"Unauthorized": {"the gateway refuses", 401, nil, `{"Code":"Whatever"}`, fault.ClassUnauthenticated},
		"Teapot":       {"the gateway refuses", 418, nil, `tea`, fault.ClassInternal},
		"Timeout":      {"the gateway waited", 408, nil, `late`, fault.ClassUnavailable},
		"Gateway":      {"a page of HTML", 502, nil, `<html>`, fault.ClassUnavailable},
		"Broken":       {"a code with a status of its own", 500, nil, `{"RequestId":"r","Code":"Whatever"}`, fault.ClassUnavailable},
		"Replayed":     {"the request was received before", 400, nil, `{"RequestId":"r","Code":"SignatureNonceUsed"}`, fault.ClassUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			url, asked := plugintest.Answering(t, tc.status, tc.header, tc.body)
			p := newPlugin(w.clock, retry.Policy{Attempts: 1})
			defer func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) }()
			call := w.call()
			call.Account.Endpoint = url
			c, err := p.open(call)
			if err != nil {
				t.Fatal(err)
			}
			_, err = read[listed[appRow]](t.Context(), c, retailcloud.CreateListAppRequest())
			want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
			if asked.Load() != 1 {
				t.Errorf("%s: asked %d times", tc.reason, asked.Load())
			}
			_, err = write[listed[appRow]](t.Context(), c, retailcloud.CreateCreateAppRequest())
			doubt := tc.class == fault.ClassUnavailable || tc.class == fault.ClassPrecondition
			if in := fault.OutcomeOf(err) == fault.OutcomeUnknown; err != nil && in != doubt {
				t.Errorf("%s: as a change: %v", tc.reason, err)
			}
		})
	}
}

// TestRequestsOfTheSDK: where the SDK sends them, and that temporary keys come along.
func TestRequestsOfTheSDK(t *testing.T) {
	t.Parallel()
	var got []*http.Request
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got = append(got, r.Clone(context.Background()))
		mu.Unlock()
		_, _ = io.WriteString(w, `{"RequestId":"r","Code":0,"Regions":{"Region":[{"RegionId":"cn-hangzhou","LocalName":"Hangzhou"}]}}`)
	}))
	defer srv.Close()
	w := newWorld(t)
	call := w.call("charge_type", "PrePaid", "resource_type", "instance")
	call.Account.Endpoint, call.Locale = srv.URL, "en-GB"
	call.Account.Credentials["security_token"] = secret.New("temporary")
	if _, err := w.Regions(t.Context(), provider.RegionsRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	q := got[0].URL.Query()
	if got[0].Method != http.MethodPost || q.Get("Version") != "2014-05-26" || q.Get("InstanceChargeType") != "PrePaid" || q.Get("ResourceType") != "instance" ||
		q.Get("AcceptLanguage") != "en-US" || q.Get("RegionId") != home || q.Get("SecurityToken") != "temporary" {
		t.Errorf("DescribeRegions as %s with %v", got[0].Method, q)
	}
	q = got[1].URL.Query()
	if !strings.HasPrefix(got[1].Header.Get("User-Agent"), "tradewind-") || q.Get("SignatureMethod") != "HMAC-SHA1" || q.Get("Version") != "2018-03-13" || q.Get("Format") != "JSON" {
		t.Errorf("ListApp with %v and %v", got[1].Header, q)
	}
}

// spy keeps where requests would have gone.
type spy struct{ asked []string }

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, r.URL.Scheme+"://"+r.URL.Host)
	return nil, errors.New("not sent")
}

// TestHosts are the vendor's, over https, whatever the region is.
func TestHosts(t *testing.T) {
	t.Parallel()
	p := newPlugin(newWorld(t).clock, retry.Policy{Attempts: 1})
	call := provider.Call{Region: "cn-nowhere-9", Account: provider.Account{
		Settings: map[string]string{"access_key_id": "k"}, Credentials: map[string]secret.Value{"access_key_secret": secret.New("s")},
	}}
	c, err := p.open(call)
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{}
	c.base, c.alone = s, s
	_, _ = read[nothing](t.Context(), c, retailcloud.CreateListAppRequest())
	_, _ = c.askRegions(t.Context())
	if len(s.asked) != 2 || s.asked[0] != "https://retailcloud.aliyuncs.com" || s.asked[1] != "https://ecs-cn-hangzhou.aliyuncs.com" {
		t.Errorf("asked %v", s.asked)
	}
}

// TestRequestsToTheCloudAreTraced: also those of the vendor's SDK, which knows
// no contexts.
func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := plugintest.Traced(t, w.plugin, w.call()); len(got) != 1 {
		t.Errorf("%d spans: %+v", len(got), got)
	}
}

// TestTheCloudIsNotThere says so, without the signed URL.
func TestTheCloudIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call()
	call.Account.Endpoint = plugintest.Nowhere(t)
	c, err := w.plugin.open(call)
	if err != nil {
		t.Fatal(err)
	}
	err = change(t.Context(), c, retailcloud.CreateCreateAppRequest())
	want(t, "nothing was sent", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if cause := errors.Unwrap(err); cause == nil || strings.Contains(cause.Error(), "Signature") {
		t.Errorf("the cause is %v", cause)
	}
}
