package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// maxShares bounds how many enablements may use one account in a row.
const maxShares = 64

// resolveKey asks for the account of a buyer at a provider, or, with no buyer,
// for that of one enablement.
type resolveKey struct{ buyer, id string }

// resolution is the answer, good for one stamp and one path of the buyer.
type resolution struct {
	path     []string
	provider Provider
	cover    account // covers the buyer
	holder   account // holds the credentials; its ID is "" when nothing covers the buyer
	state    State   // the worst on the way from cover to holder
}

// CallFor opens the account with which a buyer's requests to a provider are
// made: that of the nearest enablement that covers it, its own or one of its
// sellers'. An enablement that waits for its check or failed it is passed over;
// a disabled one, or one of a seller whose grant was taken back, is not: it
// says that this branch of the tree is not served. When nothing serves the
// buyer for the purpose, it is a precondition fault that says what to do.
func (s *Service) CallFor(_ context.Context, r store.Reader, buyerOrg, providerID string, purpose Purpose) (Access, error) {
	res, err := s.resolve(r, buyerOrg, providerID)
	if err != nil {
		return Access{}, err
	}
	return s.open(res, buyerOrg, purpose)
}

// CallVia opens the account of one enablement, for resources that were bought
// through it: they live in that account, whatever serves the buyer today.
func (s *Service) CallVia(_ context.Context, r store.Reader, buyerOrg, enablementID string, purpose Purpose) (Access, error) {
	res, err := s.via(r, enablementID)
	if err != nil {
		return Access{}, err
	}
	return s.open(res, buyerOrg, purpose)
}

// Serves reports whether the buyer may order from the provider now.
func (s *Service) Serves(r store.Reader, buyerOrg, providerID string) (bool, error) {
	res, err := s.resolve(r, buyerOrg, providerID)
	if err != nil {
		return false, err
	}
	return res.usable(PurposeOrder, s.Clock.Now()) == nil, nil
}

// Sells reports whether the org may order from the provider now, or its customers
// may: a reseller knows what it sells under the enablement of a seller above it.
func (s *Service) Sells(r store.Reader, org, providerID string) (bool, error) {
	if serves, err := s.Serves(r, org, providerID); serves || err != nil {
		return serves, err
	}
	who, err := s.Orgs.OrgTx(r, org)
	if err != nil || who.Kind != tenant.KindReseller {
		return false, err
	}
	p, err := s.rows.providerIn(r, who.RootID, providerID)
	if err != nil {
		return false, err
	}
	for i := len(who.Path) - 1; i >= 0; i-- {
		a, ok, err := s.rows.latest(r, who.Path[i], providerID)
		if err != nil {
			return false, err
		}
		if !ok || !decides(a, tenant.Org{}) {
			continue
		}
		if ok, err = s.coversBelow(r, &a, who.ID); err != nil {
			return false, err
		}
		if ok {
			res := &resolution{provider: p, cover: a}
			err := s.hold(r, res)
			return err == nil && res.usable(PurposeOrder, s.Clock.Now()) == nil, err
		}
	}
	return false, nil
}

// coversBelow reports whether an enablement covers customers below an org.
func (s *Service) coversBelow(r store.Reader, a *account, org string) (bool, error) {
	if a.CoversAll {
		return true, nil
	}
	for _, customer := range a.CoversCustomers {
		c, err := s.Orgs.OrgTx(r, customer)
		if err != nil && !fault.Is(err, fault.ClassNotFound) {
			return false, err
		}
		if err == nil && slices.Contains(c.Path, org) {
			return true, nil
		}
	}
	return false, nil
}

func (s *Service) resolve(r store.Reader, buyer, providerID string) (*resolution, error) {
	who, err := s.Orgs.OrgTx(r, buyer)
	if err != nil {
		return nil, fmt.Errorf("reading the buyer: %w", err)
	}
	at, err := s.rows.table.At(r)
	if err != nil {
		return nil, err
	}
	key := resolveKey{buyer: buyer, id: providerID}
	if res, ok := s.resolved.Get(key, at); ok && slices.Equal(res.path, who.Path) {
		return res, nil
	}
	res := &resolution{path: who.Path}
	if res.provider, err = s.rows.providerIn(r, who.RootID, providerID); err != nil {
		return nil, err
	}
	if err := s.cover(r, res, who); err != nil {
		return nil, err
	}
	s.resolved.Put(key, at, res)
	return res, nil
}

func (s *Service) via(r store.Reader, enablementID string) (*resolution, error) {
	at, err := s.rows.table.At(r)
	if err != nil {
		return nil, err
	}
	key := resolveKey{id: enablementID}
	if res, ok := s.resolved.Get(key, at); ok {
		return res, nil
	}
	res := &resolution{}
	if res.cover, err = s.rows.account(r, enablementID); err != nil {
		return nil, err
	}
	if res.provider, err = s.rows.providerIn(r, res.cover.RootID, res.cover.ProviderID); err != nil {
		return nil, err
	}
	if err := s.hold(r, res); err != nil {
		return nil, err
	}
	s.resolved.Put(key, at, res)
	return res, nil
}

// cover walks from the buyer up and stops at the first enablement that decides.
func (s *Service) cover(r store.Reader, res *resolution, who tenant.Org) error {
	found := false
	for i := len(who.Path) - 1; i >= 0; i-- {
		a, ok, err := s.rows.latest(r, who.Path[i], res.provider.ID)
		if err != nil {
			return err
		}
		if !ok || !a.covers(who) {
			continue
		}
		if decides(a, who) {
			res.cover, found = a, true
			break
		}
		if !found {
			res.cover, found = a, true
		}
	}
	if !found {
		return nil
	}
	return s.hold(r, res)
}

// decides reports whether the walk ends here. A buyer's own enablement whose
// grant was taken back leaves it to those above to serve the buyer.
func decides(a account, who tenant.Org) bool {
	switch a.State {
	case StateActive, StateDisabled:
		return true
	case StateRevoked:
		return a.OrgID != who.ID
	default:
		return false
	}
}

func (a *account) covers(who tenant.Org) bool {
	if a.OrgID == who.ID {
		return true
	}
	return who.Kind == tenant.KindCustomer && (a.CoversAll || slices.Contains(a.CoversCustomers, who.ID))
}

// hold follows shared accounts to the one with the credentials and takes the
// worst state on the way.
func (s *Service) hold(r store.Reader, res *resolution) error {
	res.state = res.cover.State
	a := res.cover
	for range maxShares {
		if a.State != StateActive && (res.state == StateActive || a.State == StateRevoked) {
			res.state = a.State
		}
		if !a.Shared {
			res.holder = a
			return nil
		}
		var err error
		if a, err = s.rows.account(r, a.SharedFrom); err != nil {
			return fmt.Errorf("following a shared enablement: %w", err)
		}
	}
	return fault.Internal(nil, "enablement %q is shared in a circle", res.cover.ID)
}

// usable says why the account may not be used for the purpose; nil when it may.
func (res *resolution) usable(purpose Purpose, now time.Time) error {
	switch {
	case res.holder.ID == "":
		return fault.Precondition("the provider is not enabled for this org: enable it, or ask your seller to")
	case res.state == StateRevoked && purpose != PurposeWindDown:
		return fault.Precondition("the provider is no longer granted to this org: ask your seller")
	case purpose == PurposeOrder:
		return res.sellable(now)
	case res.holder.Sealed == nil:
		return fault.Precondition("the provider's account has not been checked yet: check the enablement")
	}
	return nil
}

func (res *resolution) sellable(now time.Time) error {
	p := res.provider
	switch {
	case p.State != StateActive:
		return fault.Precondition("the provider is not on sale now")
	case now.Before(p.ContractFrom) || !p.ContractTo.IsZero() && !now.Before(p.ContractTo):
		return fault.Precondition("the contract with the provider is not in effect now")
	case res.state == StateDisabled:
		return fault.Precondition("the provider is disabled for this org: enable it, or ask your seller to")
	case res.state != StateActive || res.holder.Sealed == nil:
		return fault.Precondition("the provider is not enabled for this org yet: its account waits for a check or failed it")
	}
	return nil
}

func (s *Service) open(res *resolution, buyer string, purpose Purpose) (Access, error) {
	if err := res.usable(purpose, s.Clock.Now()); err != nil {
		return Access{}, err
	}
	credentials, err := s.credentials(&res.holder)
	if err != nil {
		return Access{}, err
	}
	return Access{
		Call:   callOf(buyer, res.provider, res.holder, maps.Clone(credentials)),
		Plugin: res.provider.PluginName, ProviderID: res.provider.ID, EnablementID: res.cover.ID,
	}, nil
}

func callOf(buyer string, p Provider, holder account, credentials map[string]secret.Value) contract.Call {
	return contract.Call{
		Org: buyer, RootOrg: p.RootID,
		Account: contract.Account{
			ID: holder.ID, Endpoint: p.Endpoint,
			Credentials: credentials, Settings: merged(p.Settings, holder.Settings),
		},
	}
}

// Holds names what keeps an org from being deleted.
func (s *Service) Holds(r store.Reader, org string) ([]string, error) {
	var out []string
	one := store.Query{Prefix: store.Key(org), Limit: store.NoLimit}
	one.Index = "org"
	err := s.rows.providers.Each(r, one, func(d store.Doc[Provider]) error {
		out = append(out, "provider "+d.Value.ID)
		return limit(out)
	})
	if err != nil {
		return nil, err
	}
	err = s.rows.enablements.Each(r, one, func(d store.Doc[account]) error {
		if d.Value.State != StateRevoked {
			out = append(out, "enablement "+d.Value.ID)
		}
		return limit(out)
	})
	if err != nil {
		return nil, err
	}
	for _, index := range []string{"to", "from"} {
		one.Index = index
		err = s.rows.grants.Each(r, one, func(d store.Doc[Grant]) error {
			if d.Value.State == StateActive {
				out = append(out, "grant "+d.Value.ID)
			}
			return limit(out)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxHolds is where the list of what holds an org is cut.
const maxHolds = 100

func limit(found []string) error {
	if len(found) >= maxHolds {
		return store.Stop
	}
	return nil
}

// Route says through which account a buyer's requests go, without opening it.
type Route struct {
	Plugin       string
	EnablementID string // the one that covers the buyer
	AccountID    string // the enablement that holds the credentials
}

// RouteTx is [Service.CallFor] without opening the account: cheap enough for
// every quote, and with the same refusals.
func (s *Service) RouteTx(r store.Reader, buyerOrg, providerID string, purpose Purpose) (Route, error) {
	res, err := s.resolve(r, buyerOrg, providerID)
	if err != nil {
		return Route{}, err
	}
	if err := res.usable(purpose, s.Clock.Now()); err != nil {
		return Route{}, err
	}
	return Route{Plugin: res.provider.PluginName, EnablementID: res.cover.ID, AccountID: res.holder.ID}, nil
}

// RouteViaTx is [Service.CallVia] without opening the account, for a change of
// what was bought through it. A change that costs is refused when the account's
// owner does not sell to the buyer any more: nobody would pay it for that.
func (s *Service) RouteViaTx(r store.Reader, buyerOrg, enablementID string, purpose Purpose) (Route, error) {
	res, err := s.via(r, enablementID)
	if err != nil {
		return Route{}, err
	}
	if err := res.usable(purpose, s.Clock.Now()); err != nil {
		return Route{}, err
	}
	if purpose == PurposeOrder {
		if err := s.sells(r, res.holder.OrgID, buyerOrg); err != nil {
			return Route{}, err
		}
	}
	return Route{Plugin: res.provider.PluginName, EnablementID: res.cover.ID, AccountID: res.holder.ID}, nil
}

func (s *Service) sells(r store.Reader, owner, buyer string) error {
	who, err := s.Orgs.OrgTx(r, buyer)
	if err != nil {
		return fmt.Errorf("reading the buyer: %w", err)
	}
	if !slices.Contains(who.Path, owner) {
		return fault.Precondition("this lives in the account of a former seller: release it, and order anew from the present one")
	}
	return nil
}
