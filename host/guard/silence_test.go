package guard_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// quiet is a stream whose messages come at their own pace.
type quiet struct {
	grpc.ClientStream
	ctx   context.Context
	after []time.Duration
}

func (q *quiet) RecvMsg(any) error {
	if len(q.after) == 0 {
		return io.EOF
	}
	d := q.after[0]
	q.after = q.after[1:]
	select {
	case <-time.After(d):
		return nil
	case <-q.ctx.Done():
		return q.ctx.Err()
	}
}

func (q *quiet) SendMsg(any) error { return nil }
func (q *quiet) CloseSend() error  { return nil }

// quietly opens each stream with the pace of after.
type quietly struct{ after []time.Duration }

func (q quietly) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }

func (q quietly) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &quiet{ctx: ctx, after: q.after}, nil
}

func TestSilence(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		after  []time.Duration
		ends   bool
	}{
		"Talking": {reason: "something passed in time, whatever it lasts in all", after: []time.Duration{20 * time.Minute, 20 * time.Minute, 29 * time.Minute}},
		"Silent":  {reason: "nothing passed for half an hour", after: []time.Duration{time.Minute, 31 * time.Minute}, ends: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slots := guard.NewBulkhead(guard.Limits{Streams: 1}.OfStreams())
				pick := func(context.Context) (grpc.ClientConnInterface, error) { return quietly{tc.after}, nil }
				g := guard.NewConn(guard.Config{Pick: pick, Bulkhead: guard.NewBulkhead(guard.Limits{}), Streams: slots})
				err := client.New(g).Logs(t.Context(), provider.LogsRequest{ID: "a"}, io.Discard)
				f := fault.As(err)
				if (f != nil) != tc.ends || f != nil && (f.Class != fault.ClassUnavailable || f.Source != fault.SourceHost || f.Cause != nil) {
					t.Errorf("%s: got %#v", tc.reason, f)
				}
				synctest.Wait()
				if slots.Busy() != 0 {
					t.Errorf("%s: the slot is lost", tc.reason)
				}
			})
		})
	}
}

// TestAnOpenBreakerRefusesStreams and is not probed by one, which could last for hours.
func TestAnOpenBreakerRefusesStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		breakers := guard.NewBreakers(guard.BreakersConfig{Plugin: "p", Policy: guard.BreakerPolicy{Failures: 1, OpenFor: time.Minute}})
		failing := &conn{err: fault.Unavailable("down").From(fault.SourceCloud)}
		var below grpc.ClientConnInterface = failing
		pick := func(context.Context) (grpc.ClientConnInterface, error) { return below, nil }
		c := client.New(guard.NewConn(guard.Config{
			Pick: pick, Bulkhead: guard.NewBulkhead(guard.Limits{}), Streams: guard.NewBulkhead(guard.Limits{}.OfStreams()), Breakers: breakers,
		}))
		call := provider.Call{Account: provider.Account{ID: "a"}}
		_, _ = c.Regions(t.Context(), provider.RegionsRequest{Call: call})
		below = quietly{[]time.Duration{time.Second}}
		err := c.Logs(t.Context(), provider.LogsRequest{Call: call, ID: "x"}, io.Discard)
		if f := fault.As(err); f == nil || f.Source != fault.SourceHost || f.RetryAfter == 0 {
			t.Errorf("an open breaker lets a stream through: %v", err)
		}
		<-time.After(2 * time.Minute)
		if err := c.Logs(t.Context(), provider.LogsRequest{Call: call, ID: "x"}, io.Discard); err != nil {
			t.Errorf("after its time: %v", err)
		}
		if s := breakers.States(); len(s) != 1 || s[0].State == guard.CircuitClosed {
			t.Errorf("a stream closed the breaker: %+v", s)
		}
	})
}

func TestOnlyTalkCanBeIdle(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]guard.Times{"RegionsService/Regions": {Idle: time.Minute}, "StreamsService/Logs": {Idle: -1}} {
		if _, err := guard.RulesWith(map[string]guard.Times{name: times}); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
