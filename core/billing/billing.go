// Package billing writes what each buyer owes each seller: one bill per leg of
// a charge, together with the ledger's postings, in the caller's transaction.
//
// Bills are written once and never rewritten. Whether a bill is settled is a
// fact of its key in the unsettled area, which package settlement moves; this
// package decides no prices and moves no money by itself.
//
// A [Service] is safe for concurrent use.
package billing

import (
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// Operation is what a bill is for.
type Operation string

// The operations.
const (
	OperationBuy    Operation = "BUY"
	OperationRenew  Operation = "RENEW"
	OperationRefund Operation = "REFUND"
)

// State says whether a bill is paid. The numbers travel.
type State int

// The states of a bill.
const (
	StateUnpaid    State = 0 // a period leg: paid by its statement
	StatePaid      State = 1 // a realtime leg: paid from the wallet when it was charged
	StateCancelled State = 2
)

// Bill is what one buyer owes one seller for one charge. A refund is a bill
// with negative amounts.
type Bill struct {
	ID            string
	RootID        string
	OrderID       string
	ProviderID    string
	ProductID     string
	ProductName   string
	Leg           int // 1: provider → operator
	Seller, Buyer string
	Operation     Operation
	Currency      money.Currency
	Amount        money.Amount // what the buyer owes
	Commission    money.Amount `json:",omitzero"` // what the seller owes the buyer for it
	Settle        pricing.SettleMode
	State         State `json:",omitzero"`
	Quantity      int
	Periods       int
	TransactionID string // of the ledger
	Reverses      string `json:",omitzero"` // the ledger transaction that a refund gives back, "" otherwise
	Time          time.Time
}

// Query chooses bills between the caller's reach and others.
type Query struct {
	// OrgID is the org whose bills are wanted, as Side; "" is the caller's own.
	OrgID string
	Side  Side
	// Other, when set, is the org on the other side.
	Other     string
	OrderID   string
	ProductID string
	Currency  money.Currency
	Operation Operation
	From, To  time.Time // half-open; zero: open
	// OldestFirst turns the order round; the newest are first otherwise.
	OldestFirst bool
	Cursor      string
	Limit       int
}

// Side is the part an org has in a bill.
type Side string

// The sides.
const (
	SideSeller Side = "seller"
	SideBuyer  Side = "buyer"
)

// Page is one page of a list. Next is "" at the end.
type Page struct {
	Items []Bill
	Next  string
}

func newBills() *store.Collection[Bill] {
	return store.NewCollection("bill", func(b *Bill) string { return b.ID },
		store.Index[Bill]{Name: "seller", Keys: func(b *Bill) [][]byte {
			return [][]byte{store.Key(b.Seller, b.Time)}
		}},
		store.Index[Bill]{Name: "buyer", Keys: func(b *Bill) [][]byte {
			return [][]byte{store.Key(b.Buyer, b.Time)}
		}},
		store.Index[Bill]{Name: "order", Keys: func(b *Bill) [][]byte {
			return [][]byte{store.Key(b.OrderID)}
		}},
	)
}
