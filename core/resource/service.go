package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/paging"
	"tradewind.example/core/provider"
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

// Accounts opens the account at the cloud in which an org's resources live.
type Accounts interface {
	CallVia(ctx context.Context, r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Access, error)
}

// Sealer keeps inputs and outputs of actions, which may hold passwords.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	// Reseal seals a text again that was not sealed with the present key, and
	// says whether it was one.
	Reseal(sealed, context []byte) (fresh []byte, changed bool, err error)
}

// Jobs runs the durable work.
type Jobs interface {
	Enqueue(tx store.Tx, j job.Job) (job.Job, error)
	Complete(tx store.Tx, j job.Job) error
	// HastenTx makes a waiting job due, or reports that it is at work.
	HastenTx(tx store.Tx, id string) (busy bool, err error)
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
	Get(ctx context.Context, req contract.GetRequest) (contract.Resource, error)
	Act(ctx context.Context, req contract.ActionRequest) (contract.Change, error)
	Operation(ctx context.Context, req contract.OperationRequest) (contract.Operation, error)
	Lister
	Talker
}

// Lister lists what an account has.
type Lister interface {
	Import(ctx context.Context, req contract.ImportRequest, yield func(contract.Resource) error) error
	List(ctx context.Context, req contract.ListRequest, yield func(contract.Resource) error) error
	Regions(ctx context.Context, req contract.RegionsRequest) ([]contract.Region, error)
}

// Limits bound how long and how often a cloud is asked. Zero fields mean the
// defaults.
type Limits struct {
	CallTimeout time.Duration // of one call; default 30 seconds
	ActWait     time.Duration // how long Act waits for the end of a change; default 10 seconds
	Fresh       time.Duration // a refresh asks the cloud only for what is older; default 2 seconds
	Poll        time.Duration // between two questions for a started change; default 1 second
	RetryFor    time.Duration // how long a refused action is tried again; default 2 minutes
	ListTimeout time.Duration // of a whole comparison; default 30 minutes

	TicketLife  time.Duration // how long a ticket opens a console; default 30 seconds
	ConsoleLife time.Duration // of one console; default 4 hours
	// ConsoleCheck is how often it is looked whether an open console or log may
	// go on, beside the moments at which something changes; default 1 minute.
	ConsoleCheck time.Duration
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&l.CallTimeout, 30*time.Second)
	set(&l.ActWait, 10*time.Second)
	set(&l.Fresh, 2*time.Second)
	set(&l.Poll, time.Second)
	set(&l.RetryFor, 2*time.Minute)
	set(&l.ListTimeout, 30*time.Minute)
	set(&l.TicketLife, 30*time.Second)
	set(&l.ConsoleLife, 4*time.Hour)
	set(&l.ConsoleCheck, time.Minute)
	return l
}

// Sessions tells of who has opened what lasts longer than a request.
type Sessions interface {
	// Changes returns a channel that is closed when Renew may answer otherwise
	// than before, for another reason than the time.
	Changes() <-chan struct{}
	// Renew returns a caller as it is now, and when it ends if it is not used
	// again, zero for never; active says that it was used just now. An
	// unauthenticated fault says that it has ended.
	Renew(ctx context.Context, c access.Caller, active bool) (now access.Caller, end time.Time, err error)
}

// Config is what a Service needs. All fields but Sessions and Limits are
// required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Logger    *slog.Logger
	Authority Authority
	Accounts  Accounts
	Keys      *idempotency.Keys
	Sealer    Sealer
	Jobs      Jobs
	Plugins   Plugins
	// Sessions ends consoles and logs with the session they were opened with; nil:
	// who opened one stays who it was.
	Sessions Sessions
	Limits   Limits
}

// Service keeps and operates resources.
type Service struct {
	cfg           Config
	limits        Limits
	resources     *store.Collection[Resource]
	runs          *store.Collection[run]
	discrepancies *store.Collection[Discrepancy]
	tickets       *store.Collection[ticket]
	waits         *waits
	schemas       *schema.Cache
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	missing := cfg.Store == nil || cfg.Clock == nil || cfg.Logger == nil || cfg.Authority == nil ||
		cfg.Accounts == nil || cfg.Keys == nil || cfg.Sealer == nil || cfg.Jobs == nil || cfg.Plugins == nil
	if missing {
		return nil, errors.New("resource: a required field of the config is missing")
	}
	return &Service{
		cfg: cfg, limits: cfg.Limits.withDefaults(), resources: newResources(), runs: newRuns(),
		discrepancies: newDiscrepancies(), tickets: newTickets(), waits: newWaits(), schemas: schema.NewCache(),
	}, nil
}

// GetTx returns a resource without a check of rights.
func (s *Service) GetTx(r store.Reader, resourceID string) (store.Doc[Resource], error) {
	return s.resources.Get(r, resourceID)
}

// InsertTx stores a new resource together with the parts of which it consists;
// nil: they are not known. A cloud's id that a live resource has is a conflict,
// unless that one is a part: what is bought by itself is no part any more.
func (s *Service) InsertTx(tx store.Tx, v Resource, parts []contract.Part) error {
	if _, err := s.stepTx(tx, &v, parts); err != nil {
		return err
	}
	_, err := s.resources.Insert(tx, v)
	if err == nil {
		return nil
	}
	room, roomErr := s.makeRoom(tx, err)
	if roomErr != nil || !room {
		return errors.Join(err, roomErr)
	}
	_, err = s.resources.Insert(tx, v)
	return err
}

// UpdateTx replaces a resource that was read with revision rev. The parts of one
// that has ended end with it.
func (s *Service) UpdateTx(tx store.Tx, v Resource, rev uint64) error {
	if !v.Live() && v.Parts > 0 {
		if err := s.endPartsTx(tx, &v); err != nil {
			return err
		}
	}
	_, err := s.resources.Update(tx, v, rev)
	tx.OnCommit(func() { s.waits.wake(v.ID) })
	return err
}

// HolderTx returns the live resource that was bought and has a cloud's id in an
// account.
func (s *Service) HolderTx(r store.Reader, accountID, providerID, kind, vendorID string) (string, bool, error) {
	d, found, err := s.resources.By(r, "vendor", vendorKey(providerID, kind, vendorID, accountID))
	if err != nil || !found || d.Value.ParentID != "" {
		return "", false, err
	}
	return d.Value.ID, true, nil
}

// HoldersTx returns the live resources that have a cloud's id in any account, at
// most [store.MaxList] of them.
func (s *Service) HoldersTx(r store.Reader, providerID, kind, vendorID string) ([]string, error) {
	var out []string
	q := store.Query{Index: "vendor", Prefix: store.Key(providerID, kind, vendorID), Limit: store.MaxList}
	err := s.resources.Each(r, q, func(d store.Doc[Resource]) error {
		out = append(out, d.Value.ID)
		return nil
	})
	return out, err
}

// Holds names what of an org keeps it from being deleted.
func (s *Service) Holds(r store.Reader, org string) ([]string, error) {
	live := 0
	q := store.Query{Index: "path", Prefix: store.Key(org), Limit: store.NoLimit}
	err := s.resources.Each(r, q, func(d store.Doc[Resource]) error {
		if d.Value.OrgID == org && d.Value.Live() && d.Value.ParentID == "" {
			live++
		}
		return nil
	})
	if err != nil || live == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d resources that are not released", live)}, nil
}

// InAccount reports whether something lives in the account of an enablement.
func (s *Service) InAccount(r store.Reader, enablementID string) (bool, error) {
	page, err := s.resources.List(r, store.Query{Index: "account", Prefix: store.Key(enablementID), Limit: 1})
	return len(page.Items) > 0, err
}

// View is what an org sees of a resource: the cost only when the account is
// its own to pay.
func (r Resource) View(org string) Resource {
	if len(r.Path) == 0 || r.Path[0] != org {
		r.Cost, r.EnablementID, r.AccountID = CostBasis{}, "", ""
		for i := range r.Charges {
			if i == 0 {
				r.Charges = append([]Charge(nil), r.Charges...)
			}
			r.Charges[i].List, r.Charges[i].Given, r.Charges[i].Left = 0, 0, 0
		}
	}
	return r
}

// Get returns a resource; with refresh, after asking its cloud, unless that was
// done a moment ago.
func (s *Service) Get(ctx context.Context, c access.Caller, resourceID string, refresh bool) (Resource, error) {
	d, err := s.checked(ctx, c, access.ResourceRead, resourceID)
	if err != nil {
		return Resource{}, err
	}
	v := d.Value
	if refresh && v.Live() {
		if v, err = s.fresh(ctx, v); err != nil {
			return Resource{}, err
		}
	}
	return v.View(c.OrgID), nil
}

func (s *Service) checked(ctx context.Context, c access.Caller, right access.Right, resourceID string) (store.Doc[Resource], error) {
	var d store.Doc[Resource]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		if d, err = s.resources.Get(r, resourceID); err != nil {
			return err
		}
		t := access.Target{OrgID: d.Value.OrgID, Thing: "resource", ID: resourceID}
		return s.cfg.Authority.Check(r, c, right, t)
	})
	if err != nil {
		return store.Doc[Resource]{}, err
	}
	return d, nil
}

// List returns one page of the resources within the caller's reach.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page[Resource], error) {
	index, err := paging.Sorts{"": "path", SortCreated: "path", SortEnd: "end"}.Index(q.Sort)
	if err != nil {
		return Page[Resource]{}, err
	}
	var out Page[Resource]
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.cfg.Authority.Reach(r, c, access.ResourceRead)
		if err != nil {
			return err
		}
		sq := store.Query{Index: index, Prefix: store.Key(reach.Org), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst}
		if q.ParentID != "" {
			sq.Index, sq.Prefix = "parent", store.Key(q.ParentID)
		}
		page, err := paging.Until(r, s.resources, sq, func(v *Resource) (bool, error) {
			if !q.admits(v) {
				return false, nil
			}
			return s.cfg.Authority.Within(r, reach, v.OrgID)
		})
		if err != nil {
			return fmt.Errorf("listing resources: %w", err)
		}
		out = Page[Resource]{Next: page.Next, Items: make([]Resource, 0, len(page.Items))}
		for _, d := range page.Items {
			out.Items = append(out.Items, d.Value.View(c.OrgID))
		}
		return nil
	})
	return out, err
}

func (q *Query) admits(r *Resource) bool {
	switch {
	case !q.Released && !r.Live():
		return false
	case q.OrgID != "" && r.OrgID != q.OrgID:
		return false
	case q.ProviderID != "" && r.ProviderID != q.ProviderID, q.ProductID != "" && r.ProductID != q.ProductID:
		return false
	case !strings.HasPrefix(strings.ToLower(r.Name), strings.ToLower(q.Text)):
		return false
	case q.Kind != "" && r.Kind != q.Kind:
		return false
	case q.Region != "" && r.Region != q.Region:
		return false
	case q.Which == BoughtOnly && r.ParentID != "", q.Which == PartsOnly && r.ParentID == "":
		return false
	}
	return q.Status == "" || r.Status == q.Status
}
