package host_test

import (
	"testing"
)

// TestRunsTellsWhetherAnybodyServes: a plugin that somebody has to start first
// does not run, whatever it is known to be.
func TestRunsTellsWhetherAnybodyServes(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	if !p.Runs() {
		t.Error("a serving plugin does not run")
	}
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if p.Runs() {
		t.Error("a stopped plugin runs")
	}
	if err := h.Restart(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if !p.Runs() {
		t.Error("a plugin that was started again does not run")
	}
}
