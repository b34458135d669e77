package provider

import (
	"context"
	"fmt"
	"slices"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// GrantInput gives an org leave to enable a provider.
type GrantInput struct {
	ProviderID        string
	From              string // the granting org; the caller's own when ""
	To                string // somewhere below From
	SharedCredentials bool
}

// Validate returns every wrong field.
func (in GrantInput) Validate() error {
	var f fields
	f.id("provider_id", in.ProviderID)
	f.Text("from", in.From, 0, MaxName)
	f.id("to", in.To)
	return f.Err()
}

// Grant lets in.To enable the provider. The operator may grant any of its
// providers, any other org what was granted to itself.
func (s *Service) Grant(ctx context.Context, c access.Caller, in GrantInput) (Grant, error) {
	if err := in.Validate(); err != nil {
		return Grant{}, err
	}
	if in.From == "" {
		in.From = c.OrgID
	}
	g := Grant{
		ID: id.New(), RootID: c.RootID, ProviderID: in.ProviderID, From: in.From, To: in.To,
		SharedCredentials: in.SharedCredentials, State: StateActive, Created: s.Clock.Now(),
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.mayGrant(tx, c, in); err != nil {
			return err
		}
		d, err := s.rows.grants.Insert(tx, g)
		if fault.Is(err, fault.ClassConflict) {
			return fault.Conflict("the org has a grant of this provider already: revoke it first").With(err)
		}
		if err != nil {
			return err
		}
		g.Rev = d.Rev
		return s.record(tx, c, access.GrantWrite, change{org: g.From, thing: "grant", id: g.ID, after: g})
	})
	return g, err
}

func (s *Service) mayGrant(tx store.Tx, c access.Caller, in GrantInput) error {
	if err := s.Authority.Check(tx, c, access.GrantWrite, access.Target{OrgID: in.From, Thing: "org"}); err != nil {
		return err
	}
	p, err := s.rows.providerIn(tx, c.RootID, in.ProviderID)
	if err != nil {
		return err
	}
	if in.From != c.RootID {
		if _, ok, err := s.rows.grants.By(tx, "receiver", store.Key(in.From, in.ProviderID)); err != nil {
			return err
		} else if !ok {
			return missing("provider", in.ProviderID)
		}
	}
	if p.State != StateActive {
		return fault.Precondition("the provider is %s: it cannot be granted now", p.State)
	}
	return s.below(tx, c, in.From, in.To, "to")
}

// below wants org to be a buyer strictly below top.
func (s *Service) below(r store.Reader, c access.Caller, top, org, path string) error {
	p, err := s.party(r, c, org)
	if fault.Is(err, fault.ClassNotFound) || err == nil && !slices.Contains(p.Path, top) {
		return fault.Invalid(path, "org %q does not exist below the granting org", org)
	}
	if err != nil {
		return fmt.Errorf("reading org %q: %w", org, err)
	}
	if org == top || p.State != tenant.OrgActive || p.Kind != tenant.KindReseller && p.Kind != tenant.KindCustomer {
		return fault.Invalid(path, "must be an open reseller or customer below the granting org")
	}
	return nil
}

// Revoke takes a grant back, and with it everything that rests on it: the
// receiver's enablement, its own grants of the provider, and what rests on
// those. All in one transaction; what exists at the cloud can still be stopped
// and released. Revoking twice changes nothing.
func (s *Service) Revoke(ctx context.Context, c access.Caller, grantID string, rev uint64) (Grant, error) {
	var out Grant
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		g, err := s.rows.grantIn(tx, c.RootID, grantID)
		if err != nil {
			return err
		}
		if err := s.Authority.Check(tx, c, access.GrantWrite, access.Target{OrgID: g.From, Thing: "grant", ID: grantID}); err != nil {
			return err
		}
		if out = g; g.State == StateRevoked {
			return nil
		}
		if rev != 0 && rev != g.Rev {
			return fault.Conflict("grant %q was changed meanwhile: read it again", grantID).With(store.ErrStale)
		}
		out, err = s.revoke(tx, c, g)
		return err
	})
	return out, err
}

// revoke works down the grants with a list instead of recursion, so that a deep
// tree costs no stack.
func (s *Service) revoke(tx store.Tx, c access.Caller, top Grant) (Grant, error) {
	open := []Grant{top}
	for len(open) > 0 {
		g := open[0]
		open = open[1:]
		if err := s.end(tx, c, &g); err != nil {
			return g, err
		}
		if g.ID == top.ID {
			top = g
		}
		if err := s.endEnablement(tx, c, g); err != nil {
			return g, err
		}
		q := store.Query{Index: "from", Prefix: store.Key(g.To, g.ProviderID), Limit: store.NoLimit}
		err := s.rows.grants.Each(tx, q, func(d store.Doc[Grant]) error {
			if d.Value.State == StateActive {
				d.Value.Rev = d.Rev
				open = append(open, d.Value)
			}
			return nil
		})
		if err != nil {
			return g, err
		}
	}
	return top, nil
}

func (s *Service) end(tx store.Tx, c access.Caller, g *Grant) error {
	before := *g
	g.State, g.Revoked = StateRevoked, s.Clock.Now()
	d, err := s.rows.grants.Update(tx, *g, before.Rev)
	if err != nil {
		return err
	}
	g.Rev = d.Rev
	return s.record(tx, c, access.GrantWrite, change{org: g.From, thing: "grant", id: g.ID, before: before, after: *g})
}

func (s *Service) endEnablement(tx store.Tx, c access.Caller, g Grant) error {
	a, ok, err := s.rows.live(tx, g.To, g.ProviderID)
	if err != nil || !ok {
		return err
	}
	_, err = s.put(tx, c, a, func(a *account) {
		a.State, a.Problem = StateRevoked, "the grant was taken back"
		// An unchecked candidate will never be used: do not keep it.
		a.Candidate, a.CandidateNames, a.Checking = nil, nil, false
	})
	return err
}

// GetGrant returns a grant to its giver, its receiver, and whoever may read
// either.
func (s *Service) GetGrant(ctx context.Context, c access.Caller, grantID string) (Grant, error) {
	var out Grant
	err := s.Store.View(ctx, func(r store.Reader) error {
		g, err := s.rows.grantIn(r, c.RootID, grantID)
		if err != nil {
			return err
		}
		out = g
		return s.Authority.Check(r, c, access.GrantRead, access.Target{OrgID: g.To, Thing: "grant", ID: grantID})
	})
	if err != nil {
		return Grant{}, err
	}
	return out, nil
}

// GrantFilter selects grants.
type GrantFilter struct {
	ProviderID string
	To         string
	State      State
	Cursor     string
	Limit      int  // 1..store.MaxList
	Reverse    bool // newest first
}

func (f GrantFilter) keeps(g *Grant) bool {
	return (f.ProviderID == "" || f.ProviderID == g.ProviderID) && (f.To == "" || f.To == g.To) &&
		(f.State == "" || f.State == g.State)
}

// Grants lists grants to orgs that the caller may read. A page can be shorter
// than its limit, or empty, and still have a Next.
func (s *Service) Grants(ctx context.Context, c access.Caller, in GrantFilter) (Page[Grant], error) {
	var out Page[Grant]
	err := s.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.Authority.Reach(r, c, access.GrantRead)
		if err != nil {
			return err
		}
		q := store.Query{Index: "root", Prefix: store.Key(c.RootID), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Reverse}
		if in.To != "" {
			q.Index, q.Prefix = "to", store.Key(in.To)
		} else if !reach.Subtree {
			q.Index, q.Prefix = "to", store.Key(reach.Org)
		}
		page, err := s.rows.grants.List(r, q)
		out.Next = page.Next
		for _, d := range page.Items {
			ok, err := s.reaches(r, reach, d.Value.RootID, d.Value.To)
			if err != nil {
				return err
			}
			if d.Value.Rev = d.Rev; ok && d.Value.RootID == c.RootID && in.keeps(&d.Value) {
				out.Items = append(out.Items, d.Value)
			}
		}
		return err
	})
	if err != nil {
		return Page[Grant]{}, err
	}
	return out, nil
}

func (s *Service) reaches(r store.Reader, reach access.Reach, root, org string) (bool, error) {
	p, err := s.Orgs.OrgTx(r, org)
	if fault.Is(err, fault.ClassNotFound) {
		return false, nil
	}
	return err == nil && p.RootID == root && reach.Admits(p.Path), err
}
