package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// most is how many customers buy at the same time.
const most = 32

// many buys many small workloads and tells how many run in a second, from the
// first order to the last one that runs.
func (w *walk) many(ctx context.Context) error {
	if w.load == 0 {
		return nil
	}
	for _, spec := range []map[string]any{
		{"type": "cpu", "unit_price": "1.5", "stock": 8 * w.load, "add_stock": true},
		{"type": "memory", "unit_price": "0.005", "resource_unit": "Mi", "stock": 4096 * w.load, "add_stock": true},
	} {
		if _, err := w.keep(ctx, "widget", spec); err != nil {
			return err
		}
	}
	began := time.Now()
	turns, errs := make(chan int), make([]error, w.load)
	var all sync.WaitGroup
	for range most {
		all.Go(func() {
			for i := range turns {
				errs[i] = w.small(ctx, i)
			}
		})
	}
	for i := range w.load {
		turns <- i
	}
	close(turns)
	all.Wait()
	took := time.Since(began)
	fmt.Fprintf(w.out, "    %d bought and running in %s: %.1f a second\n", w.load, took.Round(time.Millisecond), float64(w.load)/took.Seconds())
	return errors.Join(errs...)
}

// small buys one small workload and waits until it runs.
func (w *walk) small(ctx context.Context, i int) error {
	me := *w.customer
	me.run = fmt.Sprintf("%s-load-%d", me.run, i)
	var o ended
	err := me.post(ctx, "/v1/orders", map[string]any{
		"product_id": w.product, "name": fmt.Sprintf("small-%d", i), "term": hours(1),
		"spec": map[string]any{"image": w.image, "parts": []map[string]any{{"type": "cpu", "amount": 1}, {"type": "memory", "amount": 256}}},
	}, &o)
	if err != nil {
		return err
	}
	return until(ctx, func() (bool, error) {
		err := me.get(ctx, "/v1/orders/"+o.ID, &o)
		if err == nil && o.State == "failed" {
			err = fmt.Errorf("an order failed: %v", o.Units)
		}
		return o.State == "active", err
	})
}
