package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// TestAPageIsNoSuccess: the SDK does not look at what it expects no answer of.
func TestAPageIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.faults(t, sim.Fault{Kind: sim.KindNonJSON, Actions: []string{"ModifyInstanceAttribute"}})
	_, err := w.act(t, kinds.Instance, id, kinds.ActionRename, `{"name":"front"}`)
	want(t, "a page with a good status", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if got := w.get(t, kinds.Instance, id).Name; got != "web" {
		t.Errorf("the server is called %q", got)
	}
}

// answering is a cloud that answers paths that end in one of the keys as told
// and has one region.
func (w *world) answering(t *testing.T, answers map[string]string) provider.Call {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "describeRegions") {
			_, _ = rw.Write([]byte(`{"regions":[{"regionId":"bj"}]}`))
			return
		}
		for end, answer := range answers {
			if strings.HasSuffix(r.URL.Path, end) {
				_, _ = rw.Write([]byte(answer))
				return
			}
		}
		rw.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(srv.Close)
	call := w.call()
	call.Account.Endpoint = srv.URL
	return call
}

// TestFailuresInGoodAnswers: the cloud lists what it did not do with a good status.
func TestFailuresInGoodAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.answering(t, map[string]string{"/i-1": `{"requestId":"r-1","failedInstanceIdList":["i-1"]}`})
	for action, input := range map[string]string{kinds.ActionReboot: `{}`, kinds.ActionResetPassword: `{"password":"Correct-8!"}`} {
		_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: kinds.Instance, ID: "i-1", Action: action, Input: json.RawMessage(input)})
		want(t, action, err, fault.ClassPrecondition, fault.OutcomeNotDone)
		if e := fault.As(err); e.RequestID != "r-1" || e.Source != fault.SourceCloud {
			t.Errorf("%s: %+v", action, e)
		}
	}
}

// TestAnswersThatSayTooLittle: what is needed of an answer and missing is never
// taken for good.
func TestAnswersThatSayTooLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.answering(t, map[string]string{
		"/flavorSpec": `{"zoneResources":[{"zoneName":"cn-bj-a","bccResources":{"flavorGroups":[{"groupId":"g5","flavors":[{"spec":"bcc.g5.c2m8","cpuCount":2,"memoryCapacityInGB":8}]}]}}]}`,
		"/instance":   `{"instances":[]}`, "/instanceBySpec": `{"instanceIds":[]}`, "/i-1": `{"instance":{"id":"i-2"}}`,
		"/volume": `{"volumes":[],"volumeIds":[]}`, "/eip": `{"eipList":[],"eip":"198.51.100.7"}`, "/price": `{"price":[]}`, "/cpt": `{}`,
		"/cash/balance": `{}`, "/signinSecurityToken": `{}`, "/account/list": `{"totalSize":0,"uidList":[]}`, "/vs/account": `{}`,
		"/order/getByUuid": `{"orders":[{"uuid":"o-1","status":"NEED_PURCHASE","price":1}]}`, "/order/pay": `{}`,
	})
	create := func(kind, spec string, term provider.Term) error {
		_, err := w.Create(t.Context(), provider.CreateRequest{Call: call, Token: "tok", Kind: kind, Name: "n", Spec: json.RawMessage(spec), Term: term})
		return err
	}
	quote := func(kind, spec string) error {
		_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: call, Change: provider.ChangeCreate, Kind: kind, Spec: json.RawMessage(spec), Term: month(1)})
		return err
	}
	want(t, "a server without an id", create(kinds.Instance, serverSpec, month(1)), fault.ClassUnavailable, fault.OutcomeUnknown)
	want(t, "a disk without an id", create(kinds.Disk, `{"size_gb":20}`, hourly()), fault.ClassUnavailable, fault.OutcomeUnknown)
	want(t, "an address without an id", create(kinds.EIP, `{"bandwidth_mbps":1}`, month(1)), fault.ClassUnavailable, fault.OutcomeUnknown)
	want(t, "a customer without an id", create(kindCustomer, newCustomer, forOnce()), fault.ClassUnavailable, fault.OutcomeUnknown)
	want(t, "no price of a server", quote(kinds.Instance, serverSpec), fault.ClassInvalid, fault.OutcomeNotDone)
	want(t, "no price of an address", quote(kinds.EIP, `{"bandwidth_mbps":1}`), fault.ClassInternal, fault.OutcomeNotDone)
	_, err := w.Get(t.Context(), provider.GetRequest{Call: call, Kind: kinds.Instance, ID: "i-1"})
	want(t, "another server", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	_, err = w.Balance(t.Context(), provider.BalanceRequest{Call: call})
	want(t, "no balance", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	_, err = w.PayVendorOrder(t.Context(), provider.VendorOrderChange{Call: call, Token: "p", ID: "o-1"})
	want(t, "a payment without a word", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	call.Account.Settings["customer_user_id"] = "user-one"
	_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: call})
	want(t, "no token", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}
