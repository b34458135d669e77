package job_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
)

// victimEnv, when set, makes the test binary the process that is killed.
const victimEnv = "TRADEWIND_TEST_KILL_JOBS"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		fmt.Fprintln(os.Stderr, victim(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// worker opens the store and starts a queue whose jobs note each of their
// attempts; every third fails its first one.
func worker(path string) (*bolt.DB, *job.Queue, error) {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	q, err := job.New(job.Config{Store: db, Clock: clock.Real{}, Logger: slog.New(slog.DiscardHandler), Workers: 16})
	if err != nil {
		return nil, nil, err
	}
	handle := func(ctx context.Context, j job.Job) error {
		if err := db.Update(ctx, func(tx store.Tx) error { return tx.Put("attempts", store.Key(j.ID, j.Attempt), nil) }); err != nil {
			return err
		}
		if j.Ref == "0" && j.Attempt == 1 {
			return errBoom
		}
		return db.Update(ctx, func(tx store.Tx) error {
			return errors.Join(tx.Put("effects", store.Key(j.ID), nil), q.Complete(tx, j))
		})
	}
	policy := job.Policy{Backoff: func(int) time.Duration { return time.Millisecond }}
	return db, q, errors.Join(q.Register("work", handle, policy), q.Start(context.Background()))
}

// victim enqueues and runs jobs until it is killed and prints the id of each
// one whose enqueueing was acknowledged.
func victim(path string) error {
	db, q, err := worker(path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	failed := make(chan error)
	for range 4 {
		go func() {
			for n := 0; ; n++ {
				var j job.Job
				err := db.Update(context.Background(), func(tx store.Tx) (err error) {
					j, err = q.Enqueue(tx, job.Job{Kind: "work", Ref: fmt.Sprint(n % 3)})
					return err
				})
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println(j.ID)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKill9 kills a process that enqueues and runs jobs again and again:
// afterwards every acknowledged job has run to its end, and no attempt ran whose
// number was not stored before.
func TestKill9(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	path := filepath.Join(t.TempDir(), "kill.db")
	acknowledged := map[string]bool{}
	for range rounds {
		killOnce(t, path, 1+rand.IntN(120), acknowledged)
	}
	db, q, err := worker(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	drain(t, db, q)
	if err := q.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	again := 0
	err = db.View(t.Context(), func(r store.Reader) error {
		for id := range acknowledged {
			if v, err := r.Get("effects", store.Key(id)); err != nil || v == nil {
				t.Errorf("the acknowledged job %q has no effect: %v", id, err)
			}
		}
		return store.NewCollection("job", func(j *job.Job) string { return j.ID }).Each(r, store.Query{Limit: store.NoLimit},
			func(d store.Doc[job.Job]) error {
				again += d.Value.Attempt - 1
				return checkAttempts(t, r, d.Value)
			})
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d jobs were acknowledged over %d kills, %d attempts were repeated", len(acknowledged), rounds, again)
}

// checkAttempts: a handler may die before its first write, so that an attempt
// may be missing; the last one of a finished job is there and none is above it.
func checkAttempts(t *testing.T, r store.Reader, j job.Job) error {
	if j.State != job.StateDone {
		t.Errorf("job %q is %s: %s", j.ID, j.State, j.LastError)
	}
	last, err := r.Get("attempts", store.Key(j.ID, j.Attempt))
	if err == nil && last == nil {
		t.Errorf("job %q is done at attempt %d, which never ran", j.ID, j.Attempt)
	}
	over, err2 := r.Get("attempts", store.Key(j.ID, j.Attempt+1))
	if over != nil {
		t.Errorf("job %q ran attempt %d, which was never stored", j.ID, j.Attempt+1)
	}
	return errors.Join(err, err2)
}

func killOnce(t *testing.T, path string, after int, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = []string{victimEnv + "=" + path}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if len(lines.Text()) == len("0190f5fe-7c00-7a3b-8d2e-0123456789ab") {
			acknowledged[lines.Text()] = true
		}
		if n == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait()
	if cmd.ProcessState.Exited() {
		t.Fatalf("the worker ended by itself: %v", cmd.ProcessState)
	}
}

// drain waits until no job is ready or running.
func drain(t *testing.T, db *bolt.DB, q *job.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for left := 1; left > 0; {
		left = 0
		err := db.View(t.Context(), func(r store.Reader) error {
			for _, s := range []job.State{job.StateReady, job.StateRunning, job.StateParked} {
				p, err := q.List(r, job.Filter{State: s, Limit: 1})
				if err != nil {
					return err
				}
				left += len(p.Items)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the jobs do not come to an end")
		}
	}
}
