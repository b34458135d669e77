package pluginstore

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// sealPurpose binds sealed values to this package.
const sealPurpose = "plugin.value"

// Area is the storage, clock and event sink of one plugin, over all root orgs:
// each call names one.
type Area struct {
	s      *Service
	plugin string
	events *rate.Limiter
}

var _ contract.HostServices = (*Area)(nil)

// Area returns what the named plugin may use. Two areas of one plugin share
// everything but the bound on the rate of events.
func (s *Service) Area(plugin string) *Area {
	perSecond := s.cfg.EventsPerSecond
	return &Area{s: s, plugin: plugin, events: rate.NewLimiter(rate.Limit(perSecond), int(max(1, 10*perSecond)))}
}

// Get returns the value and its revision, opened when it is sealed.
func (a *Area) Get(ctx context.Context, scope contract.Scope, key string) (value []byte, revision uint64, err error) {
	if err := contract.CheckStorageKey(key); err != nil {
		return nil, 0, err
	}
	var found row
	err = a.view(ctx, scope, func(r store.Reader) error {
		raw, err := r.Get(rows, a.key(scope, key))
		if err != nil {
			return err
		}
		if raw == nil {
			return fault.NotFound("key", key)
		}
		found, err = decodeRow(raw)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if found.sealed {
		found.value, err = a.s.cfg.Sealer.Open(found.value, a.sealContext(scope, key))
	}
	return found.value, found.revision, err
}

// Scan yields the range as one consistent state, sealed values left empty. It
// holds one row at a time; yield runs inside the store's read and must be quick.
func (a *Area) Scan(ctx context.Context, scope contract.Scope, r contract.KeyRange, yield func(contract.KeyValue) error) error {
	prefix := len(a.prefix(scope))
	return a.view(ctx, scope, func(reader store.Reader) error {
		return reader.Scan(rows, a.keyRange(scope, r), func(k, raw []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			found, err := decodeRow(raw)
			if err != nil {
				return err
			}
			kv := contract.KeyValue{Key: decodeKey(k[prefix:]), Value: found.value, Revision: found.revision, Sealed: found.sealed}
			if kv.Sealed {
				kv.Value = nil
			}
			return yield(kv)
		})
	})
}

// Now returns the broker's time.
func (a *Area) Now(context.Context) (time.Time, error) { return a.s.cfg.Clock.Now(), nil }

// view runs fn for a scope that exists.
func (a *Area) view(ctx context.Context, scope contract.Scope, fn func(store.Reader) error) error {
	return a.s.cfg.Store.View(ctx, func(r store.Reader) error {
		if err := a.s.checkScope(r, scope); err != nil {
			return err
		}
		return fn(r)
	})
}

func (s *Service) checkScope(r store.Reader, scope contract.Scope) error {
	ok, err := s.cfg.RootExists(r, scope.RootOrg)
	if err == nil && !ok {
		return fault.NotFound("root org", scope.RootOrg)
	}
	return err
}

func (a *Area) prefix(scope contract.Scope) []byte { return store.Key(a.plugin, scope.RootOrg) }

func (a *Area) key(scope contract.Scope, key string) []byte {
	return store.Key(a.plugin, scope.RootOrg, key)
}

func (a *Area) keyRange(scope contract.Scope, r contract.KeyRange) store.Range {
	out := store.PrefixOf(a.prefix(scope))
	out.From = a.key(scope, r.From)
	if r.To != "" {
		out.To = a.key(scope, r.To)
	}
	out.Reverse, out.Limit = r.Reverse, r.Limit
	if r.Limit <= 0 {
		out.Limit = store.NoLimit
	}
	return out
}

// sealContext binds a sealed value to its place: moved elsewhere, it does not open.
func (a *Area) sealContext(scope contract.Scope, key string) []byte {
	return seal.Context(sealPurpose, string(a.key(scope, key)))
}
