package tenant

import (
	"context"
	"fmt"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// CreateToken makes an API token for the caller. Its scopes are among the
// caller's rights; losing a right later takes it from the token too. Making
// one takes a session: a token cannot prolong itself.
func (s *Service) CreateToken(ctx context.Context, c access.Caller, in CreateTokenInput) (CreatedToken, error) {
	if err := ownKeys(c); err != nil {
		return CreatedToken{}, err
	}
	if c.SessionID == "" {
		return CreatedToken{}, fault.Forbidden("sign in to make a token: a token cannot")
	}
	if err := s.checkToken(c, in); err != nil {
		return CreatedToken{}, err
	}
	bearer, hash, err := newBearer(tokenMark)
	if err != nil {
		return CreatedToken{}, err
	}
	row := tokenRow{Hash: hash[:], Token: Token{ID: id.New(), UserID: c.UserID, OrgID: c.OrgID, Name: in.Name,
		Scopes: in.Scopes, Created: s.cfg.Clock.Now(), Expires: in.Expires.UTC()}}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error { return s.insertToken(tx, c, row) })
	if err != nil {
		return CreatedToken{}, err
	}
	return CreatedToken{Bearer: bearer, Token: row.Token}, nil
}

func (s *Service) checkToken(c access.Caller, in CreateTokenInput) error {
	var ch checks
	ch.name("name", in.Name)
	if len(in.Scopes) == 0 {
		ch.add("scopes", "at least one right is required")
	}
	for i, right := range in.Scopes {
		if !s.access.Has(c, right) || slices.Contains(in.Scopes[:i], right) {
			ch.add(fmt.Sprintf("scopes[%d]", i), "must be a right of yours, named once")
		}
	}
	now := s.cfg.Clock.Now()
	if !in.Expires.After(now) || in.Expires.After(now.Add(s.cfg.TokenLife)) {
		ch.add("expires", "must lie within the next %s", s.cfg.TokenLife)
	}
	return ch.err()
}

func (s *Service) insertToken(tx store.Tx, c access.Caller, row tokenRow) error {
	if err := s.access.Check(tx, c, access.TokenCreate, access.Target{OrgID: c.OrgID, Thing: "token"}); err != nil {
		return err
	}
	if _, _, err := s.present(tx, c.UserID); err != nil {
		return err
	}
	rows, err := keysOf(tx, s.tokens, c.UserID)
	if err != nil {
		return err
	}
	if len(rows) >= s.cfg.TokensMax {
		return fault.New(fault.ClassQuota, "you have %d tokens: revoke one first", len(rows))
	}
	if _, err := s.tokens.Insert(tx, row); err != nil {
		return err
	}
	return s.record(tx, c, change{action: access.TokenCreate, org: c.OrgID, root: c.RootID, thing: "token",
		id: row.ID, after: row.Token})
}

// ListTokens returns a page of a user's tokens, newest first, without bearers.
func (s *Service) ListTokens(ctx context.Context, c access.Caller, in ListKeysInput) (store.Page[Token], error) {
	rows, err := listKeys(ctx, s, c, access.TokenRead, s.tokens, in)
	return pageOf(rows, func(x tokenRow) Token { return x.Token }), err
}

// RevokeToken ends a token, the caller's own or one in its reach.
func (s *Service) RevokeToken(ctx context.Context, c access.Caller, token string) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.tokens.Get(tx, token)
		if err != nil {
			return err
		}
		if err := s.ownOrAllowed(tx, c, access.TokenDelete, "token", token, doc.Value.UserID); err != nil {
			return err
		}
		if err := s.tokens.Delete(tx, token, 0); err != nil {
			return err
		}
		s.forget(tx)
		return s.record(tx, c, change{action: access.TokenDelete, org: doc.Value.OrgID, root: c.RootID,
			thing: "token", id: token, before: doc.Value.Token})
	})
}
