package main

import (
	"context"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// customerCall is a call for the customer of the simulator's reseller.
func (w *world) customerCall() provider.Call {
	return w.call("customer_account_id", "account-one", "customer_user_id", "user-one")
}

// placed is an order of the customer in the cloud's console, which waits.
func (w *world) placed(t *testing.T, o sim.ConsoleOrder) string {
	t.Helper()
	o.Account = "user-one"
	id, err := w.sim.PlaceOrder(o)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newServer() sim.ConsoleOrder {
	return sim.ConsoleOrder{Type: "NEW", Spec: "bcc.g5.c1m4", Image: "m-ubuntu2204", Name: "theirs"}
}

func (w *world) orders(t *testing.T, req provider.VendorOrdersRequest) []provider.VendorOrder {
	t.Helper()
	var out []provider.VendorOrder
	err := w.VendorOrders(t.Context(), req, func(o provider.VendorOrder) error { out = append(out, o); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOrdersAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.clock.Now()
	id := w.server(t, "tok-1")
	w.clock.Advance(time.Hour)
	middle := w.clock.Now()
	w.gone(t, kinds.Instance, id)
	w.clock.Advance(time.Hour)
	all := w.orders(t, provider.VendorOrdersRequest{Call: w.call(), From: from, To: w.clock.Now()})
	if len(all) != 2 {
		t.Fatalf("orders: %+v", all)
	}
	refund, bought := all[0], all[1]
	if bought.Kind != "NEW" || bought.State != "CREATED" || bought.Amount != "217.60" || bought.Currency != "CNY" || bought.ResourceIDs[0] != id || !bought.Created.Equal(from) {
		t.Errorf("the purchase is %+v", bought)
	}
	if refund.Kind != "REFUND" || refund.State != "REFUND_SUCC" || refund.Amount[0] != '-' || refund.ResourceIDs[0] != id {
		t.Errorf("the refund is %+v", refund)
	}
	if late := w.orders(t, provider.VendorOrdersRequest{Call: w.call(), From: middle, To: w.clock.Now()}); len(late) != 1 || late[0].ID != refund.ID {
		t.Errorf("later: %+v", late)
	}
	if early := w.orders(t, provider.VendorOrdersRequest{Call: w.call(), From: from, To: middle}); len(early) != 1 || early[0].ID != bought.ID {
		t.Errorf("earlier: %+v", early)
	}
	if created := w.orders(t, provider.VendorOrdersRequest{Call: w.call(), From: from, To: w.clock.Now(), State: "CREATED"}); len(created) != 1 || created[0].ID != bought.ID {
		t.Errorf("of one state: %+v", created)
	}
}

func TestManyOrdersArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range pageSize + 7 {
		w.placed(t, sim.ConsoleOrder{Type: "SHIFT_CHARGE", PriceFen: 100, Service: "BCC"})
	}
	all := w.orders(t, provider.VendorOrdersRequest{Call: w.customerCall(), From: epoch(), To: epoch().Add(time.Hour)})
	if len(all) != pageSize+7 {
		t.Errorf("%d orders", len(all))
	}
}

func TestOrdersArePaidOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.placed(t, newServer())
	pay := provider.VendorOrderChange{Call: w.customerCall(), Token: "pay", ID: id}
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"PayOrder"}})
	_, err := w.PayVendorOrder(t.Context(), pay)
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	spent := w.sim.Report(10).Accounts["one"].Spent
	for range 2 {
		o, err := w.PayVendorOrder(t.Context(), pay)
		if err != nil || o.ID != id || o.State == "NEED_PURCHASE" {
			t.Errorf("again: %+v, %v", o, err)
		}
	}
	if after := w.sim.Report(10).Accounts["one"].Spent; after != spent || spent == 0 || w.calls("PayOrder") != 1 {
		t.Errorf("paid %v, then %v, with %d calls", spent, after, w.calls("PayOrder"))
	}
	_, err = w.CancelVendorOrder(t.Context(), pay)
	want(t, "cancelling what is paid", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.RefundVendorOrder(t.Context(), pay)
	want(t, "refunding what is no refund", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

func TestDeniedPayments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.placed(t, newServer())
	pay := provider.VendorOrderChange{Call: w.customerCall(), Token: "pay", ID: id}
	w.faults(t, sim.Fault{Kind: sim.KindSuccessFalse, Count: 1})
	_, err := w.PayVendorOrder(t.Context(), pay)
	want(t, "denied with a good status", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindLowBalance, Count: 1})
	_, err = w.PayVendorOrder(t.Context(), pay)
	want(t, "no money", err, fault.ClassInsufficientBalance, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindSuccessFalse, After: true, Count: 1})
	if o, err := w.PayVendorOrder(t.Context(), pay); err != nil || o.State == "NEED_PURCHASE" {
		t.Errorf("denied, and yet done: %+v, %v", o, err)
	}
	for reason, id := range map[string]string{"an unknown order": "order-none", "no number": "../x"} {
		_, err := w.PayVendorOrder(t.Context(), provider.VendorOrderChange{Call: w.customerCall(), Token: "pay", ID: id})
		want(t, reason, err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
}

func TestOrdersAreCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.placed(t, newServer())
	change := provider.VendorOrderChange{Call: w.customerCall(), Token: "c", ID: id}
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"CancelOrders"}})
	_, err := w.CancelVendorOrder(t.Context(), change)
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if o, err := w.CancelVendorOrder(t.Context(), change); err != nil || o.State != "CANCELLED" || w.calls("CancelOrders") != 1 {
		t.Errorf("again: %+v, %v", o, err)
	}
	_, err = w.PayVendorOrder(t.Context(), change)
	want(t, "paying what is cancelled", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

// TestRefundsAreConfirmed: by the call that the account names.
func TestRefundsAreConfirmed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/order/pay", "/v1/order/refund/confirm"} {
		w := newWorld(t, func(c *sim.Config) { c.RefundConfirmPath = path })
		call := w.call("customer_account_id", "account-one", "refund_confirm_path", path)
		bought := w.placed(t, newServer())
		o, err := w.PayVendorOrder(t.Context(), provider.VendorOrderChange{Call: call, Token: "p", ID: bought})
		if err != nil || len(o.ResourceIDs) != 1 {
			t.Fatalf("paying: %+v, %v", o, err)
		}
		w.clock.Advance(transition)
		refund := provider.VendorOrderChange{Call: call, Token: "r", ID: w.placed(t, sim.ConsoleOrder{Type: "REFUND", Resources: o.ResourceIDs})}
		_, err = w.PayVendorOrder(t.Context(), refund)
		want(t, "paying a refund", err, fault.ClassPrecondition, fault.OutcomeNotDone)
		action := map[string]string{"/v1/order/pay": "PayOrder"}[path]
		if action == "" {
			action = "ConfirmRefund"
		}
		w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{action}})
		_, err = w.RefundVendorOrder(t.Context(), refund)
		want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
		w.clock.Advance(transition)
		if o, err := w.RefundVendorOrder(t.Context(), refund); err != nil || o.State != "REFUND_SUCC" {
			t.Errorf("%s: again: %+v, %v", path, o, err)
		}
		if r := w.sim.Report(10); r.Hosts != 0 || r.Accounts["one"].Refunded == 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// TestARefundThatWaitsForPeople: the plugin confirms only with the account's leave.
func TestARefundThatWaitsForPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	call := w.call("confirm_refunds", "false")
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: call, Token: "d", Kind: kinds.Instance, ID: id})
	if err != nil || change.Operation == "" {
		t.Fatalf("deleting: %+v, %v", change, err)
	}
	for range 3 {
		op, err := w.Operation(t.Context(), provider.OperationRequest{Call: call, ID: change.Operation})
		if err != nil || op.State != provider.OperationRunning {
			t.Fatalf("the release is %+v, %v", op, err)
		}
		w.clock.Advance(transition)
	}
	if n := w.calls("BatchRefundResource"); n != 1 || w.calls("PayOrder") != 0 {
		t.Errorf("given back %d times, confirmed %d times", n, w.calls("PayOrder"))
	}
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("with leave: %+v", op)
	}
}

func TestARefundThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.faults(t, sim.Fault{Kind: sim.KindRefundFail, Count: 1, Actions: []string{"PayOrder"}})
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Instance, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed || !fault.Is(op.Failure, fault.ClassPrecondition) {
		t.Fatalf("the release is %+v", op)
	}
	w.faults(t)
	w.clock.Advance(time.Minute)
	w.gone(t, kinds.Instance, id)
}

func TestBillsAndBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.clock.Now()
	id := w.server(t, "tok-1")
	req := w.order("tok-h")
	req.Term = hourly()
	hour := w.bought(t, req).ID
	w.clock.Advance(3*time.Hour + time.Minute)
	w.gone(t, kinds.Instance, id)
	var lines []provider.BillLine
	bills := func(call provider.Call, from, to time.Time) {
		t.Helper()
		lines = nil
		err := w.BillLines(t.Context(), provider.PeriodRequest{Call: call, From: from, To: to}, func(l provider.BillLine) error {
			lines = append(lines, l)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	bills(w.call(), from.Add(-24*time.Hour), w.clock.Now().Add(time.Hour))
	got := map[string]string{}
	for _, l := range lines {
		got[l.ResourceID+" "+l.ChargeCategory] = string(l.BilledCost)
		if l.ListCost == "" || l.BillingCurrency != "CNY" || l.ID == "" || l.RegionID != region || l.BillingAccountID != "a1" {
			t.Errorf("a line is %+v", l)
		}
	}
	if len(lines) != 3 || got[id+" Purchase"] != "217.60" || got[hour+" Usage"] != "1.38" || got[id+" Credit"] == "" || got[id+" Credit"][0] != '-' {
		t.Errorf("the bill is %v", got)
	}
	bills(w.call(), from.Add(-48*time.Hour), from)
	if len(lines) != 0 {
		t.Errorf("before: %+v", lines)
	}
	bills(w.customerCall(), from, w.clock.Now())
	if len(lines) != 0 {
		t.Errorf("the customer's: %+v", lines)
	}
	mine, err := w.Balance(t.Context(), provider.BalanceRequest{Call: w.call()})
	if err != nil || string(mine.Available) != w.sim.Report(10).Accounts["one"].Balance.String() {
		t.Errorf("the balance is %+v, %v", mine, err)
	}
	theirs, err := w.Balance(t.Context(), provider.BalanceRequest{Call: w.customerCall()})
	if err != nil || theirs.Available != "123.45" || theirs.Cash != "123.45" {
		t.Errorf("the customer's balance is %+v, %v", theirs, err)
	}
}

// TestTheCloudThrottlesBills: twenty a second, which a long window exceeds.
func TestTheCloudThrottlesBills(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.BillRate = 4 })
	err := w.BillLines(t.Context(), provider.PeriodRequest{Call: w.call(), From: epoch().AddDate(-1, 0, 0), To: epoch()}, func(provider.BillLine) error { return nil })
	want(t, "too often", err, fault.ClassThrottled, fault.OutcomeNotDone)
}

// TestWhatCannotBeDeletedIsGivenBack: a server that failed is deleted, or given
// back where the cloud wants that.
func TestWhatCannotBeDeletedIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	c, err := w.plugin().open(w.call())
	if err != nil {
		t.Fatal(err)
	}
	c, asked := c.at(region, zone), 0
	o := operation{verb: opDelete, id: id, region: region, began: w.clock.Now()}
	_, err = c.finish(t.Context(), o, lent{
		id: id, payment: prepaid, expired: true,
		remove:   func(context.Context) error { return fault.Precondition("prepaid").Cloud("PreconditionFailed", "r") },
		giveBack: func(context.Context) error { asked++; return nil },
	}, w.clock.Now())
	if err != nil || asked != 1 {
		t.Errorf("given back %d times: %v", asked, err)
	}
	c.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// TestAnExpiredServerIsDeleted: there is nothing to give back.
func TestAnExpiredServerIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.clock.Advance(40 * 24 * time.Hour)
	if got := w.get(t, kinds.Instance, id); got.Status != provider.StatusFrozen {
		t.Errorf("the server is %+v", got)
	}
	w.gone(t, kinds.Instance, id)
	if n := w.calls("BatchRefundResource"); n != 0 {
		t.Errorf("given back %d times", n)
	}
}
