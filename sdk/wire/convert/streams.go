package convert

import (
	"math"

	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// LogsRequestToWire translates a request for a log.
func LogsRequestToWire(r provider.LogsRequest) *pb.LogsRequest {
	return &pb.LogsRequest{
		Call: CallToWire(r.Call), Kind: r.Kind, Id: r.ID, Part: r.Part, Container: r.Container, Follow: r.Follow,
		TailLines: int64(r.TailLines), Since: timeToWire(r.Since), Timestamps: r.Timestamps, Previous: r.Previous,
	}
}

// LogsRequestFromWire is the reverse of [LogsRequestToWire].
func LogsRequestFromWire(r *pb.LogsRequest) provider.LogsRequest {
	return provider.LogsRequest{
		Call: CallFromWire(r.GetCall()), Kind: r.GetKind(), ID: r.GetId(), Part: r.GetPart(), Container: r.GetContainer(), Follow: r.GetFollow(),
		TailLines: int(r.GetTailLines()), Since: timeFromWire(r.GetSince()), Timestamps: r.GetTimestamps(), Previous: r.GetPrevious(),
	}
}

// ConsoleRequestToWire translates the opening of a console.
func ConsoleRequestToWire(r provider.ConsoleRequest) *pb.ConsoleRequest {
	open := &pb.ConsoleOpen{
		Kind: r.Kind, Id: r.ID, Part: r.Part, Container: r.Container, Command: each(r.Command, text), Terminal: r.Terminal,
	}
	if r.Size != (provider.WindowSize{}) {
		open.Size = WindowSizeToWire(r.Size)
	}
	return &pb.ConsoleRequest{Call: CallToWire(r.Call), Send: &pb.ConsoleRequest_Open{Open: open}}
}

// ConsoleRequestFromWire is the reverse of [ConsoleRequestToWire].
func ConsoleRequestFromWire(r *pb.ConsoleRequest) provider.ConsoleRequest {
	open := r.GetOpen()
	return provider.ConsoleRequest{
		Call: CallFromWire(r.GetCall()), Kind: open.GetKind(), ID: open.GetId(), Part: open.GetPart(), Container: open.GetContainer(),
		Command: open.GetCommand(), Terminal: open.GetTerminal(), Size: WindowSizeFromWire(open.GetSize()),
	}
}

// WindowSizeToWire translates a window's size.
func WindowSizeToWire(s provider.WindowSize) *pb.ConsoleSize {
	return &pb.ConsoleSize{Columns: uint32(s.Columns), Rows: uint32(s.Rows)}
}

// WindowSizeFromWire is the reverse of [WindowSizeToWire]; what no terminal can
// count is cut.
func WindowSizeFromWire(s *pb.ConsoleSize) provider.WindowSize {
	return provider.WindowSize{Columns: letters(s.GetColumns()), Rows: letters(s.GetRows())}
}

func letters(n uint32) uint16 { return uint16(min(n, math.MaxUint16)) } //nolint:gosec // bounded
