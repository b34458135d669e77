package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// storage is a host whose storage fails on demand: to a shelf it is what a cloud
// is to other plugins.
type storage struct {
	*plugintest.Host
	mu    sync.Mutex
	lose  bool          // a transaction is made and its answer lost
	delay time.Duration // what every answer takes
	empty bool          // nothing is left of any article
}

func (s *storage) set(change func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose, s.delay, s.empty = false, 0, false
	change()
	return nil
}

func (s *storage) LoseAnswers(context.Context) error { return s.set(func() { s.lose = true }) }

func (s *storage) Delay(_ context.Context, d time.Duration) error {
	return s.set(func() { s.delay = d })
}

func (s *storage) Clear(context.Context) error { return s.set(func() {}) }

func (s *storage) Refuse(_ context.Context, class fault.Class) error {
	if class != fault.ClassOutOfStock {
		return fault.Unsupported("a shelf refuses nothing with the class %s", class)
	}
	return s.set(func() { s.empty = true })
}

// wait takes as long as the storage does, and returns what is wrong with it now.
func (s *storage) wait(ctx context.Context) (lose, empty bool, err error) {
	s.mu.Lock()
	d := s.delay
	lose, empty = s.lose, s.empty
	s.mu.Unlock()
	if d == 0 {
		return lose, empty, nil
	}
	select {
	case <-time.After(d):
		return lose, empty, nil
	case <-ctx.Done():
		return false, false, fault.Unavailable("the storage was too slow").With(ctx.Err())
	}
}

func (s *storage) Get(ctx context.Context, scope provider.Scope, key string) ([]byte, uint64, error) {
	_, empty, err := s.wait(ctx)
	if err != nil {
		return nil, 0, err
	}
	if empty && strings.Contains(key, "/stock/") {
		return []byte(`{"count":0}`), 1, nil
	}
	return s.Host.Get(ctx, scope, key)
}

func (s *storage) Scan(ctx context.Context, scope provider.Scope, r provider.KeyRange, yield func(provider.KeyValue) error) error {
	if _, _, err := s.wait(ctx); err != nil {
		return err
	}
	return s.Host.Scan(ctx, scope, r, yield)
}

func (s *storage) Apply(ctx context.Context, scope provider.Scope, tx provider.Transaction) error {
	lose, _, err := s.wait(ctx)
	if err != nil {
		return err
	}
	err = s.Host.Apply(ctx, scope, tx)
	if err == nil && lose {
		return fault.Unknown(nil, "the storage's answer was lost")
	}
	return err
}

// fill puts so many boxes into an account.
func (s *storage) fill(t *testing.T, scope provider.Scope, account string, boxes int) {
	t.Helper()
	a := area{host: s.Host, scope: scope, at: "account/" + account + "/"}
	var tx provider.Transaction
	for i := range boxes {
		b := Box{ID: fmt.Sprintf("box-%07d", i), Article: "lamp", Token: fmt.Sprint("t", i)}
		raw, err := encode(b)
		if err != nil {
			t.Fatal(err)
		}
		tx.Writes = append(tx.Writes, provider.Write{Key: a.boxKey(b.ID), Value: raw})
		if len(tx.Writes) == provider.MaxStorageWrites || i == boxes-1 {
			if err := s.Host.Apply(t.Context(), scope, tx); err != nil {
				t.Fatal(err)
			}
			tx.Writes = nil
		}
	}
}
