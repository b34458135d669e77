package tenant

import (
	"context"
	"errors"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// CreateUser makes a user. The caller must outrank each role it hands out.
func (s *Service) CreateUser(ctx context.Context, c access.Caller, in CreateUserInput) (store.Doc[User], error) {
	in.Login = normalLogin(in.Login)
	if err := in.check(); err != nil {
		return store.Doc[User]{}, err
	}
	now := s.cfg.Clock.Now()
	u := User{ID: id.New(), OrgID: in.OrgID, Login: in.Login, Name: in.Name, Email: in.Email, Phone: in.Phone,
		Roles: in.Roles, Assigned: in.Assigned, State: UserActive, Created: now, Updated: now}
	// The rights come before the costly hash, and again in the transaction.
	err := s.cfg.Store.View(ctx, func(r store.Reader) error { return s.checkNewUser(r, c, &u) })
	if err != nil {
		return store.Doc[User]{}, err
	}
	hash, err := s.hasher.Hash(ctx, in.Password)
	if err != nil {
		return store.Doc[User]{}, err
	}
	var doc store.Doc[User]
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.checkNewUser(tx, c, &u); err != nil {
			return err
		}
		doc, err = s.insertUser(tx, c, u, hash)
		return err
	})
	return doc, err
}

func (in CreateUserInput) check() error {
	var ch checks
	ch.login("login", in.Login)
	ch.name("name", in.Name)
	ch.email("email", in.Email)
	ch.text("phone", in.Phone, maxName)
	ch.roles("roles", in.Roles)
	ch.assigned("assigned", in.Assigned)
	ch.password("password", in.Login, in.Password)
	return ch.err()
}

// checkNewUser checks what depends on the stored orgs and sets the user's root.
func (s *Service) checkNewUser(r store.Reader, c access.Caller, u *User) error {
	if err := s.access.Check(r, c, access.UserCreate, access.Target{OrgID: u.OrgID, Thing: "user"}); err != nil {
		return err
	}
	org, err := s.live(r, u.OrgID)
	if err != nil {
		return err
	}
	u.RootID = org.Value.RootID
	return s.checkRoles(r, c, org.Value, nil, *u)
}

// checkRoles checks that roles and assignments fit the org, and that the
// caller may hand out what is new. Roles that stay need no rank here.
func (s *Service) checkRoles(r store.Reader, c access.Caller, org Org, before []access.Role, u User) error {
	var ch checks
	ch.rolesOfKind("roles", u.Roles, org.Kind)
	if err := s.checkAssigned(r, &ch, u); err != nil {
		return err
	}
	if err := ch.err(); err != nil {
		return err
	}
	for _, role := range u.Roles {
		if !slices.Contains(before, role) && !c.System && !access.MayGrant(c.Roles, role) {
			return fault.Forbidden("your roles do not outrank %q", role)
		}
	}
	return nil
}

// checkAssigned wants direct buyers of the user's org: what is sold further
// down is not this org's business to show.
func (s *Service) checkAssigned(r store.Reader, ch *checks, u User) error {
	for _, a := range u.Assigned {
		o, err := s.OrgTx(r, a)
		if err != nil && !fault.Is(err, fault.ClassNotFound) {
			return err
		}
		if err != nil || o.ParentID != u.OrgID {
			ch.add("assigned", "org %q is not a direct buyer of the user's org", a)
		}
	}
	return nil
}

func (s *Service) insertUser(tx store.Tx, c access.Caller, u User, hash string) (store.Doc[User], error) {
	doc, err := s.users.Insert(tx, u)
	if err != nil {
		if unique := (*store.UniqueError)(nil); errors.As(err, &unique) {
			err = fault.Conflict("the login %q is taken: choose another", u.Login).With(err)
		}
		return doc, err
	}
	if _, err := s.credentials.Insert(tx, credential{UserID: u.ID, Hash: hash, Changed: u.Created}); err != nil {
		return doc, err
	}
	return doc, s.recordUser(tx, c, access.UserCreate, nil, &u)
}

func (s *Service) recordUser(tx store.Tx, c access.Caller, action access.Right, before, after *User) error {
	u := after
	if u == nil {
		u = before
	}
	ch := change{action: action, org: u.OrgID, root: u.RootID, thing: "user", id: u.ID}
	if before != nil {
		ch.before = *before
	}
	if after != nil {
		ch.after = *after
	}
	return s.record(tx, c, ch)
}

// GetUser returns a user in the caller's reach; everybody may read itself.
func (s *Service) GetUser(ctx context.Context, c access.Caller, user string) (store.Doc[User], error) {
	var doc store.Doc[User]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		doc, err = s.allowedUser(r, c, access.UserRead, user)
		return err
	})
	return doc, err
}

// allowedUser returns a user over whose org the caller has the right, or the
// caller itself when it only reads.
func (s *Service) allowedUser(r store.Reader, c access.Caller, right access.Right, user string) (store.Doc[User], error) {
	doc, err := s.users.Get(r, user)
	if err != nil {
		return doc, err
	}
	self := user == c.UserID && right == right.Reading()
	if !self {
		err = s.access.Check(r, c, right, access.Target{OrgID: doc.Value.OrgID, Thing: "user", ID: user})
	}
	if err != nil {
		return store.Doc[User]{}, err
	}
	return doc, nil
}

// ListUsers returns a page of an org's users.
func (s *Service) ListUsers(ctx context.Context, c access.Caller, in ListUsersInput) (store.Page[User], error) {
	orString(&in.OrgID, c.OrgID)
	index, err := paging.Sorts{"": usersByOrg, SortLogin: usersByOrg, SortName: usersByName, SortCreated: usersByAge}.Index(in.Sort)
	if err != nil {
		return store.Page[User]{}, err
	}
	var page store.Page[User]
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		if err := s.access.Check(r, c, access.UserRead, access.Target{OrgID: in.OrgID, Thing: "user"}); err != nil {
			return err
		}
		if _, err := s.live(r, in.OrgID); err != nil {
			return err
		}
		var err error
		page, err = paging.Where(r, s.users, store.Query{
			Index: index, Prefix: store.Key(in.OrgID), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Reverse,
		}, in.admits)
		return err
	})
	return page, err
}

// UpdateUser replaces what may change of a user. Nobody changes its own roles,
// assignments or state; a user that is disabled is signed out everywhere.
func (s *Service) UpdateUser(ctx context.Context, c access.Caller, in UpdateUserInput) (store.Doc[User], error) {
	if err := in.check(); err != nil {
		return store.Doc[User]{}, err
	}
	var doc store.Doc[User]
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, err := s.managed(tx, c, access.UserUpdate, in.UserID)
		if err != nil {
			return err
		}
		u := old.Value
		u.Name, u.Email, u.Phone, u.Updated = in.Name, in.Email, in.Phone, s.cfg.Clock.Now()
		u.Roles, u.Assigned, u.State = in.Roles, in.Assigned, in.State
		if err := s.checkUserChange(tx, c, old.Value, u); err != nil {
			return err
		}
		if doc, err = s.users.Update(tx, u, in.Rev); err != nil {
			return err
		}
		if u.State == UserDisabled {
			if err := s.endKeys(tx, u.ID); err != nil {
				return err
			}
		}
		s.forget(tx)
		return s.recordUser(tx, c, access.UserUpdate, &old.Value, &u)
	})
	return doc, err
}

func (in UpdateUserInput) check() error {
	var ch checks
	ch.name("name", in.Name)
	ch.email("email", in.Email)
	ch.text("phone", in.Phone, maxName)
	ch.roles("roles", in.Roles)
	ch.assigned("assigned", in.Assigned)
	if in.State != UserActive && in.State != UserDisabled {
		ch.add("state", "must be active or disabled")
	}
	return ch.err()
}

// managed returns a user that the caller may change: in reach, and with no
// role that the caller does not outrank. Oneself is in both senses.
func (s *Service) managed(r store.Reader, c access.Caller, right access.Right, user string) (store.Doc[User], error) {
	doc, err := s.users.Get(r, user)
	if err != nil || user == c.UserID && right == access.UserUpdate && c.TokenID == "" {
		return doc, err
	}
	if doc, err = s.allowedUser(r, c, right, user); err != nil {
		return doc, err
	}
	for _, role := range doc.Value.Roles {
		if !c.System && !access.MayGrant(c.Roles, role) {
			return store.Doc[User]{}, fault.Forbidden("your roles do not outrank the user's %q", role)
		}
	}
	return doc, nil
}

func (s *Service) checkUserChange(r store.Reader, c access.Caller, old, u User) error {
	same := slices.Equal(old.Roles, u.Roles) && slices.Equal(old.Assigned, u.Assigned) && old.State == u.State
	if same {
		return nil
	}
	if u.ID == c.UserID {
		return fault.Forbidden("your own roles, customers and state are set by another administrator")
	}
	org, err := s.live(r, u.OrgID)
	if err != nil {
		return err
	}
	if err := s.checkRoles(r, c, org.Value, old.Roles, u); err != nil {
		return err
	}
	return s.keepSuperadmin(r, old, u)
}

// keepSuperadmin refuses the change that leaves a root without an active superadmin.
func (s *Service) keepSuperadmin(r store.Reader, old, u User) error {
	super := func(u User) bool { return u.State == UserActive && slices.Contains(u.Roles, access.RoleSuperadmin) }
	if !super(old) || super(u) {
		return nil
	}
	users, err := s.usersOf(r, old.OrgID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(users, func(x User) bool { return x.ID != old.ID && super(x) }) {
		return fault.Precondition("this is the last superadmin: make another one first")
	}
	return nil
}

// DeleteUser removes a user with its password, sessions and tokens.
func (s *Service) DeleteUser(ctx context.Context, c access.Caller, user string, rev uint64) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, err := s.managed(tx, c, access.UserDelete, user)
		if err != nil {
			return err
		}
		if user == c.UserID {
			return fault.Forbidden("nobody deletes itself: ask another administrator")
		}
		if rev != 0 && rev != old.Rev {
			return staleUser(user)
		}
		if err := s.keepSuperadmin(tx, old.Value, User{}); err != nil {
			return err
		}
		if err := s.removeUser(tx, user); err != nil {
			return err
		}
		return s.recordUser(tx, c, access.UserDelete, &old.Value, nil)
	})
}

func (s *Service) removeUser(tx store.Tx, user string) error {
	if err := s.endKeys(tx, user); err != nil {
		return err
	}
	if err := s.credentials.Delete(tx, user, 0); err != nil && !fault.Is(err, fault.ClassNotFound) {
		return err
	}
	s.forget(tx)
	return s.users.Delete(tx, user, 0)
}

// endKeys ends all sessions and tokens of a user.
func (s *Service) endKeys(tx store.Tx, user string) error {
	if err := s.endSessions(tx, user, ""); err != nil {
		return err
	}
	tokens, err := keysOf(tx, s.tokens, user)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := s.tokens.Delete(tx, t.ID, 0); err != nil {
			return err
		}
	}
	s.forget(tx)
	return nil
}

// endSessions ends the sessions of a user, but for one.
func (s *Service) endSessions(tx store.Tx, user, keep string) error {
	sessions, err := keysOf(tx, s.sessions, user)
	if err != nil {
		return err
	}
	for _, x := range sessions {
		if x.ID == keep {
			continue
		}
		if err := s.sessions.Delete(tx, x.ID, 0); err != nil {
			return err
		}
	}
	s.forget(tx)
	return nil
}

// keysOf returns all sessions or tokens of a user, oldest first. Their number
// is bounded when they are made.
func keysOf[T any](r store.Reader, rows *store.Collection[T], user string) ([]T, error) {
	var out []T
	q := store.Query{Index: rowsByUser, Prefix: store.Key(user), Limit: store.NoLimit}
	err := rows.Each(r, q, func(d store.Doc[T]) error {
		out = append(out, d.Value)
		return nil
	})
	return out, err
}
