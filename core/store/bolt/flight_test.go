package bolt

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"tradewind.example/core/store"
)

// hold is a commit that waits.
type hold struct {
	begun chan struct{} // closed when the commit has begun
	letGo chan struct{} // close it to let the commit end
}

// held makes the next commit wait until it is let go, and then end with cause.
func held(db *DB, cause error) hold {
	h := hold{begun: make(chan struct{}), letGo: make(chan struct{})}
	j := db.journal
	j.write = func(rows *layer) error {
		j.write = j.wal.append
		close(h.begun)
		<-h.letGo
		if cause != nil {
			return cause
		}
		return j.wal.append(rows)
	}
	return h
}

// overtake starts an update that writes "a", and while it is written, one that
// looks for "a" and writes "b". It returns what the second one saw each time it
// ran, and both results.
func overtake(t *testing.T, db *DB, cause error) (saw []bool, first, second error) {
	t.Helper()
	holds, ran := make(chan hold, 1), make(chan struct{}, 2)
	var group sync.WaitGroup
	group.Go(func() {
		first = db.Update(t.Context(), func(tx store.Tx) error {
			holds <- held(db, cause)
			return tx.Put("box", []byte("a"), []byte("1"))
		})
	})
	h := <-holds
	<-h.begun // an update that came earlier would be of the same batch
	group.Go(func() {
		second = db.Update(t.Context(), func(tx store.Tx) error {
			v, err := tx.Get("box", []byte("a"))
			saw = append(saw, v != nil)
			ran <- struct{}{}
			if err != nil {
				return err
			}
			return tx.Put("box", []byte("b"), nil)
		})
	})
	<-ran
	close(h.letGo)
	group.Wait()
	return saw, first, second
}

func TestUpdatesRunWhileABatchIsWritten(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	saw, first, second := overtake(t, db, nil)
	if first != nil || second != nil || len(saw) != 1 || !saw[0] {
		t.Errorf("the second update saw %v, errors %v and %v; want it to see what is being written", saw, first, second)
	}
}

func TestUpdatesOnALostBatchRunAgain(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	saw, first, second := overtake(t, db, syscall.ENOSPC)
	if first == nil || second != nil || len(saw) != 2 || !saw[0] || saw[1] {
		t.Errorf("the second update saw %v, errors %v and %v; want a second run without what was lost", saw, first, second)
	}
	err := db.View(t.Context(), func(r store.Reader) error {
		a, _ := r.Get("box", []byte("a"))
		b, err := r.Get("box", []byte("b"))
		if a != nil || b == nil {
			t.Errorf("stored: a %v, b %v; want only b", a, b)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpdatesOnABrokenStoreAreRefused(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	saw, first, second := overtake(t, db, syscall.EIO)
	if first == nil || second == nil || len(saw) != 1 {
		t.Errorf("the second update saw %v, errors %v and %v; want both refused", saw, first, second)
	}
}

// TestGrowthPastTheMapping: a file that outgrows its mapping is mapped anew
// while updates go on; nobody may hold the old mapping and wait.
func TestGrowthPastTheMapping(t *testing.T) {
	t.Parallel()
	db, err := Open(Options{Path: filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler), NoSync: true, InitialMmap: 1, LogBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				key := []byte(fmt.Sprintf("%d/%d", w, n))
				err := db.Update(t.Context(), func(tx store.Tx) error { return tx.Put("box", key, make([]byte, 8<<10)) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
