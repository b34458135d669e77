package order_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/order"
)

func TestListBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(10_000_000)
	var placed []string
	for i := range 3 {
		in := w.input(1)
		in.IdempotencyKey = fmt.Sprint("key-", i)
		placed = append(placed, must(w.orders.Buy(w.ctx, w.buyer, in)).ID)
		w.clock.Advance(time.Second)
	}
	ids := func(q order.Query) (out []string) {
		q.Limit = 2
		for {
			page := must(w.orders.List(w.ctx, w.staff, q))
			for _, o := range page.Items {
				out = append(out, o.ID)
			}
			if q.Cursor = page.Next; page.Next == "" {
				return out
			}
		}
	}
	if diff := cmp.Diff(placed, ids(order.Query{OldestFirst: true})); diff != "" {
		t.Errorf("oldest first (-want +got):\n%s", diff)
	}
	slices.Reverse(placed)
	if diff := cmp.Diff(placed, ids(order.Query{})); diff != "" {
		t.Errorf("newest first (-want +got):\n%s", diff)
	}
}

// TestOpenOrdersAreListedAtOnce holds the list of what is under way against a
// history that is much longer than a page.
func TestOpenOrdersAreListedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(90000 * 400)
	w.cloud.script = []string{"", "started", "started"}
	var open []string
	for i := range 150 {
		in := w.input(1)
		in.IdempotencyKey = fmt.Sprint("key-", i)
		o := must(w.orders.Buy(w.ctx, w.buyer, in))
		for _, j := range w.jobs.ready(w) {
			if j.Ref == o.ID {
				w.runJob(j)
			}
		}
		if i == 1 || i == 2 {
			open = append(open, o.ID)
		}
		w.clock.Advance(time.Millisecond)
	}
	for name, q := range map[string]order.Query{
		"NewestFirst": {State: order.StateProvisioning, Limit: 5},
		"OldestFirst": {State: order.StateProvisioning, Limit: 5, OldestFirst: true},
		"Customer":    {State: order.StateProvisioning, Limit: 5, OrgID: customer},
		"Since":       {State: order.StateProvisioning, Limit: 5, From: start},
	} {
		t.Run(name, func(t *testing.T) {
			page := must(w.orders.List(w.ctx, w.staff, q))
			var got []string
			for _, o := range page.Items {
				got = append(got, o.ID)
			}
			slices.Sort(got)
			if diff := cmp.Diff(open, got); diff != "" {
				t.Errorf("what is under way (-want +got):\n%s", diff)
			}
			if !q.OldestFirst && page.Next != "" {
				t.Error("the list goes on to orders that ended before the oldest open one")
			}
		})
	}
	if page := must(w.orders.List(w.ctx, w.staff, order.Query{State: order.StateHeld, Limit: 5})); len(page.Items) > 0 || page.Next != "" {
		t.Errorf("held orders: %d, next %q, want none and no further page", len(page.Items), page.Next)
	}
}
