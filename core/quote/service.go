package quote

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// Authority decides what a caller may do; *access.Authority is one.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
	Reach(r store.Reader, c access.Caller, right access.Right) (access.Reach, error)
	// Within reports whether an org stands within a reach now.
	Within(r store.Reader, x access.Reach, org string) (bool, error)
}

// Orgs knows sale chains; *tenant.Service is one.
type Orgs interface {
	// ChainTx returns the orgs root … buyer.
	ChainTx(r store.Reader, buyer string) ([]*tenant.Org, error)
}

// Catalog knows products; *catalog.Service is one.
type Catalog interface {
	// SharedTx returns a product whatever its state. It is not to be changed.
	SharedTx(r store.Reader, productID string) (*catalog.Product, error)
}

// Providers knows providers and whose account a buyer uses; *provider.Service is one.
type Providers interface {
	ProviderTx(r store.Reader, providerID string) (provider.Provider, error)
	// RouteTx and CallFor are about the account that serves the buyer now,
	// RouteViaTx and CallVia about that of an enablement.
	RouteTx(r store.Reader, buyerOrg, providerID string, purpose provider.Purpose) (provider.Route, error)
	CallFor(ctx context.Context, r store.Reader, buyerOrg, providerID string, purpose provider.Purpose) (provider.Access, error)
	RouteViaTx(r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Route, error)
	CallVia(ctx context.Context, r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Access, error)
}

// Terms knows what two orgs agreed; *protocol.Service is one.
type Terms interface {
	TermsTx(r store.Reader, q protocol.TermsQuery) (pricing.Terms, error)
}

// Plugins finds installed plugins.
type Plugins interface {
	Plugin(name string) (Cloud, error)
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is the part of a plugin that this package calls.
type Cloud interface {
	Quote(ctx context.Context, req contract.QuoteRequest) (contract.Quote, error)
}

// Config is what a [Service] needs.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Orgs      Orgs
	Catalog   Catalog
	Providers Providers
	Terms     Terms
	Plugins   Plugins

	Life        time.Duration // of a quote; default 30 min
	Keep        time.Duration // how long after its making a quote is stored; default 7 days
	ListLife    time.Duration // how long a plugin's list amount is reused; default 1 min
	ListCache   int           // list amounts kept; default 16,384
	CallTimeout time.Duration // of a plugin's quote; default 20 s
	FlushEvery  time.Duration // longest a quote waits for the store; default 50 ms
	Buffer      int           // quotes that may wait; more make Create wait; default 16,384
}

func (c *Config) validate() error {
	if c.Store == nil || c.Clock == nil || c.Logger == nil || c.Authority == nil || c.Orgs == nil ||
		c.Catalog == nil || c.Providers == nil || c.Terms == nil || c.Plugins == nil {
		return errors.New("quote: the config lacks a part")
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.Life, 30 * time.Minute}, {&c.Keep, 7 * 24 * time.Hour}, {&c.ListLife, time.Minute},
		{&c.CallTimeout, 20 * time.Second}, {&c.FlushEvery, 50 * time.Millisecond},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.ListCache <= 0 {
		c.ListCache = 16_384
	}
	if c.Buffer <= 0 {
		c.Buffer = 16_384
	}
	return nil
}

// Service holds the use-cases of this package.
type Service struct {
	Config
	lists  *lists
	buffer *buffer
}

// New returns the service. Start makes it write quotes behind; Close ends that.
func New(cfg Config) (*Service, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Service{Config: cfg, lists: newLists(cfg.ListCache), buffer: newBuffer(cfg.Buffer)}, nil
}
