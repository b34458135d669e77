package catalog

import (
	"encoding/json"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/money"
)

// State is whether a product is on sale.
type State string

// The states of a product.
const (
	StateActive    State = "active"
	StateDisabled  State = "disabled"  // taken off by the operator; sync leaves it off
	StateWithdrawn State = "withdrawn" // the provider offers it no longer; sync brings it back
)

// Product is one thing on sale.
type Product struct {
	ID          string
	RootID      string
	ProviderID  string
	VendorID    string // the provider's own product id, unique within the provider
	Kind        string // the plugin's resource kind
	Type        string // "flavour", "line" …
	Name        string
	Description string
	Label       string
	Group       string
	Class       string // what class lines of protocols match
	Code        string
	SpecNote    string
	Spec        json.RawMessage // what is bought, by the kind's spec schema
	SpecPattern string
	Region      string
	Zone        string
	Area        string
	SaleMode    string
	OwnerOrg    string // reseller that owns the product, "" when the operator does
	Currency    money.Currency
	// ListPrice is per unit and period; nil when only a quote of the plugin tells.
	ListPrice *money.Decimal
	// PendingPrice is a higher list price that would break floors; it waits to
	// be accepted and is not what anybody is charged.
	PendingPrice *money.Decimal
	Billing      []contract.BillingMethod
	Periods      []contract.Period
	Attrs        map[string]string
	State        State
	// From and To bound when it is on sale, half-open; a zero To is open.
	From, To         time.Time
	Manual           bool // written by the operator; sync leaves it alone
	Created, Updated time.Time
	Rev              uint64
}

// InEffect reports whether the product can be sold at the given instant.
func (p *Product) InEffect(at time.Time) bool {
	return p.State == StateActive && !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
}

// SyncReport tells what a sync found and did.
type SyncReport struct {
	ProviderID string
	Seen       int
	Created    int
	Updated    int
	Withdrawn  int
	Unchanged  int
	Skipped    int // offerings that are choices and not products, or that are malformed
	// PriceRises holds the rises that would break a floor, not applied; at most
	// MaxReported of them, RisesTotal counts all.
	PriceRises []PriceRise
	RisesTotal int
	Problems   []string // malformed offerings, at most MaxReported
	Started    time.Time
	Ended      time.Time
}

// MaxReported bounds the lists inside a [SyncReport].
const MaxReported = 100

// PriceRise is a list price that went up and was not applied.
type PriceRise struct {
	ProductID string
	VendorID  string
	Currency  money.Currency
	Old, New  money.Decimal
	Breaks    []string // whose floor would break: org ids
}
