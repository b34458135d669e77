// Package provider is the contract between Tradewind and a cloud: the small
// interface every plugin implements, the optional ones it may add, and the
// types they exchange. It imports nothing of the transport; plugin authors,
// the host and the core all speak in these types.
//
// # Basics
//
// A plugin implements [Provider]. Each further ability is one more interface
// ([Regional], [Offerer], [Quoter], [Resourceful] …). The SDK finds them by
// type assertion and advertises them as capabilities; the core calls only what
// is advertised, so nothing is ever faked. Resource kinds are registered with
// [KindOf] from typed Go structs.
//
// # Concurrency
//
// One process serves all orgs. Every method is called concurrently and must
// keep nothing of one call's account for another.
//
// # Errors
//
// Methods return faults of package fault. For a change, an error that is not a
// fault, and any [fault.OutcomeUnknown], means "may have happened": the core
// then looks the change up by its token and never repeats it blindly.
package provider

import (
	"context"
	"log/slog"
)

// Provider is what every plugin implements.
type Provider interface {
	// Describe returns the plugin's static description. It must not call the
	// cloud and must return the same value for the life of the process.
	Describe(ctx context.Context) (Description, error)
	// Check tells whether the account's credentials are good, with the cheapest
	// call the cloud has. Bad credentials are an answer, not an error.
	Check(ctx context.Context, req CheckRequest) (CheckResponse, error)
}

// Regional is implemented by plugins whose cloud has regions.
type Regional interface {
	Regions(ctx context.Context, req RegionsRequest) ([]Region, error)
}

// Offerer lists what the cloud sells: flavours, images, lines.
type Offerer interface {
	// Offerings streams all offerings to yield, in a stable order, and stops at
	// yield's first error, which it returns.
	Offerings(ctx context.Context, req OfferingsRequest, yield func(Offering) error) error
}

// Quoter prices a change without making it.
type Quoter interface {
	Quote(ctx context.Context, req QuoteRequest) (Quote, error)
}

// Placer tells whether a spec can be placed now.
type Placer interface {
	Place(ctx context.Context, req PlaceRequest) (Placement, error)
}

// Resourceful is implemented by plugins that manage resources.
type Resourceful interface {
	// Kinds returns the registered kinds, always the same ones.
	Kinds() []*Kind
}

// Operator is implemented by plugins whose changes may take long: Operation
// tells how far a started change is.
type Operator interface {
	Operation(ctx context.Context, req OperationRequest) (Operation, error)
}

// Renewer prolongs a prepaid resource by whole periods.
type Renewer interface {
	Renew(ctx context.Context, req RenewRequest) (Change, error)
}

// Accounter keeps sub-accounts at the cloud.
type Accounter interface {
	EnsureAccount(ctx context.Context, req EnsureAccountRequest) (SubAccount, error)
}

// SignInLinker makes a one-time link into the cloud's own console.
type SignInLinker interface {
	SignInLink(ctx context.Context, req SignInLinkRequest) (SignInLink, error)
}

// VendorOrderer works on the cloud's own orders.
type VendorOrderer interface {
	VendorOrders(ctx context.Context, req VendorOrdersRequest, yield func(VendorOrder) error) error
	PayVendorOrder(ctx context.Context, req VendorOrderChange) (VendorOrder, error)
	CancelVendorOrder(ctx context.Context, req VendorOrderChange) (VendorOrder, error)
	RefundVendorOrder(ctx context.Context, req VendorOrderChange) (VendorOrder, error)
}

// Biller streams the cloud's bill lines.
type Biller interface {
	BillLines(ctx context.Context, req PeriodRequest, yield func(BillLine) error) error
}

// Metered streams usage records.
type Metered interface {
	Usage(ctx context.Context, req PeriodRequest, yield func(UsageRecord) error) error
}

// Balancer tells the balance of the account at the cloud.
type Balancer interface {
	Balance(ctx context.Context, req BalanceRequest) (Balance, error)
}

// Importer lists everything the account owns, for adoption and for the daily
// comparison.
type Importer interface {
	Import(ctx context.Context, req ImportRequest, yield func(Resource) error) error
}

// Eventer streams what happens at the cloud until ctx ends.
type Eventer interface {
	Events(ctx context.Context, req EventsRequest, yield func(Event) error) error
}

// HostUser is implemented by plugins that keep data in the host's storage
// service. UseHost is called once, before any other method but UseLogger; h
// answers only while the host is connected, so not in UseHost or Describe.
type HostUser interface {
	UseHost(h HostServices)
}

// LogUser is implemented by plugins that take the SDK's logger, which the host
// reads. UseLogger is called once, before any other method.
type LogUser interface {
	UseLogger(log *slog.Logger)
}

// Closer is implemented by plugins with something to put away. Shutdown gets a
// context with a deadline; no call arrives after it.
type Closer interface {
	Shutdown(ctx context.Context) error
}

// Capability names one optional ability, as advertised on the wire.
type Capability string

// The capabilities. Values are append-only: they travel.
const (
	CapRegions      Capability = "regions"
	CapOfferings    Capability = "offerings"
	CapQuote        Capability = "quote"
	CapPlacement    Capability = "placement"
	CapResources    Capability = "resources"
	CapOperations   Capability = "operations"
	CapRenew        Capability = "renew"
	CapAccounts     Capability = "accounts"
	CapSignIn       Capability = "sign_in"
	CapVendorOrders Capability = "vendor_orders"
	CapBillLines    Capability = "bill_lines"
	CapUsage        Capability = "usage"
	CapBalance      Capability = "balance"
	CapImport       Capability = "import"
	CapEvents       Capability = "events"
	CapHostStorage  Capability = "host_storage"
)

// Verb names what can be done with resources of a kind.
type Verb string

// The verbs of a kind.
const (
	VerbCreate      Verb = "create"
	VerbGet         Verb = "get"
	VerbList        Verb = "list"
	VerbUpdate      Verb = "update"
	VerbDelete      Verb = "delete"
	VerbFindByToken Verb = "find_by_token"
	VerbLogs        Verb = "logs"
	VerbConsole     Verb = "console"
)

// Capabilities returns what p offers beyond the required part, in the order of
// the constants above.
func Capabilities(p Provider) []Capability {
	var out []Capability
	add := func(ok bool, c Capability) {
		if ok {
			out = append(out, c)
		}
	}
	_, ok := p.(Regional)
	add(ok, CapRegions)
	_, ok = p.(Offerer)
	add(ok, CapOfferings)
	_, ok = p.(Quoter)
	add(ok, CapQuote)
	_, ok = p.(Placer)
	add(ok, CapPlacement)
	_, ok = p.(Resourceful)
	add(ok, CapResources)
	_, ok = p.(Operator)
	add(ok, CapOperations)
	_, ok = p.(Renewer)
	add(ok, CapRenew)
	_, ok = p.(Accounter)
	add(ok, CapAccounts)
	_, ok = p.(SignInLinker)
	add(ok, CapSignIn)
	_, ok = p.(VendorOrderer)
	add(ok, CapVendorOrders)
	_, ok = p.(Biller)
	add(ok, CapBillLines)
	_, ok = p.(Metered)
	add(ok, CapUsage)
	_, ok = p.(Balancer)
	add(ok, CapBalance)
	_, ok = p.(Importer)
	add(ok, CapImport)
	_, ok = p.(Eventer)
	add(ok, CapEvents)
	_, ok = p.(HostUser)
	add(ok, CapHostStorage)
	return out
}
