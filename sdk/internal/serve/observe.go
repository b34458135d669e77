package serve

import (
	"context"
	"log/slog"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"tradewind.example/sdk/internal/callinfo"
	"tradewind.example/sdk/trace"
	pb "tradewind.example/sdk/wire/providerv1"
	"tradewind.example/sdk/wire/shape"
)

// enter gives a call's context what its log lines and spans need, and starts
// the plugin's own span when the call is traced.
func (s *Server) enter(ctx context.Context, method string, req any) (context.Context, *trace.Span) {
	m, ok := req.(interface{ GetCall() *pb.Call })
	if !ok || m.GetCall() == nil {
		return ctx, nil
	}
	call := m.GetCall()
	ctx = callinfo.With(ctx, callinfo.Info{RequestID: call.GetRequestId(), Org: call.GetOrg()})
	if s.spans == nil || call.GetTraceparent() == "" {
		return ctx, nil
	}
	parent, ok := trace.Parse(call.GetTraceparent())
	if !ok {
		return ctx, nil
	}
	return trace.StartKind(trace.With(ctx, parent, s.spans), strings.TrimPrefix(method, ours), trace.KindServer)
}

// entered is a stream whose context knows its call once the request has come:
// the streams of the contract bring it as their first message.
type entered struct {
	grpc.ServerStream
	server *Server
	method string
	ctx    context.Context
	span   *trace.Span
	first  any
}

// Context returns the stream's context.
func (e *entered) Context() context.Context { return e.ctx }

// RecvMsg receives one message.
func (e *entered) RecvMsg(m any) error {
	err := e.ServerStream.RecvMsg(m)
	if err == nil && e.first == nil {
		e.first = m
		e.ctx, e.span = e.server.enter(e.ctx, e.method, m)
	}
	return err
}

// Health answers whenever the process can run a handler, and takes the level
// from which on the host wants to see the plugin's log.
func (s *Server) Health(_ context.Context, req *pb.HealthRequest) (*pb.HealthResponse, error) {
	var level slog.Level
	if name := req.GetLogLevel(); name != "" && s.setLevel != nil && level.UnmarshalText([]byte(name)) == nil {
		s.setLevel(level)
	}
	return &pb.HealthResponse{}, nil
}

// inputOf describes the request that was being worked on, without its values.
func inputOf(req any) []string {
	m, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	return shape.Of(m)
}
