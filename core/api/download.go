package api

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
)

// stallAfter is how long a client may take for the next part of a download.
const stallAfter = 30 * time.Second

// Download answers with what fill writes, part by part: nothing of it is kept
// in memory. It may outlive the request's own deadline, but not life. When fill
// fails, the connection ends before the body does, so that the client can see
// that its copy is broken.
func (s *Server) Download(hc huma.Context, life time.Duration, fill func(ctx context.Context, w io.Writer) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(hc.Context()), life)
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := fill(ctx, to)
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "download failed", slog.String("request_id", requestIDOf(ctx)), slog.Any("error", err))
		}
		_ = to.CloseWithError(err) // never fails, by its contract
	}()
	c := humafiber.Unwrap(hc).Context()
	c.SetBodyStream(&download{PipeReader: from, conn: c.Conn(), cancel: cancel, done: done}, -1)
}

// download is the body of an answer. Whoever sends it closes it, and so waits
// for the writer.
type download struct {
	*io.PipeReader
	conn   net.Conn
	cancel context.CancelFunc
	done   chan struct{}
}

// Read reads the next part and gives the client time to take it.
func (d *download) Read(p []byte) (int, error) {
	n, err := d.PipeReader.Read(p)
	if d.conn != nil {
		_ = d.conn.SetWriteDeadline(time.Now().Add(stallAfter)) // a connection that is gone fails at its next write
	}
	return n, err
}

// Close ends the writer, when it still writes, and waits for it.
func (d *download) Close() error {
	d.cancel()
	err := d.PipeReader.Close()
	<-d.done
	return err
}
