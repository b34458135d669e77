package host

import (
	"context"
	"errors"

	"tradewind.example/host/session"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
)

// Attach lets a plugin that somebody runs in development mode, under a debugger
// for instance, take all calls of the plugin of that name, in place of the host's
// own processes; at is what it printed. The host never ends it. It need not be in
// the catalogue. When it is started again, attach to it again; [Host.Detach]
// returns to the host's own processes.
//
// Outside development it is a forbidden fault: there is no TLS and no pinned
// binary behind it.
func (h *Host) Attach(ctx context.Context, name string, at handshake.Reattach) error {
	if !h.cfg.Dev {
		return fault.Forbidden("plugins are attached only in development").From(fault.SourceHost)
	}
	p, err := h.Plugin(name)
	if err == nil {
		return p.inTurn(ctx, func(ctx context.Context) error { return p.attachTo(ctx, at) })
	}
	p = h.newPlugin(name)
	if err := p.attachTo(ctx, at); err != nil {
		return err
	}
	return h.show(ctx, p)
}

// show adds a plugin that the catalogue does not have.
func (h *Host) show(ctx context.Context, p *Plugin) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	switch {
	case h.closed:
		err = errClosed()
	case h.plugins[p.name] != nil:
		err = fault.Conflict("plugin %q came into being meanwhile; attach again", p.name).From(fault.SourceHost)
	default:
		h.plugins[p.name] = p
		return nil
	}
	p.close(ctx)
	return err
}

// Detach ends the connection to an attached plugin, which runs on, and returns
// to the host's own processes. It is a precondition fault when none is attached.
func (h *Host) Detach(ctx context.Context, name string) error {
	return h.operate(ctx, name, func(p *Plugin, ctx context.Context) error {
		return p.inTurn(ctx, func(ctx context.Context) error {
			if !p.setAttached(nil) {
				return fault.Precondition("nothing is attached in place of plugin %q", name).From(fault.SourceHost)
			}
			if len(h.catalog.Entries(name)) == 0 {
				h.drop(ctx, p)
				return nil
			}
			return p.sync(ctx)
		})
	})
}

func (p *Plugin) attachTo(ctx context.Context, at handshake.Reattach) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return errClosed()
	}
	r := p.launch(ctx, &run{at: &at}, false)
	p.candidate = r
	p.mu.Unlock()
	if err := p.operated("attach", r.supervisor.Start(ctx)); err != nil {
		return errors.Join(err, r.retire(ctx))
	}
	p.setAttached(r)
	return p.sync(ctx)
}

// setAttached makes r, or for nil the host's own processes, what serves from the
// next sync on. It reports whether another run was attached before.
func (p *Plugin) setAttached(r *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.attached
	p.attached = r
	return before != nil
}

func (p *Plugin) isAttached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attached != nil
}

// attach connects to the plugin that the run is attached to.
func (r *run) attach(ctx context.Context) (instance, error) {
	p, h := r.plugin, r.plugin.host
	cfg := session.AttachConfig{Name: p.name, At: *r.at, Log: h.log}
	if h.cfg.Services != nil {
		cfg.Services = h.cfg.Services(p.name)
	}
	a, err := session.Attach(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p.remember(a.Description())
	return a, nil
}
