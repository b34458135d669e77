package bolt_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/core/store/storetest"
)

// TestContract holds bolt to the contract of the store.
func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return storetest.Open(t) })
}

// TestContractUnderCheckpoints holds it to the contract while checkpoints run
// all the time and many updates are too large for the log.
func TestContractUnderCheckpoints(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		db, err := bolt.Open(bolt.Options{
			Path: filepath.Join(t.TempDir(), "test.db"), Logger: slog.New(slog.DiscardHandler), NoSync: true, LogBytes: 256,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	})
}
