package rollout_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/rollout"
)

var errBroken = errors.New("broken")

// plan is a rollout that notes what was done and fails in one phase.
type plan struct {
	failing rollout.Phase
	skipped rollout.Phase
	done    []string
}

func (p *plan) step(phase rollout.Phase) rollout.Step {
	return rollout.Step{Phase: phase, Timeout: time.Minute, Do: func(ctx context.Context) (string, error) {
		p.done = append(p.done, string(phase))
		if _, bounded := ctx.Deadline(); !bounded {
			return "", errors.New("no deadline")
		}
		switch phase {
		case p.failing:
			return "", errBroken
		case p.skipped:
			return "", rollout.Skip("nothing is known")
		}
		return "fine", nil
	}}
}

func (p *plan) rollout() *rollout.Rollout {
	cfg := rollout.Config{Change: rollout.Change{Plugin: "fake", From: "1", To: "2"}, Abandon: func(context.Context) { p.done = append(p.done, "abandon") }}
	for _, phase := range rollout.Phases() {
		switch phase {
		case rollout.PhaseDrain, rollout.PhaseStop:
			cfg.Tidy = append(cfg.Tidy, p.step(phase))
		case rollout.PhaseWatch:
		default:
			cfg.Gates = append(cfg.Gates, p.step(phase))
		}
	}
	return rollout.New(cfg)
}

// TestEveryGateKeepsTheOldVersion: whichever phase fails, nothing after it is
// done; up to the swap the change is abandoned, after it it stands.
func TestEveryGateKeepsTheOldVersion(t *testing.T) {
	t.Parallel()
	order := []string{"start", "describe", "validate", "health", "shadow", "swap", "drain", "stop"}
	for i, name := range order {
		p := &plan{failing: rollout.Phase(name)}
		r := p.rollout()
		err := r.Run(t.Context())
		want, state := append(append([]string{}, order[:i+1]...), "abandon"), rollout.StateFailed
		if i > 5 {
			want, state = order, rollout.StateSwapped
		}
		if diff := cmp.Diff(want, p.done); diff != "" {
			t.Errorf("%s fails (-want +got):\n%s", name, diff)
		}
		got := r.Progress()
		if got.State != state || got.Phases[i].Outcome != rollout.OutcomeFailed || got.Phases[i].Note != "broken" {
			t.Errorf("%s fails: progress is %+v", name, got)
		}
		var failed *rollout.Error
		if is := errors.As(err, &failed); is != (i <= 5) || is && (string(failed.Phase) != name || !errors.Is(err, errBroken)) {
			t.Errorf("%s fails: got %v", name, err)
		}
	}
}

func TestSkippedPhasesPass(t *testing.T) {
	t.Parallel()
	p := &plan{skipped: rollout.PhaseShadow}
	r := p.rollout()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.Progress()
	want := rollout.Record{Phase: rollout.PhaseShadow, Outcome: rollout.OutcomeSkipped, Note: "nothing is known"}
	shadow := got.Phases[4]
	shadow.Begin, shadow.End = time.Time{}, time.Time{}
	if shadow != want || got.State != rollout.StateSwapped || len(got.Phases) != 8 || got.Phases[7].End.IsZero() {
		t.Errorf("progress is %+v", got)
	}
}

// TestTidyingOutlivesTheCaller: a caller that leaves after the swap must not
// leave the old version behind.
func TestTidyingOutlivesTheCaller(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	tidy := errors.New("not called")
	r := rollout.New(rollout.Config{
		Gates: []rollout.Step{{Phase: rollout.PhaseSwap, Do: func(context.Context) (string, error) { leave(); return "", nil }}},
		Tidy:  []rollout.Step{{Phase: rollout.PhaseStop, Do: func(ctx context.Context) (string, error) { tidy = ctx.Err(); return "", nil }}},
	})
	if err := r.Run(ctx); err != nil || tidy != nil {
		t.Errorf("run: %v, the last step's context: %v", err, tidy)
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	type counts = rollout.Counts
	for name, tc := range map[string]struct {
		reason      string
		before, now counts
		worse       bool
	}{
		"Faultless":   {"no failure is never worse", counts{1000, 0}, counts{1000, 0}, false},
		"TooFew":      {"a few calls say nothing", counts{1000, 0}, counts{19, 19}, false},
		"Floor":       {"a few failures are accepted", counts{1000, 0}, counts{100, 5}, false},
		"AboveFloor":  {"more are not, with a faultless old version", counts{1000, 0}, counts{100, 6}, true},
		"NoOldCalls":  {"an old version without calls counts as faultless", counts{}, counts{20, 2}, true},
		"SameTrouble": {"a cloud that is down fails both", counts{100, 90}, counts{100, 95}, false},
		"Threefold":   {"exactly the ratio is accepted", counts{100, 10}, counts{100, 30}, false},
		"MoreThan":    {"more than it is not", counts{100, 10}, counts{100, 31}, true},
		"Better":      {"fewer failures are better", counts{100, 50}, counts{100, 10}, false},
	} {
		if got := (rollout.Policy{}).Worse(tc.before, tc.now); (got != "") != tc.worse {
			t.Errorf("%s: %s: got %q", name, tc.reason, got)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		sample func(n int64) (rollout.Counts, string)
		want   string
		after  time.Duration
	}{
		"KeepsUp": {"a good version is watched to the end", func(n int64) (rollout.Counts, string) { return rollout.Counts{Calls: 10 * n}, "" }, "", time.Minute},
		"GoesDown": {"a version that cannot serve needs no statistics", func(n int64) (rollout.Counts, string) {
			return rollout.Counts{}, map[bool]string{true: "quarantined"}[n == 5]
		}, "quarantined", 5 * time.Second},
		"Fails": {"a bad one is told as soon as enough calls say so", func(n int64) (rollout.Counts, string) { return rollout.Counts{Calls: 10 * n, Failures: n * 5}, "" },
			"10 of 20 calls failed, of the old version 0 of 7", 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, n := time.Now(), int64(0)
				got := rollout.Policy{Window: time.Minute}.Compare(t.Context(), rollout.Counts{Calls: 7}, func() (rollout.Counts, string) {
					n++
					return tc.sample(n)
				})
				if took := time.Since(begin); got != tc.want || took != tc.after {
					t.Errorf("%s: got %q after %s", tc.reason, got, took)
				}
			})
		})
	}
}

func TestWatchIsAPhase(t *testing.T) {
	t.Parallel()
	r := (&plan{}).rollout()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Watching()
	verdict := r.Watch(t.Context(), func(context.Context) string {
		if p := r.Progress(); p.State != rollout.StateWatching || p.Phases[8].Outcome != rollout.OutcomeRunning {
			t.Errorf("while watching: %+v", p)
		}
		return "bad"
	})
	r.Finish(rollout.StateRolledBack, verdict)
	if p := r.Progress(); p.State != rollout.StateRolledBack || p.Error != "bad" || p.Phases[8].Outcome != rollout.OutcomeFailed || p.End.IsZero() {
		t.Errorf("progress is %+v", p)
	}
}
