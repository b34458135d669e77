package sim_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"
)

const partnerBase = "/v1/regions/cn-north-1/customerManage:"

// code reads the texted code over the admin API.
func (w *world) code(mobile string) string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.Admin().ServeHTTP(rec, httptest.NewRequest("GET", "/codes?mobile="+mobile, nil))
	var out struct{ Code string }
	if err := json.NewDecoder(rec.Body).Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return out.Code
}

func TestInventedPartnerCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mobile = "13000000001"
	check := func() any {
		return w.ok("partner", "POST", partnerBase+"checkMobile", map[string]any{"mobile": mobile}).Result["exists"]
	}
	if check() != false {
		t.Error("nobody has the mobile yet")
	}
	create := func(code string) reply {
		return w.call("partner", "POST", partnerBase+"createCustomer", map[string]any{"mobile": mobile, "verificationCode": code, "loginName": "someone"})
	}
	if got := create("123456").status(); got != "FAILED_PRECONDITION" {
		t.Errorf("without a code: %s", got)
	}
	w.ok("partner", "POST", partnerBase+"sendVerifyCode", map[string]any{"mobile": mobile})
	w.refused("RATE_LIMIT", "partner", "POST", partnerBase+"sendVerifyCode", map[string]any{"mobile": mobile})
	if got := create("x").status(); got != "INVALID_ARGUMENT" {
		t.Errorf("a wrong code: %s", got)
	}
	w.advance(6 * time.Minute)
	if got := create(w.code(mobile)).status(); got != "FAILED_PRECONDITION" {
		t.Errorf("an old code: %s", got)
	}
	w.ok("partner", "POST", partnerBase+"sendVerifyCode", map[string]any{"mobile": mobile})
	if r := create(w.code(mobile)); r.status() != "OK" || r.text("pin") == "" {
		t.Errorf("a right code: %+v", r)
	}
	if check() != true {
		t.Error("the mobile is taken")
	}
	if got := len(w.ok("partner", "POST", partnerBase+"queryMyCustomerList", map[string]any{"loginName": "someone"}).list("result")); got != 1 {
		t.Errorf("%d customers, want 1", got)
	}
	w.refused("INVALID_ARGUMENT", "partner", "POST", partnerBase+"checkMobile", map[string]any{"mobile": "abc"})
}

func TestCodesHaveFewTries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok("partner", "POST", partnerBase+"sendVerifyCode", map[string]any{"mobile": "13000000002"})
	body := map[string]any{"mobile": "13000000002", "verificationCode": "wrong", "loginName": "someone"}
	for range 5 {
		w.refused("INVALID_ARGUMENT", "partner", "POST", partnerBase+"createCustomer", body)
	}
	body["verificationCode"] = w.code("13000000002")
	w.refused("FAILED_PRECONDITION", "partner", "POST", partnerBase+"createCustomer", body)
}

func TestSubUserRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	info := func(change map[string]any) map[string]any {
		out := map[string]any{"name": "worker", "password": "Correct7horse"}
		for k, v := range change {
			out[k] = v
		}
		return map[string]any{"createSubUserInfo": out}
	}
	cases := map[string]struct {
		reason string
		change map[string]any
		want   string
	}{
		"Short":    {"four letters at least", map[string]any{"name": "abc"}, "INVALID_ARGUMENT"},
		"Digit":    {"a letter first", map[string]any{"name": "1abc"}, "INVALID_ARGUMENT"},
		"Password": {"three classes", map[string]any{"password": "correcthorse"}, "INVALID_ARGUMENT"},
		"Phone":    {"a phone has a country", map[string]any{"phone": "13000000000"}, "INVALID_ARGUMENT"},
		"Made":     {"a password can be made", map[string]any{"name": "maker", "password": nil, "autoGeneratePassword": true}, "OK"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.call("iam", "POST", "/v1/subUser", info(c.change)); r.status() != c.want {
				t.Errorf("%s: got %s (%+v), want %s", c.reason, r.status(), r.Error, c.want)
			}
		})
	}
	w.ok("iam", "POST", "/v1/subUser", info(nil))
	w.refused("ALREADY_EXISTS", "iam", "POST", "/v1/subUser", info(nil))
	w.refused("NOT_FOUND", "iam", "GET", "/v1/subUser/nobody", nil)
	w.refused("NOT_FOUND", "iam", "POST", "/v1/subUser/worker:attachSubUserPolicy", map[string]any{"policyName": "none"})
	w.refused("NOT_FOUND", "sts", "POST", "/v1/sessionToken:assumeRole", map[string]any{
		"assumeRoleInfo": map[string]any{"roleJrn": "jrn:none", "roleSessionName": "session"},
	})
	w.refused("OUT_OF_RANGE", "user", "POST", "/v1/user:createTicket", map[string]any{"expire": 25})
}
