package app

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// resealKind is the kind of the job that seals stored secrets again.
const resealKind = "keys.reseal"

// sealedBy remembers the key that everything in the store is sealed with.
type sealedBy struct {
	Name string // always sealedByAll
	Key  uint32
}

const sealedByAll = "all"

func sealMarks() *store.Collection[sealedBy] {
	return store.NewCollection("seal_mark", func(m *sealedBy) string { return m.Name })
}

// SealedBy returns the key that every secret in the store is sealed with; false
// while some may still need an older one.
func SealedBy(r store.Reader) (key uint32, all bool, err error) {
	d, found, err := sealMarks().Find(r, sealedByAll)
	return d.Value.Key, found, err
}

// primaryKey reads the keyset file again and returns the key that seals now.
func (a *App) primaryKey() (uint32, error) {
	if err := a.keyring.Reload(); err != nil {
		return 0, err
	}
	for _, k := range a.keyring.Keys() {
		if k.Primary {
			return k.ID, nil
		}
	}
	return 0, fault.Internal(nil, "the keyset has no primary key")
}

// requestReseal enqueues the job when the keys were rotated since it last ran.
func (a *App) requestReseal(ctx context.Context) error {
	key, err := a.primaryKey()
	if err != nil {
		return err
	}
	return a.store.Update(ctx, func(tx store.Tx) error {
		at, all, err := SealedBy(tx)
		if err != nil || all && at == key {
			return err
		}
		_, err = a.jobs.Enqueue(tx, job.Job{ID: fmt.Sprintf("%s/%d", resealKind, key), Kind: resealKind})
		if fault.Is(err, fault.ClassConflict) {
			return nil // it waits or runs already
		}
		return err
	})
}

// reseal seals every stored secret with the primary key, and notes that once a
// whole pass found nothing else: a secret that was sealed while the key changed
// is found by the pass after.
func (a *App) reseal(ctx context.Context, _ job.Job) error {
	key, err := a.primaryKey()
	if err != nil {
		return err
	}
	accounts, err := a.providers.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("sealing accounts again: %w", err)
	}
	actions, err := a.resources.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("sealing actions again: %w", err)
	}
	values, err := a.areas.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("sealing values of plugins again: %w", err)
	}
	subs, err := a.accounts.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("sealing sub-accounts again: %w", err)
	}
	if accounts+actions.Done+actions.Left+values+subs > 0 {
		a.log.InfoContext(ctx, "secrets sealed again", "key", key, "accounts", accounts, "actions", actions.Done, "actions_left", actions.Left, "plugin_values", values, "sub_accounts", subs)
		return job.Snooze(time.Second)
	}
	err = a.store.Update(ctx, func(tx store.Tx) error {
		d, found, err := sealMarks().Find(tx, sealedByAll)
		if err != nil {
			return err
		}
		m := sealedBy{Name: sealedByAll, Key: key}
		if !found {
			_, err = sealMarks().Insert(tx, m)
			return err
		}
		_, err = sealMarks().Update(tx, m, d.Rev)
		return err
	})
	if err == nil {
		a.log.InfoContext(ctx, "every stored secret is sealed with the primary key; older keys may be retired", "key", key)
	}
	return err
}
