package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const creates = "CreateUHostInstance"

// TestCreateThroughFaults holds each way to fail to what the core may conclude
// from it, and then looks the purchase up by its token.
func TestCreateThroughFaults(t *testing.T) {
	t.Parallel()
	only := []string{creates}
	cases := map[string]struct {
		reason  string
		fault   sim.Fault
		class   fault.Class
		outcome fault.Outcome
		made    int
	}{
		"LostAnswer":    {"the connection broke after the change", sim.Fault{Kind: sim.KindDrop, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"BrokenBefore":  {"the connection broke before the change; nobody can tell", sim.Fault{Kind: sim.KindDrop}, fault.ClassUnavailable, fault.OutcomeUnknown, 0},
		"GatewayAfter":  {"the gateway failed after the change", sim.Fault{Kind: sim.KindHTTP, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"GatewayBefore": {"the gateway failed before the change", sim.Fault{Kind: sim.KindHTTP, Status: 504}, fault.ClassUnavailable, fault.OutcomeUnknown, 0},
		"TimeoutAfter":  {"the gateway gave up waiting", sim.Fault{Kind: sim.KindRetCode, RetCode: 110, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"ServiceFault":  {"the gateway's own failure", sim.Fault{Kind: sim.KindRetCode, RetCode: 130}, fault.ClassUnavailable, fault.OutcomeUnknown, 0},
		"Unavailable":   {"the service's own failure", sim.Fault{Kind: sim.KindRetCode, RetCode: 150, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"PageAfter":     {"an answer that is no JSON", sim.Fault{Kind: sim.KindNonJSON, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown, 1},
		"StrangeCode":   {"a code nobody listed proves nothing", sim.Fault{Kind: sim.KindRetCode, RetCode: 9999, After: true}, fault.ClassInternal, fault.OutcomeUnknown, 1},
		"Throttled":     {"throttled is not done", sim.Fault{Kind: sim.KindThrottle}, fault.ClassThrottled, fault.OutcomeNotDone, 0},
		"TooMany":       {"the gateway throttles too", sim.Fault{Kind: sim.KindHTTP, Status: 429}, fault.ClassThrottled, fault.OutcomeNotDone, 0},
		"BadSignature":  {"refused keys are not done", sim.Fault{Kind: sim.KindBadSignature}, fault.ClassUnauthenticated, fault.OutcomeNotDone, 0},
		"SoldOut":       {"sold out is not done", sim.Fault{Kind: sim.KindSoldOut}, fault.ClassOutOfStock, fault.OutcomeNotDone, 0},
		"TextCode":      {"a code that comes as a text is a code", sim.Fault{Kind: sim.KindRetCodeString}, 0, fault.OutcomeNotDone, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 1 })
			tc.fault.Actions, tc.fault.Count = only, 1
			w.faults(t, tc.fault)
			began := w.clock.Now()
			_, err := w.Create(t.Context(), w.order("tok-1"))
			want(t, tc.reason, err, tc.class, tc.outcome)
			if n := w.sim.Counts()[creates]; n.Calls != 1 {
				t.Errorf("%s: the create was sent %d times", tc.reason, n.Calls)
			}
			w.lookUp(t, tc.reason, began, tc.made)
		})
	}
}

// lookUp asks for the purchase "tok-1" until the answer is final.
func (w *world) lookUp(t *testing.T, reason string, began time.Time, made int) {
	t.Helper()
	if f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", began); made == 0 && f.Settled {
		t.Errorf("%s: absence is final although the cloud may show it later", reason)
	}
	f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", began)
	if len(f.Resources) != made {
		t.Fatalf("%s: found %d, want %d", reason, len(f.Resources), made)
	}
	if made == 1 {
		if f.Operation == "" || f.Done {
			t.Errorf("%s: a server that is being made is an operation: %+v", reason, f)
		}
		if op := w.finish(t, f.Operation); op.State != provider.OperationSucceeded || op.Resource.ID != f.Resources[0].ID {
			t.Errorf("%s: %+v", reason, op)
		}
		f = w.find(t, "instance", provider.ChangeCreate, "tok-1", "", began)
	} else {
		w.clock.Advance(2 * time.Minute)
		f = w.find(t, "instance", provider.ChangeCreate, "tok-1", "", began)
	}
	if !f.Settled || len(f.Resources) != made || f.Done != (made == 1) || f.Operation != "" {
		t.Errorf("%s: in the end %+v", reason, f)
	}
	if b := w.sim.BoughtHosts("tok-1"); b.Resources != made {
		t.Errorf("%s: bought %d", reason, b.Resources)
	}
}

func TestAbsenceWithoutABeginningIsNeverFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", time.Time{}); f.Settled {
		t.Error("nobody said when it began")
	}
	f, err := w.FindByToken(t.Context(), provider.FindRequest{
		Call: w.call("settle_seconds", "0"), Token: "tok-1", Kind: "instance", Change: provider.ChangeCreate, Since: w.clock.Now(),
	})
	if err != nil || !f.Settled {
		t.Errorf("settle_seconds 0 takes the cloud at its word: %+v, %v", f, err)
	}
}

func TestReadsAreAskedAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]sim.Fault{
		"Gateway":   {Kind: sim.KindHTTP, Count: 2},
		"Drop":      {Kind: sim.KindDrop, Count: 2},
		"Page":      {Kind: sim.KindNonJSON, Count: 2},
		"Service":   {Kind: sim.KindRetCode, Count: 2},
		"TextCode":  {Kind: sim.KindRetCodeString},
		"Throttled": {Kind: sim.KindThrottle, Count: 1},
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.server(t, "tok-1")
			w.faults(t, f)
			if r := w.get(t, "instance", id); r.ID != id {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestReadsThatFailAreNoDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindDrop})
	_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: "instance", ID: "uhost-1"})
	want(t, "a read that never succeeds", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindBadSignature, Actions: []string{"DescribeImage"}})
	err = w.Offerings(t.Context(), provider.OfferingsRequest{Call: w.call()}, func(provider.Offering) error { return nil })
	want(t, "the SDK hides refusals of DescribeImage", err, fault.ClassUnauthenticated, fault.OutcomeNotDone)
	if f := fault.As(err); f.CloudCode != "171" || f.RequestID == "" || f.Source != fault.SourceCloud {
		t.Errorf("the cloud's own words are lost: %+v", f)
	}
}

func TestDeleteThroughFaults(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"PoweroffUHostInstance", "TerminateUHostInstance"} {
		for _, f := range []sim.Fault{
			{Kind: sim.KindDrop, After: true}, {Kind: sim.KindDrop}, {Kind: sim.KindHTTP, After: true},
			{Kind: sim.KindThrottle}, {Kind: sim.KindNonJSON, After: true},
		} {
			t.Run(fmt.Sprintf("%s/%s/%t", action, f.Kind, f.After), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.server(t, "tok-1")
				f.Actions, f.Count = []string{action}, 1
				w.faults(t, f)
				w.deleteStubbornly(t, id)
				if n := w.sim.Report(1).Hosts; n != 0 {
					t.Errorf("%d servers are left", n)
				}
				if found := w.find(t, "instance", provider.ChangeRelease, "del-1", id, w.clock.Now()); !found.Done || !found.Settled {
					t.Errorf("found %+v", found)
				}
			})
		}
	}
}

// deleteStubbornly asks as the core does: after each doubt it looks first.
func (w *world) deleteStubbornly(t *testing.T, id string) {
	t.Helper()
	for range 5 {
		change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: "instance", ID: id})
		if err != nil {
			if found := w.find(t, "instance", provider.ChangeRelease, "del-1", id, w.clock.Now()); found.Done {
				return
			}
			continue
		}
		for range 30 {
			if change.Operation == "" {
				return
			}
			op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation})
			if err == nil && op.State == provider.OperationSucceeded {
				return
			}
			w.clock.Advance(transition)
		}
	}
	t.Fatal("the delete never ends")
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
	req := w.order("tok-1")
	req.Call.Account.Endpoint = srv.URL
	_, err := w.Create(t.Context(), req)
	want(t, "a signed request goes nowhere else", err, fault.ClassInternal, fault.OutcomeNotDone)
	if n := w.sim.Report(1).Hosts; n != 0 {
		t.Errorf("%d servers were bought elsewhere", n)
	}
}

// TestCallsEndWithTheirContext: the SDK knows no contexts, so the transport must.
func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	arrived := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil {
			arrived <- struct{}{}
		}
		<-release
	}))
	t.Cleanup(func() { close(release); srv.Close() })
	req := w.order("tok-1")
	req.Call.Account.Endpoint = srv.URL

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.Create(ctx, req)
		done <- err
	}()
	<-arrived
	began := time.Now()
	cancel()
	want(t, "cancelled", <-done, fault.ClassUnavailable, fault.OutcomeUnknown)

	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := w.Create(ctx, req)
	want(t, "over its deadline", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the calls took %v to end", took)
	}
}

// TestThePluginItselfEndsWithTheContext looks below gRPC, which would hide a
// call that goes on.
func TestThePluginItselfEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 3000, Actions: []string{"GetProjectList", creates}})
	p := newProvider()
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	for name, read := range map[string]bool{"Read": true, "Write": false} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		began := time.Now()
		var err error
		if read {
			_, err = p.Check(ctx, provider.CheckRequest{Call: w.call()})
		} else {
			_, err = p.kinds[0].Create(ctx, w.order("tok-1"))
		}
		cancel()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		outcome := fault.OutcomeUnknown
		if read {
			outcome = fault.OutcomeNotDone
		}
		want(t, name, err, fault.ClassUnavailable, outcome)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
}

// TestSixteenAtOnce: the SDK's clients are not safe to share, so nothing is shared.
func TestSixteenAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	problems := make(chan error, 16)
	for i := range 16 {
		group.Go(func() {
			req := w.order(fmt.Sprintf("tok-%d", i))
			change, err := w.Create(t.Context(), req)
			if err == nil {
				_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: "instance", ID: change.Resource.ID})
			}
			if err == nil {
				_, err = w.Quote(t.Context(), provider.QuoteRequest{
					Call: w.call(), Change: provider.ChangeCreate, Kind: "instance", Spec: req.Spec, Term: month(i%3 + 1),
				})
			}
			if err == nil {
				_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call("public_key", "public-two", "project_id", "")})
			}
			problems <- err
		})
	}
	group.Wait()
	close(problems)
	for err := range problems {
		if err != nil {
			t.Error(err)
		}
	}
	if n := w.sim.Report(1).Hosts; n != 16 {
		t.Errorf("%d servers, want 16", n)
	}
}

// TestSecretsStayHidden has a cloud that repeats all that it is told and more.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		said := fmt.Sprintf("bad %v %v %s", r.PostForm, r.Header, private)
		if text, err := base64.StdEncoding.DecodeString(r.PostForm.Get("Password")); err == nil {
			said += " " + string(text)
		}
		rw.WriteHeader(<-status)
		_ = json.NewEncoder(rw).Encode(map[string]any{"RetCode": 230, "Message": said, "Action": "X"})
	}))
	t.Cleanup(srv.Close)
	const password = "Marker-pass-91"
	markers := []string{
		private, password, base64.StdEncoding.EncodeToString([]byte(password)), "Marker-token-5", "Marker-channel-6",
	}
	call := w.call()
	call.Account.Endpoint = srv.URL
	call.Account.Credentials["security_token"] = secret.New("Marker-token-5")
	call.Account.Credentials["channel_key"] = secret.New("Marker-channel-6")
	var seen strings.Builder
	for _, code := range []int{http.StatusOK, http.StatusForbidden, http.StatusInternalServerError} {
		status <- code
		_, err := w.Act(t.Context(), provider.ActionRequest{
			Call: call, Token: "a", Kind: "instance", ID: "uhost-1", Action: "reset_password", Input: []byte(`{"password":"` + password + `"}`),
		})
		if err == nil || (code == http.StatusOK && !strings.Contains(err.Error(), secret.Mask)) {
			t.Errorf("status %d: %v", code, err)
		}
		fmt.Fprintf(&seen, "%v %+v\n", err, fault.As(err))
	}
	seen.WriteString(w.logs.String())
	for _, m := range markers {
		if strings.Contains(seen.String(), m) {
			t.Errorf("%q is shown in:\n%s", m, seen.String())
		}
	}
}

// TestTheMadeUpPasswordStaysHidden: nobody may ever see it.
func TestTheMadeUpPasswordStaysHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passwords := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.PostForm.Get("Action") != creates {
			_, _ = rw.Write([]byte(`{"RetCode":0,"UHostSet":[],"TotalCount":0}`))
			return
		}
		text, _ := base64.StdEncoding.DecodeString(r.PostForm.Get("Password"))
		passwords <- string(text)
		_ = json.NewEncoder(rw).Encode(map[string]any{"RetCode": 230, "Message": "bad " + string(text), "Action": "X"})
	}))
	t.Cleanup(srv.Close)
	req := w.order("tok-1")
	req.Call.Account.Endpoint = srv.URL
	_, err := w.Create(t.Context(), req)
	if p := <-passwords; len(p) < 20 || err == nil || strings.Contains(err.Error()+w.logs.String(), p) {
		t.Errorf("the password %q shows in %v", p, err)
	}
}
