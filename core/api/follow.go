package api

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"tradewind.example/core/access"
)

// firstWord is how long an answer that lasts waits for its first part, so that
// what fails at once is answered as a problem.
const firstWord = time.Second

// Follow answers with what fill writes, for as long as it writes and the client
// reads, at most life; fill's context ends when the client has gone, and with
// the server. It returns fill's error when that comes before anything was
// written.
func (s *Server) Follow(
	ctx context.Context, c access.Caller, contentType string, life time.Duration, fill func(ctx context.Context, w io.Writer) error,
) (*huma.StreamResponse, error) {
	ctx, done, err := s.lasting.begin(ctx, c.UserID)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, life)
	from, to := io.Pipe()
	w := &spoken{w: to, first: make(chan struct{})}
	ended := make(chan error, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer done()
		err := fill(ctx, w)
		ended <- err
		_ = to.CloseWithError(err) // never fails, by its contract
	}()
	wait := time.NewTimer(firstWord)
	defer wait.Stop()
	select {
	case <-w.first:
	case <-wait.C:
	case err := <-ended:
		if err != nil {
			cancel()
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", contentType)
		fc := humafiber.Unwrap(hc).Context()
		fc.SetBodyStream(&download{PipeReader: from, conn: fc.Conn(), cancel: func() {
			s.log.LogAttrs(ctx, slog.LevelDebug, "a followed answer ended", slog.String("request_id", requestIDOf(ctx)))
			cancel()
		}, done: over}, -1)
	}}, nil
}

// spoken tells when something is written first.
type spoken struct {
	w     io.Writer
	once  sync.Once
	first chan struct{}
}

// Write passes p on.
func (s *spoken) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.first) })
	return s.w.Write(p)
}
