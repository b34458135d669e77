package store_test

import (
	"errors"
	"fmt"
	"testing"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
)

type cachedThing struct {
	ID   string
	Size int
}

func TestCachedShowsTheTransactionsOwnState(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	things := store.NewCollection("thing", func(x *cachedThing) string { return x.ID })
	cached := store.NewCached(things, 4)
	boom := errors.New("boom")
	size := func(r store.Reader) int {
		t.Helper()
		d, err := cached.Get(r, "a")
		if err != nil {
			t.Fatal(err)
		}
		return d.Value.Size
	}
	write := func(n int, end error) {
		t.Helper()
		err := st.Update(t.Context(), func(tx store.Tx) error {
			if _, found, err := things.Find(tx, "a"); err != nil {
				return err
			} else if found {
				if err := things.Delete(tx, "a", 0); err != nil {
					return err
				}
			}
			// Deleted and made again, the document has revision 1 each time:
			// only its bytes tell it from the one before.
			if _, err := things.Insert(tx, cachedThing{ID: "a", Size: n}); err != nil {
				return err
			}
			if got := size(tx); got != n {
				t.Errorf("inside the transaction the size is %d, want %d", got, n)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	read := func() (n int) {
		err := st.View(t.Context(), func(r store.Reader) error {
			n = size(r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write(1, nil)
	write(2, boom)
	if got := read(); got != 1 {
		t.Errorf("after a rolled-back change the size is %d", got)
	}
	write(3, nil)
	if got := read(); got != 3 {
		t.Errorf("the size is %d", got)
	}
}

func TestCachedMissingAndEviction(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	things := store.NewCollection("thing", func(x *cachedThing) string { return x.ID })
	cached := store.NewCached(things, 4)
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for i := range 50 {
			if _, err := things.Insert(tx, cachedThing{ID: fmt.Sprint(i), Size: i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.View(t.Context(), func(r store.Reader) error {
		if _, err := cached.Get(r, "none"); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("a missing document: %v", err)
		}
		for round := range 3 {
			for i := range 50 {
				d, err := cached.Get(r, fmt.Sprint(i))
				if err != nil || d.Value.Size != i || d.Rev != 1 {
					t.Fatalf("round %d, document %d: %+v, %v", round, i, d, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
