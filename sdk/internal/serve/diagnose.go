package serve

import (
	"bytes"
	"context"
	"runtime"

	pb "tradewind.example/sdk/wire/providerv1"
)

// maxStacks bounds the stacks of one answer, in bytes.
const maxStacks = 4 << 20

// Diagnose tells what the process is doing. While stacks are taken, everything
// in the process stands still, for milliseconds.
func (s *Server) Diagnose(_ context.Context, req *pb.DiagnoseRequest) (*pb.DiagnoseResponse, error) {
	out := &pb.DiagnoseResponse{Calls: s.active.Load(), Goroutines: int64(runtime.NumGoroutine())}
	if n := min(req.GetStackBytes(), maxStacks); n > 0 {
		raw := make([]byte, n)
		taken := runtime.Stack(raw, true)
		out.Stacks, out.Cut = string(withoutValues(raw[:taken])), int64(taken) == n
	}
	return out, nil
}

// withoutValues takes the values of arguments out of stacks: a short secret can
// stand in one as it is.
func withoutValues(stacks []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(stacks) {
		at := bytes.LastIndexByte(line, '(')
		switch {
		case bytes.HasPrefix(line, []byte("goroutine ")), bytes.HasPrefix(line, []byte("created by ")), line[0] == '\t', at < 0:
			out.Write(line)
		default:
			out.Write(line[:at])
			out.WriteString("(...)\n")
		}
	}
	return out.Bytes()
}
