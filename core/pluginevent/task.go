package pluginevent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// tasks holds what events asked for and is not done:
// Key(plugin, kind, root, id) -> task. There is one for each thing, however many
// events tell of it.
const tasks store.Bucket = "plugin_event/task"

const (
	taskOperation = "operation" // hasten again: the job was busy
	taskResource  = "resource"  // refresh
)

// task is one thing to do.
type task struct {
	Plugin, Kind, RootOrg, ID string
	Since                     time.Time // of the first event
	Events                    uint64    // that asked for it; tells whether one came while it was done
	Tries                     int
	NextAt                    time.Time // not before
}

func (t *task) key() []byte { return store.Key(t.Plugin, t.Kind, t.RootOrg, t.ID) }

func (t *task) eventType() string {
	if t.Kind == taskOperation {
		return contract.EventOperationChanged
	}
	return contract.EventResourceChanged
}

// keep adds a task, or one more event to the one that is there.
func (s *Service) keep(tx store.Tx, t task) error {
	raw, err := tx.Get(tasks, t.key())
	if err != nil {
		return err
	}
	t.Since = s.cfg.Clock.Now()
	if raw != nil {
		if t, err = decodeTask(raw); err != nil {
			return err
		}
	}
	t.Events++
	return put(tx, t)
}

func put(tx store.Tx, t task) error {
	raw, err := json.Marshal(t)
	if err != nil {
		return fault.Internal(err, "a task of plugin %q cannot be encoded", t.Plugin)
	}
	return tx.Put(tasks, t.key(), raw)
}

func decodeTask(raw []byte) (t task, err error) {
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fault.Internal(err, "a task of plugin events cannot be read")
	}
	return t, nil
}

// work does the tasks of every plugin, each plugin's by itself.
func (s *Service) work(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	at := map[string]bool{}
	for ctx.Err() == nil {
		news := s.news()
		names, err := s.plugins(ctx)
		for _, name := range names {
			if !at[name] {
				at[name] = true
				group.Go(func() { s.follow(ctx, name) })
			}
		}
		s.rest(ctx, news, s.again(err))
	}
}

// again is when to look once more after a failure; zero, without one: with the
// next news.
func (s *Service) again(err error) time.Time {
	if err == nil {
		return time.Time{}
	}
	s.cfg.Logger.Error("tasks of plugin events not read", "error", err.Error())
	return s.cfg.Clock.Now().Add(s.limits.First)
}

// rest waits for news, or until a time that is not zero.
func (s *Service) rest(ctx context.Context, news <-chan struct{}, until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		due = s.cfg.Clock.After(until.Sub(s.cfg.Clock.Now()))
	}
	select {
	case <-ctx.Done():
	case <-news:
	case <-due:
	}
}

// plugins returns the names of the plugins that have tasks.
func (s *Service) plugins(ctx context.Context) (names []string, err error) {
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		names = nil
		next := store.Range{}
		for {
			found := false
			err := r.Scan(tasks, next.First(1), func(_, raw []byte) error {
				t, err := decodeTask(raw)
				names, found = append(names, t.Plugin), true
				next.From = store.Prefix(t.Plugin).To
				return err
			})
			if err != nil || !found || next.From == nil {
				return err
			}
		}
	})
	return names, err
}

// follow does one plugin's tasks.
func (s *Service) follow(ctx context.Context, plugin string) {
	for ctx.Err() == nil {
		news := s.news()
		next, err := s.pass(ctx, plugin)
		if err != nil && ctx.Err() == nil {
			next = s.again(err)
		}
		s.rest(ctx, news, next)
	}
}

// taskBatch is how many tasks one look takes.
const taskBatch = 100

// pass does all tasks that are due and returns when the next one is.
func (s *Service) pass(ctx context.Context, plugin string) (next time.Time, err error) {
	span := store.Prefix(plugin)
	for {
		page, last, err := s.page(ctx, span.First(taskBatch))
		if err != nil {
			return next, err
		}
		due := page[:0]
		for _, t := range page {
			if t.NextAt.After(s.cfg.Clock.Now()) {
				next = earlier(next, t.NextAt)
			} else {
				due = append(due, t)
			}
		}
		soonest, err := s.doAll(ctx, due)
		if next = earlier(next, soonest); err != nil || last == nil {
			return next, err
		}
		span.From = append(last, 0)
	}
}

// page returns a page of tasks and the key of its last one when there may be more.
func (s *Service) page(ctx context.Context, span store.Range) (list []task, last []byte, err error) {
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		list, last = nil, nil
		return r.Scan(tasks, span, func(k, raw []byte) error {
			t, err := decodeTask(raw)
			list, last = append(list, t), bytes.Clone(k)
			return err
		})
	})
	if len(list) < taskBatch {
		last = nil
	}
	return list, last, err
}

// doAll does tasks, a few at a time, and returns when the first of those that are
// left is due again.
func (s *Service) doAll(ctx context.Context, list []task) (next time.Time, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, s.limits.Concurrent)
	for _, t := range list {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			at, doErr := s.do(ctx, t)
			mu.Lock()
			defer mu.Unlock()
			next = earlier(next, at)
			if doErr != nil {
				err = doErr
			}
		})
	}
	group.Wait()
	return next, err
}

// do does one task and stores what became of it. It returns when the task is due
// again, zero when it is over.
func (s *Service) do(ctx context.Context, t task) (again time.Time, err error) {
	if t.Kind == taskOperation {
		return s.hastenAgain(ctx, t)
	}
	failed := s.cfg.Resources.Refresh(ctx, t.ID)
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	now := s.cfg.Clock.Now()
	if failed == nil || fault.Is(failed, fault.ClassNotFound) {
		return s.settle(ctx, t, ResultDone, now.Add(s.limits.First))
	}
	t.Tries++
	if now.Sub(t.Since) >= s.limits.GiveUp {
		s.cfg.Logger.Warn("resource not refreshed after events", "plugin", t.Plugin, "resource_id", t.ID, "tries", t.Tries, "error", failed.Error())
		return s.settle(ctx, t, ResultGivenUp, time.Time{})
	}
	return s.postpone(ctx, t, now.Add(job.Pause(s.pause(t.Tries), failed)))
}

// pause is the wait after the n-th failure.
func (s *Service) pause(n int) time.Duration {
	d := s.limits.First
	for i := 1; i < n && d < s.limits.Most; i++ {
		d *= 2
	}
	return min(d, s.limits.Most)
}

// busyTries bounds how often a busy job is hastened: one that is busy for longer
// asks again by itself.
const busyTries = 40

func (s *Service) hastenAgain(ctx context.Context, t task) (again time.Time, err error) {
	result := ResultKept
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		again = time.Time{}
		found, busy, err := s.hasten(tx, t.Plugin, t.RootOrg, t.ID)
		switch {
		case err != nil:
			return err
		case busy && t.Tries < busyTries:
			next := t
			next.Tries++
			next.NextAt = s.cfg.Clock.Now().Add(s.limits.Again)
			again = next.NextAt
			return put(tx, next)
		case busy:
			result = ResultGivenUp
		case found == 0:
			result = ResultUnknown
		default:
			result = ResultDone
		}
		return tx.Delete(tasks, t.key())
	})
	if err == nil && again.IsZero() {
		s.cfg.Count(t.Plugin, t.eventType(), result)
	}
	return again, err
}

// settle ends a task, unless another event came while it was done: then it is
// done again at the given time, if there is one.
func (s *Service) settle(ctx context.Context, t task, r Result, at time.Time) (again time.Time, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		again = time.Time{}
		now, found, err := find(tx, t)
		if err != nil || !found {
			return err
		}
		if now.Events == t.Events || at.IsZero() {
			return tx.Delete(tasks, t.key())
		}
		now.Tries, now.Since, now.NextAt, again = 0, s.cfg.Clock.Now(), at, at
		return put(tx, now)
	})
	if err != nil {
		return again, fmt.Errorf("ending a task of plugin %q: %w", t.Plugin, err)
	}
	s.cfg.Count(t.Plugin, t.eventType(), r)
	return again, nil
}

func (s *Service) postpone(ctx context.Context, t task, at time.Time) (time.Time, error) {
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		now, found, err := find(tx, t)
		if err != nil || !found {
			return err
		}
		now.Tries, now.NextAt = t.Tries, at
		return put(tx, now)
	})
	return at, err
}

func find(tx store.Tx, t task) (now task, found bool, err error) {
	raw, err := tx.Get(tasks, t.key())
	if err != nil || raw == nil {
		return now, false, err
	}
	now, err = decodeTask(raw)
	return now, err == nil, err
}

// earlier returns the earlier of two times, of which zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
