package guard

import (
	"context"
	"errors"
	"time"

	"tradewind.example/sdk/fault"
)

// silence ends a stream in which nothing passes for a time. A nil one ends none.
// Safe for concurrent use.
type silence struct {
	most  time.Duration
	timer *time.Timer
	ctx   context.Context // of the stream
	end   context.CancelCauseFunc
}

// watchSilence returns the context of a stream that ends with its silence, when
// the call's rule bounds it.
func watchSilence(ctx context.Context, c *Call) (context.Context, *silence) {
	if c.Rule.Idle <= 0 {
		return ctx, nil
	}
	ctx, end := context.WithCancelCause(ctx)
	s := &silence{most: c.Rule.Idle, ctx: ctx, end: end}
	s.timer = time.AfterFunc(s.most, func() {
		end(fault.Unavailable("nothing passed for %s, and the stream was ended: open it again", s.most).From(fault.SourceHost))
	})
	return ctx, s
}

// heard notes that something passed.
func (s *silence) heard() {
	if s != nil && s.ctx.Err() == nil {
		s.timer.Reset(s.most)
	}
}

// stop ends the watch, and the stream with it.
func (s *silence) stop() {
	if s != nil {
		s.timer.Stop()
		s.end(nil)
	}
}

// explain returns why the stream was ended, when it was silence, and else err.
func (s *silence) explain(err error) error {
	var why *fault.Error
	if s != nil && errors.As(context.Cause(s.ctx), &why) {
		return why
	}
	return err
}
