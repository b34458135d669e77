package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"tradewind.example/host/launch"
	"tradewind.example/sdk/provider"
)

// errNoServices means that a plugin wants storage and this host offers none.
var errNoServices = errors.New("plugin keeps data at the host, but this host offers no storage")

// openLink serves the host's services to a plugin that wants them, until the
// session is closed. A link that breaks ends the plugin: it cannot work without.
func (s *Session) openLink(ctx context.Context, cfg Config) error {
	if !slices.Contains(s.description.Capabilities, provider.CapHostStorage) {
		return nil
	}
	if cfg.Services == nil {
		return errNoServices
	}
	ctx, s.linkCancel = context.WithCancel(context.WithoutCancel(ctx))
	s.link.Go(func() {
		err := s.calls.LinkHost(ctx, cfg.Services)
		if ctx.Err() == nil && !s.Ended() {
			cfg.Log.Error("the link to a plugin broke", "plugin", cfg.Name, "error", err)
			s.proc.Signal()
		}
	})
	return nil
}

// pidHandler adds the pid, which is known only after the logger is made.
type pidHandler struct {
	slog.Handler
	proc *launch.Process
}

// Handle adds the pid and passes the record on.
func (h *pidHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.proc != nil {
		r.AddAttrs(slog.Int("pid", h.proc.PID()))
	}
	return h.Handler.Handle(ctx, r)
}
