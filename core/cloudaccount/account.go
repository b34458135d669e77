// Package cloudaccount shows an account at a cloud to the org whose it is: the
// money it has there, what the cloud billed and the orders it keeps, accounts
// below it, and the way into the cloud's console.
//
// Bill lines and orders are imported by durable jobs and kept under the ids that
// the cloud gave them, so that importing a time twice changes nothing. What
// changes something at the cloud is stored with its token before the call, and
// looked up when its answer got lost. Nothing here moves money of ours: packages
// billing and settlement do, and what is sold comes into being by package order.
//
// A [Service] is safe for concurrent use.
package cloudaccount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/field"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Authority decides who may do what.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
}

// Directory knows where orgs stand.
type Directory interface {
	// PathTx returns the path root … org.
	PathTx(r store.Reader, org string) ([]string, error)
}

// Accounts finds and opens accounts at clouds.
type Accounts interface {
	// EnablementTx returns an enablement of a root without a check of rights.
	EnablementTx(r store.Reader, rootID, enablementID string) (provider.Enablement, error)
	CallVia(ctx context.Context, r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Access, error)
	// Enable has an org order with an account of its own.
	Enable(ctx context.Context, c access.Caller, in provider.EnableInput) (provider.Enablement, error)
}

// Plugins finds running plugins.
type Plugins interface {
	// Plugin returns the running plugin of that name; unavailable while it is down.
	Plugin(name string) (Cloud, error)
	// Describe returns the plugin's self-portrait without calling the cloud.
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is what this package asks of a plugin.
type Cloud interface {
	Teller
	Changer
}

// Teller tells what a cloud knows of an account.
type Teller interface {
	Balance(ctx context.Context, req contract.BalanceRequest) (contract.Balance, error)
	BillLines(ctx context.Context, req contract.PeriodRequest, yield func(contract.BillLine) error) error
	VendorOrders(ctx context.Context, req contract.VendorOrdersRequest, yield func(contract.VendorOrder) error) error
	SignInLink(ctx context.Context, req contract.SignInLinkRequest) (contract.SignInLink, error)
}

// Changer changes the cloud's own orders and accounts.
type Changer interface {
	PayVendorOrder(ctx context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error)
	CancelVendorOrder(ctx context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error)
	RefundVendorOrder(ctx context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error)
	EnsureAccount(ctx context.Context, req contract.EnsureAccountRequest) (contract.SubAccount, error)
}

// Sealer encrypts what must not be read in the store, bound to what it belongs to.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	// Reseal seals a text again that was not sealed with the present key.
	Reseal(sealed, context []byte) (fresh []byte, changed bool, err error)
}

// Jobs is the durable queue.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
	Complete(tx store.Tx, j job.Job) error
}

// Limits bound how long and how often a cloud is asked. Zero fields mean the
// defaults.
type Limits struct {
	CallTimeout time.Duration // of one call; default 30 seconds
	ReadTimeout time.Duration // of one window of an import; default 10 minutes
	Wait        time.Duration // how long a change is waited for; default 10 seconds
	Pause       time.Duration // the first pause between tries, then doubled; default 1 second
	PauseMost   time.Duration // default 1 minute
	RetryFor    time.Duration // how long a change that was refused is tried again; default 2 minutes
	ImportFor   time.Duration // how long an import that cannot read is tried again; default 6 hours
	LookFor     time.Duration // how long a lost change is looked for; default 15 minutes
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&l.CallTimeout, 30*time.Second)
	set(&l.ReadTimeout, 10*time.Minute)
	set(&l.Wait, 10*time.Second)
	set(&l.Pause, time.Second)
	set(&l.PauseMost, time.Minute)
	set(&l.RetryFor, 2*time.Minute)
	set(&l.ImportFor, 6*time.Hour)
	set(&l.LookFor, 15*time.Minute)
	return l
}

// Config is what a Service needs. All fields but Limits and Failpoint are
// required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Directory Directory
	Accounts  Accounts
	Plugins   Plugins
	Keys      *idempotency.Keys
	Jobs      Jobs
	Sealer    Sealer
	Limits    Limits
	// Failpoint, when set, is called at named steps so that a test can stop the
	// process there. It is nil in production.
	Failpoint func(name string)
}

func (c Config) check() error {
	missing := c.Store == nil || c.Clock == nil || c.Logger == nil || c.Authority == nil || c.Directory == nil ||
		c.Accounts == nil || c.Plugins == nil || c.Keys == nil || c.Jobs == nil || c.Sealer == nil
	if missing {
		return errors.New("cloudaccount: a required field of the config is missing")
	}
	return nil
}

// Service shows accounts at clouds and works on them.
type Service struct {
	cfg     Config
	limits  Limits
	imports *store.Collection[Import]
	lines   *store.Collection[Line]
	orders  *store.Collection[Order]
	changes *store.Collection[Change]
	subs    *store.Collection[SubAccount]
	waits   waits
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Service{
		cfg: cfg, limits: cfg.Limits.withDefaults(), imports: newImports(), lines: newLines(), orders: newOrders(),
		changes: newChanges(), subs: newSubs(),
	}, nil
}

// Bounds of what is asked for.
const (
	MaxID   = 200 // of the cloud's ids, in bytes
	MaxName = 200
	MaxURL  = 2000
)

// problems collects what is wrong with an input.
type problems struct{ field.Problems }

func (p *problems) key(key string) {
	if bad, wrong := idempotency.Problem(key); wrong {
		p.Problems = append(p.Problems, bad)
	}
}

// Page is one page of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

func (s *Service) reached(name string) {
	if s.cfg.Failpoint != nil {
		s.cfg.Failpoint(name)
	}
}

// ownTx returns an enablement whose account is its own org's, when the caller
// has the right there. What the seller's account says is the seller's to see.
func (s *Service) ownTx(r store.Reader, c access.Caller, right access.Right, enablementID string) (provider.Enablement, error) {
	e, err := s.cfg.Accounts.EnablementTx(r, c.RootID, enablementID)
	if err != nil {
		return e, err
	}
	if err := s.cfg.Authority.Check(r, c, right, access.Target{OrgID: e.OrgID, Thing: "enablement", ID: enablementID}); err != nil {
		return e, err
	}
	if e.Shared {
		return e, fault.Forbidden("the account is your seller's: only its own org sees what is in it")
	}
	return e, nil
}

// own is [Service.ownTx] in a transaction of its own.
func (s *Service) own(ctx context.Context, c access.Caller, right access.Right, enablementID string) (e provider.Enablement, err error) {
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		e, err = s.ownTx(r, c, right, enablementID)
		return err
	})
	return e, err
}

// opened is an account that can be called.
type opened struct {
	cloud Cloud
	call  contract.Call
}

// open opens the account of an enablement for a plugin that declares the
// capability.
func (s *Service) open(ctx context.Context, e provider.Enablement, purpose provider.Purpose, needs contract.Capability) (opened, error) {
	var a provider.Access
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		a, err = s.cfg.Accounts.CallVia(ctx, r, e.OrgID, e.ID, purpose)
		return err
	})
	if err != nil {
		return opened{}, fmt.Errorf("opening the account of enablement %q: %w", e.ID, err)
	}
	d, err := s.cfg.Plugins.Describe(ctx, a.Plugin)
	if err != nil {
		return opened{}, fmt.Errorf("describing plugin %q: %w", a.Plugin, err)
	}
	if !slices.Contains(d.Capabilities, needs) {
		return opened{}, fault.Unsupported("the provider's plugin does not offer %s", needs)
	}
	cloud, err := s.cfg.Plugins.Plugin(a.Plugin)
	return opened{cloud: cloud, call: a.Call}, err
}

// passing: only what a later moment can change is tried again.
func passing(err error) bool {
	switch fault.ClassOf(err) {
	case fault.ClassThrottled, fault.ClassUnavailable:
		return true
	}
	return false
}

func (s *Service) pause(n int) time.Duration {
	d := s.limits.Pause
	for i := 1; i < n && d < s.limits.PauseMost; i++ {
		d *= 2
	}
	return min(d, s.limits.PauseMost)
}
