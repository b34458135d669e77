package bolt

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func openPlain(t *testing.T) *DB {
	t.Helper()
	db, err := Open(Options{Path: filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func write(t *testing.T, db *DB, key string) error {
	t.Helper()
	return db.Update(t.Context(), func(tx store.Tx) error { return tx.Put("box", []byte(key), nil) })
}

// failOnce fails the next commit; it is called in an update of it.
func failOnce(db *DB, cause error) {
	j := db.journal
	j.write = func(*layer) error {
		j.write = j.wal.append
		return cause
	}
}

func TestFailedCommits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		cause   error
		outcome fault.Outcome
		goesOn  bool
	}{
		"DiskFull": {"a full disk has changed nothing and may get room", fmt.Errorf("write: %w", syscall.ENOSPC), fault.OutcomeNotDone, true},
		"Quota":    {"so is a used-up quota", syscall.EDQUOT, fault.OutcomeNotDone, true},
		"IO":       {"after a failed write nobody knows what the disk holds", syscall.EIO, fault.OutcomeUnknown, false},
		"Other":    {"nor after any other failure", errors.New("boom"), fault.OutcomeUnknown, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openPlain(t)
			if err := write(t, db, "before"); err != nil {
				t.Fatal(err)
			}
			err := db.Update(t.Context(), func(tx store.Tx) error {
				tx.OnCommit(func() { t.Errorf("%s: the hook ran", tc.reason) })
				failOnce(db, tc.cause)
				return tx.Put("box", []byte("lost"), nil)
			})
			if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != tc.outcome || !errors.Is(err, tc.cause) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			after := write(t, db, "after")
			if (after == nil) != tc.goesOn {
				t.Errorf("%s: the next update ends with %v", tc.reason, after)
			}
			if !tc.goesOn && fault.OutcomeOf(after) != fault.OutcomeNotDone {
				t.Errorf("%s: an update that was refused is certainly not done: %v", tc.reason, after)
			}
			err = db.View(t.Context(), func(r store.Reader) error {
				v, err := r.Get("box", []byte("lost"))
				if v != nil {
					t.Errorf("%s: the lost write is there", tc.reason)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: reading: %v", tc.reason, err)
			}
		})
	}
}

// TestLostBatchTakesItsVerdictsAlong: an update that failed because of what it
// read in a batch that is lost must not report that as a fact.
func TestLostBatchTakesItsVerdictsAlong(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		first <- db.Update(t.Context(), func(tx store.Tx) error {
			close(inside)
			<-leave
			failOnce(db, syscall.ENOSPC)
			return tx.Put("box", []byte("a"), nil)
		})
	}()
	<-inside
	go func() {
		second <- db.Update(t.Context(), func(tx store.Tx) error {
			if v, _ := tx.Get("box", []byte("a")); v != nil {
				return fault.Conflict("it exists already")
			}
			return nil
		})
	}()
	for queued := false; !queued; {
		db.queue.mu.Lock()
		queued = len(db.queue.items) == 1
		db.queue.mu.Unlock()
	}
	close(leave)
	for _, err := range []error{<-first, <-second} {
		if !fault.Is(err, fault.ClassUnavailable) {
			t.Errorf("got %v, want unavailable", err)
		}
	}
}
