package cloudaccount

import (
	"context"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// ImportJobKind is the kind of the jobs that import; register
// [Service.WorkImport] for it.
const ImportJobKind = "account.import"

// Subject is what an import reads.
type Subject string

// The subjects.
const (
	SubjectBillLines    Subject = "bill_lines"
	SubjectVendorOrders Subject = "vendor_orders"
)

func (s Subject) needs() contract.Capability {
	if s == SubjectVendorOrders {
		return contract.CapVendorOrders
	}
	return contract.CapBillLines
}

// ImportState says where an import stands.
type ImportState string

// The states of an import.
const (
	ImportWaiting ImportState = "waiting"
	ImportRunning ImportState = "running"
	ImportDone    ImportState = "done"
	ImportFailed  ImportState = "failed" // what was read until then is kept
)

// Import reads what the cloud knows of a time.
type Import struct {
	ID           string
	RootID       string
	OrgID        string
	EnablementID string
	Subject      Subject
	From, To     time.Time // half-open
	State        ImportState
	// Reached is how far it has come: all before it is read.
	Reached time.Time
	Seen    int // rows that the cloud told in the windows that are read
	Added   int
	Changed int
	Tries   int    `json:",omitzero"` // since the last window that was read
	Problem string `json:",omitzero"`
	Class   string `json:",omitzero"` // fault class of Problem
	JobID   string
	Actor   string
	Created time.Time
	Updated time.Time
	Ended   time.Time `json:",omitzero"`
}

func newImports() *store.Collection[Import] {
	return store.NewCollection("account_import", func(v *Import) string { return v.ID },
		store.Index[Import]{Name: "enablement", Keys: func(v *Import) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.ID)}
		}})
}

// maxPeriod bounds one import: thirteen months hold a year and its neighbours.
const maxPeriod = 400 * 24 * time.Hour

// ImportInput asks for an import.
type ImportInput struct {
	EnablementID   string
	Subject        Subject
	From, To       time.Time // half-open
	IdempotencyKey string
}

// Validate returns every wrong field.
func (in ImportInput) Validate() error {
	var p problems
	if in.Subject != SubjectBillLines && in.Subject != SubjectVendorOrders {
		p.Add("subject", "must be %s or %s", SubjectBillLines, SubjectVendorOrders)
	}
	switch {
	case in.From.IsZero():
		p.Add("from", "is required")
	case !in.From.Before(in.To):
		p.Add("to", "must be after from")
	case in.To.Sub(in.From) > maxPeriod:
		p.Add("to", "must be at most %d days after from", int(maxPeriod/(24*time.Hour)))
	}
	p.key(in.IdempotencyKey)
	return p.Err()
}

// Import stores an import with its job. The same request with the same key is
// the same import; another one of the same time reads it again and changes only
// what the cloud tells differently now.
func (s *Service) Import(ctx context.Context, c access.Caller, in ImportInput) (Import, error) {
	in.From, in.To = in.From.UTC(), in.To.UTC()
	if err := in.Validate(); err != nil {
		return Import{}, err
	}
	e, err := s.own(ctx, c, access.AccountImport, in.EnablementID)
	if err != nil {
		return Import{}, err
	}
	if _, err := s.open(ctx, e, provider.PurposeWindDown, in.Subject.needs()); fault.Is(err, fault.ClassUnsupported) {
		return Import{}, err // anything else may pass before the job runs
	}
	body, err := idempotency.HashOf(in)
	if err != nil {
		return Import{}, err
	}
	var out Import
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
		out, err = s.storeImport(tx, c, in, body)
		return err
	})
	return out, err
}

func (s *Service) storeImport(tx store.Tx, c access.Caller, in ImportInput, body idempotency.Hash) (Import, error) {
	e, err := s.ownTx(tx, c, access.AccountImport, in.EnablementID)
	if err != nil {
		return Import{}, err
	}
	scope := idempotency.Scope{Org: c.OrgID, Operation: string(access.AccountImport)}
	ref, replay, err := s.cfg.Keys.Claim(tx, scope, in.IdempotencyKey, body)
	if err != nil {
		return Import{}, err
	}
	if replay {
		d, err := s.imports.Get(tx, ref)
		return d.Value, err
	}
	now := s.cfg.Clock.Now()
	v := Import{
		ID: id.New(), RootID: e.RootID, OrgID: e.OrgID, EnablementID: e.ID, Subject: in.Subject, From: in.From, To: in.To,
		State: ImportWaiting, Reached: in.From, Actor: c.Actor(), Created: now, Updated: now,
	}
	j, err := s.cfg.Jobs.Enqueue(tx, job.Job{Kind: ImportJobKind, Ref: v.ID, OrgID: e.OrgID, Trace: c.Trace})
	if err != nil {
		return Import{}, err
	}
	v.JobID = j.ID
	if _, err := s.imports.Insert(tx, v); err != nil {
		return Import{}, err
	}
	if err := s.cfg.Keys.Bind(tx, scope, in.IdempotencyKey, v.ID); err != nil {
		return Import{}, err
	}
	after := map[string]string{"enablement_id": e.ID, "subject": string(v.Subject), "from": v.From.Format(time.RFC3339), "to": v.To.Format(time.RFC3339)}
	return v, s.record(tx, c, e, access.AccountImport, subject{thing: "account_import", id: v.ID, after: after})
}

// GetImport returns one import of an account.
func (s *Service) GetImport(ctx context.Context, c access.Caller, enablementID, importID string) (Import, error) {
	var out Import
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if _, err := s.ownTx(r, c, access.AccountRead, enablementID); err != nil {
			return err
		}
		d, err := s.imports.Get(r, importID)
		if err == nil && d.Value.EnablementID != enablementID {
			err = fault.NotFound("account_import", importID)
		}
		out = d.Value
		return err
	})
	if err != nil {
		return Import{}, err
	}
	return out, nil
}

// ListInput asks for a page of what belongs to an account.
type ListInput struct {
	EnablementID string
	From, To     time.Time // half-open; zero: open
	// OldestFirst turns the order round; the newest are first otherwise.
	OldestFirst bool
	Cursor      string
	Limit       int
}

// query is the input over an index of enablement and time.
func (in ListInput) query(index string) store.Query {
	q := store.Query{Index: index, Prefix: store.Key(in.EnablementID), Cursor: in.Cursor, Limit: in.Limit, Reverse: !in.OldestFirst}
	if !in.From.IsZero() {
		q.From = store.Key(in.From.UTC())
	}
	if !in.To.IsZero() {
		q.To = store.Key(in.To.UTC())
	}
	return q
}

// Imports returns one page of the imports of an account.
func (s *Service) Imports(ctx context.Context, c access.Caller, in ListInput) (Page[Import], error) {
	in.From, in.To = time.Time{}, time.Time{}
	return list(ctx, s, c, s.imports, in, in.query("enablement"), nil)
}

// list reads a page of a collection that belongs to an account.
func list[T any](ctx context.Context, s *Service, c access.Caller, of *store.Collection[T], in ListInput, q store.Query, keep func(*T) bool) (Page[T], error) {
	var out Page[T]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if _, err := s.ownTx(r, c, access.AccountRead, in.EnablementID); err != nil {
			return err
		}
		page, err := pageOf(r, of, q, keep)
		out = page
		return err
	})
	if err != nil {
		return Page[T]{}, err
	}
	return out, nil
}
