package order_test

import (
	"testing"

	"tradewind.example/core/order"
	"tradewind.example/core/store"
)

func (w *world) hasten(plugin, root, operation string) (found int, busy bool) {
	w.t.Helper()
	err := w.store.Update(w.ctx, func(tx store.Tx) (err error) {
		found, busy, err = w.orders.HastenTx(tx, plugin, root, operation)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found, busy
}

// asked reports whether a run of the order's job asks for its operation now.
func (w *world) asked(op string) bool {
	w.t.Helper()
	left := w.cloud.running[op]
	w.runJob(w.jobs.ready(w)[0])
	return w.cloud.running[op] < left
}

func TestHastenAsksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(10_000_000)
	w.cloud.script = []string{"started"}
	v := w.buy(1)
	w.runJob(w.jobs.ready(w)[0])
	var op string
	for op = range w.cloud.running {
	}
	if op == "" || w.asked(op) {
		t.Fatalf("operation %q was asked for before its time", op)
	}
	for name, tc := range map[string]struct {
		reason           string
		plugin, root, op string
	}{
		"Operation": {"an operation that nobody waits for", "fake", operator, "other"},
		"Plugin":    {"another plugin's operation of that name", "other", operator, op},
		"Root":      {"another root's operation of that name", "fake", "org-other", op},
	} {
		if n, busy := w.hasten(tc.plugin, tc.root, tc.op); n != 0 || busy || w.asked(op) {
			t.Errorf("%s: %s: %d orders found, busy %t", name, tc.reason, n, busy)
		}
	}
	w.jobs.busy = w.jobs.ready(w)[0].ID
	if n, busy := w.hasten("fake", operator, op); n != 1 || !busy || w.asked(op) {
		t.Errorf("an order that is being worked on: %d found, busy %t", n, busy)
	}
	w.jobs.busy = ""
	for range 2 { // twice is once
		if n, busy := w.hasten("fake", operator, op); n != 1 || busy {
			t.Fatalf("%d orders found, busy %t", n, busy)
		}
	}
	if !w.asked(op) || len(w.jobs.hastened) != 2 {
		t.Errorf("not asked at once, or its job not made due: %v", w.jobs.hastened)
	}
	w.drain()
	if got := w.get(v.ID); got.State != order.StateActive {
		t.Errorf("the order is %s", got.State)
	}
	if n, _ := w.hasten("fake", operator, op); n != 0 {
		t.Error("a decided order still waits")
	}
}
