package guard_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	pb "tradewind.example/sdk/wire/providerv1"
)

const method = "/tradewind.provider.v1.RegionsService/Regions"

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

func (s *stream) RecvMsg(m any) error {
	if s.left--; s.left < 0 {
		return io.EOF
	}
	if page, ok := m.(*pb.ListResponse); ok {
		page.Resources = []*pb.Resource{{}}
	}
	return nil
}

func (s *stream) CloseSend() error { return nil }

func (s *stream) SendMsg(m any) error { s.sent = append(s.sent, m); return nil }

func guarded(c *conn, l guard.Limits) (*guard.Conn, *guard.Bulkhead) {
	b := guard.NewBulkhead(l)
	pick := func(context.Context) (grpc.ClientConnInterface, error) { return c, nil }
	return guard.NewConn(guard.Config{Pick: pick, Bulkhead: b}), b
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
