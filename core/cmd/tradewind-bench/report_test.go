package main

import (
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason        string
		values        []float64
		median, noise float64
	}{
		"None": {reason: "nothing measured is zero", values: nil},
		"One":  {reason: "one round has no noise", values: []float64{5}, median: 5},
		"Odd":  {reason: "the middle one counts, an outlier shows as noise", values: []float64{30, 10, 20}, median: 20, noise: 0.5},
		"Even": {reason: "between the middle two", values: []float64{10, 30}, median: 20, noise: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if median, noise := summary(tc.values); median != tc.median || noise != tc.noise {
				t.Errorf("%s: got %v and %v, want %v and %v", tc.reason, median, noise, tc.median, tc.noise)
			}
		})
	}
}

func TestOneMissedTargetFailsTheReport(t *testing.T) {
	t.Parallel()
	half := ratioAtLeast(0.5)
	r := newReport(config{})
	if f := r.add(figure{Name: "fast"}, []float64{60}, []float64{100}, &half); !*f.Pass || !r.Pass {
		t.Errorf("60 of 100 misses a half: %+v", f)
	}
	if f := r.add(figure{Name: "slow"}, []float64{40}, []float64{100}, &half); *f.Pass || r.Pass {
		t.Errorf("40 of 100 meets a half: %+v", f)
	}
	if f := r.add(figure{Name: "told"}, []float64{1}, nil, nil); f.Pass != nil {
		t.Errorf("a figure without a target is judged: %+v", f)
	}
}

func TestRateCountsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	got := rateOf([][]time.Duration{{3, 1}, {2, 4}}, 2*time.Second)
	if got.perSecond != 2 || got.p50 != 3 || got.p99 != 4 || got.count != 4 {
		t.Errorf("four answers in two seconds: %+v", got)
	}
}
