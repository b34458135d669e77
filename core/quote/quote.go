package quote

import (
	"encoding/json"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
)

// Source says where a list amount came from.
type Source string

// The sources of a list amount.
const (
	SourcePlugin  Source = "plugin"  // the plugin's quote
	SourceProduct Source = "product" // the product's list price × quantity × periods
)

// Quote is a price offered to a buyer until it expires. It holds the whole
// chain: give out only a [View] of it.
type Quote struct {
	ID         string
	OrgID      string // the buyer
	RootID     string
	Path       []string // orgs of the chain, root first, buyer last
	ProviderID string
	ProductID  string
	Kind       string
	Spec       json.RawMessage
	Term       contract.Term
	Result     pricing.Result
	Warnings   []Warning
	Source     Source
	CreatedBy  string
	Created    time.Time
	Expires    time.Time
}

// Expired reports whether the quote binds nobody any more.
func (q *Quote) Expired(at time.Time) bool { return !at.Before(q.Expires) }

// Warning is a note for one org of the chain, shown to nobody else.
type Warning struct {
	Org    string
	Code   string // "negative_margin"
	Margin money.Amount
	Text   string
}

// View is what one org sees of a quote.
type View struct {
	ID         string
	OrgID      string
	ProviderID string
	ProductID  string
	Kind       string
	Spec       json.RawMessage
	Term       contract.Term
	Price      pricing.View
	Warnings   []Warning
	Created    time.Time
	Expires    time.Time
}

// PriceInput is what [Service.PriceTx] prices.
type PriceInput struct {
	BuyerOrg  string
	ProductID string
	// Quantity and Periods are those of the term; List includes both already.
	Quantity, Periods int
	// Period is that of a prepaid term; empty: the product's first, for which
	// list prices and floors are.
	Period contract.Period
	List   money.Decimal
	At     time.Time
	// Difference says that List is what the same units cost more in another size,
	// for the rest of a term that is paid.
	Difference bool
}

// ListInput asks for the list amount of a change.
type ListInput struct {
	BuyerOrg   string
	ProductID  string
	Change     contract.ChangeKind // create when ""
	ResourceID string              // the cloud's id, for renew, resize and release
	// EnablementID is the one that the resource was bought through, in whose
	// account it lives; empty: what serves the buyer now.
	EnablementID string
	Region       string
	Zone         string
	Spec         json.RawMessage // the product's own when empty
	Term         contract.Term
}

// Listed is a list amount for the whole request, quantity and periods included.
type Listed struct {
	Amount   money.Decimal
	Currency money.Currency
	Source   Source
}

// Page is one page of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}
