package guard_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
	"tradewind.example/sdk/wire/convert"
)

// cloud is a far side that answers as told, over the wire's form of errors.
type cloud struct {
	answer error
	calls  int
	stream grpc.ClientStream
}

func (c *cloud) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	c.calls++
	return c.wire()
}

func (c *cloud) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	c.calls++
	return c.stream, c.wire()
}

func (c *cloud) wire() error {
	if _, transport := status.FromError(c.answer); transport {
		return c.answer
	}
	return convert.StatusFromFault(c.answer)
}

// fused is a guarded cloud with a clock of its own.
type fused struct {
	*client.Client
	cloud    *cloud
	breakers *guard.Breakers
	clock    *clock.Fake
}

func fuse(p guard.BreakerPolicy) fused {
	f := fused{cloud: &cloud{}, clock: clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	f.breakers = guard.NewBreakers(guard.BreakersConfig{Plugin: "p", Policy: p, Clock: f.clock})
	f.Client = client.New(guard.NewConn(guard.Config{
		Bulkhead: guard.NewBulkhead(guard.Limits{}), Breakers: f.breakers,
		Pick: func(context.Context) (grpc.ClientConnInterface, error) { return f.cloud, nil },
	}))
	return f
}

func account(id string) provider.Call {
	return provider.Call{Org: "o", Account: provider.Account{ID: id}, Region: "east"}
}

// read makes a read for an account; sent tells whether it reached the cloud.
func (f fused) read(ctx context.Context, id string) (sent bool, err error) {
	before := f.cloud.calls
	_, err = f.Get(ctx, provider.GetRequest{Call: account(id)})
	return f.cloud.calls > before, err
}

func (f fused) change(ctx context.Context, id string) (sent bool, err error) {
	before := f.cloud.calls
	_, err = f.Create(ctx, provider.CreateRequest{Call: account(id), Token: "t"})
	return f.cloud.calls > before, err
}

// fail lets n reads of an account fail.
func (f fused) fail(t *testing.T, id string, n int) {
	t.Helper()
	f.cloud.answer = fault.Unavailable("down").From(fault.SourceCloud)
	for range n {
		if sent, err := f.read(t.Context(), id); !sent || err == nil {
			t.Fatalf("a failing read was sent: %t, %v", sent, err)
		}
	}
}

func wantOpen(t *testing.T, f fused, id, reason string) {
	t.Helper()
	sent, err := f.read(t.Context(), id)
	e := fault.As(err)
	if sent || e == nil || e.Class != fault.ClassUnavailable || e.Outcome != fault.OutcomeNotDone || e.Source != fault.SourceHost || e.RetryAfter <= 0 {
		t.Errorf("%s: sent %t, %#v; want a refusal", reason, sent, e)
	}
}

func wantPass(t *testing.T, f fused, id, reason string) {
	t.Helper()
	if sent, err := f.read(t.Context(), id); !sent {
		t.Errorf("%s: refused: %v", reason, err)
	}
}

// TestWhatFeedsABreaker: only what says that the account cannot be served.
func TestWhatFeedsABreaker(t *testing.T) {
	t.Parallel()
	counts := map[fault.Class]bool{fault.ClassUnavailable: true, fault.ClassThrottled: true}
	cases := map[string]struct {
		reason string
		answer error
		opens  bool
	}{
		"Unknown":       {"nobody knows what became of it", fault.Unknown(nil, "lost").From(fault.SourceCloud), true},
		"UnknownDefect": {"not even of a crash", &fault.Error{Class: fault.ClassInternal, Source: fault.SourcePlugin, Outcome: fault.OutcomeUnknown}, true},
		"Deadline":      {"a cloud that answers too late", status.Error(codes.DeadlineExceeded, "late"), true},
		"Host":          {"the host's own refusals say nothing about the cloud", fault.Unavailable("not serving").From(fault.SourceHost), false},
		"HostThrottle":  {"nor does its overload", fault.Throttled(1, "full").From(fault.SourceHost), false},
		"Cancelled":     {"a caller that leaves", status.Error(codes.Canceled, "left"), false},
		"Older":         {"a method that the plugin does not have", status.Error(codes.Unimplemented, "none"), false},
		"TooLarge":      {"a message that is too large", status.Error(codes.ResourceExhausted, "big"), false},
	}
	for _, class := range fault.Classes() {
		cases["Class/"+class.String()] = struct {
			reason string
			answer error
			opens  bool
		}{"only classes that mean: cannot serve", fault.New(class, "so").From(fault.SourceCloud), counts[class]}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fuse(guard.BreakerPolicy{Failures: 3})
			f.cloud.answer = tc.answer
			for range 3 {
				_, _ = f.read(t.Context(), "a")
			}
			sent, _ := f.read(t.Context(), "a")
			if sent == tc.opens {
				t.Errorf("%s: a call after three times %v was sent: %t", tc.reason, tc.answer, sent)
			}
		})
	}
}

func TestBreakersAreApart(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 3})
	f.fail(t, "a", 3)
	wantOpen(t, f, "a", "three failures in a row")
	wantPass(t, f, "b", "another account")
	if sent, _ := f.change(t.Context(), "a"); !sent {
		t.Error("changes of the account are refused after failed reads")
	}
	call := account("a")
	call.Region = "west"
	before := f.cloud.calls
	if _, _ = f.Get(t.Context(), provider.GetRequest{Call: call}); f.cloud.calls == before {
		t.Error("another region is refused")
	}
	if _, _ = f.Check(t.Context(), provider.CheckRequest{Call: account("a")}); f.cloud.calls == before+1 {
		t.Error("a check is refused: it is how a person finds out whether the account works again")
	}
	wantPass(t, f, "", "a call without an account")
}

func TestASuccessBetweenKeepsItClosed(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 3})
	for range 5 {
		f.fail(t, "a", 2)
		f.cloud.answer = fault.NotFound("instance", "i") // the cloud answers
		wantPass(t, f, "a", "two failures only")
	}
	if got := f.breakers.States(); len(got) != 0 {
		t.Errorf("a healthy account is remembered: %+v", got)
	}
}

// TestOneProbeAtATime walks a breaker through its life.
func TestOneProbeAtATime(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 3, OpenFor: 10 * time.Second, MaxOpen: 30 * time.Second})
	f.fail(t, "a", 3)
	for _, pause := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second} {
		f.clock.Advance(pause - time.Millisecond)
		wantOpen(t, f, "a", "its time is not over")
		f.clock.Advance(time.Millisecond)
		wantPass(t, f, "a", "the probe")
		wantOpen(t, f, "a", "the probe failed")
	}
	f.clock.Advance(30 * time.Second)
	f.cloud.answer = fault.Internal(nil, "a defect").From(fault.SourcePlugin)
	wantPass(t, f, "a", "a probe that tells nothing")
	f.cloud.answer = nil
	wantPass(t, f, "a", "makes room for the next one")
	wantPass(t, f, "a", "which closes the breaker")
	f.fail(t, "a", 3)
	wantOpen(t, f, "a", "it opens again")
	f.clock.Advance(10 * time.Second)
	wantPass(t, f, "a", "the pause has begun anew")
}

func TestOthersAreRefusedWhileAProbeIsAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fuse(guard.BreakerPolicy{Failures: 1, OpenFor: time.Second})
		f.fail(t, "a", 1)
		f.clock.Advance(time.Second)
		far := &conn{block: make(chan struct{})}
		b := guard.NewBulkhead(guard.Limits{})
		slow := client.New(guard.NewConn(guard.Config{
			Bulkhead: b, Breakers: f.breakers, Pick: func(context.Context) (grpc.ClientConnInterface, error) { return far, nil },
		}))
		done := make(chan error, 1)
		go func() {
			_, err := slow.Get(t.Context(), provider.GetRequest{Call: account("a")})
			done <- err
		}()
		synctest.Wait()
		wantOpen(t, f, "a", "one probe at a time")
		if got := f.breakers.Counts(); got[guard.CircuitProbing] != 1 {
			t.Errorf("counts are %v", got)
		}
		close(far.block)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		f.cloud.answer = nil
		wantPass(t, f, "a", "the probe was served")
	})
}

// TestLateResultsDoNotCount: calls that began before a breaker opened say
// nothing about the time after.
func TestLateResultsDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fuse(guard.BreakerPolicy{Failures: 2, OpenFor: time.Second})
		far := &conn{block: make(chan struct{}), err: status.Error(codes.DeadlineExceeded, "late")}
		slow := client.New(guard.NewConn(guard.Config{
			Bulkhead: guard.NewBulkhead(guard.Limits{}), Breakers: f.breakers,
			Pick: func(context.Context) (grpc.ClientConnInterface, error) { return far, nil },
		}))
		ended := make(chan error, 5)
		for range 5 {
			go func() {
				_, err := slow.Get(t.Context(), provider.GetRequest{Call: account("a")})
				ended <- err
			}()
		}
		synctest.Wait()
		f.fail(t, "a", 2)
		f.clock.Advance(time.Second)
		f.cloud.answer = nil
		wantPass(t, f, "a", "the probe closes it")
		close(far.block)
		for range 5 {
			if err := <-ended; err == nil {
				t.Fatal("a late call went well")
			}
		}
		wantPass(t, f, "a", "late failures are of the time before")
	})
}

// TestCallsLostTogetherCountOnce: a process that ends takes innocent accounts'
// calls with it; an account whose calls end it again and again is shut off.
func TestCallsLostTogetherCountOnce(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 3})
	f.cloud.answer = status.Error(codes.Unavailable, "gone")
	for range 20 {
		wantPass(t, f, "a", "lost with the same process")
	}
	for range 2 {
		f.clock.Advance(2 * time.Second)
		wantPass(t, f, "a", "lost with the next one")
	}
	wantOpen(t, f, "a", "three processes were lost")
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 2, OpenFor: time.Second, MaxOpen: 20 * time.Second})
	f.cloud.answer = fault.Throttled(10*time.Second, "slow down").Cloud("TooMany", "req")
	for range 2 {
		_, _ = f.read(t.Context(), "a")
	}
	f.clock.Advance(9 * time.Second)
	wantOpen(t, f, "a", "the cloud asked for ten seconds")
	want := guard.BreakerState{
		BreakerKey: guard.BreakerKey{Account: "a", Region: "east"}, State: guard.CircuitOpen, Failures: 2, Cause: "throttled, cloud code TooMany",
		Since: f.clock.Now().Add(-9 * time.Second), Failed: f.clock.Now().Add(-9 * time.Second), RetryAt: f.clock.Now().Add(time.Second),
	}
	if got := f.breakers.States(); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	f.clock.Advance(time.Second)
	wantPass(t, f, "a", "the time is over")
}

func TestReset(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 2})
	key := guard.BreakerKey{Account: "a", Region: "east"}
	if err := f.breakers.Reset(key); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("reset of what never failed: %v", err)
	}
	f.fail(t, "a", 2)
	f.fail(t, "b", 2)
	if err := f.breakers.Reset(key); err != nil {
		t.Fatal(err)
	}
	wantPass(t, f, "a", "it was closed by hand")
	wantOpen(t, f, "b", "the other one was not")
	f.breakers.ResetAll()
	wantPass(t, f, "b", "all were closed")
}

// TestBreakersAreForgotten: what nobody uses takes no memory, and there is a
// bound on the rest.
func TestBreakersAreForgotten(t *testing.T) {
	t.Parallel()
	f := fuse(guard.BreakerPolicy{Failures: 2, MaxKeys: 10, Keep: time.Minute})
	for i := range 50 {
		f.fail(t, fmt.Sprint("acc-", i), 1+i%2)
		f.clock.Advance(time.Millisecond)
	}
	got := f.breakers.States()
	if len(got) != 10 || got[0].State != guard.CircuitOpen || got[9].State != guard.CircuitClosed {
		t.Fatalf("%d are remembered: %+v", len(got), got)
	}
	for _, s := range got {
		var n int
		if _, _ = fmt.Sscanf(s.Account, "acc-%d", &n); n < 40 {
			t.Errorf("%s is remembered instead of a later one", s.Account)
		}
	}
	f.clock.Advance(2 * time.Minute)
	if got := f.breakers.States(); len(got) != 0 {
		t.Errorf("after a long time %d are remembered", len(got))
	}
}

// TestStreamsAreServedWithTheirFirstMessage: their end may be far.
func TestStreamsAreServedWithTheirFirstMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fuse(guard.BreakerPolicy{Failures: 1, OpenFor: time.Second})
		f.fail(t, "a", 1)
		f.clock.Advance(time.Second)
		f.cloud.answer, f.cloud.stream = nil, &stream{left: 2}
		stop := errors.New("enough")
		err := f.List(t.Context(), provider.ListRequest{Call: account("a")}, func(provider.Resource) error {
			wantPass(t, f, "a", "the stream that was the probe brought something")
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	})
}

// TestNobodyQueuesForAnAccountThatIsShutOff: the refusal comes at once, also
// when all slots are taken.
func TestNobodyQueuesForAnAccountThatIsShutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fuse(guard.BreakerPolicy{Failures: 1})
		f.fail(t, "a", 1)
		b := guard.NewBulkhead(guard.Limits{Concurrent: 1})
		c := client.New(guard.NewConn(guard.Config{
			Bulkhead: b, Breakers: f.breakers, Pick: func(context.Context) (grpc.ClientConnInterface, error) { return f.cloud, nil },
		}))
		hold(t, b, "o", 1)
		begin := time.Now()
		_, err := c.Get(t.Context(), provider.GetRequest{Call: account("a")})
		if !fault.Is(err, fault.ClassUnavailable) || time.Since(begin) != 0 {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		b.Release("o")
	})
}
