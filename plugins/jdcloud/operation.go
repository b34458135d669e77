package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	diskapi "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/apis"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"

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
// carries all that is needed: "create:disk:vol-abc@cn-north-1/1700000000".
type operation struct {
	verb, kind, id, region string
	began                  time.Time
}

// String is the operation's id.
func (o operation) String() string {
	return o.verb + ":" + o.kind + ":" + o.id + "@" + o.region + "/" + strconv.FormatInt(o.began.Unix(), 10)
}

func parseOperation(text string) (operation, error) {
	verb, rest, ok1 := strings.Cut(text, ":")
	kind, rest, ok2 := strings.Cut(rest, ":")
	id, rest, ok3 := strings.Cut(rest, "@")
	region, began, ok4 := strings.Cut(rest, "/")
	seconds, err := strconv.ParseInt(began, 10, 64)
	known := slices.Contains([]string{opCreate, opDelete}, verb) &&
		slices.Contains([]string{kinds.Instance, kinds.Disk, kinds.EIP, kinds.SecurityGroup}, kind)
	if !ok1 || !ok2 || !ok3 || !ok4 || err != nil || !known || !goodID(id) || !regionPattern.MatchString(region) {
		return operation{}, fault.NotFound("operation", cut(text, 64))
	}
	return operation{verb: verb, kind: kind, id: id, region: region, began: time.Unix(seconds, 0)}, nil
}

// started is the operation of a create or a delete that begins now.
func (p *plugin) started(c *cloud, verb, kind, id string) string {
	return operation{verb: verb, kind: kind, id: id, region: c.region, began: p.clock.Now()}.String()
}

// unready tells whether a new thing is still being made, or failed to be.
func unready(s provider.Status) bool {
	return slices.Contains([]provider.Status{provider.StatusPending, provider.StatusStarting, provider.StatusError, provider.StatusUnknown}, s)
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

// look reads what an operation makes.
func (c *cloud) look(ctx context.Context, kind, id string) (*provider.Resource, error) {
	switch kind {
	case kinds.Instance:
		row, err := c.server(ctx, id)
		if err != nil {
			return nil, err
		}
		t, err := c.instance(ctx, row)
		if err != nil {
			return nil, err
		}
		return resourceOf(kind, t)
	case kinds.Disk:
		row, err := c.disk(ctx, id)
		if err != nil {
			return nil, err
		}
		return resourceOf(kind, c.diskThing(row))
	case kinds.EIP:
		row, err := c.eip(ctx, id)
		if err != nil {
			return nil, err
		}
		return resourceOf(kind, c.address(row))
	}
	row, err := c.group(ctx, id)
	if err != nil {
		return nil, err
	}
	return resourceOf(kind, c.groupThing(row))
}

// creating waits until a new thing is ready. A server that failed to install is
// taken back by the cloud itself and not charged, so it may be gone before
// anybody saw that; other things that failed are given back here. A group that
// nobody finishes is one whose create got lost between its two calls.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	late := c.cfg.settled(o.began, p.clock.Now())
	r, err := c.look(ctx, o.kind, o.id)
	switch {
	case fault.Is(err, fault.ClassNotFound) && late:
		return notMade(out), nil
	case fault.Is(err, fault.ClassNotFound):
		out.Message = "the cloud does not show it yet"
		return out, nil
	case err != nil:
		return provider.Operation{}, err
	}
	failed := r.Status == provider.StatusError || o.kind == kinds.SecurityGroup && unready(r.Status) && late
	switch {
	case failed && o.kind == kinds.Instance:
		return notMade(out), nil
	case failed:
		return p.giveBack(ctx, c, o, out)
	case unready(r.Status):
		out.Resource = r
	default:
		out.Resource, out.State, out.Progress, out.CheckAfter = r, provider.OperationSucceeded, 100, 0
	}
	return out, nil
}

func notMade(out provider.Operation) provider.Operation {
	out.State, out.CheckAfter, out.Resource = provider.OperationFailed, 0, nil
	out.Failure = fault.Unavailable("the cloud failed to make it and takes it back: order again").Cloud("error", "")
	return out
}

// giveBack ends a thing that failed to be made, then reports the failure.
func (p *plugin) giveBack(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	if _, err := c.deleteStep(ctx, o.kind, o.id, p.clock.Now()); err != nil {
		out.Message = "it failed to be made and is not given back yet: " + fault.As(err).Message
		return out, nil
	}
	return notMade(out), nil
}

func (p *plugin) deleting(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, err := c.deleteStep(ctx, o.kind, o.id, p.clock.Now())
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

// release begins to end a thing; what is gone already is done.
func (p *plugin) release(ctx context.Context, req provider.DeleteRequest, kind, thing string) (provider.Started, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if !goodID(req.ID) {
		return provider.Started{}, absent(thing, req.ID, true)
	}
	gone, err := c.deleteStep(ctx, kind, req.ID, p.clock.Now())
	if err != nil || gone {
		return provider.Started{}, err
	}
	return provider.Started{Operation: p.started(c, opDelete, kind, req.ID)}, nil
}

// ending is what has to be known of a thing to end it.
type ending struct {
	status provider.Status
	charge charge.Charge
	end    func() error
}

func (c *cloud) ending(ctx context.Context, kind, id string) (ending, error) {
	switch kind {
	case kinds.Instance:
		row, err := c.server(ctx, id)
		return ending{serverStatus(row.Status), row.Charge, func() error {
			return act(ctx, c, serviceVM, vmapi.NewDeleteInstanceRequest(c.region, id))
		}}, err
	case kinds.Disk:
		row, err := c.disk(ctx, id)
		return ending{diskStatus(row.Status), row.Charge, func() error {
			return act(ctx, c, serviceDisk, diskapi.NewDeleteDiskRequest(c.region, id))
		}}, err
	case kinds.EIP:
		row, err := c.eip(ctx, id)
		return ending{eipStatus(row), row.Charge, func() error {
			return act(ctx, c, serviceVPC, vpcapi.NewDeleteElasticIpRequest(c.region, id))
		}}, err
	}
	return ending{status: provider.StatusFree, end: func() error {
		return act(ctx, c, serviceVPC, vpcapi.NewDeleteNetworkSecurityGroupRequest(c.region, id))
	}}, nil
}

// deleteStep takes the one step that a thing's state allows on its way out.
// Each step can be repeated. A prepaid term that still runs is refunded, which
// ends the thing too; the cloud refuses to delete it.
func (c *cloud) deleteStep(ctx context.Context, kind, id string, now time.Time) (gone bool, err error) {
	e, err := c.ending(ctx, kind, id)
	if err != nil {
		return fault.Is(err, fault.ClassNotFound), fault.NotDone(goneIsDone(err))
	}
	switch e.status {
	case provider.StatusDeleted:
		return true, nil
	case provider.StatusPending, provider.StatusStarting, provider.StatusStopping, provider.StatusRebooting:
		return false, nil
	case provider.StatusBound:
		return false, fault.Precondition("it is in use by a server: take it from there first")
	}
	if unexpired(e.charge, now) {
		return ended(c.refund(ctx, id))
	}
	return ended(e.end())
}

// ended tells whether a thing is gone after a step's answer. A task at work
// means that the thing moved on meanwhile: the next step looks again.
func ended(err error) (bool, error) {
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return true, nil
	case busy(err):
		return false, nil
	}
	return false, err
}
