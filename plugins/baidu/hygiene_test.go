package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// crowd is how many callers there are at once.
const crowd = 64

// TestConnectionsAreUsedAgain: the SDK gets a client for each request, does not
// read what it does not need, and ends idle connections after failures; none
// of that may cost a connection each.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	url, opened := plugintest.Counted(t, w.sim)
	p := plugintest.Start(t, newPlugin(w.clock, retry.Policy{Attempts: 1}))
	call := w.call()
	call.Account.Endpoint = url
	check := func() {
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Errorf("check: %v", err)
		}
	}
	work := func(i int) {
		check()
		_, err := p.Act(t.Context(), provider.ActionRequest{
			Call: call, Token: "a", Kind: kinds.Instance, ID: id, Action: kinds.ActionRename, Input: json.RawMessage(`{"name":"n` + strconv.Itoa(i) + `"}`),
		})
		if err != nil {
			t.Errorf("renaming: %v", err)
		}
		_, err = p.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: kinds.Instance, ID: "i-none", Action: kinds.ActionStart, Input: json.RawMessage(`{}`)})
		want(t, "a refused change", err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
	plugintest.ReuseConnections(t, opened, plugintest.Crowd{Alone: 25, Do: work, Callers: crowd, Each: 10, Check: check})
}

// TestACrowdChangesEveryKind is for the race detector.
func TestACrowdChangesEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	specs := []struct {
		kind, spec string
		term       provider.Term
	}{
		{kinds.SecurityGroup, `{"rules":[` + sshRule + `]}`, forOnce()},
		{kinds.VPC, `{"cidr":"172.17.0.0/16"}`, forOnce()},
		{kinds.Disk, `{"size_gb":20}`, hourly()},
		{kinds.EIP, `{"bandwidth_mbps":2}`, month(1)},
		{kinds.Instance, serverSpec, month(1)},
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			c := specs[i%len(specs)]
			token := "crowd-" + strconv.Itoa(i)
			change, err := w.Create(t.Context(), provider.CreateRequest{
				Call: w.call(), Token: token, Kind: c.kind, Name: "n", Spec: []byte(c.spec), Term: c.term,
			})
			if err != nil || change.Resource == nil {
				t.Errorf("%s: %+v, %v", c.kind, change, err)
				return
			}
			if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: c.kind, ID: change.Resource.ID}); err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
			change, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: token, Kind: c.kind, ID: change.Resource.ID})
			for n := 0; err == nil && change.Operation != "" && n < 5; n++ {
				var op provider.Operation
				if op, err = w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation}); op.State == provider.OperationSucceeded {
					break
				}
			}
			if err != nil {
				t.Errorf("%s: %v", c.kind, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d callers took %v", crowd, time.Since(began))
	for _, kind := range []string{kinds.Disk, kinds.EIP, kinds.Instance} {
		if left := w.list(t, kind); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(http.RedirectHandler(w.url, http.StatusTemporaryRedirect))
	t.Cleanup(srv.Close)
	call := w.call()
	call.Account.Endpoint = srv.URL
	_, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
	want(t, "a signed request goes nowhere else", err, fault.ClassInternal, fault.OutcomeNotDone)
}

// TestAnswersThatAreTooLarge: the SDK would read them whole.
func TestAnswersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		page := strings.Repeat(" ", 1<<20)
		for range maxAnswer>>20 + 2 {
			_, _ = rw.Write([]byte(page))
		}
	}))
	t.Cleanup(srv.Close)
	p := newPlugin(w.clock, retry.Policy{Attempts: 1})
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	call := w.call()
	call.Account.Endpoint = srv.URL
	_, err := p.Check(t.Context(), provider.CheckRequest{Call: call})
	want(t, "too large", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if !errors.Is(err, errTooLarge) {
		t.Errorf("the cause is %v", err)
	}
}

// TestThePluginItselfEndsWithTheContext: the SDK knows no contexts.
func TestThePluginItselfEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plugin()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	if _, err := p.Check(t.Context(), provider.CheckRequest{Call: w.call()}); err != nil {
		t.Fatal(err)
	}
	w.server(t, "tok-0")
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 3000, Actions: []string{"DescribeRegions", "CreateVPC"}})
	if _, err := p.kinds[3].Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.VPC, ID: "vpc-none"}); !fault.Is(err, fault.ClassNotFound) {
		t.Fatal(err) // now the regions are known
	}
	for name, read := range map[string]bool{"Read": true, "Write": false} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		var err error
		outcome := fault.OutcomeUnknown
		if read {
			_, err = p.Check(ctx, provider.CheckRequest{Call: w.call()})
			outcome = fault.OutcomeNotDone
		} else {
			_, err = p.kinds[3].Create(ctx, provider.CreateRequest{
				Call: w.call(), Token: "tok-1", Kind: kinds.VPC, Name: "n", Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`), Term: forOnce(),
			})
		}
		cancel()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		want(t, name, err, fault.ClassUnavailable, outcome)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
}

// TestSecretsStayHidden: whatever the cloud echoes.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "describeRegions") {
			_, _ = rw.Write([]byte(`{"regions":[{"regionId":"bj"}]}`))
			return
		}
		rw.WriteHeader(<-status)
		_ = json.NewEncoder(rw).Encode(map[string]any{"code": "Odd", "message": fmt.Sprintf("bad %s Marker-9x! 00000000088 %s", hidden, r.Header.Get("X-Bce-Security-Token")), "requestId": "r"})
	}))
	t.Cleanup(srv.Close)
	call := w.call()
	call.Account.Endpoint = srv.URL
	call.Account.Credentials["security_token"] = secret.New("Marker-token-5")
	call.Account.Credentials["customer_mobile"] = secret.New("00000000088")
	var seen strings.Builder
	for _, code := range []int{http.StatusOK, http.StatusForbidden, http.StatusInternalServerError} {
		status <- code
		_, err := w.Act(t.Context(), provider.ActionRequest{
			Call: call, Token: "a", Kind: kinds.Instance, ID: "i-1", Action: kinds.ActionResetPassword, Input: []byte(`{"password":"Marker-9x!"}`),
		})
		if code >= 400 && (err == nil || !strings.Contains(err.Error(), secret.Mask)) {
			t.Errorf("status %d: %v", code, err)
		}
		fmt.Fprintf(&seen, "%v %+v\n", err, fault.As(err))
	}
	seen.WriteString(w.logs.String())
	for _, m := range []string{hidden, "Marker-9x!", "Marker-token-5", "00000000088"} {
		if strings.Contains(seen.String(), m) {
			t.Errorf("%q is shown in:\n%s", m, seen.String())
		}
	}
}

// TestNoFloatingMoney: no amount is ever a binary number.
func TestNoFloatingMoney(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "float64") {
			t.Errorf("%s computes with floats", f.Name())
		}
	}
}

// TestRequestsToTheCloudAreTraced: also those of the vendor's SDK.
func TestRequestsToTheCloudAreTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	if got := plugintest.Traced(t, p, w.call()); len(got) != 1 {
		t.Errorf("%d spans: %+v", len(got), got)
	}
}
