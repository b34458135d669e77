package order_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/order"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// whole wants every live resource to have exactly the parts that the cloud sold
// with it, and no part to be left of one that is gone or was never stored.
func (w *world) whole() {
	w.t.Helper()
	page := must(w.resources.List(w.ctx, w.staff, resource.Query{Limit: 1000}))
	want, got := []string{}, []string{}
	for _, r := range page.Items {
		if r.ParentID != "" {
			got = append(got, r.ParentID+" "+r.VendorID)
			continue
		}
		for _, name := range w.cloud.parts {
			want = append(want, r.ID+" "+r.VendorID+"/"+name)
		}
		if r.Parts != len(w.cloud.parts) {
			w.t.Errorf("resource %q says it has %d parts", r.VendorID, r.Parts)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestCrashLeavesNoHalfSetOfParts kills the process at each step of a purchase
// and of a release of what consists of parts.
func TestCrashLeavesNoHalfSetOfParts(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "lost", "started", "started-lost"} {
		for _, point := range []string{"none", "before_call", "after_call", "after_lookup", "after_poll", "before_result", "after_result"} {
			t.Run(fmt.Sprintf("%s/%s", script, point), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.fund(1_000_000)
				w.cloud.parts, w.cloud.script = []string{"web", "db", "cache"}, []string{script, script}
				w.dieAt(point, 1)
				o := w.buy(2)
				w.drain()
				w.whole()
				got := w.get(o.ID)
				if len(got.ResourceIDs) != 2 {
					t.Fatalf("the order made %d resources", len(got.ResourceIDs))
				}
				w.cloud.script = []string{script}
				w.dieAt(point, 1)
				r := must(w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: got.ResourceIDs[0], IdempotencyKey: w.key()}))
				w.drain()
				w.whole()
				if end := w.get(r.ID); end.State != order.StateRefunded {
					t.Errorf("the release is %s", end.State)
				}
				w.sameAtCloud()
			})
		}
	}
}

// TestPartsAreNotOrderedAbout refuses every order for a part, and holds nothing.
func TestPartsAreNotOrderedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.parts = []string{"web"}
	w.buy(1)
	w.drain()
	before := w.wallet(customer, reseller)
	p := must(w.resources.List(w.ctx, w.buyer, resource.Query{Which: resource.PartsOnly, Limit: 10})).Items[0]
	for name, try := range map[string]func() error{
		"Renew": func() error {
			_, err := w.orders.Renew(w.ctx, w.buyer, order.RenewInput{ResourceID: p.ID, Periods: 1, IdempotencyKey: w.key()})
			return err
		},
		"Release": func() error {
			_, err := w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: p.ID, IdempotencyKey: w.key()})
			return err
		},
		"Resize": func() error {
			in := order.ResizeInput{ResourceID: p.ID, Size: json.RawMessage(`{"cores":4}`), IdempotencyKey: w.key()}
			_, err := w.orders.Resize(w.ctx, w.buyer, in)
			return err
		},
		"QuoteResize": func() error {
			_, err := w.orders.QuoteResize(w.ctx, w.buyer, p.ID, json.RawMessage(`{"cores":4}`))
			return err
		},
	} {
		if err := try(); !fault.Is(err, fault.ClassPrecondition) || !strings.Contains(err.Error(), p.ParentID) {
			t.Errorf("%s: %v; want a refusal that names what it belongs to", name, err)
		}
	}
	if now := must(w.resources.Get(w.ctx, w.staff, p.ID, false)); now.BusyOrder != "" || !now.Live() {
		t.Errorf("the part was changed: %+v", now)
	}
	if diff := cmp.Diff(before, w.wallet(customer, reseller)); diff != "" {
		t.Errorf("the wallet (-before +after):\n%s", diff)
	}
}

// TestOrdersDoNotKeepParts: what a purchase consists of is stored once.
func TestOrdersDoNotKeepParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.cloud.parts = []string{"web"}
	o := w.buy(1)
	w.drain()
	var d store.Doc[order.Order]
	err := w.store.View(w.ctx, func(r store.Reader) (err error) {
		d, err = store.NewCollection("order", func(o *order.Order) string { return o.ID }).Get(r, o.ID)
		return err
	})
	if err != nil || d.Value.Units[0].Resource == nil || d.Value.Units[0].Resource.Parts != nil {
		t.Errorf("the order keeps %+v, %v", d.Value.Units[0].Resource, err)
	}
}
