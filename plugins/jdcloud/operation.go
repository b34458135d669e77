package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

const (
	opCreate = "create"
	opDelete = "delete"

	// pollEvery is how long a caller should wait before asking again.
	pollEvery = 2 * time.Second
)

// operation is a change under way. The cloud has no ids for those, so this one
// carries all that is needed: "create:i-abc@cn-north-1/1700000000".
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
	known := verb == opCreate || verb == opDelete
	if !ok1 || !ok2 || !ok3 || err != nil || !known || !goodID(id) || !regionPattern.MatchString(region) {
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
	c, err := p.open(req.Call)
	if err != nil {
		return provider.Operation{}, err
	}
	c = c.at(o.region, "")
	out := provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: pollEvery}
	if o.verb == opDelete {
		return p.deleting(ctx, c, o, out)
	}
	return p.creating(ctx, c, o, out)
}

// creating waits until a new server runs. One that failed to install is taken
// back by the cloud itself and not charged, so it may be gone before anybody
// saw that.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	row, err := c.server(ctx, o.id)
	switch {
	case fault.Is(err, fault.ClassNotFound) && c.cfg.settled(o.began, p.clock.Now()):
		return failedToInstall(out), nil
	case fault.Is(err, fault.ClassNotFound):
		out.Message = "the cloud does not show the new server yet"
		return out, nil
	case err != nil:
		return provider.Operation{}, err
	}
	t, err := c.instance(ctx, row)
	if err != nil {
		return provider.Operation{}, err
	}
	switch t.Status {
	case provider.StatusRunning, provider.StatusStopped, provider.StatusStopping, provider.StatusRebooting:
		out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	case provider.StatusError:
		return failedToInstall(out), nil
	}
	out.Resource, err = resourceOf(kinds.Instance, t)
	return out, err
}

func failedToInstall(out provider.Operation) provider.Operation {
	out.State, out.CheckAfter, out.Resource = provider.OperationFailed, 0, nil
	out.Failure = fault.Unavailable("the cloud failed to install the server and takes it back: order again").Cloud("error", "")
	return out
}

func (p *plugin) deleting(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, err := c.deleteStep(ctx, o.id, p.clock.Now())
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

// deleteStep takes the one step that a server's state allows on its way out.
// Each step can be repeated.
func (c *cloud) deleteStep(ctx context.Context, id string, now time.Time) (gone bool, err error) {
	row, err := c.server(ctx, id)
	if fault.Is(err, fault.ClassNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch serverStatus(row.Status) {
	case provider.StatusRunning, provider.StatusStopped, provider.StatusError:
		return ended(c.endServer(ctx, row, now))
	}
	return false, nil
}

// ended tells whether a server is gone after a step's answer. A task at work
// means that the server moved on meanwhile: the next step looks again.
func ended(err error) (bool, error) {
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return true, nil
	case busy(err):
		return false, nil
	}
	return false, err
}

// endServer deletes a server, or has a running prepaid term refunded, which
// the cloud refuses to delete.
func (c *cloud) endServer(ctx context.Context, row server, now time.Time) error {
	if unexpired(row.Charge, now) {
		return c.refund(ctx, row.InstanceId)
	}
	req := vmapi.NewDeleteInstanceRequest(c.region, row.InstanceId)
	return act(ctx, c, serviceVM, req)
}
