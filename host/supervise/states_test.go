package supervise_test

import (
	"testing"

	"tradewind.example/host/supervise"
)

// TestTransitions walks every state with every event: what is not listed here
// must not happen.
func TestTransitions(t *testing.T) {
	t.Parallel()
	type step struct {
		from  supervise.State
		event supervise.Event
	}
	want := map[step]supervise.State{
		{"installed", "start"}: "starting", {"installed", "stop"}: "stopped", {"installed", "disable"}: "disabled",
		{"starting", "started"}: "ready", {"starting", "start_failed"}: "backing_off",
		{"starting", "budget_spent"}: "quarantined", {"starting", "stop"}: "stopping",
		{"ready", "probe_failed"}: "degraded", {"ready", "down"}: "backing_off", {"ready", "exited"}: "backing_off",
		{"ready", "budget_spent"}: "quarantined", {"ready", "stop"}: "draining",
		{"degraded", "probe_ok"}: "ready", {"degraded", "down"}: "backing_off", {"degraded", "exited"}: "backing_off",
		{"degraded", "budget_spent"}: "quarantined", {"degraded", "stop"}: "draining",
		{"backing_off", "retry"}: "starting", {"backing_off", "start"}: "starting", {"backing_off", "stop"}: "stopped",
		{"draining", "drained"}: "stopping", {"stopping", "ended"}: "stopped",
		{"stopped", "start"}: "starting", {"stopped", "disable"}: "disabled",
		{"quarantined", "resume"}: "starting", {"quarantined", "stop"}: "stopped", {"quarantined", "disable"}: "disabled",
		{"disabled", "enable"}: "stopped",
	}
	for _, from := range supervise.States() {
		for _, event := range supervise.Events() {
			got, ok := supervise.Next(from, event)
			to, allowed := want[step{from, event}]
			if ok != allowed || ok && got != to || !ok && got != from {
				t.Errorf("%s + %s: got %s, %t; want %s, %t", from, event, got, ok, to, allowed)
			}
		}
	}
}
