package job

import (
	"context"
	"errors"
	"time"

	"tradewind.example/core/store"
)

// The defaults of a [Policy].
const (
	defaultMaxAttempts = 20
	defaultTimeout     = time.Minute
	firstPause         = time.Second
)

func (p Policy) withDefaults() Policy {
	if p.MaxAttempts <= 0 {
		p.MaxAttempts = defaultMaxAttempts
	}
	if p.Timeout <= 0 {
		p.Timeout = defaultTimeout
	}
	if p.Backoff == nil {
		p.Backoff = Exponential(firstPause, LongestWait)
	}
	return p
}

// maxLastError bounds the stored text of a failure.
const maxLastError = 1000

// record stores how an attempt ended. While the store refuses, it tries again:
// a job that is forgotten as running would only move after a restart.
func (q *Queue) record(ctx context.Context, r *runner, j Job, result error) {
	interrupted := result != nil && ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	for {
		err := q.cfg.Store.Update(ctx, func(tx store.Tx) error { return q.finish(tx, j, result, interrupted) })
		if err == nil {
			return
		}
		q.cfg.Logger.Error("job result not stored", "job", j.ID, "kind", j.Kind, "error", err.Error())
		select {
		case <-r.stop:
			return
		case <-q.cfg.Clock.After(dispatchPause):
		}
	}
}

func (q *Queue) finish(tx store.Tx, j Job, result error, interrupted bool) error {
	d, found, err := q.jobs.Find(tx, j.ID)
	if err != nil {
		return err
	}
	if !found || d.Value.State != StateRunning || d.Value.Attempt != j.Attempt {
		return nil
	}
	now := q.cfg.Clock.Now()
	d.Value.Updated = now
	switch {
	case result == nil:
		return q.done(tx, d)
	case interrupted:
		d.Value.State, d.Value.LastError = StateParked, shorten(result)
	default:
		q.failed(&d.Value, result, now)
	}
	if _, err := q.jobs.Update(tx, d.Value, d.Rev); err != nil {
		return err
	}
	tx.OnCommit(q.wake)
	return nil
}

// done ends a job and keeps or removes it.
func (q *Queue) done(tx store.Tx, d store.Doc[Job]) error {
	if q.cfg.KeepDone < 0 {
		return q.jobs.Delete(tx, d.Value.ID, d.Rev)
	}
	d.Value.State, d.Value.LastError, d.Value.Updated = StateDone, "", q.cfg.Clock.Now()
	_, err := q.jobs.Update(tx, d.Value, d.Rev)
	return err
}

// failed decides when, and whether, a job runs again.
func (q *Queue) failed(j *Job, result error, now time.Time) {
	var c *control
	if !errors.As(result, &c) {
		c = &control{err: result}
	}
	if c.snooze {
		j.State, j.RunAt = StateReady, now.Add(c.pause)
		return
	}
	policy := q.kinds[j.Kind].policy
	most := j.MaxAttempts
	if most <= 0 {
		most = policy.MaxAttempts
	}
	j.Failures++
	j.LastError = shorten(result)
	switch {
	case c.dead || j.Failures >= most:
		j.State = StateDead
		q.cfg.Logger.Error("job is dead", "job", j.ID, "kind", j.Kind, "ref", j.Ref, "failures", j.Failures, "error", j.LastError)
	case !c.at.IsZero():
		j.State, j.RunAt = StateReady, c.at
	default:
		j.State, j.RunAt = StateReady, now.Add(Pause(policy.Backoff(j.Failures), result))
	}
}

func shorten(err error) string {
	s := err.Error()
	if len(s) > maxLastError {
		return s[:maxLastError] + "…"
	}
	return s
}

// trimEvery is how often finished jobs are looked through.
const trimEvery = time.Minute

// upkeep fires the schedules and removes old finished jobs when their time has come.
func (q *Queue) upkeep(ctx context.Context, c *calendar, now time.Time) error {
	if len(q.named) > 0 && !c.schedules.After(now) {
		err := q.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			c.schedules, err = q.fire(tx, now)
			return err
		})
		if err != nil {
			return err
		}
	}
	if c.trim.After(now) {
		return nil
	}
	full, err := q.trim(ctx, now)
	if err != nil {
		return err
	}
	c.trim = now.Add(trimEvery)
	if full {
		c.trim = now.Add(trimEvery / 60)
	}
	return nil
}

// trim removes finished jobs that are older than KeepDone, a batch at a time,
// and says whether there may be more.
func (q *Queue) trim(ctx context.Context, now time.Time) (full bool, err error) {
	if q.cfg.KeepDone < 0 {
		return false, nil
	}
	err = q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, err := q.inState(tx, store.Query{
			Prefix: store.Key(StateDone), To: store.Key(now.Add(-q.cfg.KeepDone)), Limit: reviveBatch,
		})
		full = len(old) == reviveBatch
		for _, d := range old {
			if err := q.jobs.Delete(tx, d.Value.ID, d.Rev); err != nil {
				return err
			}
		}
		return err
	})
	return full, err
}

// jobs declares the collection: ready jobs by due time, all by state and the
// time they came into it, and by org.
func jobs() *store.Collection[Job] {
	return store.NewCollection("job", func(j *Job) string { return j.ID },
		store.Index[Job]{Name: "due", Keys: func(j *Job) [][]byte {
			if j.State != StateReady {
				return nil
			}
			return [][]byte{store.Key(j.RunAt)}
		}},
		store.Index[Job]{Name: "state", Keys: func(j *Job) [][]byte {
			return [][]byte{store.Key(j.State, j.Updated)}
		}},
		store.Index[Job]{Name: "org", Keys: func(j *Job) [][]byte {
			if j.OrgID == "" {
				return nil
			}
			return [][]byte{store.Key(j.OrgID, j.Created)}
		}},
	)
}
