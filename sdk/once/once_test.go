package once_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud shows what was bought only when shown is set, and loses or refuses
// answers when told.
type cloud struct {
	clock  *clock.Fake
	look   time.Duration // how long each look takes
	shown  bool
	lost   error // of the next purchase, which is made all the same
	failed error // of the next purchase, which is not made
	down   error // of every look
	bought atomic.Int32
}

const settle = time.Minute

func (c *cloud) purchase() once.Purchase[string] {
	return once.Purchase[string]{
		Key: "account\nregion\nkind\ntoken", Settle: settle,
		Find: func(context.Context) (provider.TypedFound[string], error) {
			c.clock.Advance(c.look)
			var out provider.TypedFound[string]
			if c.shown && c.bought.Load() > 0 {
				out.Things = []provider.Thing[string]{{ID: "thing-1"}}
			}
			return out, c.down
		},
		Buy: func(context.Context) (provider.Result[string], string, error) {
			if err := c.failed; err != nil {
				c.failed = nil
				return provider.Result[string]{}, "", err
			}
			id := fmt.Sprintf("thing-%d", c.bought.Add(1))
			if err := c.lost; err != nil {
				c.lost = nil
				return provider.Result[string]{}, "", err
			}
			return provider.Done(provider.Thing[string]{ID: id}), id, nil
		},
		Hidden: func(id string) provider.Result[string] { return provider.Done(provider.Thing[string]{ID: id}) },
	}
}

func TestBuy(t *testing.T) {
	t.Parallel()
	lost := fault.Unknown(nil, "the connection broke")
	cases := map[string]struct {
		reason  string
		cloud   *cloud
		between func(*cloud) // the first try and the second one
		change  func(*once.Purchase[string])
		class   fault.Class // of the second try; 0 when it succeeds
		outcome fault.Outcome
		bought  int32
	}{
		"Shown":        {reason: "what the token made is found", cloud: &cloud{shown: true}, bought: 1},
		"Hidden":       {reason: "what was answered is answered again before it shows", cloud: &cloud{}, bought: 1},
		"Lost":         {reason: "what may have been bought is not bought again", cloud: &cloud{lost: lost}, class: fault.ClassUnavailable, outcome: fault.OutcomeUnknown, bought: 1},
		"LostThenSeen": {reason: "once it shows there is no doubt", cloud: &cloud{lost: lost}, between: func(c *cloud) { c.shown = true }, bought: 1},
		"Settled":      {reason: "absence is final after the settle time", cloud: &cloud{lost: lost}, between: func(c *cloud) { c.clock.Advance(settle) }, bought: 2},
		"CloudKnows":   {reason: "a cloud that knows tokens makes one thing of two purchases", cloud: &cloud{lost: lost}, change: func(b *once.Purchase[string]) { b.CloudKnowsToken = true }, bought: 2},
		"Refused":      {reason: "what was refused may be tried again", cloud: &cloud{failed: fault.OutOfStock("sold out")}, bought: 1},
		"SlowLook":     {reason: "a purchase is not sent late: the broker counts from its call", cloud: &cloud{look: settle/4 + time.Second}, class: fault.ClassUnavailable, outcome: fault.OutcomeNotDone},
		"OwnLook":      {reason: "a look may be given more time", cloud: &cloud{look: settle/4 + time.Second}, change: func(b *once.Purchase[string]) { b.Look = settle }, bought: 1},
		"BlindLook":    {reason: "a look that failed bought nothing, whatever it says of itself", cloud: &cloud{down: lost}, class: fault.ClassUnavailable, outcome: fault.OutcomeNotDone},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tc.cloud
			c.clock = clock.NewFake(time.Unix(1_700_000_000, 0))
			var p once.Purchases
			buy := func() (provider.Result[string], error) {
				b := c.purchase()
				if tc.change != nil {
					tc.change(&b)
				}
				return once.Buy(t.Context(), &p, c.clock, b)
			}
			_, _ = buy()
			if tc.between != nil {
				tc.between(c)
			}
			got, err := buy()
			if fault.ClassOf(err) != tc.class || err != nil && fault.OutcomeOf(err) != tc.outcome {
				t.Errorf("%s: %v, want class %v", tc.reason, err, tc.class)
			}
			want := provider.Done(provider.Thing[string]{ID: fmt.Sprintf("thing-%d", tc.bought)})
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: answered %+v", tc.reason, got)
			}
			if n := c.bought.Load(); n != tc.bought {
				t.Errorf("%s: bought %d times, want %d", tc.reason, n, tc.bought)
			}
		})
	}
}

func TestOneOfManyCallersBuys(t *testing.T) {
	t.Parallel()
	c := &cloud{clock: clock.NewFake(time.Unix(1_700_000_000, 0))}
	var p once.Purchases
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			if _, err := once.Buy(t.Context(), &p, c.clock, c.purchase()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := c.bought.Load(); n != 1 {
		t.Errorf("bought %d times", n)
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()
	var turns once.Turns
	end, err := turns.Take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := turns.Take(t.Context(), "b")
	if err != nil {
		t.Fatalf("another key waits for nobody: %v", err)
	}
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = turns.Take(ctx, "a")
	if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone || !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up has done nothing: %v", err)
	}
	next := make(chan error)
	go func() {
		end, err := turns.Take(context.WithoutCancel(ctx), "a")
		if err == nil {
			end()
		}
		next <- err
	}()
	end()
	if err := <-next; err != nil {
		t.Errorf("the turn was not handed on: %v", err)
	}
}
