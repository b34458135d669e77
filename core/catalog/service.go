package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/job"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
)

// Authority decides what a caller may do; *access.Authority is one.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
	Extent(c access.Caller, right access.Right) access.Extent
}

// Providers knows providers and who may order from them; *provider.Service is one.
type Providers interface {
	CallFor(ctx context.Context, r store.Reader, buyerOrg, providerID string, purpose provider.Purpose) (provider.Access, error)
	ProviderTx(r store.Reader, providerID string) (provider.Provider, error)
	Sells(r store.Reader, org, providerID string) (bool, error)
}

// Plugins finds installed plugins.
type Plugins interface {
	Plugin(name string) (Cloud, error)
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is the part of a plugin that this package calls.
type Cloud interface {
	Offerings(ctx context.Context, req contract.OfferingsRequest, yield func(contract.Offering) error) error
}

// Jobs is the durable queue; *job.Queue is one.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
	Register(kind string, h job.Handler, p job.Policy) error
}

// FloorBreaks returns the orgs whose margin would turn negative if a product's
// list price rose; nil when nobody's would.
type FloorBreaks func(ctx context.Context, r store.Reader, p Product, price money.Decimal) ([]string, error)

// Config is what a [Service] needs.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Providers Providers
	Plugins   Plugins
	Jobs      Jobs
	// FloorBreaks judges price rises; nil applies all of them.
	FloorBreaks FloorBreaks

	Batch        int           // offerings written in one transaction, which bounds the memory of a sync; default 200
	MaxOfferings int           // of one provider, more end its sync; default 500,000
	SyncTimeout  time.Duration // of a whole sync; default 15 min
	CacheSize    int           // products kept decoded; default 16,384
}

func (c *Config) validate() error {
	if c.Store == nil || c.Clock == nil || c.Logger == nil || c.Authority == nil ||
		c.Providers == nil || c.Plugins == nil || c.Jobs == nil {
		return errors.New("catalog: the config lacks a part")
	}
	if c.Batch <= 0 {
		c.Batch = 200
	}
	if c.MaxOfferings <= 0 {
		c.MaxOfferings = 500_000
	}
	if c.SyncTimeout <= 0 {
		c.SyncTimeout = 15 * time.Minute
	}
	if c.CacheSize <= 0 {
		c.CacheSize = 16_384
	}
	return nil
}

// Service holds the use-cases of this package.
type Service struct {
	Config
	products *store.Collection[Product]
	reports  *store.Collection[SyncReport]
	cached   *store.Cached[Product]

	mu      sync.Mutex
	syncing map[string]bool // providers whose sync runs now
}

// New returns the service and registers its job kind with the queue.
func New(cfg Config) (*Service, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Service{Config: cfg, products: newProducts(), reports: newReports(), syncing: map[string]bool{}}
	s.cached = store.NewCached(s.products, cfg.CacheSize)
	policy := job.Policy{MaxAttempts: 5, Timeout: cfg.SyncTimeout + time.Minute}
	if err := cfg.Jobs.Register(SyncJob, s.runSync, policy); err != nil {
		return nil, fmt.Errorf("registering the catalogue sync: %w", err)
	}
	return s, nil
}

// ProductTx returns a product whatever its state, inside somebody's
// transaction. It checks no rights. What the product points to is shared: treat
// it as read-only.
func (s *Service) ProductTx(r store.Reader, productID string) (Product, error) {
	d, err := s.cached.Get(r, productID)
	if err != nil {
		return Product{}, err
	}
	p := d.Value
	p.Rev = d.Rev
	return p, nil
}

// SharedTx is [Service.ProductTx] for those who only look: the product is shared
// as a whole, and does not tell its revision.
func (s *Service) SharedTx(r store.Reader, productID string) (*Product, error) {
	d, err := s.cached.Get(r, productID)
	if err != nil {
		return nil, err
	}
	return &d.Value, nil
}

func (s *Service) record(tx store.Tx, c access.Caller, action access.Right, thing, id string, before, after any) error {
	return audit.Append(tx, audit.Record{
		Time: s.Clock.Now(), Actor: c.Actor(), Org: c.RootID, Root: c.RootID, Action: string(action),
		Thing: thing, ID: id, Before: before, After: after, RequestID: c.RequestID,
	})
}
