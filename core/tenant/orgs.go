package tenant

import (
	"context"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/paging"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// CreateOrg makes an org. Time zone, currency and floor policy that are not
// given come from the parent; the policy's last default is block.
func (s *Service) CreateOrg(ctx context.Context, c access.Caller, in CreateOrgInput) (store.Doc[Org], error) {
	var doc store.Doc[Org]
	newID := id.New()
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		parent, err := s.parentFor(tx, c, in.ParentID)
		if err != nil {
			return err
		}
		org, err := s.child(parent, in, newID)
		if err != nil {
			return err
		}
		if doc, err = s.orgs.Insert(tx, org); err != nil {
			return err
		}
		return s.record(tx, c, change{action: access.OrgCreate, org: org.ID, root: org.RootID,
			thing: "org", id: org.ID, after: org})
	})
	return doc, err
}

// parentFor returns the org under which the caller may put another.
func (s *Service) parentFor(r store.Reader, c access.Caller, org string) (Org, error) {
	if err := s.access.Check(r, c, access.OrgCreate, access.Target{OrgID: org, Thing: "org"}); err != nil {
		return Org{}, err
	}
	doc, err := s.live(r, org)
	return doc.Value, err
}

// child is the new org of the input, checked.
func (s *Service) child(parent Org, in CreateOrgInput, newID string) (Org, error) {
	now := s.cfg.Clock.Now()
	p := in.Profile
	orString(&p.TimeZone, parent.TimeZone)
	orString(&p.Currency, parent.Currency)
	orString(&p.FloorPolicy, pricing.PolicyBlock)
	var ch checks
	ch.profile(p)
	ch.underParent(in.Kind, parent)
	org := Org{ID: newID, Kind: in.Kind, ParentID: parent.ID, RootID: parent.RootID,
		Path: append(slices.Clone(parent.Path), newID), Profile: p, State: OrgActive, Created: now, Updated: now}
	if in.Kind == KindProvider {
		org.ParentID = ""
	}
	return org, ch.err()
}

func (c *checks) underParent(k Kind, parent Org) {
	switch {
	case k.parents() == nil:
		c.add("kind", "must be reseller, customer or provider")
	case !slices.Contains(k.parents(), parent.Kind):
		c.add("parent_id", "a %s cannot stand under a %s", k, parent.Kind)
	case len(parent.Path) >= maxDepth:
		c.add("parent_id", "the tree may be at most %d deep", maxDepth)
	}
}

func orString[T ~string](v *T, def T) {
	if *v == "" {
		*v = def
	}
}

// GetOrg returns an org in the caller's reach.
func (s *Service) GetOrg(ctx context.Context, c access.Caller, org string) (store.Doc[Org], error) {
	var doc store.Doc[Org]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		doc, err = s.allowed(r, c, access.OrgRead, org)
		return err
	})
	return doc, err
}

// allowed returns a live org over which the caller has the right.
func (s *Service) allowed(r store.Reader, c access.Caller, right access.Right, org string) (store.Doc[Org], error) {
	if err := s.access.Check(r, c, right, access.Target{OrgID: org, Thing: "org", ID: org}); err != nil {
		return store.Doc[Org]{}, err
	}
	return s.live(r, org)
}

// GetSeller returns what the caller may know of the org that sells to its own.
func (s *Service) GetSeller(ctx context.Context, c access.Caller) (Seller, error) {
	var out Seller
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if len(c.Path) < 2 {
			return fault.NotFound("seller of org", c.OrgID)
		}
		doc, err := s.orgs.Get(r, c.Path[len(c.Path)-2])
		out = Seller{ID: doc.Value.ID, Name: doc.Value.Name}
		return err
	})
	return out, err
}

// ListOrgs returns a page of the orgs in the caller's reach.
func (s *Service) ListOrgs(ctx context.Context, c access.Caller, in ListOrgsInput) (store.Page[Org], error) {
	var page store.Page[Org]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.access.Reach(r, c, access.OrgRead)
		if err != nil {
			return err
		}
		q, err := s.orgQuery(r, c, reach, in)
		if err != nil {
			return err
		}
		page, err = paging.Where(r, s.orgs, q, func(o *Org) bool {
			return o.State != OrgDeleted && reach.Admits(o.Path) && in.admits(o)
		})
		return err
	})
	return page, err
}

func (s *Service) orgQuery(r store.Reader, c access.Caller, reach access.Reach, in ListOrgsInput) (store.Query, error) {
	below, err := paging.Sorts{"": orgsByAncestor, SortName: orgsByAncestor, SortCreated: orgsByAncestorCreated}.Index(in.Sort)
	if err != nil {
		return store.Query{}, err
	}
	next := orgsByParent
	if in.Sort == SortCreated {
		next = orgsByParentCreated
	}
	q := store.Query{Index: below, Prefix: store.Key(reach.Org), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Reverse}
	for _, narrow := range [...]struct{ index, org string }{{below, in.Below}, {next, in.ParentID}} {
		if narrow.org == "" {
			continue
		}
		if _, err := s.allowed(r, c, access.OrgRead, narrow.org); err != nil {
			return q, err
		}
		q.Index, q.Prefix = narrow.index, store.Key(narrow.org)
	}
	return q, nil
}

// UpdateOrg replaces an org's profile and state. Nobody changes the state of
// its own org, and the currency stays while the org has anything.
func (s *Service) UpdateOrg(ctx context.Context, c access.Caller, in UpdateOrgInput) (store.Doc[Org], error) {
	var doc store.Doc[Org]
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, err := s.allowed(tx, c, access.OrgUpdate, in.OrgID)
		if err != nil {
			return err
		}
		next := in.over(old.Value)
		if err := s.checkUpdate(tx, c, old.Value, next); err != nil {
			return err
		}
		org := old.Value
		org.Profile, org.State, org.Updated = next.Profile, next.State, s.cfg.Clock.Now()
		doc, err = s.saveOrg(tx, c, access.OrgUpdate, old, org, in.Rev)
		return err
	})
	return doc, err
}

// over completes the input with what it leaves of the org.
func (in UpdateOrgInput) over(old Org) UpdateOrgInput {
	orString(&in.State, old.State)
	orString(&in.TimeZone, old.TimeZone)
	orString(&in.Currency, old.Currency)
	orString(&in.FloorPolicy, old.FloorPolicy)
	return in
}

func (s *Service) checkUpdate(r store.Reader, c access.Caller, old Org, in UpdateOrgInput) error {
	var ch checks
	ch.profile(in.Profile)
	if in.State != OrgActive && in.State != OrgSuspended {
		ch.add("state", "must be active or suspended")
	}
	if err := ch.err(); err != nil {
		return err
	}
	if in.State != old.State && old.ID == c.OrgID {
		return fault.Forbidden("the state of your own org is set from above")
	}
	if in.Currency == old.Currency {
		return nil
	}
	things, err := s.held(r, old.ID)
	if err == nil && len(things) > 0 {
		err = refuseHeld("the currency cannot change while the org has", things)
	}
	return err
}

// saveOrg stores a changed org, with its audit record.
func (s *Service) saveOrg(tx store.Tx, c access.Caller, action access.Right, old store.Doc[Org], org Org, rev uint64) (store.Doc[Org], error) {
	doc, err := s.orgs.Update(tx, org, rev)
	if err != nil {
		return doc, err
	}
	if err := s.changedOrgs(tx); err != nil {
		return doc, err
	}
	return doc, s.record(tx, c, change{action: action, org: org.ID, root: org.RootID, thing: "org", id: org.ID,
		before: old.Value, after: org})
}
