// Package trade says which two organisations sell to each other, and which of
// them keeps the terms and the money of that.
//
// An organisation buys from the one above it; an operator buys from the
// providers of its own root. The keeper is the seller, who sets prices and
// takes payments, except that a provider has nobody here to do so: what an
// operator buys from a provider is kept by the operator itself.
//
// A [Pairs] has no state of its own and is safe for concurrent use.
package trade

import (
	"errors"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
)

// Orgs finds organisations, deleted ones included.
type Orgs interface {
	OrgTx(r store.Reader, id string) (tenant.Org, error)
}

// Pair is a seller and its direct buyer.
type Pair struct {
	Seller, Buyer tenant.Org
	Keeper        string // id of the one whose staff keep terms and money
}

// Config is what Pairs need.
type Config struct {
	Orgs   Orgs
	Access *access.Authority
}

// Pairs answers who trades with whom.
type Pairs struct {
	orgs   Orgs
	access *access.Authority
}

// New returns Pairs.
func New(cfg Config) (*Pairs, error) {
	if cfg.Orgs == nil || cfg.Access == nil {
		return nil, errors.New("trade: orgs and access are required")
	}
	return &Pairs{orgs: cfg.Orgs, access: cfg.Access}, nil
}

// PairTx returns the pair, or an invalid fault on the field "seller" when the
// two do not trade with each other now. It checks no rights.
func (p *Pairs) PairTx(r store.Reader, seller, buyer string) (Pair, error) {
	stranger := fault.Invalid("seller", "does not sell to this buyer: name the buyer's own parent, or a provider of an operator")
	b, err := p.live(r, buyer)
	if err != nil {
		return Pair{}, err
	}
	s, err := p.live(r, seller)
	if fault.Is(err, fault.ClassNotFound) {
		return Pair{}, stranger // as for one that exists elsewhere
	}
	if err != nil {
		return Pair{}, err
	}
	switch {
	case s.Kind == tenant.KindProvider && b.Kind == tenant.KindOperator && s.RootID == b.ID:
		return Pair{Seller: s, Buyer: b, Keeper: b.ID}, nil
	case b.Kind != tenant.KindProvider && b.ParentID != "" && b.ParentID == s.ID:
		return Pair{Seller: s, Buyer: b, Keeper: s.ID}, nil
	}
	return Pair{}, stranger
}

func (p *Pairs) live(r store.Reader, id string) (tenant.Org, error) {
	o, err := p.orgs.OrgTx(r, id)
	if err == nil && o.State == tenant.OrgDeleted {
		err = fault.NotFound("org", id)
	}
	return o, err
}

// KeepTx returns the pair when the caller may use the right for its keeper.
// Whoever cannot see the buyer learns nothing about either: the buyer is then a
// not_found; and so is a seller that neither trades with it nor can be seen.
func (p *Pairs) KeepTx(r store.Reader, c access.Caller, right access.Right, seller, buyer string) (Pair, error) {
	if err := p.access.Check(r, c, access.OrgRead, access.Target{OrgID: buyer, Thing: "org", ID: buyer}); err != nil {
		return Pair{}, err
	}
	pair, err := p.PairTx(r, seller, buyer)
	if fault.Is(err, fault.ClassInvalid) {
		if unseen := p.access.Check(r, c, access.OrgRead, access.Target{OrgID: seller, Thing: "org", ID: seller}); unseen != nil {
			return Pair{}, unseen
		}
	}
	if err != nil {
		return Pair{}, err
	}
	return pair, p.access.Check(r, c, right, access.Target{OrgID: pair.Keeper})
}

// Private reports whether the caller stands on either side of the pair. What
// passes between two organisations is for nobody else, wherever in the tree.
func Private(c access.Caller, seller, buyer string) bool {
	return c.System || c.OrgID == seller || c.OrgID == buyer
}
