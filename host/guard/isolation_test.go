package guard

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

type answering struct{ grpc.ClientConnInterface }

func (answering) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }

// TestPluginsShareNoLock: calls to one plugin pass while every lock of another's
// guards is held and all its slots are taken.
func TestPluginsShareNoLock(t *testing.T) {
	t.Parallel()
	guards := func() (*Bulkhead, *Breakers, *client.Client) {
		b, k := NewBulkhead(Limits{Concurrent: 1}), NewBreakers(BreakersConfig{})
		return b, k, client.New(NewConn(Config{Bulkhead: b, Breakers: k, Pick: func(context.Context) (grpc.ClientConnInterface, error) {
			return answering{}, nil
		}}))
	}
	stuck, shut, _ := guards()
	if !stuck.TryAcquire("o") {
		t.Fatal("no slot is free")
	}
	stuck.mu.Lock()
	defer stuck.mu.Unlock()
	shut.mu.Lock()
	defer shut.mu.Unlock()

	_, k, other := guards()
	k.learn(BreakerKey{Account: "x"}) // so that its breakers are asked
	call := provider.Call{Org: "o", Account: provider.Account{ID: "a"}}
	for range 10 {
		if _, err := other.Get(t.Context(), provider.GetRequest{Call: call}); err != nil {
			t.Fatal(err)
		}
	}
}
