package tenant

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// notSignedIn is the one answer to a bearer that is not good (any more).
func notSignedIn() error {
	return fault.Unauthenticated("the session or token is not valid: sign in again")
}

// Authenticate returns who stands behind a bearer. The caller's slices are
// shared between requests: treat it as read-only and set RequestID and IP on
// the copy.
func (s *Service) Authenticate(ctx context.Context, bearer string) (access.Caller, error) {
	if len(bearer) > maxBearer || !strings.HasPrefix(bearer, "tw") {
		return access.Caller{}, notSignedIn()
	}
	h, now := sha256.Sum256([]byte(bearer)), s.cfg.Clock.Now()
	e, ok := s.callers.get(h, now)
	if !ok {
		var err error
		if e, err = s.resolve(ctx, bearer, h, now); err != nil {
			return access.Caller{}, err
		}
	}
	s.touch(ctx, e, now)
	return e.caller, nil
}

// key is what a session and a token have in common.
type key struct {
	user           string
	session, token string // the id, of one of them
	scopes         []access.Right
	used           time.Time
	end            time.Time
}

// resolve reads the caller from the store and remembers it.
func (s *Service) resolve(ctx context.Context, bearer string, h bearerHash, now time.Time) (*cachedCaller, error) {
	// The generation is read before the store: a change that commits later
	// makes this entry stale, whatever was read.
	e := &cachedCaller{generation: s.callers.generation.Load()}
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		k, err := s.find(r, bearer, h)
		if err != nil {
			return err
		}
		if !now.Before(k.end) {
			return notSignedIn()
		}
		u, org, err := s.present(r, k.user)
		if fault.Is(err, fault.ClassNotFound) {
			return notSignedIn()
		}
		e.caller = access.Caller{UserID: u.ID, OrgID: u.OrgID, RootID: u.RootID, Path: org.Path, Roles: u.Roles,
			Scopes: k.scopes, SessionID: k.session, TokenID: k.token}
		e.until = earlier(now.Add(s.cfg.CacheLife), k.end)
		e.touchAt.Store(k.used.Add(s.cfg.TouchEvery).UnixNano())
		return err
	})
	if err != nil {
		return nil, err
	}
	s.callers.put(h, e)
	return e, nil
}

// find looks the bearer up by its hash, so the comparison tells nothing of it.
func (s *Service) find(r store.Reader, bearer string, h bearerHash) (key, error) {
	if strings.HasPrefix(bearer, sessionMark) {
		doc, ok, err := s.sessions.By(r, rowsByHash, store.Key(h[:]))
		if err != nil || !ok {
			return key{}, orNotSignedIn(err)
		}
		return s.sessionKey(doc.Value), nil
	}
	doc, ok, err := s.tokens.By(r, rowsByHash, store.Key(h[:]))
	if err != nil || !ok {
		return key{}, orNotSignedIn(err)
	}
	return tokenKey(doc.Value), nil
}

func orNotSignedIn(err error) error {
	if err == nil {
		return notSignedIn()
	}
	return err
}

// sessionEnd is when a session ends if it is not used again.
func (s *Service) sessionEnd(x Session) time.Time {
	return earlier(x.LastSeen.Add(s.cfg.SessionIdle), x.Expires)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// touch writes down that the key is in use, once per TouchEvery: one request
// pays for it, the others pass. It is no change that makes callers stale, and
// a failure to note it is no reason to refuse the caller.
func (s *Service) touch(ctx context.Context, e *cachedCaller, now time.Time) {
	due := e.touchAt.Load()
	if now.UnixNano() < due || !e.touchAt.CompareAndSwap(due, now.Add(s.cfg.TouchEvery).UnixNano()) {
		return
	}
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if e.caller.TokenID != "" {
			return s.touchToken(tx, e.caller.TokenID, now)
		}
		return s.touchSession(tx, e.caller.SessionID, now)
	})
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "last use not written", slog.String("user", e.caller.UserID), slog.Any("error", err))
	}
}

func (s *Service) touchSession(tx store.Tx, session string, now time.Time) error {
	doc, ok, err := s.sessions.Find(tx, session)
	if err != nil || !ok || !now.After(doc.Value.LastSeen) {
		return err
	}
	doc.Value.LastSeen = now
	_, err = s.sessions.Update(tx, doc.Value, 0)
	return err
}

func (s *Service) touchToken(tx store.Tx, token string, now time.Time) error {
	doc, ok, err := s.tokens.Find(tx, token)
	if err != nil || !ok || !now.After(doc.Value.LastUsed) {
		return err
	}
	doc.Value.LastUsed = now
	_, err = s.tokens.Update(tx, doc.Value, 0)
	return err
}
