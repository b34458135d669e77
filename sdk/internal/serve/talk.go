package serve

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// chunkBytes bounds one message of a log or a console.
const chunkBytes = 32 << 10

// chunks sends what is written to it in messages of bounded size, and keeps
// none of it: a write returns when the transport has taken it.
type chunks func(part []byte) error

// Write sends p.
func (send chunks) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		part := p[sent:min(len(p), sent+chunkBytes)]
		if err := send(part); err != nil {
			return sent, err
		}
		sent += len(part)
	}
	return sent, nil
}

// Logs streams the kind's logs.
func (s *Server) Logs(req *pb.LogsRequest, out grpc.ServerStreamingServer[pb.LogsResponse]) error {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return err
	}
	if k.Logs == nil {
		return k.verb(provider.VerbLogs)
	}
	if err := needID(req.GetId()); err != nil {
		return err
	}
	if req.GetTailLines() < 0 {
		return fault.Invalid("tail_lines", "must not be negative")
	}
	var turn sync.Mutex // one sender at a time, as gRPC demands
	return k.Logs(out.Context(), convert.LogsRequestFromWire(req), chunks(func(part []byte) error {
		turn.Lock()
		defer turn.Unlock()
		return out.Send(&pb.LogsResponse{Data: part})
	}))
}

// Console connects the caller with a command of the kind's.
func (s *Server) Console(stream grpc.BidiStreamingServer[pb.ConsoleRequest, pb.ConsoleResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	open := first.GetOpen()
	k, err := s.kind(open.GetKind())
	if err != nil {
		return err
	}
	if k.Console == nil {
		return k.verb(provider.VerbConsole)
	}
	if err := needID(open.GetId()); err != nil {
		return err
	}
	req := convert.ConsoleRequestFromWire(first)
	c := &console{stream: stream, sizes: make(chan provider.WindowSize, 1)}
	defer c.end()
	if req.Size != (provider.WindowSize{}) {
		c.resize(req.Size)
	}
	code, err := k.Console(stream.Context(), req, provider.Terminal{In: c, Out: chunks(c.output), Err: chunks(c.errors), Sizes: c.sizes})
	if err != nil {
		return err
	}
	return c.send(&pb.ConsoleResponse{Receive: &pb.ConsoleResponse_Exit{Exit: &pb.ConsoleExit{Code: int32(code)}}}) //nolint:gosec // exit codes are small
}

// console is one open console. Its input is received by whoever reads it, so
// that nothing is read ahead and no goroutine is needed; a receive ends with the
// stream, which ends when the author's function has returned.
type console struct {
	stream  grpc.BidiStreamingServer[pb.ConsoleRequest, pb.ConsoleResponse]
	sending sync.Mutex // one sender at a time, as gRPC demands
	reading sync.Mutex // guards what follows
	rest    []byte     // received and not read yet
	last    error      // of the input; nothing follows it

	sizing sync.Mutex
	sizes  chan provider.WindowSize
	ended  bool // sizes is closed
}

// Read reads what the caller typed.
func (c *console) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for len(c.rest) == 0 && c.last == nil {
		c.receive()
	}
	if len(c.rest) == 0 {
		return 0, c.last
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// receive takes in one message. It needs the lock.
func (c *console) receive() {
	msg, err := c.stream.Recv()
	if err != nil {
		c.last = fault.Unavailable("the caller has left the console").From(fault.SourceHost).With(err)
		if errors.Is(err, io.EOF) {
			c.last = io.EOF
		}
		return
	}
	switch m := msg.GetSend().(type) {
	case *pb.ConsoleRequest_Input:
		c.rest = m.Input
	case *pb.ConsoleRequest_Size:
		c.resize(convert.WindowSizeFromWire(m.Size))
	case *pb.ConsoleRequest_InputEnd:
		c.last = io.EOF
	}
}

// resize leaves the newest size for whoever waits for one.
func (c *console) resize(s provider.WindowSize) {
	c.sizing.Lock()
	defer c.sizing.Unlock()
	if c.ended {
		return
	}
	select {
	case <-c.sizes:
	default:
	}
	c.sizes <- s
}

// end tells whoever waits for sizes that none comes any more.
func (c *console) end() {
	c.sizing.Lock()
	defer c.sizing.Unlock()
	c.ended = true
	close(c.sizes)
}

func (c *console) output(part []byte) error {
	return c.send(&pb.ConsoleResponse{Receive: &pb.ConsoleResponse_Output{Output: part}})
}

func (c *console) errors(part []byte) error {
	return c.send(&pb.ConsoleResponse{Receive: &pb.ConsoleResponse_ErrorOutput{ErrorOutput: part}})
}

func (c *console) send(m *pb.ConsoleResponse) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.stream.Context().Err(); err != nil {
		return fault.Unavailable("the caller has left the console").From(fault.SourceHost).With(errors.Join(err, context.Cause(c.stream.Context())))
	}
	return c.stream.Send(m)
}
