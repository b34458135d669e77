package order_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/order"
	"tradewind.example/core/store/outbox"
)

// TestEveryEndIsToldOnce has orders end in every way and reads what the outbox
// holds then.
func TestEveryEndIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := map[string][]string{}
	var consumers []outbox.Consumer
	for _, topic := range order.Topics() {
		consumers = append(consumers, outbox.Consumer{Topic: topic, Name: "test", Handle: recordIn(got)})
	}
	box := must(outbox.New(outbox.Config{Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Consumers: consumers}))
	w.orders = w.service(func(c *order.Config) { c.Events = box })
	w.fund(10_000_000)
	want := map[string][]string{}

	active := w.buy(1)
	w.drain()
	want["order.active"] = []string{active.ID}

	w.cloud.script = []string{"out_of_stock"}
	failed := w.buy(1)
	w.drain()
	want["order.failed"] = []string{failed.ID}

	release := must(w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: w.get(active.ID).ResourceIDs[0], IdempotencyKey: "release"}))
	w.drain()
	want["order.refunded"] = []string{release.ID}

	for _, topic := range order.Topics() {
		if _, err := box.Deliver(w.ctx, topic, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func recordIn(got map[string][]string) outbox.Handler {
	return func(_ context.Context, list []outbox.Event) error {
		for _, e := range list {
			got[e.Topic] = append(got[e.Topic], e.Key)
		}
		return nil
	}
}
