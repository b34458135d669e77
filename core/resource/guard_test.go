package resource_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/resource"
	"tradewind.example/sdk/fault"
)

// sessions has one session, which ends when it is idle for an hour.
type sessions struct {
	mu    sync.Mutex
	now   func() time.Time
	used  time.Time
	fresh *access.Caller // the caller as it is by now
	rung  chan struct{}
}

func (s *sessions) Changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rung
}

func (s *sessions) Renew(_ context.Context, c access.Caller, active bool) (access.Caller, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.used.Add(time.Hour)
	if !s.now().Before(end) {
		return c, end, fault.Unauthenticated("it has ended")
	}
	if active {
		s.used, end = s.now(), s.now().Add(time.Hour)
	}
	if s.fresh != nil {
		c = *s.fresh
	}
	return c, end, nil
}

// become makes every caller another one and tells so.
func (s *sessions) become(c access.Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = &c
	close(s.rung)
	s.rung = make(chan struct{})
}

// attend makes a service whose consoles end with their sessions.
func (w *world) attend() *sessions {
	s := &sessions{now: w.clock.Now, used: w.clock.Now(), rung: make(chan struct{})}
	w.svc = must(resource.New(resource.Config{
		Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
		Authority: must(access.New(access.Config{Directory: orgs{}})), Accounts: w,
		Keys: must(idempotency.New(idempotency.Config{Clock: w.clock})), Sealer: w.sealer, Jobs: w.jobs, Plugins: plugins{w.cloud}, Sessions: s,
	}))
	return s
}

// waiting opens a console that only its guard ends.
func (w *world) waiting() (*resource.Console, <-chan error) {
	w.t.Helper()
	r := w.add("i-1")
	got := must(w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID, Command: []string{"wait"}}))
	k := must(w.svc.OpenConsole(w.ctx, r.ID, got.Ticket.Reveal(), ""))
	ended := make(chan error, 1)
	go func() {
		_, err := k.Run(w.ctx, nil, ignoring)
		ended <- err
	}()
	return k, ended
}

// TestAnIdleSessionEndsItsConsole unless its user types.
func TestAnIdleSessionEndsItsConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.attend()
	k, ended := w.waiting()
	typing := 3 * time.Hour
	for {
		if w.clock.Now().Sub(start) < typing {
			k.Typed()
		}
		select {
		case err := <-ended:
			if lasted := w.clock.Now().Sub(start); !fault.Is(err, fault.ClassUnauthenticated) || lasted < typing+time.Hour-5*time.Minute {
				t.Errorf("the console ended after %s: %v", lasted, err)
			}
			if trail := w.trail(); len(trail) != 2 || !strings.Contains(trail[1], `"why":"the session`) {
				t.Errorf("audit %q", trail)
			}
			return
		case <-time.After(time.Millisecond):
			if w.clock.Waiters() > 0 { // the guard has looked and waits
				w.clock.Advance(time.Minute)
			}
		}
	}
}

// TestAConsoleEndsWhenItsCallerChanges without any time that passes.
func TestAConsoleEndsWhenItsCallerChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.attend()
	_, ended := w.waiting()
	s.become(caller(customer, access.RoleCustomerAdmin)) // nothing that matters
	s.become(caller(customer, access.RoleAuditor))
	if err := <-ended; !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("the console ended with %v", err)
	}
	if now := w.clock.Now(); !now.Equal(start) {
		t.Errorf("%s had to pass", now.Sub(start))
	}
}

// TestATicketIsOfItsSession: who signs out between the ticket and the socket gets
// no console.
func TestATicketIsOfItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.attend()
	r := w.add("i-1")
	got := must(w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID}))
	s.used = start.Add(-2 * time.Hour)
	if _, err := w.svc.OpenConsole(w.ctx, r.ID, got.Ticket.Reveal(), ""); !fault.Is(err, fault.ClassUnauthenticated) {
		t.Errorf("the session has ended: %v", err)
	}
}
