package host

import (
	"context"
	"errors"
	"sync"

	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
)

// start starts all runs that do not serve.
func (p *Plugin) start(ctx context.Context) error {
	p.setStopped(false)
	return p.each(p.runs(), func(r *run) error { return p.operated("start", r.supervisor.Start(ctx)) })
}

// stop ends all runs. Those for single orgs begin again when they are needed.
func (p *Plugin) stop(ctx context.Context) error {
	p.setStopped(true)
	err := p.each(p.runs(), func(r *run) error { return p.operated("stop", r.supervisor.Stop(ctx)) })
	p.dropPrivate(ctx)
	return err
}

// restart is stop, then start of what the catalogue says by now.
func (p *Plugin) restart(ctx context.Context) error {
	err := p.inTurn(ctx, func(ctx context.Context) error {
		if err := p.stop(ctx); err != nil {
			return err
		}
		return p.sync(ctx)
	})
	if err != nil {
		return err
	}
	return p.start(ctx)
}

// resume starts the quarantined runs; it is a precondition fault when no run is
// in quarantine.
func (p *Plugin) resume(ctx context.Context) error {
	var held []*run
	for _, r := range p.runs() {
		if r.supervisor.Status().State == supervise.StateQuarantined {
			held = append(held, r)
		}
	}
	if len(held) == 0 {
		held = append(held, p.activeRun()) // it tells why not
	}
	return p.each(held, func(r *run) error { return p.operated("resume", r.supervisor.Resume(ctx)) })
}

// sync brings the catalogue's choice into use and ends what is not needed then.
func (p *Plugin) sync(ctx context.Context) error {
	c, err := p.host.choose(p.name)
	if err != nil && !p.isAttached() {
		return err
	}
	old, err := p.use(ctx, c)
	if err != nil {
		return err
	}
	return p.each(old, func(r *run) error { return p.operated("stop", r.retire(ctx)) })
}

func (p *Plugin) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

func (p *Plugin) setStopped(stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = stopped
}

// runs returns the runs that calls go to.
func (p *Plugin) runs() []*run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all()
}

// dropPrivate takes all private runs out of the routes; they have been stopped.
func (p *Plugin) dropPrivate(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	table := p.routes.Load()
	for _, r := range table.private {
		p.dismiss(ctx, r)
	}
	p.routes.Store(&routes{active: table.active, pins: table.pins, private: map[string]*run{}})
}

// each does the same with all runs at once and waits. All errors are told, that
// of one run as it is.
func (p *Plugin) each(runs []*run, do func(*run) error) error {
	errs := make([]error, len(runs))
	var work sync.WaitGroup
	for i, r := range runs {
		work.Go(func() { errs[i] = do(r) })
	}
	work.Wait()
	return errors.Join(errs...)
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
