package host

import (
	"context"

	"tradewind.example/host/catalog"
	"tradewind.example/host/supervise"
)

// chosen is what the catalogue has selected for a plugin.
type chosen struct {
	active   catalog.Entry
	previous string // version; "": none
	pins     []chosenPin
}

// chosenPin is the version of a group of orgs.
type chosenPin struct {
	orgs  []string
	entry catalog.Entry
	alone bool // each org has a process of its own
}

func (h *Host) choose(name string) (chosen, error) {
	s, err := h.catalog.Selection(name)
	if err != nil {
		return chosen{}, err
	}
	c := chosen{previous: s.Previous}
	if c.active, err = h.catalog.Entry(name, s.Active); err != nil {
		return chosen{}, err
	}
	for _, pin := range s.Pins {
		e, err := h.catalog.Entry(name, pin.Version)
		if err != nil {
			return chosen{}, err
		}
		c.pins = append(c.pins, chosenPin{orgs: pin.Orgs, entry: e, alone: pin.Isolated})
	}
	return c, nil
}

// Selection returns which versions of a plugin are in use by whom.
func (h *Host) Selection(name string) (catalog.Selection, error) { return h.catalog.Selection(name) }

// Pin lets a group of orgs be served by another version than the active one, or
// by processes of their own, from the next call on. The group's earlier pin is
// replaced. Versions that nobody uses any more are ended when their calls have.
func (h *Host) Pin(ctx context.Context, name string, pin catalog.Pin, by catalog.Edit) error {
	return h.edit(ctx, name, func() (catalog.Selection, error) { return h.catalog.Pin(name, pin, by) })
}

// Unpin lets the group be served by the active version again.
func (h *Host) Unpin(ctx context.Context, name, group string, by catalog.Edit) error {
	return h.edit(ctx, name, func() (catalog.Selection, error) { return h.catalog.Unpin(name, group, by) })
}

// Disable forbids a version to run and ends its processes when their calls have
// ended. Who is served by it is not served until Enable or another choice.
func (h *Host) Disable(ctx context.Context, name, version string, by catalog.Edit) error {
	return h.edit(ctx, name, func() (catalog.Selection, error) { return h.catalog.Disable(name, version, by) })
}

// Enable lets a disabled version run again.
func (h *Host) Enable(ctx context.Context, name, version string, by catalog.Edit) error {
	return h.edit(ctx, name, func() (catalog.Selection, error) { return h.catalog.Enable(name, version, by) })
}

// Remove takes a version and its files away. One that is active, pinned or
// running is refused with a precondition fault. With its last version, once that
// is disabled, the plugin itself goes.
func (h *Host) Remove(ctx context.Context, name, version string, by catalog.Edit) error {
	return h.operate(ctx, name, func(p *Plugin, ctx context.Context) error {
		return p.inTurn(ctx, func(ctx context.Context) error {
			if _, err := h.catalog.Remove(name, version, by); err != nil {
				return err
			}
			if len(h.catalog.Entries(name)) == 0 {
				h.drop(ctx, p)
				return nil
			}
			return p.sync(ctx)
		})
	})
}

// drop ends a plugin that the catalogue has no more.
func (h *Host) drop(ctx context.Context, p *Plugin) {
	h.mu.Lock()
	delete(h.plugins, p.name)
	h.mu.Unlock()
	p.close(ctx)
}

// edit changes the catalogue and brings what it says then into use.
func (h *Host) edit(ctx context.Context, name string, do func() (catalog.Selection, error)) error {
	return h.operate(ctx, name, func(p *Plugin, ctx context.Context) error {
		return p.inTurn(ctx, func(ctx context.Context) error {
			if _, err := do(); err != nil {
				return err
			}
			return p.sync(ctx)
		})
	})
}

// running reports whether a process of that version is there or on its way.
func (h *Host) running(name, version string) bool {
	p, err := h.Plugin(name)
	if err != nil {
		return false
	}
	for _, r := range p.every() {
		st := r.supervisor.Status().State
		idle := st == supervise.StateInstalled || st == supervise.StateStopped || st == supervise.StateDisabled || st == supervise.StateQuarantined
		if r.entry.Version == version && !idle {
			return true
		}
	}
	return false
}
