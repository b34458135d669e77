package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/host/rollout"
	"tradewind.example/host/session"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// retryAfter is what callers of a plugin that is coming up are told.
const retryAfter = time.Second

// Plugin is one plugin of the catalogue, over all its versions and processes.
// Its embedded client has a method for every call of the contract; each gets a
// deadline when the caller's context has none, a slot among the plugin's bounded
// calls, and the process that serves the call's org: that of the version its org
// is pinned to, or else of the active one. Calls without an org go to the latter.
//
// Beside the faults of the plugin, calls return these with the source host:
// unavailable when the plugin does not serve now (outcome not done), throttled
// when it is overloaded (not done), unavailable with the outcome unknown when
// the process ended under a change.
type Plugin struct {
	*client.Client

	host     *Host
	name     string
	bulkhead *guard.Bulkhead
	streams  *guard.Bulkhead // of logs and consoles
	breakers *guard.Breakers
	redactor *session.Redactor
	accounts *accounts
	observer *observer
	routes   atomic.Pointer[routes]
	turn     chan struct{} // holds a token while the runs are being changed

	mu        sync.Mutex // guards what follows; never held while a process starts or ends
	closed    bool
	stopped   bool            // by an operator: nothing starts by itself
	shared    map[string]*run // by key
	candidate *run            // started, and not in the routes yet
	attached  *run            // takes all calls, in development; nil: none
	leaving   map[*run]bool   // out of the routes, and not ended yet
	last      provider.Description
	changing  *change            // that is going on; nil: none
	unwatch   context.CancelFunc // ends the watch over the last change; nil: there was none
	rollouts  []*rollout.Rollout // the last changes, oldest first
}

func (h *Host) newPlugin(name string) *Plugin {
	p := &Plugin{
		host: h, name: name, bulkhead: guard.NewBulkhead(h.cfg.Limits), streams: guard.NewBulkhead(h.cfg.Limits.OfStreams()), breakers: h.newBreakers(name), redactor: &session.Redactor{},
		observer: h.newObserver(name),
		turn:     make(chan struct{}, 1), shared: map[string]*run{}, leaving: map[*run]bool{},
	}
	p.accounts = newAccounts(p.redactor)
	below := newRouter(p)
	p.Client = client.New(p.guarded(below, tally{below, p.accounts}))
	return p
}

// guarded puts the plugin's guards before a connection.
func (p *Plugin) guarded(below grpc.ClientConnInterface, tally guard.Stage) *guard.Conn {
	return guard.NewConn(p.observer.stages(guard.Config{
		Pick:   func(context.Context) (grpc.ClientConnInterface, error) { return below, nil },
		Plugin: p.name, Bulkhead: p.bulkhead, Streams: p.streams, Breakers: p.breakers, Rules: p.host.rules, Sending: p.redactor.Learn, Log: p.host.log, Tally: tally,
	}))
}

// Name returns the plugin's name.
func (p *Plugin) Name() string { return p.name }

// Shutdown is not offered to callers: it would end the plugin under the
// supervisor. Use [Host.Stop].
func (p *Plugin) Shutdown(context.Context) error {
	return fault.Unsupported("a plugin is ended by stopping it at the host").From(fault.SourceHost)
}

// LinkHost is not offered to callers: the host opens the link itself, with what
// [Config.Services] gives.
func (p *Plugin) LinkHost(context.Context, provider.HostServices) error {
	return fault.Unsupported("the link to a plugin is opened by the host").From(fault.SourceHost)
}

// Description returns what the running active version said of itself or, when it
// does not run, what its manifest says. It makes no call. ok is false when
// neither is known yet.
func (p *Plugin) Description() (d provider.Description, ok bool) {
	r := p.activeRun()
	if s, running := r.supervisor.Current(); running {
		return s.Description(), true
	}
	if m, err := p.host.catalog.Manifest(r.entry); err == nil && m.Format != 0 {
		return m.Description, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.last.Name != ""
}

// Runs reports whether calls can be served now or without anyone's help soon:
// a version serves, or is being started. It makes no call.
func (p *Plugin) Runs() bool {
	if _, running := p.activeRun().supervisor.Current(); running {
		return true
	}
	p.mu.Lock()
	runs := p.all()
	p.mu.Unlock()
	return slices.ContainsFunc(runs, func(r *run) bool {
		s := r.supervisor.Status().State
		return s.Serving() || s.Coming()
	})
}

func (p *Plugin) activeRun() *run { return p.routes.Load().active }

func (p *Plugin) remember(d provider.Description) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = d
}

// all returns the runs that are not leaving, those for all orgs first. It needs
// the lock.
func (p *Plugin) all() []*run {
	var out []*run
	for _, r := range p.shared {
		out = append(out, r)
	}
	if table := p.routes.Load(); table != nil {
		for _, r := range table.private {
			out = append(out, r)
		}
	}
	if p.candidate != nil {
		out = append(out, p.candidate)
	}
	return out
}

// every returns all runs, also those that are leaving.
func (p *Plugin) every() []*run {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.all()
	for r := range p.leaving {
		out = append(out, r)
	}
	return out
}

func (p *Plugin) forget(r *run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.leaving, r)
	if p.candidate == r {
		p.candidate = nil
	}
}

// close ends everything: gently while ctx lasts, then by force. It does not wait
// for what the force does.
func (p *Plugin) close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	if p.changing != nil {
		p.changing.cancel()
	}
	if p.unwatch != nil {
		p.unwatch()
	}
	p.mu.Unlock()
	runs := p.every()
	var stops sync.WaitGroup
	for _, r := range runs {
		stops.Go(func() {
			if err := r.supervisor.Stop(ctx); err != nil && !errors.Is(err, supervise.ErrClosed) {
				p.host.log.Warn("a plugin did not stop gently", "plugin", p.name, "version", r.entry.Version, "error", err)
			}
			r.cancel()
		})
	}
	stops.Wait()
}

// takeTurn waits until nobody else changes the plugin's runs; the returned
// function ends the turn.
func (p *Plugin) takeTurn(ctx context.Context) (func(), error) {
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn }, nil
	case <-ctx.Done():
		return nil, fault.Unavailable("plugin %q is being changed by someone else and did not become free in time", p.name).
			From(fault.SourceHost).With(ctx.Err())
	}
}

// notServing is the fault of a call that was not sent.
func (p *Plugin) notServing(err error) error {
	state, later := supervise.StateStopped, time.Duration(0)
	var not *supervise.NotServingError
	if errors.As(err, &not) {
		state = not.State
		if state.Coming() || state.Serving() {
			later = max(retryAfter, time.Until(not.NextTry).Round(time.Second))
		}
	}
	f := fault.Unavailable("plugin %q is %s and takes no calls now", p.name, state)
	f.Source, f.Cause, f.RetryAfter = fault.SourceHost, err, later
	return f
}
