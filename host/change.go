package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tradewind.example/host/catalog"
	"tradewind.example/host/rollout"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

const (
	defaultPhase = 30 * time.Second
	// maxRollouts bounds how many changes of a plugin are remembered.
	maxRollouts = 8
	// automatic is the author of changes that nobody asked for.
	automatic = "tradewind"
)

// Upgrades says how one version of a plugin is replaced by another. The zero
// value is ready: it checks what needs no knowledge of the accounts.
type Upgrades struct {
	// Validate checks the settings of all known accounts with the configuration
	// schema of the new version. It returns what it checked, for people; an error
	// keeps the old version. A [rollout.Skip] passes.
	Validate func(ctx context.Context, plugin string, d provider.Description) (checked string, err error)
	// Shadow makes one cheap read, known to work, through the new version, before
	// any other call goes there. Its results are as Validate's.
	Shadow func(ctx context.Context, plugin string, cloud Reads) (read string, err error)
	// Phase bounds each of validate, health and shadow; default 30 s.
	Phase time.Duration
	// Watch says when a new version that fails more calls than the old one is
	// rolled back.
	Watch rollout.Policy
}

// Reads are the calls that may be made through a version before it comes into use.
type Reads interface {
	Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error)
	Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error)
}

// change is one replacement that is going on.
type change struct {
	what   rollout.Change
	cancel context.CancelFunc
	done   chan struct{} // closed when err is set
	err    error
}

// replace performs a change, or joins an equal one that is going on already.
func (p *Plugin) replace(ctx context.Context, what rollout.Change, by catalog.Edit) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, mine, err := p.enlist(what, cancel)
	if err != nil {
		return err
	}
	if mine {
		defer p.host.work.Done()
		c.err = p.perform(ctx, what, by)
		p.delist(c)
		return c.err
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return p.operated(string(what.Kind), ctx.Err())
	}
}

// enlist makes what the plugin's change, unless there is one; a new one ends the
// watch over the last. The host waits for a change that is mine.
func (p *Plugin) enlist(what rollout.Change, cancel context.CancelFunc) (c *change, mine bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, false, errClosed()
	case p.attached != nil:
		return nil, false, fault.Precondition("something is attached in place of plugin %q; detach it first", p.name).From(fault.SourceHost)
	case p.changing == nil:
	case p.changing.what.Kind == what.Kind && p.changing.what.To == what.To:
		return p.changing, false, nil
	default:
		return nil, false, fault.Conflict("plugin %q: %s to %q is under way; wait for its end", p.name, p.changing.what.Kind, p.changing.what.To).
			From(fault.SourceHost)
	}
	if p.unwatch != nil && what.Kind != rollout.KindAutomatic {
		p.unwatch()
	}
	p.host.work.Add(1)
	p.changing = &change{what: what, cancel: cancel, done: make(chan struct{})}
	return p.changing, true, nil
}

func (p *Plugin) delist(c *change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changing = nil
	close(c.done)
}

// perform runs the phases of a change and begins the watch over the new version.
func (p *Plugin) perform(ctx context.Context, what rollout.Change, by catalog.Edit) error {
	endTurn, err := p.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer endTurn()
	x := &exchange{plugin: p, what: what, by: by}
	x.rollout = rollout.New(x.plan())
	p.note(x.rollout)
	p.host.log.Info("replacing a plugin version", "plugin", p.name, "kind", what.Kind, "from", what.From, "to", what.To, "reason", what.Reason)
	if err := x.rollout.Run(ctx); err != nil {
		p.host.log.Warn("a plugin version was not replaced", "plugin", p.name, "from", what.From, "to", what.To, "error", err)
		return p.notReplaced(what, err)
	}
	p.host.log.Info("plugin version replaced", "plugin", p.name, "from", what.From, "to", what.To)
	if what.Kind != rollout.KindUpgrade || p.host.cfg.Upgrades.Watch.Off() {
		x.rollout.Finish(rollout.StateDone, "")
		return nil
	}
	x.rollout.Watching()
	p.watch(ctx, x)
	return nil
}

// notReplaced is the fault of a change that left the old version serving.
func (p *Plugin) notReplaced(what rollout.Change, err error) error {
	var f *fault.Error
	class := fault.ClassUnavailable
	if errors.As(err, &f) {
		class = f.Class
	}
	return fault.New(class, "plugin %q: %s to %q failed, version %q serves on: %v", p.name, what.Kind, what.To, what.From, err).
		From(fault.SourceHost).With(err)
}

func (p *Plugin) note(r *rollout.Rollout) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rollouts = append(p.rollouts, r)
	if len(p.rollouts) > maxRollouts {
		p.rollouts = p.rollouts[1:]
	}
}

// watch compares the new version with the old one in the background, and goes
// back when it is worse.
func (p *Plugin) watch(ctx context.Context, x *exchange) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.mu.Lock()
	if p.closed {
		cancel()
	}
	p.unwatch = cancel
	p.mu.Unlock()
	p.host.work.Go(func() {
		defer cancel()
		policy := p.host.cfg.Upgrades.Watch
		verdict := x.rollout.Watch(ctx, func(ctx context.Context) string {
			return policy.Compare(ctx, x.before, x.sample)
		})
		if verdict == "" {
			x.rollout.Finish(rollout.StateDone, "")
			return
		}
		p.goBack(ctx, x, verdict)
	})
}

func (p *Plugin) goBack(ctx context.Context, x *exchange, verdict string) {
	back := rollout.Change{Plugin: p.name, Kind: rollout.KindAutomatic, From: x.what.To, To: x.what.From, Reason: verdict}
	p.host.log.Error("a new plugin version is worse than the old one and is rolled back", "plugin", p.name, "version", x.what.To, "reason", verdict)
	if err := p.replace(ctx, back, catalog.Edit{Who: automatic, Reason: verdict}); err != nil {
		x.rollout.Finish(rollout.StateDone, fmt.Sprintf("%s; going back failed: %v", verdict, err))
		return
	}
	x.rollout.Finish(rollout.StateRolledBack, verdict)
}

// exchange is what the phases of one change share.
type exchange struct {
	plugin  *Plugin
	what    rollout.Change
	by      catalog.Edit
	rollout *rollout.Rollout
	entry   catalog.Entry  // of the new version, after start
	fresh   *run           // after start
	begun   bool           // fresh was begun for this change
	base    rollout.Counts // of fresh, at the swap
	before  rollout.Counts // of what served before, at the swap
	old     []*run         // after the swap
	ending  sync.WaitGroup // of old
}

func (x *exchange) plan() rollout.Config {
	h := x.plugin.host
	phase := h.cfg.Upgrades.Phase
	return rollout.Config{
		Change: x.what,
		Gates: []rollout.Step{
			{Phase: rollout.PhaseStart, Do: x.start}, // bounded by the supervision's start timeout
			{Phase: rollout.PhaseDescribe, Timeout: phase, Do: x.describe},
			{Phase: rollout.PhaseValidate, Timeout: phase, Do: x.validate},
			{Phase: rollout.PhaseHealth, Timeout: phase, Do: x.health},
			{Phase: rollout.PhaseShadow, Timeout: phase, Do: x.shadow},
			{Phase: rollout.PhaseSwap, Timeout: phase, Do: x.swap},
		},
		Tidy: []rollout.Step{
			{Phase: rollout.PhaseDrain, Do: x.drain}, // both bounded by the supervision's policy
			{Phase: rollout.PhaseStop, Do: x.stop},
		},
		Abandon: x.abandon,
	}
}

// start brings the new version up, beside the old one.
func (x *exchange) start(ctx context.Context) (string, error) {
	p := x.plugin
	var err error
	if x.entry, err = p.host.catalog.Entry(p.name, x.what.To); err != nil {
		return "", err
	}
	if x.entry.Disabled {
		return "", fault.Precondition("plugin %q is disabled in version %q", p.name, x.what.To).From(fault.SourceHost)
	}
	if x.fresh, x.begun, err = p.candidateFor(ctx, x.entry, x.what.Kind == rollout.KindReload); err != nil {
		return "", err
	}
	if err := p.operated("start", x.fresh.supervisor.Start(ctx)); err != nil {
		return "", err
	}
	s, ok := x.fresh.current()
	switch {
	case !ok:
		return "", fault.Unavailable("it ended at once").From(fault.SourceHost)
	case !x.begun:
		return fmt.Sprintf("runs already for a pin as pid %d", s.PID()), nil
	}
	return fmt.Sprintf("runs as pid %d", s.PID()), nil
}

// candidateFor returns the run of e that serves for a pin, or begins one; a
// reload always begins one.
func (p *Plugin) candidateFor(ctx context.Context, e catalog.Entry, reload bool) (r *run, begun bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, errClosed()
	}
	if r := p.shared[key(e)]; r != nil && !reload {
		return r, false, nil
	}
	p.candidate = p.begin(ctx, e, client.Route{}, false)
	return p.candidate, true, nil
}

func (x *exchange) describe(context.Context) (string, error) {
	s, ok := x.fresh.current()
	if !ok {
		return "", x.gone()
	}
	d := s.Description()
	if x.entry.Version != "" && d.Version != x.entry.Version {
		return "", fault.Invalid("version", "the plugin says that it is version %q", d.Version).From(fault.SourceHost)
	}
	return fmt.Sprintf("it is version %q with %d kinds and %d capabilities", d.Version, len(d.Kinds), len(d.Capabilities)), nil
}

func (x *exchange) gone() error {
	st := x.fresh.supervisor.Status()
	return fault.Unavailable("the new version is %s: %s", st.State, st.Reason).From(fault.SourceHost)
}

func (x *exchange) validate(ctx context.Context) (string, error) {
	check := x.plugin.host.cfg.Upgrades.Validate
	if check == nil {
		return "", rollout.Skip("the host knows no accounts")
	}
	s, ok := x.fresh.current()
	if !ok {
		return "", x.gone()
	}
	return check(ctx, x.plugin.name, s.Description())
}

func (x *exchange) health(ctx context.Context) (string, error) {
	s, ok := x.fresh.current()
	if !ok {
		return "", x.gone()
	}
	return "it is well", s.Probe(ctx)
}

func (x *exchange) shadow(ctx context.Context) (string, error) {
	read := x.plugin.host.cfg.Upgrades.Shadow
	if read == nil {
		return "", rollout.Skip("the host knows no read that works")
	}
	s, ok := x.fresh.current()
	if !ok {
		return "", x.gone()
	}
	return read(ctx, x.plugin.name, client.New(x.plugin.guarded(s, nil)))
}

// swap makes the choice durable and sends all new calls to the new version.
func (x *exchange) swap(ctx context.Context) (string, error) {
	p := x.plugin
	x.before, x.base = p.activeRun().counts(), x.fresh.counts()
	if x.what.Kind != rollout.KindReload {
		if _, err := p.host.catalog.Activate(p.name, x.what.To, x.by); err != nil {
			return "", err
		}
	}
	c, err := p.host.choose(p.name)
	if err != nil {
		return "", err
	}
	x.old, err = p.use(ctx, c)
	p.breakers.ResetAll() // what they learnt, they learnt of the old version
	return fmt.Sprintf("%d runs are not needed any more", len(x.old)), err
}

// drain waits until the calls of the old runs have ended, or their time is over.
func (x *exchange) drain(ctx context.Context) (string, error) {
	var cut int64
	for _, r := range x.old {
		x.ending.Go(func() {
			if err := r.retire(ctx); err != nil {
				x.plugin.host.log.Warn("ending an old plugin version", "plugin", x.plugin.name, "version", r.entry.Version, "error", err)
			}
		})
	}
	for _, r := range x.old {
		if err := r.supervisor.Drained(ctx); err != nil && !errors.Is(err, supervise.ErrClosed) {
			return "", err
		}
		cut += r.users.in.Load()
	}
	if cut > 0 {
		return "", fmt.Errorf("%d calls were still at work when their time was over", cut)
	}
	return "all calls have ended", nil
}

// stop waits until the old runs have ended. A plugin that an operator stopped
// stays stopped.
func (x *exchange) stop(ctx context.Context) (string, error) {
	x.ending.Wait()
	if x.plugin.isStopped() {
		return "the plugin is stopped, so the new version was ended, too", x.fresh.supervisor.Stop(ctx)
	}
	return "", nil
}

func (x *exchange) abandon(ctx context.Context) {
	if !x.begun {
		return
	}
	if err := x.fresh.retire(ctx); err != nil {
		x.plugin.host.log.Warn("ending a new plugin version that is not used", "plugin", x.plugin.name, "error", err)
	}
}

// sample tells how the new version's calls went since the swap.
func (x *exchange) sample() (now rollout.Counts, down string) {
	now = x.fresh.counts()
	now.Calls, now.Failures = now.Calls-x.base.Calls, now.Failures-x.base.Failures
	if st := x.fresh.supervisor.Status(); st.State == supervise.StateQuarantined {
		down = "it is quarantined: " + st.Reason
	}
	return now, down
}
