package order_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tradewind.example/core/catalog"
	"tradewind.example/core/job"
	"tradewind.example/core/order"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/clock"
)

// The services that the program gives to this package.
var (
	_ order.Catalog   = (*catalog.Service)(nil)
	_ order.Accounts  = (*provider.Service)(nil)
	_ order.Pricer    = (*quote.Service)(nil)
	_ order.Directory = (*tenant.Service)(nil)
	_ order.Jobs      = (*job.Queue)(nil)
)

// TestWithTheRealQueue carries orders out through job.Queue with its own
// goroutines: started ones, lost ones and refused ones.
func TestWithTheRealQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	storeClock := clock.Real{}
	queue := must(job.New(job.Config{Store: w.store, Clock: storeClock, Logger: slog.New(slog.DiscardHandler), Workers: 8}))
	svc := w.service(func(c *order.Config) {
		c.Jobs, c.Clock = queue, storeClock
		c.Limits = order.Limits{Poll: time.Millisecond, PollMost: 5 * time.Millisecond, RetryFirst: time.Millisecond}
	})
	w.clock.Set(storeClock.Now().Add(time.Minute))
	if err := queue.Register(order.JobKind, svc.Work, svc.Policy()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := queue.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := queue.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	w.fund(90000 * 40)
	w.cloud.script = []string{"", "started", "lost", "out_of_stock", "throttled", "", "started-lost"}
	var ids []string
	for range 20 {
		v, err := svc.Buy(w.ctx, w.buyer, w.input(1))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	failed := 0
	for _, orderID := range ids {
		if w.ended(svc, orderID) == order.StateFailed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d orders failed, want the one that the cloud refused", failed)
	}
	if b := w.wallet(customer, reseller); b.Held != 0 || b.Posted != 90000*21 {
		t.Errorf("wallet %+v", b)
	}
	w.sameAtCloud()
}

// ended waits for the order to be decided.
func (w *world) ended(svc *order.Service, orderID string) order.State {
	w.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	for {
		var state order.State
		err := w.store.View(w.ctx, func(r store.Reader) error {
			o, err := svc.GetTx(r, orderID)
			state = o.State
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if state.Final() {
			return state
		}
		select {
		case <-tick.C:
		case <-end.C:
			w.t.Fatalf("order %s is still %s", orderID, state)
		}
	}
}
