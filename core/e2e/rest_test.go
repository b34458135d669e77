package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// patience is how long nothing at all may move while orders are open. It is
// longer than every pause of the broker between two questions to a cloud, and
// than the rest that a plugin gets after many crashes.
const patience = 2 * time.Minute

// openOrder is an order under way, as an operator looks at one that hangs.
type openOrder struct {
	ID          string           `json:"id"`
	Kind        string           `json:"kind"`
	State       string           `json:"state"`
	Units       []map[string]any `json:"units"`
	Transitions json.RawMessage  `json:"transitions"`
	Created     time.Time        `json:"created"`
	Updated     time.Time        `json:"updated"`
}

// jobRow is the durable work of an order.
type jobRow struct {
	Kind, Ref, State  string
	Attempt, Failures int
	RunAt             time.Time `json:"run_at"`
	LastError         string    `json:"last_error"`
}

// open lists the orders that are under way. Orders that ended since may be many:
// only a list read to its end tells that there are none.
func (w *world) open(ctx context.Context) ([]openOrder, error) {
	var out []openOrder
	for _, state := range []string{"held", "provisioning"} {
		rows, err := list[openOrder](ctx, w.operator, "/v1/orders?state="+state)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// decided waits until no order is under way. It gives up when nothing has moved
// for too long: no order was decided, none was worked on.
func (w *world) decided(ctx context.Context) error {
	last, moved, began := "", time.Now(), time.Now()
	for {
		open, err := w.open(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		if now := marks(open); now != last {
			last, moved = now, time.Now()
		}
		if time.Since(moved) > patience {
			err := fmt.Errorf("%d orders are open for %v, nothing moved in the last %v", len(open), time.Since(began).Round(time.Second), patience)
			return errors.Join(err, w.situation(ctx, open))
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// marks is what changes whenever an order is worked on.
func marks(open []openOrder) string {
	var b strings.Builder
	for _, o := range open {
		fmt.Fprintf(&b, "%s %s\n", o.ID, o.Updated)
	}
	return b.String()
}

// situation tells what an operator would look at: the orders, their jobs, the
// plugins and their circuit breakers.
func (w *world) situation(ctx context.Context, open []openOrder) error {
	var b strings.Builder
	jobs := map[string]jobRow{}
	for _, state := range []string{"ready", "running", "parked", "dead", "done"} {
		rows, err := list[jobRow](ctx, w.operator, "/v1/jobs?state="+state)
		if err != nil {
			return err
		}
		for _, j := range rows {
			if jobs[j.Ref].State == "" {
				jobs[j.Ref] = j
			}
		}
	}
	for _, o := range open[:min(5, len(open))] {
		units, _ := json.Marshal(o.Units) // came from JSON
		fmt.Fprintf(&b, "%s %s, %s, created %s, updated %s\n  units %s\n  transitions %s\n  job %+v\n", o.Kind, o.ID, o.State, o.Created, o.Updated, units, o.Transitions, jobs[o.ID])
	}
	plugins, err := list[struct{ Name string }](ctx, w.operator, "/v1/plugins")
	if err != nil {
		return err
	}
	for _, p := range plugins {
		for _, path := range []string{"/v1/plugins/" + p.Name, "/v1/plugins/" + p.Name + "/breakers"} {
			var v json.RawMessage
			if err := w.operator.get(ctx, path, &v); err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s: %s\n", path, v)
		}
	}
	return errors.New(b.String())
}
