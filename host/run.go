package host

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/host/catalog"
	"tradewind.example/host/launch"
	"tradewind.example/host/rollout"
	"tradewind.example/host/session"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
	"tradewind.example/sdk/wire/convert"
)

// instance is one live process of a plugin and the connection to it.
type instance interface {
	supervise.Instance
	grpc.ClientConnInterface
	process
}

// process is what an instance tells of itself.
type process interface {
	PID() int
	SHA256() string
	Description() provider.Description
	Ended() bool
}

// run is one version of a plugin, kept running by a supervisor of its own and
// used by all orgs, or by one alone.
type run struct {
	plugin     *Plugin
	entry      catalog.Entry
	at         *handshake.Reattach // of an attached plugin: where it listens
	route      client.Route        // of a private run: whom it is for; zero when shared
	supervisor *supervise.Supervisor[instance]
	cancel     context.CancelFunc // ends the supervisor by force
	ended      chan struct{}      // closed when the supervisor's goroutine is gone

	users    users
	calls    atomic.Int64 // that have ended
	failures atomic.Int64 // of these, that the run could not serve
	used     atomic.Int64 // when the last call of a private run ended, in Unix nanoseconds
}

// begin makes a run of e and gives it its goroutine, which lives until the run
// is retired or the host is closed, beyond ctx. It needs the plugin's lock.
func (p *Plugin) begin(ctx context.Context, e catalog.Entry, route client.Route, atOnce bool) *run {
	return p.launch(ctx, &run{entry: e, route: route}, atOnce)
}

// launch gives a run its supervisor and goroutine. It needs the plugin's lock.
func (p *Plugin) launch(ctx context.Context, r *run, atOnce bool) *run {
	r.plugin, r.ended, r.users = p, make(chan struct{}), newUsers()
	r.used.Store(time.Now().UnixNano())
	log := p.host.log.With("plugin", p.name, "version", r.entry.Version)
	if r.private() {
		log = log.With("org", r.route.Org)
	}
	r.supervisor = supervise.New(supervise.Config[instance]{
		Start: r.open, Drain: r.users.drain, Disabled: r.entry.Disabled, AtOnce: atOnce && !r.entry.Disabled,
		Log: log, Policy: p.host.cfg.Policy,
	})
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.host.work.Go(func() {
		defer close(r.ended)
		r.supervisor.Run(ctx)
	})
	return r
}

func (r *run) private() bool { return r.route != client.Route{} }

// open starts one session from the run's entry.
func (r *run) open(ctx context.Context) (instance, error) {
	p, h := r.plugin, r.plugin.host
	if r.at != nil {
		return r.attach(ctx)
	}
	expected, err := h.catalog.Manifest(r.entry)
	if err != nil {
		return nil, err
	}
	binary, err := h.catalog.Binary(r.entry)
	if err != nil {
		return nil, err
	}
	cfg := session.Config{
		Name: p.name, Expected: expected, Redactor: p.redactor, Log: h.log, StartTimeout: h.cfg.Policy.StartTimeout,
		Launch: launch.Config{
			Dir: h.run, Name: handshake.BinaryPrefix + p.name, Binary: binary, SHA256: r.entry.SHA256,
			Args: r.entry.Args, Env: launch.Environment(h.cfg.EnvAllow, r.entry.Env), Isolation: h.isolation(r.entry.Isolation),
		},
	}
	if h.cfg.Services != nil {
		cfg.Services = h.cfg.Services(p.name)
	}
	s, err := session.Open(ctx, p.observer.session(ctx, cfg))
	if err != nil {
		return nil, err
	}
	p.remember(s.Description())
	r.warnOfDeprecations(s.Description())
	return s, nil
}

// mostWarned bounds how many deprecations one line of the log names.
const mostWarned = 20

// warnOfDeprecations tells, once per start, what the plugin is going to take away.
func (r *run) warnOfDeprecations(d provider.Description) {
	all := d.Deprecations()
	if len(all) == 0 {
		return
	}
	var list []string
	for _, one := range all[:min(len(all), mostWarned)] {
		list = append(list, one.Place+": "+one.Instead)
	}
	r.plugin.host.log.Warn("a plugin is going to take things away", "plugin", r.plugin.name, "version", d.Version,
		"deprecated", list, "more", len(all)-len(list))
}

// current returns the process that serves now.
func (r *run) current() (instance, bool) {
	if s, ok := r.supervisor.Current(); ok && !s.Ended() {
		return s, true
	}
	return nil, false
}

// serving returns the process that serves, waiting a bounded time for one that
// is coming up.
func (r *run) serving(ctx context.Context) (instance, error) {
	if s, ok := r.current(); ok {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.plugin.host.cfg.WaitReady)
	defer cancel()
	s, err := r.supervisor.Await(ctx)
	if err != nil {
		return nil, r.plugin.notServing(err)
	}
	return s, nil
}

// leave ends a call that entered the run with users.enter.
func (r *run) leave() {
	if r.private() {
		r.used.Store(time.Now().UnixNano())
	}
	r.users.leave()
}

// count notes how a call went.
func (r *run) count(err error) {
	r.calls.Add(1)
	if err != nil && cannotServe(err) {
		r.failures.Add(1)
	}
}

// counts returns how the run's calls went so far.
func (r *run) counts() rollout.Counts {
	return rollout.Counts{Calls: r.calls.Load(), Failures: r.failures.Load()}
}

// retire lets the calls at work finish, ends the process and gives the
// supervisor's goroutine back. It is bounded by the policy, not by ctx.
func (r *run) retire(ctx context.Context) error {
	err := r.supervisor.Stop(context.WithoutCancel(ctx))
	r.cancel()
	<-r.ended
	r.plugin.forget(r)
	if errors.Is(err, supervise.ErrClosed) {
		return nil
	}
	return err
}

// cannotServe reports whether a call failed because of the plugin and not
// because of what was asked.
func cannotServe(err error) bool {
	var f *fault.Error
	if !errors.As(carried(err), &f) {
		switch status.Code(err) {
		case codes.Canceled, codes.ResourceExhausted, codes.Unimplemented:
			return false
		}
		return true
	}
	return f.Class == fault.ClassInternal || f.Class == fault.ClassUnavailable || f.Outcome == fault.OutcomeUnknown
}

// carried returns the fault that err is or that came with it from the plugin;
// other errors as they are.
func carried(err error) error {
	if f, ok := convert.FaultFromStatus(err); ok {
		return f
	}
	return err
}

// users counts who is in a run, so that it can be ended when nobody is.
type users struct {
	in       atomic.Int64
	draining atomic.Bool
	left     chan struct{} // gets a token when the last one leaves a draining run
}

func newUsers() users { return users{left: make(chan struct{}, 1)} }

func (u *users) enter() { u.in.Add(1) }

func (u *users) leave() {
	if u.in.Add(-1) > 0 || !u.draining.Load() {
		return
	}
	select {
	case u.left <- struct{}{}:
	default:
	}
}

// drain waits until nobody is in, or ctx has ended. Who enters meanwhile must
// find that the run does not serve any more.
func (u *users) drain(ctx context.Context) error {
	u.draining.Store(true)
	defer u.draining.Store(false)
	for u.in.Load() > 0 {
		select {
		case <-u.left:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
