package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jdcloud-api/jdcloud-sdk-go/core"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// seen is a request as a server saw it.
type seen struct {
	Method, Path, Query, Body string
	Signed                    string // the names of the signed headers
}

// TestRequestsAreThoseOfTheSDK sends the same requests with the vendor's own
// client and with ours.
func TestRequestsAreThoseOfTheSDK(t *testing.T) {
	var last seen
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
		signed, _, _ = strings.Cut(signed, ",")
		last = seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), signed}
		_, _ = rw.Write([]byte(`{"requestId":"r1","result":{}}`))
	}))
	defer srv.Close()
	pool, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatal("the default transport is another")
	}
	defer pool.CloseIdleConnections()
	name, value, zero := "a<b>&c", "i-1", 10
	list := vmapi.NewDescribeInstancesRequestWithoutParam()
	list.SetRegionId(region)
	list.SetPageSize(100)
	list.Tags = []vm.TagFilter{{Key: &name, Values: []string{value, "with space"}}}
	rename := vmapi.NewModifyInstanceAttributeRequest(region, "i-1")
	rename.SetName(name)
	resize := vpcapi.NewModifyElasticIpRequest(region, "fip-1", zero)
	p := newProvider()
	defer func() { _ = p.Shutdown(t.Context()) }()
	c, err := p.open(provider.Call{Account: provider.Account{
		Endpoint: srv.URL, Settings: map[string]string{"access_key": accessKey}, Credentials: map[string]secret.Value{"secret_key": secret.New(secretKey)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for what, req := range map[string]core.RequestInterface{"List": list, "Action": rename, "Patch": resize, "Delete": vmapi.NewDeleteInstanceRequest(region, "i-1")} {
		theirs := core.JDCloudClient{
			Credential: *core.NewCredentials(accessKey, secretKey), ServiceName: serviceVM, Logger: core.NewDummyLogger(),
			Config: core.Config{Scheme: "http", Endpoint: strings.TrimPrefix(srv.URL, "http://"), Timeout: time.Second},
		}
		if _, err := theirs.Send(req, serviceVM); err != nil {
			t.Fatal(err)
		}
		wanted := last
		if err := act(t.Context(), c, serviceVM, req); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, last); diff != "" {
			t.Errorf("%s: the SDK and we differ: %s", what, diff)
		}
	}
}

// TestBrokenReadsAreSentWithAnotherNonce breaks connections that were used
// before: the transport would send the same request again, which the cloud
// refuses as a replay.
func TestBrokenReadsAreSentWithAnotherNonce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc := w.firstVPC(t)
	for range 5 {
		w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"DescribeVpc"}, Count: 2})
		if r := w.get(t, kinds.VPC, vpc); r.ID != vpc {
			t.Errorf("%+v", r)
		}
	}
	for _, c := range w.sim.Calls(1000) {
		if c.RetCode == http.StatusUnauthorized {
			t.Fatalf("a request came twice: %+v", c)
		}
	}
}

func TestAnswersThatLookLikeSuccess(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, body string
		status       int
		class        fault.Class
		outcome      fault.Outcome
	}{
		"NoError":    {"a 500 without an error", `{"requestId":"r"}`, 500, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Page":       {"a page of a gateway", `<html>`, 502, fault.ClassUnavailable, fault.OutcomeUnknown},
		"GoodPage":   {"a page with a good status", `<html>`, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Empty":      {"nothing", ``, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
		"NoID":       {"an answer without a number", `{"result":{}}`, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
		"NoResult":   {"a create that names nothing", `{"requestId":"r","result":{"diskIds":[]}}`, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Shape":      {"a result of another shape", `{"requestId":"r","result":{"diskIds":7}}`, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
		"TextCode":   {"a code that is a text", `{"requestId":"r","error":{"code":"400","status":"INVALID_ARGUMENT","message":"m"}}`, 400, fault.ClassInvalid, fault.OutcomeNotDone},
		"ErrorIn200": {"an error in a good answer", `{"requestId":"r","error":{"code":404,"status":"NOT_FOUND","message":"m"}}`, 200, fault.ClassNotFound, fault.OutcomeNotDone},
		"WordOnly":   {"an error without a number", `{"requestId":"r","error":{"status":"QUOTA_EXCEEDED"}}`, 429, fault.ClassQuota, fault.OutcomeNotDone},
		"NumberOnly": {"an error without a word", `{"requestId":"r","error":{"code":403}}`, 403, fault.ClassForbidden, fault.OutcomeNotDone},
		"Cancelled":  {"the cloud gave up", `{"requestId":"r","error":{"code":499,"status":"CANCELLED"}}`, 499, fault.ClassUnavailable, fault.OutcomeUnknown},
		"NewWord":    {"a word that nobody knows", `{"requestId":"r","error":{"code":418,"status":"TEAPOT"}}`, 418, fault.ClassInternal, fault.OutcomeUnknown},
		"Gateway401": {"the gateway refuses", `<html>`, 401, fault.ClassUnauthenticated, fault.OutcomeNotDone},
		"Gateway404": {"the gateway knows no such path", `<html>`, 404, fault.ClassInternal, fault.OutcomeNotDone},
		"Gateway429": {"the gateway throttles", `slow down`, 429, fault.ClassThrottled, fault.OutcomeNotDone},
		"Huge":       {"more than can be held", `{"requestId":"` + strings.Repeat("x", maxAnswer) + `"}`, 200, fault.ClassUnavailable, fault.OutcomeUnknown},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = rw.Write([]byte(`{"requestId":"r","result":{"disks":[],"totalCount":0}}`))
					return
				}
				rw.WriteHeader(tc.status)
				_, _ = io.WriteString(rw, tc.body)
			}))
			t.Cleanup(srv.Close)
			req := w.creates(t)["CreateDisks"]
			req.Call.Account.Endpoint = srv.URL
			_, err := w.Create(t.Context(), req)
			want(t, tc.reason, err, tc.class, tc.outcome)
		})
	}
}

func TestReadsAreAskedAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]sim.Fault{
		"Gateway":   {Kind: sim.KindHTTP, Count: 2},
		"Drop":      {Kind: sim.KindDrop, Count: 2},
		"Page":      {Kind: sim.KindNonJSON, Count: 2},
		"NoError":   {Kind: sim.KindNoError, Count: 2},
		"Empty":     {Kind: sim.KindEmpty, Count: 2},
		"Service":   {Kind: sim.KindRetCode, Count: 2},
		"Throttled": {Kind: sim.KindThrottle, Count: 1},
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.server(t, "tok-1")
			w.faults(t, f)
			if r := w.get(t, kinds.Instance, id); r.ID != id {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestUnreachableIsNotDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order("tok-1")
	req.Call.Account.Endpoint = plugintest.Nowhere(t)
	_, err := w.Create(t.Context(), req)
	want(t, "nothing was sent", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(http.RedirectHandler(w.url, http.StatusTemporaryRedirect))
	t.Cleanup(srv.Close)
	call := w.call()
	call.Account.Endpoint = srv.URL
	_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: kinds.Instance, ID: "i-1", Action: kinds.ActionReboot, Input: []byte(`{}`)})
	want(t, "a signed request goes nowhere else", err, fault.ClassInternal, fault.OutcomeNotDone)
}

// TestCallsEndWithTheirContext looks below gRPC, which would hide a call that goes on.
func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 5000, Actions: []string{"DescribeUser", "CreateVpc"}})
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	vpcs := p.kinds[slices.IndexFunc(p.kinds, func(k *provider.Kind) bool { return k.Description.Name == kinds.VPC })]
	for name, outcome := range map[string]fault.Outcome{"Read": fault.OutcomeNotDone, "Write": fault.OutcomeUnknown} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		began := time.Now()
		var err error
		if name == "Read" {
			_, err = p.Check(ctx, provider.CheckRequest{Call: w.call()})
		} else {
			_, err = vpcs.Create(ctx, w.creates(t)["CreateVpc"])
		}
		cancel()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		want(t, name, err, fault.ClassUnavailable, outcome)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
}

// TestIDsAreNoPaths: the SDK writes ids into paths as they are.
func TestIDsAreNoPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(w.sim.Calls(1000))
	all := []string{kinds.Instance, kinds.Disk, kinds.EIP, kinds.VPC, kinds.Subnet, kinds.SecurityGroup}
	for _, kind := range all {
		for _, id := range []string{"../../regions/cn-east-1/x", "i-1/vnc", "i-1:stopInstance", "i 1", "%2e"} {
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kind, ID: id})
			want(t, kind+" "+id, err, fault.ClassNotFound, fault.OutcomeNotDone)
			if _, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kind, ID: id}); err != nil {
				t.Errorf("%s %q: %v", kind, id, err)
			}
			_, err = w.act(t, kind, id, kinds.ActionRename, `{"name":"front"}`)
			if kind != kinds.EIP {
				want(t, kind+" rename "+id, err, fault.ClassNotFound, fault.OutcomeNotDone)
			}
		}
	}
	for _, action := range []string{kinds.ActionStart, kinds.ActionStop, kinds.ActionReboot, kinds.ActionConsole} {
		_, err := w.act(t, kinds.Instance, "i-1/vnc", action, `{}`)
		want(t, action, err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
	if after := len(w.sim.Calls(1000)); after != before {
		t.Errorf("%d requests were sent", after-before)
	}
}

// TestSecretsStayHidden has a cloud that repeats all that it is told and more.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		code := <-status
		rw.WriteHeader(code)
		_ = json.NewEncoder(rw).Encode(map[string]any{
			"requestId": "r", "error": map[string]any{"code": code, "status": "INVALID_ARGUMENT", "message": string(body) + r.Header.Get("x-jdcloud-security-token") + secretKey},
		})
	}))
	t.Cleanup(srv.Close)
	call := w.call("account_mode", modePartner)
	call.Account.Endpoint = srv.URL
	call.Account.Credentials["security_token"] = secret.New("Marker-token-5")
	var shown strings.Builder
	for _, do := range []struct{ kind, action, input string }{
		{kinds.Instance, kinds.ActionResetPassword, `{"password":"Marker-pass-91"}`},
		{kindReseller, "check_phone", `{"mobile":"86-13877700001"}`},
		{kindReseller, "send_code", `{"mobile":"86-13877700001"}`},
	} {
		status <- http.StatusBadRequest
		_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: do.kind, ID: "i-1", Action: do.action, Input: []byte(do.input)})
		if err == nil || !strings.Contains(err.Error(), secret.Mask) {
			t.Errorf("%s: %v", do.action, err)
		}
		shown.WriteString(err.Error() + "\n")
	}
	shown.WriteString(w.logs.String())
	for _, marker := range []string{secretKey, "Marker-token-5", "TWFya2VyLXRva2VuLTU", "Marker-pass-91", "13877700001"} {
		if strings.Contains(shown.String(), marker) {
			t.Errorf("%q is shown in:\n%s", marker, shown.String())
		}
	}
}

// TestTheMadeUpPasswordStaysHidden: nobody may ever see it.
func TestTheMadeUpPasswordStaysHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passwords := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodGet {
			// The signature names this host, so it stays.
			r.Body = io.NopCloser(bytes.NewReader(body))
			w.sim.ServeHTTP(rw, r)
			return
		}
		var in struct {
			Spec struct {
				Password string `json:"password"`
			} `json:"instanceSpec"`
		}
		_ = json.Unmarshal(body, &in)
		passwords <- in.Spec.Password
		rw.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(rw).Encode(map[string]any{"requestId": "r", "error": map[string]any{"code": 400, "status": "INVALID_ARGUMENT", "message": "bad " + in.Spec.Password}})
	}))
	t.Cleanup(srv.Close)
	req := w.order("tok-1")
	req.Call.Account.Endpoint = srv.URL
	_, err := w.Create(t.Context(), req)
	if p := <-passwords; len(p) != serverPassword || err == nil || strings.Contains(err.Error()+w.logs.String(), p) {
		t.Errorf("the password %q shows in %v", p, err)
	}
}
