package wait_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wait"
)

var errBroken = errors.New("went to error")

func running(s string) (bool, error) {
	if s == "error" {
		return false, errBroken
	}
	return s == "running", nil
}

// states answers one state or error after the other, and the last for ever.
func states(answers ...any) func(context.Context) (string, error) {
	i := -1
	return func(context.Context) (string, error) {
		i = min(i+1, len(answers)-1)
		if err, ok := answers[i].(error); ok {
			return "", err
		}
		return fmt.Sprint(answers[i]), nil
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		poll   func(context.Context) (string, error)
		want   string
		took   time.Duration
		check  func(error) bool
		reason string
	}{
		"at once":   {states("running"), "running", 0, func(err error) bool { return err == nil }, "the first poll has no pause"},
		"later":     {states("starting", "starting", "running"), "running", 2 * time.Second, func(err error) bool { return err == nil }, "a poll each second"},
		"dead end":  {states("starting", "error"), "error", time.Second, func(err error) bool { return errors.Is(err, errBroken) }, "there is no way from error to running"},
		"hiccup":    {states("starting", fault.Unavailable("down"), "running"), "running", 2 * time.Second, func(err error) bool { return err == nil }, "a failed poll is repeated"},
		"throttled": {states(fault.Throttled(5*time.Second, "slow"), "running"), "running", 5 * time.Second, func(err error) bool { return err == nil }, "RetryAfter is obeyed"},
		"forbidden": {states(fault.Forbidden("no")), "", 0, func(err error) bool { return fault.Is(err, fault.ClassForbidden) }, "a refusal stays one"},
		"too long": {states("starting"), "starting", 10 * time.Second, func(err error) bool {
			return fault.Is(err, fault.ClassUnavailable) && fault.OutcomeOf(err) == fault.OutcomeUnknown
		}, "it may still come"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				got, err := wait.Until(t.Context(), wait.Config{Timeout: 10 * time.Second}, tc.poll, running)
				if got != tc.want || time.Since(begin) != tc.took || !tc.check(err) {
					t.Errorf("%q in %v, %v; want %q in %v: %s", got, time.Since(begin), err, tc.want, tc.took, tc.reason)
				}
			})
		})
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := wait.Until(ctx, wait.Config{}, states("starting"), running)
		if !errors.Is(err, context.DeadlineExceeded) || fault.OutcomeOf(err) != fault.OutcomeUnknown {
			t.Errorf("%v; want the context's end, outcome unknown", err)
		}
	})
}

func ExampleUntil() {
	state, err := wait.Until(context.Background(), wait.Config{Every: time.Millisecond},
		states("starting", "running"), func(s string) (bool, error) { return s == "running", nil })
	fmt.Println(state, err)
	// Output: running <nil>
}
