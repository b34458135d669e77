package job_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
)

// BenchmarkJobs measures jobs enqueued, started and finished on a real file
// with fsync, 64 workers, jobs enqueued by 64 callers; finished jobs are kept or
// dropped.
func BenchmarkJobs(b *testing.B) {
	b.Run("keep", func(b *testing.B) { benchmarkJobs(b, time.Hour) })
	b.Run("drop", func(b *testing.B) { benchmarkJobs(b, -1) })
}

func benchmarkJobs(b *testing.B, keep time.Duration) {
	st, err := bolt.Open(bolt.Options{Path: filepath.Join(b.TempDir(), "bench.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	q, err := job.New(job.Config{Store: st, Clock: clock.Real{}, Logger: slog.New(slog.DiscardHandler), KeepDone: keep})
	if err != nil {
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	handle := func(context.Context, job.Job) error {
		if left.Add(-1) == 0 {
			close(done)
		}
		return nil
	}
	if err := q.Register("noop", handle, job.Policy{}); err != nil {
		b.Fatal(err)
	}
	if err := q.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	enqueueAll(b, st, q, b.N)
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	if err := q.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func enqueueAll(b *testing.B, st store.Store, q *job.Queue, n int) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for next.Add(1) <= int64(n) {
				err := st.Update(b.Context(), func(tx store.Tx) error {
					_, err := q.Enqueue(tx, job.Job{Kind: "noop", OrgID: "org-1", Ref: "ref"})
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}
