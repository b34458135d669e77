package sim

import "time"

// stateGone is the end of a deletion; a resource in it is removed when it wakes.
const stateGone = "deleted"

// life is a state with the states to come.
type life struct {
	State string `json:"state"`
	Steps []step `json:"steps,omitempty"`
}

// step is a state to come, due at unix milliseconds.
type step struct {
	State string `json:"state"`
	At    int64  `json:"at"`
}

// become sets a state and the states that follow, one transition apart, and
// returns when the last one is reached.
func (l *life) become(now time.Time, each time.Duration, state string, next ...string) time.Time {
	l.State, l.Steps = state, nil
	end := now
	for _, s := range next {
		end = end.Add(each)
		l.Steps = append(l.Steps, step{State: s, At: end.UnixMilli()})
	}
	l.at(now)
	return end
}

// at takes the steps that are due and returns the state.
func (l *life) at(now time.Time) string {
	for len(l.Steps) > 0 && l.Steps[0].At <= now.UnixMilli() {
		l.State, l.Steps = l.Steps[0].State, l.Steps[1:]
	}
	return l.State
}

// running tells whether a task is in progress.
func (l *life) running(now time.Time) bool {
	l.at(now)
	return len(l.Steps) > 0
}

// iso is how the API writes times: UTC, seconds.
func iso(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}
