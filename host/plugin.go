package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/catalog"
	"tradewind.example/host/guard"
	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
	"tradewind.example/host/session"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// retryAfter is what callers of a plugin that is coming up are told.
const retryAfter = time.Second

// Plugin is one plugin of the catalogue, over all its processes. Its embedded
// client has a method for every call of the contract; each gets a deadline when
// the caller's context has none, and a slot among the plugin's bounded calls.
//
// Beside the faults of the plugin, calls return these with the source host:
// unavailable when the plugin does not serve now (outcome not done), throttled
// when it is overloaded (not done), unavailable with the outcome unknown when
// the process ended under a change.
type Plugin struct {
	*client.Client

	host       *Host
	name       string
	supervisor *supervise.Supervisor[*session.Session]
	bulkhead   *guard.Bulkhead
	redactor   *session.Redactor
	cancel     context.CancelFunc // ends the supervisor by force

	mu   sync.Mutex
	last manifest.Manifest // of the entry that was started last
}

// Status is what is known of a plugin at one moment.
type Status struct {
	Name         string
	State        supervise.State
	Since        time.Time
	Reason       string // why it came into this state
	Restarts     int    // starts after the first one
	LastError    string // with the last lines of output, secrets masked; "" when nothing ever failed
	Version      string // of what runs, or else of what would be started
	SHA256       string // of what runs, or else of what would be started
	PID          int    // 0 when it does not run
	Calls        int    // at work
	Waiting      int    // calls waiting for a slot
	Capabilities []provider.Capability
	NextTry      time.Time              // when it is started again by itself; zero when that is not due
	History      []supervise.Transition // the last ones, oldest first
	Source       string                 // where the catalogue entry comes from
}

func (h *Host) newPlugin(e catalog.Entry) *Plugin {
	p := &Plugin{host: h, name: e.Name, bulkhead: guard.NewBulkhead(h.cfg.Limits), redactor: &session.Redactor{}}
	p.supervisor = supervise.New(supervise.Config[*session.Session]{
		Start: p.open, Drain: p.bulkhead.Drain, Disabled: e.Disabled, AtOnce: !h.cfg.Lazy,
		Log: h.log.With("plugin", e.Name), Policy: h.cfg.Policy,
	})
	p.Client = client.New(guard.NewConn(guard.Config{
		Pick: p.pick, Bulkhead: p.bulkhead, Sending: p.redactor.Learn,
	}))
	return p
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

// Description returns what the running plugin said of itself or, when it does
// not run, what its manifest says. It makes no call. ok is false when neither
// is known yet.
func (p *Plugin) Description() (d provider.Description, ok bool) {
	if s, running := p.supervisor.Current(); running {
		return s.Description(), true
	}
	if m, err := p.installed(); err == nil && m.Format != 0 {
		return m.Description, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Description, p.last.Description.Name != ""
}

func (p *Plugin) installed() (manifest.Manifest, error) {
	e, err := p.host.catalog.Get(p.name)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return p.host.catalog.Manifest(e)
}

// Status returns the plugin's status.
func (p *Plugin) Status() Status {
	st := p.supervisor.Status()
	out := Status{
		Name: p.name, State: st.State, Since: st.Since, Reason: st.Reason, Restarts: st.Restarts,
		LastError: st.LastError, NextTry: st.NextTry, History: st.History, Calls: p.bulkhead.Busy(), Waiting: p.bulkhead.Waiting(),
	}
	if e, err := p.host.catalog.Get(p.name); err == nil {
		out.Version, out.SHA256, out.Source = e.Version, e.SHA256, e.Source
	}
	if d, ok := p.Description(); ok {
		out.Version, out.Capabilities = d.Version, d.Capabilities
	}
	if s, ok := p.supervisor.Current(); ok {
		out.PID, out.SHA256 = s.PID(), s.SHA256()
	}
	return out
}

// open starts one session from the entry as it is now in the catalogue.
func (p *Plugin) open(ctx context.Context) (*session.Session, error) {
	h := p.host
	e, err := h.catalog.Get(p.name)
	if err != nil {
		return nil, err
	}
	expected, err := h.catalog.Manifest(e)
	if err != nil {
		return nil, err
	}
	binary, err := h.catalog.Binary(e)
	if err != nil {
		return nil, err
	}
	cfg := session.Config{
		Name: p.name, Expected: expected, Redactor: p.redactor, Log: h.log, StartTimeout: h.cfg.Policy.StartTimeout,
		Launch: launch.Config{
			Dir: h.run, Name: handshake.BinaryPrefix + p.name, Binary: binary, SHA256: e.SHA256,
			Args: e.Args, Env: launch.Environment(h.cfg.EnvAllow, e.Env),
		},
	}
	if h.cfg.Services != nil {
		cfg.Services = h.cfg.Services(p.name)
	}
	s, err := session.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p.remember(s)
	return s, nil
}

func (p *Plugin) remember(s *session.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = manifest.Manifest{Description: s.Description()}
}

// pick returns the serving connection, waiting a bounded time for one that is
// coming up.
func (p *Plugin) pick(ctx context.Context) (grpc.ClientConnInterface, error) {
	if s, ok := p.supervisor.Current(); ok && !s.Ended() {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.host.cfg.WaitReady)
	defer cancel()
	s, err := p.supervisor.Await(ctx)
	if err != nil {
		return nil, p.notServing(err)
	}
	return s, nil
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

func (p *Plugin) start(ctx context.Context) error {
	return p.operated("start", p.supervisor.Start(ctx))
}

func (p *Plugin) stop(ctx context.Context) error {
	return p.operated("stop", p.supervisor.Stop(ctx))
}

func (p *Plugin) resume(ctx context.Context) error {
	return p.operated("resume", p.supervisor.Resume(ctx))
}

// operated makes a fault of what an operation returned.
func (p *Plugin) operated(what string, err error) error {
	var not *supervise.NotServingError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &not):
		return fault.Unavailable("plugin %q is %s: %s", p.name, not.State, not.Reason).From(fault.SourceHost).With(err)
	case errors.Is(err, supervise.ErrRefused):
		return fault.Precondition("plugin %q: %v", p.name, err).From(fault.SourceHost).With(err)
	case errors.Is(err, supervise.ErrClosed):
		return errClosed()
	}
	return fault.Unavailable("%s of plugin %q did not end in time", what, p.name).From(fault.SourceHost).With(err)
}
