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
	"regexp"
	"slices"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
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
	// Install takes a binary from the drop folder; sum is its expected SHA-256.
	Install(ctx context.Context, file, sum string) (Plugin, error)
	// Operate performs start, stop, restart or resume.
	Operate(ctx context.Context, name string, verb Verb) error
}

// Verb is what can be done with an installed plugin.
type Verb string

// The verbs.
const (
	VerbStart   Verb = "start"
	VerbStop    Verb = "stop"
	VerbRestart Verb = "restart"
	VerbResume  Verb = "resume" // out of quarantine
)

// Config is what a Service needs.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Host      Host
	Authority *access.Authority
}

// Service holds the use-cases.
type Service struct{ cfg Config }

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Host == nil || cfg.Authority == nil {
		return nil, errors.New("plugin: store, clock, host and authority are required")
	}
	return &Service{cfg: cfg}, nil
}

// Query asks for one page of the installed plugins.
type Query struct {
	Cursor  string // Next of the page before; "" for the first
	Limit   int    // 1..store.MaxList
	Reverse bool   // the last name first
}

// Page is a part of the list. Next is "" at the end.
type Page struct {
	Items []Plugin
	Next  string
}

// List returns one page of the installed plugins, by name. The cursor is the
// last name of the page before: a plugin that is installed or goes meanwhile
// moves no other.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page, error) {
	if err := s.check(ctx, c, access.PluginRead, ""); err != nil {
		return Page{}, err
	}
	if q.Limit < 1 || q.Limit > store.MaxList {
		return Page{}, fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	if q.Cursor != "" && !fileName.MatchString(q.Cursor) {
		return Page{}, fault.Invalid("cursor", "is not one that this list returned: start again without it")
	}
	all, err := s.cfg.Host.Plugins(ctx)
	if err != nil {
		return Page{}, err
	}
	return q.page(all), nil
}

func (q Query) page(all []Plugin) Page {
	rest := slices.SortedFunc(slices.Values(all), func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	if q.Reverse {
		slices.Reverse(rest)
	}
	if q.Cursor != "" {
		rest = slices.DeleteFunc(rest, func(p Plugin) bool { return p.Name == q.Cursor || p.Name < q.Cursor != q.Reverse })
	}
	if len(rest) <= q.Limit {
		return Page{Items: rest}
	}
	return Page{Items: rest[:q.Limit], Next: rest[q.Limit-1].Name}
}

// Get returns one installed plugin.
func (s *Service) Get(ctx context.Context, c access.Caller, name string) (Plugin, error) {
	if err := s.check(ctx, c, access.PluginRead, name); err != nil {
		return Plugin{}, err
	}
	return s.find(ctx, name)
}

var (
	fileName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,127}$`)
	hexSum   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Install pins and starts a binary of the drop folder. The operator says its
// SHA-256: nothing runs that nobody vouched for.
func (s *Service) Install(ctx context.Context, c access.Caller, file, sum string) (Plugin, error) {
	var wrong []fault.Field
	if !fileName.MatchString(file) {
		wrong = append(wrong, fault.Field{Path: "file", Message: "must be the name of a file in the drop folder, without a path"})
	}
	if !hexSum.MatchString(sum) {
		wrong = append(wrong, fault.Field{Path: "sha256", Message: "must be the SHA-256 of the file, 64 lower-case hex digits"})
	}
	if err := fault.InvalidFields(wrong); err != nil {
		return Plugin{}, err
	}
	if err := s.check(ctx, c, access.PluginWrite, ""); err != nil {
		return Plugin{}, err
	}
	p, err := s.cfg.Host.Install(ctx, file, sum)
	if err != nil {
		return Plugin{}, fmt.Errorf("installing %q: %w", file, err)
	}
	return p, s.record(ctx, c, p.Name, "install", map[string]string{"version": p.Version, "sha256": p.SHA256})
}

// Operate starts, stops, restarts or resumes a plugin.
func (s *Service) Operate(ctx context.Context, c access.Caller, name string, verb Verb) (Plugin, error) {
	switch verb {
	case VerbStart, VerbStop, VerbRestart, VerbResume:
	default:
		return Plugin{}, fault.Invalid("verb", "must be start, stop, restart or resume")
	}
	if err := s.check(ctx, c, access.PluginWrite, name); err != nil {
		return Plugin{}, err
	}
	if _, err := s.find(ctx, name); err != nil {
		return Plugin{}, err
	}
	if err := s.cfg.Host.Operate(ctx, name, verb); err != nil {
		return Plugin{}, fmt.Errorf("%s of plugin %q: %w", verb, name, err)
	}
	if err := s.record(ctx, c, name, string(verb), nil); err != nil {
		return Plugin{}, err
	}
	return s.find(ctx, name)
}

func (s *Service) find(ctx context.Context, name string) (Plugin, error) {
	all, err := s.cfg.Host.Plugins(ctx)
	if err != nil {
		return Plugin{}, err
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return Plugin{}, fault.NotFound("plugin", name)
}

func (s *Service) check(ctx context.Context, c access.Caller, right access.Right, name string) error {
	return s.cfg.Store.View(ctx, func(r store.Reader) error {
		return s.cfg.Authority.Check(r, c, right, access.Target{OrgID: c.RootID, Thing: "plugin", ID: name})
	})
}

func (s *Service) record(ctx context.Context, c access.Caller, name, verb string, after any) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		return audit.Append(tx, audit.Record{
			Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: c.RootID, Root: c.RootID, Action: "plugin." + verb,
			Thing: "plugin", ID: name, After: after, RequestID: c.RequestID,
		})
	})
}
