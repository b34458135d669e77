// Package settlement gathers the bills of a seller and a buyer into statements,
// one for each period of their settle-date template, and posts what was agreed.
//
// A bill belongs to a statement by the key under which its compact entry lies,
// so that a month of a million bills is settled without rewriting one of them.
// Work goes in bounded transactions with a durable cursor: it can be stopped or
// crash anywhere, and running it twice changes nothing.
//
// It prices nothing and pays nobody: an agreed statement becomes a payable and
// a receivable in the ledger. Approval flows and reconciliation with a cloud's
// own bill are other packages'.
//
// A [Service] is safe for concurrent use.
package settlement

import (
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// State says where a statement stands.
type State string

// The states of a statement.
const (
	StateCollecting State = "collecting" // its bills are being gathered
	StateOpen       State = "open"       // waits for a decision
	StateAgreed     State = "agreed"     // recorded as a transition on the way to settled
	StateRefused    State = "refused"    // its bills are unsettled again
	StateSettled    State = "settled"    // posted
)

// Statement is what one buyer and one seller settle for one period.
type Statement struct {
	ID            string
	RootID        string
	Seller, Buyer string
	Currency      money.Currency
	Template      string
	Zone          string // time zone in which the template was read
	// From and Due bound the period, half-open: it settles everything unsettled
	// before Due.
	From, Due time.Time
	State     State
	// Returning is set while the bills of a refused statement go back.
	Returning     bool
	Totals        Totals
	TransactionID string // of the ledger, once settled
	Note          string // of who agreed or refused
	Transitions   []Transition
	Created       time.Time
	Updated       time.Time
}

// Totals are the sums over a statement's bills. What was paid at once is part
// of the statement for its commission only.
type Totals struct {
	Count              int64
	Amount             money.Amount // of all bills
	Commission         money.Amount // of all bills
	PeriodAmount       money.Amount // of the bills paid by this statement
	PeriodCommission   money.Amount
	RealtimeAmount     money.Amount // of the bills paid when they were charged
	RealtimeCommission money.Amount
	Refunds            int64        // how many of the bills are refunds
	RefundAmount       money.Amount // their part of Amount, negative
}

// Net is what the buyer still owes the seller by the statement: the period
// amounts less all commissions. Negative: the seller owes the buyer.
func (t Totals) Net() (money.Amount, error) { return t.PeriodAmount.Sub(t.Commission) }

// Transition is one change of a statement's state.
type Transition struct {
	From, To State
	Time     time.Time
	Actor    string
	Note     string
}

// Line is one bill of a statement.
type Line struct {
	BillID     string
	Time       time.Time
	Operation  string
	Settle     string
	Amount     money.Amount
	Commission money.Amount
}

// DetailedLine is a line with what its bill says besides.
type DetailedLine struct {
	Line
	OrderID     string
	ProductName string
}

// Query chooses statements for a list.
type Query struct {
	OrgID string // "" is the caller's own
	Side  string // "seller", "buyer" or "" for both
	State State
	Other string // the org on the other side

	Currency money.Currency
	// From and To choose by the due date, half-open; zero is open.
	From, To time.Time
	Sort     string // [SortCreated], which "" is, [SortDue] or [SortAmount]
	// OldestFirst turns the order round; the newest, or greatest, are first otherwise.
	OldestFirst bool
	Cursor      string
	Limit       int
}

// What statements can be sorted by.
const (
	SortCreated = "created"
	SortDue     = "due"
	SortAmount  = "amount" // within a currency, and by that
)

// index is what serves the query: of both sides or of one.
func (q *Query) index() (string, error) {
	switch q.Side {
	case "", "seller", "buyer":
	default:
		return "", fault.Invalid("side", "must be seller or buyer")
	}
	own := "org"
	if q.Side != "" {
		own = q.Side
	}
	return paging.Sorts{"": own, SortCreated: own, SortDue: "due", SortAmount: "amount"}.Index(q.Sort)
}

func (q *Query) admits(v *Statement) bool {
	switch {
	case q.Side == "seller" && v.Seller != q.OrgID, q.Side == "buyer" && v.Buyer != q.OrgID:
		return false
	case q.State != "" && v.State != q.State, q.Other != "" && v.Seller != q.Other && v.Buyer != q.Other:
		return false
	case q.Currency != "" && v.Currency != q.Currency:
		return false
	case !q.From.IsZero() && v.Due.Before(q.From), !q.To.IsZero() && !v.Due.Before(q.To):
		return false
	}
	return true
}

// Page is one page of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// Report tells what a run did.
type Report struct {
	Opened   []string // statements that are open now because of this run
	Returned []string // refused statements whose bills are back
	Bills    int64
}

func newStatements() *store.Collection[Statement] {
	return store.NewCollection("statement", func(s *Statement) string { return s.ID },
		store.Index[Statement]{Name: "seller", Keys: func(s *Statement) [][]byte {
			return [][]byte{store.Key(s.Seller, s.ID)}
		}},
		store.Index[Statement]{Name: "buyer", Keys: func(s *Statement) [][]byte {
			return [][]byte{store.Key(s.Buyer, s.ID)}
		}},
		store.Index[Statement]{Name: "org", Keys: func(s *Statement) [][]byte {
			return [][]byte{store.Key(s.Seller, s.ID), store.Key(s.Buyer, s.ID)}
		}},
		store.Index[Statement]{Name: "due", Keys: func(s *Statement) [][]byte {
			return [][]byte{store.Key(s.Seller, s.Due, s.ID), store.Key(s.Buyer, s.Due, s.ID)}
		}},
		store.Index[Statement]{Name: "amount", Keys: func(s *Statement) [][]byte {
			return [][]byte{
				store.Key(s.Seller, s.Currency, s.Totals.Amount, s.ID), store.Key(s.Buyer, s.Currency, s.Totals.Amount, s.ID),
			}
		}},
		// pair finds up to which due date a pair is closed. A refused statement
		// closes nothing.
		store.Index[Statement]{Name: "pair", Keys: func(s *Statement) [][]byte {
			if s.State == StateRefused {
				return nil
			}
			return [][]byte{store.Key(s.Seller, s.Buyer, s.Currency, s.Due)}
		}},
		// work finds the statements whose bills are on the move.
		store.Index[Statement]{Name: "work", Keys: func(s *Statement) [][]byte {
			if s.State != StateCollecting && !s.Returning {
				return nil
			}
			return [][]byte{store.Key(s.ID)}
		}},
	)
}

// Reindex writes the indexes of all statements anew, for a migration.
func Reindex(tx store.Tx) error { return newStatements().Reindex(tx) }
