package job

import (
	"tradewind.example/core/store"
)

// HastenTx makes a waiting job due now, once the caller's transaction is durable.
// It reports whether the job is busy: its handler is at work, and decides by
// itself when it wants to run again. A job that has ended, or that is not there,
// is left alone.
func (q *Queue) HastenTx(tx store.Tx, id string) (busy bool, err error) {
	d, found, err := q.jobs.Find(tx, id)
	if err != nil || !found {
		return false, err
	}
	now := q.cfg.Clock.Now()
	switch {
	case d.Value.State == StateRunning:
		return true, nil
	case d.Value.State != StateReady, !d.Value.RunAt.After(now):
		return false, nil
	}
	d.Value.RunAt, d.Value.Updated = now, now
	if _, err := q.jobs.Update(tx, d.Value, d.Rev); err != nil {
		return false, err
	}
	tx.OnCommit(q.wake)
	return false, nil
}
