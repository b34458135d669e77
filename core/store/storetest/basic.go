package storetest

import (
	"bytes"
	"testing"

	"tradewind.example/core/store"
)

func basicCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Basic/GetAbsent":        {"an absent key is nil, no error", getAbsent},
		"Basic/GetAbsentBucket":  {"a bucket that was never written is empty", getAbsentBucket},
		"Basic/PutGet":           {"what was put is read", putGet},
		"Basic/PutReplaces":      {"the last put wins", putReplaces},
		"Basic/EmptyValue":       {"an empty value is present, in the transaction and after", emptyValue},
		"Basic/NilValue":         {"a nil value is stored as the empty one", nilValue},
		"Basic/Delete":           {"a deleted key is absent", deletes},
		"Basic/DeleteAbsent":     {"deleting nothing is no error", deleteAbsent},
		"Basic/PutAfterDelete":   {"a key can come back in the same transaction", putAfterDelete},
		"Basic/BucketsApart":     {"the same key in two buckets is two keys", bucketsApart},
		"Basic/CopiesValue":      {"the caller may reuse its buffers after Put", copiesValue},
		"Basic/CopiesKey":        {"the caller may reuse its buffers after Put", copiesKey},
		"Basic/BinaryKeys":       {"keys are bytes, zero bytes included", binaryKeys},
		"Basic/ReadsOwnWrites":   {"a transaction sees its own writes in Get and Scan", readsOwnWrites},
		"Basic/ReadsOwnDeletes":  {"a transaction sees its own deletes in Get and Scan", readsOwnDeletes},
		"Basic/ManyKeys":         {"order holds over many pages", manyKeys},
		"Basic/SecondUpdateSees": {"an update sees all earlier ones", secondUpdateSees},
	}
}

func getAbsent(t *testing.T, st store.Store) {
	put(t, st, "a")
	view(t, st, func(r store.Reader) error {
		v, err := r.Get(box, []byte("b"))
		if v != nil {
			t.Errorf("got %q, want nil", v)
		}
		return err
	})
}

func getAbsentBucket(t *testing.T, st store.Store) {
	view(t, st, func(r store.Reader) error {
		v, err := r.Get("nowhere", []byte("a"))
		if v != nil {
			t.Errorf("got %q, want nil", v)
		}
		return err
	})
	want(t, st)
	update(t, st, func(tx store.Tx) error { return tx.Delete("nowhere", []byte("a")) })
}

func putGet(t *testing.T, st store.Store) {
	put(t, st, "a", "b")
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, "a") + valueOf(t, r, "b"); got != "ab" {
			t.Errorf("got %q, want %q", got, "ab")
		}
		return nil
	})
}

func putReplaces(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		if err := tx.Put(box, []byte("a"), []byte("first")); err != nil {
			return err
		}
		return tx.Put(box, []byte("a"), []byte("second"))
	})
	update(t, st, func(tx store.Tx) error {
		if got := valueOf(t, tx, "a"); got != "second" {
			t.Errorf("got %q, want the second", got)
		}
		return tx.Put(box, []byte("a"), []byte("third"))
	})
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, "a"); got != "third" {
			t.Errorf("got %q, want the third", got)
		}
		return nil
	})
}

func emptyValue(t *testing.T, st store.Store) { presentAndEmpty(t, st, []byte{}) }

func nilValue(t *testing.T, st store.Store) { presentAndEmpty(t, st, nil) }

func presentAndEmpty(t *testing.T, st store.Store, value []byte) {
	t.Helper()
	check := func(r store.Reader) error {
		v, err := r.Get(box, []byte("a"))
		if v == nil || len(v) != 0 {
			t.Errorf("got %v, want an empty value that is not nil", v)
		}
		return err
	}
	update(t, st, func(tx store.Tx) error {
		if err := tx.Put(box, []byte("a"), value); err != nil {
			return err
		}
		return check(tx)
	})
	view(t, st, check)
}

func deletes(t *testing.T, st store.Store) {
	put(t, st, "a", "b", "c")
	update(t, st, func(tx store.Tx) error { return tx.Delete(box, []byte("b")) })
	want(t, st, "a", "c")
}

func deleteAbsent(t *testing.T, st store.Store) {
	put(t, st, "a")
	update(t, st, func(tx store.Tx) error { return tx.Delete(box, []byte("b")) })
	want(t, st, "a")
}

func putAfterDelete(t *testing.T, st store.Store) {
	put(t, st, "a")
	update(t, st, func(tx store.Tx) error {
		if err := tx.Delete(box, []byte("a")); err != nil {
			return err
		}
		return tx.Put(box, []byte("a"), []byte("again"))
	})
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, "a"); got != "again" {
			t.Errorf("got %q, want %q", got, "again")
		}
		return nil
	})
}

func bucketsApart(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		if err := tx.Put("one", []byte("a"), []byte("1")); err != nil {
			return err
		}
		return tx.Put("two", []byte("a"), []byte("2"))
	})
	update(t, st, func(tx store.Tx) error { return tx.Delete("one", []byte("a")) })
	view(t, st, func(r store.Reader) error {
		one, _ := r.Get("one", []byte("a"))
		two, err := r.Get("two", []byte("a"))
		if one != nil || string(two) != "2" {
			t.Errorf("got %q and %q, want nothing and %q", one, two, "2")
		}
		return err
	})
}

func copiesValue(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		buf := []byte("first")
		if err := tx.Put(box, []byte("a"), buf); err != nil {
			return err
		}
		copy(buf, "XXXXX")
		return nil
	})
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, "a"); got != "first" {
			t.Errorf("got %q, want %q", got, "first")
		}
		return nil
	})
}

func copiesKey(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		key := []byte("a")
		for _, c := range []byte("abc") {
			key[0] = c
			if err := tx.Put(box, key, key); err != nil {
				return err
			}
		}
		key[0] = 'a'
		if err := tx.Delete(box, key); err != nil {
			return err
		}
		key[0] = 'z'
		return nil
	})
	want(t, st, "b", "c")
}

func binaryKeys(t *testing.T, st store.Store) {
	keys := []string{"\x00", "\x00\x00", "\x00\xff", "a\x00", "a\x00b", "\xff", "\xff\xff"}
	put(t, st, keys...)
	want(t, st, keys...)
}

func readsOwnWrites(t *testing.T, st store.Store) {
	put(t, st, "b", "d")
	update(t, st, func(tx store.Tx) error {
		if err := putAll(tx, "a", "c", "e"); err != nil {
			return err
		}
		got, err := keysOf(tx, store.Range{Limit: store.NoLimit})
		if len(got) != 5 || valueOf(t, tx, "c") != "c" {
			t.Errorf("inside the transaction: %q", got)
		}
		return err
	})
}

func readsOwnDeletes(t *testing.T, st store.Store) {
	put(t, st, "a", "b", "c")
	update(t, st, func(tx store.Tx) error {
		if err := tx.Delete(box, []byte("b")); err != nil {
			return err
		}
		got, err := keysOf(tx, store.Range{Limit: store.NoLimit})
		if len(got) != 2 || valueOf(t, tx, "b") != "" {
			t.Errorf("inside the transaction: %q", got)
		}
		return err
	})
}

func manyKeys(t *testing.T, st store.Store) {
	const n = 5000
	update(t, st, func(tx store.Tx) error {
		for i := range n {
			k := store.Key((i * 7919) % n)
			if err := tx.Put(box, k, bytes.Repeat(k, 5)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, st, func(r store.Reader) error {
		next := 0
		err := r.Scan(box, store.Prefix().All(), func(k, v []byte) error {
			if !bytes.Equal(k, store.Key(next)) || !bytes.Equal(v, bytes.Repeat(k, 5)) {
				t.Fatalf("place %d holds %x", next, k)
			}
			next++
			return nil
		})
		if next != n {
			t.Errorf("scanned %d keys, want %d", next, n)
		}
		return err
	})
}

func secondUpdateSees(t *testing.T, st store.Store) {
	for i := range 20 {
		update(t, st, func(tx store.Tx) error {
			got, err := keysOf(tx, store.Range{Limit: store.NoLimit})
			if len(got) != i {
				t.Errorf("update %d sees %d keys", i, len(got))
			}
			if err != nil {
				return err
			}
			return tx.Put(box, store.Key(i), nil)
		})
	}
}
