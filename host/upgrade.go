package host

import (
	"context"
	"errors"

	"tradewind.example/host/catalog"
	"tradewind.example/host/rollout"
	"tradewind.example/sdk/fault"
)

// Upgrade brings an installed version of a plugin into use without failing a
// call: the new version is started and checked beside the old one, then all new
// calls go to it, and the old one ends when its calls have. It returns when that
// is done. An error says in which phase it failed; the old version serves on
// then. What is going on is told by [Status].
//
// For a while afterwards the new version is compared with the old one, and rolled
// back by itself when it fails more calls, see [Upgrades].
//
// Two upgrades to the same version share one; one to another version meanwhile
// is a conflict fault. An upgrade to the active version does nothing.
func (h *Host) Upgrade(ctx context.Context, name, version string, by catalog.Edit) error {
	return h.operate(ctx, name, func(p *Plugin, ctx context.Context) error {
		return p.moveTo(ctx, rollout.KindUpgrade, version, by)
	})
}

// Rollback brings the version back that was active before, in the same way as
// Upgrade. It is a precondition fault when there is none.
func (h *Host) Rollback(ctx context.Context, name string, by catalog.Edit) error {
	return h.operate(ctx, name, func(p *Plugin, ctx context.Context) error {
		c, err := h.choose(name)
		if err != nil {
			return err
		}
		if c.previous == "" {
			return fault.Precondition("plugin %q has no previous version", name).From(fault.SourceHost)
		}
		return p.moveTo(ctx, rollout.KindRollback, c.previous, by)
	})
}

func (p *Plugin) moveTo(ctx context.Context, kind rollout.Kind, version string, by catalog.Edit) error {
	c, err := p.host.choose(p.name)
	if err != nil {
		return err
	}
	if c.active.Version == version && key(p.activeRun().entry) == key(c.active) {
		return nil
	}
	return p.replace(ctx, rollout.Change{
		Plugin: p.name, Kind: kind, From: p.activeRun().entry.Version, To: version, Reason: by.Reason,
	}, by)
}

// Reload replaces every serving process of a plugin by a fresh one of the same
// version, without failing a call, and brings pins that were changed behind the
// host's back into use. Processes for single orgs begin again at their next call.
func (h *Host) Reload(ctx context.Context, name string) error {
	return h.operate(ctx, name, (*Plugin).reload)
}

func (p *Plugin) reload(ctx context.Context) error {
	if err := p.inTurn(ctx, p.sync); err != nil {
		return err
	}
	var errs []error
	for _, r := range p.runs() {
		if _, serves := r.current(); !serves || r.private() {
			continue
		}
		v := r.entry.Version
		errs = append(errs, p.replace(ctx, rollout.Change{Plugin: p.name, Kind: rollout.KindReload, From: v, To: v}, catalog.Edit{}))
	}
	p.dropPrivate(ctx)
	return errors.Join(errs...)
}

// inTurn does something while nobody else changes the plugin's runs.
func (p *Plugin) inTurn(ctx context.Context, do func(context.Context) error) error {
	endTurn, err := p.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer endTurn()
	return do(ctx)
}
