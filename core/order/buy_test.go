package order_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/order"
	"tradewind.example/core/pricing"
	"tradewind.example/core/quote"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

func TestBuyToTheEnd(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		quantity int
		script   []string
		setup    func(*world)
		state    order.State
		made     int
		calls    int // changes asked for; 0 = not checked
		paid     money.Amount
	}{
		"Done":          {reason: "a plain purchase is charged and delivered", quantity: 1, state: order.StateActive, made: 1, calls: 1, paid: 90000},
		"Three":         {reason: "each of several units is bought once", quantity: 3, state: order.StateActive, made: 3, calls: 3, paid: 270000},
		"Started":       {reason: "a started change is polled to its end", quantity: 1, script: []string{"started"}, state: order.StateActive, made: 1, calls: 1, paid: 90000},
		"Lost":          {reason: "a lost answer is found by its token", quantity: 1, script: []string{"lost"}, state: order.StateActive, made: 1, calls: 1, paid: 90000},
		"StartedLost":   {reason: "a lost operation is found by its token", quantity: 1, script: []string{"started-lost"}, state: order.StateActive, made: 1, calls: 1, paid: 90000},
		"Vanished":      {reason: "what is certainly absent is made again", quantity: 1, script: []string{"vanished"}, state: order.StateActive, made: 1, calls: 2, paid: 90000},
		"Stillborn":     {reason: "a failed operation fails the order", quantity: 1, script: []string{"stillborn"}, state: order.StateFailed},
		"OutOfStock":    {reason: "a definite refusal frees the money", quantity: 1, script: []string{"out_of_stock"}, state: order.StateFailed, calls: 1},
		"CloudHasNoFee": {reason: "an empty account at the cloud is a refusal", quantity: 1, script: []string{"insufficient_balance"}, state: order.StateFailed, calls: 1},
		"Throttled":     {reason: "a throttled call is tried again", quantity: 1, script: []string{"throttled", "unavailable"}, state: order.StateActive, made: 1, calls: 3, paid: 90000},
		"Partly":        {reason: "only what is delivered is charged", quantity: 3, script: []string{"", "out_of_stock", "lost"}, state: order.StateActive, made: 2, calls: 3, paid: 180000},
		"Late": {
			reason: "what shows up late is waited for, not made again", quantity: 1, script: []string{"lost"},
			setup: func(w *world) { w.cloud.hidden = 3 }, state: order.StateActive, made: 1, calls: 1, paid: 90000,
		},
		"Down": {
			reason: "a plugin that is down for too long fails the order", quantity: 1,
			setup: func(w *world) { w.cloud.down = true }, state: order.StateFailed,
		},
		"RefusedKindWithoutFind": {
			reason: "a definite refusal needs no look-up", quantity: 1, script: []string{"unavailable"},
			setup: func(w *world) { w.cloud.canFind = false }, state: order.StateActive, made: 1, calls: 2, paid: 90000,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fund(1_000_000)
			w.cloud.script = tc.script
			if tc.setup != nil {
				tc.setup(w)
			}
			o := w.buy(tc.quantity)
			w.drain()
			got := w.get(o.ID)
			if got.State != tc.state || len(got.ResourceIDs) != tc.made {
				t.Errorf("%s: order is %s with %d resources, want %s with %d; units %+v", tc.reason, got.State, len(got.ResourceIDs), tc.state, tc.made, got.Units)
			}
			if tc.calls > 0 && w.cloud.calls != tc.calls {
				t.Errorf("%s: the cloud was called %d times, want %d", tc.reason, w.cloud.calls, tc.calls)
			}
			if b := w.wallet(customer, reseller); b.Posted != 1_000_000-tc.paid || b.Held != 0 {
				t.Errorf("%s: wallet %+v, want %d paid and nothing held", tc.reason, b, tc.paid)
			}
			w.sameAtCloud()
		})
	}
}

func TestBuyRefusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		setup  func(*world, *order.BuyInput)
		class  fault.Class
	}{
		"NoMoney": {
			reason: "without money nothing is held or stored",
			setup:  func(w *world, _ *order.BuyInput) {}, class: fault.ClassInsufficientBalance,
		},
		"OneLegShort": {
			reason: "one empty wallet above refuses all legs",
			setup: func(w *world, _ *order.BuyInput) {
				w.recharge(ledger.WalletKey{Buyer: customer, Seller: reseller, Currency: cny}, 1_000_000, "x")
			}, class: fault.ClassInsufficientBalance,
		},
		"UnderFloor": {
			reason: "a negative margin is refused",
			setup: func(w *world, _ *order.BuyInput) {
				w.fund(1_000_000)
				w.market.terms[2].Rate = must(money.ParseDecimal("0.5"))
			}, class: fault.ClassPrecondition,
		},
		"Disabled": {
			reason: "a provider that is not enabled sells nothing",
			setup:  func(w *world, _ *order.BuyInput) { w.fund(1_000_000); w.market.enabled = false }, class: fault.ClassPrecondition,
		},
		"NoProduct": {
			reason: "an unknown product", class: fault.ClassNotFound,
			setup: func(w *world, in *order.BuyInput) { in.ProductID = "nothing" },
		},
		"ForeignOrg": {
			reason: "a foreign org does not exist", class: fault.ClassNotFound,
			setup: func(w *world, in *order.BuyInput) { in.OrgID = "org-stranger" },
		},
		"NoKey": {
			reason: "a key is required", class: fault.ClassInvalid,
			setup: func(w *world, in *order.BuyInput) { in.IdempotencyKey = "" },
		},
		"BadSpec": {
			reason: "a specification that does not fit the kind's schema is refused before money is held", class: fault.ClassInvalid,
			setup: func(w *world, in *order.BuyInput) {
				w.fund(1_000_000)
				in.Spec = json.RawMessage(`{"cores":"many"}`)
			},
		},
		"BadTerm": {
			reason: "a period that is not offered", class: fault.ClassInvalid,
			setup: func(w *world, in *order.BuyInput) { in.Term.Period = contract.PeriodYear },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			in := w.input(1)
			tc.setup(w, &in)
			_, err := w.orders.Buy(w.ctx, w.buyer, in)
			if !fault.Is(err, tc.class) {
				t.Fatalf("%s: got %v, want class %s", tc.reason, err, tc.class)
			}
			page, err := w.orders.List(w.ctx, w.staff, order.Query{Limit: 10})
			if err != nil || len(page.Items) != 0 || len(w.jobs.ready(w)) != 0 {
				t.Errorf("%s: something was stored: %v %v", tc.reason, page.Items, err)
			}
			if b := w.wallet(customer, reseller); b.Held != 0 {
				t.Errorf("%s: %d held", tc.reason, b.Held)
			}
		})
	}
}

func TestAResellersProductIsForItsBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.market.owner = "org-stranger"
	if _, err := w.orders.Buy(w.ctx, w.buyer, w.input(1)); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a product of a reseller beside: %v, want what an unknown product gets", err)
	}
	w.market.owner = reseller
	if _, err := w.orders.Buy(w.ctx, w.buyer, w.input(1)); err != nil {
		t.Errorf("a product of the buyer's own seller: %v", err)
	}
}

func TestThePeriodIsPriced(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	if _, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: id, Periods: 2, IdempotencyKey: w.key()}); err != nil {
		t.Fatal(err)
	}
	for i, in := range w.market.priced {
		if in.Period != contract.PeriodMonth {
			t.Errorf("price %d was asked for periods of %q, want months, or a floor is taken for any period", i, in.Period)
		}
	}
}

func TestAChangeIsPricedInTheAccountOfTheResource(t *testing.T) {
	t.Parallel()
	w, id := bought(t)
	if _, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: id, Periods: 1, IdempotencyKey: w.key()}); err != nil {
		t.Fatal(err)
	}
	w.drain()
	w.resize(id, 8) // the cloud quotes no sizes: two purchases are compared
	for i, in := range w.market.listed {
		if want := map[bool]string{true: "enablement"}[i > 0]; in.EnablementID != want {
			t.Errorf("question %d (%s) is of the account of enablement %q, want %q: another one does not know the resource", i, in.Change, in.EnablementID, want)
		}
	}
}

func TestBuyReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	in := w.input(1)
	first := must(w.orders.Buy(w.ctx, w.buyer, in))
	w.cloud.down = true // a replay needs no cloud
	again := must(w.orders.Buy(w.ctx, w.buyer, in))
	if first.ID != again.ID {
		t.Errorf("the same request made orders %q and %q", first.ID, again.ID)
	}
	if w.market.asked != 1 {
		t.Errorf("the list amount was asked for %d times", w.market.asked)
	}
	w.cloud.down = false
	w.drain()
	if again = must(w.orders.Buy(w.ctx, w.buyer, in)); again.State != order.StateActive {
		t.Errorf("a replay shows %s, want the order as it is now", again.State)
	}
	in.Name = "other"
	if _, err := w.orders.Buy(w.ctx, w.buyer, in); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("another body with the same key: %v, want a conflict", err)
	}
	if w.cloud.calls != 1 {
		t.Errorf("the cloud was called %d times", w.cloud.calls)
	}
}

func TestBuyAtQuote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	in := w.input(1)
	in.QuoteID = "quote"
	result := must(pricing.Price(pricing.Input{Currency: cny, List: must(money.ParseDecimal("500")), Quantity: 1, Periods: 1, Legs: chain()}))
	q := quote.Quote{ID: "quote", OrgID: customer, ProductID: "product", Spec: json.RawMessage(`{ "cpu": 2 }`), Term: in.Term, Result: result, Expires: start.Add(time.Hour)}
	w.market.quotes = map[string]quote.Quote{"quote": q}
	v := must(w.orders.Buy(w.ctx, w.buyer, in))
	if got := v.Price.Legs[0].Amount; got != 45000 {
		t.Errorf("priced at %d, want the quote's 45000", got)
	}
	if w.market.asked != 0 {
		t.Error("the list amount was asked for although the quote has it")
	}
	other := in
	other.IdempotencyKey, other.Term.Quantity = w.key(), 2
	if _, err := w.orders.Buy(w.ctx, w.buyer, other); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a quote for another quantity: %v, want invalid", err)
	}
	w.clock.Advance(2 * time.Hour)
	late := in
	late.IdempotencyKey = w.key()
	if _, err := w.orders.Buy(w.ctx, w.buyer, late); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("an expired quote: %v, want precondition", err)
	}
	w.drain()
}

func TestConcurrentBuyersOfOneWallet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(90000 * 10)
	w.recharge(ledger.WalletKey{Buyer: reseller, Seller: operator, Currency: cny}, 90_000_000, "r")
	w.recharge(ledger.WalletKey{Buyer: operator, Seller: providerOrg, Currency: cny}, 90_000_000, "o")
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted, refused := 0, 0
	for range 64 {
		in := w.input(1)
		wg.Go(func() {
			_, err := w.orders.Buy(w.ctx, w.buyer, in)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				accepted++
			case fault.Is(err, fault.ClassInsufficientBalance):
				refused++
			default:
				t.Errorf("buying: %v", err)
			}
		})
	}
	wg.Wait()
	if accepted != 10 || refused != 54 {
		t.Errorf("%d accepted and %d refused, want 10 and 54", accepted, refused)
	}
	w.drain()
	if b := w.wallet(customer, reseller); b.Posted != 0 || b.Held != 0 {
		t.Errorf("wallet %+v, want empty", b)
	}
	w.sameAtCloud()
}

func TestConcurrentSameKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(10_000_000)
	in := w.input(1)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = must(w.orders.Buy(w.ctx, w.buyer, in)).ID })
	}
	wg.Wait()
	for _, got := range ids {
		if got != ids[0] {
			t.Fatalf("one key made several orders: %v", ids)
		}
	}
	w.drain()
	if w.cloud.calls != 1 {
		t.Errorf("the cloud was called %d times", w.cloud.calls)
	}
}

func TestViewsArePrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	w.drain()
	for org, secrets := range map[string][]string{
		customer: {providerOrg, "0.75", "0.6", "60000", "75000", "vendor-order"},
		reseller: {providerOrg, `"0.6"`, "60000", "vendor-order"},
	} {
		role := access.RoleCustomerAdmin
		if org == reseller {
			role = access.RoleResellerAdmin
		}
		v := must(w.orders.Get(w.ctx, caller(org, role), o.ID))
		r := must(w.resources.Get(w.ctx, caller(org, role), v.ResourceIDs[0], false))
		text := string(must(json.Marshal(v))) + string(must(json.Marshal(r)))
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s sees %q in %s", org, s, text)
			}
		}
	}
	if _, err := w.orders.Get(w.ctx, caller("org-stranger", access.RoleCustomerAdmin), o.ID); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a stranger reads the order: %v", err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	v := must(w.orders.Cancel(w.ctx, w.buyer, order.CancelInput{OrderID: o.ID, Reason: "changed my mind"}))
	if v.State != order.StateCancelled {
		t.Errorf("order is %s", v.State)
	}
	w.drain()
	if w.cloud.calls != 0 {
		t.Error("a cancelled order was bought")
	}
	if b := w.wallet(customer, reseller); b.Held != 0 || b.Posted != 1_000_000 {
		t.Errorf("wallet %+v", b)
	}
	late := w.buy(1)
	w.drain()
	if _, err := w.orders.Cancel(w.ctx, w.buyer, order.CancelInput{OrderID: late.ID}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("cancelling a delivered order: %v", err)
	}
}

// TestCancelWhatNoCloudHasSeen: whether an order can be cancelled depends on
// what the cloud may know of it, not on whether a worker had a look at it.
func TestCancelWhatNoCloudHasSeen(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		down   bool
		script []string
		placed order.State
		before order.State // when it is to be cancelled
		can    bool
	}{
		"NoPlugin":  {reason: "a stopped plugin is not called", down: true, placed: order.StateHeld, before: order.StateHeld, can: true},
		"Unsent":    {reason: "what the host kept back was not seen", script: []string{"unsent"}, placed: order.StateProvisioning, before: order.StateProvisioning, can: true},
		"Throttled": {reason: "the cloud was asked", script: []string{"throttled"}, placed: order.StateProvisioning, before: order.StateProvisioning},
		"Unsent2":   {reason: "the cloud was asked before", script: []string{"throttled", "unsent"}, placed: order.StateProvisioning, before: order.StateProvisioning},
		"Lost":      {reason: "the cloud may have made it", script: []string{"lost"}, placed: order.StateProvisioning, before: order.StateActive},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fund(1_000_000)
			w.jobs.begin, w.cloud.down, w.cloud.script = true, tc.down, tc.script
			o := w.buy(1)
			if o.State != tc.placed {
				t.Errorf("%s: placed as %s", tc.reason, o.State)
			}
			for range max(1, len(tc.script)) {
				for _, j := range w.jobs.ready(w) {
					w.runJob(j)
				}
				w.clock.Advance(31 * time.Second)
			}
			if got := w.get(o.ID).State; got != tc.before {
				t.Errorf("%s: it is %s before the attempt", tc.reason, got)
			}
			_, err := w.orders.Cancel(w.ctx, w.buyer, order.CancelInput{OrderID: o.ID})
			if tc.can && err != nil || !tc.can && !fault.Is(err, fault.ClassPrecondition) {
				t.Errorf("%s: %v", tc.reason, err)
			}
			w.cloud.down = false
			w.drain()
			want, made := order.StateActive, 1
			if tc.can {
				want, made = order.StateCancelled, 0
			}
			if got := w.get(o.ID).State; got != want || len(w.cloud.made) != made {
				t.Errorf("%s: ended as %s, the cloud made %d", tc.reason, got, len(w.cloud.made))
			}
			if b := w.wallet(customer, reseller); b.Held != 0 || (b.Posted == 1_000_000) != tc.can {
				t.Errorf("%s: wallet %+v", tc.reason, b)
			}
			w.sameAtCloud()
		})
	}
}

func TestTransitionsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	w.drain()
	var got []order.State
	for _, tr := range w.get(o.ID).Transitions {
		got = append(got, tr.To)
	}
	want := []order.State{order.StateDraft, order.StateQuoted, order.StateHeld, order.StateProvisioning, order.StateActive}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}
