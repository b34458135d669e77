package plugin

import (
	"context"
	"fmt"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
)

// Attachment says where a plugin listens that its author runs in development
// mode: what it printed at its start.
type Attachment struct {
	Network         string
	Addr            string // path of its socket on the broker's machine
	PID             int
	ProtocolVersion int
}

// Developer lets such plugins take all calls of an installed one.
type Developer interface {
	// Attach may name a plugin that is not installed.
	Attach(ctx context.Context, name string, at Attachment) error
	// Detach returns to the installed plugin; a precondition fault when nothing is attached.
	Detach(ctx context.Context, name string) error
}

// Attach lets a plugin that somebody runs under a debugger take all calls of the
// plugin of that name.
func (s *Service) Attach(ctx context.Context, c access.Caller, name string, at Attachment) (Detail, error) {
	if err := s.check(ctx, c, access.PluginWrite, name); err != nil {
		return Detail{}, err
	}
	if s.cfg.Developer == nil {
		return Detail{}, notInDevelopment()
	}
	if err := s.cfg.Developer.Attach(ctx, name, at); err != nil {
		return Detail{}, fmt.Errorf("attaching to plugin %q: %w", name, err)
	}
	if err := s.record(ctx, c, name, "attach", attached{}, attached{at.Addr, at.PID}); err != nil {
		return Detail{}, err
	}
	return s.cfg.Host.Inspect(ctx, name)
}

// Detach ends that; the attached process runs on.
func (s *Service) Detach(ctx context.Context, c access.Caller, name string) error {
	if _, err := s.writable(ctx, c, name); err != nil {
		return err
	}
	if s.cfg.Developer == nil {
		return notInDevelopment()
	}
	if err := s.cfg.Developer.Detach(ctx, name); err != nil {
		return fmt.Errorf("detaching from plugin %q: %w", name, err)
	}
	return s.record(ctx, c, name, "detach", attached{}, attached{})
}

func notInDevelopment() error {
	return fault.Precondition("plugins are attached in development only: set plugins.dev")
}

// attached is what the audit log tells.
type attached struct {
	Addr string
	PID  int
}
