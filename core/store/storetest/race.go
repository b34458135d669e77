package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func hookCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Hook/OnceOnSuccess":  {"a hook runs once, before Update returns", hookOnce},
		"Hook/NotOnError":     {"a hook of a failed update never runs", hookNotOnError},
		"Hook/NotOnPanic":     {"a hook of a failed update never runs", hookNotOnPanic},
		"Hook/InOrder":        {"hooks run in the order they were given", hooksInOrder},
		"Hook/SeesCommit":     {"a hook runs after the writes can be read", hookSeesCommit},
		"Hook/MayUpdate":      {"a hook may open a transaction", hookMayUpdate},
		"Hook/PanicIsNoError": {"a hook cannot make a durable update fail", hookPanics},
		"Hook/Concurrent":     {"each of many updates runs its own hook", hooksConcurrent},
	}
}

func hookOnce(t *testing.T, st store.Store) {
	n := 0
	update(t, st, func(tx store.Tx) error {
		tx.OnCommit(func() { n++ })
		return putAll(tx, "a")
	})
	put(t, st, "b")
	if n != 1 {
		t.Errorf("the hook ran %d times", n)
	}
}

func hookNotOnError(t *testing.T, st store.Store) {
	fails(t, st, func(tx store.Tx) error {
		tx.OnCommit(func() { t.Error("the hook ran") })
		return putAll(tx, "a")
	})
	put(t, st, "b")
}

func hookNotOnPanic(t *testing.T, st store.Store) {
	_ = st.Update(t.Context(), func(tx store.Tx) error {
		tx.OnCommit(func() { t.Error("the hook ran") })
		panic("boom")
	})
	put(t, st, "b")
}

func hooksInOrder(t *testing.T, st store.Store) {
	var got []int
	update(t, st, func(tx store.Tx) error {
		for i := range 5 {
			tx.OnCommit(func() { got = append(got, i) })
		}
		return nil
	})
	if fmt.Sprint(got) != "[0 1 2 3 4]" {
		t.Errorf("ran in the order %v", got)
	}
}

func hookSeesCommit(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		tx.OnCommit(func() { want(t, st, "a") })
		return putAll(tx, "a")
	})
}

func hookMayUpdate(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		tx.OnCommit(func() { put(t, st, "b") })
		return putAll(tx, "a")
	})
	want(t, st, "a", "b")
}

func hookPanics(t *testing.T, st store.Store) {
	ran := false
	update(t, st, func(tx store.Tx) error {
		tx.OnCommit(func() { panic("boom") })
		tx.OnCommit(func() { ran = true })
		return putAll(tx, "a")
	})
	want(t, st, "a")
	if !ran {
		t.Error("the hook after the panicking one did not run")
	}
}

func hooksConcurrent(t *testing.T, st store.Store) {
	var ran atomic.Int64
	together(32, func(i int) {
		_ = st.Update(t.Context(), func(tx store.Tx) error {
			tx.OnCommit(func() { ran.Add(1) })
			if i%4 == 0 {
				return errBoom
			}
			return tx.Put(box, store.Key(i), nil)
		})
	})
	if ran.Load() != 24 {
		t.Errorf("%d hooks ran, want 24", ran.Load())
	}
}

func together(n int, do func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { do(i) })
	}
	group.Wait()
}

func raceCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Race/Increments":        {"no increment is lost", increments},
		"Race/FailuresAmongThem": {"a failing update takes no neighbour with it", failuresAmong},
		"Race/EndingsAmongThem":  {"panics and ended goroutines take no neighbour with them", endingsAmong},
		"Race/SnapshotIsStill":   {"a view sees one state to its end", snapshotStill},
		"Race/PairsAreWhole":     {"a view never sees half an update", pairsWhole},
		"Race/UniqueInsert":      {"of many inserts of one unique key, one wins", uniqueInsertRace},
		"Race/SameID":            {"of many inserts of one id, one wins", sameIDRace},
		"Race/CompareAndSet":     {"of many updates of one revision, one wins", compareAndSetRace},
		"Race/ReadAfterReturn":   {"what Update has acknowledged, every later View sees", readAfterReturn},
	}
}

func counter(r store.Reader, key string) (uint64, error) {
	v, err := r.Get(box, []byte(key))
	if err != nil || v == nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

func add(tx store.Tx, key string, n uint64) error {
	have, err := counter(tx, key)
	if err != nil {
		return err
	}
	return tx.Put(box, []byte(key), binary.BigEndian.AppendUint64(nil, have+n))
}

func wantCounter(t *testing.T, st store.Store, key string, want uint64) {
	t.Helper()
	view(t, st, func(r store.Reader) error {
		got, err := counter(r, key)
		if got != want {
			t.Errorf("%q counts %d, want %d", key, got, want)
		}
		return err
	})
}

func increments(t *testing.T, st store.Store) {
	together(32, func(int) {
		for range 25 {
			if err := st.Update(t.Context(), func(tx store.Tx) error { return add(tx, "n", 1) }); err != nil {
				t.Error(err)
			}
		}
	})
	wantCounter(t, st, "n", 32*25)
}

func failuresAmong(t *testing.T, st store.Store) {
	together(32, func(i int) {
		for round := range 25 {
			err := st.Update(t.Context(), func(tx store.Tx) error {
				if err := add(tx, "n", 1); err != nil {
					return err
				}
				if (i+round)%3 == 0 {
					return errBoom
				}
				return add(tx, "m", 1)
			})
			if (err != nil) != ((i+round)%3 == 0) {
				t.Errorf("writer %d round %d: %v", i, round, err)
			}
		}
	})
	view(t, st, func(r store.Reader) error {
		n, _ := counter(r, "n")
		m, err := counter(r, "m")
		if n != m || n == 0 {
			t.Errorf("counted %d and %d, want the same", n, m)
		}
		return err
	})
}

func endingsAmong(t *testing.T, st store.Store) {
	var stored atomic.Uint64
	together(32, func(i int) {
		for range 10 {
			err := st.Update(t.Context(), func(tx store.Tx) error {
				err := add(tx, "n", 1)
				switch i % 4 {
				case 0:
					panic("boom")
				case 1:
					runtime.Goexit()
				}
				return err
			})
			if err == nil {
				stored.Add(1)
			}
		}
	})
	if stored.Load() != 160 {
		t.Errorf("%d updates were acknowledged, want 160", stored.Load())
	}
	wantCounter(t, st, "n", stored.Load())
}

func snapshotStill(t *testing.T, st store.Store) {
	put(t, st, "a")
	view(t, st, func(r store.Reader) error {
		put(t, st, "b", "c")
		got, err := keysOf(r, store.Range{Limit: store.NoLimit})
		if join(got) != "a" {
			t.Errorf("the snapshot sees %q", got)
		}
		return err
	})
	want(t, st, "a", "b", "c")
}

func pairsWhole(t *testing.T, st store.Store) {
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				view(t, st, func(r store.Reader) error {
					left, _ := counter(r, "left")
					right, err := counter(r, "right")
					if left != right {
						t.Errorf("saw %d and %d", left, right)
					}
					return err
				})
			}
		})
	}
	together(8, func(int) {
		for range 25 {
			_ = st.Update(t.Context(), func(tx store.Tx) error {
				return errors.Join(add(tx, "left", 1), add(tx, "right", 1))
			})
		}
	})
	close(stop)
	readers.Wait()
	wantCounter(t, st, "left", 200)
}

func readAfterReturn(t *testing.T, st store.Store) {
	together(16, func(i int) {
		for round := range 10 {
			key := string(store.Key(i, round))
			if err := st.Update(t.Context(), func(tx store.Tx) error { return putAll(tx, key) }); err != nil {
				t.Error(err)
			}
			wantValue(t, st, key, key)
		}
	})
}

// oneWins runs attempts together and expects one success and else conflicts.
func oneWins(t *testing.T, st store.Store, attempt func(tx store.Tx, i int) error) {
	t.Helper()
	var won atomic.Int64
	together(32, func(i int) {
		switch err := st.Update(t.Context(), func(tx store.Tx) error { return attempt(tx, i) }); {
		case err == nil:
			won.Add(1)
		case !fault.Is(err, fault.ClassConflict):
			t.Errorf("attempt %d: %v, want a conflict", i, err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d attempts succeeded, want 1", won.Load())
	}
}

func uniqueInsertRace(t *testing.T, st store.Store) {
	c := shelf()
	oneWins(t, st, func(tx store.Tx, i int) error {
		_, err := c.Insert(tx, item{ID: fmt.Sprint("id-", i), Code: "same"})
		return err
	})
}

func sameIDRace(t *testing.T, st store.Store) {
	c := shelf()
	oneWins(t, st, func(tx store.Tx, i int) error {
		_, err := c.Insert(tx, item{ID: "same", Code: fmt.Sprint("code-", i)})
		return err
	})
}

func compareAndSetRace(t *testing.T, st store.Store) {
	c := shelf()
	update(t, st, func(tx store.Tx) error {
		_, err := c.Insert(tx, item{ID: "one", Code: "a"})
		return err
	})
	oneWins(t, st, func(tx store.Tx, i int) error {
		_, err := c.Update(tx, item{ID: "one", Code: "a", Size: i}, 1)
		return err
	})
}
