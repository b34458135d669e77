package sim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

func number(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return -1
	}
	i, err := n.Int64()
	if err != nil {
		return -1
	}
	return int(i)
}

func person(n int) object {
	return object{
		"name": fmt.Sprintf("person-%d", n), "email": fmt.Sprintf("p%d@customer.example", n), "mobilePhone": fmt.Sprintf("0001000%04d", n),
		"accountType": "PERSONAL",
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxCustomers = 4 })
	made := w.ok(post("/v1/vs/account", person(1)))
	user, _ := made["userId"].(string)
	if got := w.ok(get("/v1/vs/account/" + user)); got["email"] != "p1@customer.example" || got["accountId"] != made["accountId"] || user == "" {
		t.Errorf("what was made can be read: %v", got)
	}
	page := func(body object) (int, int) {
		out := w.ok(post("/v1/vs/account/list", body))
		ids, _ := out["uidList"].([]any)
		return number(out["totalSize"]), len(ids)
	}
	if total, n := page(object{}); total != 3 || n != 3 {
		t.Errorf("the list has all: %d, %d", total, n)
	}
	if total, n := page(object{"pageNo": 2, "pageSize": 2}); total != 3 || n != 1 {
		t.Errorf("the second page: %d, %d", total, n)
	}
	if total, _ := page(object{"userId": user}); total != 1 {
		t.Errorf("by user: %d", total)
	}
	missing := person(2)
	delete(missing, "accountType")
	cases := map[string]struct {
		reason string
		call   call
		status int
		code   string
	}{
		"Twice":    {"nobody is created twice", post("/v1/vs/account", person(1)), 409, "AccountExists"},
		"Missing":  {"a field is missing", post("/v1/vs/account", missing), 400, "InappropriateJSON"},
		"Stranger": {"customers of others are not found", get("/v1/vs/account/"+user).as(otherKey, otherSecret), 404, "NotFound"},
		"Page":     {"pages are bounded", post("/v1/vs/account/list", object{"pageSize": 0, "pageNo": 0}), 400, "InappropriateJSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status || a.code != c.code {
				t.Errorf("%s: %d %q, want %d %q", c.reason, a.status, a.code, c.status, c.code)
			}
		})
	}
	w.ok(post("/v1/vs/account", person(3)))
	if a := w.do(post("/v1/vs/account", person(4))); a.code != "QuotaExceeded" {
		t.Errorf("the quota of customers: %s", a.raw)
	}
}

func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/v1/signinSecurityToken"
	temp := w.ok(post("/v1/sessionToken", nil).with("durationSeconds", "600"))
	text := func(k string) string { s, _ := temp[k].(string); return s }
	session := post(path, nil).with("userId", userOne).as(text("accessKeyId"), text("secretAccessKey"))
	session.session = text("sessionToken")
	cases := map[string]struct {
		reason string
		call   call
		status int
		code   string
		text   string
	}{
		"Unknown":   {"an unknown user", post(path, nil).with("userId", "nobody"), 404, "NotFound", ""},
		"Stranger":  {"a user of somebody else", post(path, nil).with("userId", userOne).as(otherKey, otherSecret), 403, "Forbidden", ""},
		"Temporary": {"temporary keys", session, 400, "InvalidRequest", "not support temporal credential"},
		"Missing":   {"the user must be named", post(path, nil), 400, "InvalidHTTPRequest", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status || a.code != c.code || !strings.Contains(a.raw, c.text) {
				t.Errorf("%s: %d %q, want %d %q (%s)", c.reason, a.status, a.code, c.status, c.code, a.raw)
			}
		})
	}
	one := w.ok(post(path, nil).with("userId", userOne))
	w.advance(2 * time.Minute)
	value, _ := one["sessionToken"].(string)
	if _, ok := w.RedeemSignIn(value); ok {
		t.Error("a token that is too old is refused")
	}
	zone := get("/v2/zone").as(session.key, session.secret)
	zone.session = session.session
	if a := w.do(zone); a.status != 200 {
		t.Errorf("temporary keys work elsewhere: %d", a.status)
	}
	w.advance(10 * time.Minute)
	if a := w.do(zone); a.code != "InvalidAccessKeyId" {
		t.Errorf("temporary keys end: %s", a.raw)
	}
	if a := w.do(post("/v1/credential", nil).with("assumeRole", "").with("accountId", accountOne).with("roleName", "x").as(otherKey, otherSecret)); a.code != "AccessDenied" {
		t.Errorf("customers of others cannot be assumed: %s", a.raw)
	}
}

func TestMoneyMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	move := func(path string, amount any) answer {
		return w.do(post("/v1/finance/supervisor/balance/"+path, object{"supervisedId": userOne, "amount": amount}))
	}
	cases := []struct {
		reason, path string
		amount       any
		code         string
		customer     string
	}{
		{"a transfer", "transfer", jsonNumber("12.34"), "", "12.34"},
		{"a string is taken too", "transfer", "0.66", "", "13.00"},
		{"part of it comes back", "gather", 3, "", "10.00"},
		{"more than there is", "gather", 11, "InsufficientBalance", "10.00"},
		{"three decimals", "transfer", jsonNumber("0.001"), "InappropriateJSON", "10.00"},
		{"nothing", "transfer", 0, "InappropriateJSON", "10.00"},
		{"less than nothing", "transfer", -1, "InappropriateJSON", "10.00"},
	}
	for _, c := range cases {
		if a := move(c.path, c.amount); a.code != c.code {
			t.Errorf("%s: %s, want %q", c.reason, a.raw, c.code)
		}
		out := w.ok(post("/v1/finance/supervisor/cash/balance", object{"accountIds": []string{userOne}}))
		rows, _ := out["result"].([]any)
		row, _ := rows[0].(map[string]any)
		if row["cashBalance"] != jsonNumber(c.customer) || row["accountType"] != "SUB_ACCOUNT" {
			t.Errorf("%s: %v, want %s", c.reason, row, c.customer)
		}
	}
	if got := w.ok(post("/v1/finance/cash/balance", object{}))["cashBalance"]; got != jsonNumber("99990.00") {
		t.Errorf("the partner's money: %v", got)
	}
	if out := w.ok(post("/v1/finance/supervisor/cash/transaction", object{"pageSize": 2})); number(out["totalCount"]) != 3 {
		t.Errorf("the movements: %v", out)
	}
	if out := w.ok(post("/v1/finance/supervisor/credit/quota", object{"accountIds": []string{userOne, "partner-id"}})); len(out["result"].([]any)) != 2 {
		t.Errorf("credit: %v", out)
	}
	if a := w.do(post("/v1/finance/supervisor/balance/transfer", object{"supervisedId": userOne, "amount": 1}).as(otherKey, otherSecret)); a.code != "AccessDenied" {
		t.Errorf("customers of others: %s", a.raw)
	}
}

func TestRenewals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.buy(machine(nil))
	list := func(body object) int { return number(w.ok(post("/v1/renew/resource/list", body))["totalCount"]) }
	if list(object{"serviceType": "BCC"}) != 1 || list(object{"serviceType": "BCC", "expiredDays": 3}) != 0 || list(object{"serviceType": "EIP"}) != 0 {
		t.Error("the list filters by service and days")
	}
	rule := object{"accountId": "partner-id", "serviceType": "BCC", "region": "bj", "instanceId": id, "renewTime": 1, "renewTimeUnit": "month"}
	w.ok(post("/v1/renew/resource/rule/create", rule))
	out := w.ok(post("/v1/resource/query/renew", object{"serviceType": "BCC", "region": "bj", "daysToExpiration": -1}))
	row, _ := out["result"].([]any)[0].(map[string]any)
	if row["shortId"] != id || row["renewTimeUnit"] != "MONTH" || row["autoRenewUuid"] == "" {
		t.Errorf("the rule is seen: %v", row)
	}
	w.advance(40 * 24 * time.Hour)
	if got := w.status(id); got != "Running" {
		t.Errorf("the rule renewed: %v", got)
	}
	if out := w.ok(post(listPath, object{"autoRenewOrder": true})); number(out["totalCount"]) != 1 {
		t.Errorf("the renewal is an order: %v", out["totalCount"])
	}
	rule["instanceId"] = "i-none"
	if a := w.do(post("/v1/renew/resource/rule/create", rule)); a.status != 404 {
		t.Errorf("an unknown resource: %d", a.status)
	}
	if a := w.do(post("/v1/resource/query/renew", object{"serviceType": "BCC"})); a.status != 400 {
		t.Errorf("the region is required: %d", a.status)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].PricePercent = 90 })
	flavor := func(items ...object) object { return object{"chargeItems": items} }
	machine := object{"name": "spec", "value": spec, "scale": 1}
	cases := map[string]struct {
		reason, path string
		body         object
		price, list  string
	}{
		"Hour":      {"an hour is 1/480 of a month, rounded up", "/v1/price/cpc", object{"region": "bj", "flavor": flavor(machine), "count": 1}, "0.48", "0.53"},
		"Month":     {"a month", "/v1/price/cpt", object{"region": "bj", "flavor": flavor(machine), "count": 1, "period": "P1M"}, "226.80", "252.00"},
		"Year":      {"a year costs ten months", "/v1/price/cpt", object{"region": "bj", "flavor": flavor(machine), "count": 2, "period": "P1Y"}, "4536.00", "5040.00"},
		"Bandwidth": {"five cheap Mbps and one dear one", "/v1/price/cpt", object{"region": "gz", "flavor": flavor(object{"name": "bandwidth", "scale": 6}), "count": 1}, "175.50", "195.00"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := w.ok(post(c.path, c.body))
			if out["price"] != jsonNumber(c.price) || out["catalogPrice"] != jsonNumber(c.list) {
				t.Errorf("%s: %v, want %s of %s", c.reason, out, c.price, c.list)
			}
		})
	}
	for name, body := range map[string]object{
		"Region": {"region": "mars", "flavor": flavor(machine)}, "Item": {"region": "bj", "flavor": flavor(object{"name": "magic"})},
		"Empty": {"region": "bj"}, "Period": {"region": "bj", "flavor": flavor(machine), "period": "P10W"},
		"Scale": {"region": "bj", "flavor": flavor(object{"name": "bandwidth", "scale": 1.5})},
	} {
		if a := w.do(post("/v1/price/cpt", body)); a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestBills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buy(machine(nil))
	w.buy(postpaid(object{"name": "hourly"}))
	w.advance(30 * time.Hour)
	month := func(product string) (int, string) {
		out := w.ok(get("/v1/bill/resource/month").with("month", "2026-06").with("productType", product))
		rows, _ := out["bills"].([]any)
		row, _ := rows[0].(map[string]any)
		n, _ := row["financePrice"].(json.Number)
		return number(out["totalCount"]), n.String()
	}
	if n, price := month("prepay"); n != 1 || price != "272.00" {
		t.Errorf("prepaid: %d bills of %s", n, price)
	}
	// 252.00 + 20.00 a month is 0.57 an hour; twelve hours are left of the first day in Beijing.
	if n, price := month("postpay"); n != 3 && n != 2 || price != "6.84" {
		t.Errorf("hours are one bill a day: %d bills, the first of %s", n, price)
	}
	out := w.ok(post("/v1/bill/resource/list", object{"billMonth": "2026-06", "productType": "postpay"}))
	rows, _ := out["bills"].([]any)
	row, _ := rows[0].(map[string]any)
	if number(out["totalCount"]) != 1 || row["financePrice"] != jsonNumber("17.10") {
		t.Errorf("30 hours in one row: %v", row)
	}
	cases := map[string]struct {
		reason string
		call   call
		status int
	}{
		"NoProduct": {"the product is required", get("/v1/bill/resource/month").with("month", "2026-06"), 400},
		"NoTime":    {"a month or days are required", get("/v1/bill/resource/month").with("productType", "prepay"), 400},
		"BadMonth":  {"months have one layout", get("/v1/bill/resource/month").with("productType", "prepay").with("month", "6"), 400},
		"BigPage":   {"pages hold at most 100", get("/v1/bill/share/bill").with("month", "2026-06").with("pageSize", "101"), 400},
		"Days":      {"days serve too", get("/v1/bill/cost/split/bill/list").with("startDay", "2026-06-01").with("endDay", "2026-06-30"), 200},
		"Stranger":  {"customers of others", get("/v1/bill/share/bill").with("month", "2026-06").with("queryAccountId", userOne).as(otherKey, otherSecret), 403},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status {
				t.Errorf("%s: %d, want %d (%s)", c.reason, a.status, c.status, a.raw)
			}
		})
	}
}

func TestBillRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := func(n int) (refused int) {
		for range n {
			if w.do(get("/v1/bill/share/bill").with("month", "2026-06")).status == 429 {
				refused++
			}
		}
		return refused
	}
	if got := calls(25); got != 5 {
		t.Errorf("20 a second pass: %d of 25 refused", got)
	}
	w.advance(time.Second)
	if got := calls(20); got != 0 {
		t.Errorf("the next second is new: %d refused", got)
	}
}
