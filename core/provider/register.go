package provider

import (
	"context"
	"fmt"
	"time"
	"tradewind.example/core/paging"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// RegisterInput describes a new provider.
type RegisterInput struct {
	PluginName               string
	OrgID                    string // of kind provider, in the caller's root
	Title                    string // the plugin's own when ""
	Settle                   pricing.SettleMode
	Endpoint                 string
	Settings                 map[string]string
	ContractFrom, ContractTo time.Time
}

// Validate returns every wrong field.
func (in RegisterInput) Validate() error {
	var f fields
	f.Text("plugin_name", in.PluginName, 1, MaxName)
	f.id("org_id", in.OrgID)
	in.terms(&f)
	return f.Err()
}

func (in RegisterInput) terms(f *fields) {
	f.Text("title", in.Title, 0, MaxName)
	if in.Settle != "" && !in.Settle.Valid() {
		f.Add("settle", "must be realtime or period")
	}
	f.endpoint("endpoint", in.Endpoint)
	f.settings("settings", in.Settings)
	if !in.ContractTo.IsZero() && !in.ContractFrom.Before(in.ContractTo) {
		f.Add("contract_to", "must be after contract_from")
	}
}

// Register puts an installed plugin on sale.
func (s *Service) Register(ctx context.Context, c access.Caller, in RegisterInput) (Provider, error) {
	if err := s.allowed(ctx, c, access.ProviderWrite); err != nil {
		return Provider{}, err
	}
	if err := in.Validate(); err != nil {
		return Provider{}, err
	}
	title, err := s.fits(ctx, in.PluginName, in.Settings)
	if err != nil {
		return Provider{}, err
	}
	now := s.Clock.Now()
	p := Provider{
		ID: id.New(), RootID: c.RootID, PluginName: in.PluginName, OrgID: in.OrgID, State: StateActive,
		Created: now, Updated: now,
	}
	in.apply(&p, title)
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.operator(tx, c, access.ProviderWrite); err != nil {
			return err
		}
		if err := s.commercial(tx, c, in.OrgID); err != nil {
			return err
		}
		d, err := s.rows.providers.Insert(tx, p)
		if err != nil {
			return err
		}
		p.Rev = d.Rev
		return s.record(tx, c, access.ProviderWrite, change{org: c.RootID, thing: "provider", id: p.ID, after: p})
	})
	return p, err
}

func (in RegisterInput) apply(p *Provider, title string) {
	p.Title, p.Settle, p.Endpoint, p.Settings = in.Title, in.Settle, in.Endpoint, in.Settings
	p.ContractFrom, p.ContractTo = in.ContractFrom.UTC(), in.ContractTo.UTC()
	if p.Title == "" {
		p.Title = title
	}
	if p.Settle == "" {
		p.Settle = pricing.SettleRealtime
	}
}

// allowed refuses, before any work is done, a caller that has the right nowhere.
func (s *Service) allowed(ctx context.Context, c access.Caller, right access.Right) error {
	return s.Store.View(ctx, func(r store.Reader) error { return s.operator(r, c, right) })
}

// operator checks a right over the root org.
func (s *Service) operator(r store.Reader, c access.Caller, right access.Right) error {
	if s.Authority.Extent(c, right) == 0 {
		return fault.Forbidden("your roles do not give the right %s", right)
	}
	return s.Authority.Check(r, c, right, access.Target{OrgID: c.RootID, Thing: "org", Unnamed: true})
}

// fits checks the default settings with the plugin's config schema and returns
// the plugin's own title.
func (s *Service) fits(ctx context.Context, plugin string, settings map[string]string) (title string, err error) {
	d, err := s.Plugins.Describe(ctx, plugin)
	if fault.Is(err, fault.ClassNotFound) {
		return "", fault.Invalid("plugin_name", "no plugin %q is installed", plugin)
	}
	if err != nil {
		return "", fmt.Errorf("describing plugin %q: %w", plugin, err)
	}
	sch, err := parseSchema(d.Config, true)
	if err != nil {
		return "", err
	}
	var f fields
	sch.check(&f, settings, nil)
	return d.Title, f.Err()
}

func (s *Service) commercial(r store.Reader, c access.Caller, org string) error {
	p, err := s.party(r, c, org)
	if fault.Is(err, fault.ClassNotFound) {
		return fault.Invalid("org_id", "org %q does not exist", org)
	}
	if err != nil {
		return fmt.Errorf("reading the provider's org: %w", err)
	}
	if p.Kind != tenant.KindProvider || p.State != tenant.OrgActive {
		return fault.Invalid("org_id", "must be an open org of kind provider")
	}
	return nil
}

// UpdateInput replaces what can change of a provider.
type UpdateInput struct {
	ID                       string
	Rev                      uint64 // 0: whatever it is now
	Title                    string
	Settle                   pricing.SettleMode
	Endpoint                 string
	Settings                 map[string]string
	ContractFrom, ContractTo time.Time
}

func (in UpdateInput) terms() RegisterInput {
	return RegisterInput{
		Title: in.Title, Settle: in.Settle, Endpoint: in.Endpoint, Settings: in.Settings,
		ContractFrom: in.ContractFrom, ContractTo: in.ContractTo,
	}
}

// Validate returns every wrong field.
func (in UpdateInput) Validate() error {
	var f fields
	f.id("id", in.ID)
	in.terms().terms(&f)
	return f.Err()
}

// Update changes a provider's terms.
func (s *Service) Update(ctx context.Context, c access.Caller, in UpdateInput) (Provider, error) {
	if err := in.Validate(); err != nil {
		return Provider{}, err
	}
	old, err := s.Provider(ctx, c, in.ID)
	if err != nil {
		return Provider{}, err
	}
	title, err := s.fits(ctx, old.PluginName, in.Settings)
	if err != nil {
		return Provider{}, err
	}
	return s.changeProvider(ctx, c, in.ID, in.Rev, func(p *Provider) { in.terms().apply(p, title) })
}

// SetProviderState stops or resumes sale. Disabled, no new order is taken;
// existing resources can be operated.
func (s *Service) SetProviderState(ctx context.Context, c access.Caller, providerID string, state State, rev uint64) (Provider, error) {
	if state != StateActive && state != StateDisabled {
		return Provider{}, fault.Invalid("state", "must be active or disabled")
	}
	return s.changeProvider(ctx, c, providerID, rev, func(p *Provider) { p.State = state })
}

func (s *Service) changeProvider(ctx context.Context, c access.Caller, providerID string, rev uint64, edit func(*Provider)) (Provider, error) {
	var out Provider
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.operator(tx, c, access.ProviderWrite); err != nil {
			return err
		}
		old, err := s.rows.providerIn(tx, c.RootID, providerID)
		if err != nil {
			return err
		}
		out = old
		edit(&out)
		out.Updated = s.Clock.Now()
		d, err := s.rows.providers.Update(tx, out, rev)
		if err != nil {
			return err
		}
		out.Rev = d.Rev
		return s.record(tx, c, access.ProviderWrite, change{org: c.RootID, thing: "provider", id: providerID, before: old, after: out})
	})
	return out, err
}

// Provider returns one provider, as the caller may see it.
func (s *Service) Provider(ctx context.Context, c access.Caller, providerID string) (Provider, error) {
	var out Provider
	err := s.Store.View(ctx, func(r store.Reader) error {
		p, err := s.rows.providerIn(r, c.RootID, providerID)
		if err != nil {
			return err
		}
		ok, err := s.sees(r, c, &p)
		if err == nil && !ok {
			err = missing("provider", providerID)
		}
		out = p
		return err
	})
	if err != nil {
		return Provider{}, err
	}
	return out, nil
}

// sees reports whether the caller may know of the provider, and removes what
// only the operator may know. Others know of the providers that were granted
// to them or serve them, and a commercial org of itself.
func (s *Service) sees(r store.Reader, c access.Caller, p *Provider) (bool, error) {
	extent := s.Authority.Extent(c, access.ProviderRead)
	if extent&access.All != 0 || extent != 0 && c.OrgID == c.RootID {
		return true, nil
	}
	if extent == 0 {
		return false, fault.Forbidden("your roles do not give the right %s", access.ProviderRead)
	}
	p.Endpoint, p.Settings = "", nil
	if p.OrgID == c.OrgID {
		return true, nil
	}
	p.OrgID = "" // who is paid for it stands above the seller
	p.ContractFrom, p.ContractTo, p.Settle = time.Time{}, time.Time{}, ""
	if _, granted, err := s.rows.grants.By(r, "receiver", store.Key(c.OrgID, p.ID)); granted || err != nil {
		return granted, err
	}
	res, err := s.resolve(r, c.OrgID, p.ID)
	if err != nil || res.holder.ID != "" {
		return err == nil, err
	}
	return s.Sells(r, c.OrgID, p.ID)
}

// ProviderFilter selects providers.
type ProviderFilter struct {
	State   State  // "" for all
	Sort    string // [SortCreated], which "" is, or [SortTitle]
	Cursor  string
	Limit   int  // 1..store.MaxList
	Reverse bool // newest first
}

// What providers can be sorted by.
const (
	SortCreated = "created"
	SortTitle   = "title" // in any case
)

// Providers lists the providers the caller may know of.
func (s *Service) Providers(ctx context.Context, c access.Caller, in ProviderFilter) (Page[Provider], error) {
	index, err := paging.Sorts{"": "root", SortCreated: "root", SortTitle: "title"}.Index(in.Sort)
	if err != nil {
		return Page[Provider]{}, err
	}
	var out Page[Provider]
	err = s.Store.View(ctx, func(r store.Reader) error {
		q := store.Query{Index: index, Prefix: store.Key(c.RootID), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Reverse}
		page, err := s.rows.providers.List(r, q)
		out.Next = page.Next
		for _, d := range page.Items {
			d.Value.Rev = d.Rev
			ok, err := s.sees(r, c, &d.Value)
			if err != nil {
				return err
			}
			if ok && (in.State == "" || in.State == d.Value.State) {
				out.Items = append(out.Items, d.Value)
			}
		}
		return err
	})
	if err != nil {
		return Page[Provider]{}, err
	}
	return out, nil
}

// ProviderTx returns a provider inside somebody's transaction, for the domain:
// it checks no rights. Its settings are shared: treat them as read-only.
func (s *Service) ProviderTx(r store.Reader, providerID string) (Provider, error) {
	d, err := s.decoded.Get(r, providerID)
	if err != nil {
		return Provider{}, err
	}
	p := d.Value
	p.Rev = d.Rev
	return p, nil
}
