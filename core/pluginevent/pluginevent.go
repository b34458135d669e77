// Package pluginevent acts on what plugins tell. An event hastens a question that
// the broker asks anyway: the job that waits for an operation becomes due, a
// resource is read again. What is true is read from the plugin, never taken from
// the event, so that events may come twice, late, forged or not at all.
//
// Events come from two sides: plugins that keep data at the host emit them, and
// the accounts of plugins with the capability "events" are subscribed to. Both
// pass through the store's outbox, see [Service.Handle]; what cannot be done at
// once is kept in the store until it is done or given up. Only things that the
// broker knows are kept, and each once, so that a plugin cannot fill the store.
//
// A [Service] is safe for concurrent use. It owns its goroutines during
// [Service.Run], a bounded number for each plugin and account, so that a plugin
// that does not answer holds up its own events alone.
package pluginevent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
)

// Event is what a plugin told for one root org.
type Event struct {
	Plugin  string
	RootOrg string
	contract.Event
}

// Waiter has something that waits for operations: orders, actions.
type Waiter interface {
	// HastenTx makes what waits for the operation ask for it now. busy means that
	// something is asking at this moment, perhaps a moment too early.
	HastenTx(tx store.Tx, plugin, rootOrg, operation string) (found int, busy bool, err error)
}

// Resources reads resources again.
type Resources interface {
	// HoldersTx returns the live resources that have a cloud's id, one of each
	// account at most.
	HoldersTx(r store.Reader, providerID, kind, vendorID string) (ids []string, err error)
	// Refresh asks the resource's cloud and stores what it says.
	Refresh(ctx context.Context, resourceID string) error
}

// Result says what became of an event, for counting.
type Result string

// The results.
const (
	ResultHastened    Result = "hastened"    // a question became due
	ResultKept        Result = "kept"        // to be done in a moment
	ResultUnknown     Result = "unknown"     // about a thing that the broker does not know
	ResultRefused     Result = "refused"     // not what its type says
	ResultInformation Result = "information" // of a type that the core does not act on
	ResultDone        Result = "done"        // what was kept is done
	ResultGivenUp     Result = "given_up"    // what was kept could not be done
)

// Config is what a Service needs. All functions and interfaces are required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Waiters   []Waiter
	Resources Resources
	// ProvidersTx returns the ids of a root org's providers behind a plugin.
	ProvidersTx func(r store.Reader, plugin, rootOrg string) ([]string, error)
	// Append keeps an event for [Service.Handle], in the caller's transaction.
	Append func(tx store.Tx, e Event) error
	// Count hears of each event and result, at least once each. The type is that
	// of the event when the core acts on it, "other" else.
	Count func(plugin, eventType string, r Result)
	// Subscriptions returns the accounts to subscribe to now.
	Subscriptions func(ctx context.Context) ([]Subscription, error)
	// Subscribe streams an account's events after cursor until ctx ends.
	Subscribe func(ctx context.Context, s Subscription, cursor string, yield func(contract.Event) error) error
	Limits    Limits
}

// Limits bound the work that events make. Zero fields mean the defaults.
type Limits struct {
	Concurrent    int           // refreshes at once for one plugin; default 4
	First, Most   time.Duration // pauses between tries, doubled each time; default 1 second to 5 minutes
	GiveUp        time.Duration // after which a refresh is given up; default 1 hour
	Again         time.Duration // pause before a busy job is hastened again; default 250 milliseconds
	Subscriptions int           // streams at once; default 1000
	Look          time.Duration // between looks for accounts to subscribe to; default 30 seconds
	Rate          float64       // events a second of one subscription; default 50
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&l.First, time.Second)
	set(&l.Most, 5*time.Minute)
	set(&l.GiveUp, time.Hour)
	set(&l.Again, 250*time.Millisecond)
	set(&l.Look, 30*time.Second)
	if l.Concurrent <= 0 {
		l.Concurrent = 4
	}
	if l.Subscriptions <= 0 {
		l.Subscriptions = 1000
	}
	if l.Rate <= 0 {
		l.Rate = 50
	}
	return l
}

// Service acts on events. Make it with [New].
type Service struct {
	cfg    Config
	limits Limits

	mu   sync.Mutex
	wake chan struct{} // closed and replaced when something was kept
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	missing := cfg.Store == nil || cfg.Clock == nil || cfg.Logger == nil || cfg.Resources == nil || cfg.ProvidersTx == nil ||
		cfg.Append == nil || cfg.Count == nil || cfg.Subscriptions == nil || cfg.Subscribe == nil
	if missing {
		return nil, errors.New("pluginevent: a required field of the config is missing")
	}
	return &Service{cfg: cfg, limits: cfg.Limits.withDefaults(), wake: make(chan struct{})}, nil
}

// Run does what was kept and holds the subscriptions, until ctx ends; it returns
// when all that it started has ended.
func (s *Service) Run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { s.work(ctx) })
	group.Go(func() { s.subscribe(ctx) })
	group.Wait()
}

// news returns a channel that closes when something is kept. Take it before
// looking, so that nothing falls between.
func (s *Service) news() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wake
}

func (s *Service) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	s.wake = make(chan struct{})
}

// typeOf is an event's type as it is counted: a word of the closed list or
// "other", so that plugins cannot make labels up.
func typeOf(e contract.Event) string {
	switch e.Type {
	case contract.EventOperationChanged, contract.EventResourceChanged:
		return e.Type
	}
	return "other"
}
