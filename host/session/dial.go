package session

import (
	"context"
	"errors"
	"fmt"
	"net"

	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
)

// probe asks a plugin whether it is well and whether it can still be dialled at
// addr: an open connection would outlive the removal of its socket, and only the
// next one would fail. A missing answer wraps [supervise.ErrNoAnswer].
func probe(ctx context.Context, addr net.Addr, health func(context.Context) error) error {
	err := health(ctx)
	var f *fault.Error
	if errors.As(err, &f) && f.Source == fault.SourceHost {
		return fmt.Errorf("%w: %w", supervise.ErrNoAnswer, err)
	}
	if err != nil || addr == nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, addr.Network(), addr.String())
	if err != nil {
		return fmt.Errorf("%w: it lives and cannot be dialled: %w", supervise.ErrNoAnswer, err)
	}
	return conn.Close()
}

// address returns where the plugin listens; nil before it does.
func (s *Session) address() net.Addr {
	if at := s.plugin.ReattachConfig(); at != nil {
		return at.Addr
	}
	return nil
}
