package app

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
)

// schedules registers the work that recurs. Each run is a durable job: it
// happens once per due time, also when the broker was down then.
func (a *App) schedules() error {
	zone, err := time.LoadLocation(a.cfg.Operator.TimeZone)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		name  string
		every job.Schedule
		run   job.Task
	}{
		{"settlement.run", job.Every(time.Hour), a.settleDue},
		{"order.sweep", job.Every(time.Minute), func(ctx context.Context, _ time.Time) error { _, err := a.buys.Sweep(ctx); return err }},
		{"quote.trim", job.Every(time.Hour), func(ctx context.Context, _ time.Time) error { _, err := a.quotes.Trim(ctx); return err }},
		{"idempotency.trim", job.Every(time.Hour), func(ctx context.Context, _ time.Time) error { _, err := a.keys.Trim(ctx, a.store); return err }},
		{"pluginstore.trim", job.Every(time.Hour), func(ctx context.Context, _ time.Time) error { _, err := a.areas.Trim(ctx); return err }},
		{"keys.rotated", job.Every(time.Hour), func(ctx context.Context, _ time.Time) error { return a.requestReseal(ctx) }},
		{"resource.compare", job.Daily(a.cfg.Resources.CompareHour, 0, zone), a.compareAll},
	} {
		if err := a.jobs.Schedule(s.name, s.every, s.run, job.Policy{Timeout: 30 * time.Minute}); err != nil {
			return fmt.Errorf("schedule %q: %w", s.name, err)
		}
	}
	if err := a.jobs.Register(resealKind, a.reseal, job.Policy{Timeout: 30 * time.Minute}); err != nil {
		return err
	}
	if every := a.cfg.Catalogue.SyncEvery; every > 0 {
		return a.jobs.Schedule("catalog.sync", job.Every(every), a.syncAll, job.Policy{Timeout: time.Hour})
	}
	return nil
}

// settleDue opens every statement that is due.
func (a *App) settleDue(ctx context.Context, _ time.Time) error {
	_, err := a.statements.Run(ctx, a.clock.Now())
	return err
}

// compareAll asks for a comparison of every account that is in use.
func (a *App) compareAll(ctx context.Context, _ time.Time) error {
	return a.store.Update(ctx, func(tx store.Tx) error {
		return a.providers.EachEnablementTx(tx, func(e provider.Enablement) error {
			return a.resources.RequestComparisonTx(tx, e)
		})
	})
}

// syncAll refreshes the catalogue of every active provider.
func (a *App) syncAll(ctx context.Context, _ time.Time) error {
	var all []provider.Provider
	err := a.store.View(ctx, func(r store.Reader) error {
		return a.providers.EachProviderTx(r, func(p provider.Provider) error {
			all = append(all, p)
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if _, err := a.catalog.RequestSync(ctx, system(p.RootID), p.ID); err != nil {
			return fmt.Errorf("asking for a sync of provider %q: %w", p.ID, err)
		}
	}
	return nil
}
