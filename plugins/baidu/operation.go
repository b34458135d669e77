package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

const (
	opCreate = "create"
	opDelete = "delete" // of a server
	opFree   = "free"   // of an address
	opDrop   = "drop"   // of a disk

	// pollEvery is how long a caller should wait before asking again.
	pollEvery = 2 * time.Second
)

// operation is a change under way. The cloud has no ids for those, so this one
// carries all that is needed: "create:i-abc@bj/1700000000".
type operation struct {
	verb, id, region string
	began            time.Time
}

// String is the operation's id.
func (o operation) String() string {
	return o.verb + ":" + o.id + "@" + o.region + "/" + strconv.FormatInt(o.began.Unix(), 10)
}

func parseOperation(text string) (operation, error) {
	verb, rest, ok1 := strings.Cut(text, ":")
	id, rest, ok2 := strings.Cut(rest, "@")
	region, began, ok3 := strings.Cut(rest, "/")
	seconds, err := strconv.ParseInt(began, 10, 64)
	known := verb == opCreate || verb == opDelete || verb == opFree || verb == opDrop
	if !ok1 || !ok2 || !ok3 || err != nil || !known || !goodID.MatchString(id) || !label.MatchString(region) {
		return operation{}, fault.NotFound("operation", text)
	}
	return operation{verb: verb, id: id, region: region, began: time.Unix(seconds, 0)}, nil
}

// Operation looks how far a change is and takes its next step.
func (p *plugin) Operation(ctx context.Context, req provider.OperationRequest) (provider.Operation, error) {
	o, err := parseOperation(req.ID)
	if err != nil {
		return provider.Operation{}, err
	}
	req.Call.Region = o.region
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.Operation{}, err
	}
	out := provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: pollEvery}
	if o.verb == opCreate {
		return p.creating(ctx, c, o, out)
	}
	return p.releasing(ctx, c, o, out)
}

// creating waits until a new server runs. One that failed to start is of no use
// to anyone: it is given back before the create is reported as failed.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	row, err := c.instance(ctx, o.id)
	limit := time.Duration(c.cfg.CreateMinutes) * time.Minute
	switch {
	case fault.Is(err, fault.ClassNotFound) && p.clock.Now().Sub(o.began) >= limit:
		out.State, out.CheckAfter = provider.OperationFailed, 0
		out.Failure = fault.Unknown(nil, "the cloud does not show the new server after %s", limit)
		return out, nil
	case fault.Is(err, fault.ClassNotFound):
		out.Message = "the cloud does not show the new server yet"
		return out, nil
	case err != nil:
		return provider.Operation{}, err
	}
	t := c.instanceThing(row)
	if out.Resource, err = resourceOf(kinds.Instance, t); err != nil {
		return provider.Operation{}, err
	}
	switch t.Status {
	case provider.StatusRunning, provider.StatusStopped, provider.StatusStopping, provider.StatusFrozen:
		out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	case provider.StatusError:
		return p.givingBack(ctx, c, o, out)
	}
	return out, nil
}

// givingBack releases a server that failed to start, then reports the failure.
func (p *plugin) givingBack(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	if _, err := c.releaseStep(ctx, o, p.clock.Now()); err != nil && !fault.Is(err, fault.ClassNotFound) {
		out.Message = "the server failed to start and is not given back yet: " + fault.As(err).Message
		return out, nil
	}
	if _, err := c.instance(ctx, o.id); !fault.Is(err, fault.ClassNotFound) {
		out.Message = "the server failed to start and is being given back"
		return out, nil
	}
	out.State, out.CheckAfter, out.Resource = provider.OperationFailed, 0, nil
	out.Failure = fault.Unavailable("the cloud failed to start the server and took it back: order again").Cloud("Error", "")
	return out, nil
}

func (p *plugin) releasing(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, err := p.step(ctx, c, o)
	switch {
	case fault.Is(err, fault.ClassUnavailable), fault.Is(err, fault.ClassThrottled):
		return provider.Operation{}, err
	case err != nil:
		out.State, out.CheckAfter, out.Failure = provider.OperationFailed, 0, err
	case gone:
		out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	}
	return out, nil
}

// movePatience is how long a release may find its resource in a state that does
// not allow the next step before it is given up.
const movePatience = 10 * time.Minute

// step takes the next step of a release. A wrong state means that the resource
// is on its way to another: the next step looks again.
func (p *plugin) step(ctx context.Context, c *cloud, o operation) (gone bool, err error) {
	now := p.clock.Now()
	gone, err = c.releaseStep(ctx, o, now)
	if wrongState(err) && now.Sub(o.began) < movePatience {
		return false, nil
	}
	return gone, err
}

// release begins a release and says whether polls must drive it to its end.
func (p *plugin) release(ctx context.Context, c *cloud, verb, id string) (provider.Started, error) {
	o := operation{verb: verb, id: id, region: c.region, began: p.clock.Now()}
	gone, err := p.step(ctx, c, o)
	if err != nil || gone {
		return provider.Started{}, err
	}
	return provider.Started{Operation: o.String()}, nil
}
