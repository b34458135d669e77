package guard

import (
	"context"

	"google.golang.org/grpc"
)

// Picker returns the connection that serves now, waiting for one if it must.
// Its errors are faults.
type Picker func(ctx context.Context) (grpc.ClientConnInterface, error)

// sending is the last stage: it finds the session that takes the call.
type sending struct{ pick Picker }

// Begin picks the session.
func (s sending) Begin(ctx context.Context, c *Call) (context.Context, error) {
	conn, err := s.pick(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return ctx, nil
}

// End has nothing to put away: a session outlives its calls.
func (s sending) End(context.Context, *Call, error) {}
