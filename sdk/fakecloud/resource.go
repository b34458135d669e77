package fakecloud

import (
	"encoding/json"
	"time"
)

// Resource is one resource as the API shows it.
type Resource struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind"`
	Name        string          `json:"name"`
	Region      string          `json:"region"`
	Status      string          `json:"status"`
	ClientToken string          `json:"client_token,omitempty"`
	Spec        json.RawMessage `json:"spec"`
	Created     time.Time       `json:"created"`
}

// resource is one resource with what is still to happen to it and what
// readers may still see instead.
type resource struct {
	seq   int
	state *Resource // nil: gone
	steps []step    // the future, earliest first

	// before is what lagging reads show: nil means that there was nothing.
	before     *Resource
	lagging    bool
	staleReads int
	staleUntil time.Time
}

// step is one change of status that time brings.
type step struct {
	at     time.Time
	status string
	gone   bool
}

// now lets time pass and returns what the resource truly is, nil when gone.
func (r *resource) now(t time.Time) *Resource {
	for len(r.steps) > 0 && !r.steps[0].at.After(t) && r.state != nil {
		next := r.steps[0]
		r.steps = r.steps[1:]
		if next.gone {
			r.state = nil
			break
		}
		v := *r.state
		v.Status = next.status
		r.state = &v
	}
	return r.state
}

// seen is what one read shows: the truth, or what was before while the read lags.
func (r *resource) seen(t time.Time) *Resource {
	truth := r.now(t)
	if !r.lagging {
		return truth
	}
	if r.staleReads > 0 {
		r.staleReads--
		return r.before
	}
	if t.Before(r.staleUntil) {
		return r.before
	}
	r.lagging, r.before = false, nil
	return truth
}

// moving reports whether a change is still under way.
func (r *resource) moving(t time.Time) bool { return r.now(t) != nil && len(r.steps) > 0 }

// change replaces the state at t and plans what follows; until the lag of s
// is over, reads show what was before.
func (r *resource) change(t time.Time, s Switches, to *Resource, after ...step) {
	if !r.lagging && (s.LagReads > 0 || s.LagTime > 0) {
		r.before, r.lagging = r.state, true
	}
	r.staleReads, r.staleUntil = s.LagReads, t.Add(s.LagTime)
	r.state, r.steps = to, after
	r.now(t)
}

// with returns a copy of v in another status.
func (v *Resource) with(status string) *Resource {
	c := *v
	c.Status = status
	return &c
}
