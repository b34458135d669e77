package order_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/order"
	"tradewind.example/core/pricing"
	"tradewind.example/core/resource"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// bought is a world with one server that was bought for 900.00.
func bought(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	w.drain()
	got := w.get(o.ID)
	if got.State != order.StateActive {
		t.Fatalf("the purchase ended as %s", got.State)
	}
	return w, got.ResourceIDs[0]
}

func (w *world) size(resourceID, key string, cores int) order.ResizeInput {
	return order.ResizeInput{ResourceID: resourceID, Size: json.RawMessage(fmt.Sprintf(`{"cores":%d}`, cores)), IdempotencyKey: key}
}

func (w *world) resize(resourceID string, cores int) order.View {
	w.t.Helper()
	o, err := w.orders.Resize(w.ctx, w.buyer, w.size(resourceID, w.key(), cores))
	if err != nil {
		w.t.Fatalf("resizing: %v", err)
	}
	return o
}

func (w *world) resource(id string) resource.Resource {
	w.t.Helper()
	r, err := w.resources.Get(w.ctx, w.staff, id, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestALargerSizeIsChargedAtEachHop(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	w.market.resize = "500"
	price, err := w.orders.QuoteResize(w.ctx, w.buyer, id, json.RawMessage(`{"cores":8}`))
	if err != nil || price.Price == nil || price.Price.Legs[0].Amount != 45000 || len(price.Refunded) != 0 {
		t.Errorf("it would cost %+v, %v", price, err)
	}
	in := w.size(id, "resize", 8)
	o, err := w.orders.Resize(w.ctx, w.buyer, in)
	if err != nil {
		t.Fatal(err)
	}
	if b := w.wallet(customer, reseller); b.Held != 45000 || b.Posted != 910_000 {
		t.Errorf("before the cloud was called: %+v", b)
	}
	if _, err := w.orders.Resize(w.ctx, w.buyer, w.size(id, "other", 4)); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a second change while one is under way: %v", err)
	}
	w.drain()
	if again, err := w.orders.Resize(w.ctx, w.buyer, in); err != nil || again.ID != o.ID {
		t.Errorf("the same request: %v %v", again.ID, err)
	}
	got := w.get(o.ID)
	if got.State != order.StateActive || got.Kind != order.KindResize || got.Charged == nil || len(got.ResourceIDs) != 1 {
		t.Errorf("the order ended as %+v", got)
	}
	for pair, want := range map[[2]string]money.Amount{{operator, providerOrg}: 1_000_000 - 60000 - 30000, {reseller, operator}: 1_000_000 - 75000 - 37500, {customer, reseller}: 1_000_000 - 90000 - 45000} {
		if b := w.wallet(pair[0], pair[1]); b.Posted != want || b.Held != 0 {
			t.Errorf("the wallet of %s: %+v, want %d", pair[0], b, want)
		}
	}
	r := w.resource(id)
	if string(r.Spec) != `{"cores":8,"cpu":2}` || string(r.State) != `{"cores":8}` || r.BusyOrder != "" || len(r.Charges) != 2 || !r.Charges[1].End.Equal(r.End) {
		t.Errorf("the resource is %+v", r)
	}
	if len(w.cloud.acts) != 1 {
		t.Errorf("the cloud was asked %v", w.cloud.acts)
	}
}

func TestASmallerSizeGivesBackWhatWasCharged(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	w.market.resize = "500"
	w.resize(id, 8)
	w.drain()
	w.market.resize = "-700.00" // all of the 500 that came last, and 200 of the purchase
	price, err := w.orders.QuoteResize(w.ctx, w.buyer, id, json.RawMessage(`{"cores":1}`))
	if err != nil || price.Price != nil || len(price.Refunded) != 2 || price.Refunded[1].Legs[0].Amount != 18000 {
		t.Errorf("it would give back %+v, %v", price, err)
	}
	o := w.resize(id, 1)
	w.drain()
	got := w.get(o.ID)
	if got.State != order.StateActive || len(got.Refunded) != 2 || got.Charged != nil {
		t.Errorf("the order ended as %+v", got)
	}
	if b := w.wallet(customer, reseller); b.Posted != 1_000_000-90000+18000 {
		t.Errorf("the customer's wallet: %+v", b)
	}
	if r := w.resource(id); r.Charges[0].Given != 20000 || r.Charges[1].Given != 50000 {
		t.Errorf("the charges are %+v", r.Charges)
	}
	// What is left goes back with the resource, and not a cent more.
	w.cloud.quotes = "-5000"
	if _, err := w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: id, IdempotencyKey: w.key()}); err != nil {
		t.Fatal(err)
	}
	w.drain()
	for _, pair := range [][2]string{{operator, providerOrg}, {reseller, operator}, {customer, reseller}} {
		if b := w.wallet(pair[0], pair[1]); b.Posted != 1_000_000 || b.Held != 0 {
			t.Errorf("the wallet of %s: %+v", pair[0], b)
		}
	}
}

func TestAReleaseAfterASmallerSizeGivesBackTheUnusedRest(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	w.market.resize = "-400"
	w.resize(id, 1)
	w.drain()
	r := w.resource(id)
	w.clock.Advance(r.End.Sub(w.clock.Now()) - r.End.Sub(r.Start)/2) // half of the term
	if _, err := w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: id, IdempotencyKey: w.key()}); err != nil {
		t.Fatal(err)
	}
	w.drain()
	if b := w.wallet(customer, reseller); b.Posted != 1_000_000-90000+36000+27000 {
		t.Errorf("the customer's wallet: %+v, want half of what was left", b)
	}
}

func TestWhatASmallerSizeGaveBackIsNotUnusedAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason        string
		later         int // quarters of the term between the resize at its half and the release
		back          money.Amount
		renew, resize bool
	}{
		"AtOnce":      {reason: "of 1000.00, 500.00 are used and 400.00 went back: 100.00 are left", back: 9000},
		"Later":       {reason: "half of the time that was left is used too", later: 1, back: 4500},
		"AtTheEnd":    {reason: "nothing is left", later: 2},
		"AgainSmall":  {reason: "50.00 more went back at once: 50.00 are left", resize: true, back: 4500 + 4500},
		"ThenRenewed": {reason: "a month that has not begun comes back whole", renew: true, back: 9000 + 90000},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id := bought(t)
			term := w.resource(id).End.Sub(w.resource(id).Start)
			w.clock.Advance(term / 2)
			w.market.resize = "-400"
			w.resize(id, 1)
			w.drain()
			before := w.wallet(customer, reseller).Posted
			if tc.resize {
				w.market.resize = "-50"
				w.resize(id, 2)
				w.drain()
			}
			if tc.renew {
				if _, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: id, Periods: 1, IdempotencyKey: w.key()}); err != nil {
					t.Fatal(err)
				}
				w.drain()
				before -= 90000
			}
			w.clock.Advance(time.Duration(tc.later) * term / 4)
			if _, err := w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: id, IdempotencyKey: w.key()}); err != nil {
				t.Fatal(err)
			}
			w.drain()
			if got := w.wallet(customer, reseller).Posted - before; got != tc.back {
				t.Errorf("%s: %d came back, want %d", tc.reason, got, tc.back)
			}
			w.checkBooks()
		})
	}
}

func TestTheCloudThatQuotesNoSizesIsAskedForBoth(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	r := w.resource(id)
	w.clock.Advance(r.End.Sub(w.clock.Now()) - 10*24*time.Hour) // ten days are left
	o := w.resize(id, 8)
	// 600.00 a month more, ten of the 31 days from the 22nd of March on: 193.55.
	if got := o.Price.Legs[0].Amount; got != 17420 {
		t.Errorf("ten days of 600.00 a month for 0.9 are %d", got)
	}
	w.drain()
	if got := w.get(o.ID); got.State != order.StateActive {
		t.Errorf("ended as %s", got.State)
	}
}

func TestAResizeIsRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		setup  func(*world)
		cores  int
		class  fault.Class
	}{
		"Same":     {reason: "the size that it has", setup: func(w *world) { w.market.resize = "1" }, cores: 8, class: fault.ClassInvalid},
		"Wrong":    {reason: "a size that the kind does not take", cores: 0, class: fault.ClassInvalid},
		"Ended":    {reason: "no term is left", setup: func(w *world) { w.clock.Advance(40 * 24 * time.Hour) }, cores: 4, class: fault.ClassPrecondition},
		"Disabled": {reason: "the provider is not enabled", setup: func(w *world) { w.market.resize, w.market.enabled = "1", false }, cores: 4, class: fault.ClassPrecondition},
		"Poor":     {reason: "the wallet is too small", setup: func(w *world) { w.market.resize = "100000" }, cores: 4, class: fault.ClassInsufficientBalance},
		"Floor": {reason: "a floor's price has no sizes: its seller would pay for the difference", cores: 4, class: fault.ClassPrecondition, setup: func(w *world) {
			w.market.resize = "500"
			w.market.terms[2].Mode, w.market.terms[2].Price = pricing.ModeFloor, must(money.ParseDecimal("950"))
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id := bought(t)
			if name == "Same" {
				w.market.resize = "1"
				w.resize(id, 8)
				w.drain()
			}
			if tc.setup != nil {
				tc.setup(w)
			}
			before := w.wallet(customer, reseller)
			if _, err := w.orders.Resize(w.ctx, w.buyer, w.size(id, "k", tc.cores)); !fault.Is(err, tc.class) {
				t.Errorf("%s: %v, want %s", tc.reason, err, tc.class)
			}
			if after := w.wallet(customer, reseller); after != before || w.resource(id).BusyOrder != "" {
				t.Errorf("%s: the wallet went from %+v to %+v", tc.reason, before, after)
			}
		})
	}
	w, id := bought(t)
	if _, err := w.orders.Resize(w.ctx, caller("org-stranger", "reseller_admin"), w.size(id, "k", 8)); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("by a stranger: %v", err)
	}
	if _, err := w.resources.Act(w.ctx, w.buyer, resource.ActInput{ResourceID: id, Action: "resize", Input: json.RawMessage(`{"cores":8}`), IdempotencyKey: "k"}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("by an action: %v", err)
	}
}

// TestAResizeIsKilledAtEveryStep: whatever the cloud answers and wherever the
// process dies, the money follows what the resource is, and the cloud is never
// asked twice for one token. What nobody can tell is left to a person.
func TestAResizeIsKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	scripts := map[string][]string{
		"Done": nil, "Lost": {"lost"}, "Vanished": {"vanished"}, "Started": {"started"}, "StartedLost": {"started-lost"},
		"Stillborn": {"stillborn"}, "Refused": {"out_of_stock"}, "Throttled": {"throttled"},
	}
	points := []string{"", "before_placed", "after_placed", "before_call", "after_call", "after_lookup", "after_poll", "before_result", "after_result"}
	for name, script := range scripts {
		for _, point := range points {
			for _, amount := range []string{"500", "-300"} {
				if amount == "-300" && name != "Done" && name != "Lost" {
					continue // what the cloud answers does not depend on it
				}
				t.Run(name+"/"+point+"/"+amount, func(t *testing.T) {
					t.Parallel()
					w, id := bought(t)
					w.market.resize, w.cloud.script = amount, script
					w.dieAt(point, 1)
					w.placeResize(id)
					w.drainFor(36) // eighteen minutes: longer than an order may be open
					w.decideBySight(id)
					w.judgeResize(id, amount)
				})
			}
		}
	}
}

// placeResize places the order, again when the process dies in it.
func (w *world) placeResize(id string) {
	defer func() {
		if v := recover(); v == any(errBoom) {
			w.placeResize(id)
		} else if v != nil {
			panic(v)
		}
	}()
	if _, err := w.orders.Resize(w.ctx, w.buyer, w.size(id, "the-key", 8)); err != nil {
		w.t.Fatal(err)
	}
}

// decideBySight does what a person does with an order that needs attention.
func (w *world) decideBySight(id string) {
	w.t.Helper()
	page, err := w.orders.List(w.ctx, w.staff, order.Query{Kind: order.KindResize, Limit: 10})
	if err != nil || len(page.Items) != 1 {
		w.t.Fatalf("%d resizes, %v", len(page.Items), err)
	}
	o := page.Items[0]
	if !o.NeedsAttention {
		return
	}
	r, err := w.cloud.Get(w.ctx, contract.GetRequest{ID: w.resource(id).VendorID})
	if err != nil {
		w.t.Fatal(err)
	}
	made := string(r.State) == `{"cores":8}`
	if made {
		w.t.Errorf("the resource has its size and nobody noticed")
	}
	if _, err := w.orders.Resolve(w.ctx, w.staff, order.ResolveInput{OrderID: o.ID, Unit: 1, Made: made, Note: "seen"}); err != nil {
		w.t.Fatal(err)
	}
	w.drain()
}

func (w *world) judgeResize(id, amount string) {
	w.t.Helper()
	r := w.resource(id)
	want := money.Amount(1_000_000 - 90000)
	if string(w.cloudState(r.VendorID)) == `{"cores":8}` {
		want += map[string]money.Amount{"500": -45000, "-300": 27000}[amount]
		if string(r.Spec) != `{"cores":8,"cpu":2}` {
			w.t.Errorf("the cloud has the size, the broker has %s", r.Spec)
		}
	} else if string(r.Spec) != `{"cpu":2}` {
		w.t.Errorf("the broker has the size, the cloud has not: %s", r.Spec)
	}
	if b := w.wallet(customer, reseller); b.Posted != want || b.Held != 0 {
		w.t.Errorf("the wallet is %+v, want %d", b, want)
	}
	if r.BusyOrder != "" {
		w.t.Errorf("the resource is still busy with %q", r.BusyOrder)
	}
	for _, pair := range [][2]string{{providerOrg, operator}, {operator, reseller}, {reseller, customer}} {
		if b := w.currentBalance(pair, ledger.KindRevenue); b > 0 {
			w.t.Errorf("%s owes %s %d for sales", pair[0], pair[1], b)
		}
	}
}

func (w *world) cloudState(vendorID string) json.RawMessage {
	r, err := w.cloud.Get(w.ctx, contract.GetRequest{ID: vendorID})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.State
}
