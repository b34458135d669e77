package billing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

const cny = money.CNY

type orgs struct{}

func (orgs) PathTx(_ store.Reader, org string) ([]string, error) {
	if org == "root" {
		return []string{"root"}, nil
	}
	return []string{"root", org}, nil
}
func (orgs) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

type world struct {
	store  store.Store
	ledger *ledger.Ledger
	svc    *billing.Service
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{store: storetest.Open(t)}
	storetest.Check(t, w.store, ledger.Verify)
	w.ledger = must(ledger.New(ledger.Config{Clock: clock.NewFake(start)}))
	w.svc = must(billing.New(billing.Config{
		Store: w.store, Ledger: w.ledger, Authority: must(access.New(access.Config{Directory: orgs{}})),
	}))
	return w
}

func caller(org string) access.Caller {
	path, _ := orgs{}.PathTx(nil, org)
	return access.Caller{UserID: "u", OrgID: org, RootID: "root", Path: path, Roles: []access.Role{access.RoleResellerAdmin}}
}

func dec(s string) money.Decimal { return must(money.ParseDecimal(s)) }

// priced is the second worked example: a rebate in the middle of the chain.
func priced(settle pricing.SettleMode) pricing.Result {
	return must(pricing.Price(pricing.Input{
		Currency: cny, List: dec("3000"), Quantity: 3, Periods: 1,
		Legs: []pricing.Terms{
			{Seller: "cloud", Buyer: "root", Mode: pricing.ModeDiscount, Rate: dec("0.6"), Settle: pricing.SettlePeriod},
			{Seller: "root", Buyer: "reseller", Mode: pricing.ModeRebate, Rate: dec("0.08"), Settle: settle},
			{Seller: "reseller", Buyer: "customer", Mode: pricing.ModeDiscount, Rate: dec("0.9"), Settle: settle},
		},
	}))
}

func facts(key string) billing.Facts {
	return billing.Facts{RootID: "root", OrderID: "order", ProductID: "product", ProductName: "Server", Key: key}
}

func TestChargeAndRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	result := priced(pricing.SettlePeriod)
	var charged, back billing.Receipt
	err := w.store.Update(t.Context(), func(tx store.Tx) (err error) {
		charged, err = w.svc.ChargeTx(tx, billing.Charge{Facts: facts("charge"), Operation: billing.OperationBuy, Held: result, Result: result})
		if err != nil {
			return err
		}
		half := must(result.Refund(1, 2))
		back, err = w.svc.RefundTx(tx, billing.Refund{Facts: facts("refund"), Result: half, Reverses: charged.TransactionID})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Seller, Buyer string
		Op            billing.Operation
		A, C          money.Amount
	}
	var got []row
	for _, b := range append(charged.Bills, back.Bills...) {
		got = append(got, row{b.Seller, b.Buyer, b.Operation, b.Amount, b.Commission})
	}
	want := []row{
		{"cloud", "root", "BUY", 180000, 0}, {"root", "reseller", "BUY", 270000, 21600}, {"reseller", "customer", "BUY", 270000, 0},
		{"cloud", "root", "REFUND", -90000, 0}, {"root", "reseller", "REFUND", -135000, -10800}, {"reseller", "customer", "REFUND", -135000, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bills (-want +got):\n%s", diff)
	}
	if back.Bills[0].Reverses != charged.TransactionID {
		t.Errorf("the refund does not refer to its charge")
	}
}

func TestChargeRefusesATraceThatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	result := priced(pricing.SettlePeriod)
	result.ProviderNet++
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		_, err := w.svc.ChargeTx(tx, billing.Charge{Facts: facts("charge"), Held: result, Result: result, Operation: billing.OperationBuy})
		return err
	})
	if !fault.Is(err, fault.ClassInternal) {
		t.Errorf("charging a damaged trace: %v", err)
	}
}

func TestEachSideReadsItsOwnLegs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	result := priced(pricing.SettlePeriod)
	var bills []billing.Bill
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		r, err := w.svc.ChargeTx(tx, billing.Charge{Facts: facts("charge"), Operation: billing.OperationBuy, Held: result, Result: result})
		bills = r.Bills
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for org, want := range map[string][3]bool{"root": {true, true, false}, "reseller": {false, true, true}, "stranger": {}} {
		for i, b := range bills {
			_, err := w.svc.Get(t.Context(), caller(org), b.ID)
			if (err == nil) != want[i] || err != nil && !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%s reads leg %d: %v", org, i+1, err)
			}
		}
	}
	page := must(w.svc.List(t.Context(), caller("reseller"), billing.Query{Side: billing.SideSeller, Limit: 10}))
	if len(page.Items) != 1 || page.Items[0].Buyer != "customer" {
		t.Errorf("the reseller sold %+v", page.Items)
	}
	oldest := must(w.svc.List(t.Context(), caller("root"), billing.Query{Side: billing.SideSeller, OldestFirst: true, Limit: 10}))
	newest := must(w.svc.List(t.Context(), caller("root"), billing.Query{Side: billing.SideSeller, Limit: 10}))
	slices.Reverse(newest.Items)
	if diff := cmp.Diff(oldest.Items, newest.Items); diff != "" || len(oldest.Items) == 0 {
		t.Errorf("the two orders of a list differ in more than order (-oldest +newest reversed):\n%s", diff)
	}
	mine := must(w.svc.List(t.Context(), caller("reseller"), billing.Query{OrderID: "order", Limit: 10}))
	if len(mine.Items) != 1 || mine.Items[0].Seller != "root" {
		t.Errorf("the reseller bought %+v", mine.Items)
	}
	if _, err := w.svc.List(t.Context(), caller("reseller"), billing.Query{OrgID: "stranger", Limit: 10}); !fault.Is(err, fault.ClassNotFound) && !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("listing another org's bills: %v", err)
	}
}

func TestEntriesRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := billing.Pair{RootID: "root", Seller: "s", Buyer: "b", Currency: cny}
	rapid.Check(t, func(rt *rapid.T) {
		want := billing.Entry{
			BillID:     rapid.StringMatching(`[a-z0-9-]{1,40}`).Draw(rt, "id"),
			Time:       time.Unix(0, rapid.Int64Range(0, 4e18).Draw(rt, "time")).UTC(),
			Operation:  rapid.SampledFrom([]billing.Operation{"BUY", "RENEW", "REFUND"}).Draw(rt, "operation"),
			Settle:     rapid.SampledFrom([]pricing.SettleMode{pricing.SettleRealtime, pricing.SettlePeriod}).Draw(rt, "settle"),
			Amount:     money.Amount(rapid.Int64().Draw(rt, "amount")),
			Commission: money.Amount(rapid.Int64().Draw(rt, "commission")),
		}
		shelf := billing.Shelf{Bucket: "test/shelf", Prefix: store.Key("x")}
		var got, again []billing.Entry
		err := w.store.Update(t.Context(), func(tx store.Tx) error {
			if err := billing.AddEntryTx(tx, p, want); err != nil {
				return err
			}
			far := want.Time.Add(time.Nanosecond)
			keep := func(list *[]billing.Entry) func(billing.Entry) error {
				return func(e billing.Entry) error { *list = append(*list, e); return nil }
			}
			if _, err := billing.CollectTx(tx, p, far, 10, shelf, keep(&got)); err != nil {
				return err
			}
			if _, err := billing.ReturnTx(tx, p, 10, shelf); err != nil {
				return err
			}
			_, err := billing.CollectTx(tx, p, far, 10, billing.Shelf{Bucket: "test/bin", Prefix: store.Key("y")}, keep(&again))
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff([]billing.Entry{want}, got); diff != "" {
			rt.Fatalf("collected (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			rt.Fatalf("collected after a return (-want +got):\n%s", diff)
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x02bill"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := billing.DecodeEntry(raw); err == nil && e.Operation == "" {
			t.Errorf("%x is read as %+v", raw, e)
		}
	})
}
