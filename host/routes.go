package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/host/catalog"
	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/client"
)

// routes says which run serves whom. It is never changed, only replaced.
type routes struct {
	active  *run
	pins    map[string]pinned // by the id of an org, or of the root of its tree
	private map[string]*run   // by org
}

// pinned is where the calls of a pinned org go.
type pinned struct {
	entry catalog.Entry
	alone bool // each org has a process of its own
	run   *run // shared; nil when alone
}

// pin returns the pin of a route: that of the org comes before its root's.
func (t *routes) pin(r client.Route) (pinned, bool) {
	if p, ok := t.pins[r.Org]; ok {
		return p, true
	}
	p, ok := t.pins[r.RootOrg]
	return p, ok
}

// router is the plugin's connection beneath its guards: it sends each call to
// the run that serves the call's org at that moment.
type router struct {
	plugin   *Plugin
	standing map[string]bool // methods whose streams do not hold up a drain
}

var _ grpc.ClientConnInterface = (*router)(nil)

func newRouter(p *Plugin) *router {
	r := &router{plugin: p, standing: map[string]bool{}}
	for method, rule := range guard.Rules() {
		if rule.Standing {
			r.standing[method] = true
		}
	}
	return r
}

// Invoke makes one unary call.
func (t *router) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	r, s, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer r.leave()
	err = s.Invoke(ctx, method, args, reply, opts...)
	r.count(err)
	return err
}

// NewStream opens a stream. It counts as a call until its end was received or
// ctx has ended; a standing one does not, or else it would hold up every drain:
// it breaks when its run ends, and its reader opens a new one.
func (t *router) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	r, s, err := t.enter(ctx)
	if err != nil {
		return nil, err
	}
	inner, err := s.NewStream(ctx, desc, method, opts...)
	if err != nil || t.standing[method] {
		r.count(err)
		r.leave()
		return inner, err
	}
	out := &routed{ClientStream: inner, run: r, end: sync.OnceFunc(r.leave)}
	context.AfterFunc(ctx, out.end)
	return out, nil
}

// routed is a stream that leaves its run when it ends.
type routed struct {
	grpc.ClientStream
	run *run
	end func()
}

// RecvMsg receives one message; any error is the stream's end.
func (s *routed) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		if errors.Is(err, io.EOF) {
			s.run.count(nil)
		} else {
			s.run.count(err)
		}
		s.end()
	}
	return err
}

// enter finds the run for the call of ctx and enters it; the caller leaves it.
// A call that meets a run which is just being replaced goes to the next one.
func (t *router) enter(ctx context.Context) (*run, instance, error) {
	table := t.plugin.routes.Load()
	for {
		r, err := t.pick(ctx, table)
		if err != nil {
			return nil, nil, err
		}
		r.users.enter()
		s, err := r.serving(ctx)
		if err == nil {
			return r, s, nil
		}
		r.leave()
		next := t.plugin.routes.Load()
		if next == table {
			r.count(err)
			return nil, nil, err
		}
		table = next
	}
}

// pick takes no lock, but for the first call of an org that has a process of
// its own.
func (t *router) pick(ctx context.Context, table *routes) (*run, error) {
	if len(table.pins) == 0 {
		return table.active, nil
	}
	route, ok := client.RouteOf(ctx)
	if !ok {
		return table.active, nil
	}
	pin, ok := table.pin(route)
	switch {
	case !ok:
		return table.active, nil
	case !pin.alone:
		return pin.run, nil
	}
	if r, ok := table.private[route.Org]; ok {
		return r, nil
	}
	return t.plugin.beginPrivate(ctx, route)
}

// peek returns the run that a route leads to; none when that has not begun yet.
func (t *routes) peek(route client.Route, routed bool) (*run, bool) {
	pin, ok := t.pin(route)
	switch {
	case !routed || !ok:
		return t.active, true
	case !pin.alone:
		return pin.run, true
	}
	r, ok := t.private[route.Org]
	return r, ok
}

// use makes what is chosen in the catalogue the routes of all calls from now on.
// Runs that it needs and that do not exist begin; a candidate comes before an
// equal one that serves. It returns the runs that nobody needs now.
func (p *Plugin) use(ctx context.Context, c chosen) ([]*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed()
	}
	old := p.all()
	next := &routes{pins: map[string]pinned{}, private: map[string]*run{}}
	shared := map[string]*run{}
	need := func(e catalog.Entry) *run {
		k := key(e)
		if shared[k] == nil {
			shared[k] = p.sharedRun(ctx, e, old)
		}
		return shared[k]
	}
	if p.attached != nil {
		next.active, shared[""] = p.attached, p.attached
	} else {
		next.active = need(c.active)
		next.addPins(c.pins, need)
		p.keepPrivate(next)
	}
	p.shared, p.candidate = shared, nil
	p.routes.Store(next)
	return p.release(old, next), nil
}

func (t *routes) addPins(pins []chosenPin, need func(catalog.Entry) *run) {
	for _, pin := range pins {
		to := pinned{entry: pin.entry, alone: pin.alone}
		if !pin.alone {
			to.run = need(pin.entry)
		}
		for _, org := range pin.orgs {
			t.pins[org] = to
		}
	}
}

// sharedRun returns the run of e among those there are, or begins one.
func (p *Plugin) sharedRun(ctx context.Context, e catalog.Entry, have []*run) *run {
	for i := len(have) - 1; i >= 0; i-- { // a candidate comes last
		if r := have[i]; !r.private() && r.at == nil && key(r.entry) == key(e) {
			return r
		}
	}
	return p.begin(ctx, e, client.Route{}, !p.host.cfg.Lazy && !p.stopped)
}

// keepPrivate keeps the private runs whose orgs would get the same again.
func (p *Plugin) keepPrivate(next *routes) {
	old := p.routes.Load()
	if old == nil {
		return
	}
	for org, r := range old.private {
		if pin, ok := next.pin(r.route); ok && pin.alone && key(pin.entry) == key(r.entry) {
			next.private[org] = r
		}
	}
}

// release returns the runs of old that next does not use, noted as leaving.
func (p *Plugin) release(old []*run, next *routes) []*run {
	used := map[*run]bool{}
	for _, r := range p.shared {
		used[r] = true
	}
	for _, r := range next.private {
		used[r] = true
	}
	var out []*run
	for _, r := range old {
		if !used[r] && !p.leaving[r] {
			out = append(out, r)
			p.leaving[r] = true
		}
	}
	return out
}

// key tells shared runs apart: entries with the same key need only one.
func key(e catalog.Entry) string {
	return fmt.Sprint(e.Version, e.SHA256, e.Path, e.Disabled, e.Args, e.Env)
}

// beginPrivate begins the private run of the route's org, unless it exists by
// now. At the bound it makes room by ending the one that was idle longest.
func (p *Plugin) beginPrivate(ctx context.Context, route client.Route) (*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	table := p.routes.Load()
	pin, ok := table.pin(route)
	switch {
	case p.closed:
		return nil, errClosed()
	case !ok || !pin.alone: // the pin has gone meanwhile
		return table.active, nil
	case table.private[route.Org] != nil:
		return table.private[route.Org], nil
	}
	next := table.clone()
	if len(next.private) >= p.host.cfg.PrivateRuns {
		idle := longestIdle(next.private)
		if idle == nil {
			return nil, fault.Throttled(retryAfter, "plugin %q has its %d processes for single orgs all at work", p.name, p.host.cfg.PrivateRuns).
				From(fault.SourceHost)
		}
		delete(next.private, idle.route.Org)
		p.dismiss(ctx, idle)
	}
	r := p.begin(ctx, pin.entry, client.Route{RootOrg: route.RootOrg, Org: route.Org}, !p.stopped)
	next.private[route.Org] = r
	p.routes.Store(next)
	p.host.work.Go(func() { p.endWhenIdle(context.WithoutCancel(ctx), r) })
	return r, nil
}

func (t *routes) clone() *routes {
	c := &routes{active: t.active, pins: t.pins, private: make(map[string]*run, len(t.private)+1)}
	for org, r := range t.private {
		c.private[org] = r
	}
	return c
}

func longestIdle(private map[string]*run) *run {
	var found *run
	for _, r := range private {
		if r.users.in.Load() == 0 && (found == nil || r.used.Load() < found.used.Load()) {
			found = r
		}
	}
	return found
}

// dismiss retires a run in the background. It needs the lock.
func (p *Plugin) dismiss(ctx context.Context, r *run) {
	p.leaving[r] = true
	p.host.work.Go(func() {
		if err := r.retire(ctx); err != nil {
			p.host.log.Warn("ending a process that is not needed any more", "plugin", p.name, "error", err)
		}
	})
}

// endWhenIdle retires a private run that was not used for a while. It returns
// when the run has ended for this or any other reason.
func (p *Plugin) endWhenIdle(ctx context.Context, r *run) {
	timer := time.NewTimer(p.host.cfg.PrivateIdle)
	defer timer.Stop()
	for {
		select {
		case <-r.ended:
			return
		case <-timer.C:
		}
		left := time.Until(time.Unix(0, r.used.Load()).Add(p.host.cfg.PrivateIdle))
		if left <= 0 && p.dropIdle(ctx, r) {
			return
		}
		timer.Reset(max(left, p.host.cfg.PrivateIdle/4))
	}
}

// dropIdle takes a private run out of the routes, unless it is in use.
func (p *Plugin) dropIdle(ctx context.Context, r *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	table := p.routes.Load()
	if p.closed || table.private[r.route.Org] != r {
		return true
	}
	if r.users.in.Load() > 0 {
		return false
	}
	next := table.clone()
	delete(next.private, r.route.Org)
	p.routes.Store(next)
	p.dismiss(ctx, r)
	return true
}
