package field_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/field"
	"tradewind.example/sdk/fault"
)

func TestText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason, text string
		least        int
		want         string
	}{
		"Good":     {reason: "a text that fits", text: "harbour", least: 1},
		"Optional": {reason: "an absent text that may be absent", text: ""},
		"Longest":  {reason: "characters count, not bytes", text: strings.Repeat("港", 8)},
		"Absent":   {reason: "an absent text that is wanted", text: "", least: 1, want: "is required"},
		"Short":    {reason: "too few characters", text: "ab", least: 3, want: "must have at least 3 characters"},
		"Long":     {reason: "too many characters", text: strings.Repeat("x", 9), want: "must have at most 8 characters"},
		"Bytes":    {reason: "no text at all", text: "a\xff", want: "must be valid UTF-8"},
		"Control":  {reason: "a text that could forge a line of a log", text: "a\nb", want: "must not have control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p field.Problems
			p.Text("name", tc.text, tc.least, 8)
			var want field.Problems
			if tc.want != "" {
				want = field.Problems{{Path: "name", Message: tc.want}}
			}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	var p field.Problems
	if err := p.Err(); err != nil {
		t.Errorf("nothing is wrong, got %v", err)
	}
	p.Add("a", "must be %d", 1)
	p.Add("b", "must be absent")
	want := []fault.Field{{Path: "a", Message: "must be 1"}, {Path: "b", Message: "must be absent"}}
	err := p.Err()
	if diff := cmp.Diff(want, fault.As(err).Fields); diff != "" || !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("all wrong fields in one invalid fault, got %v (-want +got):\n%s", err, diff)
	}
}
