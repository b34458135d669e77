package sim_test

import (
	"strings"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
)

func FuzzAuthorization(f *testing.F) {
	f.Add("JDCLOUD2-HMAC-SHA256 Credential=AK/20190214/cn-north-1/vm/jdcloud2_request, SignedHeaders=a;b, Signature=" + strings.Repeat("0", 64))
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, s string) {
		if sim.ParseAuthorization(s) && !strings.HasPrefix(s, "JDCLOUD2-HMAC-SHA256 ") {
			t.Errorf("accepted %q", s)
		}
	})
}

// FuzzParameters: whatever is accepted is bounded in depth and number.
func FuzzParameters(f *testing.F) {
	f.Add("filters.1.name=a&filters.1.values.1=b", []byte(`{"a":{"b":[1,null,"c"]}}`))
	f.Add("a=1&a.b=2", []byte("null"))
	f.Add("a.b=2&a=1", []byte(`{"a":1e400}`))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		if m, err := sim.FromQuery(query); err == nil && m == nil {
			t.Error("a query without a map")
		}
		if m, err := sim.FromBody(body); err == nil && m == nil {
			t.Error("a body without a map")
		}
	})
}

// FuzzCalls: no parameters make an action panic or break the books.
func FuzzCalls(f *testing.F) {
	cfg := config()
	cloud, err := sim.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	bodies := []string{
		"", `{"instanceSpec":{"name":[],"az":{}}}`, `{"addPermissionsInfo":{"permissionIds":["x",{},1.5]}}`, `{"queryVo":{"startTime":1e30}}`,
		`{"cmd":3,"packageCount":1,"orderList":[{"formula":[{"value":-1}],"serviceCode":"vm","billingType":1,"resourceId":"i-1"}]}`,
		`{"modifySecurityGroupRuleSpecs":[{"ruleId":"x"}],"networkSecurityGroupRuleSpecs":[{}],"ruleIds":[1]}`,
	}
	for n := range cloud.ActionNames() {
		for _, body := range bodies {
			f.Add(n, "id-1", "filters.1.name=vpcIds&tags.1.key=a&pageSize=10", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, n int, id, query string, body []byte) {
		if n < 0 {
			return
		}
		cloud.Invoke(n, id, query, body)
		checkBooks(t, cloud)
	})
}

func TestRouting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ reason, host, service, method, path, want string }{
		"Action":   {"the colon may be escaped", "h", "vm", "POST", "/v1/regions/r/instances/i-1%3AstopInstance", "StopInstance"},
		"Plain":    {"or not", "h", "vm", "POST", "/v1/regions/r/instances/i-1:stopInstance", "StopInstance"},
		"Quotas":   {"the service tells equal paths apart", "h", "disk", "GET", "/v1/regions/r/quotas", "DescribeQuota"},
		"VMQuotas": {"as here", "h", "vm", "GET", "/v1/regions/r/quotas", "DescribeQuotas"},
		"Slash":    {"an escaped slash stays in its segment", "h", "vm", "GET", "/v1/regions/r/instances/a%2Fvnc", "DescribeInstance"},
		"Prefix":   {"a prefix is cut off", "h", "vm", "GET", "/deep/sim/vm/v1/regions/r/instances/a/vnc", "DescribeInstanceVncUrl"},
		"Version":  {"versions differ", "h", "order", "POST", "/v1/regions/r/orders", ""},
		"NoMethod": {"methods differ", "h", "vm", "PUT", "/v1/regions/r/instances", ""},
		"BadCode":  {"broken escapes", "h", "vm", "GET", "/v1/regions/r/instances/%zz", ""},
	} {
		if got := w.FindRoute(c.host, c.service, c.method, c.path); got != c.want {
			t.Errorf("%s (%s): got %q, want %q", name, c.reason, got, c.want)
		}
	}
}
