package tenant

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/memo"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant/password"
	"tradewind.example/core/tenant/throttle"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config is what a [Service] needs. Store, Clock and Logger are required; the
// zero of everything else is a default.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Logger *slog.Logger

	Passwords password.Params // cost of hashing; default [password.Defaults]
	SignIn    throttle.Config // limits on sign-in; default [throttle.Defaults]

	SessionIdle time.Duration // a session unused so long has ended; default 2 h
	SessionLife time.Duration // the longest a session lasts; default 24 h
	SessionsMax int           // live sessions of a user, the oldest ends; default 50
	TokenLife   time.Duration // the longest a token may be asked for; default 366 days
	TokensMax   int           // tokens of a user; default 100
	TouchEvery  time.Duration // how exact last-seen and last-used are; default 1 min
	CacheSize   int           // callers kept in memory; default 16,384
	CacheLife   time.Duration // how long a caller is kept; default 10 s
}

func (c *Config) fill() error {
	if c.Store == nil || c.Clock == nil || c.Logger == nil {
		return errors.New("tenant: store, clock and logger are required")
	}
	orDuration(&c.SessionIdle, 2*time.Hour)
	orDuration(&c.SessionLife, 24*time.Hour)
	orDuration(&c.TokenLife, 366*24*time.Hour)
	orDuration(&c.TouchEvery, time.Minute)
	orDuration(&c.CacheLife, 10*time.Second)
	orInt(&c.SessionsMax, 50)
	orInt(&c.TokensMax, 100)
	orInt(&c.CacheSize, 16384)
	return nil
}

func orDuration(v *time.Duration, def time.Duration) {
	if *v <= 0 {
		*v = def
	}
}

func orInt(v *int, def int) {
	if *v <= 0 {
		*v = def
	}
}

// Service holds the use-cases of this package.
type Service struct {
	cfg         Config
	access      *access.Authority
	orgs        *store.Collection[Org]
	users       *store.Collection[User]
	credentials *store.Collection[credential]
	sessions    *store.Collection[sessionRow]
	tokens      *store.Collection[tokenRow]
	hasher      *password.Hasher
	limits      *throttle.Limiter
	callers     *callerCache
	changes     *bell       // rings when callers become stale
	orgStamp    *memo.Table // changes with any change of an org that exists
	orgCache    *memo.Cache[string, *Org]

	mu        sync.RWMutex
	holders   []namedHolder
	followers []Follower
}

type namedHolder struct {
	name string
	Holder
}

// New returns a Service over the store.
func New(cfg Config) (*Service, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	hasher, err := password.New(cfg.Passwords)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, hasher: hasher, limits: throttle.New(cfg.SignIn, cfg.Clock),
		orgs: newOrgs(), users: newUsers(), credentials: newCredentials(),
		sessions: newSessions(), tokens: newTokens(),
		callers: newCallerCache(cfg.CacheSize), changes: &bell{},
		orgStamp: memo.NewTable("org"), orgCache: memo.NewCache[string, *Org](cfg.CacheSize),
	}
	s.access, err = access.New(access.Config{Directory: s, Home: s.FirstRootTx})
	return s, err
}

// Authority returns the authority whose directory is this service.
func (s *Service) Authority() *access.Authority { return s.access }

// AddHolder registers a holder under the word that refusals use for it.
func (s *Service) AddHolder(name string, h Holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holders = append(s.holders, namedHolder{name: name, Holder: h})
}

// Follower is told in its transaction that an org has moved, with all below it.
type Follower func(tx store.Tx, org Org) error

// AddFollower registers a follower.
func (s *Service) AddFollower(f Follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers = append(s.followers, f)
}

// moved tells every follower.
func (s *Service) moved(tx store.Tx, org Org) error {
	s.mu.RLock()
	followers := s.followers
	s.mu.RUnlock()
	for _, f := range followers {
		if err := f(tx, org); err != nil {
			return err
		}
	}
	return nil
}

// held asks every holder what the org still has.
func (s *Service) held(r store.Reader, org string) ([]HeldThing, error) {
	s.mu.RLock()
	holders := s.holders
	s.mu.RUnlock()
	var out []HeldThing
	for _, h := range holders {
		things, err := h.Holds(r, org)
		if err != nil {
			return nil, err
		}
		for _, what := range things {
			out = append(out, HeldThing{Holder: h.name, What: what})
		}
	}
	return out, nil
}

// change is one mutation as the audit log keeps it.
type change struct {
	action        access.Right
	org, root     string
	thing, id     string
	before, after any
}

func (s *Service) record(tx store.Tx, c access.Caller, ch change) error {
	return audit.Append(tx, audit.Record{
		Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: ch.org, Root: ch.root, Action: string(ch.action),
		Thing: ch.thing, ID: ch.id, Before: ch.before, After: ch.after, RequestID: c.RequestID,
	})
}

// forget makes every remembered caller stale once the transaction is durable,
// and wakes those who wait for that.
func (s *Service) forget(tx store.Tx) {
	tx.OnCommit(func() {
		s.callers.invalidate()
		s.changes.ring()
	})
}

// ownKeys answers for things that every user has of its own (password,
// sessions, tokens): no right is needed, only a user.
func ownKeys(c access.Caller) error {
	if c.System || c.UserID == "" {
		return fault.Forbidden("only a user can do this")
	}
	return nil
}
