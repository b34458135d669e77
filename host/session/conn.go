package session

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

var _ grpc.ClientConnInterface = (*Session)(nil)

// BareConn returns the connection beneath, which notices nothing; for comparing.
func (s *Session) BareConn() grpc.ClientConnInterface { return s.conn }

// Invoke makes one unary call. When it fails because the connection is lost,
// Done is closed before Invoke returns, so that the caller's next call finds
// out before it is sent.
func (s *Session) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	s.complete(ctx, args)
	w := s.flight.begin(method, args)
	defer s.flight.end(w)
	err := s.conn.Invoke(ctx, method, args, reply, opts...)
	if err != nil {
		s.inspect(ctx, err)
	}
	return err
}

// complete fills in the envelope of a request.
func (s *Session) complete(ctx context.Context, request any) {
	if m, ok := request.(interface{ GetCall() *pb.Call }); ok {
		if call := m.GetCall(); call != nil {
			s.stamp(ctx, call)
		}
	}
}

// NewStream opens a stream; a lost connection closes Done as in Invoke.
func (s *Session) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	inner, err := s.conn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		s.inspect(ctx, err)
		return nil, err
	}
	st := &stream{ClientStream: inner, s: s, work: s.flight.begin(method, nil)}
	s.flight.follow(ctx, st.work)
	return st, nil
}

type stream struct {
	grpc.ClientStream
	s    *Session
	work *work
}

// SendMsg sends one message.
func (st *stream) SendMsg(m any) error {
	st.s.complete(st.Context(), m)
	st.s.flight.sent(st.work, m)
	return st.ClientStream.SendMsg(m)
}

// RecvMsg receives one message.
func (st *stream) RecvMsg(m any) error {
	err := st.ClientStream.RecvMsg(m)
	if err != nil {
		st.s.inspect(st.Context(), err)
		st.s.flight.end(st.work)
	}
	return err
}

// stateLag is how long gRPC may take to show a lost connection in its state.
const stateLag = 250 * time.Millisecond

// inspect closes Done when err comes from a lost connection and not from the
// plugin.
func (s *Session) inspect(ctx context.Context, err error) {
	if !s.Ended() && connectionLost(ctx, s.conn, err) {
		s.lose()
	}
}

// connectionLost reports whether a call failed because the connection is lost.
func connectionLost(ctx context.Context, conn *grpc.ClientConn, err error) bool {
	if status.Code(err) != codes.Unavailable {
		return false
	}
	if _, answered := convert.FaultFromStatus(err); answered {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stateLag)
	defer cancel()
	return conn.WaitForStateChange(ctx, connectivity.Ready)
}

// lose closes Done, and remembers the calls at work: those that fail of it leave
// the list only after they have seen that it is closed.
func (s *Session) lose() {
	s.broken.Do(func() {
		calls := s.flight.calls()
		s.mu.Lock()
		s.lostCalls = calls
		s.mu.Unlock()
		close(s.down)
	})
}

// watch closes Done when the process ends or the connection leaves the ready
// state: over a Unix socket it does not come back.
func (s *Session) watch(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.watcher.Go(func() {
		untilBroken(ctx, s.conn)
		s.lose()
	})
	s.watcher.Go(func() {
		defer cancel()
		select {
		case <-s.proc.Exited():
			s.lose()
		case <-s.down:
		}
	})
}

// states is what a connection says of itself.
type states interface {
	GetState() connectivity.State
	WaitForStateChange(ctx context.Context, from connectivity.State) bool
}

// untilBroken waits until a connection over which calls have passed leaves the
// ready state, or ctx ends. gRPC lets calls pass a moment before it says that the
// connection is ready: one that is still connecting is not broken.
func untilBroken(ctx context.Context, conn states) {
	for _, from := range []connectivity.State{connectivity.Connecting, connectivity.Ready} {
		if conn.GetState() == from && !conn.WaitForStateChange(ctx, from) {
			return
		}
	}
}
