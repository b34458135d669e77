package sim_test

import (
	"slices"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
)

const (
	listPath   = "/v1/order/list"
	payPath    = "/v1/order/pay"
	cancelPath = "/v1/order/cancel"
)

// place puts an order into the console of a customer.
func (w *world) place(o sim.ConsoleOrder) string {
	w.t.Helper()
	id, err := w.PlaceOrder(o)
	if err != nil {
		w.t.Fatalf("placing: %v", err)
	}
	return id
}

func newOrder() sim.ConsoleOrder {
	return sim.ConsoleOrder{Account: userOne, Type: "NEW", Spec: spec, Image: linux, Name: "theirs", Count: 2, Months: 3}
}

// stateOf is the state of a customer's order.
func (w *world) stateOf(id string) string {
	w.t.Helper()
	list, _ := w.ok(post(listPath, object{"uuid": id, "queryAccountId": userOne}))["orders"].([]any)
	if len(list) != 1 {
		w.t.Fatalf("order %s: found %d", id, len(list))
	}
	one, _ := list[0].(map[string]any)
	s, _ := one["status"].(string)
	return s
}

func TestPartnerPaysForCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(newOrder())
	if got := w.stateOf(id); got != "NEED_PURCHASE" {
		t.Errorf("an order of the console waits: %s", got)
	}
	w.ok(post(payPath, object{"queryAccountId": userOne, "orderId": id}))
	states := []string{w.stateOf(id)}
	for range 2 {
		w.advance(150 * time.Millisecond)
		states = append(states, w.stateOf(id))
	}
	if want := []string{"READY_FOR_CREATE", "CREATING", "CREATED"}; !slices.Equal(states, want) {
		t.Errorf("a paid order is created: %v, want %v", states, want)
	}
	books := w.Report(10).Accounts
	// 2 cores at 42.00, 8 GB at 21.00 and a disk at 20.00 are 272.00 a month.
	if want := sim.Fen(2 * 3 * 27200); books["partner"].Spent != want || books[userOne].Spent != 0 {
		t.Errorf("the partner pays %v: %+v", want, books)
	}
	if a := w.do(post(payPath, object{"queryAccountId": userOne, "orderId": id})); a.status != 412 {
		t.Errorf("an order is paid once: %d %s", a.status, a.raw)
	}
}

func TestOrderRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(newOrder())
	eleven := make([]string, 11)
	cases := map[string]struct {
		reason string
		call   call
		status int
		code   string
	}{
		"Anonymous":    {"an unsigned call", call{method: "POST", path: payPath, unsigned: true}, 403, "AccessDenied"},
		"Stranger":     {"customers of others are out of reach", post(payPath, object{"queryAccountId": userOne, "orderId": id}).as(otherKey, otherSecret), 403, "AccessDenied"},
		"Nobody":       {"an unknown customer", post(listPath, object{"queryAccountId": "nobody"}), 403, "AccessDenied"},
		"OwnOrder":     {"the customer's order is not the partner's own", post(payPath, object{"orderId": id}), 404, "NoSuchObject"},
		"NoSuch":       {"an unknown order", post(payPath, object{"queryAccountId": userOne, "orderId": "none"}), 404, "NoSuchObject"},
		"CancelNone":   {"cancel needs ids", post(cancelPath, object{"orderIds": []string{}}), 400, "InappropriateJSON"},
		"CancelEleven": {"cancel takes ten at most", post(cancelPath, object{"orderIds": eleven}), 400, "InappropriateJSON"},
		"CancelOther":  {"all or none", post(cancelPath, object{"queryAccountId": userOne, "orderIds": []string{id, "none"}}), 404, "NoSuchObject"},
		"BigPage":      {"pages hold at most 100", post(listPath, object{"pageSize": 101}), 400, "InappropriateJSON"},
		"ZeroPage":     {"pages count from 1", post(listPath, object{"pageNo": -1}), 400, "InappropriateJSON"},
		"BadTime":      {"times have one layout", post(listPath, object{"startTime": "yesterday"}), 400, "InappropriateJSON"},
		"GetNone":      {"get needs ids", post("/v1/order/getByUuid", object{}), 400, "InappropriateJSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if a := w.do(c.call); a.status != c.status || a.code != c.code {
				t.Errorf("%s: %d %q, want %d %q (%s)", c.reason, a.status, a.code, c.status, c.code, a.raw)
			}
		})
	}
	if got := w.stateOf(id); got != "NEED_PURCHASE" {
		t.Errorf("nothing happened to the order: %s", got)
	}
}

func TestOrderListAndPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.buy(machine(nil))
		w.advance(time.Hour)
	}
	w.buy(postpaid(nil))
	w.place(newOrder())
	cases := map[string]struct {
		reason   string
		body     object
		total, n int
	}{
		"Own":      {"without an account the caller's own", object{}, 4, 4},
		"Customer": {"by user id", object{"queryAccountId": userOne}, 1, 1},
		"ByID":     {"by account id too", object{"queryAccountId": accountOne}, 1, 1},
		"Page":     {"the second page has the rest", object{"pageNo": 2, "pageSize": 3}, 4, 1},
		"Beyond":   {"beyond the end there is nothing", object{"pageNo": 9}, 4, 0},
		"Product":  {"by product", object{"productType": "postpay"}, 1, 1},
		"Status":   {"by state", object{"status": "CREATED"}, 3, 3},
		"Type":     {"by type", object{"orderType": "REFUND"}, 0, 0},
		"Service":  {"by service", object{"serviceType": "BCC"}, 4, 4},
		"Time":     {"by time of creation", object{"startTime": "2026-06-10T04:30:00Z", "endTime": "2026-06-10T05:30:00Z"}, 1, 1},
		"Auto":     {"orders of the API are paid at once", object{"autoPayed": true}, 4, 4},
		"Renewal":  {"none renewed by a rule", object{"autoRenewOrder": true}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := w.ok(post(listPath, c.body))
			rows, _ := out["orders"].([]any)
			if total := number(out["totalCount"]); total != c.total || len(rows) != c.n {
				t.Errorf("%s: %d in all, %d on the page; want %d, %d", c.reason, total, len(rows), c.total, c.n)
			}
		})
	}
}

func TestQueryAccountIDSwitch(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, which string
		user, account int
	}{
		"Either":  {"both ids are taken", "either", 200, 200},
		"User":    {"the user id alone", "user_id", 200, 403},
		"Account": {"the account id alone", "account_id", 403, 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *sim.Config) { cfg.QueryAccountID = c.which })
			user, account := w.do(post(listPath, object{"queryAccountId": userOne})), w.do(post(listPath, object{"queryAccountId": accountOne}))
			if user.status != c.user || account.status != c.account {
				t.Errorf("%s: %d, %d", c.reason, user.status, account.status)
			}
		})
	}
}

func TestCancelAndExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.place(newOrder()), w.place(newOrder())
	w.ok(post(cancelPath, object{"queryAccountId": userOne, "orderIds": []string{one}}))
	w.advance(100 * time.Hour)
	if a, b := w.stateOf(one), w.stateOf(two); a != "CANCELLED" || b != "EXPIRED" {
		t.Errorf("one is cancelled, one is too old: %s, %s", a, b)
	}
	if a := w.do(post(payPath, object{"queryAccountId": userOne, "orderId": two})); a.status != 412 {
		t.Errorf("an old order cannot be paid: %d", a.status)
	}
}

func TestRefundWaitsForConfirmation(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*sim.Config)
		path   string
		fault  []sim.Fault
		want   string
		hosts  int
	}{
		"Paid":      {"paying the refund order confirms it", nil, payPath, nil, "REFUND_SUCC", 0},
		"OtherPath": {"the path is a switch", func(c *sim.Config) { c.RefundConfirmPath = "/v1/order/confirmRefund" }, "/v1/order/confirmRefund", nil, "REFUND_SUCC", 0},
		"Fails":     {"a confirmed refund can fail", nil, payPath, []sim.Fault{{Kind: sim.KindRefundFail}}, "REFUND_FAILED", 1},
		"Rejected":  {"cancelling rejects it", nil, cancelPath, nil, "CANCELLED", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *sim.Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			w.arm(c.fault...)
			id, _ := w.buy(machine(nil))
			w.advance(15 * 24 * time.Hour)
			before := w.Report(10).Accounts["partner"]
			w.ok(post("/v2/instance/delete", object{"instanceId": id}))
			order := w.refundOf()
			if got := w.orderState(order); got != "NEED_CONFIRM" || w.status(id) != "Running" {
				t.Errorf("%s: it waits while the instance runs: %v", c.reason, got)
			}
			if a := w.do(post("/v2/instance/delete", object{"instanceId": id})); a.status != 412 {
				t.Errorf("%s: a second refund is refused: %d", c.reason, a.status)
			}
			w.ok(post(c.path, object{"orderId": order, "orderIds": []string{order}}))
			w.advance(time.Second)
			if got := w.orderState(order); got != c.want {
				t.Errorf("%s: %v, want %s", c.reason, got, c.want)
			}
			r := w.Report(10)
			if r.Hosts != c.hosts {
				t.Errorf("%s: %d instances, want %d", c.reason, r.Hosts, c.hosts)
			}
			back := r.Accounts["partner"].Refunded - before.Refunded
			if half := before.Spent / 2; (c.hosts == 0) != (back > half-100 && back <= half) {
				t.Errorf("%s: %v came back of %v", c.reason, back, before.Spent)
			}
		})
	}
}

// refundOf is the only refund order of the partner.
func (w *world) refundOf() string {
	w.t.Helper()
	list, _ := w.ok(post(listPath, object{"orderType": "REFUND"}))["orders"].([]any)
	if len(list) != 1 {
		w.t.Fatalf("%d refund orders", len(list))
	}
	one, _ := list[0].(map[string]any)
	id, _ := one["uuid"].(string)
	return id
}

func TestConsoleRenewalAndOtherTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.buy(machine(nil))
	renewal := w.place(sim.ConsoleOrder{Account: "partner", Type: "RENEW", Resources: []string{id}, Months: 2})
	w.ok(post(payPath, object{"orderId": renewal}))
	plain := w.place(sim.ConsoleOrder{Account: "partner", Type: "TIME_EXPAND", Service: "BOS", PriceFen: 1234})
	w.ok(post(payPath, object{"orderId": plain}))
	if got := w.order(plain)["price"]; got != jsonNumber("12.34") {
		t.Errorf("money is an exact decimal: %v", got)
	}
	one, _ := w.ok(get("/v2/instance/" + id))["instance"].(map[string]any)
	if one["expireTime"] != "2026-09-10T04:00:00Z" {
		t.Errorf("a month and two more: %v", one["expireTime"])
	}
	bad := map[string]sim.ConsoleOrder{
		"Account":  {Account: "nobody", Type: "NEW"},
		"Type":     {Account: "partner", Type: "MAGIC"},
		"Resource": {Account: userOne, Type: "REFUND", Resources: []string{id}},
		"Spec":     {Account: userOne, Type: "NEW", Spec: "huge", Image: linux},
		"Region":   {Account: userOne, Type: "NEW", Spec: spec, Image: linux, Region: "mars"},
	}
	for name, o := range bad {
		if _, err := w.PlaceOrder(o); err == nil {
			t.Errorf("%s: the order is refused", name)
		}
	}
}
