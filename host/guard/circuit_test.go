package guard_test

import (
	"testing"

	"tradewind.example/host/guard"
)

// TestCircuit walks every state with every signal: what is not listed here must
// not happen.
func TestCircuit(t *testing.T) {
	t.Parallel()
	type step struct {
		from   guard.Circuit
		signal guard.Signal
	}
	want := map[step]guard.Circuit{
		{"closed", "trip"}: "open", {"closed", "reset"}: "closed",
		{"open", "cool"}: "half_open", {"open", "reset"}: "closed",
		{"half_open", "probe"}: "probing", {"half_open", "reset"}: "closed",
		{"probing", "served"}: "closed", {"probing", "failed"}: "open", {"probing", "undecided"}: "half_open", {"probing", "reset"}: "closed",
	}
	for _, from := range guard.Circuits() {
		for _, signal := range guard.Signals() {
			got, ok := guard.NextCircuit(from, signal)
			to, allowed := want[step{from, signal}]
			if ok != allowed || ok && got != to || !ok && got != from {
				t.Errorf("%s + %s: got %s, %t; want %s, %t", from, signal, got, ok, to, allowed)
			}
		}
	}
}
