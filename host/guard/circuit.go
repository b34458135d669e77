package guard

import "slices"

// Circuit is where a circuit breaker stands.
type Circuit string

// The states of a breaker.
const (
	CircuitClosed   Circuit = "closed"    // calls pass
	CircuitOpen     Circuit = "open"      // calls are refused until its time is over
	CircuitHalfOpen Circuit = "half_open" // the next call is let through as a probe
	CircuitProbing  Circuit = "probing"   // the probe is at work, other calls are refused
)

// Circuits lists all states.
func Circuits() []Circuit {
	return []Circuit{CircuitClosed, CircuitOpen, CircuitHalfOpen, CircuitProbing}
}

// Signal is what moves a breaker from one state to another.
type Signal string

// The signals.
const (
	SignalTrip      Signal = "trip"      // too many failures in a row
	SignalCool      Signal = "cool"      // the time of an open breaker is over
	SignalProbe     Signal = "probe"     // a call is let through
	SignalServed    Signal = "served"    // the probe was served
	SignalFailed    Signal = "failed"    // the probe was not
	SignalUndecided Signal = "undecided" // the probe ended without telling
	SignalReset     Signal = "reset"     // asked for
)

// Signals lists all signals.
func Signals() []Signal {
	return []Signal{SignalTrip, SignalCool, SignalProbe, SignalServed, SignalFailed, SignalUndecided, SignalReset}
}

// turn is one allowed transition.
type turn struct {
	from   []Circuit
	signal Signal
	to     Circuit
}

// turns returns the whole state machine; what is not here cannot happen.
func turns() []turn {
	return []turn{
		{[]Circuit{CircuitClosed}, SignalTrip, CircuitOpen},
		{[]Circuit{CircuitOpen}, SignalCool, CircuitHalfOpen},
		{[]Circuit{CircuitHalfOpen}, SignalProbe, CircuitProbing},
		{[]Circuit{CircuitProbing}, SignalServed, CircuitClosed},
		{[]Circuit{CircuitProbing}, SignalFailed, CircuitOpen},
		{[]Circuit{CircuitProbing}, SignalUndecided, CircuitHalfOpen},
		{Circuits(), SignalReset, CircuitClosed},
	}
}

// NextCircuit returns the state that a signal leads to; not ok when the signal
// cannot come in that state.
func NextCircuit(state Circuit, signal Signal) (next Circuit, ok bool) {
	for _, t := range turns() {
		if t.signal == signal && slices.Contains(t.from, state) {
			return t.to, true
		}
	}
	return state, false
}
