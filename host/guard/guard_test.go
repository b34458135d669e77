package guard_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	_ "tradewind.example/sdk/wire/providerv1"
)

const method = "/tradewind.provider.v1.RegionsService/Regions"

// TestRulesCoverTheContract: every method of the contract has a row, no row is
// stale, and only the link has no deadline.
func TestRulesCoverTheContract(t *testing.T) {
	t.Parallel()
	rules := guard.Rules()
	protoregistry.GlobalFiles.RangeFilesByPackage("tradewind.provider.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				s := f.Services().Get(i)
				name := "/" + string(s.FullName()) + "/" + string(s.Methods().Get(j).Name())
				rule, ok := rules[name]
				if !ok {
					t.Errorf("%s has no rule", name)
				}
				if rule.Deadline <= 0 && !strings.HasSuffix(name, "/Link") {
					t.Errorf("%s has no deadline", name)
				}
				delete(rules, name)
			}
		}
		return true
	})
	for name := range rules {
		t.Errorf("rule for %s, which the contract does not have", name)
	}
}

// conn is the far side: it notes the deadline, or blocks when told.
type conn struct {
	deadline time.Duration
	block    chan struct{}
	err      error
	stream   grpc.ClientStream
}

func (c *conn) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	if c.block != nil {
		select {
		case <-c.block:
		case <-ctx.Done():
			return ctx.Err()
		}
		return c.err
	}
	if d, ok := ctx.Deadline(); ok {
		c.deadline = time.Until(d)
	}
	return c.err
}

func (c *conn) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	c.deadline = 0
	if d, ok := ctx.Deadline(); ok {
		c.deadline = time.Until(d)
	}
	return c.stream, c.err
}

type stream struct {
	grpc.ClientStream
	left int
	sent []any
}

func (s *stream) RecvMsg(any) error {
	if s.left--; s.left < 0 {
		return io.EOF
	}
	return nil
}

func (s *stream) SendMsg(m any) error { s.sent = append(s.sent, m); return nil }

func guarded(c *conn, l guard.Limits) (*guard.Conn, *guard.Bulkhead) {
	b := guard.NewBulkhead(l)
	pick := func(context.Context) (grpc.ClientConnInterface, error) { return c, nil }
	return guard.NewConn(guard.Config{Pick: pick, Bulkhead: b}), b
}

func TestEveryCallHasADeadline(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		method  string
		timeout time.Duration
		want    time.Duration
	}{
		"FromTable":  {reason: "a call without one gets the table's", method: method, want: 30 * time.Second},
		"NewMethod":  {reason: "a method of a newer SDK gets the general one", method: "/x/y", want: 30 * time.Second},
		"Callers":    {reason: "the caller's own is kept", method: method, timeout: time.Second, want: time.Second},
		"CallersMax": {reason: "also when it is longer", method: method, timeout: time.Hour, want: time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &conn{stream: &stream{}}
				g, _ := guarded(c, guard.Limits{})
				ctx := t.Context()
				if tc.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.timeout)
					defer cancel()
				}
				if err := g.Invoke(ctx, tc.method, nil, nil); err != nil {
					t.Fatal(err)
				}
				if c.deadline != tc.want {
					t.Errorf("%s: unary got %s, want %s", tc.reason, c.deadline, tc.want)
				}
				s, err := g.NewStream(ctx, nil, tc.method)
				if err != nil {
					t.Fatal(err)
				}
				if c.deadline != tc.want {
					t.Errorf("%s: stream got %s, want %s", tc.reason, c.deadline, tc.want)
				}
				_ = s.RecvMsg(nil)
			})
		})
	}
}

func TestOverloadIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &conn{block: make(chan struct{})}
		g, b := guarded(c, guard.Limits{Concurrent: 2, Queue: 1, QueueWait: 3 * time.Second})
		var calls sync.WaitGroup
		results := make(chan error, 3)
		for range 3 {
			calls.Go(func() { results <- g.Invoke(t.Context(), method, nil, nil) })
		}
		synctest.Wait()
		if b.Busy() != 2 || b.Waiting() != 1 {
			t.Fatalf("busy %d, waiting %d; want 2 and 1", b.Busy(), b.Waiting())
		}
		err := g.Invoke(t.Context(), method, nil, nil)
		if f := fault.As(err); f.Class != fault.ClassThrottled || f.RetryAfter <= 0 || f.Outcome != fault.OutcomeNotDone || f.Source != fault.SourceHost {
			t.Errorf("full queue: got %#v", f)
		}
		if err := <-results; !fault.Is(err, fault.ClassThrottled) {
			t.Errorf("too long a wait: got %v", err)
		}
		close(c.block)
		calls.Wait()
		if b.Busy() != 0 || b.Waiting() != 0 {
			t.Errorf("slots are lost: busy %d, waiting %d", b.Busy(), b.Waiting())
		}
	})
}

func TestWaitingEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, b := guarded(nil, guard.Limits{Concurrent: 1})
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.Acquire(ctx)
		if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		b.Release()
	})
}

func TestStreamsGiveTheirSlotBack(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		method string
		leave  func(s grpc.ClientStream, cancel func())
		during int
	}{
		"ReadToEnd": {
			reason: "the end of the stream is the end of the call", method: method, during: 1,
			leave: func(s grpc.ClientStream, _ func()) {
				for s.RecvMsg(nil) == nil {
					continue
				}
				_ = s.RecvMsg(nil)
			},
		},
		"LeftEarly": {
			reason: "a caller that ends its context has left", method: method, during: 1,
			leave: func(_ grpc.ClientStream, cancel func()) { cancel() },
		},
		"Standing": {
			reason: "a standing stream takes no slot", method: "/tradewind.provider.v1.EventsService/Events",
			leave: func(_ grpc.ClientStream, cancel func()) { cancel() },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, b := guarded(&conn{stream: &stream{left: 2}}, guard.Limits{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s, err := g.NewStream(ctx, nil, tc.method)
				if err != nil {
					t.Fatal(err)
				}
				if b.Busy() != tc.during {
					t.Errorf("%s: %d slots taken during the stream, want %d", tc.reason, b.Busy(), tc.during)
				}
				tc.leave(s, cancel)
				synctest.Wait()
				if b.Busy() != 0 {
					t.Errorf("%s: %d slots taken after the stream", tc.reason, b.Busy())
				}
			})
		})
	}
}

func TestFailuresGiveTheSlotBack(t *testing.T) {
	t.Parallel()
	want := fault.Unavailable("down")
	c := &conn{err: want}
	g, b := guarded(c, guard.Limits{})
	refusing := guard.NewConn(guard.Config{Bulkhead: b, Pick: func(context.Context) (grpc.ClientConnInterface, error) { return nil, want }})
	for name, g := range map[string]*guard.Conn{"Call": g, "Pick": refusing} {
		if err := g.Invoke(t.Context(), method, nil, nil); !errors.Is(err, want) {
			t.Errorf("%s: unary got %v, want %v", name, err, want)
		}
		if _, err := g.NewStream(t.Context(), nil, method); !errors.Is(err, want) {
			t.Errorf("%s: stream got %v, want %v", name, err, want)
		}
	}
	if b.Busy() != 0 {
		t.Errorf("%d slots are lost", b.Busy())
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &conn{block: make(chan struct{})}
		g, b := guarded(c, guard.Limits{Concurrent: 4})
		go func() { _ = g.Invoke(t.Context(), method, nil, nil) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain under a call: got %v", err)
		}
		close(c.block)
		if err := b.Drain(t.Context()); err != nil {
			t.Errorf("drain after the call: %v", err)
		}
		if b.Busy() != 0 {
			t.Errorf("drain kept %d slots", b.Busy())
		}
	})
}

func TestSendingSeesRequests(t *testing.T) {
	t.Parallel()
	var seen []any
	inner := &stream{}
	c := &conn{stream: inner}
	g := guard.NewConn(guard.Config{
		Bulkhead: guard.NewBulkhead(guard.Limits{}),
		Pick:     func(context.Context) (grpc.ClientConnInterface, error) { return c, nil },
		Sending:  func(m any) { seen = append(seen, m) },
	})
	if err := g.Invoke(t.Context(), method, "unary", nil); err != nil {
		t.Fatal(err)
	}
	s, err := g.NewStream(t.Context(), nil, method)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SendMsg("streamed")
	_ = s.RecvMsg(nil)
	if len(seen) != 2 || seen[0] != "unary" || seen[1] != "streamed" || len(inner.sent) != 1 {
		t.Errorf("seen %v, sent %v", seen, inner.sent)
	}
}
