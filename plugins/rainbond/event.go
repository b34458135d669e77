package main

import (
	"context"
	"net/url"
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// EventsInput asks for one page of a component's events, the newest first.
type EventsInput struct {
	PartInput
	PageInput
}

// PageInput asks for one page, the newest first.
type PageInput struct {
	Page int `json:"page,omitempty" min:"1" max:"10000" title:"Page"`
	Size int `json:"page_size,omitempty" min:"1" max:"100" title:"Rows of a page" doc:"Left out: 20"`
}

// Event is something that happened to a component.
type Event struct {
	ID      string `json:"event_id" title:"Event"`
	What    string `json:"opt_type" title:"What was done"`
	Status  string `json:"status,omitempty" title:"How it went"`
	End     string `json:"final_status,omitempty" title:"How it ended"`
	Began   string `json:"start_time,omitempty" title:"From" doc:"By the console's clock"`
	Ended   string `json:"end_time,omitempty" title:"To" doc:"By the console's clock"`
	Message string `json:"message,omitempty" title:"Message"`
}

// Events are one page.
type Events struct {
	Events []Event `json:"events" title:"Events"`
	Total  int     `json:"total" title:"Number of all"`
}

func (c *cloud) events(ctx context.Context, n int64, part string, number, size int) (Events, error) {
	query := url.Values{"page": {strconv.Itoa(number)}, "page_size": {strconv.Itoa(size)}}
	out, err := read[Events](ctx, c, c.inApp(n, "services", part, "events"), query)
	if out.Events == nil {
		out.Events = []Event{}
	}
	return out, err
}

func (h apps) events(ctx context.Context, req provider.TypedAction[EventsInput]) (provider.ActionResult[Events], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[Events]{}, err
	}
	size := req.Input.Size
	if size == 0 {
		size = 20
	}
	out, err := c.events(ctx, n, req.Input.ServiceID, max(req.Input.Page, 1), size)
	return provider.ActionResult[Events]{Output: out}, err
}

// EventInput names an event of a component.
type EventInput struct {
	PartInput
	EventRef
}

// EventRef names an event.
type EventRef struct {
	EventID string `json:"event_id" required:"true" min:"1" max:"64" title:"Event"`
}

// Line is one line of a log.
type Line struct {
	Message string `json:"message" title:"Line"`
	Time    string `json:"time,omitempty" title:"Time"`
}

// EventLog is what the console wrote of an event.
type EventLog struct {
	Lines []Line `json:"logs" title:"Lines"`
}

// mostEventPages bounds the search for an event.
const mostEventPages = 20

// eventLog reads the log of an event. The console finds events of the whole
// team by their id, so this one must be the component's own.
func (h apps) eventLog(ctx context.Context, req provider.TypedAction[EventInput]) (provider.ActionResult[EventLog], error) {
	var out provider.ActionResult[EventLog]
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	found := false
	fetch := func(ctx context.Context, offset, limit int) ([]Event, int, error) {
		got, err := c.events(ctx, n, in.ServiceID, offset/limit+1, limit)
		return got.Events, got.Total, err
	}
	err = page.ByOffset(ctx, page.Options{Size: pageSize, MaxPages: mostEventPages}, fetch, func(e Event) string { return e.ID }, func(e Event) error {
		found = found || e.ID == in.EventID
		return nil
	})
	switch {
	case err != nil && !found:
		return out, err
	case !found:
		return out, fault.NotFound("event", in.EventID)
	}
	out.Output, err = read[EventLog](ctx, c, c.inRegion("events", in.EventID, "logs"), nil)
	if out.Output.Lines == nil {
		out.Output.Lines = []Line{}
	}
	return out, err
}
