// Package resource keeps what was bought at the clouds: where it is, whose it
// is, what was charged for it, and what can be done with it.
//
// Resources come into being, are prolonged and end by orders (package order);
// this package lists them, refreshes them from their cloud, performs actions on
// them and compares them daily with what the cloud says. It never deletes
// anything: a difference is a fact for a person.
//
// A [Service] is safe for concurrent use.
package resource

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	contract "tradewind.example/sdk/provider"
)

// Resource is one thing at a cloud that belongs to an org here.
type Resource struct {
	ID           string
	ParentID     string `json:",omitzero"` // the resource that it is a part of; "": it was bought by itself
	Parts        int    `json:",omitzero"` // how many live parts it has
	RootID       string
	OrgID        string   // whose it is
	Path         []string // root … owner
	ProviderID   string
	EnablementID string // the one that let the owner order it
	AccountID    string // the enablement whose account at the cloud it lives in
	Plugin       string
	ProductID    string
	Kind         string
	VendorID     string
	Name         string
	Region, Zone string
	Status       contract.Status
	RawStatus    string // the cloud's own word
	Billing      contract.BillingMethod
	Period       contract.Period
	Start        time.Time
	End          time.Time // of the paid term; zero: no term
	Released     time.Time // zero: still ours
	OrderIDs     []string  // oldest first
	// BusyOrder is the order that is changing the resource now, "" when none.
	BusyOrder string
	Charges   []Charge
	Cost      CostBasis
	Spec      json.RawMessage // what was ordered
	State     json.RawMessage // what the cloud says, by the kind's state schema
	Refreshed time.Time       // when the cloud was asked last
	Created   time.Time
	Updated   time.Time
}

// Charge is one paid term of a resource: its share of an order's charge.
type Charge struct {
	OrderID     string
	Unit, Units int // it is unit number Unit (from 1) of Units charged together
	// List is the unit's share of the list amount that was priced.
	List       money.Amount
	Currency   money.Currency
	Start, End time.Time // half-open; both zero: no term
	// Given is the part of List that went back when the resource got smaller.
	Given money.Amount `json:",omitzero"`
	// Left is the part of List that was unused at LeftAt, after the latest of Given.
	Left     money.Amount `json:",omitzero"`
	LeftAt   time.Time    `json:",omitzero"`
	Refunded bool         // all that was to go back, at the release
}

// CostBasis is what the cloud charged the account. Only the account's org sees it.
type CostBasis struct {
	Currency    string
	Amount      contract.Decimal
	VendorOrder string
}

// Live reports whether the resource was not released.
func (r *Resource) Live() bool { return r.Released.IsZero() }

// Query chooses resources for a list.
type Query struct {
	OrgID      string // only this owner
	ProviderID string
	ProductID  string
	Kind       string
	Region     string
	Status     contract.Status
	Text       string // what the name begins with, in any case
	Released   bool   // released ones too
	Sort       string // [SortCreated], which "" is, or [SortEnd]
	// OldestFirst turns the order round; the newest, or last, are first otherwise.
	OldestFirst bool
	Cursor      string
	Limit       int
	ParentID    string // only parts of this one
	Which       Which
}

// Which chooses between bought things and what they consist of.
type Which string

// What a list may hold; the zero value is both.
const (
	BoughtOnly Which = "bought"
	PartsOnly  Which = "parts"
)

// What resources can be sorted by.
const (
	SortCreated = "created"
	SortEnd     = "end" // of the paid term; what has none ends after all
)

// Page is one page of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// RunState says where an action stands.
type RunState string

// The states of an action.
const (
	RunWaiting RunState = "waiting" // stored, not sent to the cloud yet
	RunCalling RunState = "calling" // sent; no answer stored yet
	RunStarted RunState = "started" // the cloud works on it
	RunDone    RunState = "done"
	RunFailed  RunState = "failed"  // certainly not done
	RunUnknown RunState = "unknown" // may have happened; see the resource's state
)

// Ended reports whether the state is final.
func (s RunState) Ended() bool { return s == RunDone || s == RunFailed || s == RunUnknown }

// ActionRun is one change made by an action. It is what callers see: input
// and output are kept sealed beside it.
type ActionRun struct {
	ID         string // "" for a pure read, which is not stored
	ResourceID string
	OrgID      string
	RootID     string
	Action     string
	State      RunState
	Output     json.RawMessage // of the action, only in the answer to who may act
	Problem    string          // why it failed or what is not known
	Class      string          // fault class of Problem
	RequestID  string          // the cloud's own request id, when it failed
	Actor      string
	Created    time.Time
	Ended      time.Time
}

// DiscrepancyKind says how the cloud and this broker differ.
type DiscrepancyKind string

// The kinds of discrepancy.
const (
	MissingHere  DiscrepancyKind = "missing_here"  // at the cloud, not in the broker
	MissingThere DiscrepancyKind = "missing_there" // in the broker, not at the cloud
	Differs      DiscrepancyKind = "differs"       // in both, with different facts
)

// Discrepancy is a difference found by the daily comparison. It stands until a
// comparison does not find it any more.
type Discrepancy struct {
	ID           string
	RootID       string
	AccountOrg   string // the org whose account it is
	ProviderID   string
	EnablementID string
	Kind         DiscrepancyKind
	ResourceKind string
	VendorID     string
	ResourceID   string // ours; "" for MissingHere
	Fields       []Difference
	Token        string // purchase token found at the cloud, "" when none
	First, Last  time.Time
}

// Difference is one fact that is told differently.
type Difference struct{ Field, Here, There string }

func newResources() *store.Collection[Resource] {
	return store.NewCollection("resource", func(r *Resource) string { return r.ID },
		// path lists an org's own resources together with those of everybody
		// below it.
		store.Index[Resource]{Name: "path", Keys: func(r *Resource) [][]byte {
			out := make([][]byte, 0, len(r.Path))
			for _, org := range r.Path {
				out = append(out, store.Key(org, r.ID))
			}
			return out
		}},
		store.Index[Resource]{Name: "end", Keys: func(r *Resource) [][]byte {
			end := r.End
			if end.IsZero() {
				end = time.Unix(0, math.MaxInt64)
			}
			out := make([][]byte, 0, len(r.Path))
			for _, org := range r.Path {
				out = append(out, store.Key(org, end, r.ID))
			}
			return out
		}},
		store.Index[Resource]{Name: "vendor", Unique: true, Keys: func(r *Resource) [][]byte {
			if r.VendorID == "" || !r.Live() {
				return nil
			}
			return [][]byte{vendorKey(r.ProviderID, r.Kind, r.VendorID, r.AccountID)}
		}},
		store.Index[Resource]{Name: "account", Keys: func(r *Resource) [][]byte {
			if !r.Live() {
				return nil
			}
			return [][]byte{store.Key(r.AccountID, r.ID)}
		}},
		// parent lists all parts of a resource, part those that it has now.
		store.Index[Resource]{Name: "parent", Keys: func(r *Resource) [][]byte { return r.partKey(true) }},
		store.Index[Resource]{Name: "part", Keys: func(r *Resource) [][]byte { return r.partKey(r.Live()) }},
		// ended lists the parts that a resource had, the oldest end first.
		store.Index[Resource]{Name: "ended", Keys: func(r *Resource) [][]byte {
			if r.ParentID == "" || r.Live() {
				return nil
			}
			return [][]byte{store.Key(r.ParentID, r.Released, r.ID)}
		}},
	)
}

func (r *Resource) partKey(listed bool) [][]byte {
	if r.ParentID == "" || !listed {
		return nil
	}
	return [][]byte{store.Key(r.ParentID, r.ID)}
}

// vendorKey is unique among live resources. The account is last, so that all
// holders of a cloud's id are found together: some clouds count in each account
// anew.
func vendorKey(provider, kind, vendorID, account string) []byte {
	return store.Key(provider, kind, vendorID, account)
}

// Reindex writes the indexes of all resources anew, for a migration.
func Reindex(tx store.Tx) error { return newResources().Reindex(tx) }

// Clone returns a copy that shares no slices which orders change.
func (r Resource) Clone() Resource {
	r.Path = slices.Clone(r.Path)
	r.OrderIDs = slices.Clone(r.OrderIDs)
	r.Charges = slices.Clone(r.Charges)
	return r
}

// ChargeOf returns the paid term that an order charged, nil when it has none.
func (r *Resource) ChargeOf(orderID string) *Charge {
	for i := range r.Charges {
		if r.Charges[i].OrderID == orderID {
			return &r.Charges[i]
		}
	}
	return nil
}
