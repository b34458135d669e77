package job_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the zones are the same on every machine

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// crash leaves a job running in the store, as a killed process does.
func crash(r *rig) string {
	r.t.Helper()
	started := make(chan struct{})
	r.register("mail", func(ctx context.Context, _ job.Job) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}, job.Policy{})
	r.start()
	id := r.enqueue(job.Job{Kind: "mail"}).ID
	<-started
	return id
}

func TestRunningJobsOfACrashRunAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := crash(r)
	// The next process starts while the last one's job still counts as running.
	r.q = r.queue()
	got := make(chan job.Job, 1)
	r.register("mail", func(_ context.Context, j job.Job) error { got <- j; return nil }, job.Policy{})
	r.start()
	if j := <-got; j.ID != id || j.Attempt != 2 || j.Failures != 0 {
		t.Errorf("after the crash: %+v", j)
	}
	r.awaitState(id, job.StateDone)
}

func TestStopParksWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.Grace = time.Minute })
	id := crash(r)
	before := r.clk.Waiters()
	stopped := make(chan error, 1)
	go func() { stopped <- r.q.Stop(t.Context()) }()
	waitFor(t, func() bool { return r.clk.Waiters() > before })
	r.clk.Advance(time.Minute)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if j := r.get(id); j.State != job.StateParked || j.Failures != 0 || j.Attempt != 1 {
		t.Errorf("after the stop: %+v", j)
	}
	r.q = r.queue()
	r.register("mail", nothing, job.Policy{})
	r.start()
	if j := r.awaitState(id, job.StateDone); j.Attempt != 2 {
		t.Errorf("after the restart: %+v", j)
	}
}

func TestStopLetsHandlersFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	started, leave := make(chan struct{}), make(chan struct{})
	r.register("mail", func(ctx context.Context, _ job.Job) error {
		close(started)
		<-leave
		return ctx.Err()
	}, job.Policy{})
	r.start()
	id := r.enqueue(job.Job{Kind: "mail"}).ID
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- r.q.Stop(t.Context()) }()
	close(leave)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if j := r.get(id); j.State != job.StateDone {
		t.Errorf("after the stop: %+v", j)
	}
	late := r.enqueue(job.Job{Kind: "mail"})
	r.stop()
	if j := r.get(late.ID); j.State != job.StateReady {
		t.Errorf("enqueued after the stop: %+v", j)
	}
}

func TestStopEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.Grace = time.Hour })
	id := crash(r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.q.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if j := r.get(id); j.State != job.StateParked {
		t.Errorf("after the stop: %+v", j)
	}
}

func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.stop()
	if err := r.q.Start(t.Context()); err == nil {
		t.Error("a stopped queue starts")
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.register("mail", nothing, job.Policy{})
	for reason, err := range map[string]error{
		"a kind has one handler": r.q.Register("mail", nothing, job.Policy{}),
		"a kind has a name":      r.q.Register("", nothing, job.Policy{}),
		"a kind has a handler":   r.q.Register("fax", nil, job.Policy{}),
	} {
		if !fault.Is(err, fault.ClassInternal) {
			t.Errorf("%s: got %v", reason, err)
		}
	}
	r.start()
	if err := r.q.Register("late", nothing, job.Policy{}); err == nil {
		t.Error("kinds are fixed by Start")
	}
	if _, err := job.New(job.Config{}); err == nil {
		t.Error("a queue without a store is made")
	}
}

func TestDuplicateIDIsAConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(job.Job{ID: "one", Kind: "mail"})
	err := r.st.Update(t.Context(), func(tx store.Tx) error {
		_, err := r.q.Enqueue(tx, job.Job{ID: "one", Kind: "mail"})
		return err
	})
	if !fault.Is(err, fault.ClassConflict) {
		t.Errorf("got %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 5 {
		r.enqueue(job.Job{ID: fmt.Sprint("a", i), Kind: "fax", OrgID: "a"})
		r.clk.Advance(time.Second)
	}
	r.enqueue(job.Job{ID: "b0", Kind: "fax", OrgID: "b"})
	cases := map[string]struct {
		reason string
		filter job.Filter
		want   string
	}{
		"All":      {"everything, newest first", job.Filter{}, "b0 a4 a3 a2 a1 a0"},
		"Org":      {"one org's, newest first", job.Filter{OrgID: "a"}, "a4 a3 a2 a1 a0"},
		"State":    {"one state's, newest first", job.Filter{State: job.StateReady}, "b0 a4 a3 a2 a1 a0"},
		"Both":     {"one org's of one state", job.Filter{OrgID: "b", State: job.StateReady}, "b0"},
		"NoneOrg":  {"a foreign org sees nothing", job.Filter{OrgID: "c"}, ""},
		"NoneBoth": {"a state that none is in", job.Filter{OrgID: "a", State: job.StateDead}, ""},
	}
	for name, tc := range cases {
		tc.filter.Limit = 2
		if got := listAll(t, r, tc.filter); got != tc.want {
			t.Errorf("%s: %s: got %q, want %q", name, tc.reason, got, tc.want)
		}
	}
}

func listAll(t *testing.T, r *rig, f job.Filter) string {
	t.Helper()
	var ids []string
	for {
		var p job.Page
		err := r.st.View(t.Context(), func(rd store.Reader) (err error) {
			p, err = r.q.List(rd, f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range p.Items {
			ids = append(ids, j.ID)
		}
		if f.Cursor = p.Next; f.Cursor == "" {
			return strings.Join(ids, " ")
		}
	}
}

func TestDoneJobsAreTrimmed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.KeepDone = time.Hour })
	r.register("mail", nothing, job.Policy{})
	r.start()
	old := r.enqueue(job.Job{Kind: "mail"})
	r.awaitState(old.ID, job.StateDone)
	waitFor(t, func() bool { return r.clk.Waiters() > 0 })
	r.clk.Advance(61 * time.Minute)
	waitFor(t, func() bool {
		return r.st.View(t.Context(), func(rd store.Reader) error { _, err := r.q.Get(rd, old.ID); return err }) != nil
	})
}

func TestDoneJobsAreDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *job.Config) { c.KeepDone = -1 })
	r.register("mail", nothing, job.Policy{})
	r.start()
	id := r.enqueue(job.Job{Kind: "mail"}).ID
	waitFor(t, func() bool {
		return r.st.View(t.Context(), func(rd store.Reader) error { _, err := r.q.Get(rd, id); return err }) != nil
	})
}

// dues collects the due times a schedule ran for.
type dues struct {
	mu  sync.Mutex
	got []string
}

func (d *dues) run(_ context.Context, due time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, due.Format("02T15:04"))
	return nil
}

func (d *dues) seen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.got, " ")
}

func TestScheduleRunsOncePerDueTime(t *testing.T) {
	t.Parallel()
	r, d := newRig(t), &dues{}
	schedule := func() {
		if err := r.q.Schedule("settle", job.Daily(4, 0, time.UTC), d.run, job.Policy{}); err != nil {
			t.Fatal(err)
		}
	}
	schedule()
	r.start()
	step := func(to string, want string) {
		t.Helper()
		waitFor(t, func() bool { return r.clk.Waiters() > 0 })
		at, err := time.Parse("2006-01-02T15:04", "2026-01-"+to)
		if err != nil {
			t.Fatal(err)
		}
		r.clk.Set(at)
		waitFor(t, func() bool { return d.seen() == want })
	}
	step("02T04:00", "02T04:00")
	step("03T04:10", "02T04:00 03T04:00")
	r.stop()
	// Three days pass while nothing runs: one run, for the latest.
	r.clk.Set(time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC))
	r.q = r.queue()
	schedule()
	r.start()
	step("06T12:00", "02T04:00 03T04:00 06T04:00")
	r.stop()
	r.q = r.queue()
	schedule()
	r.start()
	step("07T04:00", "02T04:00 03T04:00 06T04:00 07T04:00")
}

func TestScheduleComesNearerAgain(t *testing.T) {
	t.Parallel()
	r, d := newRig(t), &dues{}
	begin := func(at time.Time, every job.Schedule) {
		t.Helper()
		r.clk = clock.NewFake(at)
		r.q = r.queue()
		if err := r.q.Schedule("settle", every, d.run, job.Policy{}); err != nil {
			t.Fatal(err)
		}
		r.start()
		waitFor(t, func() bool { return r.clk.Waiters() > 0 })
	}
	day := func(n, hour int) time.Time { return time.Date(2026, 1, n, hour, 0, 0, 0, time.UTC) }
	begin(day(300, 12), job.Every(time.Hour)) // the clock is ten months ahead
	r.stop()
	begin(day(2, 12), job.Every(time.Hour))
	r.clk.Set(day(2, 13))
	waitFor(t, func() bool { return d.seen() == "02T13:00" })
	r.stop()
	begin(day(2, 13), job.Daily(23, 0, time.UTC))
	r.stop()
	begin(day(3, 1), job.Daily(2, 0, time.UTC)) // another hour from now on
	r.clk.Set(day(3, 2))
	waitFor(t, func() bool { return strings.HasSuffix(d.seen(), " 03T02:00") })
	r.stop()
}

func TestDaily(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		at     time.Time
		zone   *time.Location
		want   string
	}{
		"Later today": {"the hour is still to come", time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), time.UTC, "2026-01-02T04:30:00Z"},
		"Tomorrow":    {"the hour has passed", time.Date(2026, 1, 2, 5, 0, 0, 0, time.UTC), time.UTC, "2026-01-03T04:30:00Z"},
		"Exactly":     {"the next one is strictly after", time.Date(2026, 1, 2, 4, 30, 0, 0, time.UTC), time.UTC, "2026-01-03T04:30:00Z"},
		"Zone":        {"the hour is the zone's", time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), berlin, "2026-01-02T03:30:00Z"},
		"Summer time": {"the clocks go forward on 29 March", time.Date(2026, 3, 28, 4, 0, 0, 0, time.UTC), berlin, "2026-03-29T02:30:00Z"},
		"Month's end": {"the day after the last is the first", time.Date(2026, 1, 31, 5, 0, 0, 0, time.UTC), time.UTC, "2026-02-01T04:30:00Z"},
	}
	for name, tc := range cases {
		if got := job.Daily(4, 30, tc.zone)(tc.at).Format(time.RFC3339); got != tc.want {
			t.Errorf("%s: %s: got %s, want %s", name, tc.reason, got, tc.want)
		}
	}
}

func TestDailyIsOncePerDay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, hour := range []int{0, 1, 2, 3, 23} {
			at, seen := time.Date(2026, 1, 1, 0, 0, 0, 0, zone), map[string]int{}
			for range 364 {
				at = job.Daily(hour, 30, zone)(at)
				seen[at.In(zone).Format(time.DateOnly)]++
			}
			for day, n := range seen {
				if n != 1 {
					t.Errorf("%s: %s has %d due times at %d:30", name, day, n, hour)
				}
			}
		}
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	if got := job.Every(time.Hour)(epoch); !got.Equal(time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v", got)
	}
}

func TestExponential(t *testing.T) {
	t.Parallel()
	b := job.Exponential(time.Second, time.Minute)
	for n, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1 << 30: time.Minute} {
		if got := b(n); got != want {
			t.Errorf("after failure %d: %v, want %v", n, got, want)
		}
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	begin := func(r *rig) job.Job {
		var j job.Job
		err := r.st.Update(t.Context(), func(tx store.Tx) (err error) {
			j, err = r.q.Begin(tx, job.Job{Kind: "work"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	r := newRig(t, func(c *job.Config) { c.Workers = 1 })
	enter, leave := make(chan job.Job, 4), make(chan struct{})
	r.register("work", func(_ context.Context, j job.Job) error {
		enter <- j
		<-leave
		return nil
	}, job.Policy{})
	if j := begin(r); j.State != job.StateReady {
		t.Errorf("before the start, a job is %s: nobody could run it", j.State)
	}
	r.start()
	first := <-enter
	second := begin(r)
	if second.State != job.StateReady || second.Attempt != 0 {
		t.Errorf("while the only worker is busy, a job is %s", second.State)
	}
	close(leave)
	<-enter
	for _, id := range []string{first.ID, second.ID} {
		r.await(id, "done", func(j job.Job) bool { return j.State == job.StateDone })
	}
	third := begin(r)
	for third.State != job.StateRunning { // the worker of the one before has not let go yet
		<-enter
		r.await(third.ID, "done", func(j job.Job) bool { return j.State == job.StateDone })
		third = begin(r)
	}
	if got := <-enter; third.Attempt != 1 || got.ID != third.ID || got.Attempt != 1 {
		t.Errorf("with a free worker, a job is begun at attempt %d, its handler runs attempt %d of %q", third.Attempt, got.Attempt, got.ID)
	}
	r.await(third.ID, "done", func(j job.Job) bool { return j.State == job.StateDone })
}
