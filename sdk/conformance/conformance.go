// Package conformance is the suite that every plugin must pass: a list of
// rules, each of which proves one promise of the contract by calling the plugin
// as the broker would. Which rules apply follows from what the plugin declares
// and from what its author gives as a [Fixture]; what could not be proved is
// reported as skipped, with the reason.
//
// [Run] is for a test of the plugin's module, [Check] for any other program.
// Both walk the same list, against a provider in this process, a built binary
// or a connection. The suite is not a load test and not a host: it restarts
// nothing and guards nothing.
//
// Rules run one after another, because faults of the author's simulator
// concern the whole of it; a target must not be shared by two runs at once.
// Every run ends what it started and deletes the resources that it made.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// ruleTime is the longest one rule may take when [Options] do not say.
const ruleTime = 30 * time.Second

// Options say how to check. The zero value checks everything.
type Options struct {
	Only []string      // ids of the rules to check; empty: all
	Time time.Duration // the longest one rule may take; 0: 30 s
}

// Check checks target by all rules and reports what came out. The error tells
// that there is nothing to report, since the plugin cannot be started or
// described; broken rules are in the report.
func Check(ctx context.Context, target Target, o Options) (Report, error) {
	s, err := newSession(ctx, target)
	if err != nil {
		return Report{}, fmt.Errorf("starting the plugin: %w", err)
	}
	out := s.report()
	for _, r := range Rules() {
		if len(o.Only) == 0 || slices.Contains(o.Only, r.ID) {
			out.Results = append(out.Results, s.check(ctx, r, o.Time))
		}
	}
	return out, s.close()
}

// Run checks target, each rule as a subtest: what is broken fails it, what
// cannot be proved skips it. It returns the report, for writing it down.
func Run(t *testing.T, target Target) Report {
	t.Helper()
	s, err := newSession(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("ending the plugin: %v", err)
		}
	})
	out := s.report()
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			result := s.check(t.Context(), r, 0)
			out.Results = append(out.Results, result)
			switch result.Verdict {
			case Fail:
				t.Errorf("%s: %s", r.Title, result.Reason)
			case Skip:
				t.Skip(result.Reason)
			}
		})
	}
	return out
}

// check runs one rule, when the plugin and the fixture have what it needs.
func (s *session) check(ctx context.Context, r Rule, most time.Duration) Result {
	began := time.Now()
	out := Result{ID: r.ID, Title: r.Title, Capability: r.Capability(), Verdict: Pass}
	err := r.missing(s)
	if err == nil {
		if most <= 0 {
			most = ruleTime
		}
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		err = s.leave(ctx, r.run(ctx, s))
	}
	var skipped skip
	var without absent
	switch {
	case errors.As(err, &without):
		out.Verdict, out.Reason, out.Foreign = Skip, string(without), true
	case errors.As(err, &skipped):
		out.Verdict, out.Reason = Skip, string(skipped)
	case err != nil:
		out.Verdict, out.Reason = Fail, err.Error()
	}
	out.Took = time.Since(began)
	return out
}

// skip is the error of a rule that cannot be proved here: why.
type skip string

// Error returns the reason.
func (s skip) Error() string { return string(s) }

// absent is the error of a rule about something that the plugin does not offer.
type absent string

// Error tells what is not offered.
func (a absent) Error() string { return string(a) }
