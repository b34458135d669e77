package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// What an operation does.
const (
	verbCreate = "create" // a thing appears and is ready
	verbDelete = "delete" // a thing is gone
	verbDeploy = "deploy" // a deploy order ends
)

// pollEvery is how long a caller should wait before asking again.
const pollEvery = 3 * time.Second

// operation is a change under way: "create:cluster:cn-hangzhou:1700000000:c0ffee".
// It carries all that is needed to go on with it.
type operation struct {
	verb, kind, region string
	began              time.Time
	id                 string // of the thing, or of the deploy order
}

// String is the operation's id.
func (o operation) String() string {
	return strings.Join([]string{o.verb, o.kind, o.region, strconv.FormatInt(o.began.Unix(), 10), url.QueryEscape(o.id)}, ":")
}

func parseOperation(text string) (operation, error) {
	f := strings.Split(text, ":")
	if len(f) != 5 {
		return operation{}, fault.NotFound("operation", text)
	}
	seconds, err := strconv.ParseInt(f[3], 10, 64)
	id, escaped := url.QueryUnescape(f[4])
	if err != nil || escaped != nil || id == "" || f[0] != verbCreate && f[0] != verbDelete && f[0] != verbDeploy {
		return operation{}, fault.NotFound("operation", text)
	}
	return operation{verb: f[0], kind: f[1], region: f[2], began: time.Unix(seconds, 0), id: id}, nil
}

// waiting is a change that the thing's own state tells of.
func (p *plugin) waiting(c *cloud, verb, kind, id string) operation {
	return operation{verb: verb, kind: kind, region: c.region, began: p.clock.Now(), id: id}
}

// Operation looks how far a change is.
func (p *plugin) Operation(ctx context.Context, req provider.OperationRequest) (provider.Operation, error) {
	o, err := parseOperation(req.ID)
	if err != nil {
		return provider.Operation{}, err
	}
	if p.shelves[o.kind] == nil {
		return provider.Operation{}, fault.NotFound("operation", req.ID)
	}
	c, err := p.open(req.Call)
	if err != nil {
		return provider.Operation{}, err
	}
	c = c.at(o.region)
	out := provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: pollEvery}
	switch o.verb {
	case verbDeploy:
		return p.deploying(ctx, c, o, out)
	case verbDelete:
		return p.vanishing(ctx, c, o, out)
	}
	return p.creating(ctx, c, o, out)
}

func succeeded(out provider.Operation) provider.Operation {
	out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	return out
}

func failed(out provider.Operation, why error) provider.Operation {
	out.State, out.CheckAfter, out.Failure = provider.OperationFailed, 0, why
	return out
}

// unfinished goes on waiting, or gives up when it took too long.
func (p *plugin) unfinished(c *cloud, o operation, out provider.Operation) provider.Operation {
	if p.clock.Now().Sub(o.began) >= c.cfg.limit() {
		return failed(out, fault.Unknown(nil, "the cloud does not finish the change within %s", c.cfg.limit()))
	}
	return out
}

// creating waits until a new thing is there and ready.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	r, err := p.shelves[o.kind].lookInto(ctx, c, o.id)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		out.Message = "the cloud does not show it yet"
		return p.unfinished(c, o, out), nil
	case err != nil:
		return provider.Operation{}, err
	}
	out.Resource = r
	switch {
	case r.Status == provider.StatusError:
		return failed(out, fault.Unknown(nil, "the cloud failed to make the %s %q: destroy what is left of it, then order again", o.kind, o.id).From(fault.SourceCloud)), nil
	case unready(r.Status):
		return p.unfinished(c, o, out), nil
	}
	return succeeded(out), nil
}

// vanishing waits until what was deleted is not shown any more.
func (p *plugin) vanishing(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	_, err := p.shelves[o.kind].look(ctx, c, o.id)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return succeeded(out), nil
	case err != nil:
		return provider.Operation{}, err
	}
	return p.unfinished(c, o, out), nil
}

// deploying waits until a deploy order ends. A paused one waits for somebody,
// who may take as long as they like.
func (p *plugin) deploying(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	r, err := c.deployOrder(ctx, o.id)
	if err != nil {
		return provider.Operation{}, err
	}
	if n := r.Instances.number(); n > 0 {
		out.Progress = int(100 * r.Finished.number() / n)
	}
	switch status := r.Status.text(); {
	case status == orderPaused:
		out.Message = "the deploy order " + o.id + " is paused: resume or close it"
		return out, nil
	case status != orderFinished:
		return p.unfinished(c, o, out), nil
	}
	switch r.Result.text() {
	case resultSuccess:
		return succeeded(out), nil
	case resultByHand:
		return failed(out, fault.Precondition("the deploy order %s was closed by hand: what it has done stays", o.id).Cloud(resultByHand, "")), nil
	}
	return failed(out, fault.Precondition("the deploy order %s failed: look at the log of its pods", o.id).Cloud(r.Result.text(), "")), nil
}
