package cloudaccount_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/core/audit"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// ordered imports one order that waits for its payment.
func ordered(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.cloud.orders = []contract.VendorOrder{{ID: "o/1", State: "unpaid", Amount: "10.00", Currency: "CNY", Created: day(time.January, 2).Add(3)}}
	in := imports("orders")
	in.Subject = cloudaccount.SubjectVendorOrders
	im, err := w.Import(t.Context(), boss, in)
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, im.JobID)
	p, err := w.Orders(t.Context(), boss, cloudaccount.OrdersInput{ListInput: cloudaccount.ListInput{EnablementID: "e", Limit: 10}, State: "unpaid"})
	if err != nil || len(p.Items) != 1 || p.Items[0].ID != "o/1" {
		t.Fatal(p, err)
	}
	return w
}

func pay(key string) cloudaccount.ChangeOrderInput {
	return cloudaccount.ChangeOrderInput{EnablementID: "e", VendorOrder: "o/1", Verb: cloudaccount.VerbPay, IdempotencyKey: key}
}

func (w *world) changed(t *testing.T, id string) cloudaccount.Change {
	t.Helper()
	v, err := w.GetChange(t.Context(), boss, "e", id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnOrderIsPaidOnce(t *testing.T) {
	t.Parallel()
	w := ordered(t)
	v, err := w.ChangeOrder(t.Context(), boss, pay("k1"))
	if err != nil || v.State != cloudaccount.ChangeWaiting || len(w.cloud.paid) != 0 {
		t.Fatal(v, err)
	}
	if again, err := w.ChangeOrder(t.Context(), boss, pay("k1")); err != nil || again.ID != v.ID {
		t.Errorf("the same request: %v %v", again, err)
	}
	if _, err := w.ChangeOrder(t.Context(), boss, pay("k2")); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a second change while one is under way: %v", err)
	}
	w.run(t, v.JobID)
	w.run(t, v.JobID) // a job may run once more
	if got := w.changed(t, v.ID); got.State != cloudaccount.ChangeDone || got.After != "paid" || len(w.cloud.paid) != 1 || w.cloud.paid[0] != v.Token {
		t.Errorf("the change is %+v, the cloud was called with %q", got, w.cloud.paid)
	}
	if o, err := w.GetOrder(t.Context(), boss, "e", "o/1"); err != nil || o.State != "paid" {
		t.Errorf("the order is %+v, %v", o, err)
	}
	missing := pay("k3")
	missing.VendorOrder = "o/2"
	if _, err := w.ChangeOrder(t.Context(), boss, missing); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("an order that nobody imported: %v", err)
	}
}

func TestALostAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	for point, calls := range map[string]int{"": 1, "before_call": 0, "after_call": 1, "before_end": 1, "after_look": 1} {
		t.Run("killed at "+point, func(t *testing.T) {
			t.Parallel()
			w := ordered(t)
			w.cloud.late = func(string) error { return fault.Unknown(nil, "the answer got lost") }
			v, err := w.ChangeOrder(t.Context(), boss, pay("k"))
			if err != nil {
				t.Fatal(err)
			}
			w.crash = point
			for range 4 {
				w.run(t, v.JobID)
			}
			got := w.changed(t, v.ID)
			want := cloudaccount.ChangeDone
			if calls == 0 { // it died between the mark and the call: nobody can know that it was not sent
				want = cloudaccount.ChangeDoubt
			}
			if got.State != want || len(w.cloud.paid) != calls {
				t.Fatalf("%s after %d calls: %+v", got.State, len(w.cloud.paid), got)
			}
			if calls == 1 {
				return
			}
			w.clock.Advance(time.Hour)
			w.run(t, v.JobID)
			if got := w.changed(t, v.ID); got.State != cloudaccount.ChangeUnknown || got.Problem == "" || len(w.cloud.paid) != 0 {
				t.Errorf("when the time to look is up: %+v, %d calls", got, len(w.cloud.paid))
			}
		})
	}
}

func TestWhatTheCloudRefusesIsNotDone(t *testing.T) {
	t.Parallel()
	w := ordered(t)
	w.cloud.fail = func(string) error { return fault.Throttled(0, "too fast") }
	v, err := w.ChangeOrder(t.Context(), boss, pay("k"))
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, v.JobID)
	if got := w.changed(t, v.ID); got.State != cloudaccount.ChangeWaiting || got.Class != "throttled" {
		t.Errorf("what may pass: %+v", got)
	}
	w.cloud.fail = func(string) error { return fault.Unsupported("the cloud has no such action") }
	w.run(t, v.JobID)
	if got := w.changed(t, v.ID); got.State != cloudaccount.ChangeFailed || got.Class != "unsupported" {
		t.Errorf("what does not pass: %+v", got)
	}
	if _, err := w.ChangeOrder(t.Context(), boss, pay("k2")); err != nil {
		t.Errorf("another one after the end: %v", err)
	}
}

func TestASubAccountIsMadeOnceAndItsKeysAreKeptSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := cloudaccount.SubAccountInput{EnablementID: "e", ForOrg: "shop", Name: "shop-1", IdempotencyKey: "k"}
	w.cloud.late = func(string) error { return fault.Unknown(nil, "the answer got lost") }
	v, err := w.MakeSubAccount(t.Context(), boss, in)
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, v.JobID)
	if got := w.changed(t, v.ID); got.State != cloudaccount.ChangeDoubt {
		t.Fatalf("a lost answer: %+v", got)
	}
	w.cloud.late = nil
	w.run(t, v.JobID)
	got := w.changed(t, v.ID)
	if got.State != cloudaccount.ChangeDone || got.SubAccountID == "" || len(w.cloud.subs) != 1 || w.cloud.orgs[0] != "shop" {
		t.Fatalf("the change is %+v, the cloud made %v for %v", got, w.cloud.subs, w.cloud.orgs)
	}
	p, err := w.SubAccounts(t.Context(), boss, cloudaccount.ListInput{EnablementID: "e", Limit: 10})
	if err != nil || len(p.Items) != 1 || p.Items[0].CredentialNames[0] != "key" || strings.Contains(string(p.Items[0].Sealed), "marker") {
		t.Errorf("sub-accounts %+v, %v", p, err)
	}
	shop := boss
	shop.OrgID, shop.Path = "shop", []string{"root", "reseller", "shop"}
	if _, err := w.Service.Enable(t.Context(), shop, cloudaccount.EnableInput{SubAccountID: got.SubAccountID}); err != nil {
		t.Fatal(err)
	}
	if e := w.enabled[0]; e.OrgID != "shop" || e.ProviderID != "p" || e.Credentials["key"].Reveal() != "marker-key" || e.Settings["public"] != "p" {
		t.Errorf("enabled with %+v", e)
	}
	if _, err := w.Service.Enable(t.Context(), boss, cloudaccount.EnableInput{SubAccountID: got.SubAccountID}); err == nil {
		t.Error("somebody else enabled the shop's account")
	}
	in.ForOrg, in.IdempotencyKey = "rival", "k2"
	if _, err := w.MakeSubAccount(t.Context(), boss, in); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("for an org that is not below: %v", err)
	}
	w.nothingTells(t, "marker")
}

func TestASignInLinkIsKeptNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, err := w.SignInLink(t.Context(), boss, cloudaccount.SignInInput{EnablementID: "e"})
	if err != nil || !strings.Contains(link.URL.Reveal(), "marker-ticket") || w.cloud.links != 1 {
		t.Fatal(link, err)
	}
	if _, err := w.SignInLink(t.Context(), operator, cloudaccount.SignInInput{EnablementID: "e"}); !fault.Is(err, fault.ClassNotFound) || w.cloud.links != 1 {
		t.Errorf("an org above signs in: %v", err)
	}
	w.nothingTells(t, "marker")
	b, err := w.Balance(t.Context(), boss, "e")
	if err != nil || b.Available != "12.50" {
		t.Errorf("balance %+v, %v", b, err)
	}
	w.without = contract.CapBalance
	if _, err := w.Balance(t.Context(), boss, "e"); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("a plugin that tells no balance: %v", err)
	}
}

// nothingTells makes sure that a text is not in the audit log, which has a
// record of everything that was asked for.
func (w *world) nothingTells(t *testing.T, text string) {
	t.Helper()
	err := w.store.View(t.Context(), func(r store.Reader) error {
		page, err := audit.List(r, audit.Query{Org: "reseller", Limit: 100})
		if err == nil && len(page.Items) == 0 {
			t.Error("nothing is in the audit log")
		}
		for _, rec := range page.Items {
			if strings.Contains(fmt.Sprint(rec.After, rec.Before), text) {
				t.Errorf("the audit log holds a secret: %v", rec)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
