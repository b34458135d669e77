package main

import (
	"strings"
	"testing"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
)

// TestRefusals reads each form of a refusal that is documented.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const trace = `Traceback (most recent call last):\n File \"views.py\"`
	cases := map[string]struct {
		reason  string
		status  int
		body    string
		class   fault.Class
		unknown bool
		code    string
		says    string
	}{
		"Handled":    {"a refusal with a code", 404, `{"code":4000,"msg":"app not found","msg_show":"应用找不到","data":{}}`, fault.ClassNotFound, false, "4000", "应用找不到"},
		"Invalid":    {"a field is wrong", 400, `{"detail":"参数错误","err":{"b":["x"],"a":["y"]},"code":20400,"error_type":"ValidationError"}`, fault.ClassInvalid, false, "20400", "(a, b)"},
		"Exception":  {"a traceback beside it", 403, `{"detail":"no","code":403,"msg":"no","msg_show":"no","error_trace":"` + trace + `"}`, fault.ClassForbidden, false, "403", "no"},
		"ByHand":     {"no code at all", 400, `{"msg":"策略已存在"}`, fault.ClassConflict, false, "400", "策略已存在"},
		"Unhandled":  {"a traceback in it", 500, `{"code":10401,"msg":"boom","msg_show":"` + trace + `"}`, fault.ClassUnavailable, true, "10401", "did not expect"},
		"Key":        {"the key is bad", 401, `{"detail":"No token","code":401,"msg":"No token"}`, fault.ClassUnauthenticated, false, "401", "No token"},
		"Old":        {"the session is over", 401, `{"code":10405,"msg":"expired"}`, fault.ClassUnauthenticated, false, "10405", "expired"},
		"Licence":    {"not the key's fault", 401, `{"code":10400,"msg":"licence"}`, fault.ClassPrecondition, false, "10400", "licence"},
		"StoreKey":   {"the store's key, not ours", 401, `{"code":10421,"msg":"no store auth token"}`, fault.ClassPrecondition, false, "10421", "store"},
		"StoreRight": {"the store, not the team", 403, `{"code":10407,"msg":"no","data":{"bean":{"name":"m"}}}`, fault.ClassPrecondition, false, "10407", "store"},
		"Permission": {"the role lacks it", 403, `{"code":10402,"msg":"no","msg_show":"没有操作权限"}`, fault.ClassForbidden, false, "10402", "permission"},
		"Full":       {"no resources left", 412, `{"code":10413,"msg":"full"}`, fault.ClassOutOfStock, false, "10413", "resources"},
		"FullTwo":    {"no resources left", 412, `{"code":999,"msg":"full"}`, fault.ClassOutOfStock, false, "999", "full"},
		"Overdue":    {"no money", 412, `{"code":10410,"msg":"overdue"}`, fault.ClassInsufficientBalance, false, "10410", "overdue"},
		"Often":      {"too many calls", 409, `{"code":409,"msg":"too frequent","msg_show":"操作过于频繁"}`, fault.ClassThrottled, false, "409", "频繁"},
		"Other409":   {"a state that does not allow it", 409, `{"code":409,"msg":"outer","msg_show":"请关闭外部服务后再删除"}`, fault.ClassPrecondition, false, "409", "外部"},
		"Team":       {"never as if a resource were gone", 404, `{"code":404,"msg":"not found","msg_show":"团队不存在"}`, fault.ClassInvalid, false, "404", "团队"},
		"TeamCode":   {"never as if a resource were gone", 404, `{"code":2000,"msg":"no"}`, fault.ClassInvalid, false, "2000", "team"},
		"Closed":     {"the team has not opened it", 409, `{"code":2001,"msg":"no"}`, fault.ClassPrecondition, false, "2001", "open"},
		"Region":     {"no such region", 404, `{"code":3000,"msg":"no"}`, fault.ClassInvalid, false, "3000", "region"},
		"Name":       {"a name is taken", 400, `{"code":400,"msg":"exist","msg_show":"应用名称已存在"}`, fault.ClassConflict, false, "400", "已存在"},
		"Running":    {"it must be stopped before", 400, `{"code":400,"msg":"x","msg_show":"组件可能处于运行状态,请先关闭组件"}`, fault.ClassPrecondition, false, "400", "关闭"},
		"Half":       {"taken back by the console", 400, `{"code":400,"msg":"install app failure"}`, fault.ClassUnavailable, false, "400", "install app failure"},
		"Trace":      {"a traceback in a refusal", 400, `{"code":400,"msg":"` + trace + `"}`, fault.ClassInvalid, false, "400", "HTTP status 400"},
		"Method":     {"there is no such call", 405, `{"code":405,"msg":"Method not allowed"}`, fault.ClassUnsupported, false, "405", "Method"},
		"Broken":     {"what a 5xx says is no verdict", 500, `{"code":404,"msg_show":"应用不存在"}`, fault.ClassUnavailable, true, "404", "HTTP status 500"},
		"Gateway":    {"not of the console's making", 502, `{"msg":"bad gateway"}`, fault.ClassUnavailable, true, "502", "502"},
	}
	for name, tc := range cases {
		for _, change := range []bool{true, false} {
			e := classify(&cloudhttp.Response{Status: tc.status, Body: []byte(tc.body)}, &cloudhttp.Request{URL: "https://console.example/openapi/v1/x", Change: change})
			if e == nil || e.Class != tc.class || e.CloudCode != tc.code || (e.Outcome == fault.OutcomeUnknown) != (tc.unknown && change) || e.Source != fault.SourceCloud {
				t.Errorf("%s: %s: %+v", name, tc.reason, e)
				continue
			}
			if !strings.Contains(e.Message, tc.says) || strings.Contains(e.Message, "views.py") || strings.Contains(e.Message, "boom") {
				t.Errorf("%s: it says %q", name, e.Message)
			}
			if (e.Class == fault.ClassThrottled) != (e.RetryAfter > 0) {
				t.Errorf("%s: come back after %s", name, e.RetryAfter)
			}
		}
	}
}

// TestRefusalsOfTheStore never call the console's key bad.
func TestRefusalsOfTheStore(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]fault.Class{
		400: fault.ClassInvalid, 401: fault.ClassPrecondition, 403: fault.ClassPrecondition, 404: fault.ClassNotFound,
		429: fault.ClassThrottled, 500: fault.ClassUnavailable,
	} {
		e := classify(&cloudhttp.Response{Status: status, Body: []byte(`{"code":1,"msg":"no"}`)}, &cloudhttp.Request{URL: "https://store.example" + storeRoot + "/apps"})
		if e == nil || e.Class != class || e.Outcome == fault.OutcomeUnknown {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

// TestAnswersThatAreNoRefusals are left to what the status says, and a success
// whose body is a refusal is one.
func TestAnswersThatAreNoRefusals(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", `"x"`, "<html>", "{}", `{"code":null}`} {
		if e := classify(&cloudhttp.Response{Status: 502, Body: []byte(body)}, &cloudhttp.Request{}); e != nil {
			t.Errorf("%q: %+v", body, e)
		}
		if e := refusedInside([]byte(body), &cloudhttp.Request{}); e != nil {
			t.Errorf("%q: %+v", body, e)
		}
	}
	for body, class := range map[string]fault.Class{
		`{"code":400,"msg":"应用名称已存在"}`: fault.ClassConflict, `{"code":10406,"msg":"full"}`: fault.ClassOutOfStock, `{"code":404,"msg":"x"}`: fault.ClassNotFound,
	} {
		if e := refusedInside([]byte(body), &cloudhttp.Request{Change: true}); e == nil || e.Class != class || e.Outcome == fault.OutcomeUnknown {
			t.Errorf("%q: %+v", body, e)
		}
	}
	if e := refusedInside([]byte(`{"code":200,"msg":"success"}`), &cloudhttp.Request{}); e != nil {
		t.Errorf("a success: %+v", e)
	}
}
