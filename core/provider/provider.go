package provider

import (
	"context"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/pricing"
)

// State is where a provider, a grant or an enablement stands.
type State string

// The states. A provider is active or disabled, a grant active or revoked, an
// enablement any of them.
const (
	StatePending  State = "pending"  // waits for its credentials to be checked
	StateActive   State = "active"   // new orders are taken
	StateFailed   State = "failed"   // the cloud refused the credentials
	StateDisabled State = "disabled" // no new orders; what exists can be operated
	StateRevoked  State = "revoked"  // the grant is gone; what exists can be stopped and released
)

// Provider is a cloud on sale: a plugin and the org that is paid for it.
type Provider struct {
	ID         string
	RootID     string
	PluginName string
	OrgID      string // the commercial org, of kind provider
	Title      string
	Settle     pricing.SettleMode // of the leg provider → operator, where its protocol says nothing
	Endpoint   string             // overrides the cloud's default URL; "" for the default
	Settings   map[string]string  // defaults of the non-secret part of the account's config
	// ContractFrom and ContractTo bound the contract, half-open; a zero To is open.
	ContractFrom, ContractTo time.Time
	State                    State
	Created, Updated         time.Time
	Rev                      uint64 // for compare-and-set on updates
}

// Grant lets the org To, somewhere below From, enable a provider.
type Grant struct {
	ID         string
	RootID     string
	ProviderID string
	From, To   string
	// SharedCredentials lets To use the account of From's own enablement.
	SharedCredentials bool
	State             State
	Created, Revoked  time.Time
	Rev               uint64
}

// Enablement is the fact that an org may order from a provider. It carries no
// credential, only the names of those that are set.
type Enablement struct {
	ID         string
	RootID     string
	ProviderID string
	OrgID      string
	GrantID    string // "" for the operator's own
	// Shared means that the account is that of the granter's enablement.
	Shared bool
	// CoversAll extends it to every customer below the org, CoversCustomers to
	// those named.
	CoversAll       bool
	CoversCustomers []string
	CredentialNames []string // sorted
	Settings        map[string]string
	State           State
	Account         string // the cloud's own name of the account, as its check told
	CheckedAt       time.Time
	Problem         string   // why the last check failed, "" when it did not
	Notes           []string // details of the last check, e.g. missing permissions
	Checking        bool     // credentials are waiting to be checked
	Created         time.Time
	Updated         time.Time
	Rev             uint64
}

// Purpose is what an account is wanted for: it decides in which states the
// enablement still gives it.
type Purpose string

// The purposes.
const (
	// PurposeOrder is for quotes, catalogue, new orders and renewals: active only.
	PurposeOrder Purpose = "order"
	// PurposeOperate is for actions on existing resources: disabled allowed.
	PurposeOperate Purpose = "operate"
	// PurposeWindDown is for looking at, stopping and releasing existing
	// resources: revoked allowed.
	PurposeWindDown Purpose = "wind_down"
)

// Access is an account at a cloud, opened for one buyer.
type Access struct {
	Call         contract.Call // Org is the buyer; Region, Zone, Locale and trace are the caller's to fill in
	Plugin       string        // name of the plugin to ask
	ProviderID   string
	EnablementID string // the one that covers the buyer; Call.Account.ID is the one that holds the credentials
}

// Plugins finds installed plugins.
type Plugins interface {
	// Plugin returns the running plugin; not_found when none of that name is
	// installed, unavailable while it is down.
	Plugin(name string) (Cloud, error)
	// Describe returns the installed plugin's self-portrait without calling the cloud.
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is the part of a plugin that this package calls.
type Cloud interface {
	Check(ctx context.Context, req contract.CheckRequest) (contract.CheckResponse, error)
}

// Page is one page of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}
