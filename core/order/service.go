package order

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/catalog"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/schema"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
)

// Authority decides who may do what.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
	Reach(r store.Reader, c access.Caller, right access.Right) (access.Reach, error)
	// Within reports whether an org stands within a reach now.
	Within(r store.Reader, x access.Reach, org string) (bool, error)
}

// Directory knows where orgs stand.
type Directory interface {
	// PathTx returns the path root … org.
	PathTx(r store.Reader, org string) ([]string, error)
}

// Catalog tells what is on sale.
type Catalog interface {
	// ProductTx returns a product whatever its state.
	ProductTx(r store.Reader, productID string) (catalog.Product, error)
}

// Accounts opens the account at the cloud that a buyer's order uses.
type Accounts interface {
	// RouteTx tells which account would serve a new order, without opening it.
	RouteTx(r store.Reader, buyerOrg, providerID string, purpose provider.Purpose) (provider.Route, error)
	// RouteViaTx tells whether the account in which a resource lives may be
	// charged for it.
	RouteViaTx(r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Route, error)
	// CallVia opens the account that an order or resource was made in.
	CallVia(ctx context.Context, r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Access, error)
}

// Pricer finds list amounts, prices chains and keeps quotes.
type Pricer interface {
	// ListAmount asks for the list amount of a change; it may call the cloud.
	ListAmount(ctx context.Context, in quote.ListInput) (quote.Listed, error)
	// PriceTx prices the chain and guards its floors.
	PriceTx(r store.Reader, in quote.PriceInput) (pricing.Result, []quote.Warning, error)
	// FindTx returns a quote that may still be in memory only.
	FindTx(r store.Reader, quoteID string) (quote.Quote, bool, error)
}

// Holder sets money aside.
type Holder interface {
	HoldTx(tx store.Tx, h ledger.Hold) error
	ReleaseTx(tx store.Tx, holdID string) error
}

// Biller charges and refunds.
type Biller interface {
	ChargeTx(tx store.Tx, c billing.Charge) (billing.Receipt, error)
	RefundTx(tx store.Tx, r billing.Refund) (billing.Receipt, error)
}

// Resources keeps what orders made.
type Resources interface {
	GetTx(r store.Reader, id string) (store.Doc[resource.Resource], error)
	InsertTx(tx store.Tx, v resource.Resource, parts []contract.Part) error
	UpdateTx(tx store.Tx, v resource.Resource, rev uint64) error
	HolderTx(r store.Reader, accountID, providerID, kind, vendorID string) (id string, found bool, err error)
}

// Jobs runs the durable work.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
	// Begin may return the job as running: its handler starts at once then.
	Begin(tx store.Tx, j job.Job) (job.Job, error)
	Complete(tx store.Tx, j job.Job) error
	// HastenTx makes a waiting job due, or reports that it is at work.
	HastenTx(tx store.Tx, id string) (busy bool, err error)
}

// Events carries what became true out of the store, from the transaction that
// makes it so.
type Events interface {
	Append(tx store.Tx, topic, key string, payload []byte) error
}

// Topics lists the topics of an order's events: one for each end. An event's
// key is the order's id.
func Topics() []string {
	var out []string
	for _, s := range []State{StateActive, StateFailed, StateCancelled, StateRefunded} {
		out = append(out, s.topic())
	}
	return out
}

func (s State) topic() string { return "order." + string(s) }

// Plugins finds running plugins.
type Plugins interface {
	// Plugin returns the running plugin of that name; unavailable while it is down.
	Plugin(name string) (Cloud, error)
	// Describe returns the plugin's self-portrait without calling the cloud.
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is what an order asks of a plugin.
type Cloud interface {
	Changer
	Asker
}

// Changer makes changes at a cloud.
type Changer interface {
	Create(ctx context.Context, req contract.CreateRequest) (contract.Change, error)
	Renew(ctx context.Context, req contract.RenewRequest) (contract.Change, error)
	Delete(ctx context.Context, req contract.DeleteRequest) (contract.Change, error)
	Act(ctx context.Context, req contract.ActionRequest) (contract.Change, error)
}

// Asker asks a cloud without changing anything.
type Asker interface {
	FindByToken(ctx context.Context, req contract.FindRequest) (contract.Found, error)
	Operation(ctx context.Context, req contract.OperationRequest) (contract.Operation, error)
	Get(ctx context.Context, req contract.GetRequest) (contract.Resource, error)
	Quote(ctx context.Context, req contract.QuoteRequest) (contract.Quote, error)
}

// Limits bound how long and how often a cloud is asked. Zero fields mean the
// defaults.
type Limits struct {
	CallTimeout    time.Duration // of one call; default 30 seconds
	RetryFor       time.Duration // how long a refused call is tried again; default 10 minutes
	RetryFirst     time.Duration // the first pause between tries, then doubled; default 1 second
	RetryMost      time.Duration // default 1 minute
	Poll           time.Duration // the first pause between questions, then doubled; default 1 second
	PollMost       time.Duration // default 30 seconds
	AttentionAfter time.Duration // an order open for longer needs a person; default 15 minutes
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&l.CallTimeout, 30*time.Second)
	set(&l.RetryFor, 10*time.Minute)
	set(&l.RetryFirst, time.Second)
	set(&l.RetryMost, time.Minute)
	set(&l.Poll, time.Second)
	set(&l.PollMost, 30*time.Second)
	set(&l.AttentionAfter, 15*time.Minute)
	return l
}

// Config is what a Service needs. All fields but Limits, Events and
// Failpoint are required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Directory Directory
	Keys      *idempotency.Keys
	Catalog   Catalog
	Accounts  Accounts
	Pricer    Pricer
	Holder    Holder
	Biller    Biller
	Resources Resources
	Jobs      Jobs
	Plugins   Plugins
	Limits    Limits
	// Events, when set, hears of every order that ends; nil: nobody does.
	Events Events
	// Failpoint, when set, is called at named steps so that a test can stop the
	// process there. It is nil in production.
	Failpoint func(name string)
}

func (c Config) check() error {
	missing := c.Store == nil || c.Clock == nil || c.Logger == nil || c.Authority == nil || c.Directory == nil ||
		c.Keys == nil || c.Catalog == nil || c.Accounts == nil || c.Pricer == nil || c.Holder == nil ||
		c.Biller == nil || c.Resources == nil || c.Jobs == nil || c.Plugins == nil
	if missing {
		return errors.New("order: a required field of the config is missing")
	}
	return nil
}

// Service takes orders and carries them out.
type Service struct {
	cfg     Config
	limits  Limits
	orders  *store.Collection[Order]
	schemas *schema.Cache
	begun   sync.Map // by job: orders as they were placed, whose run begins just now
}

// JobKind is the kind of the durable jobs that carry orders out; register
// [Service.Work] for it.
const JobKind = "order.provision"

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, limits: cfg.Limits.withDefaults(), orders: newOrders(), schemas: schema.NewCache()}, nil
}

// Policy is how the queue runs orders: each run ends long before the timeout,
// and a failing order is tried for days before it is dead. [Service.Sweep]
// puts it before a person much earlier.
func (s *Service) Policy() job.Policy {
	return job.Policy{
		MaxAttempts: 500, Timeout: 10 * s.limits.CallTimeout,
		Backoff: job.Exponential(time.Second, 10*time.Minute),
	}
}

func (s *Service) reached(name string) {
	if s.cfg.Failpoint != nil {
		s.cfg.Failpoint(name)
	}
}
