package tenant

import (
	"context"
	"strings"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// HeldError is the cause of a refusal because an org still has something.
type HeldError struct{ Things []HeldThing }

// Error lists the things.
func (e *HeldError) Error() string {
	words := make([]string, len(e.Things))
	for i, t := range e.Things {
		words[i] = t.What
	}
	return strings.Join(words, "; ")
}

func refuseHeld(why string, things []HeldThing) error {
	cause := &HeldError{Things: things}
	return fault.Precondition("%s: %s", why, cause.Error()).With(cause)
}

// DeleteOrg removes an org that has nothing left, and its users with it.
func (s *Service) DeleteOrg(ctx context.Context, c access.Caller, org string, rev uint64) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, err := s.allowed(tx, c, access.OrgDelete, org)
		if err != nil {
			return err
		}
		if old.Value.ID == c.OrgID || old.Value.ID == old.Value.RootID {
			return fault.Precondition("an org is deleted from above: ask the org that sells to you")
		}
		things, err := s.holdings(tx, org)
		if err != nil {
			return err
		}
		if len(things) > 0 {
			return refuseHeld("the org cannot be deleted while it has", things)
		}
		if err := s.removeUsersOf(tx, org); err != nil {
			return err
		}
		gone := old.Value
		gone.State, gone.Updated = OrgDeleted, s.cfg.Clock.Now()
		_, err = s.saveOrg(tx, c, access.OrgDelete, old, gone, rev)
		return err
	})
}

// holdings is what the holders say, and the orgs below.
func (s *Service) holdings(r store.Reader, org string) ([]HeldThing, error) {
	below := false
	err := s.children(r, org, func(child Org) error {
		if child.State == OrgDeleted {
			return nil
		}
		below = true
		return store.Stop
	})
	if err != nil {
		return nil, err
	}
	things, err := s.held(r, org)
	if below {
		things = append([]HeldThing{{Holder: "orgs", What: "orgs below it"}}, things...)
	}
	return things, err
}

// children calls fn for each org directly below, deleted ones included.
func (s *Service) children(r store.Reader, org string, fn func(Org) error) error {
	q := store.Query{Index: orgsByParentCreated, Prefix: store.Key(org), Limit: store.NoLimit}
	return s.orgs.Each(r, q, func(d store.Doc[Org]) error { return fn(d.Value) })
}

func (s *Service) removeUsersOf(tx store.Tx, org string) error {
	users, err := s.usersOf(tx, org)
	if err != nil {
		return err
	}
	for _, u := range users {
		if err := s.removeUser(tx, u.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) usersOf(r store.Reader, org string) ([]User, error) {
	var out []User
	q := store.Query{Index: usersByOrg, Prefix: store.Key(org), Limit: store.NoLimit}
	err := s.users.Each(r, q, func(d store.Doc[User]) error {
		out = append(out, d.Value)
		return nil
	})
	return out, err
}
