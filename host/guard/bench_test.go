package guard_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// nowhere answers at once.
type nowhere struct{ grpc.ClientConnInterface }

func (nowhere) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }

// BenchmarkChain is what the guards add to one unary call.
func BenchmarkChain(b *testing.B) {
	far := nowhere{}
	g := guard.NewConn(guard.Config{
		Plugin: "p", Bulkhead: guard.NewBulkhead(guard.Limits{}), Breakers: guard.NewBreakers(guard.BreakersConfig{}),
		Pick: func(context.Context) (grpc.ClientConnInterface, error) { return far, nil },
	})
	for name, c := range map[string]*client.Client{"Guarded": client.New(g), "Bare": client.New(far)} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Get(ctx, provider.GetRequest{Call: account("a")}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBulkhead is a slot taken and given back by many orgs at once.
func BenchmarkBulkhead(b *testing.B) {
	for _, slots := range []int{4, 128} {
		b.Run(fmt.Sprintf("%dSlots", slots), func(b *testing.B) {
			k := guard.NewBulkhead(guard.Limits{Concurrent: slots, QueueWait: time.Hour, Queue: 1 << 20})
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				org := fmt.Sprint("org-", next.Add(1)%16)
				for pb.Next() {
					if err := k.Acquire(context.Background(), org); err != nil {
						b.Error(err)
					}
					k.Release(org)
				}
			})
		})
	}
}
