package tenant

import (
	"tradewind.example/core/memo"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// The functions of this file answer other packages inside their own
// transactions. They check no rights: who calls them does.

// OrgTx returns an org, deleted ones included. Treat it as read-only: its path
// is shared.
func (s *Service) OrgTx(r store.Reader, org string) (Org, error) {
	at, err := s.orgStamp.At(r)
	if err != nil {
		return Org{}, err
	}
	o, err := s.orgAt(r, at, org)
	if err != nil {
		return Org{}, err
	}
	return *o, nil
}

// orgAt is OrgTx with the stamp of r's snapshot. The org is shared.
func (s *Service) orgAt(r store.Reader, at memo.Stamp, org string) (*Org, error) {
	if o, ok := s.orgCache.Get(org, at); ok {
		return o, nil
	}
	doc, err := s.orgs.Get(r, org)
	if err != nil {
		return nil, err
	}
	s.orgCache.Put(org, at, &doc.Value)
	return &doc.Value, nil
}

// PathTx returns the path root … org, also of a deleted org.
func (s *Service) PathTx(r store.Reader, org string) ([]string, error) {
	o, err := s.OrgTx(r, org)
	return o.Path, err
}

// ChainTx returns the sale chain root … buyer. A deleted org, or a provider's,
// is nobody's buyer. The orgs are shared: treat them as read-only.
func (s *Service) ChainTx(r store.Reader, buyer string) ([]*Org, error) {
	at, err := s.orgStamp.At(r)
	if err != nil {
		return nil, err
	}
	o, err := s.orgAt(r, at, buyer)
	switch {
	case err != nil:
		return nil, err
	case o.State == OrgDeleted:
		return nil, fault.NotFound("org", buyer)
	case o.Kind == KindProvider:
		return nil, fault.Precondition("org %q is a provider and cannot buy", buyer)
	}
	chain := make([]*Org, len(o.Path))
	for i, above := range o.Path {
		if chain[i], err = s.orgAt(r, at, above); err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// UserTx returns a user.
func (s *Service) UserTx(r store.Reader, user string) (User, error) {
	doc, err := s.users.Get(r, user)
	return doc.Value, err
}

// AssignedTx returns the direct buyers assigned to a user; none when the user
// is gone.
func (s *Service) AssignedTx(r store.Reader, user string) ([]string, error) {
	doc, _, err := s.users.Find(r, user)
	return doc.Value.Assigned, err
}

// live returns an org that is not deleted.
func (s *Service) live(r store.Reader, org string) (store.Doc[Org], error) {
	doc, err := s.orgs.Get(r, org)
	if err == nil && doc.Value.State == OrgDeleted {
		return store.Doc[Org]{}, fault.NotFound("org", org)
	}
	return doc, err
}

// changedOrgs makes stale what is remembered of orgs: in the transaction for
// readers of the store, on commit for remembered callers.
func (s *Service) changedOrgs(tx store.Tx) error {
	s.forget(tx)
	return s.orgStamp.Touch(tx)
}

// EachBuyerTx streams the orgs that buy directly from a seller, out of the first
// most of those that stand below it.
func (s *Service) EachBuyerTx(r store.Reader, seller string, most int, fn func(org string) error) error {
	q := store.Query{Index: orgsByParent, Prefix: store.Key(seller), Limit: most}
	return s.orgs.Each(r, q, func(d store.Doc[Org]) error {
		if d.Value.Kind == KindProvider {
			return nil
		}
		return fn(d.Value.ID)
	})
}
