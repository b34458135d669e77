package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Window is a span of time to measure.
type Window struct {
	From string `json:"from,omitempty" max:"40" title:"From" doc:"Like 2026-01-02T15:04:05Z; empty is an hour before the end"`
	To   string `json:"to,omitempty" max:"40" title:"To" doc:"Empty is now"`
}

// span reads a window, in the cloud's own time.
func (w Window) span(now time.Time) (from, to string, err error) {
	end := now
	if w.To != "" {
		if end, err = time.Parse(time.RFC3339, w.To); err != nil {
			return "", "", fault.Invalid("input.to", "must be a time like 2026-01-02T15:04:05Z")
		}
	}
	start := end.Add(-time.Hour)
	if w.From != "" {
		if start, err = time.Parse(time.RFC3339, w.From); err != nil {
			return "", "", fault.Invalid("input.from", "must be a time like 2026-01-02T15:04:05Z")
		}
	}
	if !start.Before(end) {
		return "", "", fault.Invalid("input.from", "must be before the end")
	}
	return start.In(china()).Format(time.DateTime), end.In(china()).Format(time.DateTime), nil
}

// china is where the cloud's times are.
func china() *time.Location { return time.FixedZone("CST", 8*3600) }

// MetricsInput is what is to be measured of a server.
type MetricsInput struct {
	Window

	Metrics []string `json:"metrics,omitempty" max:"12" title:"Metrics" doc:"The cloud's words, like CpuUsage, MemoryUsage, Load, NetworkRate, DiskUsage, GpuUsage; none is the first two"`
}

// Series is one measure over time.
type Series struct {
	Name   string  `json:"name" title:"Measure"`
	Unit   string  `json:"unit,omitempty" title:"Unit"`
	Device string  `json:"device,omitempty" title:"Device"`
	Points []Point `json:"points" title:"Points"`
}

// Point is one value of a measure.
type Point struct {
	Time  time.Time        `json:"time" title:"Time"`
	Value provider.Decimal `json:"value" title:"Value"`
}

// Metrics are measures of a server.
type Metrics struct {
	Series []Series `json:"series" required:"true" title:"Measures"`
}

// metrics reads measures of a server.
func (h instances) metrics(ctx context.Context, req provider.TypedAction[MetricsInput]) (provider.ActionResult[Metrics], error) {
	out := provider.ActionResult[Metrics]{Output: Metrics{Series: []Series{}}}
	c, err := query(h.plugin, req)
	if err != nil {
		return out, err
	}
	from, to, err := req.Input.span(h.clock.Now())
	if err != nil {
		return out, err
	}
	names := req.Input.Metrics
	if len(names) == 0 {
		names = []string{"CpuUsage", "MemoryUsage"}
	}
	all, err := read[map[string]struct {
		Unit   string
		Device loose
		Time   []string
		Value  []json.Number
	}](ctx, c, post(ecs, "DescribeInstanceMonitor", object{"EcsId": req.ID, "StartTime": from, "EndTime": to, "Indicators": names}))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		row := all[name]
		s := Series{Name: name, Unit: row.Unit, Device: row.Device.text(), Points: []Point{}}
		for i := range min(len(row.Time), len(row.Value)) {
			s.Points = append(s.Points, Point{moment(row.Time[i]), provider.Decimal(row.Value[i])})
		}
		out.Output.Series = append(out.Output.Series, s)
	}
	return out, err
}

// FlowPoint is the traffic of one minute.
type FlowPoint struct {
	Time time.Time        `json:"time" title:"Time"`
	In   provider.Decimal `json:"in_bps" title:"In, in bit/s"`
	Out  provider.Decimal `json:"out_bps" title:"Out, in bit/s"`
}

// Flow is traffic by the minute.
type Flow struct {
	Points []FlowPoint `json:"points" required:"true" title:"Points"`
}

// flowOf is the action that reads the traffic of a bandwidth, which bandwidth
// finds by the id of a thing.
func flowOf(
	p *plugin, bandwidth func(ctx context.Context, c *cloud, id string) (string, error),
) func(context.Context, provider.TypedAction[Window]) (provider.ActionResult[Flow], error) {
	return func(ctx context.Context, req provider.TypedAction[Window]) (provider.ActionResult[Flow], error) {
		out := provider.ActionResult[Flow]{Output: Flow{Points: []FlowPoint{}}}
		c, err := query(p, req)
		if err != nil {
			return out, err
		}
		from, to, err := req.Input.span(p.clock.Now())
		if err != nil {
			return out, err
		}
		id, err := bandwidth(ctx, c.at(c.region, ""), req.ID)
		if err != nil {
			return out, err
		}
		all, err := read[[]struct {
			In   json.Number `json:"in_bps"`
			Out  json.Number `json:"out_bps"`
			Time string      `json:"time"`
		}](ctx, c, post(vpc, "DescribeOneMinuteFlow", object{"CloudId": id, "StartTime": from, "EndTime": to}))
		for _, row := range all {
			out.Output.Points = append(out.Output.Points, FlowPoint{moment(row.Time), provider.Decimal(row.In), provider.Decimal(row.Out)})
		}
		return out, err
	}
}
