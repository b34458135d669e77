// Package plugin shows and operates the installed plugins: the use-cases of
// the operator over the host that runs them.
//
// It runs nothing itself. Plugins belong to the installation, not to an org:
// only roles of the operator reach them. A [Service] is safe for concurrent use.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Plugin is an installed plugin as the host sees it now.
type Plugin struct {
	Name        string
	Version     string
	SHA256      string // of the binary, hex; what is pinned
	State       string // of the host's state machine: ready, backing_off, quarantined …
	Since       time.Time
	Reason      string // of the last change of state
	Restarts    int
	LastError   string
	PID         int // 0 while it does not run
	Description contract.Description
}

// Host runs the plugins.
type Host interface {
	Plugins(ctx context.Context) ([]Plugin, error)
	// Inspect tells everything of one plugin; a not_found fault when there is none.
	Inspect(ctx context.Context, name string) (Detail, error)
	// Operate performs a [Verb].
	Operate(ctx context.Context, name string, verb Verb) error
	// SetLogLevel shows the plugin's log from a level on: debug, info, warn, error.
	SetLogLevel(ctx context.Context, name, level string) error
	// ResetBreaker closes one circuit breaker; not_found when nothing is known of it.
	ResetBreaker(ctx context.Context, name string, key BreakerKey) error
}

// Catalogue holds the versions of plugins and says which one serves whom. What
// is declared by the configuration or a file is not changed: a conflict. So is a
// change from another revision than the present one, with the cause store.ErrStale.
type Catalogue interface {
	// Install takes a binary or an archive from the drop folder; sum is its
	// expected SHA-256. The first version of a plugin becomes active and starts.
	Install(ctx context.Context, file, sum string, by Edit) (Installed, error)
	// Upgrade brings an installed version into use without failing a call.
	Upgrade(ctx context.Context, name, version string, by Edit) error
	// Rollback is Upgrade to the version that was active before.
	Rollback(ctx context.Context, name string, by Edit) error
	// Alter changes what else is selected.
	Alter(ctx context.Context, name string, a Alteration, by Edit) error
}

// Crashes looks for faults: it keeps the reports of plugins that crashed, and asks
// those that live.
type Crashes interface {
	Crashes(ctx context.Context, name string) ([]Crash, error) // newest first
	Crash(ctx context.Context, name, id string) (Crash, error)
	// Diagnose asks the plugin's processes what they are doing.
	Diagnose(ctx context.Context, name string) ([]Doing, error)
}

// Verb is what can be done with an installed plugin.
type Verb string

// The verbs.
const (
	VerbStart   Verb = "start"
	VerbStop    Verb = "stop"
	VerbRestart Verb = "restart"
	VerbReload  Verb = "reload" // fresh processes of the same version, without failing a call
	VerbResume  Verb = "resume" // out of quarantine
)

// Config is what a Service needs.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Host      Host
	Catalogue Catalogue
	Crashes   Crashes
	Developer Developer // nil: in production, where nothing is attached
	Keys      *idempotency.Keys
	Authority *access.Authority
	// OrgExists reports whether an org of that id exists.
	OrgExists func(r store.Reader, id string) (bool, error)
}

func (c Config) complete() bool {
	return c.Store != nil && c.Clock != nil && c.Host != nil && c.Catalogue != nil && c.Crashes != nil && c.Keys != nil &&
		c.Authority != nil && c.OrgExists != nil
}

// Service holds the use-cases. It owns the upgrades that go on after their
// request was answered: [Service.Wait] waits for them.
type Service struct {
	cfg  Config
	work sync.WaitGroup
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if !cfg.complete() {
		return nil, errors.New("plugin: store, clock, host, catalogue, crashes, keys, authority and the org lookup are required")
	}
	return &Service{cfg: cfg}, nil
}

// Wait waits for the upgrades that are going on. Nothing may be asked of the
// Service any more, and the host must have been closed, which ends them.
func (s *Service) Wait() { s.work.Wait() }

// List returns one page of the installed plugins, by name.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page[Plugin], error) {
	if err := s.check(ctx, c, access.PluginRead, ""); err != nil {
		return Page[Plugin]{}, err
	}
	if err := q.validate(); err != nil {
		return Page[Plugin]{}, err
	}
	all, err := s.cfg.Host.Plugins(ctx)
	if err != nil {
		return Page[Plugin]{}, err
	}
	slices.SortFunc(all, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return page(q, all, func(p Plugin) string { return p.Name }), nil
}

// Inspect tells everything of one plugin.
func (s *Service) Inspect(ctx context.Context, c access.Caller, name string) (Detail, error) {
	if err := s.check(ctx, c, access.PluginRead, name); err != nil {
		return Detail{}, err
	}
	return s.cfg.Host.Inspect(ctx, name)
}

// Operate starts, stops, restarts, reloads or resumes a plugin.
func (s *Service) Operate(ctx context.Context, c access.Caller, name string, verb Verb) (Detail, error) {
	switch verb {
	case VerbStart, VerbStop, VerbRestart, VerbReload, VerbResume:
	default:
		return Detail{}, fault.Invalid("verb", "must be start, stop, restart, reload or resume")
	}
	before, err := s.writable(ctx, c, name)
	if err != nil {
		return Detail{}, err
	}
	if err := s.cfg.Host.Operate(ctx, name, verb); err != nil {
		return Detail{}, fmt.Errorf("%s of plugin %q: %w", verb, name, err)
	}
	after, err := s.cfg.Host.Inspect(ctx, name)
	if err != nil {
		return Detail{}, err
	}
	type state struct{ State, Version string }
	return after, s.record(ctx, c, name, string(verb), state{before.State, before.Version}, state{after.State, after.Version})
}

// writable returns the plugin as it is for somebody who may change it.
func (s *Service) writable(ctx context.Context, c access.Caller, name string) (Detail, error) {
	if err := s.check(ctx, c, access.PluginWrite, name); err != nil {
		return Detail{}, err
	}
	return s.cfg.Host.Inspect(ctx, name)
}

func (s *Service) check(ctx context.Context, c access.Caller, right access.Right, name string) error {
	return s.cfg.Store.View(ctx, func(r store.Reader) error {
		return s.cfg.Authority.Check(r, c, right, access.Target{OrgID: c.RootID, Thing: "plugin", ID: name, Unnamed: true})
	})
}

func (s *Service) record(ctx context.Context, c access.Caller, name, verb string, before, after any) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error { return s.note(tx, c, name, verb, before, after) })
}

func (s *Service) note(tx store.Tx, c access.Caller, name, verb string, before, after any) error {
	return audit.Append(tx, audit.Record{
		Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: c.RootID, Root: c.RootID, Action: "plugin." + verb,
		Thing: "plugin", ID: name, Before: before, After: after, RequestID: c.RequestID,
	})
}
