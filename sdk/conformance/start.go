package conformance

import (
	"context"
	"io"
	"sync"

	"google.golang.org/grpc"
)

// Process is a plugin that runs from its binary, started as the suite starts
// it, for tools that call one by hand.
type Process struct{ process *process }

// Start starts the binary at path; what it logs and prints goes to logs. ctx does not end
// it, [Process.Close] does.
func Start(ctx context.Context, path string, logs io.Writer) (*Process, error) {
	shared := &lockedWriter{to: logs}
	p, err := startProcess(ctx, path, shared, shared)
	if err != nil {
		return nil, err
	}
	return &Process{process: p}, nil
}

// Conn is the connection to the plugin, for client.New.
func (p *Process) Conn() grpc.ClientConnInterface { return p.process.conn }

// Close ends the plugin, by force when it does not end by itself.
func (p *Process) Close() error { return p.process.close() }

// lockedWriter lets the plugin's log and its output share a writer.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes b whole.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}
