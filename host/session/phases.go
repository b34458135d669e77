package session

import (
	"fmt"
	"strings"
	"time"
)

// Phase is how far a start has come.
type Phase string

// The phases, in order.
const (
	PhaseVerify    Phase = "verify"    // checking the binary
	PhaseExec      Phase = "exec"      // starting the process
	PhaseHandshake Phase = "handshake" // reading its first line
	PhaseDial      Phase = "dial"      // connecting to its socket
	PhaseDescribe  Phase = "describe"  // comparing it with its manifest
)

// PhaseTime is how long a phase took, or has taken when it failed.
type PhaseTime struct {
	Phase Phase
	Took  time.Duration
}

// stopwatch times the phases of a start. One goroutine uses it.
type stopwatch struct {
	since time.Time
	done  []PhaseTime
}

func newStopwatch() *stopwatch { return &stopwatch{since: time.Now()} }

// lap ends a phase now.
func (w *stopwatch) lap(p Phase) {
	now := time.Now()
	w.done = append(w.done, PhaseTime{p, now.Sub(w.since)})
	w.since = now
}

// split ends a phase that took so long, and leaves the rest to the next one.
func (w *stopwatch) split(p Phase, took time.Duration) {
	w.done = append(w.done, PhaseTime{p, took})
	w.since = w.since.Add(took)
}

func timesText(times []PhaseTime) string {
	parts := make([]string, len(times))
	for i, t := range times {
		parts[i] = fmt.Sprintf("%s %s", t.Phase, t.Took.Round(100*time.Microsecond))
	}
	return strings.Join(parts, ", ")
}

// StartError tells why a plugin did not come up.
type StartError struct {
	Phase   Phase
	Times   []PhaseTime // of all phases up to this one
	Message string      // the cause in words, secrets masked
	Report  string      // how the process ended and its last output, secrets masked
	Err     error       // the cause; its text may hold what the plugin printed
}

// Error names the phase, the cause, the times and the report.
func (e *StartError) Error() string {
	text := fmt.Sprintf("start failed in phase %s: %s", e.Phase, e.Message)
	if len(e.Times) > 0 {
		text += " (" + timesText(e.Times) + ")"
	}
	if e.Report != "" {
		text += "; process " + e.Report
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }
