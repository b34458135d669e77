package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	opCreate = "create"
	opDelete = "delete"

	// pollEvery is how long a caller should wait before asking again.
	pollEvery = 2 * time.Second
	// powerOffAgain is how long a server may take to stop before it is switched off once more.
	powerOffAgain = 2 * time.Minute
)

// operation is a change under way. The cloud has no ids for those, so this one
// carries all that is needed: "create:uhost-abc@cn-bj2/1700000000".
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
	if !ok1 || !ok2 || !ok3 || err != nil || !known || id == "" || region == "" {
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

// creating waits until a new server runs. One that failed to install is of no
// use to anyone: it is given back before the create is reported as failed.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	row, err := c.host(ctx, o.id)
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
	if out.Resource, err = c.hostResource(row); err != nil {
		return provider.Operation{}, err
	}
	switch hostStatus(row.State) {
	case provider.StatusRunning, provider.StatusStopped, provider.StatusStopping, provider.StatusRebooting:
		out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	case provider.StatusError:
		return c.giveBack(ctx, o.id, out)
	}
	return out, nil
}

// giveBack terminates a server that failed to install, then reports the failure.
func (c *cloud) giveBack(ctx context.Context, id string, out provider.Operation) (provider.Operation, error) {
	if _, err := c.terminate(ctx, id); err != nil && !fault.Is(err, fault.ClassNotFound) {
		out.Message = "the server failed to install and is not given back yet: " + fault.As(err).Message
		return out, nil
	}
	out.State, out.CheckAfter, out.Resource = provider.OperationFailed, 0, nil
	out.Failure = fault.Unavailable("the cloud failed to install the server and took it back: order again").
		Cloud("Install Fail", "")
	return out, nil
}

func (p *plugin) deleting(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, err := c.deleteStep(ctx, o.id, p.clock.Now().Sub(o.began) >= powerOffAgain)
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

// deleteStep takes the one step that a server's state allows on its way out;
// force also switches off a server that is stopping. Each step can be repeated.
func (c *cloud) deleteStep(ctx context.Context, id string, force bool) (gone bool, err error) {
	row, err := c.host(ctx, id)
	if fault.Is(err, fault.ClassNotFound) {
		// The list may be behind, so the cloud is told to end it all the same.
		return ended(c.terminate(ctx, id))
	}
	if err != nil {
		return false, err
	}
	switch hostStatus(row.State) {
	case provider.StatusStopped, provider.StatusError:
		return ended(c.terminate(ctx, id))
	case provider.StatusRunning:
		return ended(c.powerOff(ctx, id))
	case provider.StatusStopping:
		if force {
			return ended(c.powerOff(ctx, id))
		}
	}
	return false, nil
}

// ended tells whether a server is gone after a step's answer. A wrong power
// state means that the server moved on meanwhile: the next step looks again.
func ended(done bool, err error) (bool, error) {
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return true, nil
	case hasCode(err, codeNotStopped, codeStopFirst, codeWrongState):
		return false, nil
	}
	return done && err == nil, err
}

func (c *cloud) terminate(ctx context.Context, id string) (bool, error) {
	_, err := write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.TerminateUHostInstanceResponse, error) {
		r := k.NewTerminateUHostInstanceRequest()
		r.UHostId = &id
		return k.TerminateUHostInstance(r)
	})
	return true, err
}

func (c *cloud) powerOff(ctx context.Context, id string) (bool, error) {
	_, err := write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.PoweroffUHostInstanceResponse, error) {
		r := k.NewPoweroffUHostInstanceRequest()
		r.UHostId = &id
		return k.PoweroffUHostInstance(r)
	})
	return false, err
}

// hostResource is instance for answers that are not typed.
func (c *cloud) hostResource(row host) (*provider.Resource, error) {
	return resourceOf(kindInstance, c.instance(row))
}

// resourceOf makes the untyped form of a thing.
func resourceOf[State any](kind string, t provider.Thing[State]) (*provider.Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state,
	}, nil
}
