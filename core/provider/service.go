package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/job"
	"tradewind.example/core/memo"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// Authority decides what a caller may do; *access.Authority is one.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
	Reach(r store.Reader, c access.Caller, right access.Right) (access.Reach, error)
	Extent(c access.Caller, right access.Right) access.Extent
}

// Orgs looks up orgs; *tenant.Service is one.
type Orgs interface {
	// OrgTx returns an org, also a deleted one; not_found when it never existed.
	OrgTx(r store.Reader, org string) (tenant.Org, error)
}

// Sealer encrypts credentials at rest, bound to what they belong to.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	// Reseal seals a text again that was not sealed with the present key, and
	// says whether it was one.
	Reseal(sealed, context []byte) (fresh []byte, changed bool, err error)
}

// Jobs is the durable queue; *job.Queue is one.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
	Register(kind string, h job.Handler, p job.Policy) error
}

// Config is what a [Service] needs. All but the two limits are required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Orgs      Orgs
	Plugins   Plugins
	Sealer    Sealer
	Jobs      Jobs

	CheckTimeout time.Duration // of one Check at the cloud; default 30 s
	CacheSize    int           // opened accounts kept in memory; default 4096
}

func (c *Config) validate() error {
	if c.Store == nil || c.Clock == nil || c.Logger == nil || c.Authority == nil ||
		c.Orgs == nil || c.Plugins == nil || c.Sealer == nil || c.Jobs == nil {
		return errors.New("provider: the config lacks a part")
	}
	if c.CheckTimeout <= 0 {
		c.CheckTimeout = 30 * time.Second
	}
	if c.CacheSize <= 0 {
		c.CacheSize = 4096
	}
	return nil
}

// Service holds the use-cases of this package.
type Service struct {
	Config
	rows     *rows
	decoded  *store.Cached[Provider]
	resolved *memo.Cache[resolveKey, *resolution]
	opened   *memo.Cache[openKey, map[string]secret.Value]
	waits    waits
	users    []User
}

// User tells whether something lives in the account of an enablement, or is
// being bought there: such an account cannot become another one.
type User func(r store.Reader, enablementID string) (bool, error)

// AddUser registers a user, before the service is used.
func (s *Service) AddUser(u User) { s.users = append(s.users, u) }

// New returns the service and registers its job kind with the queue.
func New(cfg Config) (*Service, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Service{
		Config:   cfg,
		rows:     newRows(),
		resolved: memo.NewCache[resolveKey, *resolution](cfg.CacheSize),
		opened:   memo.NewCache[openKey, map[string]secret.Value](cfg.CacheSize),
		waits:    waits{m: map[string][]chan struct{}{}},
	}
	s.decoded = store.NewCached(s.rows.providers, 1024)
	policy := job.Policy{MaxAttempts: checkAttempts, Timeout: cfg.CheckTimeout + 10*time.Second}
	if err := cfg.Jobs.Register(CheckJob, s.runCheck, policy); err != nil {
		return nil, fmt.Errorf("registering the check of enablements: %w", err)
	}
	return s, nil
}

// record writes the audit record of a change, and marks the caches stale: every
// change of this package goes through here.
func (s *Service) record(tx store.Tx, c access.Caller, action access.Right, what change) error {
	if err := s.rows.table.Touch(tx); err != nil {
		return err
	}
	return audit.Append(tx, audit.Record{
		Time: s.Clock.Now(), Actor: c.Actor(), Org: what.org, Root: c.RootID,
		Action: string(action), Thing: what.thing, ID: what.id,
		Before: what.before, After: what.after, RequestID: c.RequestID,
	})
}

type change struct {
	org, thing, id string
	before, after  any
}

// party returns an org of the caller's root; one of another root does not exist.
func (s *Service) party(r store.Reader, c access.Caller, org string) (tenant.Org, error) {
	p, err := s.Orgs.OrgTx(r, org)
	if err == nil && p.RootID != c.RootID {
		err = fault.NotFound("org", org)
	}
	return p, err
}

// waits lets use-cases wait for a check that a job makes.
type waits struct {
	mu sync.Mutex
	m  map[string][]chan struct{}
}

func (w *waits) on(id string) (done <-chan struct{}, leave func()) {
	ch := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.m[id] = append(w.m[id], ch)
	return ch, func() { w.drop(id, ch) }
}

func (w *waits) drop(id string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.m[id][:0]
	for _, o := range w.m[id] {
		if o != ch {
			kept = append(kept, o)
		}
	}
	if w.m[id] = kept; len(kept) == 0 {
		delete(w.m, id)
	}
}

func (w *waits) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.m[id] {
		close(ch)
	}
	delete(w.m, id)
}

// bounded gives a call at the cloud its deadline.
func (s *Service) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.CheckTimeout)
}
