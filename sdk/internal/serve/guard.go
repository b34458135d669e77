package serve

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// ours is the prefix of the contract's methods; go-plugin's own services share
// the server and are left alone.
const ours = "/tradewind.provider.v1."

// changing holds the methods that may change something at the cloud. Act is
// one of them when its request has a token.
var changing = map[string]bool{
	pb.ResourcesService_Create_FullMethodName:               true,
	pb.ResourcesService_Update_FullMethodName:               true,
	pb.ResourcesService_Delete_FullMethodName:               true,
	pb.ResourcesService_Renew_FullMethodName:                true,
	pb.AccountsService_EnsureAccount_FullMethodName:         true,
	pb.VendorOrdersService_PayVendorOrder_FullMethodName:    true,
	pb.VendorOrdersService_CancelVendorOrder_FullMethodName: true,
	pb.VendorOrdersService_RefundVendorOrder_FullMethodName: true,
}

func changes(method string, req any) bool {
	if act, ok := req.(*pb.ActRequest); ok {
		return act.GetToken() != ""
	}
	return changing[method]
}

// unary runs the author's code of one call and makes a fault of what fails.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	if !strings.HasPrefix(info.FullMethod, ours) {
		return next(ctx, req)
	}
	defer s.working(info.FullMethod)()
	ctx, span := s.enter(ctx, info.FullMethod, req)
	resp, err = s.safely(func() (any, error) { return next(ctx, req) })
	span.End(err)
	if err != nil {
		return nil, s.fail(ctx, info.FullMethod, req, err)
	}
	return resp, nil
}

// stream is unary for streams, which change nothing.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if !strings.HasPrefix(info.FullMethod, ours) {
		return next(srv, ss)
	}
	defer s.working(info.FullMethod)()
	in := &entered{ServerStream: ss, server: s, method: info.FullMethod, ctx: ss.Context()}
	_, err := s.safely(func() (any, error) { return nil, next(srv, in) })
	in.span.End(err)
	if err != nil {
		return s.fail(in.ctx, info.FullMethod, in.first, err)
	}
	return nil
}

// working counts a call until the returned function is called.
func (s *Server) working(method string) (over func()) {
	if method == pb.PluginService_Diagnose_FullMethodName || method == pb.HostLinkService_Link_FullMethodName {
		return func() {}
	}
	s.active.Add(1)
	return func() { s.active.Add(-1) }
}

// crash is a panic of the author's code.
type crash struct {
	value any
	stack []byte
}

func (c *crash) Error() string { return fmt.Sprintf("panic: %v", c.value) }

func (s *Server) safely(run func() (any, error)) (resp any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &crash{value: v, stack: debug.Stack()}
		}
	}()
	return run()
}

// fail makes the status of a failed call. What is not a fault is a defect of
// the plugin: it is logged here, and a change that ended so may have happened.
func (s *Server) fail(ctx context.Context, method string, req any, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return convert.StatusFromFault(s.own(ctx, method, known, err))
	}
	if carried, ok := convert.FaultFromStatus(err); ok {
		return convert.StatusFromFault(carried)
	}
	if code := status.Code(err); ctx.Err() != nil && (code == codes.Canceled || code == codes.Unavailable) {
		err = ctx.Err() // the stream's words for a caller that has left: no defect
	}
	e := *fault.As(err)
	e.Source, e.Outcome = fault.SourcePlugin, fault.OutcomeNotDone
	if changes(method, req) {
		e.Outcome = fault.OutcomeUnknown
	}
	var c *crash
	switch {
	case errors.As(err, &c):
		e.Message = "the plugin crashed in this call; its log says where"
		s.log.ErrorContext(ctx, "call crashed", handshake.CrashAttr, true, "method", method,
			"panic", fmt.Sprint(c.value), "input", inputOf(req), "stack", string(c.stack))
	case e.Class == fault.ClassInternal:
		e.Message = "the plugin failed in this call; its log says why"
		s.log.ErrorContext(ctx, "call failed", "method", method, "error", err)
	}
	return convert.StatusFromFault(&e)
}

// own completes a fault of the author's code; an internal one is logged, since
// its cause does not travel.
func (s *Server) own(ctx context.Context, method string, e *fault.Error, err error) *fault.Error {
	if e.Class == fault.ClassInternal {
		s.log.ErrorContext(ctx, "call failed", "method", method, "error", err, "cause", e.Cause)
	}
	if e.Source == 0 {
		return e.From(fault.SourcePlugin)
	}
	return e
}
