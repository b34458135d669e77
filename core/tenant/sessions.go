package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The marks by which a bearer shows what it is, to people and to scanners.
const (
	sessionMark = "tws_"
	tokenMark   = "tw_"
)

const (
	bearerBytes = 32
	maxBearer   = 128
)

// newBearer returns a random bearer of 256 bits and the hash that is kept.
func newBearer(mark string) (secret.Value, bearerHash, error) {
	raw := make([]byte, bearerBytes)
	if _, err := rand.Read(raw); err != nil {
		return secret.Value{}, bearerHash{}, fault.Internal(err, "no randomness")
	}
	text := mark + base64.RawURLEncoding.EncodeToString(raw)
	return secret.New(text), sha256.Sum256([]byte(text)), nil
}

// wrongLogin is the one answer to a sign-in that fails for any reason of its own.
func wrongLogin() error { return fault.Unauthenticated("the login or the password is wrong") }

// SignIn checks a password and opens a session.
func (s *Service) SignIn(ctx context.Context, in SignInInput) (SignedIn, error) {
	login := normalLogin(in.Login)
	if len(login) > maxLogin || len(in.Password.Reveal()) > maxBearer*4 {
		return SignedIn{}, wrongLogin()
	}
	u, ok, err := s.verified(ctx, login, in.Password, in.IP)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok || u.State != UserActive {
		return SignedIn{}, wrongLogin()
	}
	fresh, err := s.rehash(ctx, u, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	bearer, hash, err := newBearer(sessionMark)
	if err != nil {
		return SignedIn{}, err
	}
	now := s.cfg.Clock.Now()
	row := sessionRow{Hash: hash[:], Session: Session{ID: id.New(), UserID: u.ID, OrgID: u.OrgID, IP: in.IP,
		UserAgent: clip(in.UserAgent), Created: now, LastSeen: now, Expires: now.Add(s.cfg.SessionLife)}}
	out := SignedIn{Bearer: bearer, Session: row.Session}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
		out.User, out.Org, err = s.open(tx, row, fresh)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// open stores a session of a user who is still there; fresh replaces the hash
// of its password unless empty.
func (s *Service) open(tx store.Tx, row sessionRow, fresh string) (User, Org, error) {
	u, org, err := s.present(tx, row.UserID)
	if err != nil {
		return u, org, wrongLogin()
	}
	if fresh != "" {
		if err := s.setPassword(tx, u.ID, fresh); err != nil {
			return u, org, err
		}
	}
	if err := s.dropOldSessions(tx, u.ID); err != nil {
		return u, org, err
	}
	if _, err := s.sessions.Insert(tx, row); err != nil {
		return u, org, err
	}
	who := access.Caller{UserID: u.ID, OrgID: u.OrgID}
	return u, org, s.record(tx, who, change{action: "session.create", org: u.OrgID, root: u.RootID,
		thing: "session", id: row.ID, after: row.Session})
}

// present returns a user who may act now, with its org.
func (s *Service) present(r store.Reader, user string) (User, Org, error) {
	u, err := s.UserTx(r, user)
	if err != nil {
		return u, Org{}, err
	}
	org, err := s.OrgTx(r, u.OrgID)
	if err != nil {
		return u, org, err
	}
	if u.State != UserActive || org.State != OrgActive {
		return u, org, notSignedIn()
	}
	return u, org, nil
}

// dropOldSessions makes room for one more session: those that ended go, and
// the oldest when there are too many.
func (s *Service) dropOldSessions(tx store.Tx, user string) error {
	rows, err := keysOf(tx, s.sessions, user)
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	live := slices.DeleteFunc(slices.Clone(rows), func(x sessionRow) bool { return !now.Before(s.sessionEnd(x.Session)) })
	keep := live[max(0, len(live)-s.cfg.SessionsMax+1):]
	for _, x := range rows {
		if slices.ContainsFunc(keep, func(k sessionRow) bool { return k.ID == x.ID }) {
			continue
		}
		if err := s.sessions.Delete(tx, x.ID, 0); err != nil {
			return err
		}
		s.forget(tx)
	}
	return nil
}

// SignOut ends the caller's session.
func (s *Service) SignOut(ctx context.Context, c access.Caller) error {
	if err := ownKeys(c); err != nil {
		return err
	}
	if c.SessionID == "" {
		return fault.Precondition("a token has no session: revoke it instead")
	}
	return s.EndSession(ctx, c, c.SessionID)
}

// EndSession ends a session, the caller's own or one in its reach.
func (s *Service) EndSession(ctx context.Context, c access.Caller, session string) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.sessions.Get(tx, session)
		if err != nil {
			return err
		}
		if err := s.ownOrAllowed(tx, c, access.SessionDelete, "session", session, doc.Value.UserID); err != nil {
			return err
		}
		if err := s.sessions.Delete(tx, session, 0); err != nil {
			return err
		}
		s.forget(tx)
		return s.record(tx, c, change{action: access.SessionDelete, org: doc.Value.OrgID, root: c.RootID,
			thing: "session", id: session, before: doc.Value.Session})
	})
}

// ownOrAllowed admits a user to its own sessions and tokens, and others by
// right; who ends another's must outrank it.
func (s *Service) ownOrAllowed(r store.Reader, c access.Caller, right access.Right, thing, key, user string) error {
	if user == c.UserID && c.Scopes == nil {
		return nil
	}
	u, err := s.UserTx(r, user)
	if err != nil {
		return err
	}
	if err := s.access.Check(r, c, right, access.Target{OrgID: u.OrgID, Thing: thing, ID: key}); err != nil {
		return err
	}
	if right == right.Reading() || user == c.UserID {
		return nil
	}
	for _, role := range u.Roles {
		if !c.System && !access.MayGrant(c.Roles, role) {
			return fault.Forbidden("your roles do not outrank the user's %q", role)
		}
	}
	return nil
}

// ListSessions returns a page of a user's sessions, newest first.
func (s *Service) ListSessions(ctx context.Context, c access.Caller, in ListKeysInput) (store.Page[Session], error) {
	rows, err := listKeys(ctx, s, c, access.SessionRead, s.sessions, in)
	return pageOf(rows, func(x sessionRow) Session { return x.Session }), err
}

func listKeys[T any](ctx context.Context, s *Service, c access.Caller, right access.Right, rows *store.Collection[T], in ListKeysInput) (store.Page[T], error) {
	orString(&in.UserID, c.UserID)
	var page store.Page[T]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if err := s.ownOrAllowed(r, c, right, "user", in.UserID, in.UserID); err != nil {
			return err
		}
		var err error
		page, err = rows.List(r, store.Query{Index: rowsByUser, Prefix: store.Key(in.UserID),
			Cursor: in.Cursor, Limit: in.Limit, Reverse: !in.OldestFirst})
		return err
	})
	return page, err
}

func pageOf[T, U any](p store.Page[T], show func(T) U) store.Page[U] {
	out := store.Page[U]{Next: p.Next, Items: make([]store.Doc[U], len(p.Items))}
	for i, d := range p.Items {
		out.Items[i] = store.Doc[U]{Value: show(d.Value), Rev: d.Rev}
	}
	return out
}

// clip keeps a foreign header short and printable.
func clip(s string) string {
	var ch checks
	if ch.text("", s, maxName); ch.fields != nil {
		return ""
	}
	return s
}
