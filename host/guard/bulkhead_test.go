package guard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// hold takes slots for an org without giving them back.
func hold(t *testing.T, b *guard.Bulkhead, org string, slots int) {
	t.Helper()
	for range slots {
		if err := b.Acquire(t.Context(), org); err != nil {
			t.Fatal(err)
		}
	}
}

// queue lets calls of an org wait; what becomes of each is sent to the channel.
func queue(ctx context.Context, b *guard.Bulkhead, org string, calls int) <-chan error {
	out := make(chan error, calls)
	for range calls {
		go func() { out <- b.Acquire(ctx, org) }()
		synctest.Wait()
	}
	return out
}

func TestRefusalsNameTheCause(t *testing.T) {
	t.Parallel()
	limits := guard.Limits{Concurrent: 4, Queue: 2, QueueWait: 3 * time.Second}
	cases := map[string]struct {
		reason string
		do     func(t *testing.T, b *guard.Bulkhead) error
		want   fault.Class
	}{
		"FullByItself": {
			reason: "an org that has filled slots and queue asks for too much", want: fault.ClassThrottled,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "a", 4)
				queue(t.Context(), b, "a", 2)
				return b.Acquire(t.Context(), "a")
			},
		},
		"FullByOthers": {
			reason: "an org that has nothing here is not to blame", want: fault.ClassUnavailable,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "a", 2)
				hold(t, b, "b", 2)
				queue(t.Context(), b, "a", 1)
				queue(t.Context(), b, "b", 1)
				queue(t.Context(), b, "c", 1)
				queue(t.Context(), b, "d", 1)
				return b.Acquire(t.Context(), "e")
			},
		},
		"Displaced": {
			reason: "whoever has most of the queue makes room for others", want: fault.ClassThrottled,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "a", 4)
				results := queue(t.Context(), b, "a", 2)
				queue(t.Context(), b, "b", 1)
				return <-results
			},
		},
		"Stuck": {
			reason: "a plugin that gives back no slot at all is to blame", want: fault.ClassUnavailable,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "a", 4)
				return <-queue(t.Context(), b, "a", 1)
			},
		},
		"Slow": {
			reason: "calls do end, but the org has too many of them", want: fault.ClassThrottled,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "b", 1)
				hold(t, b, "a", 3)
				waiting := queue(t.Context(), b, "a", 1)
				other := queue(t.Context(), b, "c", 1)
				b.Release("b")
				if err := <-other; err != nil {
					t.Fatalf("an org without a slot goes first: %v", err)
				}
				return <-waiting
			},
		},
		"Left": {
			reason: "a call whose time is over leaves the queue", want: fault.ClassUnavailable,
			do: func(t *testing.T, b *guard.Bulkhead) error {
				hold(t, b, "a", 4)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := <-queue(ctx, b, "a", 1)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v is not a context's deadline", err)
				}
				return err
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := tc.do(t, guard.NewBulkhead(limits))
				f := fault.As(err)
				if f == nil || f.Class != tc.want || f.Outcome != fault.OutcomeNotDone || f.Source != fault.SourceHost {
					t.Fatalf("%s: got %#v, want %s", tc.reason, f, tc.want)
				}
				if f.RetryAfter <= 0 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: it does not say when to come back", tc.reason)
				}
			})
		})
	}
}

// TestSlotsConvergeToEqualParts: an org alone has everything; what it gives back
// goes to the others until all have the same.
func TestSlotsConvergeToEqualParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.Limits{Concurrent: 6, QueueWait: time.Hour})
		hold(t, b, "a", 6)
		for _, org := range []string{"a", "b", "c"} {
			queue(t.Context(), b, org, 6)
		}
		for range 6 {
			b.Release("a")
			synctest.Wait()
		}
		want := []guard.OrgLoad{{Org: "a", Busy: 2, Waiting: 4}, {Org: "b", Busy: 2, Waiting: 4}, {Org: "c", Busy: 2, Waiting: 4}}
		if diff := cmp.Diff(want, b.Load().Top); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
		drainAll(b)
	})
}

// drainAll gives slots back until nothing is left.
func drainAll(b *guard.Bulkhead) {
	for l := b.Load(); l.Busy > 0; l = b.Load() {
		for _, o := range l.Top {
			for range o.Busy {
				b.Release(o.Org)
			}
		}
		synctest.Wait()
	}
}

func TestOneOrgCanBeCapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.Limits{Concurrent: 4, PerOrg: 3, QueueWait: time.Hour})
		hold(t, b, "a", 3)
		queue(t.Context(), b, "a", 1)
		if l := b.Load(); l.Busy != 3 || l.Waiting != 1 {
			t.Fatalf("busy %d, waiting %d; want the org's cap and one waiting", l.Busy, l.Waiting)
		}
		hold(t, b, "b", 1)
		b.Release("b")
		synctest.Wait()
		if l := b.Load(); l.Waiting != 1 {
			t.Errorf("a slot of another org went to one at its cap: %+v", l)
		}
		b.Release("a")
		synctest.Wait()
		if l := b.Load(); l.Waiting != 0 || l.Busy != 3 {
			t.Errorf("its own slot did not come back to it: %+v", l)
		}
	})
}

func TestLoadNamesTheBusiest(t *testing.T) {
	t.Parallel()
	b := guard.NewBulkhead(guard.Limits{Concurrent: 200})
	for i := range guard.TopOrgs + 5 {
		hold(t, b, fmt.Sprintf("org-%02d", i), i+1)
	}
	l := b.Load()
	if l.Orgs != guard.TopOrgs+5 || len(l.Top) != guard.TopOrgs || l.Top[0] != (guard.OrgLoad{Org: "org-14", Busy: 15}) {
		t.Errorf("got %+v", l)
	}
	for i := range guard.TopOrgs + 5 {
		for range i + 1 {
			b.Release(fmt.Sprintf("org-%02d", i))
		}
	}
	if l := b.Load(); l.Busy != 0 || l.Orgs != 0 {
		t.Errorf("idle orgs are remembered: %+v", l)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.Limits{Concurrent: 1, QueueWait: time.Hour})
		hold(t, b, "a", 1)
		waiting := queue(t.Context(), b, "a", 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain under a call: got %v", err)
		}
		drained := make(chan error, 2)
		for range 2 {
			go func() { drained <- b.Drain(t.Context()) }()
		}
		b.Release("a")
		synctest.Wait()
		if err := <-waiting; err != nil {
			t.Fatal(err)
		}
		select {
		case <-drained:
			t.Error("drain ended while the waiting call was in")
		default:
		}
		b.Release("a")
		for range 2 {
			if err := <-drained; err != nil {
				t.Error(err)
			}
		}
		if err := b.Drain(t.Context()); err != nil {
			t.Errorf("drain of an idle bulkhead: %v", err)
		}
	})
}

// rough is a far side where calls panic, fail or take their time.
type rough struct{ t *testing.T }

func (r rough) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	switch rand.IntN(4) {
	case 0:
		panic("asked to panic")
	case 1:
		return fault.Invalid("x", "is wrong")
	case 2:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (r rough) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := r.Invoke(ctx, "", nil, nil); err != nil {
		return nil, err
	}
	return &stream{left: 1}, nil
}

// TestNoSlotIsLost: whatever becomes of calls, all slots come back.
func TestNoSlotIsLost(t *testing.T) {
	t.Parallel()
	b := guard.NewBulkhead(guard.Limits{Concurrent: 3, PerOrg: 2, Queue: 5, QueueWait: time.Millisecond})
	pick := func(context.Context) (grpc.ClientConnInterface, error) { return rough{t}, nil }
	c := client.New(guard.NewConn(guard.Config{Pick: pick, Bulkhead: b, Breakers: guard.NewBreakers(guard.BreakersConfig{})}))
	once := func(n int) {
		defer func() { _ = recover() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
		defer cancel()
		call := provider.Call{Org: fmt.Sprint("org-", n%5), Account: provider.Account{ID: "a"}}
		if n%2 == 0 {
			_, _ = c.Regions(ctx, provider.RegionsRequest{Call: call})
			return
		}
		_ = c.List(ctx, provider.ListRequest{Call: call}, func(provider.Resource) error { return nil })
	}
	var workers sync.WaitGroup
	for w := range 16 {
		workers.Go(func() {
			for i := range 200 {
				once(w + i)
			}
		})
	}
	workers.Wait()
	if err := b.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := b.Load(); l.Busy != 0 || l.Waiting != 0 || l.Orgs != 0 {
		t.Errorf("slots are lost: %+v", l)
	}
}
