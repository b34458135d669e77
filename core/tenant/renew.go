package tenant

import (
	"context"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// bell tells those who wait that something has changed. Safe for concurrent use.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next ring; nil while nobody waits
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// Changes returns a channel that is closed at the next change of what [Service.Renew]
// would answer to anybody, other than by the time that passes. Take it before
// the answer that it is to guard.
func (s *Service) Changes() <-chan struct{} { return s.changes.wait() }

// Renew returns a caller as it is now and when what it signed in with ends if it
// is not used again. active says that it was used just now, as by a request. An
// unauthenticated fault says that its session or token has ended, or that the
// user or its org may not sign in any more. For what lasts longer than a request.
func (s *Service) Renew(ctx context.Context, c access.Caller, active bool) (access.Caller, time.Time, error) {
	if c.System {
		return c, time.Time{}, nil
	}
	now := s.cfg.Clock.Now()
	if active {
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) error { return s.touchKey(tx, c, now) })
		if err != nil {
			return access.Caller{}, time.Time{}, err
		}
	}
	var end time.Time
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		k, err := s.keyOf(r, c)
		if err != nil {
			return err
		}
		if end = k.end; !now.Before(end) {
			return notSignedIn()
		}
		u, org, err := s.present(r, k.user)
		if fault.Is(err, fault.ClassNotFound) {
			return notSignedIn()
		}
		c.OrgID, c.RootID, c.Path, c.Roles, c.Scopes = u.OrgID, u.RootID, org.Path, u.Roles, k.scopes
		return err
	})
	if err != nil {
		return access.Caller{}, time.Time{}, err
	}
	return c, end, nil
}

// keyOf finds what a caller signed in with.
func (s *Service) keyOf(r store.Reader, c access.Caller) (key, error) {
	if c.TokenID != "" {
		doc, ok, err := s.tokens.Find(r, c.TokenID)
		if err != nil || !ok {
			return key{}, orNotSignedIn(err)
		}
		return tokenKey(doc.Value), nil
	}
	doc, ok, err := s.sessions.Find(r, c.SessionID)
	if err != nil || !ok {
		return key{}, orNotSignedIn(err)
	}
	return s.sessionKey(doc.Value), nil
}

func (s *Service) sessionKey(x sessionRow) key {
	return key{user: x.UserID, session: x.ID, used: x.LastSeen, end: s.sessionEnd(x.Session)}
}

func tokenKey(x tokenRow) key {
	return key{user: x.UserID, token: x.ID, scopes: x.Scopes, used: x.LastUsed, end: x.Expires}
}

// touchKey writes down that a caller's session or token is in use, unless it has
// ended.
func (s *Service) touchKey(tx store.Tx, c access.Caller, now time.Time) error {
	if c.TokenID != "" {
		return s.touchToken(tx, c.TokenID, now)
	}
	k, err := s.keyOf(tx, c)
	if err != nil || !now.Before(k.end) {
		return err
	}
	return s.touchSession(tx, c.SessionID, now)
}
