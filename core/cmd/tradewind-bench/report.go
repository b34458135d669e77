package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one measured thing.
type figure struct {
	Name  string  `json:"name"`
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	// Limit is what the bare library does, 0 when there is none.
	Limit float64 `json:"limit,omitempty"`
	Bare  string  `json:"limit_is,omitempty"`
	Ratio float64 `json:"ratio,omitempty"` // Value to Limit
	// Noise is half the distance of the lowest and the highest round from each
	// other, as a part of the median.
	Noise      float64 `json:"noise"`
	LimitNoise float64 `json:"limit_noise,omitempty"`
	Target     string  `json:"target,omitempty"`
	Pass       *bool   `json:"pass,omitempty"`

	Details map[string]float64 `json:"details,omitempty"`
}

// report is the whole run.
type report struct {
	Time    time.Time `json:"time"`
	Quick   bool      `json:"quick"`
	Go      string    `json:"go"`
	CPUs    int       `json:"cpus"`
	Seconds float64   `json:"seconds"`
	Pass    bool      `json:"pass"`
	Figures []figure  `json:"figures"`
}

func newReport(cfg config) *report {
	return &report{Time: time.Now().UTC(), Quick: cfg.quick, Go: runtime.Version(), CPUs: runtime.NumCPU(), Pass: true}
}

// target is what a figure must reach.
type target struct {
	text string
	met  func(figure) bool
}

func ratioAtLeast(r float64) target {
	return target{fmt.Sprintf("ratio >= %.2f", r), func(f figure) bool { return f.Ratio >= r }}
}

func atLeast(v float64) target {
	return target{fmt.Sprintf(">= %g", v), func(f figure) bool { return f.Value >= v }}
}

func atMost(v float64) target {
	return target{fmt.Sprintf("<= %g", v), func(f figure) bool { return f.Value <= v }}
}

func ratioAtMost(r float64) target {
	return target{fmt.Sprintf("ratio <= %.2f", r), func(f figure) bool { return f.Ratio <= r }}
}

// add completes a figure from its rounds and judges it; no target, no verdict.
func (r *report) add(f figure, values, limits []float64, t *target) figure {
	f.Value, f.Noise = summary(values)
	if len(limits) > 0 {
		f.Limit, f.LimitNoise = summary(limits)
		f.Ratio = round3(f.Value / f.Limit)
	}
	if t != nil {
		met := t.met(f)
		f.Target, f.Pass = t.text, &met
		r.Pass = r.Pass && met
	}
	r.Figures = append(r.Figures, f)
	return f
}

// summary is the median of the rounds and how far they lie apart.
func summary(values []float64) (median, noise float64) {
	if len(values) == 0 {
		return 0, 0
	}
	s := slices.Sorted(slices.Values(values))
	median = s[len(s)/2]
	if len(s)%2 == 0 {
		median = (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return round3(median), round3((s[len(s)-1] - s[0]) / 2 / median)
}

func round3(v float64) float64 {
	if math.Abs(v) >= 1000 {
		return math.Round(v)
	}
	return math.Round(v*1000) / 1000
}

func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the figures: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

func (r *report) print(w io.Writer) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tvalue\tnoise\tlimit\tnoise\tratio\ttarget\tmet")
	for _, f := range r.Figures {
		limit, limitNoise, ratio, met := "", "", "", ""
		if f.Limit != 0 {
			limit, limitNoise, ratio = fmt.Sprintf("%g", f.Limit), percent(f.LimitNoise), fmt.Sprintf("%.2f", f.Ratio)
		}
		if f.Pass != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*f.Pass]
		}
		fmt.Fprintf(t, "%s\t%g %s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.Value, f.Unit, percent(f.Noise), limit, limitNoise, ratio, f.Target, met)
	}
	_ = t.Flush() // printing to a broken pipe is nobody's loss
	fmt.Fprintf(w, "\n%.0f s on %d CPUs; noise is half the distance of the lowest and the highest round\n", r.Seconds, r.CPUs)
}

func percent(v float64) string { return fmt.Sprintf("±%.0f %%", v*100) }
