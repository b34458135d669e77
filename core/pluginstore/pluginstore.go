// Package pluginstore is the area of the broker's store in which plugins that
// own data keep it: ordered keys, private to one plugin and one root org, with
// transactions that are repeated safely, sealed values and a quota.
//
// It knows nothing of what a plugin keeps, and starts nothing. The host hands a
// plugin its [Area]; operators see how full the areas are. What a plugin emits
// is kept as an event for the core, see [Config].Events.
//
// A [Service] and its areas are safe for concurrent use.
package pluginstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
)

// Quota bounds one area: what one plugin keeps for one root org.
type Quota struct {
	Keys  int64 // default 1,000,000
	Bytes int64 // of keys and values as they are stored; default 1 GiB
}

// Sealer encrypts values bound to a context, see package seal.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	Reseal(sealed, context []byte) (fresh []byte, changed bool, err error)
}

// Event is what a plugin told the core.
type Event struct {
	Plugin  string
	RootOrg string
	contract.Event
}

// Config is what a Service needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Sealer Sealer
	// RootExists reports whether a root org of that id exists.
	RootExists func(r store.Reader, rootOrg string) (bool, error)
	// Event keeps an emitted event in the same transaction as its token.
	Event func(tx store.Tx, e Event) error
	Quota Quota
	Keep  time.Duration // how long tokens are remembered, at least contract.MinTokenLife, the default
	// EventsPerSecond is how many events one plugin may emit; default 200, with
	// bursts of ten seconds' worth.
	EventsPerSecond float64
}

// Service holds the areas of all plugins.
type Service struct{ cfg Config }

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sealer == nil || cfg.RootExists == nil || cfg.Event == nil {
		return nil, errors.New("pluginstore: store, clock, sealer, root org lookup and event sink are required")
	}
	if cfg.Quota.Keys <= 0 {
		cfg.Quota.Keys = 1_000_000
	}
	if cfg.Quota.Bytes <= 0 {
		cfg.Quota.Bytes = 1 << 30
	}
	if cfg.EventsPerSecond <= 0 {
		cfg.EventsPerSecond = 200
	}
	if cfg.Keep == 0 {
		cfg.Keep = contract.MinTokenLife
	}
	if cfg.Keep < contract.MinTokenLife {
		return nil, fmt.Errorf("pluginstore: tokens must be kept for at least %s", contract.MinTokenLife)
	}
	return &Service{cfg: cfg}, nil
}

// The buckets. The usage of an area counts what is in rows; sealed is an index
// of the rows whose value is sealed; tokens and their ages are written and
// trimmed together.
const (
	rows   store.Bucket = "plugin_data"        // Key(plugin, root, key) -> row
	sealed store.Bucket = "plugin_data/sealed" // Key(plugin, root, key) -> empty
	tokens store.Bucket = "plugin_token"       // Key(plugin, root, kind, token) -> empty
	ages   store.Bucket = "plugin_token/age"   // Key(time, plugin, root, kind, token) -> the key in tokens
)

// Usage is how full one area is.
type Usage struct {
	Plugin   string
	RootOrg  string
	Keys     int64
	Bytes    int64
	Revision uint64 // the greatest one given
}

// usages is keyed by plugin and root org, so that one plugin's are neighbours.
var usages = store.NewCollection("plugin_area", func(u *Usage) string { return u.Plugin + "/" + u.RootOrg })

// EachUsage calls fn for every area that was ever written, by plugin and root org.
func (s *Service) EachUsage(ctx context.Context, fn func(Usage) error) error {
	return s.cfg.Store.View(ctx, func(r store.Reader) error {
		return usages.Each(r, store.Query{Limit: store.NoLimit}, func(d store.Doc[Usage]) error { return fn(d.Value) })
	})
}

// Quota returns the bounds of every area.
func (s *Service) Quota() Quota { return s.cfg.Quota }
