package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const signInURL = "https://console.example/sso?t={ticket}&to={target}"

func (w *world) ensure(t *testing.T, token, name string) (provider.SubAccount, error) {
	t.Helper()
	return w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{
		Call: w.call("sub_user_policies", "JDCloudReadOnly; JDCloudVMRead", "sso_url_template", signInURL), Token: token, Name: name,
	})
}

func TestASubAccountHasKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.ensure(t, "tok-1", "reseller-7")
	if err != nil || !made.Created || made.ID != "tw-reseller-7" || made.Settings["access_key"] == "" || made.Credentials["secret_key"].IsZero() {
		t.Fatalf("%+v, %v", made, err)
	}
	call := w.call("access_key", made.Settings["access_key"], "sso_url_template", signInURL, "ticket_hours", "2")
	call.Account.Credentials = made.Credentials
	check, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
	if err != nil || !check.OK || !strings.Contains(check.Details[0], "tw-reseller-7") {
		t.Errorf("its keys: %+v, %v", check, err)
	}
	link, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: call, Target: "/orders?a=b"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link.URL.Reveal())
	if err != nil || u.Host != "console.example" || u.Query().Get("t") == "" || u.Query().Get("to") != "/orders?a=b" || link.Expires.Sub(w.clock.Now()).Hours() != 2 {
		t.Errorf("the link is %v until %v, %v", u, link.Expires, err)
	}
	other, err := w.ensure(t, "tok-2", "reseller-7")
	if err != nil || other.Created || other.ID != made.ID || len(other.Credentials) != 0 {
		t.Errorf("another token: %+v, %v", other, err)
	}
	again, err := w.ensure(t, "tok-1", "reseller-7")
	if err != nil || again.Created || again.Credentials["secret_key"].IsZero() || again.Settings["access_key"] == made.Settings["access_key"] {
		t.Errorf("the same token: %+v, %v", again, err)
	}
	long, err := w.ensure(t, "tok-3", "a-customer-with-a-long-name")
	if err != nil || len(long.ID) > userName || long.Name != "a-customer-with-a-long-name" {
		t.Errorf("a long name: %+v, %v", long, err)
	}
}

func TestALostSubAccountIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateSubUser", "AttachSubUserPolicy"} {
		for _, f := range spoilers() {
			t.Run(action+"/"+string(f.Kind), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				f.Actions, f.Count = []string{action}, 1
				w.faults(t, f)
				_, err := w.ensure(t, "tok-1", "reseller-7")
				want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				again, err := w.ensure(t, "tok-1", "reseller-7")
				if err != nil || again.Credentials["secret_key"].IsZero() {
					t.Fatalf("%+v, %v", again, err)
				}
				f.Actions = []string{"DeleteSubUser"}
				w.faults(t, f)
				_, err = w.ensure(t, "tok-1", "reseller-7")
				want(t, "the answer to the end of the old one is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				if last, err := w.ensure(t, "tok-1", "reseller-7"); err != nil || last.Credentials["secret_key"].IsZero() {
					t.Errorf("%+v, %v", last, err)
				}
			})
		}
	}
}

func TestAccountsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for mode, class := range map[string]fault.Class{"disabled": fault.ClassUnsupported, "partner_raw": fault.ClassUnsupported} {
		_, err := w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: w.call("account_mode", mode), Token: "tok-1", Name: "n"})
		want(t, mode, err, class, fault.OutcomeNotDone)
	}
	_, err := w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: w.call(), Token: "tok-1"})
	want(t, "no name", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call()})
	want(t, "no template", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for _, template := range []string{"http://console.example/{ticket}", "https://console.example/", "::{ticket}"} {
		_, err = w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call("sso_url_template", template)})
		want(t, template, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err = w.resell(t, "disabled", "check_phone", `{"mobile":"13800000001"}`)
	want(t, "switched off", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	_, err = w.resell(t, "subuser", "send_code", `{"mobile":"13800000001"}`)
	want(t, "no codes for sub users", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	_, err = w.resell(t, "subuser", "check_phone", `{"mobile":"not a number"}`)
	want(t, "no number", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// resell performs an action of the account itself in a mode.
func (w *world) resell(t *testing.T, mode, action, input string) (map[string]any, error) {
	t.Helper()
	change, err := w.Act(t.Context(), provider.ActionRequest{
		Call: w.call("account_mode", mode, "sub_user_policies", "JDCloudReadOnly"), Token: "act-1", Kind: kindReseller, ID: "pin-one", Action: action, Input: json.RawMessage(input),
	})
	out := map[string]any{}
	if err == nil && len(change.Output) > 0 {
		if err := json.Unmarshal(change.Output, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out, err
}

// code is the code that was texted to a phone.
func (w *world) code(t *testing.T, mobile string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/codes?mobile="+mobile, nil)
	rec := httptest.NewRecorder()
	w.sim.Admin().ServeHTTP(rec, r)
	var out struct{ Code string }
	if body, err := io.ReadAll(rec.Body); err != nil || json.Unmarshal(body, &out) != nil || out.Code == "" {
		t.Fatalf("no code: %s, %v", body, err)
	}
	return out.Code
}

func TestCustomersOfAPartner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mobile = `{"mobile":"86-13800000001"}`
	if got, err := w.resell(t, modePartner, "check_phone", mobile); err != nil || got["registered"] != false {
		t.Errorf("before: %v, %v", got, err)
	}
	if _, err := w.resell(t, modePartner, "send_code", mobile); err != nil {
		t.Fatal(err)
	}
	_, err := w.resell(t, modePartner, "send_code", mobile)
	want(t, "a code was sent a moment ago", err, fault.ClassThrottled, fault.OutcomeNotDone)
	customer := func(code string) string {
		return `{"user_id":"u-7","name":"customer-7","mobile":"13800000001","verification_code":"` + code + `"}`
	}
	_, err = w.resell(t, modePartner, "create_user", customer(""))
	want(t, "no code", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.resell(t, modePartner, "create_user", customer("000"))
	want(t, "a wrong code", err, fault.ClassInvalid, fault.OutcomeNotDone)
	code := w.code(t, "13800000001")
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"CreateCustomer"}, Count: 1})
	_, err = w.resell(t, modePartner, "create_user", customer(code))
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	got, err := w.resell(t, modePartner, "create_user", customer(code))
	if err != nil || got["created"] != false || got["login_name"] != "customer-7" || got["id"] == "" {
		t.Errorf("its repeat: %v, %v", got, err)
	}
	if got, err := w.resell(t, modePartner, "check_phone", mobile); err != nil || got["registered"] != true {
		t.Errorf("after: %v, %v", got, err)
	}
	_, err = w.resell(t, modePartner, "create_user", strings.ReplaceAll(customer("1"), "13800000001", "13800000002"))
	want(t, "the name is taken", err, fault.ClassConflict, fault.OutcomeNotDone)
	list, err := w.resell(t, modePartner, "customers", `{}`)
	if err != nil || list["total"] != 1.0 || strings.Contains(mustJSON(t, list), "1380000") {
		t.Errorf("the customers: %v, %v", list, err)
	}
	if _, err := w.resell(t, modePartner, "send_code", `{"mobile":"13800000003"}`); err != nil {
		t.Fatal(err)
	}
	fresh := `{"user_id":"u-8","name":"customer-8","mobile":"13800000003","verification_code":"` + w.code(t, "13800000003") + `"}`
	if got, err := w.resell(t, modePartner, "create_user", fresh); err != nil || got["created"] != true || got["account_id"] == "" {
		t.Errorf("a second customer: %v, %v", got, err)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCustomersAreSubUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const customer = `{"user_id":"u-7","name":"customer-7","mobile":"+86-13800000001"}`
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"CreateSubUser"}, Count: 1})
	_, err := w.resell(t, modeSubUser, "create_user", customer)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if got, err := w.resell(t, modeSubUser, "create_user", customer); err != nil || got["created"] != false || got["id"] != "customer-7" {
		t.Errorf("its repeat: %v, %v", got, err)
	}
	if got, err := w.resell(t, modeSubUser, "check_phone", `{"mobile":"13800000001"}`); err != nil || got["registered"] != true {
		t.Errorf("the phone: %v, %v", got, err)
	}
	_, err = w.resell(t, modeSubUser, "create_user", strings.ReplaceAll(customer, "13800000001", "13800000002"))
	want(t, "the name is taken", err, fault.ClassConflict, fault.OutcomeNotDone)
	if got, err := w.resell(t, modeSubUser, "create_user", strings.ReplaceAll(strings.ReplaceAll(customer, "customer-7", "customer-8"), "0001", "0002")); err != nil || got["created"] != true {
		t.Errorf("a second customer: %v, %v", got, err)
	}
	if got, err := w.resell(t, modeSubUser, "customers", `{}`); err != nil || got["total"] != 2.0 {
		t.Errorf("the customers: %v, %v", got, err)
	}
}

func TestTheResellerIsTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.list(t, kindReseller)
	if len(all) != 1 || all[0].ID != "pin-one" {
		t.Fatalf("%+v", all)
	}
	if r := w.get(t, kindReseller, "pin-one"); r.Name != all[0].Name {
		t.Errorf("%+v", r)
	}
	_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindReseller, ID: "pin-two"})
	want(t, "another account", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestTheMadeUpPasswordsAreGood asks for what the cloud accepts, for many tokens.
func TestTheMadeUpPasswordsAreGood(t *testing.T) {
	t.Parallel()
	c := &cloud{cfg: Config{SecretKey: secret.New(secretKey)}}
	seen := map[string]bool{}
	for i := range 2000 {
		text := c.madeUpPassword("server", strings.Repeat("x", i%40)+string(rune('a'+i%26)), serverPassword).Reveal()
		low := strings.ToLower(text)
		if len(text) != serverPassword || strings.Contains(low, "jd") || strings.ContainsAny(low, "01ilo") ||
			!strings.ContainsAny(text, "23456789") || low == text || strings.ToUpper(text) == text {
			t.Errorf("%q is no good password", text)
		}
		seen[text] = true
	}
	if len(seen) != 520 {
		t.Errorf("520 tokens have %d passwords", len(seen))
	}
	again := &cloud{cfg: c.cfg}
	if again.madeUpPassword("server", "a", serverPassword).Reveal() != c.madeUpPassword("server", "a", serverPassword).Reveal() {
		t.Error("a repeat has another password")
	}
}

// TestBillsOfAPartner: what customers cost in a month, by customer and product.
func TestBillsOfAPartner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.make(t, kinds.Disk, month(1))
	w.faults(t, sim.Fault{Kind: sim.KindDecimalFees})
	change, err := w.act(t, kindReseller, "pin-one", "bills", `{"month":"2026-06"}`)
	var got PartnerBills
	if err != nil || json.Unmarshal(change.Output, &got) != nil {
		t.Fatalf("%s, %v", change.Output, err)
	}
	spent := provider.Decimal(w.sim.Report(1).Accounts["one"].Spent.String())
	if len(got.Customers) != 1 || got.Customers[0].Amount != spent || got.Customers[0].ID == "" || len(got.Products) != 1 || got.Products[0].Service != "disk" {
		t.Errorf("the bills are %+v, spent %s", got, spent)
	}
	_, err = w.act(t, kindReseller, "pin-one", "bills", `{"month":"June"}`)
	want(t, "no month", err, fault.ClassInvalid, fault.OutcomeNotDone)
}
