package client

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

// inputBytes bounds one message to a console.
const inputBytes = 32 << 10

// Logs writes what a resource prints to out, as it comes and one part at a
// time. It returns out's first error as it is and ends the stream then; when ctx
// ends, that is an unavailable fault that wraps ctx's error.
func (c *Client) Logs(ctx context.Context, req provider.LogsRequest, out io.Writer) error {
	if err := ctx.Err(); err != nil {
		return notSent(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := convert.LogsRequestToWire(req)
	stream, err := c.streams.Logs(withRoute(ctx, msg), msg, c.opts...)
	if err != nil {
		return readFault(err)
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return readFault(err)
		}
		if _, err := out.Write(part.GetData()); err != nil {
			return err
		}
	}
}

// Console runs a command beside a resource. It sends what comes from in and
// gives to out, one part at a time, what the command writes, until the command
// has ended: then it returns the exit code. It reads in until it returns; a
// closed in is the end of the input. It returns out's first error as it is and
// ends the console then; when ctx ends, that is an unavailable fault that wraps
// ctx's error.
func (c *Client) Console(
	ctx context.Context, req provider.ConsoleRequest, in <-chan provider.ConsoleInput, out func(provider.ConsoleOutput) error,
) (code int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, notSent(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := convert.ConsoleRequestToWire(req)
	stream, err := c.streams.Console(withRoute(ctx, msg), c.opts...)
	if err != nil {
		return 0, readFault(err)
	}
	if err := stream.Send(msg); err != nil && !errors.Is(err, io.EOF) { // of the end of a stream, its receiver knows more
		return 0, readFault(err)
	}
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel() // before Wait: ends the sender
	sender.Go(func() { feed(ctx, stream, in) })
	return attend(stream, out)
}

// attend receives what a console says until its end.
func attend(stream grpc.BidiStreamingClient[pb.ConsoleRequest, pb.ConsoleResponse], out func(provider.ConsoleOutput) error) (int, error) {
	for {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return 0, fault.Unavailable("the console ended without an exit code").From(fault.SourcePlugin)
		}
		if err != nil {
			return 0, readFault(err)
		}
		part := provider.ConsoleOutput{}
		switch m := msg.GetReceive().(type) {
		case *pb.ConsoleResponse_Exit:
			return int(m.Exit.GetCode()), drained(stream)
		case *pb.ConsoleResponse_Output:
			part.Data = m.Output
		case *pb.ConsoleResponse_ErrorOutput:
			part.Data, part.Err = m.ErrorOutput, true
		default:
			continue // of a newer contract
		}
		if err := out(part); err != nil {
			return 0, err
		}
	}
}

// drained receives the end of a stream that has said its last word, so that
// those who watch the connection see that it ended well.
func drained(stream grpc.BidiStreamingClient[pb.ConsoleRequest, pb.ConsoleResponse]) error {
	for {
		if _, err := stream.Recv(); err != nil {
			return nil //nolint:nilerr // the exit code is known
		}
	}
}

// feed sends what comes from in until it is closed or ctx ends. A failed send
// means that the stream is gone, and its receiver knows why.
func feed(ctx context.Context, stream grpc.BidiStreamingClient[pb.ConsoleRequest, pb.ConsoleResponse], in <-chan provider.ConsoleInput) {
	for {
		select {
		case <-ctx.Done():
			return
		case i, open := <-in:
			if !open {
				_ = stream.CloseSend()
				return
			}
			if sendInput(stream, i) != nil {
				return
			}
		}
	}
}

func sendInput(stream grpc.BidiStreamingClient[pb.ConsoleRequest, pb.ConsoleResponse], i provider.ConsoleInput) error {
	for rest := i.Data; len(rest) > 0; {
		part := rest[:min(len(rest), inputBytes)]
		if err := stream.Send(&pb.ConsoleRequest{Send: &pb.ConsoleRequest_Input{Input: part}}); err != nil {
			return err
		}
		rest = rest[len(part):]
	}
	if i.Size != (provider.WindowSize{}) {
		if err := stream.Send(&pb.ConsoleRequest{Send: &pb.ConsoleRequest_Size{Size: convert.WindowSizeToWire(i.Size)}}); err != nil {
			return err
		}
	}
	if i.End {
		return stream.Send(&pb.ConsoleRequest{Send: &pb.ConsoleRequest_InputEnd{InputEnd: &pb.ConsoleInputEnd{}}})
	}
	return nil
}
