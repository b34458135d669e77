// Package order buys, renews, resizes and releases at the clouds, exactly once.
//
// An order is priced, its money held over the whole chain, and stored together
// with its purchase token and a durable job before any cloud is called. The
// job calls the cloud, looks the token up whenever the answer was lost, and
// ends with one transaction that charges, bills and records everything. What
// cannot be decided is put before a person with all facts; nothing is repeated
// blindly and nothing is forgotten.
//
// It is not the price engine and keeps no books: it calls quote, ledger and
// billing. Clouds are reached through the small interfaces of this package.
//
// A [Service] is safe for concurrent use.
package order

import (
	"encoding/json"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	contract "tradewind.example/sdk/provider"
)

// Kind says what an order does.
type Kind string

// The kinds.
const (
	KindBuy     Kind = "buy"
	KindRenew   Kind = "renew"
	KindRelease Kind = "release"
	KindResize  Kind = "resize"
)

// Order is one request to change something at a cloud, with everything that
// became of it. It holds the whole chain's prices: give out only a [View].
type Order struct {
	ID           string
	Kind         Kind
	OrgID        string   // the buyer
	RootID       string   //
	Path         []string // root … buyer, as they stand now
	ProviderID   string
	EnablementID string // the one that let the buyer order
	AccountID    string // the enablement whose account at the cloud is used
	Plugin       string // which plugin speaks to the cloud
	ProductID    string
	ProductName  string
	ResourceKind string
	Region       string          `json:",omitzero"`
	Zone         string          `json:",omitzero"`
	Name         string          `json:",omitzero"`
	Spec         json.RawMessage `json:",omitzero"`
	// Size is what a resize asks for, by the input schema of the kind's action.
	Size    json.RawMessage `json:",omitzero"`
	Term    contract.Term
	QuoteID string `json:",omitzero"`
	// Priced is what was held (buy, renew, a resize to more) for all units.
	Priced pricing.Result
	// Charged is what was captured, when that is not all that was held; see
	// [Order.charged].
	Charged *pricing.Result `json:",omitzero"`
	// ChargedAll means that all that was held was captured.
	ChargedAll bool `json:",omitzero"`
	// TransactionID is the ledger's, of the charge or of the refund.
	TransactionID string `json:",omitzero"`
	// Refunds are what a release, or a resize to less, gives back, one for each
	// paid term.
	Refunds []Refund `json:",omitzero"`
	// Given is what went back for each of them, leg by leg.
	Given []pricing.Result `json:",omitzero"`
	// ResourceID is the resource that is renewed, resized or released.
	ResourceID  string   `json:",omitzero"`
	ResourceIDs []string `json:",omitzero"` // what was made, or changed
	Token       string   // the purchase token; unit n has Token-n when there are several
	Units       []Unit
	State       State
	Transitions []Transition
	HoldID      string     `json:",omitzero"` // "" when there is nothing to hold
	JobID       string     `json:",omitzero"` // the job that works on it now
	Attention   *Attention `json:",omitzero"`
	Note        string     `json:",omitzero"` // of the last person who decided something about it
	// IdempotencyKey is the client's key of the request.
	IdempotencyKey string
	Reason         string `json:",omitzero"` // the buyer's, for a release
	Actor          string
	RequestID      string `json:",omitzero"`
	Created        time.Time
	Updated        time.Time
	Decided        time.Time `json:",omitzero"` // zero while it is open
}

// Refund is the part of an earlier charge that goes back.
type Refund struct {
	OrderID     string // whose charge it is
	Unit, Units int
	Part, Whole int64 // of that unit's share
	// Before is what of Whole went back earlier.
	Before int64 `json:",omitzero"`
}

// UnitState says where one unit of an order stands.
type UnitState string

// The states of a unit.
const (
	UnitWaiting UnitState = "waiting" // never called
	UnitCalling UnitState = "calling" // call under way, or the process died in it
	UnitDoubt   UnitState = "doubt"   // called, outcome unknown: look the token up
	UnitRefused UnitState = "refused" // certainly not done; may be tried again
	UnitStarted UnitState = "started" // the cloud works on it: poll Operation
	UnitMade    UnitState = "made"
	UnitFailed  UnitState = "failed"
)

// Decided reports whether the state is final.
func (s UnitState) Decided() bool { return s == UnitMade || s == UnitFailed }

// Unit is one of an order's identical changes, with its own token and outcome.
type Unit struct {
	No        int // from 1
	Token     string
	State     UnitState
	Calls     int       `json:",omitzero"` // changes asked for
	Tries     int       `json:",omitzero"` // refusals that may pass
	Lookups   int       `json:",omitzero"` // questions asked since the last call
	FirstCall time.Time `json:",omitzero"`
	LastCall  time.Time `json:",omitzero"`
	NextAt    time.Time `json:",omitzero"` // not to be worked on before
	// Undecidable means that there is no further question to ask the cloud.
	Undecidable bool `json:",omitzero"`
	// Marked is the job whose first attempt makes the call that the unit was
	// marked for together with its order: only that one knows that nothing has
	// called yet.
	Marked    string             `json:",omitzero"`
	Operation string             `json:",omitzero"` // of a started change
	Resource  *contract.Resource `json:",omitzero"`
	Cost      contract.Decimal   `json:",omitzero"`
	// CostCurrency and VendorOrder are the cloud's; "" when not told.
	CostCurrency string   `json:",omitzero"`
	VendorOrder  string   `json:",omitzero"`
	ResourceID   string   `json:",omitzero"` // ours, when made
	Problem      *Problem `json:",omitzero"`
}

// Problem is the last thing that went wrong at the cloud.
type Problem struct {
	Call      string // create, find_by_token, operation …
	Class     string
	Message   string
	CloudCode string
	RequestID string // the cloud's own
	Unknown   bool   // it may have happened all the same
	Time      time.Time
}

// Attention says why an order needs a person, with the facts.
type Attention struct {
	Reason string // one line
	Since  time.Time
	// Undecidable means that the broker has no further question to ask: only a
	// person can decide. Otherwise it goes on asking.
	Undecidable bool
	Calls       []Call
}

// Call is what is known of one unit that is not decided.
type Call struct {
	Unit      int
	Token     string
	State     UnitState
	Operation string
	Calls     int
	FirstCall time.Time
	LastCall  time.Time
	Problem   *Problem
}

// Page is one page of a list. Next is "" at the end.
type Page struct {
	Items []View
	Next  string
}

// BuyInput orders Term.Quantity resources.
type BuyInput struct {
	OrgID          string // the buyer; "" is the caller's own
	ProductID      string
	Name           string
	Spec           json.RawMessage // the product's own when empty
	Term           contract.Term
	QuoteID        string // optional: order at this quote's price
	IdempotencyKey string
}

// RenewInput prolongs a prepaid resource by Periods of its own period.
type RenewInput struct {
	ResourceID     string
	Periods        int
	IdempotencyKey string
}

// ResizeInput gives a resource another size.
type ResizeInput struct {
	ResourceID string
	// Size says what it shall be, by the input schema of the kind's action resize.
	Size           json.RawMessage
	IdempotencyKey string
}

// ReleaseInput gives a resource back.
type ReleaseInput struct {
	ResourceID     string
	Reason         string
	IdempotencyKey string
}

// ResolveInput is a person's decision about one unit that needs attention.
type ResolveInput struct {
	IdempotencyKey string // may be empty: a decided unit is not decided again
	OrderID        string
	Unit           int
	// Made says that the change has happened at the cloud. A bought resource
	// needs its VendorID then.
	Made     bool
	VendorID string
	Note     string
}

// Query chooses orders for a list.
type Query struct {
	OrgID      string // only this buyer
	State      State
	Kind       Kind
	ResourceID string
	ProviderID string
	ProductID  string
	Attention  bool // only those that need a person
	From, To   time.Time
	// OldestFirst turns the order round; the newest are first otherwise.
	OldestFirst bool
	Cursor      string
	Limit       int
}

// View is what one org sees of an order.
type View struct {
	ID           string
	Kind         Kind
	OrgID        string
	ProviderID   string
	ProductID    string
	ProductName  string
	ResourceKind string
	Region, Zone string
	Name         string
	Spec         json.RawMessage
	Size         json.RawMessage
	Term         contract.Term
	QuoteID      string
	Price        pricing.View   // what was held
	Charged      *pricing.View  // what was charged
	Refunded     []pricing.View // what went back, in positive amounts
	ResourceID   string
	ResourceIDs  []string
	Token        string
	Units        []UnitView
	State        State
	Transitions  []Transition
	// NeedsAttention tells everybody that a person looks at it; Attention has
	// the facts, for those who may decide.
	NeedsAttention bool
	Attention      *Attention
	Created        time.Time
	Updated        time.Time
	Decided        time.Time
}

// UnitView is what an org sees of a unit: no cost of the account's owner.
type UnitView struct {
	No         int
	State      UnitState
	ResourceID string
	VendorID   string
	Problem    string
	Class      string
}

func newOrders() *store.Collection[Order] {
	return store.NewCollection("order", func(o *Order) string { return o.ID },
		// path lists an org's own orders together with those of everybody below
		// it; one index for both keeps an order cheap to write.
		store.Index[Order]{Name: "path", Keys: func(o *Order) [][]byte {
			out := make([][]byte, 0, len(o.Path))
			for _, org := range o.Path {
				out = append(out, store.Key(org, o.Created))
			}
			return out
		}},
		store.Index[Order]{Name: "resource", Keys: func(o *Order) [][]byte {
			if o.ResourceID == "" {
				return nil
			}
			return [][]byte{store.Key(o.ResourceID, o.Created)}
		}},
		store.Index[Order]{Name: "open", Keys: func(o *Order) [][]byte {
			if !o.Decided.IsZero() {
				return nil
			}
			return [][]byte{store.Key(o.Created)}
		}},
		// operation finds who waits for what a plugin tells of.
		store.Index[Order]{Name: "operation", Keys: operationKeys},
		store.Index[Order]{Name: "attention", Keys: func(o *Order) [][]byte {
			if o.Attention == nil {
				return nil
			}
			out := make([][]byte, 0, len(o.Path))
			for _, org := range o.Path {
				out = append(out, store.Key(org, o.Created))
			}
			return out
		}},
	)
}

// listShare is unit's part of the list amount of units priced together, cut to
// what a decimal can hold exactly; it weighs refunds and is charged to nobody.
func listShare(list money.Decimal, c money.Currency, unit, units int) (money.Amount, error) {
	whole, err := money.Round(list, c)
	if err != nil {
		return 0, err
	}
	before, err := whole.Share(int64(unit-1), int64(units))
	if err != nil {
		return 0, err
	}
	after, err := whole.Share(int64(unit), int64(units))
	if err != nil {
		return 0, err
	}
	return after.Sub(before)
}
