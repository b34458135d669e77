// Package storetest holds the suite that every implementation of the store
// contract passes ([Run]) and opens stores for the tests of the domain
// ([Open], [Check]).
//
// It is for tests only. Everything it opens is closed, and checked, at the end
// of the test that opened it.
package storetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/fault"
)

// Open returns an empty store in a temporary file. It does not wait for the
// disk, and is closed when the test ends, after the checks of [Check] and one
// of the file itself.
func Open(t testing.TB) store.Store {
	t.Helper()
	db, err := bolt.Open(bolt.Options{
		Path: filepath.Join(t.TempDir(), "test.db"), Logger: slog.New(slog.DiscardHandler), NoSync: true,
	})
	if err != nil {
		t.Fatalf("opening a test store: %v", err)
	}
	t.Cleanup(func() {
		err := db.Check(context.WithoutCancel(t.Context()))
		if closed := fault.Is(err, fault.ClassUnavailable); err != nil && !closed {
			t.Errorf("the file of the test store is damaged: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("closing the test store: %v", err)
		}
	})
	return db
}

// Check runs an invariant over the store when the test ends, before the store
// is closed: storetest.Check(t, st, ledger.Verify).
func Check(t testing.TB, st store.Store, invariant func(store.Reader) error) {
	t.Helper()
	t.Cleanup(func() {
		if err := st.View(context.WithoutCancel(t.Context()), invariant); err != nil {
			t.Errorf("the invariant does not hold at the end of the test: %v", err)
		}
	})
}
