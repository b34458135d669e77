package app

import (
	"context"

	"tradewind.example/core/plugin"
	"tradewind.example/sdk/handshake"
)

var _ plugin.Developer = operated{}

// developer is nil outside development.
func (a *App) developer(o operated) plugin.Developer {
	if !a.cfg.Plugins.Dev {
		return nil
	}
	return o
}

// Attach lets a plugin in development mode take all calls of the named one.
func (o operated) Attach(ctx context.Context, name string, at plugin.Attachment) error {
	return o.host.Attach(ctx, name, handshake.Reattach(at))
}

// Detach returns to the installed plugin.
func (o operated) Detach(ctx context.Context, name string) error { return o.host.Detach(ctx, name) }
