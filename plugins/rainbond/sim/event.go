package sim

import (
	"time"
)

// event is one thing that happened to a component.
type event struct {
	ID      string    `json:"id"`
	Service string    `json:"service"`
	Type    string    `json:"type"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
}

// maxEvents is how many events an app keeps.
const maxEvents = 1000

// note adds an event that takes as long as it says.
func (c *Cloud) note(q *call, a *app, p *component, kind string, lasts time.Duration) {
	if a == nil {
		return
	}
	a.Events = append(a.Events, &event{ID: hexID("event", c.nextSeq()), Service: p.ID, Type: kind, Start: q.now, End: q.now.Add(lasts)})
	if n := len(a.Events) - maxEvents; n > 0 {
		a.Events = a.Events[n:]
	}
}

func (e *event) row(now time.Time) map[string]any {
	row := map[string]any{
		"event_id": e.ID, "target": "service", "target_id": e.Service, "opt_type": e.Type, "status": "", "final_status": "",
		"start_time": stamp(e.Start), "end_time": "", "message": "",
	}
	if !now.Before(e.End) {
		row["status"], row["final_status"], row["end_time"] = "success", "complete", stamp(e.End)
	}
	return row
}

// listEvents gives the newest first.
func listEvents(_ *Cloud, q *call) (any, *apiError) {
	all := []map[string]any{}
	for i := len(q.app.Events) - 1; i >= 0; i-- {
		if e := q.app.Events[i]; e.Service == q.part.ID {
			all = append(all, e.row(q.now))
		}
	}
	rows, page, size, err := cut(q, all, "page_size")
	return map[string]any{"events": rows, "total": len(all), "page": page, "page_size": size}, err
}

func eventLog(c *Cloud, q *call) (any, *apiError) {
	for _, a := range c.state.Apps {
		if !q.mine(a) {
			continue
		}
		for _, e := range a.Events {
			if e.ID == q.vars["event"] {
				return map[string]any{"logs": e.lines(q.now)}, nil
			}
		}
	}
	return nil, notFound("事件不存在")
}

func (e *event) lines(now time.Time) []map[string]any {
	line := func(text string, at time.Time) map[string]any {
		return map[string]any{"message": text, "time": stamp(at), "utime": at.Unix()}
	}
	out := []map[string]any{line(e.Type+" begins", e.Start)}
	if !now.Before(e.End) {
		out = append(out, line(e.Type+" is complete", e.End))
	}
	return out
}
