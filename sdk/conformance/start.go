package conformance

import (
	"context"
	"io"

	"google.golang.org/grpc"
)

// Process is a plugin that runs from its binary, started as the suite starts
// it, for tools that call one by hand.
type Process struct{ process *process }

// Start starts the binary at path; what it logs goes to logs. ctx does not end
// it, [Process.Close] does.
func Start(ctx context.Context, path string, logs io.Writer) (*Process, error) {
	p, err := startProcess(ctx, path, logs)
	if err != nil {
		return nil, err
	}
	return &Process{process: p}, nil
}

// Conn is the connection to the plugin, for client.New.
func (p *Process) Conn() grpc.ClientConnInterface { return p.process.conn }

// Close ends the plugin, by force when it does not end by itself.
func (p *Process) Close() error { return p.process.close() }
