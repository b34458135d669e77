package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const newCustomer = `{"email":"second@customer.example","mobile":"00000000022","company":"Second"}`

func (w *world) customer(token string) provider.CreateRequest {
	return provider.CreateRequest{Call: w.call(), Token: token, Kind: kindCustomer, Name: "second", Spec: json.RawMessage(newCustomer), Term: forOnce()}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"CreateVsAccount"}})
	_, err := w.Create(t.Context(), w.customer("tok-c"))
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	f := w.find(t, kindCustomer, provider.ChangeCreate, "tok-c", "", w.clock.Now())
	if !f.Done || len(f.Resources) != 1 {
		t.Fatalf("found %+v", f)
	}
	made := w.bought(t, w.customer("tok-c"))
	if made.ID != f.Resources[0].ID || w.calls("CreateVsAccount") != 1 {
		t.Errorf("made %+v with %d calls", made, w.calls("CreateVsAccount"))
	}
	s := stateOf[CustomerState](t, made)
	if s.Email != "s***@customer.example" || s.Mobile != "000******22" || s.UserID != made.ID || s.AccountID == "" || s.Type != "PERSONAL" || !strings.HasPrefix(made.Name, "tw-second-") {
		t.Errorf("the customer is %+v %+v", made, s)
	}
	if all := w.list(t, kindCustomer); len(all) != 2 {
		t.Errorf("customers: %+v", all)
	}
	_, err = w.Create(t.Context(), w.customer("tok-other"))
	want(t, "the same person again", err, fault.ClassConflict, fault.OutcomeNotDone)
	if strings.Contains(err.Error()+w.logs.String(), "00000000022") {
		t.Error("the phone number shows")
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindCustomer, ID: "nobody"})
	want(t, "nobody", err, fault.ClassNotFound, fault.OutcomeNotDone)
	if f := w.find(t, kindCustomer, provider.ChangeCreate, "tok-none", "", epoch().Add(-time.Hour)); f.Done || !f.Settled {
		t.Errorf("found of an unused token: %+v", f)
	}
	plain := w.call("access_key", "ak-two")
	plain.Account.Credentials = map[string]secret.Value{"secret_key": secret.New("sk-two-0123456789ab")}
	err = w.List(t.Context(), provider.ListRequest{Call: plain, Kind: kindCustomer}, func(provider.Resource) error { return nil })
	if err != nil {
		t.Errorf("an account that is no reseller: %v", err)
	}
}

func TestSubAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("customer_email_domain", "customer.example")
	call.Account.Credentials["customer_mobile"] = secret.New("00000000033")
	ask := provider.EnsureAccountRequest{Call: call, Token: "tok", Name: "reseller 7"}
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"CreateVsAccount"}})
	_, err := w.EnsureAccount(t.Context(), ask)
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	got, err := w.EnsureAccount(t.Context(), ask)
	if err != nil || got.Created || got.ID == "" || got.Name != "tw-reseller-7" || got.Settings["customer_user_id"] != got.ID || got.Settings["customer_account_id"] == "" {
		t.Errorf("the sub-account is %+v, %v", got, err)
	}
	for reason, req := range map[string]provider.EnsureAccountRequest{
		"no token": {Call: call, Name: "x"},
		"no name":  {Call: call, Token: "t", Name: " "},
		"no email": {Call: w.call(), Token: "t", Name: "x"},
	} {
		_, err := w.EnsureAccount(t.Context(), req)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.customerCall(), Target: "https://console.bce.baidu.com/billing/?a=b"})
	if err != nil || !link.Expires.After(w.clock.Now()) {
		t.Fatalf("the link: %v, %v", link.Expires, err)
	}
	u, err := url.Parse(link.URL.Reveal())
	if err != nil || u.Host != "console.vcp.baidu.com" || u.Query().Get("redirectUrl") != "https://console.bce.baidu.com/billing/?a=b" {
		t.Errorf("the link leads to %v", u)
	}
	if user, ok := w.sim.RedeemSignIn(u.Query().Get("signinSecurityToken")); !ok || user != "user-one" {
		t.Errorf("the token is of %q, %v", user, ok)
	}
	out, err := w.act(t, kindCustomer, "user-one", "sign_in", `{}`)
	var signed SignIn
	if err != nil || json.Unmarshal(out.Output, &signed) != nil || !strings.Contains(signed.URL, url.QueryEscape("https://console.vcp.baidu.com/")) {
		t.Errorf("signing in: %s, %v", out.Output, err)
	}
	if strings.Contains(w.logs.String(), u.Query().Get("signinSecurityToken")) {
		t.Error("the token is in the log")
	}
	for reason, target := range map[string]string{
		"another host":    "https://evil.example/",
		"a host's end":    "https://console.bce.baidu.com.evil.example/",
		"another scheme":  "http://console.bce.baidu.com/",
		"a user":          "https://x@console.bce.baidu.com/",
		"a script":        "javascript:alert(1)",
		"without a host":  "//evil.example/",
		"out of the path": "https://console.bce.baidu.com/../x",
	} {
		_, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.customerCall(), Target: target})
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call()})
	want(t, "nobody to sign in", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call("customer_user_id", "nobody")})
	want(t, "an unknown customer", err, fault.ClassNotFound, fault.OutcomeNotDone)
	temporary := w.customerCall()
	temporary.Account.Credentials["security_token"] = secret.New("temporary-token-0123")
	_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: temporary})
	want(t, "temporary keys", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

func TestResourcesOfACustomer(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"account_id", "user_id"} {
		w := newWorld(t, func(c *sim.Config) { c.QueryAccountID = by })
		call := w.call("query_account", by, "customer_account_id", "account-one", "customer_user_id", "user-one")
		id := w.placed(t, newServer())
		o, err := w.PayVendorOrder(t.Context(), provider.VendorOrderChange{Call: call, Token: "p", ID: id})
		if err != nil {
			t.Fatalf("by %s: %v", by, err)
		}
		w.clock.Advance(transition)
		out, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call("query_account", by), Kind: kindCustomer, ID: "user-one", Action: "resources", Input: json.RawMessage(`{}`)})
		var has Rented
		if err != nil || json.Unmarshal(out.Output, &has) != nil || has.Total != 1 || has.Resources[0].ID != o.ResourceIDs[0] || has.Resources[0].Service != "BCC" || has.Resources[0].Expires == "" {
			t.Errorf("by %s: the customer has %s, %v", by, out.Output, err)
		}
	}
}
