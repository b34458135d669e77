package e2e

import (
	"errors"
	"testing"
	"time"

	"tradewind.example/core/money"
)

// server is a resource of the simulated cloud.
type server struct {
	Status string
	Busy   string `json:"busy_order"`
	Spec   struct {
		CPU    int `json:"cpu"`
		Memory int `json:"memory_mb"`
	}
}

// TestAResizeSurvivesItsBroker kills the broker when the cloud has made a server
// larger and nobody knows yet: the next one sees it, charges it at each hop and
// asks the cloud for nothing again.
func TestAResizeSurvivesItsBroker(t *testing.T) {
	w := newWorld(t, build(t))
	ctx, who := t.Context(), w.customers[0]
	var o made
	w.must(who.post(ctx, "/v1/orders", "buy", map[string]any{"product_id": w.products[0], "name": "grower"}, &o))
	w.must(w.decided(ctx))
	rows, err := list[made](ctx, who, "/v1/resources")
	w.must(err)
	path := "/v1/resources/" + rows[0].ID
	w.must(who.post(ctx, path+"/actions/stop", "stop", map[string]any{"input": map[string]bool{"force": true}}, nil))
	var r server
	w.must(wait(time.Minute, func() (bool, error) {
		err := who.get(ctx, path+"?refresh=true", &r)
		return r.Status == "stopped", err
	}))
	size := map[string]int{"cpu": 2 * r.Spec.CPU, "memory_mb": 2 * r.Spec.Memory}
	body := map[string]any{"size": size}
	var priced struct {
		Price *struct{ Legs []struct{ Amount string } }
	}
	w.must(who.post(ctx, path+"/resize-price", "", body, &priced))
	if priced.Price == nil {
		t.Fatalf("twice %+v costs nothing more", r.Spec)
	}
	w.must(w.stopBroker())

	p := w.launch("after_call:1")
	w.must(w.serving(p))
	if err := who.post(ctx, path+"/resize", "resize", body, &o); statusOf(err) != 0 {
		t.Fatal(err)
	}
	if !p.over(20*time.Second) || !p.killed() {
		t.Fatal("the broker did not die after its call")
	}
	w.start()
	w.must(who.post(ctx, path+"/resize", "resize", body, &o))
	w.must(w.decided(ctx))
	w.judgeResize(path, o.ID, size, priced.Price.Legs[0].Amount)
	w.broker.kill()
	w.must(w.verifyStopped(1))
}

// judgeResize holds the order against the cloud, the wallet and the bills.
func (w *world) judgeResize(path, order string, size map[string]int, price string) {
	w.t.Helper()
	ctx, who := w.t.Context(), w.customers[0]
	var r server
	var o orderRow
	w.must(errors.Join(who.get(ctx, path, &r), who.get(ctx, "/v1/orders/"+order, &o)))
	if o.Kind != "resize" || o.State != "active" || r.Busy != "" || r.Spec.CPU != size["cpu"] || r.Spec.Memory != size["memory_mb"] {
		w.t.Errorf("the order is %+v, the server %+v", o, r)
	}
	bills, err := list[billRow](ctx, who, "/v1/bills?side=buyer&order_id="+order)
	w.must(err)
	if len(bills) != 1 || bills[0].Operation != "BUY" {
		w.t.Fatalf("the customer's bills of it: %+v", bills)
	}
	paid, err := parse(bills[0].Amount)
	w.must(err)
	told, err := parse(price)
	w.must(err)
	if gap := told - paid; paid <= 0 || gap < -money.Amount(100) || gap > 100 {
		w.t.Errorf("%s was billed, %s told before", bills[0].Amount, price)
	}
	a := &audit{ctx: ctx, w: w}
	w.must(w.admin.get(ctx, "/state?limit=1000", &a.cloud))
	w.must(a.cloudBooks())
}
