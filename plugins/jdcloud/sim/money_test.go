package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/jdcloud/sim"
)

const (
	ordersPath = "/v2/regions/cn-north-1/orders"
	renewPath  = "/v2/regions/cn-north-1/instances:renew"
	refundPath = "/v1/regions/cn-north-1/refund:resource"
)

func (w *world) books() sim.Books { return w.Report(1).Accounts["one"] }

func renewBody(ids string, months int) map[string]any {
	return map[string]any{"renewInstanceParam": map[string]any{
		"appCode": "jcloud", "serviceCode": "vm", "timeSpan": months, "timeUnit": "MONTH", "instanceIds": ids, "autoPay": true,
	}}
}

func TestPrepaidMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(map[string]any{"charge": monthly})
	if got := w.books().Spent; got != 280_00 { // 2×42 + 8×21 + 40×0.70
		t.Fatalf("spent %v, want 280.00", got)
	}
	w.refused("FAILED_PRECONDITION", "vm", "DELETE", vmPath+"/"+id, nil)
	w.ok("renewal", "POST", renewPath, renewBody(id, 2))
	if got := w.books().Spent; got != 840_00 {
		t.Errorf("spent %v after the renewal, want 840.00", got)
	}
	// Half of June's term is used up; July and August are whole.
	w.advance(15*24*time.Hour - time.Second)
	r := w.ok("refund", "POST", refundPath, map[string]any{"jsonBody": map[string]any{"resourceId": id, "refundType": nil}})
	if r.Result["success"] != true {
		t.Fatalf("the refund: %+v", r.Result)
	}
	if got := w.books().Refunded; got != 700_00 {
		t.Errorf("refunded %v, want 700.00", got)
	}
	w.advance(time.Second)
	if got := w.state(id); got != "gone" {
		t.Errorf("state %q after the refund", got)
	}
	orders := w.ok("order", "POST", ordersPath, map[string]any{"queryVo": map[string]any{"status": "REFUND_ALL"}})
	if got := len(orders.list("resultList")); got != 2 {
		t.Errorf("%d orders are closed, want 2", got)
	}
	again := w.ok("refund", "POST", refundPath, map[string]any{"jsonBody": map[string]any{"resourceId": id}})
	if again.Result["success"] != false {
		t.Errorf("a second refund: %+v", again.Result)
	}
}

func TestRenewRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hourly, paid := w.running(nil), w.running(map[string]any{"charge": monthly})
	param := func(change map[string]any) map[string]any {
		body := renewBody(paid, 1)
		p, _ := body["renewInstanceParam"].(map[string]any)
		for k, v := range change {
			p[k] = v
		}
		return body
	}
	cases := map[string]struct {
		reason string
		change map[string]any
		want   string
	}{
		"Sound":    {"a renewal", nil, "OK"},
		"Hourly":   {"hourly resources are not renewed", map[string]any{"instanceIds": hourly}, "FAILED_PRECONDITION"},
		"Unknown":  {"all must exist", map[string]any{"instanceIds": paid + ",i-none"}, "NOT_FOUND"},
		"Twice":    {"none twice", map[string]any{"instanceIds": paid + "," + paid}, "INVALID_ARGUMENT"},
		"NoPay":    {"callers from outside pay at once", map[string]any{"autoPay": false}, "INVALID_ARGUMENT"},
		"BadUnit":  {"months or years", map[string]any{"timeUnit": "DAY"}, "INVALID_ARGUMENT"},
		"Unify":    {"one day for all is not offered", map[string]any{"unifyDate": "YES"}, "NOT_IMPLEMENTED"},
		"Service":  {"the service must fit", map[string]any{"serviceCode": "disk"}, "NOT_FOUND"},
		"BadApp":   {"the product line must exist", map[string]any{"appCode": "x"}, "INVALID_ARGUMENT"},
		"TooMuch":  {"the balance must do", map[string]any{"timeSpan": 36, "timeUnit": "YEAR"}, "FAILED_PRECONDITION"},
		"NoLength": {"a length is needed", map[string]any{"timeSpan": nil}, "INVALID_ARGUMENT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.call("renewal", "POST", renewPath, param(c.change)); r.status() != c.want {
				t.Errorf("%s: got %s (%+v), want %s", c.reason, r.status(), r.Error, c.want)
			}
		})
	}
}

func TestHourlyMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.running(nil)
	if got := w.books().Spent; got != 0 {
		t.Errorf("an hour is paid when it is over: %v", got)
	}
	w.advance(time.Hour)
	if got := w.books().Spent; got != 59 { // 280.00 / 480 rounded up
		t.Errorf("one hour costs %v, want 0.59", got)
	}
	w.advance(9 * time.Hour)
	if got := w.books().Spent; got != 590 {
		t.Errorf("ten hours cost %v, want 5.90", got)
	}
	if got := w.Planned(); got > 3 {
		t.Errorf("%d wake-ups are queued for one instance", got)
	}
}

// A resource that changes often must not leave entries in the queue behind.
func TestTheQueueStaysShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	for range 20 {
		w.ok("vm", "POST", vmPath+"/"+id+":rebootInstance", nil)
		w.advance(time.Second)
	}
	for range 3 {
		w.advance(time.Hour)
	}
	if got := w.Planned(); got > 2 {
		t.Errorf("%d wake-ups are queued for one instance", got)
	}
}

func TestStopCharging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	w.ok("vm", "POST", vmPath+"/"+id+":stopInstance", map[string]any{"chargeOnStopped": "stopCharging"})
	w.advance(5 * time.Hour)
	if got := w.books().Spent; got != 0 {
		t.Errorf("a stopped instance costs %v", got)
	}
}

func TestArrears(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].BalanceFen = 100 })
	id := w.running(nil)
	w.advance(3 * time.Hour)
	if got := w.books().Balance; got != 100-177 {
		t.Fatalf("balance %v", got)
	}
	w.refused("FAILED_PRECONDITION", "vm", "POST", vmPath+"/"+id+":rebootInstance", nil)
	if got := w.ok("vm", "GET", vmPath+"/"+id, nil).text("instance", "charge", "chargeStatus"); got != "arrear" {
		t.Errorf("charge status %q", got)
	}
	if err := w.Recharge("one", 100_00); err != nil {
		t.Fatal(err)
	}
	w.ok("vm", "POST", vmPath+"/"+id+":rebootInstance", nil)
}

func TestExpiryAndAutoRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain, auto := w.running(map[string]any{"charge": monthly}), w.running(map[string]any{"charge": map[string]any{
		"chargeMode": "prepaid_by_duration", "chargeUnit": "month", "chargeDuration": 1, "autoRenew": true,
	}})
	w.advance(31 * 24 * time.Hour)
	status := func(id string) string {
		return w.ok("vm", "GET", vmPath+"/"+id, nil).text("instance", "charge", "chargeStatus")
	}
	if got := []string{status(plain), status(auto)}; !cmp.Equal(got, []string{"overdue", "normal"}) {
		t.Errorf("one expired, one renewed itself: %v", got)
	}
	if got := w.books().Spent; got != 3*280_00 {
		t.Errorf("spent %v, want 840.00", got)
	}
	w.refused("FAILED_PRECONDITION", "vm", "POST", vmPath+"/"+plain+":rebootInstance", nil)
	w.ok("vm", "DELETE", vmPath+"/"+plain, nil)
}

func TestShortBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].BalanceFen = 279_99 })
	w.refused("FAILED_PRECONDITION", "vm", "POST", vmPath, map[string]any{"instanceSpec": w.spec(map[string]any{"charge": monthly})})
	if r := w.Report(1); r.Hosts != 0 || r.Accounts["one"].Spent != 0 {
		t.Errorf("nothing was made: %+v", r)
	}
}

func TestResizeOfAPrepaidInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(map[string]any{"charge": monthly})
	w.ok("vm", "POST", vmPath+"/"+id+":stopInstance", nil)
	w.advance(15*24*time.Hour - time.Second)
	w.ok("vm", "POST", vmPath+"/"+id+":resizeInstance", map[string]any{"instanceType": "g.n2.xlarge"})
	if got := w.books().Spent; got != 280_00+126_00 { // half a month of 252.00 more
		t.Errorf("spent %v, want 406.00", got)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].PricePercent = 90 })
	cases := map[string]struct {
		reason  string
		service string
		formula []any
		change  map[string]any
		want    string
	}{
		"Month":   {"a month of a machine", "vm", formula(flavor, 1), nil, "226.8"},
		"Year":    {"a year costs ten months", "vm", formula(flavor, 1), map[string]any{"timeUnit": 4}, "2268"},
		"Hour":    {"an hour is rounded up", "vm", formula(flavor, 1), map[string]any{"timeUnit": 1, "billingType": 1}, "0.48"},
		"Disk":    {"a disk by its GB", "disk", formula("ssd.gp1", 100), nil, "63"},
		"EIP":     {"an address by its Mbps", "ip", formula("bandwidth", 6), nil, "175.5"},
		"Traffic": {"an address by traffic has no rent", "ip", formula("bandwidth", 6), map[string]any{"billingType": 2}, "0"},
		"Count":   {"several of them", "disk", formula("ssd.gp1", 100), map[string]any{"count": 3}, "189"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := map[string]any{"appCode": "jcloud", "serviceCode": c.service, "billingType": 3, "timeSpan": 1, "timeUnit": 3, "formula": c.formula}
			for k, v := range c.change {
				one[k] = v
			}
			r := w.ok("billing", "POST", "/v1/regions/cn-north-1/calculateTotalPrice", map[string]any{"cmd": 1, "packageCount": 1, "orderList": []any{one}})
			if got := fmt.Sprint(r.Result["discountedTotalPrice"]); got != c.want {
				t.Errorf("%s: got %s, want %s", c.reason, got, c.want)
			}
		})
	}
	w.refused("INVALID_ARGUMENT", "billing", "POST", "/v1/regions/cn-north-1/calculateTotalPrice", map[string]any{
		"cmd": 1, "packageCount": 1, "orderList": []any{map[string]any{"serviceCode": "vm", "billingType": 3, "formula": formula("nothing", 1)}},
	})
}

func formula(key string, value int) []any {
	return []any{map[string]any{"key": key, "value": value, "number": 1}}
}

func TestMonths(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 4, 0, 0, 0, time.UTC)
	if got := sim.AddMonths(at, 1).UTC(); !got.Equal(time.Date(2026, 2, 28, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("a month after the end of January: %v", got)
	}
}
