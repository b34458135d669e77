package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// What an operation waits for.
const (
	howEvent = "event" // of the services ecs and ebs
	howTask  = "task"  // of the service vpc
	howPoll  = "poll"  // the thing's own state: there is nothing else to ask
)

// What an operation does.
const (
	verbCreate = "create"
	verbDelete = "delete"
	verbAct    = "act"
)

// pollEvery is how long a caller should wait before asking again.
const pollEvery = 3 * time.Second

// operation is a change under way: "ecs:event:<id>:create:instance:ins-1:CN_Suqian:1700000000".
// It carries all that is needed to go on with it.
type operation struct {
	service, how, ref string
	verb, kind, id    string
	region            string
	began             time.Time
}

// String is the operation's id.
func (o operation) String() string {
	return strings.Join([]string{
		o.service, o.how, firstText(o.ref, "-"), o.verb, o.kind, o.id, o.region, strconv.FormatInt(o.began.Unix(), 10),
	}, ":")
}

func parseOperation(text string) (operation, error) {
	f := strings.Split(text, ":")
	if len(f) != 8 {
		return operation{}, fault.NotFound("operation", text)
	}
	seconds, err := strconv.ParseInt(f[7], 10, 64)
	o := operation{f[0], f[1], f[2], f[3], f[4], f[5], f[6], time.Unix(seconds, 0)}
	switch {
	case err != nil, o.how != howEvent && o.how != howTask && o.how != howPoll, o.ref == "", o.id == "", o.region == "",
		o.verb != verbCreate && o.verb != verbDelete && o.verb != verbAct:
		return operation{}, fault.NotFound("operation", text)
	}
	return o, nil
}

// event is a change with an event of the services ecs or ebs.
func (p *plugin) event(c *cloud, s service, ref, verb, kind, id string) operation {
	name, _, _ := strings.Cut(string(s), "/")
	return operation{name, howEvent, ref, verb, kind, id, c.region, p.clock.Now()}
}

// task is a change with a task of the service vpc. Without one, the thing's own
// state is looked at.
func (p *plugin) task(c *cloud, ref, verb, kind, id string) operation {
	if ref == "" {
		return p.waiting(c, verb, kind, id)
	}
	return operation{string(vpc), howTask, ref, verb, kind, id, c.region, p.clock.Now()}
}

// waiting is a change that only the thing's own state tells of.
func (p *plugin) waiting(c *cloud, verb, kind, id string) operation {
	return operation{"all", howPoll, "", verb, kind, id, c.region, p.clock.Now()}
}

// Operation looks how far a change is and takes its next step.
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
	c = c.at(o.region, "")
	out := provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: pollEvery}
	state, err := c.progress(ctx, o)
	switch {
	case err != nil:
		return provider.Operation{}, err
	case state == stateFailed && o.verb == verbCreate:
		return p.giveBack(ctx, c, o, out)
	case state == stateFailed:
		return failed(out, fault.Unavailable("the cloud did not manage the change: try again").From(fault.SourceCloud)), nil
	case state == stateRunning:
		return p.unfinished(c, o, out), nil
	case o.verb == verbCreate:
		return p.creating(ctx, c, o, out)
	case o.verb == verbDelete && o.how == howPoll:
		return p.deleting(ctx, c, o, out)
	case o.verb == verbDelete:
		return p.vanishing(ctx, c, o, out)
	}
	return succeeded(out), nil
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

// states of an event or a task.
const (
	stateRunning = "running"
	stateDone    = "done"
	stateFailed  = "failed"
)

// progress asks how far an operation's event or task is. What is polled by the
// thing's own state is done, as far as that goes.
func (c *cloud) progress(ctx context.Context, o operation) (string, error) {
	switch o.how {
	case howEvent:
		return c.eventState(ctx, o)
	case howTask:
		return c.taskState(ctx, o.ref)
	}
	return stateDone, nil
}

// eventState reads an event. One that failed in part did so for the things it
// names. An event that the cloud has forgotten is over.
func (c *cloud) eventState(ctx context.Context, o operation) (string, error) {
	s := ecs
	if o.service == "ebs" {
		s = ebs
	}
	row, err := read[struct {
		EventStatus string
		TaskList    []struct{ Status, ResourceId string }
	}](ctx, c, get(s, "DescribeEvent", "EventId", o.ref))
	switch {
	case hasCode(err, codeNoEvent):
		return stateDone, nil
	case err != nil:
		return "", err
	case row.EventStatus != "part_fail":
		return changeState(row.EventStatus), nil
	}
	for _, t := range row.TaskList {
		if t.ResourceId == o.id {
			return changeState(t.Status), nil
		}
	}
	return stateFailed, nil
}

func (c *cloud) taskState(ctx context.Context, ref string) (string, error) {
	row, err := read[struct{ TaskStatus string }](ctx, c, get(vpc, "DescribeTask", "TaskId", ref))
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return stateDone, nil
	case err != nil:
		return "", err
	case row.TaskStatus == "success":
		return stateDone, nil
	case row.TaskStatus == "error":
		return stateFailed, nil
	}
	return stateRunning, nil
}

// changeState reads a word of events: what is none of the known ones is a failure.
func changeState(word string) string {
	switch word {
	case "init", "doing":
		return stateRunning
	case "success", "finish":
		return stateDone
	}
	return stateFailed
}

// creating waits until a new thing is there and ready.
func (p *plugin) creating(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	r, err := p.shelves[o.kind].look(ctx, c, o.id)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		out.Message = "the cloud does not show it yet"
		return p.unfinished(c, o, out), nil
	case err != nil:
		return provider.Operation{}, err
	case r.Status == provider.StatusError:
		return p.giveBack(ctx, c, o, out)
	}
	out.Resource = r
	if unready(r.Status) {
		return p.unfinished(c, o, out), nil
	}
	return succeeded(out), nil
}

// giveBack deletes what the cloud failed to make and reports the failure, when
// that is gone: until then it may cost money.
func (p *plugin) giveBack(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, _, err := p.shelves[o.kind].remove(ctx, c, o.id)
	switch {
	case err != nil && p.clock.Now().Sub(o.began) >= c.cfg.limit():
		return failed(out, fault.Unknown(err, "the cloud failed to make it and does not take it back: look there")), nil
	case err != nil:
		out.Message = "the cloud failed to make it and has not taken it back yet: " + fault.As(err).Message
		return out, nil
	case !gone:
		out.Message = "the cloud failed to make it and takes it back"
		return p.unfinished(c, o, out), nil
	}
	return failed(out, fault.Unavailable("the cloud failed to make it and took it back: order again").Cloud("failed", "")), nil
}

// deleting takes the step that brings a thing nearer to its end.
func (p *plugin) deleting(ctx context.Context, c *cloud, o operation, out provider.Operation) (provider.Operation, error) {
	gone, _, err := p.shelves[o.kind].remove(ctx, c, o.id)
	switch {
	case fault.Is(err, fault.ClassUnavailable), fault.Is(err, fault.ClassThrottled):
		return provider.Operation{}, err
	case err != nil:
		return failed(out, err), nil
	case !gone:
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
