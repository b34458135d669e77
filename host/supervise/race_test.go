package supervise_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/host/supervise"
)

// counted is an instance that is counted while it lives.
type counted struct {
	instance
	living *atomic.Int64
}

func (c *counted) Close(ctx context.Context) error {
	c.living.Add(-1)
	return c.instance.Close(ctx)
}

// TestEndedSupervisorNeverStarts: whatever is asked for while a supervisor ends,
// by an operator's stop or by its context, it starts nothing afterwards and
// leaves nothing alive.
func TestEndedSupervisorNeverStarts(t *testing.T) {
	t.Parallel()
	for range 50 {
		var starts, living atomic.Int64
		s := supervise.New(supervise.Config[*counted]{
			AtOnce: true,
			Start: func(context.Context) (*counted, error) {
				if starts.Add(1)%3 == 0 {
					return nil, errBroken
				}
				living.Add(1)
				return &counted{instance{done: make(chan struct{})}, &living}, nil
			},
			Policy: supervise.Policy{Backoff: time.Microsecond, MaxBackoff: time.Microsecond, Budget: 1 << 20},
		})
		ctx, end := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { s.Run(ctx) })
		ended := make(chan struct{})
		for _, ask := range []func(context.Context) error{s.Start, s.Stop, s.Resume, s.Start} {
			work.Go(func() {
				for {
					select {
					case <-ended:
						return
					default:
						_ = ask(ctx)
					}
				}
			})
		}
		work.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if i, ok := s.Current(); ok {
					i.end() // it crashes
				}
			}
		})
		<-time.After(time.Millisecond)
		end()
		if err := s.Start(t.Context()); !errors.Is(err, supervise.ErrClosed) && err != nil && !errors.As(err, new(*supervise.NotServingError)) {
			t.Errorf("start while it ends: got %v", err)
		}
		close(ended)
		work.Wait()
		after := starts.Load()
		if err := s.Start(t.Context()); !errors.Is(err, supervise.ErrClosed) {
			t.Errorf("start afterwards: got %v", err)
		}
		if starts.Load() != after || living.Load() != 0 {
			t.Fatalf("%d starts after the end, %d alive", starts.Load()-after, living.Load())
		}
		if _, ok := s.Current(); ok {
			t.Fatal("something serves after the end")
		}
	}
}
