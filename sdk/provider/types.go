package provider

import (
	"encoding/json"
	"time"

	"tradewind.example/sdk/secret"
)

// Decimal is an exact decimal number in plain notation ("12.50"). Money and
// rates cross the contract only in this form, never as a float.
type Decimal string

// Call is what every request carries.
type Call struct {
	Org         string // the org on whose behalf the call is made
	RootOrg     string // the root of its tree; scopes the host's storage
	Account     Account
	Region      string // "" when the cloud or the call has none
	Zone        string
	Locale      string // BCP 47, e.g. "zh-CN"
	TraceParent string // W3C traceparent of the calling span
	RequestID   string
	// Ordered says that a change belongs to an order of the broker, which bills
	// it: what the cloud charges for can be done without asking further.
	Ordered bool
}

// Account is the identity used at the cloud for one call.
type Account struct {
	ID          string // ours; stable, safe to log
	Endpoint    string // overrides the cloud's default URL when not empty
	Credentials map[string]secret.Value
	Settings    map[string]string // the non-secret part of the config schema
}

// Description is a plugin's static self-portrait. Its JSON form is the
// plugin's manifest: what the binary prints for the argument "describe".
type Description struct {
	Name    string            `json:"name"`    // "ucloud": lower case, equals the binary's suffix
	Version string            `json:"version"` // semver of the plugin
	Title   string            `json:"title"`   // what people call the cloud
	Summary string            `json:"summary,omitempty"`
	Config  json.RawMessage   `json:"config,omitempty"` // JSON Schema of the account's config; secret fields carry "x-secret": true
	Regions RegionsModel      `json:"regions"`
	Kinds   []KindDescription `json:"kinds,omitempty"` // filled by the SDK from Resourceful
	Limits  Limits            `json:"limits"`
	// Capabilities is filled by the SDK from the interfaces implemented.
	Capabilities []Capability `json:"capabilities,omitempty"`
	// Currency is the ISO 4217 code the cloud prices in.
	Currency string `json:"currency,omitempty"`
	// ContractMinor is the oldest additive revision of the contract without
	// which the plugin is of no use; 0: it can do with any. A host that knows
	// only older ones does not install it.
	ContractMinor int `json:"contract_minor,omitempty"`
}

// RegionsModel tells how places are named.
type RegionsModel struct {
	HasRegions bool `json:"has_regions"`
	HasZones   bool `json:"has_zones"`
}

// Limits are the author's promises and wishes. Zero means: not limited.
type Limits struct {
	MaxPageSize    int           `json:"max_page_size,omitempty"`      // rows the cloud gives in one page
	MaxConcurrent  int           `json:"max_concurrent,omitempty"`     // calls at once for one account
	RatePerSecond  int           `json:"rate_per_second,omitempty"`    // calls a second for one account
	TokenWindow    time.Duration `json:"token_window_ns,omitempty"`    // how long find-by-token remembers
	CreateDeadline time.Duration `json:"create_deadline_ns,omitempty"` // longest a create may stay unfinished
}

// KindDescription describes a resource kind.
type KindDescription struct {
	Name    string              `json:"name"` // one of the shared words: instance, eip, disk …
	Title   string              `json:"title,omitempty"`
	Spec    json.RawMessage     `json:"spec,omitempty"`  // JSON Schema
	State   json.RawMessage     `json:"state,omitempty"` // JSON Schema
	Verbs   []Verb              `json:"verbs,omitempty"`
	Actions []ActionDescription `json:"actions,omitempty"`
	// Managed says that resources of the kind are not sold: the people of the
	// account's own org keep them, through the broker, without orders.
	Managed bool `json:"managed,omitempty"`
	// Deprecated says what to use instead of a kind that is to go; "": it stays.
	Deprecated string `json:"deprecated,omitempty"`
	// PartKinds are the kinds of the parts of which resources of this kind
	// consist: kinds of the same plugin. None: they tell no parts.
	PartKinds []string `json:"part_kinds,omitempty"`
}

// ActionDescription describes one action of a kind.
type ActionDescription struct {
	Name        string          `json:"name"` // start, stop, reboot, reset_password, console …
	Title       string          `json:"title,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`   // JSON Schema
	Output      json.RawMessage `json:"output,omitempty"`  // JSON Schema
	Changes     bool            `json:"changes,omitempty"` // false: a pure read
	Destructive bool            `json:"destructive,omitempty"`
	// Deprecated says what to use instead of an action that is to go; "": it stays.
	Deprecated string `json:"deprecated,omitempty"`
}

// CheckRequest asks whether the account's credentials are good.
type CheckRequest struct{ Call Call }

// CheckResponse is the verdict on credentials.
type CheckResponse struct {
	OK      bool
	Account string   // the cloud's own name of the account
	Problem string   // when not OK: what to do about it, one line
	Details []string // notes, e.g. missing permissions
}

// RegionsRequest asks for the regions the account may use.
type RegionsRequest struct{ Call Call }

// Region is one region with its zones.
type Region struct {
	ID, Name string
	Zones    []Zone
}

// Zone is one zone of a region.
type Zone struct{ ID, Name string }

// BillingMethod says how time is paid.
type BillingMethod string

// The billing methods.
const (
	BillingPrepaid BillingMethod = "prepaid" // whole periods in advance
	BillingPostpay BillingMethod = "postpay" // by use
	BillingOnce    BillingMethod = "once"    // no term
)

// Period is the unit of a prepaid term.
type Period string

// The periods.
const (
	PeriodHour  Period = "hour"
	PeriodDay   Period = "day"
	PeriodMonth Period = "month"
	PeriodYear  Period = "year"
	PeriodNone  Period = "none"
)

// OfferingsRequest asks for what is on sale.
type OfferingsRequest struct {
	Call  Call
	Kinds []string // empty: all
	Types []string // flavour, image, line …; empty: all
}

// Offering is one thing on sale or one choice needed to buy it.
type Offering struct {
	ID        string // stable, unique within the plugin
	Kind      string // the resource kind it belongs to
	Type      string // "flavour", "image", "line" …
	Name      string
	Class     string // the provider's grouping ("O", "N", "gpu")
	Region    string
	Zone      string
	Sellable  bool
	Billing   []BillingMethod // how it can be paid; none: a choice needed to buy something else, not a product
	Periods   []Period
	Currency  string
	ListPrice Decimal // per unit and first of Periods; "" when only a quote tells
	Spec      json.RawMessage
	Attrs     map[string]string
}

// ChangeKind says what a quote is for.
type ChangeKind string

// What can be quoted.
const (
	ChangeCreate  ChangeKind = "create"
	ChangeRenew   ChangeKind = "renew"
	ChangeResize  ChangeKind = "resize"
	ChangeRelease ChangeKind = "release"
)

// Term is how long and how many.
type Term struct {
	Billing  BillingMethod
	Period   Period
	Periods  int // number of periods; 1 for once and postpay
	Quantity int // number of resources
}

// QuoteRequest asks the price of a change at the cloud's list.
type QuoteRequest struct {
	Call       Call
	Change     ChangeKind
	Kind       string
	Spec       json.RawMessage
	ResourceID string // for renew, resize, release
	Term       Term
}

// Quote is the cloud's price for the whole request (quantity and periods
// included). A refund is negative.
type Quote struct {
	Currency string
	List     Decimal // the cloud's public price; "" when only Net is known, for releases alone
	Net      Decimal // what the account would pay or get back; "" when not told
	Lines    []QuoteLine
	Expires  time.Time // zero: not said
}

// QuoteLine is one part of a quote; Problem is set instead of List when this
// part could not be priced.
type QuoteLine struct {
	Name    string
	List    Decimal
	Problem string
}

// PlaceRequest asks whether a spec fits now.
type PlaceRequest struct {
	Call Call
	Kind string
	Spec json.RawMessage
	Term Term
}

// Placement is the answer to PlaceRequest.
type Placement struct {
	OK     bool
	Reason string
	Zones  []string
}

// Status is a resource's state in words shared by all clouds.
type Status string

// The statuses.
const (
	StatusPending   Status = "pending"
	StatusStarting  Status = "starting"
	StatusRunning   Status = "running"
	StatusStopping  Status = "stopping"
	StatusStopped   Status = "stopped"
	StatusRebooting Status = "rebooting"
	StatusFree      Status = "free"  // exists, not attached
	StatusBound     Status = "bound" // attached
	StatusFrozen    Status = "frozen"
	StatusError     Status = "error"
	StatusUnknown   Status = "unknown"
	StatusDeleted   Status = "deleted"
)

// Resource is one thing at the cloud.
type Resource struct {
	ID        string // the cloud's id
	Kind      string
	Name      string
	Region    string
	Zone      string
	Status    Status
	RawStatus string // the cloud's own word
	Token     string // the purchase token found on it, "" when none
	Billing   BillingMethod
	Created   time.Time
	Expires   time.Time
	State     json.RawMessage // by the kind's state schema
	// Parts is all that it consists of, at most [MaxParts]; nil: not told, which
	// is not the same as none. Lists and imports do not tell it.
	Parts []Part `json:",omitzero"`
}

// CreateRequest buys or makes one resource of a kind.
type CreateRequest struct {
	Call  Call
	Token string // stored by the core before the call; the same on every repeat
	Kind  string
	Name  string
	Spec  json.RawMessage
	Term  Term
}

// UpdateRequest changes the spec of a resource.
type UpdateRequest struct {
	Call  Call
	Token string
	Kind  string
	ID    string
	Spec  json.RawMessage
}

// DeleteRequest releases a resource. A resource that is already gone is a success.
type DeleteRequest struct {
	Call  Call
	Token string
	Kind  string
	ID    string
}

// RenewRequest prolongs a resource by Term.Periods.
type RenewRequest struct {
	Call  Call
	Token string
	Kind  string
	ID    string
	Term  Term
}

// GetRequest asks for one resource; missing is a not_found fault.
type GetRequest struct {
	Call Call
	Kind string
	ID   string
}

// ListRequest asks for all resources of a kind in the call's region.
type ListRequest struct {
	Call Call
	Kind string
}

// FindRequest looks for what a token made.
type FindRequest struct {
	Call   Call
	Token  string
	Kind   string
	Change ChangeKind
	// ID is the resource for renew, resize and release.
	ID string
	// Since is when the last call with this token was sent: what it made may show late.
	Since time.Time
}

// Found is what a token made. Settled tells whether absence is final: false
// means that the cloud may still show it later (ask again).
type Found struct {
	Resources []Resource
	Operation string // a still running operation, "" when none
	Done      bool   // for changes of an existing resource: it has happened
	Settled   bool
}

// ActionRequest performs an action on a resource.
type ActionRequest struct {
	Call   Call
	Token  string // "" for pure reads
	Kind   string
	ID     string
	Action string
	Input  json.RawMessage
}

// Change is the answer to a change that did not fail: done, with the resource
// as it is, or started, with the operation to poll.
type Change struct {
	Operation string // not empty: started, not done yet
	Resource  *Resource
	Output    json.RawMessage // actions only
	// VendorOrder is the cloud's own order number, "" when it has none.
	VendorOrder string
	// Cost is what the cloud charged, "" when not told.
	Cost     Decimal
	Currency string
}

// OperationRequest asks how far a started change is.
type OperationRequest struct {
	Call Call
	ID   string
}

// OperationState is where an operation stands.
type OperationState string

// The operation states.
const (
	OperationRunning   OperationState = "running"
	OperationSucceeded OperationState = "succeeded"
	OperationFailed    OperationState = "failed"
)

// Operation is a long-running change.
type Operation struct {
	ID         string
	State      OperationState
	Progress   int // percent, 0 when not known
	Message    string
	Resource   *Resource
	Failure    error         // a fault; set when State is failed
	CheckAfter time.Duration // how long to wait before asking again; 0: caller's choice
}

// EnsureAccountRequest makes a sub-account for Call.Org if there is none.
type EnsureAccountRequest struct {
	Call  Call
	Token string
	Name  string
	Email string
}

// SubAccount is an account below the main one.
type SubAccount struct {
	ID          string
	Name        string
	Created     bool // false: existed already
	Credentials map[string]secret.Value
	Settings    map[string]string
}

// SignInLinkRequest asks for a console link.
type SignInLinkRequest struct {
	Call   Call
	Target string
}

// SignInLink is a one-time link; it is a secret until it expires.
type SignInLink struct {
	URL     secret.Value
	Expires time.Time
}

// VendorOrdersRequest lists the cloud's own orders.
type VendorOrdersRequest struct {
	Call     Call
	From, To time.Time
	State    string
}

// VendorOrder is an order as the cloud keeps it.
type VendorOrder struct {
	ID          string
	State       string
	Kind        string
	ResourceIDs []string
	Amount      Decimal
	Currency    string
	Created     time.Time
}

// VendorOrderChange pays, cancels or refunds a vendor order.
type VendorOrderChange struct {
	Call  Call
	Token string
	ID    string
}

// PeriodRequest asks for records of a half-open time window.
type PeriodRequest struct {
	Call     Call
	From, To time.Time
}

// BillLine is one line of the cloud's bill; columns are named after FOCUS.
type BillLine struct {
	ID                string
	BillingAccountID  string
	SubAccountID      string
	ResourceID        string
	ResourceType      string
	ServiceName       string
	ChargeCategory    string
	ChargeDescription string
	ChargePeriodStart time.Time
	ChargePeriodEnd   time.Time
	BillingCurrency   string
	BilledCost        Decimal
	EffectiveCost     Decimal
	ListCost          Decimal
	VendorOrder       string
	RegionID          string
	Tags              map[string]string
}

// UsageRecord is one metered fact, idempotent by ID.
type UsageRecord struct {
	ID         string
	ResourceID string
	Metric     string
	Unit       string
	Quantity   Decimal
	Start, End time.Time
}

// BalanceRequest asks for the account's balance.
type BalanceRequest struct{ Call Call }

// Balance is the money an account has at the cloud.
type Balance struct {
	Currency  string
	Available Decimal
	Cash      Decimal
	Credit    Decimal
	Frozen    Decimal
}

// ImportRequest lists all resources of the account.
type ImportRequest struct {
	Call  Call
	Kinds []string
}

// EventsRequest subscribes to events after Cursor.
type EventsRequest struct {
	Call   Call
	Cursor string
}

// Event is something that happened at the cloud.
type Event struct {
	Cursor     string
	Time       time.Time
	Type       string
	Kind       string
	ResourceID string
	Data       json.RawMessage
}
