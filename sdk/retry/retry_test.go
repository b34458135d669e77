package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/retry"
)

// script fails with each error in turn and then succeeds.
func script(calls *int, errs ...error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		*calls++
		if *calls <= len(errs) {
			return "", errs[*calls-1]
		}
		return "done", nil
	}
}

func exact(d time.Duration) time.Duration { return d }

func TestRetries(t *testing.T) {
	t.Parallel()
	down, slow := fault.Unavailable("down"), fault.Throttled(3*time.Second, "slow")
	for name, tc := range map[string]struct {
		change bool
		errs   []error
		calls  int
		took   time.Duration
		reason string
	}{
		"success":              {calls: 1, reason: "nothing to repeat"},
		"read passes":          {errs: []error{down, down}, calls: 3, took: 3 * time.Second, reason: "pauses of 1 s and 2 s"},
		"read gives up":        {errs: []error{down, down, down, down, down}, calls: 4, took: 7 * time.Second, reason: "four attempts"},
		"asked pause":          {errs: []error{slow}, calls: 2, took: 3 * time.Second, reason: "RetryAfter is longer than the own pause"},
		"asked too long":       {errs: []error{fault.Throttled(time.Hour, "slow")}, calls: 1, reason: "RetryAfter is beyond the policy"},
		"read for good":        {errs: []error{fault.NotFound("x", "1")}, calls: 1, reason: "a missing thing stays missing"},
		"no fault":             {errs: []error{errors.New("odd")}, calls: 1, reason: "nobody vouched for it"},
		"unknown read":         {errs: []error{fault.Unknown(nil, "lost")}, calls: 1, reason: "an unknown outcome is never repeated"},
		"change throttled":     {change: true, errs: []error{slow}, calls: 2, took: 3 * time.Second, reason: "the cloud did nothing"},
		"change unavailable":   {change: true, errs: []error{down}, calls: 1, reason: "the core decides"},
		"change unknown":       {change: true, errs: []error{fault.Unknown(nil, "lost")}, calls: 1, reason: "an unknown outcome is never repeated"},
		"change out of stock":  {change: true, errs: []error{fault.New(fault.ClassOutOfStock, "none")}, calls: 1, reason: "it passes, but not soon"},
		"throttled but doubt":  {change: true, errs: []error{&fault.Error{Class: fault.ClassThrottled, Outcome: fault.OutcomeUnknown}}, calls: 1, reason: "the outcome counts, not the class"},
		"throttled then fatal": {errs: []error{slow, fault.Forbidden("no")}, calls: 2, took: 3 * time.Second, reason: "the second error is final"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				do, calls, begin := retry.Read[string], 0, time.Now()
				if tc.change {
					do = retry.Change[string]
				}
				_, err := do(t.Context(), retry.Policy{Base: time.Second, Jitter: exact}, script(&calls, tc.errs...))
				if calls != tc.calls || time.Since(begin) != tc.took {
					t.Errorf("%d calls in %v (%v); want %d in %v: %s", calls, time.Since(begin), err, tc.calls, tc.took, tc.reason)
				}
			})
		})
	}
}

func TestNoPauseBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		calls, begin := 0, time.Now()
		_, err := retry.Read(ctx, retry.Policy{Base: time.Second, Jitter: exact}, script(&calls, fault.Unavailable("down")))
		if calls != 1 || time.Since(begin) != 0 || !fault.Is(err, fault.ClassUnavailable) {
			t.Errorf("%d calls in %v, %v; want the first error at once", calls, time.Since(begin), err)
		}
	})
}

func ExampleRead() {
	calls := 0
	answer, err := retry.Read(context.Background(), retry.Policy{Base: time.Millisecond}, func(context.Context) (string, error) {
		if calls++; calls == 1 {
			return "", fault.Unavailable("try again")
		}
		return "here", nil
	})
	fmt.Println(answer, err, calls)
	// Output: here <nil> 2
}
