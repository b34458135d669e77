package order_test

import (
	"testing"
)

// BenchmarkBuy accepts orders of a three-leg chain without waiting for the disk.
func BenchmarkBuy(b *testing.B) {
	w := newWorld(b)
	w.fund(1 << 50)
	for b.Loop() {
		if _, err := w.orders.Buy(w.ctx, w.buyer, w.input(1)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkComplete accepts an order and carries it to its end.
func BenchmarkComplete(b *testing.B) {
	w := newWorld(b)
	w.fund(1 << 50)
	for b.Loop() {
		if _, err := w.orders.Buy(w.ctx, w.buyer, w.input(1)); err != nil {
			b.Fatal(err)
		}
		for _, j := range w.jobs.ready(w) {
			w.runJob(j)
		}
	}
}

// BenchmarkBuyParallel is BenchmarkBuy by 64 clients, whose orders share commits.
func BenchmarkBuyParallel(b *testing.B) {
	w := newWorld(b)
	w.fund(1 << 50)
	keys := make(chan string, 64)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case keys <- w.key():
			case <-done:
				return
			}
		}
	}()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in := inputWith(<-keys)
			if _, err := w.orders.Buy(w.ctx, w.buyer, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	close(done)
}
