package sim

import "time"

// phase is one state from a moment on, in milliseconds of the cloud's clock.
type phase struct {
	At    int64  `json:"at"`
	State string `json:"state"`
}

// life is the past and the planned states of one object, in order of time.
// What is due is decided when somebody looks.
type life []phase

func born(now time.Time, state string) life { return life{{At: now.UnixMilli(), State: state}} }

// at is the state at a moment.
func (l life) at(now time.Time) string {
	state := ""
	for _, p := range l {
		if p.At > now.UnixMilli() {
			break
		}
		state = p.State
	}
	return state
}

// since is when the last state that is due began.
func (l life) since(now time.Time) time.Time {
	at := int64(0)
	for _, p := range l {
		if p.At > now.UnixMilli() {
			break
		}
		at = p.At
	}
	return time.UnixMilli(at).UTC()
}

// change enters a transient state now and a final one after d; what was
// planned before is forgotten.
func (l life) change(now time.Time, d time.Duration, transient, final string) life {
	return l.enter(now, transient).plan(now.Add(d), final)
}

// enter drops the past but for the present state, drops the plan, and enters a state.
func (l life) enter(now time.Time, state string) life {
	return life{{At: now.UnixMilli(), State: state}}
}

// plan adds a state that is entered later.
func (l life) plan(at time.Time, state string) life {
	return append(l, phase{At: at.UnixMilli(), State: state})
}
