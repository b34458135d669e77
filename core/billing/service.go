package billing

import (
	"context"
	"errors"
	"fmt"

	"tradewind.example/core/access"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Ledger moves the money of a charge.
type Ledger interface {
	PostTx(tx store.Tx, t ledger.Transaction) (ledger.Transaction, error)
	CaptureTx(tx store.Tx, holdID string, amounts []money.Amount, t ledger.Transaction) (ledger.Transaction, error)
}

// Authority decides who may read which org's bills.
type Authority interface {
	CheckAny(r store.Reader, c access.Caller, right access.Right, t access.Target, orgs ...string) error
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
}

// Config is what a Service needs.
type Config struct {
	Store     store.Store
	Ledger    Ledger
	Authority Authority
}

// Service writes and lists bills.
type Service struct {
	store  store.Store
	ledger Ledger
	auth   Authority
	bills  *store.Collection[Bill]
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Ledger == nil || cfg.Authority == nil {
		return nil, errors.New("billing: a store, a ledger and an authority are required")
	}
	return &Service{store: cfg.Store, ledger: cfg.Ledger, auth: cfg.Authority, bills: newBills()}, nil
}

// Get returns a bill to its seller or buyer.
func (s *Service) Get(ctx context.Context, c access.Caller, billID string) (Bill, error) {
	var b Bill
	err := s.store.View(ctx, func(r store.Reader) error {
		d, err := s.bills.Get(r, billID)
		if err != nil {
			return err
		}
		b = d.Value
		t := access.Target{OrgID: b.Seller, Thing: "bill", ID: billID}
		return s.auth.CheckAny(r, c, access.BillRead, t, b.Seller, b.Buyer)
	})
	if err != nil {
		return Bill{}, err
	}
	return b, nil
}

// FindTx returns a bill without a check of rights, for the lines of a statement
// whose reader was checked.
func (s *Service) FindTx(r store.Reader, billID string) (Bill, bool, error) {
	d, found, err := s.bills.Find(r, billID)
	return d.Value, found, err
}

// List returns one page of an org's bills as seller or buyer.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page, error) {
	if q.OrgID == "" {
		q.OrgID = c.OrgID
	}
	if err := q.validate(); err != nil {
		return Page{}, err
	}
	var out Page
	err := s.store.View(ctx, func(r store.Reader) error {
		err := s.auth.Check(r, c, access.BillRead, access.Target{OrgID: q.OrgID, Thing: "bill"})
		if err != nil {
			return err
		}
		page, err := paging.Where(r, s.bills, q.store(), q.admits)
		if err != nil {
			return fmt.Errorf("listing bills: %w", err)
		}
		out.Next = page.Next
		for _, d := range page.Items {
			out.Items = append(out.Items, d.Value)
		}
		return nil
	})
	return out, err
}

func (q *Query) validate() error {
	var wrong []fault.Field
	if q.Side == "" {
		q.Side = SideBuyer
	}
	if q.Side != SideBuyer && q.Side != SideSeller {
		wrong = append(wrong, fault.Field{Path: "side", Message: "must be seller or buyer"})
	}
	switch q.Operation {
	case "", OperationBuy, OperationRenew, OperationRefund:
	default:
		wrong = append(wrong, fault.Field{Path: "operation", Message: "must be BUY, RENEW or REFUND"})
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		wrong = append(wrong, fault.Field{Path: "to", Message: "must not be before from"})
	}
	return fault.InvalidFields(wrong)
}

func (q *Query) store() store.Query {
	sq := store.Query{Index: string(q.Side), Prefix: store.Key(q.OrgID), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst}
	if q.OrderID != "" {
		sq.Index, sq.Prefix = "order", store.Key(q.OrderID)
		return sq
	}
	if !q.From.IsZero() {
		sq.From = store.Key(q.From)
	}
	if !q.To.IsZero() {
		sq.To = store.Key(q.To)
	}
	return sq
}

func (q *Query) admits(b *Bill) bool {
	own, other := b.Buyer, b.Seller
	if q.Side == SideSeller {
		own, other = other, own
	}
	switch {
	case own != q.OrgID:
		return false
	case q.Other != "" && other != q.Other:
		return false
	case q.ProductID != "" && b.ProductID != q.ProductID, q.Currency != "" && b.Currency != q.Currency:
		return false
	case q.Operation != "" && b.Operation != q.Operation:
		return false
	case !q.From.IsZero() && b.Time.Before(q.From):
		return false
	}
	return q.To.IsZero() || b.Time.Before(q.To)
}

// EachOfOrder calls fn for every bill of an order, in the order they were
// written. It checks no rights.
func (s *Service) EachOfOrder(r store.Reader, orderID string, fn func(Bill) error) error {
	q := store.Query{Index: "order", Prefix: store.Key(orderID), Limit: store.NoLimit}
	return s.bills.Each(r, q, func(d store.Doc[Bill]) error { return fn(d.Value) })
}
