package job

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Schedule returns the first due time after t.
type Schedule func(t time.Time) time.Time

// Every returns the schedule of all multiples of d since the zero time.
func Every(d time.Duration) Schedule {
	return func(t time.Time) time.Time { return t.Truncate(d).Add(d) }
}

// Daily returns the schedule of each day at hour:minute in zone. A day has
// exactly one due time: where the clocks skip it, the instant time.Date gives;
// where they repeat it, the first.
func Daily(hour, minute int, zone *time.Location) Schedule {
	return func(t time.Time) time.Time {
		local := t.In(zone)
		due := time.Date(local.Year(), local.Month(), local.Day(), hour, minute, 0, 0, zone)
		for days := 1; !due.After(t); days++ {
			due = time.Date(local.Year(), local.Month(), local.Day()+days, hour, minute, 0, 0, zone)
		}
		return due.UTC()
	}
}

// Task is the work of a schedule. due is the time it was due at, which may be
// past: after a pause it runs once for the latest due time, not for each one
// missed. It is idempotent, like a [Handler].
type Task func(ctx context.Context, due time.Time) error

type schedule struct {
	next Schedule
}

// plan is the durable state of a schedule.
type plan struct {
	Name string
	Next time.Time
}

func plans() *store.Collection[plan] {
	return store.NewCollection("job_schedule", func(p *plan) string { return p.Name })
}

// schedulePrefix begins the job kinds of schedules.
const schedulePrefix = "schedule:"

type duePayload struct{ Due time.Time }

// Schedule names a task that runs once per due time, by a job of its own. The
// next due time is stored with the job of the last, so that a restart neither
// repeats nor forgets one. A new name is first due after Start.
func (q *Queue) Schedule(name string, every Schedule, run Task, p Policy) error {
	if every == nil || run == nil {
		return fault.Internal(nil, "schedule %q lacks its times or its task", name)
	}
	err := q.Register(schedulePrefix+name, func(ctx context.Context, j Job) error {
		var d duePayload
		if err := json.Unmarshal(j.Payload, &d); err != nil {
			return Dead(fmt.Errorf("reading the due time: %w", err))
		}
		return run(ctx, d.Due)
	}, p)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.named[name] = schedule{next: every}
	return nil
}

// fire enqueues the jobs of all schedules that are due at now and returns when
// the next one is; zero when there is none.
func (q *Queue) fire(tx store.Tx, now time.Time) (time.Time, error) {
	var next time.Time
	for name, s := range q.named {
		due, err := q.fireOne(tx, name, s, now)
		if err != nil {
			return next, fmt.Errorf("firing the schedule %q: %w", name, err)
		}
		next = earliest(next, due)
	}
	return next, nil
}

func (q *Queue) fireOne(tx store.Tx, name string, s schedule, now time.Time) (time.Time, error) {
	d, found, err := q.plans.Find(tx, name)
	if err != nil {
		return time.Time{}, err
	}
	if !found {
		p := plan{Name: name, Next: s.next(now)}
		_, err := q.plans.Insert(tx, p)
		return p.Next, err
	}
	if d.Value.Next.After(now) {
		return q.within(tx, s, d, now)
	}
	due := latest(s, d.Value.Next, now)
	if err := q.enqueueDue(tx, name, due); err != nil {
		return time.Time{}, err
	}
	d.Value.Next = s.next(now)
	_, err = q.plans.Update(tx, d.Value, d.Rev)
	return d.Value.Next, err
}

// within brings a due time nearer that is later than the schedule's next one:
// the clock was ahead when it was stored, or the schedule had other times.
func (q *Queue) within(tx store.Tx, s schedule, d store.Doc[plan], now time.Time) (time.Time, error) {
	next := s.next(now)
	if !d.Value.Next.After(next) {
		return d.Value.Next, nil
	}
	d.Value.Next = next
	_, err := q.plans.Update(tx, d.Value, d.Rev)
	return next, err
}

// maxMissed bounds the search for the latest due time after a long pause.
const maxMissed = 100_000

func latest(s schedule, due, now time.Time) time.Time {
	for range maxMissed {
		next := s.next(due)
		if next.After(now) || !next.After(due) {
			break
		}
		due = next
	}
	return due
}

func (q *Queue) enqueueDue(tx store.Tx, name string, due time.Time) error {
	payload, err := json.Marshal(duePayload{Due: due.UTC()})
	if err != nil {
		return err
	}
	id := schedulePrefix + name + "@" + due.UTC().Format(time.RFC3339Nano)
	_, err = q.Enqueue(tx, Job{ID: id, Kind: schedulePrefix + name, Ref: name, Payload: payload})
	if fault.Is(err, fault.ClassConflict) {
		return nil
	}
	return err
}

// earliest returns the earlier of two times, of which zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
