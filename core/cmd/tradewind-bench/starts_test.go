package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStartsAreComparedWithTheirKind(t *testing.T) {
	t.Parallel()
	many, one := &timing{first: []float64{80, 100, 120}, again: []float64{45}}, &timing{first: []float64{25}, again: []float64{9}}
	bareMany, bareOne := &timing{first: []float64{90}}, &timing{first: []float64{30, 60}}
	for name, tc := range map[string]struct {
		cpus   int
		floor  float64
		reason string
	}{
		"fewer CPUs": {2, 4, "each CPU has four starts to do, one after another"},
		"an odd lot": {3, 2.667, "the rest is shared"},
		"more CPUs":  {32, 1, "a start is not faster for having company"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]float64{
				"one_ms": 25, "ratio_to_one": 4, "again_ms": 45, "again_one_ms": 9, "again_ratio": 1,
				"bare_ms": 90, "bare_ratio_to_one": 2, "floor": tc.floor,
			}
			if diff := cmp.Diff(want, startDetails(many, one, bareMany, bareOne, tc.cpus)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}
