package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// ensure asks for the sub-account of a reseller.
func (w *world) ensure(t *testing.T, token, name string, settings ...string) (provider.SubAccount, error) {
	t.Helper()
	call := w.call(settings...)
	call.Region, call.Zone = "", ""
	return w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: call, Token: token, Name: name})
}

func policies() []string { return []string{"sub_user_policies", "ucs:policy/one; ucs:policy/two"} }

func TestASubAccountIsAProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.ensure(t, "tok-1", "reseller-7")
	if err != nil || !first.Created || first.Name != "tw-reseller-7" || first.Settings["project_id"] != first.ID || len(first.Credentials) != 0 {
		t.Fatalf("first: %+v, %v", first, err)
	}
	for _, token := range []string{"tok-1", "tok-2"} {
		again, err := w.ensure(t, token, "reseller-7")
		want := first
		want.Created = false
		if diff := cmp.Diff(want, again); diff != "" || err != nil {
			t.Errorf("again with %s (-want +got): %s %v", token, diff, err)
		}
	}
	other, err := w.ensure(t, "tok-3", "reseller-8", "project_prefix", "acme")
	if err != nil || other.ID == first.ID || other.Name != "acme-reseller-8" {
		t.Errorf("another: %+v, %v", other, err)
	}
	for reason, name := range map[string]string{"empty": "", "with a space": "a b", "too long": strings.Repeat("x", 41)} {
		_, err := w.ensure(t, "tok-4", name)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err = w.ensure(t, "", "reseller-9")
	want(t, "no token", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestASubUserOwnsItsProjectAlone uses the keys that were made.
func TestASubUserOwnsItsProjectAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.ensure(t, "tok-1", "reseller-7", policies()...)
	if err != nil || !made.Created || made.Settings["public_key"] == "" || made.Credentials["private_key"].IsZero() {
		t.Fatalf("made: %+v, %v", made, err)
	}
	as := func(project string) provider.Call {
		call := w.call("public_key", made.Settings["public_key"], "project_id", project)
		call.Account.Credentials = made.Credentials
		return call
	}
	change, err := w.Create(t.Context(), provider.CreateRequest{
		Call: as(made.ID), Token: "tok-g", Kind: kinds.SecurityGroup, Name: "one", Spec: []byte(`{}`), Term: forOnce(),
	})
	if err != nil || change.Resource == nil {
		t.Errorf("in its own project: %+v, %v", change, err)
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: as("org-one"), Kind: kinds.VPC, ID: "uvnet-default"})
	want(t, "in another project", err, fault.ClassForbidden, fault.OutcomeNotDone)
	if rows := w.list(t, kinds.SecurityGroup); len(rows) != 2 {
		t.Errorf("the account's own project shows %d groups, want the two of the cloud", len(rows))
	}
}

// TestKeysAreGivenToWhoMadeThem: a repeat gets fresh keys, since the answer may
// have been lost; anybody else gets none, and the keys in use stay good.
func TestKeysAreGivenToWhoMadeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.ensure(t, "tok-1", "reseller-7", policies()...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.ensure(t, "tok-1", "reseller-7", policies()...)
	if err != nil || again.Created || again.Settings["public_key"] == first.Settings["public_key"] || again.Credentials["private_key"].IsZero() {
		t.Errorf("the repeat: %+v, %v", again, err)
	}
	other, err := w.ensure(t, "tok-2", "reseller-7", policies()...)
	if err != nil || other.Created || other.ID != first.ID || other.Settings["public_key"] != "" || len(other.Credentials) != 0 {
		t.Errorf("another token: %+v, %v", other, err)
	}
	good := func(a provider.SubAccount) bool {
		call := w.call("public_key", a.Settings["public_key"], "project_id", a.ID)
		call.Account.Credentials = a.Credentials
		check, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
		return err == nil && check.OK
	}
	if good(first) || !good(again) {
		t.Errorf("first keys good: %v, last keys good: %v; want only the last", good(first), good(again))
	}
	for _, a := range []provider.SubAccount{first, again} {
		if strings.Contains(w.logs.String(), a.Credentials["private_key"].Reveal()) {
			t.Error("a private key is in the log")
		}
	}
}

func TestSubAccountsThroughLostAnswers(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateProject", "CreateUser", "AttachPoliciesToUser", "CreateAccessKey", "DeleteAccessKey"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if action == "DeleteAccessKey" { // is sent by a repeat alone
				if _, err := w.ensure(t, "tok-1", "reseller-7", policies()...); err != nil {
					t.Fatal(err)
				}
			}
			w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{action}, Count: 1})
			_, err := w.ensure(t, "tok-1", "reseller-7", policies()...)
			want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			got, err := w.ensure(t, "tok-1", "reseller-7", policies()...)
			if err != nil || got.Credentials["private_key"].IsZero() {
				t.Fatalf("the repeat: %+v, %v", got, err)
			}
			counts := w.sim.Counts()
			if counts["CreateProject"].OK+counts["CreateProject"].Spoiled != 1 || counts["CreateUser"].OK+counts["CreateUser"].Spoiled != 1 {
				t.Errorf("%d projects, %d users", counts["CreateProject"].Calls, counts["CreateUser"].Calls)
			}
		})
	}
}

// TestBillsAddUpToTheBooks: each movement of money is one line.
func TestBillsAddUpToTheBooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.clock.Now()
	server, disk := w.server(t, "tok-1"), w.disk(t, "tok-2")
	w.address(t, "tok-3")
	w.clock.Advance(40 * 24 * time.Hour)
	if _, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "r1", Kind: "instance", ID: server, Term: month(1)}); err != nil {
		t.Fatal(err)
	}
	w.drop(t, kinds.Disk, disk)
	w.clock.Advance(time.Second)
	all := w.call()
	all.Region, all.Zone = "", ""
	var lines []provider.BillLine
	err := w.BillLines(t.Context(), provider.PeriodRequest{Call: all, From: from, To: w.clock.Now()}, func(l provider.BillLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, seen := provider.Decimal("0.00"), map[string]bool{}
	for _, l := range lines {
		if sum, err = plus(sum, l.EffectiveCost); err != nil || seen[l.ID] {
			t.Errorf("line %+v: seen %v, %v", l, seen[l.ID], err)
		}
		seen[l.ID] = true
		if l.SubAccountID != "org-one" || l.BillingCurrency != "CNY" || l.VendorOrder == "" || l.Tags["term_start"] == "" || l.BilledCost != l.EffectiveCost {
			t.Errorf("line %+v", l)
		}
	}
	books := w.sim.Report(1).Accounts["one"]
	if want := provider.Decimal((books.Spent - books.Refunded).String()); sum != want || len(lines) < 4 {
		t.Errorf("%d lines sum to %s; the account paid %s", len(lines), sum, want)
	}
	if lines[0].ResourceID != server || lines[0].ChargeCategory != "Purchase" || !lines[0].ChargePeriodStart.Equal(from) {
		t.Errorf("first line %+v", lines[0])
	}
	w.ordersAddUp(t, all, from, sum)
	var none []string
	early := provider.PeriodRequest{Call: all, From: from.AddDate(0, -2, 0), To: from}
	if err := w.BillLines(t.Context(), early, func(l provider.BillLine) error { none = append(none, l.ID); return nil }); err != nil || len(none) > 0 {
		t.Errorf("before anything was bought: %v, %v", none, err)
	}
	endless := provider.PeriodRequest{Call: all, From: from.AddDate(-50, 0, 0), To: from}
	want(t, "fifty years", w.BillLines(t.Context(), endless, func(provider.BillLine) error { return nil }), fault.ClassInvalid, fault.OutcomeNotDone)
}

// ordersAddUp holds the orders of the same window to the same sum.
func (w *world) ordersAddUp(t *testing.T, call provider.Call, from time.Time, want provider.Decimal) {
	t.Helper()
	sum, n := provider.Decimal("0.00"), 0
	req := provider.VendorOrdersRequest{Call: call, From: from, To: w.clock.Now(), State: orderPaid}
	err := w.VendorOrders(t.Context(), req, func(o provider.VendorOrder) error {
		n++
		var err error
		if len(o.ResourceIDs) == 0 || o.Kind == "" || o.Created.IsZero() {
			t.Errorf("order %+v", o)
		}
		sum, err = plus(sum, o.Amount)
		return err
	})
	if err != nil || sum != want || n == 0 {
		t.Errorf("%d orders sum to %s, %v; want %s", n, sum, err, want)
	}
	req.State = orderUnpaid
	if err := w.VendorOrders(t.Context(), req, func(o provider.VendorOrder) error { t.Errorf("unpaid: %+v", o); return nil }); err != nil {
		t.Error(err)
	}
	change := provider.VendorOrderChange{Call: call, Token: "t", ID: "cn1"}
	for what, do := range map[string]func() error{
		"pay":    func() error { _, err := w.PayVendorOrder(t.Context(), change); return err },
		"cancel": func() error { _, err := w.CancelVendorOrder(t.Context(), change); return err },
		"refund": func() error { _, err := w.RefundVendorOrder(t.Context(), change); return err },
	} {
		if err := do(); !fault.Is(err, fault.ClassUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOrdersOfSeveralItemsAreGathered(t *testing.T) {
	t.Parallel()
	o := orders{at: map[string]int{}}
	for _, b := range []billItem{
		{OrderNo: "a", ResourceID: "r1", Amount: "1.10", ShowHover: 1}, {OrderNo: "b", ResourceID: "r2", Amount: "-0.50"},
		{OrderNo: "a", ResourceID: "r3", Amount: "2.905", ShowHover: 1},
	} {
		if err := o.add(b); err != nil && b.ResourceID != "r3" {
			t.Fatal(err)
		}
	}
	if len(o.all) != 2 || o.all[0].Amount != "1.10" || o.all[1].Amount != "-0.50" || o.all[0].State != orderPaid || o.all[1].State != orderUnpaid {
		t.Errorf("orders %+v", o.all)
	}
	if err := o.add(billItem{OrderNo: "a", ResourceID: "r4", Amount: "2.9000"}); err != nil || o.all[0].Amount != "4.00" {
		t.Errorf("orders %+v, %v", o.all, err)
	}
}

func TestBillsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindNonJSON, Actions: []string{"ListUBillDetail"}})
	err := w.BillLines(t.Context(), provider.PeriodRequest{Call: w.call(), From: w.clock.Now().Add(-time.Hour), To: w.clock.Now()}, func(provider.BillLine) error { return nil })
	want(t, "not JSON", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}
