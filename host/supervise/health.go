package supervise

import (
	"errors"
	"time"
)

// Level is what is known of one level of a plugin's health.
type Level string

// The levels' values.
const (
	LevelUnknown Level = "unknown" // the level below it failed, or nobody asked yet
	LevelOK      Level = "ok"
	LevelFailed  Level = "failed"
)

// Health tells the three levels apart: a process may live without answering,
// and answer that it cannot serve. Each level means something only when the one
// before it is ok.
type Health struct {
	Process    Level     // it lives
	Connection Level     // it can be dialled and answers
	Provider   Level     // it says that it is well
	At         time.Time // when this was found out
	Detail     string    // why a level failed
}

// gone is the health of what does not run.
func gone(now time.Time, detail string) Health {
	return Health{Process: LevelFailed, Connection: LevelUnknown, Provider: LevelUnknown, At: now, Detail: detail}
}

// well is the health of what answered well.
func well(now time.Time) Health {
	return Health{Process: LevelOK, Connection: LevelOK, Provider: LevelOK, At: now}
}

// unwell is the health of a living process whose probe returned err.
func unwell(now time.Time, err error) Health {
	h := Health{Process: LevelOK, Connection: LevelOK, Provider: LevelFailed, At: now, Detail: err.Error()}
	if errors.Is(err, ErrNoAnswer) {
		h.Connection, h.Provider = LevelFailed, LevelUnknown
	}
	return h
}

// examined notes what a probe of the living process said.
func (s *Supervisor[I]) examined(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); err != nil {
		s.status.Health = unwell(now, err)
	} else {
		s.status.Health = well(now)
	}
}

// healthIn returns the health of a plugin that has just come into a state.
// States in which the process lives on keep what the last probe said.
func healthIn(to State, last Health, now time.Time, reason string) Health {
	switch to {
	case StateReady, StateDegraded:
		if last.Process != LevelOK {
			return well(now)
		}
		return last
	case StateDraining, StateStopping:
		return last
	}
	return gone(now, reason)
}
