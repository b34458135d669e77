package settlement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
)

// Authority decides who may do what.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
	CheckAny(r store.Reader, c access.Caller, right access.Right, t access.Target, orgs ...string) error
}

// Calendars tells how a pair settles.
type Calendars interface {
	// CalendarTx returns the settle-date template of the pair's protocol at that
	// time ("" when it has none) and the seller's time zone.
	CalendarTx(r store.Reader, seller, buyer string, at time.Time) (template, zone string, err error)
}

// Ledger posts what was agreed.
type Ledger interface {
	PostTx(tx store.Tx, t ledger.Transaction) (ledger.Transaction, error)
}

// Bills tells what the lines of a statement are about.
type Bills interface {
	FindTx(r store.Reader, billID string) (billing.Bill, bool, error)
}

// Jobs runs the durable work.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
}

// Events carries what became true out of the store, from the transaction that
// makes it so.
type Events interface {
	Append(tx store.Tx, topic, key string, payload []byte) error
}

// Topics lists the topics of a statement's events. An event's key is the
// statement's id.
func Topics() []string {
	return []string{StateOpen.topic(), StateSettled.topic(), StateRefused.topic()}
}

func (s State) topic() string { return "statement." + string(s) }

// Config is what a Service needs. Keys, Chunk and Grace may be left out.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Calendars Calendars
	Ledger    Ledger
	Bills     Bills
	Jobs      Jobs
	// Keys remembers the requests of decisions; default: by Clock.
	Keys *idempotency.Keys
	// Chunk is how many bills one transaction moves; default 5,000.
	Chunk int
	// Grace is how long after its due instant a statement is opened, so that
	// charges under way at midnight are still in it; default 5 minutes.
	Grace time.Duration
	// Keeper, when set, returns whose staff work for a seller: a cloud's own org
	// has nobody who may. nil: each seller's own staff.
	Keeper func(r store.Reader, seller string) (string, error)
	// Events, when set, hears of every statement that is opened, settled or
	// refused; nil: nobody does.
	Events Events
	// Failpoint, when set, is called between transactions so that a test can
	// stop the process there. It is nil in production.
	Failpoint func(name string)
}

// Service makes and decides statements.
type Service struct {
	cfg        Config
	statements *store.Collection[Statement]
	turn       chan struct{} // held by the one run that collects
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	missing := cfg.Store == nil || cfg.Clock == nil || cfg.Logger == nil || cfg.Authority == nil ||
		cfg.Calendars == nil || cfg.Ledger == nil || cfg.Bills == nil || cfg.Jobs == nil
	if missing {
		return nil, errors.New("settlement: a required field of the config is missing")
	}
	if cfg.Keys == nil {
		keys, err := idempotency.New(idempotency.Config{Clock: cfg.Clock})
		if err != nil {
			return nil, err
		}
		cfg.Keys = keys
	}
	if cfg.Chunk <= 0 {
		cfg.Chunk = 5000
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 5 * time.Minute
	}
	return &Service{cfg: cfg, statements: newStatements(), turn: make(chan struct{}, 1)}, nil
}

func (s *Service) reached(name string) {
	if s.cfg.Failpoint != nil {
		s.cfg.Failpoint(name)
	}
}

// Get returns a statement to its seller or buyer.
func (s *Service) Get(ctx context.Context, c access.Caller, statementID string) (Statement, error) {
	d, err := s.checked(ctx, c, access.StatementRead, statementID)
	return d.Value, err
}

func (s *Service) checked(ctx context.Context, c access.Caller, right access.Right, statementID string) (store.Doc[Statement], error) {
	var d store.Doc[Statement]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		d, err = s.get(r, c, right, statementID)
		return err
	})
	if err != nil {
		return store.Doc[Statement]{}, err
	}
	return d, nil
}

func (s *Service) get(r store.Reader, c access.Caller, right access.Right, statementID string) (store.Doc[Statement], error) {
	d, err := s.statements.Get(r, statementID)
	if err != nil {
		return d, err
	}
	t := access.Target{Thing: "statement", ID: statementID}
	return d, s.cfg.Authority.CheckAny(r, c, right, t, d.Value.Seller, d.Value.Buyer)
}

// List returns one page of an org's statements.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page[Statement], error) {
	if q.OrgID == "" {
		q.OrgID = c.OrgID
	}
	index, err := q.index()
	if err != nil {
		return Page[Statement]{}, err
	}
	var out Page[Statement]
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		err := s.cfg.Authority.Check(r, c, access.StatementRead, access.Target{OrgID: q.OrgID, Thing: "statement"})
		if err != nil {
			return err
		}
		sq := store.Query{Index: index, Prefix: store.Key(q.OrgID), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst}
		page, err := paging.Where(r, s.statements, sq, q.admits)
		if err != nil {
			return fmt.Errorf("listing statements: %w", err)
		}
		out = Page[Statement]{Next: page.Next}
		for _, d := range page.Items {
			out.Items = append(out.Items, d.Value)
		}
		return nil
	})
	return out, err
}

// move records a change of state.
func (v *Statement) move(to State, at time.Time, actor, note string) {
	v.Transitions = append(slices.Clone(v.Transitions), Transition{From: v.State, To: to, Time: at, Actor: actor, Note: note})
	v.State, v.Updated = to, at
}

// Holds names what of an org keeps it from being deleted.
func (s *Service) Holds(r store.Reader, org string) ([]string, error) {
	pending := 0
	q := store.Query{Index: "org", Prefix: store.Key(org), Limit: store.NoLimit}
	err := s.statements.Each(r, q, func(d store.Doc[Statement]) error {
		if d.Value.State == StateCollecting || d.Value.State == StateOpen || d.Value.Returning {
			pending++
		}
		return nil
	})
	if err != nil || pending == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d statements that are not settled", pending)}, nil
}
