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
