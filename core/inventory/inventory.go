// Package inventory lets the people of an account's own org keep what lives at
// its provider and is not sold: the compute centres, machines and priced parts
// that a plugin manages for them. It goes straight through to the plugin and
// keeps nothing but the keys of requests and the audit log, so that secrets in a
// spec pass and are stored by nobody here.
//
// What is sold comes into being by orders alone (package order); its kinds are
// refused here. A [Service] is safe for concurrent use.
package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/provider"
	"tradewind.example/core/schema"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Authority decides who may do what.
type Authority interface {
	Check(r store.Reader, c access.Caller, right access.Right, t access.Target) error
}

// Accounts opens accounts at clouds.
type Accounts interface {
	Enablement(ctx context.Context, c access.Caller, id string) (provider.Enablement, error)
	CallVia(ctx context.Context, r store.Reader, buyerOrg, enablementID string, purpose provider.Purpose) (provider.Access, error)
}

// Plugins finds running plugins.
type Plugins interface {
	// Plugin returns the running plugin of that name; unavailable while it is down.
	Plugin(name string) (Cloud, error)
	// Describe returns the plugin's self-portrait without calling the cloud.
	Describe(ctx context.Context, name string) (contract.Description, error)
}

// Cloud is what this package asks of a plugin.
type Cloud interface {
	Reader
	Changer
}

// Reader reads what an account has.
type Reader interface {
	Get(ctx context.Context, req contract.GetRequest) (contract.Resource, error)
	List(ctx context.Context, req contract.ListRequest, yield func(contract.Resource) error) error
	Operation(ctx context.Context, req contract.OperationRequest) (contract.Operation, error)
}

// Changer changes what an account has.
type Changer interface {
	Create(ctx context.Context, req contract.CreateRequest) (contract.Change, error)
	Update(ctx context.Context, req contract.UpdateRequest) (contract.Change, error)
	Delete(ctx context.Context, req contract.DeleteRequest) (contract.Change, error)
	Act(ctx context.Context, req contract.ActionRequest) (contract.Change, error)
}

// Config is what a Service needs; all fields but CallTimeout are required.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Authority Authority
	Accounts  Accounts
	Keys      *idempotency.Keys
	Plugins   Plugins
	// CallTimeout bounds one call of a plugin; default 30 seconds.
	CallTimeout time.Duration
}

// Service passes requests on to the plugins of accounts.
type Service struct {
	cfg     Config
	schemas *schema.Cache
}

// New makes a service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Authority == nil || cfg.Accounts == nil || cfg.Keys == nil || cfg.Plugins == nil {
		return nil, fmt.Errorf("inventory: every field but the time-out is required")
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = 30 * time.Second
	}
	return &Service{cfg: cfg, schemas: schema.NewCache()}, nil
}

// Place says which things: those of a kind in an account, at a place of its cloud.
type Place struct {
	EnablementID string
	Kind         string
	Region, Zone string // "" is anywhere
}

// Thing is one thing of an inventory.
type Thing struct {
	contract.Resource
	// Operation is the change that is under way, "" when it has happened.
	Operation string
	Output    json.RawMessage // of an action
}

// opened is an account with the kind that is asked for.
type opened struct {
	cloud      Cloud
	call       contract.Call
	kind       contract.KindDescription
	enablement provider.Enablement
}

// sendable is an invalid fault unless texts can be sent to a plugin at all.
func sendable(texts []string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fault.Invalid("query", "must be valid UTF-8")
		}
	}
	return nil
}

// open checks that the caller may, and opens the account. One that is a seller's
// is the seller's to keep.
func (s *Service) open(ctx context.Context, c access.Caller, at Place, right access.Right, texts ...string) (opened, error) {
	if err := sendable(append(texts, at.Kind, at.Region, at.Zone)); err != nil {
		return opened{}, err
	}
	e, err := s.cfg.Accounts.Enablement(ctx, c, at.EnablementID)
	if err != nil {
		return opened{}, err
	}
	if e.Shared {
		return opened{}, fault.Forbidden("the account is your seller's: only its own org keeps what is in it")
	}
	var a provider.Access
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		if err := s.cfg.Authority.Check(r, c, right, access.Target{OrgID: e.OrgID, Thing: "enablement", ID: e.ID}); err != nil {
			return err
		}
		a, err = s.cfg.Accounts.CallVia(ctx, r, e.OrgID, e.ID, provider.PurposeOperate)
		return err
	})
	if err != nil {
		return opened{}, err
	}
	out := opened{call: a.Call, enablement: e}
	out.call.Region, out.call.Zone, out.call.RequestID = at.Region, at.Zone, c.RequestID
	if out.cloud, err = s.cfg.Plugins.Plugin(a.Plugin); err != nil {
		return opened{}, err
	}
	d, err := s.cfg.Plugins.Describe(ctx, a.Plugin)
	if err != nil || at.Kind == "" {
		return out, err
	}
	i := slices.IndexFunc(d.Kinds, func(k contract.KindDescription) bool { return k.Name == at.Kind && k.Managed })
	if i < 0 {
		return opened{}, fault.NotFound("kind of inventory", at.Kind)
	}
	out.kind = d.Kinds[i]
	return out, nil
}

// offers is an unsupported fault unless the kind has the verb.
func (o *opened) offers(v contract.Verb) error {
	if slices.Contains(o.kind.Verbs, v) {
		return nil
	}
	return fault.Unsupported("the kind %q has no %s", o.kind.Name, v)
}

// Get reads one thing.
func (s *Service) Get(ctx context.Context, c access.Caller, at Place, thing string) (Thing, error) {
	o, err := s.open(ctx, c, at, access.EnablementRead, thing)
	if err == nil {
		err = o.offers(contract.VerbGet)
	}
	if err != nil {
		return Thing{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	r, err := o.cloud.Get(ctx, contract.GetRequest{Call: o.call, Kind: at.Kind, ID: thing})
	if err != nil {
		return Thing{}, fmt.Errorf("reading %s %q: %w", at.Kind, thing, err)
	}
	return Thing{Resource: r}, nil
}

// Operation tells how far a change is that was under way.
func (s *Service) Operation(ctx context.Context, c access.Caller, enablementID, operation string) (contract.Operation, error) {
	o, err := s.open(ctx, c, Place{EnablementID: enablementID}, access.EnablementRead, operation)
	if err != nil {
		return contract.Operation{}, err
	}
	if operation == "" {
		return contract.Operation{}, fault.Invalid("operation", "is required: the change answered it")
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	out, err := o.cloud.Operation(ctx, contract.OperationRequest{Call: o.call, ID: operation})
	if err != nil {
		return contract.Operation{}, fmt.Errorf("asking how far an operation is: %w", err)
	}
	return out, nil
}
