package tenant

import (
	"context"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// ChangePassword sets the caller's own password and ends its other sessions.
// It takes a session: a token is not enough to lock its owner out.
func (s *Service) ChangePassword(ctx context.Context, c access.Caller, in ChangePasswordInput) error {
	if err := ownKeys(c); err != nil {
		return err
	}
	if c.SessionID == "" {
		return fault.Forbidden("sign in to change the password: a token cannot")
	}
	u, err := s.checkChange(ctx, c, in)
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, in.New)
	if err != nil {
		return err
	}
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.replacePassword(tx, u.ID, in.Rev, hash); err != nil {
			return err
		}
		if err := s.endSessions(tx, u.ID, c.SessionID); err != nil {
			return err
		}
		return s.record(tx, c, change{action: "user.password", org: u.OrgID, root: u.RootID, thing: "user", id: u.ID})
	})
}

func (s *Service) checkChange(ctx context.Context, c access.Caller, in ChangePasswordInput) (User, error) {
	var u User
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		doc, err := s.users.Get(r, c.UserID)
		if err == nil && in.Rev != 0 && in.Rev != doc.Rev {
			err = staleUser(c.UserID)
		}
		u = doc.Value
		return err
	})
	if err != nil {
		return u, err
	}
	var ch checks
	ch.password("new", u.Login, in.New)
	if in.New.Equal(in.Old) {
		ch.add("new", "must differ from the old one")
	}
	if err := ch.err(); err != nil {
		return u, err
	}
	known, ok, err := s.verified(ctx, u.Login, in.Old, c.IP)
	if err == nil && (!ok || known.ID != u.ID) {
		err = fault.Invalid("old", "is not your password")
	}
	return u, err
}

// ResetPassword sets another user's password and ends all its sessions and
// tokens: whoever held them may be the reason for the reset.
func (s *Service) ResetPassword(ctx context.Context, c access.Caller, in ResetPasswordInput) error {
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		u, err := s.resettable(r, c, in.UserID)
		if err != nil {
			return err
		}
		var ch checks
		ch.password("password", u.Login, in.Password)
		return ch.err()
	})
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, in.Password)
	if err != nil {
		return err
	}
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		u, err := s.resettable(tx, c, in.UserID)
		if err != nil {
			return err
		}
		if err := s.replacePassword(tx, u.ID, in.Rev, hash); err != nil {
			return err
		}
		if err := s.endKeys(tx, u.ID); err != nil {
			return err
		}
		return s.record(tx, c, change{action: "user.reset", org: u.OrgID, root: u.RootID, thing: "user", id: u.ID})
	})
}

func (s *Service) resettable(r store.Reader, c access.Caller, user string) (User, error) {
	doc, err := s.managed(r, c, access.UserUpdate, user)
	if err == nil && user == c.UserID {
		err = fault.Forbidden("change your own password with the old one")
	}
	return doc.Value, err
}

func staleUser(user string) error {
	return fault.Conflict("user %q was changed meanwhile: read it again", user).With(store.ErrStale)
}

// replacePassword makes another password part of a new version of the user: of
// two who replace it at the same time, one hears of the other.
func (s *Service) replacePassword(tx store.Tx, user string, rev uint64, hash string) error {
	doc, err := s.users.Get(tx, user)
	if err != nil {
		return err
	}
	u := doc.Value
	u.Updated = s.cfg.Clock.Now()
	if _, err := s.users.Update(tx, u, rev); err != nil {
		return err
	}
	s.forget(tx)
	return s.setPassword(tx, user, hash)
}

// setPassword stores a hash of the same password, or of another one.
func (s *Service) setPassword(tx store.Tx, user, hash string) error {
	_, err := s.credentials.Update(tx, credential{UserID: user, Hash: hash, Changed: s.cfg.Clock.Now()}, 0)
	return err
}

// verified checks a password within the limits on tries. A login that does not
// exist takes as long as a wrong password and gives the same answer.
func (s *Service) verified(ctx context.Context, login string, p secret.Value, ip string) (User, bool, error) {
	if err := s.limits.Allow(login, ip); err != nil {
		return User{}, false, err
	}
	var u User
	var cred credential
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		doc, ok, err := s.users.By(r, usersByLogin, store.Key(login))
		if err != nil || !ok {
			return err
		}
		u = doc.Value
		c, _, err := s.credentials.Find(r, u.ID)
		cred = c.Value
		return err
	})
	if err != nil {
		return User{}, false, err
	}
	ok, err := s.hasher.Verify(ctx, cred.Hash, p)
	if err != nil {
		return User{}, false, err
	}
	if !ok {
		s.limits.Failed(login)
		return User{}, false, nil
	}
	s.limits.Succeeded(login)
	return u, true, nil
}

// rehash brings the hash of a password just verified to today's cost.
func (s *Service) rehash(ctx context.Context, u User, p secret.Value) (string, error) {
	var cred credential
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		doc, err := s.credentials.Get(r, u.ID)
		cred = doc.Value
		return err
	})
	if err != nil || !s.hasher.Stale(cred.Hash) {
		return "", err
	}
	return s.hasher.Hash(ctx, p)
}
