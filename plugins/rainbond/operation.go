package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// What an operation does.
const (
	verbCreate  = "create"
	verbDelete  = "delete"
	verbStart   = "start"   // also a deploy or a roll; the argument names components
	verbStop    = "stop"    // the argument names components
	verbRestart = "restart" // the argument names components
	verbUpgrade = "upgrade" // the argument is the model and its version
	verbInstall = "install" // the argument is the model
)

// pollEvery is how long a caller should wait before asking again.
const pollEvery = 3 * time.Second

// operation is a change under way: "app:create:17:rainbond::1700000000". It
// carries all that is needed to go on with it.
type operation struct {
	verb   string
	app    int64
	region string
	arg    string
	began  time.Time
}

// String is the operation's id.
func (o operation) String() string {
	return strings.Join([]string{
		kindApp, o.verb, strconv.FormatInt(o.app, 10), url.QueryEscape(o.region), url.QueryEscape(o.arg), strconv.FormatInt(o.began.Unix(), 10),
	}, ":")
}

func parseOperation(text string) (operation, error) {
	f := strings.Split(text, ":")
	if len(f) != 6 || f[0] != kindApp || !slices.Contains([]string{verbCreate, verbDelete, verbStart, verbStop, verbRestart, verbUpgrade, verbInstall}, f[1]) {
		return operation{}, fault.NotFound("operation", text)
	}
	n, ok := numberOf(f[2])
	region, errRegion := url.QueryUnescape(f[3])
	arg, errArg := url.QueryUnescape(f[4])
	seconds, errTime := strconv.ParseInt(f[5], 10, 64)
	if !ok || errRegion != nil || errArg != nil || errTime != nil || region == "" {
		return operation{}, fault.NotFound("operation", text)
	}
	return operation{f[1], n, region, arg, time.Unix(seconds, 0)}, nil
}

func (p *plugin) begin(c *cloud, verb string, n int64, arg string) operation {
	return operation{verb, n, c.region, arg, p.clock.Now()}
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
	w := waiting{plugin: p, cloud: c.in(o.region), operation: o, out: provider.Operation{ID: req.ID, State: provider.OperationRunning, CheckAfter: pollEvery}}
	if o.verb == verbDelete {
		return w.deleting(ctx)
	}
	row, err := w.cloud.row(ctx, o.app)
	var t app
	if err == nil {
		t, err = w.cloud.whole(ctx, row)
	}
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return w.failed(fault.Precondition("the app does not exist any more").From(fault.SourceCloud)), nil
	case err != nil:
		return provider.Operation{}, err
	}
	switch o.verb {
	case verbCreate:
		return w.creating(ctx, t, row.Note)
	case verbStop:
		return w.stopping(t), nil
	case verbRestart:
		return w.restarting(ctx, t)
	case verbUpgrade:
		return w.upgrading(ctx, t)
	}
	return w.starting(t), nil
}

// waiting is an operation that is asked for.
type waiting struct {
	*plugin
	cloud *cloud
	operation
	out provider.Operation
}

func (w waiting) succeeded() provider.Operation {
	w.out.State, w.out.Progress, w.out.CheckAfter = provider.OperationSucceeded, 100, 0
	return w.out
}

func (w waiting) failed(why error) provider.Operation {
	w.out.State, w.out.CheckAfter, w.out.Failure = provider.OperationFailed, 0, why
	return w.out
}

func (w waiting) took() time.Duration { return w.clock.Now().Sub(w.began) }

// unfinished goes on waiting, or gives up when it took too long.
func (w waiting) unfinished() provider.Operation {
	if w.took() >= w.cloud.cfg.limit() {
		return w.failed(fault.Unknown(nil, "the cloud does not finish the change within %s", w.cloud.cfg.limit()))
	}
	return w.out
}

// creating waits until a new app is installed and runs. What was never sent is
// sent when it is certain that it is not under way.
func (w waiting) creating(ctx context.Context, t app, note string) (provider.Operation, error) {
	_, bought, ok := purchaseOf(note)
	if !ok {
		return w.failed(fault.Unknown(nil, "the app's note was changed at the console: what was ordered is not known any more")), nil
	}
	t, err := consisting(t)
	if err != nil {
		return provider.Operation{}, err
	}
	if w.out.Resource, err = resourceOf(kindApp, t); err != nil {
		return provider.Operation{}, err
	}
	switch {
	case t.Status == provider.StatusPending && w.clock.Now().Sub(bought.at) < w.cloud.cfg.install():
		w.out.Message = "the console may still be installing it"
		return w.out, nil
	case t.Status == provider.StatusPending:
		return w.installing(ctx, bought)
	case !bought.deploy, wasStopped(t.State.Components):
		return w.succeeded(), nil
	}
	if sent, again := w.phases.since(w.installKey()); again {
		w.began = sent.Add(w.cloud.cfg.install())
	}
	switch up, why := w.up(t.State.Components); {
	case up:
		return w.succeeded(), nil
	case why != nil:
		return w.giveBack(ctx, why)
	}
	return w.unfinished(), nil
}

// installing sends an install that nobody sent, or that failed without a trace.
func (w waiting) installing(ctx context.Context, b purchase) (provider.Operation, error) {
	_, err := once.Buy(ctx, &w.purchases, w.clock, once.Purchase[AppState]{
		Key:    w.installKey(),
		Settle: w.cloud.cfg.install(),
		Find: func(ctx context.Context) (provider.TypedFound[AppState], error) {
			parts, err := w.cloud.components(ctx, w.app)
			if err != nil || len(parts) == 0 {
				return provider.TypedFound[AppState]{}, err
			}
			return provider.TypedFound[AppState]{Things: []app{{}}}, nil
		},
		Buy: func(ctx context.Context) (provider.Result[AppState], string, error) {
			w.phases.begin(w.installKey(), w.clock.Now())
			_, err := w.cloud.install(ctx, w.app, b)
			return provider.Result[AppState]{}, strconv.FormatInt(w.app, 10), err
		},
		Hidden: func(string) provider.Result[AppState] { return provider.Result[AppState]{} },
	})
	switch {
	case err == nil, fault.OutcomeOf(err) == fault.OutcomeUnknown:
		w.out.Message = "the console installs it"
		return w.unfinished(), nil
	case fault.Is(err, fault.ClassUnavailable), fault.Is(err, fault.ClassThrottled):
		if w.took() < w.cloud.cfg.limit() {
			return provider.Operation{}, err
		}
	}
	return w.giveBack(ctx, err)
}

// installKey tells the install of this app from all others.
func (w waiting) installKey() string {
	return w.cloud.identity() + "\n" + w.region + "\ninstall\n" + strconv.FormatInt(w.app, 10)
}

// up tells whether components run. why is the fault of a start that failed:
// something is abnormal, or did not even begin, for longer than the grace.
func (w waiting) up(parts []Component) (all bool, why error) {
	all = len(parts) > 0
	for _, p := range parts {
		s := provider.Status(p.Status)
		all = all && s == provider.StatusRunning
		late := w.took() >= w.cloud.cfg.grace()
		switch {
		case p.RawStatus == wordFailure, s == provider.StatusError && late:
			why = fault.Precondition("the component %q is %s: look at its events", p.Name, p.RawStatus).Cloud(p.RawStatus, "")
		case s == provider.StatusStopped && late && why == nil:
			why = fault.OutOfStock("the component %q was not started: the console does not say why, the cluster may lack resources", p.Name).Cloud(p.RawStatus, "")
		}
	}
	return all, why
}

// giveBack deletes what could not be made and reports why, when that is gone:
// until then it holds resources of the cluster. What is older than a change may
// last is left to people: it may have run since.
func (w waiting) giveBack(ctx context.Context, why error) (provider.Operation, error) {
	if w.took() >= w.cloud.cfg.limit() {
		return w.failed(fault.Unknown(why, "the app does not run and is too old to be taken back: look there")), nil
	}
	err := w.cloud.purge(ctx, w.app)
	if err != nil {
		w.out.Message = "the app cannot be used and the console has not taken it back yet: " + fault.As(err).Message
		return w.out, nil
	}
	e := *fault.As(why)
	e.Outcome = fault.OutcomeNotDone
	w.out.Resource = nil
	return w.failed(&e), nil
}

// deleting takes the step that brings an app nearer to its end.
func (w waiting) deleting(ctx context.Context) (provider.Operation, error) {
	gone, err := w.cloud.remove(ctx, w.app)
	switch {
	case fault.Is(err, fault.ClassUnavailable), fault.Is(err, fault.ClassThrottled):
		return provider.Operation{}, err
	case err != nil:
		return w.failed(err), nil
	case !gone:
		return w.unfinished(), nil
	}
	return w.succeeded(), nil
}

// named are the components that the argument names; none named are all.
func (w waiting) named(t app) []Component {
	if w.arg == "" {
		return t.State.Components
	}
	ids := strings.Split(w.arg, ",")
	return slices.DeleteFunc(slices.Clone(t.State.Components), func(x Component) bool { return !slices.Contains(ids, x.ServiceID) })
}

func (w waiting) starting(t app) provider.Operation {
	parts := t.State.Components
	if w.verb == verbStart || w.verb == verbRestart {
		parts = w.named(t)
	}
	switch up, why := w.up(parts); {
	case up:
		return w.succeeded()
	case why != nil:
		return w.failed(why)
	}
	return w.unfinished()
}

func (w waiting) stopping(t app) provider.Operation {
	if stopped(w.named(t)) {
		return w.succeeded()
	}
	return w.unfinished()
}

func stopped(parts []Component) bool {
	return !slices.ContainsFunc(parts, func(x Component) bool {
		return x.Status != string(provider.StatusStopped) && x.Status != string(provider.StatusPending)
	})
}

// restarting starts what a restart stopped. While the stop does not show yet
// everything still runs; what was started is remembered, so that this is not
// taken for its end.
func (w waiting) restarting(ctx context.Context, t app) (provider.Operation, error) {
	parts := w.named(t)
	id := w.cloud.identity() + "\n" + w.operation.String()
	switch {
	case stopped(parts) && len(parts) > 0:
		if err := w.cloud.operate(ctx, w.app, opStart, idsOf(w.arg)); err != nil && !fault.Is(err, fault.ClassUnavailable) {
			return w.failed(err), nil
		} else if err != nil {
			return provider.Operation{}, err
		}
		w.phases.begin(id, w.clock.Now())
		return w.unfinished(), nil
	}
	if _, again := w.phases.since(id); again || w.took() >= stopShows {
		return w.starting(t), nil
	}
	return w.unfinished(), nil
}

// stopShows is how long a stop may take to show in the state of components.
const stopShows = 30 * time.Second

// phases remembers when the second half of an operation began: the start of a
// restart, an install that was sent once more. A process that replaces this one
// knows none of them and goes by the time of the whole.
type phases struct {
	mu  sync.Mutex
	ids map[string]time.Time
}

// mostPhases bounds what is remembered; beyond it time decides.
const mostPhases = 10_000

func (p *phases) begin(id string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids == nil || len(p.ids) >= mostPhases {
		p.ids = map[string]time.Time{}
	}
	p.ids[id] = now
}

func (p *phases) since(id string) (at time.Time, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, known = p.ids[id]
	return at, known
}

// upgrading waits until the install has its new version and runs.
func (w waiting) upgrading(ctx context.Context, t app) (provider.Operation, error) {
	model, version, _ := strings.Cut(w.arg, " ")
	rows, err := w.cloud.installs(ctx, w.app)
	if err != nil {
		return provider.Operation{}, err
	}
	if !slices.ContainsFunc(rows, func(r installRow) bool { return r.Model == model && r.Version == version }) {
		w.out.Message = fmt.Sprintf("the console does not show version %s yet", version)
		return w.unfinished(), nil
	}
	if t.Status == provider.StatusStopped {
		return w.succeeded(), nil // it was stopped before, or nothing of it was ever built
	}
	return w.starting(t), nil
}
