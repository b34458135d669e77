package tenant

import (
	"context"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// MoveOrg puts an org and all below it under another parent of the same root.
// Orders already open keep the chain that they stored; balances stay where
// they are. Followers are told of it. A dry run answers what would change and changes nothing.
func (s *Service) MoveOrg(ctx context.Context, c access.Caller, in MoveOrgInput) (Move, error) {
	if in.DryRun {
		var p plan
		err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
			p, err = s.planMove(r, c, in)
			return err
		})
		return p.move, err
	}
	var done Move
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		p, err := s.planMove(tx, c, in)
		if err != nil {
			return err
		}
		done, err = s.applyMove(tx, c, p)
		return err
	})
	return done, err
}

// plan is a move that may be made.
type plan struct {
	move     Move
	parent   Org
	orgs     []Org // the org first, then all below it
	unassign []User
}

func (s *Service) planMove(r store.Reader, c access.Caller, in MoveOrgInput) (plan, error) {
	var p plan
	doc, err := s.allowed(r, c, access.OrgMove, in.OrgID)
	if err != nil {
		return p, err
	}
	org := doc.Value
	if p.parent, err = s.parentFor(r, c, in.ParentID); err != nil {
		return p, err
	}
	if err := checkMove(c, org, p.parent); err != nil {
		return p, err
	}
	if p.orgs, err = s.tree(r, org); err != nil {
		return p, err
	}
	if p.unassign, err = s.assignedTo(r, org); err != nil {
		return p, err
	}
	p.move = Move{Org: org.ID, From: org.Path, To: append(slices.Clone(p.parent.Path), org.ID)}
	for _, o := range p.orgs {
		if o.State == OrgDeleted {
			continue
		}
		if p.move.Count++; p.move.Count <= MaxMoveListed {
			p.move.Orgs = append(p.move.Orgs, o.ID)
		}
	}
	for _, u := range p.unassign {
		p.move.Unassign = append(p.move.Unassign, UserRef{ID: u.ID, Login: u.Login})
	}
	p.move.Remains, err = s.held(r, org.ID)
	return p, checkDepth(p, err)
}

func checkMove(c access.Caller, org, parent Org) error {
	var ch checks
	switch {
	case org.ID == c.OrgID:
		return fault.Forbidden("an org is moved from above")
	case org.Kind == KindOperator || org.Kind == KindProvider:
		return fault.Precondition("a %s cannot be moved", org.Kind)
	case parent.RootID != org.RootID:
		return fault.NotFound("org", parent.ID)
	case slices.Contains(parent.Path, org.ID):
		ch.add("parent_id", "an org cannot stand under itself")
	case parent.ID == org.ParentID:
		ch.add("parent_id", "the org stands there already")
	default:
		ch.underParent(org.Kind, parent)
	}
	return ch.err()
}

func checkDepth(p plan, err error) error {
	if err != nil {
		return err
	}
	shift := len(p.move.To) - len(p.move.From)
	for _, o := range p.orgs {
		if len(o.Path)+shift > maxDepth {
			return fault.Invalid("parent_id", "the tree may be at most %d deep", maxDepth)
		}
	}
	return nil
}

// tree returns an org and all below it, deleted ones included: their old
// orders follow the new chain of readers too.
func (s *Service) tree(r store.Reader, org Org) ([]Org, error) {
	out := []Org{org}
	for i := 0; i < len(out); i++ {
		err := s.children(r, out[i].ID, func(child Org) error {
			out = append(out, child)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// assignedTo returns the users of the direct seller who look after the org.
func (s *Service) assignedTo(r store.Reader, org Org) ([]User, error) {
	users, err := s.usersOf(r, org.ParentID)
	return slices.DeleteFunc(users, func(u User) bool { return !slices.Contains(u.Assigned, org.ID) }), err
}

func (s *Service) applyMove(tx store.Tx, c access.Caller, p plan) (Move, error) {
	now, done := s.cfg.Clock.Now(), p.move
	for i, o := range p.orgs {
		if i == 0 {
			o.ParentID = p.parent.ID
		}
		o.Path = append(slices.Clone(done.To), o.Path[len(done.From):]...)
		o.Updated = now
		if _, err := s.orgs.Update(tx, o, 0); err != nil {
			return Move{}, err
		}
	}
	for _, u := range p.unassign {
		u.Assigned = slices.DeleteFunc(slices.Clone(u.Assigned), func(o string) bool { return o == done.Org })
		u.Updated = now
		if _, err := s.users.Update(tx, u, 0); err != nil {
			return Move{}, err
		}
	}
	if err := s.changedOrgs(tx); err != nil {
		return Move{}, err
	}
	if err := s.moved(tx, p.orgs[0]); err != nil {
		return Move{}, err
	}
	done.Done = true
	return done, s.record(tx, c, change{action: access.OrgMove, org: done.Org, root: p.parent.RootID,
		thing: "org", id: done.Org, before: p.move, after: done})
}
