package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call()
	call.Region = ""
	got, err := w.Balance(t.Context(), provider.BalanceRequest{Call: call})
	if wanted := (provider.Balance{Currency: currency, Available: "1000000.00", Cash: "1000000.00", Frozen: "0.00"}); err != nil || got != wanted {
		t.Errorf("%+v, %v; want %+v", got, err, wanted)
	}
}

func (w *world) vendorOrders(t *testing.T, req provider.VendorOrdersRequest) []provider.VendorOrder {
	t.Helper()
	var out []provider.VendorOrder
	err := w.VendorOrders(t.Context(), req, func(o provider.VendorOrder) error {
		out = append(out, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVendorOrders reads money with fen, which the SDK's whole numbers cannot.
func TestVendorOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.make(t, kinds.Disk, month(1))
	w.clock.Advance(time.Hour)
	if _, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "ren-1", Kind: kinds.Disk, ID: id, Term: month(1)}); err != nil {
		t.Fatal(err)
	}
	everywhere := w.call()
	everywhere.Region = ""
	w.faults(t, sim.Fault{Kind: sim.KindDecimalFees})
	all := w.vendorOrders(t, provider.VendorOrdersRequest{Call: everywhere})
	if len(all) != 2 || all[0].Kind != "RENEW" || all[1].Kind != "NEW" || all[1].Amount != "11.20" || !slices.Equal(all[1].ResourceIDs, []string{id}) || all[1].State != orderPaid {
		t.Fatalf("%+v", all)
	}
	now := w.clock.Now()
	for name, tc := range map[string]struct {
		req provider.VendorOrdersRequest
		n   int
	}{
		"Window":  {provider.VendorOrdersRequest{Call: w.call(), From: now.Add(-time.Minute), To: now.Add(time.Minute)}, 1},
		"Seconds": {provider.VendorOrdersRequest{Call: w.call("order_time_unit", "s")}, 2},
		"State":   {provider.VendorOrdersRequest{Call: w.call(), State: orderPaid}, 2},
		"Other":   {provider.VendorOrdersRequest{Call: w.call(), State: orderRefunded}, 0},
	} {
		if got := w.vendorOrders(t, tc.req); len(got) != tc.n {
			t.Errorf("%s: %+v, want %d", name, got, tc.n)
		}
	}
	if got := w.vendorOrders(t, provider.VendorOrdersRequest{Call: w.call("order_money_unit", "fen")}); got[0].Amount != "0.112" {
		t.Errorf("in fen: %+v", got[0])
	}
}

func TestOrdersArePaidAndRefunded(t *testing.T) {
	t.Parallel()
	for _, f := range spoilers() {
		t.Run(string(f.Kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.make(t, kinds.EIP, month(1))
			w.clock.Advance(transition)
			order := w.vendorOrders(t, provider.VendorOrdersRequest{Call: w.call()})[0]
			change := provider.VendorOrderChange{Call: w.call(), Token: "tok-9", ID: order.ID}
			if got, err := w.PayVendorOrder(t.Context(), change); err != nil || got.State != orderPaid {
				t.Errorf("paid: %+v, %v", got, err)
			}
			_, err := w.CancelVendorOrder(t.Context(), change)
			want(t, "there is no cancel", err, fault.ClassUnsupported, fault.OutcomeNotDone)
			f.Actions, f.Count = []string{"SubmitResourceRefund"}, 1
			w.faults(t, f)
			_, err = w.RefundVendorOrder(t.Context(), change)
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			for range 2 {
				got, err := w.RefundVendorOrder(t.Context(), change)
				if err != nil || got.State != orderRefunded {
					t.Errorf("refunded: %+v, %v", got, err)
				}
			}
			_, err = w.PayVendorOrder(t.Context(), change)
			want(t, "it is refunded", err, fault.ClassPrecondition, fault.OutcomeNotDone)
			if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.EIP, ID: id}); !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("the address: %v", err)
			}
		})
	}
	w := newWorld(t)
	_, err := w.PayVendorOrder(t.Context(), provider.VendorOrderChange{Call: w.call(), Token: "t", ID: "../x"})
	want(t, "no number", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestBillLinesAreWhatWasPaid adds the lines up, over a turn of the month.
func TestBillLinesAreWhatWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.clock.Now().Add(-time.Hour)
	w.make(t, kinds.Disk, hourly())
	w.clock.Advance(30 * 24 * time.Hour)
	id := w.make(t, kinds.EIP, month(1))
	w.clock.Advance(time.Hour)
	if _, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.EIP, ID: id}); err != nil {
		t.Fatal(err)
	}
	call := w.call()
	call.Region = ""
	var lines []provider.BillLine
	err := w.BillLines(t.Context(), provider.PeriodRequest{Call: call, From: from, To: w.clock.Now().Add(time.Hour)}, func(l provider.BillLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, ids, categories := "0", map[string]bool{}, map[string]bool{}
	for _, l := range lines {
		ids[l.ID], categories[l.ChargeCategory] = true, true
		if l.BillingCurrency != currency || l.ChargePeriodStart.IsZero() || l.SubAccountID != "pin-one" || l.ServiceName == "" || l.RegionID != region {
			t.Errorf("line %+v", l)
		}
		sum = added(t, sum, string(l.BilledCost))
	}
	if len(ids) != len(lines) || len(lines) < 3 {
		t.Errorf("%d ids of %d lines", len(ids), len(lines))
	}
	if diff := slices.Sorted(maps.Keys(categories)); !slices.Equal(diff, []string{"Credit", "Purchase", "Usage"}) {
		t.Errorf("categories %v", diff)
	}
	books := w.sim.Report(1).Accounts["one"]
	if wanted := added(t, books.Spent.String(), "-"+books.Refunded.String()); sum != wanted {
		t.Errorf("the lines add up to %s, want %s", sum, wanted)
	}
	err = w.BillLines(t.Context(), provider.PeriodRequest{Call: call, From: from.AddDate(-30, 0, 0), To: w.clock.Now()}, func(provider.BillLine) error { return nil })
	want(t, "thirty years", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// added adds two decimals exactly.
func added(t *testing.T, a, b string) string {
	t.Helper()
	x, err := rational(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := rational(b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decimal(x.Add(x, y))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for given, wanted := range map[json.Number]provider.Decimal{
		"": "0.00", "0": "0.00", "12": "12.00", "12.3": "12.30", "12.345": "12.345", "-0.5": "-0.50", "1.25E1": "12.50", "1e+07": "10000000.00",
		"0.000000001": "", "1/3": "", "1e999999": "", "0x10": "", "many": "", "1_000": "", json.Number(strings.Repeat("9", 60)): "",
	} {
		got, err := amount(given)
		if got != wanted || (err == nil) == (wanted == "") {
			t.Errorf("%q is %q, %v; want %q", given, got, err, wanted)
		}
	}
	for _, given := range []json.Number{"1234", "12.5"} {
		if got, err := inYuan(given, "fen"); err != nil || added(t, "0", string(got)) != string(got) {
			t.Errorf("%q fen is %q, %v", given, got, err)
		}
	}
	if got, err := inYuan("x", "fen"); err == nil {
		t.Errorf("%q", got)
	}
}

func FuzzAmount(f *testing.F) {
	for _, text := range []string{"12.34", "1e5", "-7", "1e-9", "0x1p4", "1/2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := amount(json.Number(text))
		if err != nil || text == "" {
			return
		}
		again, err := amount(json.Number(got))
		if err != nil || again != got {
			t.Errorf("%q is %q, and that is %q, %v", text, got, again, err)
		}
	})
}

func TestImportShowsWhatIsOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, group := w.make(t, kinds.Instance, month(1)), w.make(t, kinds.SecurityGroup, forOnce())
	disk := w.make(t, kinds.Disk, month(1))
	call := w.call()
	call.Region = ""
	seen := map[string]string{}
	err := w.Import(t.Context(), provider.ImportRequest{Call: call}, func(r provider.Resource) error {
		seen[r.ID] = r.Kind
		return nil
	})
	if err != nil || seen[server] != kinds.Instance || seen[group] != kinds.SecurityGroup || seen[disk] != kinds.Disk {
		t.Errorf("%v, %v", seen, err)
	}
	count := map[string]int{}
	for _, kind := range seen {
		count[kind]++
	}
	if count[kinds.Disk] != 1 || count[kinds.SecurityGroup] != 1 || count[kinds.VPC] != 4 {
		t.Errorf("%v: disks of servers and groups of the cloud are not ours", count)
	}
	n := 0
	err = w.Import(t.Context(), provider.ImportRequest{Call: w.call(), Kinds: []string{kinds.EIP}}, func(provider.Resource) error { n++; return nil })
	if err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}
