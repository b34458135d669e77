package order_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/order"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// TestCrashAtEveryStep kills the process at each named step, the first and the
// second time it is reached, under each script of the cloud, with jobs that are
// claimed after and together with their orders.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	scripts := map[string][]string{
		"Done": nil, "Lost": {"lost"}, "Vanished": {"vanished"}, "Started": {"started"},
		"StartedLost": {"started-lost"}, "Refused": {"out_of_stock"}, "Throttled": {"throttled"},
		"Partly": {"", "quota", "lost"},
	}
	points := []string{"before_call", "after_call", "after_lookup", "after_poll", "before_result", "after_result"}
	for name, script := range scripts {
		for _, point := range points {
			for n := range 4 {
				nth, begin := n/2+1, n%2 == 1
				t.Run(fmt.Sprintf("%s/%s/%d/%t", name, point, nth, begin), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.fund(1_000_000)
					w.jobs.begin = begin
					w.cloud.script = script
					w.dieAt(point, nth)
					quantity := max(len(script), 1)
					o := w.buy(quantity)
					w.drain()
					got := w.get(o.ID)
					if got.State != order.StateActive && got.State != order.StateFailed || got.NeedsAttention {
						t.Errorf("order ended as %s (attention %v)", got.State, got.Attention)
					}
					paid := 90000 * len(got.ResourceIDs)
					if b := w.wallet(customer, reseller); int(b.Posted) != 1_000_000-paid || b.Held != 0 {
						t.Errorf("wallet %+v, want %d paid and nothing held", b, paid)
					}
					w.sameAtCloud()
				})
			}
		}
	}
}

// dieAt panics the nth time the point is reached, once.
func (w *world) dieAt(point string, nth int) {
	w.fail = func(name string) {
		if name != point {
			return
		}
		if nth--; nth == 0 {
			panic(errBoom)
		}
	}
}

// TestBegunOrders: an order that was marked as called when it was placed is
// called once by the run that was begun with it, whatever comes between.
func TestBegunOrders(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		between func(*world)
		script  []string
		state   order.State
		saves   int // updates of the order from its placing to its end
	}{
		"AtOnce":   {reason: "the mark of the placing is enough", state: order.StateActive, saves: 1},
		"Later":    {reason: "a mark that grew old is made again", between: func(w *world) { w.clock.Advance(2 * time.Second) }, state: order.StateActive, saves: 2},
		"Refused":  {reason: "a refusal ends it", script: []string{"out_of_stock"}, state: order.StateFailed, saves: 1},
		"Disabled": {reason: "what was not called is not in doubt", between: func(w *world) { w.market.enabled = false }, state: order.StateFailed, saves: 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fund(1_000_000)
			w.jobs.begin, w.cloud.script = true, tc.script
			o := w.buy(1)
			if o.State != order.StateProvisioning {
				t.Errorf("%s: placed as %s", tc.reason, o.State)
			}
			if tc.between != nil {
				tc.between(w)
			}
			w.drain()
			if got := w.get(o.ID); got.State != tc.state {
				t.Errorf("%s: ended as %s", tc.reason, got.State)
			}
			if got := w.revision(o.ID) - 1; got != tc.saves {
				t.Errorf("%s: stored %d times more, want %d", tc.reason, got, tc.saves)
			}
			w.sameAtCloud()
		})
	}
}

// TestLateCloud buys at a cloud that shows a purchase only after minutes: each
// call has to be given that time, not the first one alone.
func TestLateCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.shows, w.cloud.script = 2*time.Minute, []string{"vanished", "lost"}
	o := w.buy(1)
	w.drain()
	if got := w.get(o.ID); got.State != order.StateActive || len(got.ResourceIDs) != 1 {
		t.Errorf("order ended as %s with %d resources", got.State, len(got.ResourceIDs))
	}
	w.sameAtCloud()
}

func TestNeedsAttention(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason      string
		setup       func(*world)
		undecidable bool
	}{
		"NoFindByToken": {
			reason: "a kind without look-up and a lost answer is left to a person",
			setup:  func(w *world) { w.cloud.canFind = false }, undecidable: true,
		},
		"NeverSettled": {
			reason: "a cloud that never knows is asked for ever, in sight of a person",
			setup: func(w *world) {
				w.cloud.settled = false
				w.cloud.hidden = 1 << 30
			},
		},
		"LookupUnsupported": {
			reason: "a look-up that is not offered after all is left to a person",
			setup:  func(w *world) { w.cloud.lookFail = "unsupported" }, undecidable: true,
		},
		"LookupDown": {
			reason: "a cloud that cannot be asked stays in doubt",
			setup:  func(w *world) { w.cloud.lookFail = "unavailable" },
		},
		"Forgotten": {
			reason: "absence proves nothing once the cloud forgets tokens",
			setup: func(w *world) {
				w.cloud.window, w.cloud.script = time.Millisecond, []string{"vanished"}
				w.fail = func(name string) {
					if name == "after_call" {
						w.clock.Advance(time.Second)
					}
				}
			}, undecidable: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fund(1_000_000)
			w.cloud.script = []string{"lost"}
			tc.setup(w)
			o := w.buy(1)
			w.drain()
			page := must(w.orders.List(w.ctx, w.staff, order.Query{Attention: true, Limit: 10}))
			if len(page.Items) != 1 || page.Items[0].Attention == nil {
				t.Fatalf("%s: the list of attention has %d orders", tc.reason, len(page.Items))
			}
			a := page.Items[0].Attention
			if a.Undecidable != tc.undecidable || len(a.Calls) != 1 || a.Calls[0].Token == "" || a.Calls[0].Problem == nil {
				t.Errorf("%s: facts %+v", tc.reason, a)
			}
			if w.cloud.calls != 1 {
				t.Errorf("%s: the cloud was called %d times", tc.reason, w.cloud.calls)
			}
			if b := w.wallet(customer, reseller); b.Held != 90000 {
				t.Errorf("%s: %d held while in doubt", tc.reason, b.Held)
			}
			v, err := w.orders.Get(w.ctx, w.buyer, o.ID)
			if err != nil || !v.NeedsAttention || v.Attention != nil {
				t.Errorf("the buyer sees attention %v facts %v: %v", v.NeedsAttention, v.Attention, err)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{true, false} {
		t.Run(fmt.Sprint(made), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fund(1_000_000)
			w.cloud.canFind = false
			w.cloud.script = []string{"vanished"}
			if made {
				w.cloud.script = []string{"lost"}
			}
			o := w.buy(1)
			w.drain()
			in := order.ResolveInput{OrderID: o.ID, Unit: 1, Made: made, Note: "seen in the console"}
			if _, err := w.orders.Resolve(w.ctx, w.buyer, in); !fault.Is(err, fault.ClassForbidden) {
				t.Errorf("a customer resolves: %v", err)
			}
			want := order.StateFailed
			if made {
				if _, err := w.orders.Resolve(w.ctx, w.staff, in); !fault.Is(err, fault.ClassInvalid) {
					t.Errorf("made without a vendor id: %v", err)
				}
				in.VendorID, want = "vm-001", order.StateActive
			}
			in.IdempotencyKey = "resolve-1"
			if _, err := w.orders.Resolve(w.ctx, w.staff, in); err != nil {
				t.Fatal(err)
			}
			if v, err := w.orders.Resolve(w.ctx, w.staff, in); err != nil || v.ID != o.ID {
				t.Errorf("the same request again: %q, %v", v.ID, err)
			}
			other := in
			other.Note = "another story"
			if _, err := w.orders.Resolve(w.ctx, w.staff, other); !fault.Is(err, fault.ClassConflict) {
				t.Errorf("another request under the key: %v", err)
			}
			in.IdempotencyKey = ""
			w.drain()
			got := w.get(o.ID)
			if got.State != want || got.NeedsAttention {
				t.Errorf("order is %s, attention %v", got.State, got.Attention)
			}
			if _, err := w.orders.Resolve(w.ctx, w.staff, in); !fault.Is(err, fault.ClassPrecondition) {
				t.Errorf("resolving twice: %v", err)
			}
			w.sameAtCloud()
		})
	}
}

func TestSweepFindsTheForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	if n := must(w.orders.Sweep(w.ctx)); n != 0 {
		t.Errorf("a fresh order was swept")
	}
	w.clock.Advance(time.Hour)
	if n := must(w.orders.Sweep(w.ctx)); n != 1 {
		t.Errorf("swept %d orders, want 1", n)
	}
	if n := must(w.orders.Sweep(w.ctx)); n != 0 {
		t.Error("sweeping twice found it twice")
	}
	if !w.get(o.ID).NeedsAttention {
		t.Error("the order does not need attention")
	}
	w.uses("enablement", true)
	w.uses("another", false)
	w.drain()
	w.uses("enablement", false)
}

// uses checks whether an order that is not decided uses an account.
func (w *world) uses(account string, want bool) {
	w.t.Helper()
	err := w.store.View(w.ctx, func(r store.Reader) error {
		got, err := w.orders.InAccount(r, account)
		if got != want {
			w.t.Errorf("an open order uses the account %s: %t", account, got)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

func TestTwoJobsNeverBuyTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	j := w.jobs.ready(w)[0]
	// The second run begins while the first is at the cloud, as when a lease is
	// lost: it must look the token up and not call.
	w.fail = func(name string) {
		if name != "before_call" {
			return
		}
		w.fail = nil
		_ = w.orders.Work(w.ctx, j)
	}
	w.runJob(j)
	w.drain()
	if got := w.get(o.ID); got.State != order.StateActive {
		t.Errorf("order is %s", got.State)
	}
	w.sameAtCloud()
}

func TestStopKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.canFind = false
	o := w.buy(1)
	ctx, cancel := context.WithCancel(w.ctx)
	w.fail = func(name string) {
		if name == "after_call" {
			cancel()
		}
	}
	if err := w.orders.Work(ctx, w.jobs.ready(w)[0]); err != nil {
		t.Errorf("the run ended with %v", err)
	}
	if got := w.get(o.ID); got.State != order.StateActive {
		t.Errorf("order is %s: the answer was forgotten", got.State)
	}
}

func TestAnswerSurvivesAFailedResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.canFind = false // nobody could ask again
	w.jobs.fails = 2
	o := w.buy(2)
	w.drain()
	if got := w.get(o.ID); got.State != order.StateActive || w.cloud.calls != 2 {
		t.Errorf("order is %s after %d calls: %+v", got.State, w.cloud.calls, got.Attention)
	}
	w.sameAtCloud()
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for name, script := range map[string][]string{"Done": {"", ""}, "Lost": {"", "lost"}, "Vanished": {"", "vanished"}, "Started": {"", "started"}} {
		for _, point := range []string{"", "before_call", "after_call", "before_result", "after_result"} {
			t.Run(name+"/"+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.fund(1_000_000)
				w.cloud.script = script
				o := w.buy(1)
				w.drain()
				resourceID := w.get(o.ID).ResourceIDs[0]
				w.dieAt(point, 1)
				in := order.RenewInput{ResourceID: resourceID, Periods: 2, IdempotencyKey: w.key()}
				v := must(w.orders.Renew(w.ctx, w.buyer, in))
				if _, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: resourceID, Periods: 1, IdempotencyKey: w.key()}); !fault.Is(err, fault.ClassConflict) {
					t.Errorf("a second renewal at the same time: %v", err)
				}
				w.drain()
				if got := w.get(v.ID); got.State != order.StateActive {
					t.Errorf("renewal is %s: %+v", got.State, got.Units)
				}
				r := must(w.resources.Get(w.ctx, w.buyer, resourceID, false))
				if want := start.AddDate(0, 3, 0); !r.End.Equal(want) || r.BusyOrder != "" || len(r.Charges) != 2 {
					t.Errorf("resource ends %s (busy %q, %d charges), want %s", r.End, r.BusyOrder, len(r.Charges), want)
				}
				if b := w.wallet(customer, reseller); b.Posted != 1_000_000-3*90000 || b.Held != 0 {
					t.Errorf("wallet %+v", b)
				}
			})
		}
	}
}

func TestRenewOfDisabledProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	w.drain()
	w.market.enabled = false
	resourceID := w.get(o.ID).ResourceIDs[0]
	if _, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: resourceID, Periods: 1, IdempotencyKey: w.key()}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("renewing: %v", err)
	}
	v := must(w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: resourceID, IdempotencyKey: w.key()}))
	w.drain()
	if got := w.get(v.ID); got.State != order.StateRefunded {
		t.Errorf("releasing at a disabled provider: %s", got.State)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		quote  string
		wait   time.Duration
		script []string
		find   bool
		left   int // what the customer has of 1,000,000 after a month for 90,000
		units  int
	}{
		"AtOnce":        {reason: "unused is given back whole", find: true, left: 1_000_000},
		"Half":          {reason: "the unused time is given back", wait: 31 * 12 * time.Hour, find: true, left: 1_000_000 - 45000},
		"Quoted":        {reason: "the cloud's quote decides", quote: "-250.00", find: true, left: 1_000_000 - 67500},
		"QuotedTooMuch": {reason: "never more than was charged", quote: "-99999.00", find: true, left: 1_000_000},
		"QuotedNothing": {reason: "a quote of nothing gives nothing", quote: "0", find: true, left: 1_000_000 - 90000},
		"Lost":          {reason: "a lost answer is looked up", script: []string{"", "lost"}, find: true, left: 1_000_000},
		"LostNoFind":    {reason: "a resource that is gone was released", script: []string{"", "lost"}, left: 1_000_000},
		"Vanished":      {reason: "what did not happen is done again", script: []string{"", "vanished"}, find: true, left: 1_000_000},
		"Started":       {reason: "a started release is polled", script: []string{"", "started"}, find: true, left: 1_000_000},
		"GoneAlready":   {reason: "already gone is a success", script: []string{"", "not_found"}, find: true, left: 1_000_000},
		"GoneAtConsole": {reason: "what was deleted at the cloud's console can be released", quote: "gone", script: []string{"", "not_found"}, find: true, left: 1_000_000},
		"Over":          {reason: "a term that is over gives nothing", wait: 40 * 24 * time.Hour, find: true, left: 1_000_000 - 90000},
	}
	for name, tc := range cases {
		for _, point := range []string{"", "before_call", "after_call", "before_result", "after_result"} {
			t.Run(name+"/"+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.fund(1_000_000)
				w.cloud.script, w.cloud.quotes, w.cloud.canFind = tc.script, tc.quote, tc.find
				o := w.buy(1)
				w.drain()
				resourceID := w.get(o.ID).ResourceIDs[0]
				w.clock.Set(start.Add(tc.wait))
				if !tc.find && point == "before_call" {
					return // a release that never reached the cloud and cannot be found needs a person
				}
				w.dieAt(point, 1)
				in := order.ReleaseInput{ResourceID: resourceID, IdempotencyKey: w.key(), Reason: "not needed"}
				v := must(w.orders.Release(w.ctx, w.buyer, in))
				w.drain()
				if got := w.get(v.ID); got.State != order.StateRefunded {
					t.Fatalf("%s: release is %s: %+v %+v", tc.reason, got.State, got.Units, got.Attention)
				}
				if b := w.wallet(customer, reseller); int(b.Posted) != tc.left {
					t.Errorf("%s: the customer has %d, want %d", tc.reason, b.Posted, tc.left)
				}
				in.IdempotencyKey = w.key()
				if _, err := w.orders.Release(w.ctx, w.buyer, in); !fault.Is(err, fault.ClassPrecondition) {
					t.Errorf("releasing twice: %v", err)
				}
			})
		}
	}
}

func TestReleaseOfUnitsGivesBackTheCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.market.list = "33.37"
	w.cloud.script = []string{"", "", "out_of_stock"}
	o := w.buy(3)
	w.drain()
	for _, resourceID := range w.get(o.ID).ResourceIDs {
		must(w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: resourceID, IdempotencyKey: w.key()}))
		w.drain()
	}
	for _, pair := range [][2]string{{customer, reseller}, {reseller, operator}, {operator, providerOrg}} {
		if b := w.wallet(pair[0], pair[1]); b.Posted != 1_000_000 || b.Held != 0 {
			t.Errorf("wallet of %s: %+v, want all back", pair[0], b)
		}
	}
}

func TestReleaseRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	o := w.buy(1)
	w.drain()
	in := order.ReleaseInput{ResourceID: w.get(o.ID).ResourceIDs[0], IdempotencyKey: w.key()}
	if _, err := w.orders.Release(w.ctx, caller("org-stranger", access.RoleCustomerAdmin), in); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a stranger releases: %v", err)
	}
	if _, err := w.orders.Release(w.ctx, caller(customer, access.RoleCustomerUser), in); !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("a user without the right releases: %v", err)
	}
}

// TestForgottenOperation: a plugin that finds an operation by token and does not
// know it when asked is asked with pauses, not in a circle.
func TestForgottenOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.script, w.cloud.forgets = []string{"started"}, 50
	o := w.buy(1)
	w.runJob(w.jobs.ready(w)[0])
	w.clock.Advance(time.Second)
	w.runJob(w.jobs.ready(w)[0])
	if asked := 50 - w.cloud.forgets; asked > 2 {
		t.Errorf("the operation was asked for %d times within a second", asked)
	}
	w.drain()
	if got := w.get(o.ID); got.State != order.StateActive {
		t.Errorf("the order ended as %s", got.State)
	}
	w.sameAtCloud()
}

// TestLongHints: an order is decided when its time is over, however long the
// cloud asks to wait.
func TestLongHints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.script = []string{"throttled_for_a_day", "throttled_for_a_day"}
	o := w.buy(1)
	w.runJob(w.jobs.ready(w)[0])
	w.clock.Advance(10 * time.Minute)
	w.runJob(w.jobs.ready(w)[0])
	if got := w.get(o.ID); got.State != order.StateFailed || w.cloud.calls != 2 {
		t.Errorf("after 10 minutes and %d calls the order is %s, want it failed after the last call", w.cloud.calls, got.State)
	}
	if b := w.wallet(customer, reseller); b.Held != 0 {
		t.Errorf("wallet %+v, want nothing held", b)
	}
}
