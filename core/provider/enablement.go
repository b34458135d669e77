package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// EnableInput asks that an org may order from a provider.
type EnableInput struct {
	ProviderID      string
	OrgID           string // the caller's own when ""
	CoversAll       bool
	CoversCustomers []string
	// Credentials are the org's own; none: those of the granter, if the grant
	// shares them.
	Credentials map[string]secret.Value
	Settings    map[string]string
}

// Validate returns every wrong field.
func (in EnableInput) Validate() error {
	var f fields
	f.id("provider_id", in.ProviderID)
	f.Text("org_id", in.OrgID, 0, MaxName)
	f.covers(in.CoversAll, in.CoversCustomers)
	f.credentials("credentials", in.Credentials)
	f.settings("settings", in.Settings)
	return f.Err()
}

func (f *fields) covers(all bool, customers []string) {
	switch {
	case all && len(customers) > 0:
		f.Add("covers_customers", "must be empty when covers_all is set")
	case len(customers) > MaxCovered:
		f.Add("covers_customers", "must name at most %d customers; use covers_all", MaxCovered)
	}
}

// Enable creates an enablement in state pending; a job checks its credentials
// and makes it active or failed. Use [Service.AwaitCheck] to wait for that.
func (s *Service) Enable(ctx context.Context, c access.Caller, in EnableInput) (Enablement, error) {
	if in.OrgID == "" {
		in.OrgID = c.OrgID
	}
	if err := in.Validate(); err != nil {
		return Enablement{}, err
	}
	p, g, err := s.offered(ctx, c, in.OrgID, in.ProviderID)
	if err != nil {
		return Enablement{}, err
	}
	a := account{Enablement: Enablement{
		ID: id.New(), RootID: c.RootID, ProviderID: in.ProviderID, OrgID: in.OrgID,
		Shared:    g.SharedCredentials && len(in.Credentials) == 0,
		CoversAll: in.CoversAll, CoversCustomers: slices.Clone(in.CoversCustomers), Settings: maps.Clone(in.Settings),
		State: StatePending, Created: s.Clock.Now(),
	}}
	if err := s.prepare(ctx, p, &a, in.Credentials); err != nil {
		return Enablement{}, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		row := a
		if err := s.mayEnable(tx, c, &row); err != nil {
			return err
		}
		out, err := s.add(tx, c, row)
		a = out
		return err
	})
	if err != nil {
		return Enablement{}, err
	}
	return a.Enablement, nil
}

// prepare checks an account of the org's own with the plugin's schema and seals
// its credentials. A shared account has been through that.
func (s *Service) prepare(ctx context.Context, p Provider, a *account, credentials map[string]secret.Value) error {
	if a.Shared {
		return nil
	}
	if err := s.fitsAccount(ctx, p, a.Settings, credentials, false); err != nil {
		return err
	}
	var err error
	a.Candidate, err = s.seal(a.ID, credentials)
	a.CandidateNames = namesOf(credentials)
	return err
}

// offered checks that the caller may write the org's enablements and returns
// the provider with the grant by which the org may enable it.
func (s *Service) offered(ctx context.Context, c access.Caller, org, providerID string) (p Provider, g Grant, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		err := s.Authority.Check(r, c, access.EnablementWrite, access.Target{OrgID: org, Thing: "org"})
		if err != nil {
			return err
		}
		if p, err = s.rows.providerIn(r, c.RootID, providerID); err != nil {
			return err
		}
		g, err = s.leave(r, c, org, providerID)
		return err
	})
	return p, g, err
}

// fitsAccount checks settings, on top of the provider's own, and credentials
// with the plugin's config schema; partial leaves out what it requires.
func (s *Service) fitsAccount(ctx context.Context, p Provider, settings map[string]string, credentials map[string]secret.Value, partial bool) error {
	d, err := s.Plugins.Describe(ctx, p.PluginName)
	if err != nil {
		return fmt.Errorf("describing plugin %q: %w", p.PluginName, err)
	}
	sch, err := parseSchema(d.Config, partial)
	if err != nil {
		return err
	}
	var f fields
	sch.check(&f, merged(p.Settings, settings), credentials)
	return f.Err()
}

// merged returns the provider's settings with the account's own on top.
func merged(defaults, own map[string]string) map[string]string {
	all := make(map[string]string, len(defaults)+len(own))
	maps.Copy(all, defaults)
	maps.Copy(all, own)
	return all
}

// leave returns the grant by which the org may enable the provider; the
// operator needs none. Without one the provider does not exist for the org.
func (s *Service) leave(r store.Reader, c access.Caller, org, providerID string) (Grant, error) {
	if org == c.RootID {
		return Grant{}, nil
	}
	d, ok, err := s.rows.grants.By(r, "receiver", store.Key(org, providerID))
	if err == nil && !ok {
		err = missing("provider", providerID)
	}
	return d.Value, err
}

// mayEnable repeats the checks inside the transaction that writes.
func (s *Service) mayEnable(tx store.Tx, c access.Caller, a *account) error {
	if err := s.Authority.Check(tx, c, access.EnablementWrite, access.Target{OrgID: a.OrgID, Thing: "org"}); err != nil {
		return err
	}
	p, err := s.rows.providerIn(tx, c.RootID, a.ProviderID)
	if err != nil {
		return err
	}
	g, err := s.leave(tx, c, a.OrgID, a.ProviderID)
	if err != nil {
		return err
	}
	if p.State != StateActive {
		return fault.Precondition("the provider is %s: it cannot be enabled now", p.State)
	}
	if a.GrantID = g.ID; a.Shared {
		if err := s.share(tx, g, a); err != nil {
			return err
		}
	}
	return s.covered(tx, c, a.Enablement)
}

// share finds the granter's enablement, whose account the new one uses.
func (s *Service) share(tx store.Tx, g Grant, a *account) error {
	if !g.SharedCredentials {
		return fault.Invalid("credentials", "are required: the grant shares no account")
	}
	if len(a.Settings) > 0 {
		return fault.Invalid("settings", "must be empty with a shared account: its owner sets them")
	}
	owner, ok, err := s.rows.live(tx, g.From, g.ProviderID)
	if err == nil && !ok {
		err = fault.Precondition("the granting org has not enabled the provider itself: ask it to, or give credentials of your own")
	}
	a.SharedFrom = owner.ID
	return err
}

// covered checks whom the enablement covers.
func (s *Service) covered(r store.Reader, c access.Caller, e Enablement) error {
	own, err := s.party(r, c, e.OrgID)
	if err != nil {
		return err
	}
	if own.Kind == tenant.KindCustomer && (e.CoversAll || len(e.CoversCustomers) > 0) {
		return fault.Invalid("covers_customers", "a customer has no customers to cover")
	}
	var f fields
	for i, id := range e.CoversCustomers {
		path := fmt.Sprintf("covers_customers[%d]", i)
		p, err := s.party(r, c, id)
		if err != nil && !fault.Is(err, fault.ClassNotFound) {
			return err
		}
		if err != nil || p.Kind != tenant.KindCustomer || !slices.Contains(p.Path, e.OrgID) {
			f.Add(path, "no customer %q exists below the org", id)
		}
	}
	return f.Err()
}

func (s *Service) add(tx store.Tx, c access.Caller, a account) (account, error) {
	a.Checking, a.Updated = true, s.Clock.Now()
	d, err := s.rows.enablements.Insert(tx, a)
	if fault.Is(err, fault.ClassConflict) {
		return a, fault.Conflict("the org has enabled this provider already: change that enablement").With(err)
	}
	if err != nil {
		return a, err
	}
	a.Rev = d.Rev
	err = s.record(tx, c, access.EnablementWrite, change{org: a.OrgID, thing: "enablement", id: a.ID, after: a.Enablement})
	if err != nil {
		return a, err
	}
	return a, s.enqueueCheck(tx, a)
}

// put writes a changed enablement with its audit record.
func (s *Service) put(tx store.Tx, c access.Caller, old account, edit func(*account)) (account, error) {
	out := old
	edit(&out)
	out.Updated = s.Clock.Now()
	d, err := s.rows.enablements.Update(tx, out, old.Rev)
	if err != nil {
		return out, err
	}
	out.Rev = d.Rev
	return out, s.record(tx, c, access.EnablementWrite, change{
		org: out.OrgID, thing: "enablement", id: out.ID, before: old.Enablement, after: out.Enablement,
	})
}

// changeAccount runs one change of an existing enablement by its org's admin.
// A revoked enablement does not change any more.
func (s *Service) changeAccount(ctx context.Context, c access.Caller, enablementID string, rev uint64, edit func(store.Tx, account) (account, error)) (Enablement, error) {
	var out account
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		a, err := s.rows.accountIn(tx, c.RootID, enablementID)
		if err != nil {
			return err
		}
		target := access.Target{OrgID: a.OrgID, Thing: "enablement", ID: enablementID}
		if err := s.Authority.Check(tx, c, access.EnablementWrite, target); err != nil {
			return err
		}
		if rev != 0 && rev != a.Rev {
			return fault.Conflict("enablement %q was changed meanwhile: read it again", enablementID).With(store.ErrStale)
		}
		if a.State == StateRevoked {
			return fault.Precondition("the grant of this enablement was taken back: ask for a new one, then enable again")
		}
		out, err = edit(tx, a)
		return err
	})
	if err != nil {
		return Enablement{}, err
	}
	return out.Enablement, nil
}

// ChangeInput replaces whom an enablement covers and, for an own account, its
// settings; changed settings are checked at the cloud again.
type ChangeInput struct {
	ID              string
	Rev             uint64 // 0: whatever it is now
	CoversAll       bool
	CoversCustomers []string
	Settings        map[string]string
}

// Validate returns every wrong field.
func (in ChangeInput) Validate() error {
	var f fields
	f.id("id", in.ID)
	f.covers(in.CoversAll, in.CoversCustomers)
	f.settings("settings", in.Settings)
	return f.Err()
}

// Change applies a [ChangeInput].
func (s *Service) Change(ctx context.Context, c access.Caller, in ChangeInput) (Enablement, error) {
	if err := in.Validate(); err != nil {
		return Enablement{}, err
	}
	old, err := s.Enablement(ctx, c, in.ID)
	if err != nil {
		return Enablement{}, err
	}
	if err := s.checkAccount(ctx, c, old, in.Settings, nil); err != nil {
		return Enablement{}, err
	}
	return s.changeAccount(ctx, c, in.ID, in.Rev, func(tx store.Tx, a account) (account, error) {
		recheck := !maps.Equal(a.Settings, in.Settings)
		if a.Shared && recheck {
			return a, fault.Invalid("settings", "must be empty with a shared account: its owner sets them")
		}
		out, err := s.put(tx, c, a, func(a *account) {
			a.CoversAll, a.CoversCustomers = in.CoversAll, slices.Clone(in.CoversCustomers)
			a.Settings, a.Checking = maps.Clone(in.Settings), a.Checking || recheck
		})
		if err != nil {
			return out, err
		}
		if err := s.covered(tx, c, out.Enablement); err != nil || !recheck {
			return out, err
		}
		return out, s.enqueueCheck(tx, out)
	})
}

// checkAccount is fitsAccount for an existing enablement that the caller may write.
func (s *Service) checkAccount(ctx context.Context, c access.Caller, e Enablement, settings map[string]string, credentials map[string]secret.Value) error {
	p, _, err := s.offered(ctx, c, e.OrgID, e.ProviderID)
	if err != nil {
		return err
	}
	return s.fitsAccount(ctx, p, settings, credentials, credentials == nil)
}

// ReplaceCredentials gives an enablement new credentials of its own. They take
// the place of those in use once the cloud has accepted them; until then, and
// if it refuses them, the old ones stay.
func (s *Service) ReplaceCredentials(ctx context.Context, c access.Caller, enablementID string, rev uint64, credentials map[string]secret.Value) (Enablement, error) {
	var f fields
	f.credentials("credentials", credentials)
	if len(credentials) == 0 {
		f.Add("credentials", "are required")
	}
	if err := f.Err(); err != nil {
		return Enablement{}, err
	}
	old, err := s.Enablement(ctx, c, enablementID)
	if err != nil {
		return Enablement{}, err
	}
	if err := s.checkAccount(ctx, c, old, old.Settings, credentials); err != nil {
		return Enablement{}, err
	}
	sealed, err := s.seal(enablementID, credentials)
	if err != nil {
		return Enablement{}, err
	}
	return s.changeAccount(ctx, c, enablementID, rev, func(tx store.Tx, a account) (account, error) {
		if a.Shared {
			return a, fault.Precondition("this enablement uses the granter's account, where its resources live: for an account of your own ask for a new grant")
		}
		out, err := s.put(tx, c, a, func(a *account) {
			a.Candidate, a.CandidateNames, a.Checking = sealed, namesOf(credentials), true
		})
		if err != nil {
			return out, err
		}
		return out, s.enqueueCheck(tx, out)
	})
}

// Disable stops new orders and renewals by this enablement; existing resources
// can still be operated.
func (s *Service) Disable(ctx context.Context, c access.Caller, enablementID string, rev uint64) (Enablement, error) {
	return s.changeAccount(ctx, c, enablementID, rev, func(tx store.Tx, a account) (account, error) {
		if a.State == StateDisabled {
			return a, nil
		}
		return s.put(tx, c, a, func(a *account) { a.State = StateDisabled })
	})
}

// Resume lets a disabled or failed enablement be checked again and, if the
// cloud accepts the account, be active.
func (s *Service) Resume(ctx context.Context, c access.Caller, enablementID string, rev uint64) (Enablement, error) {
	return s.changeAccount(ctx, c, enablementID, rev, func(tx store.Tx, a account) (account, error) {
		if !a.Shared && a.Sealed == nil && a.Candidate == nil {
			return a, fault.Precondition("no usable credentials are set: replace them first")
		}
		out, err := s.put(tx, c, a, func(a *account) {
			a.Checking = true
			if a.State != StateActive {
				a.State = StatePending
			}
		})
		if err != nil {
			return out, err
		}
		return out, s.enqueueCheck(tx, out)
	})
}

// Enablement returns one enablement.
func (s *Service) Enablement(ctx context.Context, c access.Caller, enablementID string) (Enablement, error) {
	var out account
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		if out, err = s.rows.accountIn(r, c.RootID, enablementID); err != nil {
			return err
		}
		target := access.Target{OrgID: out.OrgID, Thing: "enablement", ID: enablementID}
		return s.Authority.Check(r, c, access.EnablementRead, target)
	})
	if err != nil {
		return Enablement{}, err
	}
	return out.Enablement, nil
}

// EnablementFilter selects enablements.
type EnablementFilter struct {
	ProviderID string
	OrgID      string
	State      State
	Cursor     string
	Limit      int  // 1..store.MaxList
	Reverse    bool // newest first
}

func (f EnablementFilter) keeps(e *Enablement) bool {
	return (f.ProviderID == "" || f.ProviderID == e.ProviderID) && (f.OrgID == "" || f.OrgID == e.OrgID) &&
		(f.State == "" || f.State == e.State)
}

func (f EnablementFilter) query(root string, reach access.Reach) store.Query {
	q := store.Query{Index: "root", Prefix: store.Key(root), Cursor: f.Cursor, Limit: f.Limit, Reverse: f.Reverse}
	switch {
	case f.OrgID != "":
		q.Index, q.Prefix = "created", store.Key(f.OrgID)
	case !reach.Subtree:
		q.Index, q.Prefix = "created", store.Key(reach.Org)
	case f.ProviderID != "":
		q.Index, q.Prefix = "provider", store.Key(f.ProviderID)
	}
	return q
}

// Enablements lists the enablements the caller may read. A page can be shorter
// than its limit, or empty, and still have a Next.
func (s *Service) Enablements(ctx context.Context, c access.Caller, in EnablementFilter) (Page[Enablement], error) {
	var out Page[Enablement]
	err := s.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.Authority.Reach(r, c, access.EnablementRead)
		if err != nil {
			return err
		}
		page, err := s.rows.enablements.List(r, in.query(c.RootID, reach))
		out.Next = page.Next
		for _, d := range page.Items {
			e := d.Value.Enablement
			ok, err := s.reaches(r, reach, e.RootID, e.OrgID)
			if err != nil {
				return err
			}
			if e.Rev = d.Rev; ok && e.RootID == c.RootID && in.keeps(&e) {
				out.Items = append(out.Items, e)
			}
		}
		return err
	})
	if err != nil {
		return Page[Enablement]{}, err
	}
	return out, nil
}

func namesOf(credentials map[string]secret.Value) []string {
	return slices.Sorted(maps.Keys(credentials))
}
