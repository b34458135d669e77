package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ended is what became of an order.
type ended struct {
	ID, State   string
	ResourceIDs []string `json:"resource_ids"`
	Units       []struct{ Problem, Class string }
}

// hurry lets many buy at once what there is one of: one gets it, the others are
// told that it is out of stock, and nothing of their money stays held.
func (w *walk) hurry(ctx context.Context) error {
	orders := make([]ended, w.rush)
	errs := make([]error, w.rush)
	var all sync.WaitGroup
	for i := range w.rush {
		all.Go(func() { orders[i], errs[i] = w.grab(ctx, i) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	sold, short := "", 0
	for _, o := range orders {
		switch {
		case o.State == "active" && sold == "":
			sold = o.ResourceIDs[0]
		case o.State == "failed" && len(o.Units) == 1 && o.Units[0].Class == "out_of_stock":
			short++
		default:
			return fmt.Errorf("an order is %s: %v", o.State, o.Units)
		}
	}
	if w.rush > 0 && sold == "" || w.rush > 0 && short != w.rush-1 {
		return fmt.Errorf("%d of %d were told that it is out of stock", short, w.rush)
	}
	fmt.Fprintf(w.out, "    %d came, %d were out of stock\n", w.rush, short)
	return w.nothingHeld(ctx)
}

// grab orders the box and follows the order to its end. A broker that knows the
// stock already refuses the order itself; one whose plugin is being started again
// is asked again.
func (w *walk) grab(ctx context.Context, i int) (ended, error) {
	me := *w.customer
	me.run = fmt.Sprintf("%s-%d", me.run, i)
	var o ended
	var err error
	order := map[string]any{"product_id": w.product, "name": fmt.Sprintf("lamp-%d", i), "term": hours(1)}
	asked := until(ctx, func() (bool, error) {
		me.keys = 0 // the same key: an order that was taken is not taken again
		err = me.post(ctx, "/v1/orders", order, &o)
		return err == nil || !strings.Contains(err.Error(), ": 503 "), nil
	})
	if asked != nil {
		return o, asked
	}
	if err != nil && strings.Contains(err.Error(), "库存不足") {
		return ended{State: "failed", Units: []struct{ Problem, Class string }{{Problem: err.Error(), Class: "out_of_stock"}}}, nil
	}
	if err != nil {
		return o, err
	}
	return o, until(ctx, func() (bool, error) {
		err := me.get(ctx, "/v1/orders/"+o.ID, &o)
		return o.State == "active" || o.State == "failed", err
	})
}

// nothingHeld compares the customer's wallet with what it bought.
func (w *walk) nothingHeld(ctx context.Context) error {
	var wallets struct {
		Items []struct{ Posted, Held string }
	}
	if err := w.customer.get(ctx, "/v1/wallets?side=buyer", &wallets); err != nil {
		return err
	}
	for _, x := range wallets.Items {
		if strings.Trim(x.Held, "0.") != "" {
			return fmt.Errorf("%s of %s is still held", x.Held, x.Posted)
		}
	}
	return nil
}
