package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/fault"
)

var errPlain = errors.New("disk on fire")

func TestAs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		err     error
		class   fault.Class
		outcome fault.Outcome
	}{
		"Fault":    {reason: "a fault keeps its class", err: fault.NotFound("order", "7"), class: fault.ClassNotFound},
		"Wrapped":  {reason: "a class survives wrapping", err: fmt.Errorf("a: %w", fmt.Errorf("b: %w", fault.Conflict("taken"))), class: fault.ClassConflict},
		"Joined":   {reason: "a class survives joining", err: errors.Join(errPlain, fault.Precondition("stopped")), class: fault.ClassPrecondition},
		"Unknown":  {reason: "a lost answer is unavailable and may have happened", err: fault.Unknown(errPlain, "no answer"), class: fault.ClassUnavailable, outcome: fault.OutcomeUnknown},
		"Deadline": {reason: "a call that timed out may have happened", err: fmt.Errorf("calling: %w", context.DeadlineExceeded), class: fault.ClassUnavailable, outcome: fault.OutcomeUnknown},
		"Canceled": {reason: "so may one that was given up", err: context.Canceled, class: fault.ClassUnavailable, outcome: fault.OutcomeUnknown},
		"Plain":    {reason: "nobody vouches for any other error", err: errPlain, class: fault.ClassInternal, outcome: fault.OutcomeUnknown},
		"Over":     {reason: "a fault made of a time-out is what it says", err: fault.Throttled(time.Second, "slow down").With(context.DeadlineExceeded), class: fault.ClassThrottled},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.ClassOf(tc.err); got != tc.class {
				t.Errorf("%s: class %s, want %s", tc.reason, got, tc.class)
			}
			if got := fault.OutcomeOf(tc.err); got != tc.outcome {
				t.Errorf("%s: outcome %d, want %d", tc.reason, got, tc.outcome)
			}
			for _, c := range fault.Classes() {
				if fault.Is(tc.err, c) != (c == tc.class) {
					t.Errorf("%s: Is(%s) is %t", tc.reason, c, fault.Is(tc.err, c))
				}
			}
		})
	}
	if fault.As(nil) != nil || fault.ClassOf(nil) != 0 || fault.Is(nil, fault.ClassInternal) {
		t.Error("no error is some fault")
	}
}

func TestCausesStayInside(t *testing.T) {
	t.Parallel()
	err := fault.Internal(errPlain, "the books cannot be read")
	if !errors.Is(err, errPlain) {
		t.Error("operators cannot find the cause")
	}
	if text := err.Error(); strings.Contains(text, errPlain.Error()) {
		t.Errorf("users are shown the cause: %s", text)
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	first := fault.Unavailable("down")
	second := first.With(errPlain).From(fault.SourcePlugin).Cloud("8039", "req-1")
	if first.Cause != nil || first.Source != 0 || first.CloudCode != "" {
		t.Errorf("the first fault was changed: %+v", first)
	}
	if second.Source != fault.SourceCloud || second.CloudCode != "8039" || second.RequestID != "req-1" || second.Class != fault.ClassUnavailable {
		t.Errorf("the copy is %+v", second)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err  error
		want string
	}{
		"Message": {err: fault.Forbidden("ask %q", "ann"), want: `forbidden: ask "ann"`},
		"Field":   {err: fault.Invalid("spec.cores", "must be at most %d", 64), want: "invalid: the request is not valid; spec.cores: must be at most 64"},
		"Cloud":   {err: fault.New(fault.ClassQuota, "used up").Cloud("77", "r"), want: "quota: used up (cloud code 77)"},
		"Unknown": {err: fault.Unknown(nil, "no answer"), want: "unavailable: no answer [outcome unknown]"},
		"Foreign": {err: &fault.Error{Class: 99}, want: "class(99)"},
	}
	for name, tc := range cases {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if fault.InvalidFields(nil) != nil {
		t.Error("no wrong fields are a fault")
	}
}

func TestWordsAreWireWords(t *testing.T) {
	t.Parallel()
	// The order and the words travel: change neither, append only.
	want := []string{
		"invalid", "unauthenticated", "forbidden", "not_found", "conflict", "precondition", "throttled",
		"quota", "out_of_stock", "insufficient_balance", "unavailable", "unsupported", "internal",
	}
	for i, c := range fault.Classes() {
		if i >= len(want) || c.String() != want[i] || int(c) != i+1 {
			t.Errorf("class %d is %q", c, c)
		}
	}
	for s, want := range map[fault.Source]string{0: "", fault.SourceCore: "core", fault.SourceHost: "host", fault.SourcePlugin: "plugin", fault.SourceCloud: "cloud", 9: ""} {
		if s.String() != want {
			t.Errorf("source %d is %q, want %q", s, s, want)
		}
	}
}
