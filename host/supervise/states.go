package supervise

import "slices"

// State is where a plugin stands.
type State string

// The states.
const (
	StateInstalled   State = "installed"   // known, never started
	StateStarting    State = "starting"    // being launched
	StateReady       State = "ready"       // serving
	StateDegraded    State = "degraded"    // serving, but the last probe failed
	StateBackingOff  State = "backing_off" // failed; will start again by itself
	StateDraining    State = "draining"    // finishing calls, takes no new ones
	StateStopping    State = "stopping"    // ending
	StateStopped     State = "stopped"     // ended on purpose
	StateQuarantined State = "quarantined" // failed too often; waits for a person
	StateDisabled    State = "disabled"    // must not start
)

// States lists all states.
func States() []State {
	return []State{
		StateInstalled, StateStarting, StateReady, StateDegraded, StateBackingOff,
		StateDraining, StateStopping, StateStopped, StateQuarantined, StateDisabled,
	}
}

// Serving reports whether calls go to the plugin in this state.
func (s State) Serving() bool { return s == StateReady || s == StateDegraded }

// Coming reports whether the plugin will serve soon without anyone's help.
func (s State) Coming() bool { return s == StateStarting || s == StateBackingOff }

// Event is what moves a plugin from one state to another.
type Event string

// The events.
const (
	EventStart       Event = "start"        // asked for
	EventStarted     Event = "started"      // the launch succeeded
	EventStartFailed Event = "start_failed" // the launch failed
	EventProbeFailed Event = "probe_failed" // it answers that it is unwell, or not yet often enough not at all
	EventProbeOK     Event = "probe_ok"     // it is well again
	EventDown        Event = "down"         // alive but not answering, or taking too much; it was killed
	EventExited      Event = "exited"       // the process ended by itself
	EventBudgetSpent Event = "budget_spent" // too many failures within the window
	EventRetry       Event = "retry"        // the backoff is over
	EventStop        Event = "stop"         // asked for
	EventDrained     Event = "drained"      // no calls are left, or their time is over
	EventEnded       Event = "ended"        // the process was ended
	EventResume      Event = "resume"       // asked for, out of quarantine
	EventDisable     Event = "disable"      // asked for
	EventEnable      Event = "enable"       // asked for
)

// Events lists all events.
func Events() []Event {
	return []Event{
		EventStart, EventStarted, EventStartFailed, EventProbeFailed, EventProbeOK, EventDown,
		EventExited, EventBudgetSpent, EventRetry, EventStop, EventDrained, EventEnded,
		EventResume, EventDisable, EventEnable,
	}
}

// edge is one allowed transition.
type edge struct {
	from  []State
	event Event
	to    State
}

// edges returns the whole state machine; what is not here cannot happen.
func edges() []edge {
	return []edge{
		{[]State{StateInstalled, StateStopped, StateBackingOff}, EventStart, StateStarting},
		{[]State{StateStarting}, EventStarted, StateReady},
		{[]State{StateStarting}, EventStartFailed, StateBackingOff},
		{[]State{StateReady}, EventProbeFailed, StateDegraded},
		{[]State{StateDegraded}, EventProbeOK, StateReady},
		{[]State{StateReady, StateDegraded}, EventDown, StateBackingOff},
		{[]State{StateReady, StateDegraded}, EventExited, StateBackingOff},
		{[]State{StateStarting, StateReady, StateDegraded}, EventBudgetSpent, StateQuarantined},
		{[]State{StateBackingOff}, EventRetry, StateStarting},
		{[]State{StateReady, StateDegraded}, EventStop, StateDraining},
		{[]State{StateStarting}, EventStop, StateStopping},
		{[]State{StateInstalled, StateBackingOff, StateQuarantined}, EventStop, StateStopped},
		{[]State{StateDraining}, EventDrained, StateStopping},
		{[]State{StateStopping}, EventEnded, StateStopped},
		{[]State{StateQuarantined}, EventResume, StateStarting},
		{[]State{StateInstalled, StateStopped, StateQuarantined}, EventDisable, StateDisabled},
		{[]State{StateDisabled}, EventEnable, StateStopped},
	}
}

// Next returns the state that event leads to from state; not ok when the event
// cannot happen there.
func Next(state State, event Event) (next State, ok bool) {
	for _, e := range edges() {
		if e.event == event && slices.Contains(e.from, state) {
			return e.to, true
		}
	}
	return state, false
}
