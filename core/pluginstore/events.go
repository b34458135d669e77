package pluginstore

import (
	"context"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// eventRetry is what a plugin that emits too much is told.
const eventRetry = time.Second

// Emit keeps the event durably, once per cursor.
func (a *Area) Emit(ctx context.Context, scope contract.Scope, e contract.Event) error {
	if err := e.CheckEmitted(); err != nil {
		return err
	}
	if !a.events.AllowN(a.s.cfg.Clock.Now(), 1) {
		return fault.Throttled(eventRetry, "plugin %q emits more than %g events a second", a.plugin, a.s.cfg.EventsPerSecond)
	}
	if e.Time.IsZero() {
		e.Time = a.s.cfg.Clock.Now()
	}
	return a.s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := a.s.checkScope(tx, scope); err != nil {
			return err
		}
		known, err := a.claim(tx, scope, tokenEvent, e.Cursor)
		if err != nil || known {
			return err
		}
		return a.s.cfg.Event(tx, Event{Plugin: a.plugin, RootOrg: scope.RootOrg, Event: e})
	})
}
