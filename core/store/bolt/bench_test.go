package bolt_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// The benchmarks write one small posting of 100 bytes per operation on a real
// file with fsync: through group commit, and bare bbolt for comparison.

var posting = make([]byte, 100)

func BenchmarkGroupCommit(b *testing.B) {
	for _, writers := range []int{1, 8, 64, 1024} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			db, err := bolt.Open(bolt.Options{Path: filepath.Join(b.TempDir(), "bench.db"), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			each(b, writers, func() error {
				return db.Update(b.Context(), func(tx store.Tx) error { return tx.Put("posting", []byte(id.New()), posting) })
			})
			s := db.Stats()
			b.ReportMetric(float64(s.Updates)/float64(s.Commits), "updates/commit")
		})
	}
}

func BenchmarkBareBatch(b *testing.B)  { bare(b, (*bbolt.DB).Batch) }
func BenchmarkBareUpdate(b *testing.B) { bare(b, (*bbolt.DB).Update) }

func bare(b *testing.B, commit func(*bbolt.DB, func(*bbolt.Tx) error) error) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "bench.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("posting")); return err })
			if err != nil {
				b.Fatal(err)
			}
			each(b, writers, func() error {
				return commit(db, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("posting")).Put([]byte(id.New()), posting) })
			})
		})
	}
}

// each runs b.N operations by so many writers and reports operations per second.
func each(b *testing.B, writers int, do func() error) {
	b.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range writers {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := do(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
