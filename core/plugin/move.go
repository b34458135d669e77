package plugin

import (
	"context"
	"fmt"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// MoveInput asks for another active version.
type MoveInput struct {
	Name     string
	Version  string // of an upgrade
	Reason   string
	Revision uint64 // that the author saw; 0: whatever it is
	Key      string // of the request; a repeat starts nothing
	Wait     bool   // until it is done, or has failed
}

// Moved is a plugin that is on its way to another version.
type Moved struct {
	Detail
	Over bool // nothing of it is going on but the watch over the new version
}

// Upgrade brings an installed version into use without failing a call. How it
// goes is told by [Detail].Changes; a failed one leaves the old version serving.
func (s *Service) Upgrade(ctx context.Context, c access.Caller, in MoveInput) (Moved, error) {
	if err := idempotency.CheckKey(in.Key); err != nil {
		return Moved{}, err
	}
	return s.move(ctx, c, motion{
		verb: "upgrade", name: in.Name, version: in.Version, reason: in.Reason, revision: in.Revision, key: in.Key, wait: in.Wait,
	})
}

// Rollback brings the version back that was active before, as Upgrade does.
func (s *Service) Rollback(ctx context.Context, c access.Caller, in MoveInput) (Moved, error) {
	if err := idempotency.CheckKey(in.Key); err != nil {
		return Moved{}, err
	}
	return s.move(ctx, c, motion{verb: "rollback", name: in.Name, reason: in.Reason, revision: in.Revision, key: in.Key, wait: in.Wait})
}

// motion is a change of the active version.
type motion struct {
	verb, name string
	version    string // "": the previous one
	reason     string
	revision   uint64
	key        string // "": of no request of its own
	wait       bool
}

// move accepts a motion and performs it in the background.
func (s *Service) move(ctx context.Context, c access.Caller, m motion) (Moved, error) {
	before, err := s.writable(ctx, c, m.name)
	if err != nil {
		return Moved{}, err
	}
	repeated, err := s.accept(ctx, c, m, before)
	if err != nil || repeated {
		return Moved{Detail: before, Over: !before.changing()}, err
	}
	ended := make(chan error, 1)
	background := context.WithoutCancel(ctx)
	s.work.Go(func() { ended <- s.perform(background, c, m, before) })
	if m.wait {
		select {
		case err := <-ended:
			if err != nil {
				return Moved{}, err
			}
		case <-ctx.Done(): // it goes on
		}
	}
	now, err := s.cfg.Host.Inspect(background, m.name)
	return Moved{Detail: now, Over: m.wait && ctx.Err() == nil}, err
}

// accept notes a request that starts something, unless it is a repeated one.
func (s *Service) accept(ctx context.Context, c access.Caller, m motion, before Detail) (repeated bool, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		in := struct{ Name, Version, Reason string }{m.name, m.version, m.reason}
		scope := idempotency.Scope{Org: c.RootID, Operation: "plugin." + m.verb}
		if repeated, err = s.cfg.Keys.Once(tx, scope, m.key, in, m.name); err != nil || repeated {
			return err
		}
		if err := before.Selection.changeable(m.name, m.revision); err != nil {
			return err
		}
		to, err := before.target(m)
		if err != nil {
			return err
		}
		return s.note(tx, c, m.name, m.verb, before.snapshot(), struct{ To, Reason string }{to, m.reason})
	})
	return repeated, err
}

// target returns the version that a motion leads to.
func (d Detail) target(m motion) (string, error) {
	if m.verb == "rollback" {
		if d.Selection.Previous == "" {
			return "", fault.Precondition("plugin %q has no previous version", m.name)
		}
		return d.Selection.Previous, nil
	}
	i := slices.IndexFunc(d.Versions, func(v Version) bool { return v.Version == m.version })
	switch {
	case i < 0:
		return "", fault.Invalid("version", "%q of plugin %q is not installed: install it first", m.version, m.name)
	case d.Versions[i].Disabled:
		return "", fault.Precondition("version %q of plugin %q is disabled: enable it first", m.version, m.name)
	}
	return m.version, nil
}

// changing reports whether an upgrade, rollback or reload is going on.
func (d Detail) changing() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.State == "running" || c.State == "swapped" })
}

// perform makes the change and notes how it ended.
func (s *Service) perform(ctx context.Context, c access.Caller, m motion, before Detail) error {
	by := Edit{Who: c.Actor(), Reason: m.reason, Revision: m.revision}
	var err error
	if m.verb == "rollback" {
		err = s.cfg.Catalogue.Rollback(ctx, m.name, by)
	} else {
		err = s.cfg.Catalogue.Upgrade(ctx, m.name, m.version, by)
	}
	outcome := struct {
		Selection snapshot
		Problem   string
	}{}
	if err != nil {
		outcome.Problem = err.Error()
	}
	if now, err := s.cfg.Host.Inspect(ctx, m.name); err == nil {
		outcome.Selection = now.snapshot()
	}
	if noted := s.record(ctx, c, m.name, m.verb+"_end", before.snapshot(), outcome); err == nil && noted != nil {
		err = fmt.Errorf("%s of plugin %q is done, noting it failed: %w", m.verb, m.name, noted)
	}
	return err
}
