package storetest

import (
	"errors"
	"fmt"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// scanCases reads ranges of the keys b, d, f, h.
func scanCases() map[string]suiteCase {
	const all = store.NoLimit
	b := func(s string) []byte { return []byte(s) }
	rows := map[string]struct {
		span store.Range
		want string
	}{
		"All":                  {store.Range{Limit: all}, "bdfh"},
		"AllReverse":           {store.Range{Limit: all, Reverse: true}, "hfdb"},
		"FromOnKey":            {store.Range{From: b("d"), Limit: all}, "dfh"},
		"FromBetween":          {store.Range{From: b("c"), Limit: all}, "dfh"},
		"FromBeforeFirst":      {store.Range{From: b("a"), Limit: all}, "bdfh"},
		"FromAfterLast":        {store.Range{From: b("i"), Limit: all}, ""},
		"ToOnKeyIsExclusive":   {store.Range{To: b("f"), Limit: all}, "bd"},
		"ToBetween":            {store.Range{To: b("g"), Limit: all}, "bdf"},
		"ToBeforeFirst":        {store.Range{To: b("b"), Limit: all}, ""},
		"ToAfterLast":          {store.Range{To: b("z"), Limit: all}, "bdfh"},
		"FromTo":               {store.Range{From: b("c"), To: b("h"), Limit: all}, "df"},
		"FromEqualsTo":         {store.Range{From: b("d"), To: b("d"), Limit: all}, ""},
		"FromAboveTo":          {store.Range{From: b("h"), To: b("b"), Limit: all}, ""},
		"ReverseFromOnKey":     {store.Range{From: b("d"), Limit: all, Reverse: true}, "hfd"},
		"ReverseFromBetween":   {store.Range{From: b("e"), Limit: all, Reverse: true}, "hf"},
		"ReverseToOnKey":       {store.Range{To: b("f"), Limit: all, Reverse: true}, "db"},
		"ReverseToBetween":     {store.Range{To: b("g"), Limit: all, Reverse: true}, "fdb"},
		"ReverseToAfterLast":   {store.Range{To: b("z"), Limit: all, Reverse: true}, "hfdb"},
		"ReverseToBeforeFirst": {store.Range{To: b("a"), Limit: all, Reverse: true}, ""},
		"ReverseFromTo":        {store.Range{From: b("d"), To: b("h"), Limit: all, Reverse: true}, "fd"},
		"ReverseEmpty":         {store.Range{From: b("d"), To: b("d"), Limit: all, Reverse: true}, ""},
		"Limit":                {store.Range{Limit: 2}, "bd"},
		"LimitReverse":         {store.Range{Limit: 2, Reverse: true}, "hf"},
		"LimitOverLength":      {store.Range{Limit: 9}, "bdfh"},
		"LimitOne":             {store.Range{From: b("e"), Limit: 1}, "f"},
	}
	out := map[string]suiteCase{}
	for name, row := range rows {
		out["Scan/"+name] = suiteCase{"a scan yields From <= k < To, in order, up to Limit", func(t *testing.T, st store.Store) {
			scanRow(t, st, row.span, row.want)
		}}
	}
	return out
}

// scanRow reads the same range from a snapshot, from a transaction that made
// the keys itself, and from one that changed committed ones.
func scanRow(t *testing.T, st store.Store, span store.Range, want string) {
	check := func(r store.Reader) error {
		got, err := keysOf(r, span)
		if join(got) != want {
			t.Errorf("scanned %q, want %q", join(got), want)
		}
		return err
	}
	err := st.Update(t.Context(), func(tx store.Tx) error {
		if err := putAll(tx, "h", "b", "f", "d"); err != nil {
			return err
		}
		return errors.Join(check(tx), errBoom)
	})
	if !errors.Is(err, errBoom) {
		t.Errorf("got %v, want %v", err, errBoom)
	}
	put(t, st, "a", "b", "f")
	update(t, st, func(tx store.Tx) error {
		if err := errors.Join(tx.Delete(box, []byte("a")), putAll(tx, "h", "d")); err != nil {
			return err
		}
		return check(tx)
	})
	view(t, st, check)
}

func join(keys []string) string {
	var out string
	for _, k := range keys {
		out += k
	}
	return out
}

func moveCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Scan/StopEndsIt":          {"Stop is no error", stopEnds},
		"Scan/StopWrapped":         {"a wrapped Stop is a Stop", stopWrapped},
		"Scan/ErrorEndsIt":         {"the error of the function comes back", errorEnds},
		"Scan/NoLimitRefused":      {"no list without a limit", zeroLimitRefused},
		"Scan/DeleteWhileScanning": {"a scan may delete what it sees", deleteWhileScanning},
		"Scan/DeleteReverse":       {"a scan may delete what it sees", deleteWhileReversing},
		"Scan/OverEmptied":         {"a scan passes over many deleted keys of its own transaction", overEmptied},
		"Scan/OverEmptiedReverse":  {"a scan passes over many deleted keys of its own transaction", overEmptiedReverse},
		"Scan/AllEmptied":          {"a scan of a bucket whose keys were all just deleted ends", allEmptied},
		"Scan/DeleteAhead":         {"keys ahead of the scan show their new state", deleteAhead},
		"Scan/PutAhead":            {"keys ahead of the scan show their new state", putAhead},
		"Scan/PutBehind":           {"keys behind the scan do not come again", putBehind},
		"Scan/ReplaceWhile":        {"a scan may replace what it sees", replaceWhileScanning},
		"Scan/Nested":              {"a scan may scan", nestedScans},
		"Scan/PrefixOfKeys":        {"a prefix covers the tuples that begin with it and no other", prefixOfKeys},
	}
}

func stopEnds(t *testing.T, st store.Store) { stopWith(t, st, store.Stop) }

func stopWrapped(t *testing.T, st store.Store) {
	stopWith(t, st, fmt.Errorf("enough: %w", store.Stop))
}

func stopWith(t *testing.T, st store.Store, stop error) {
	t.Helper()
	put(t, st, "a", "b", "c")
	n := 0
	view(t, st, func(r store.Reader) error {
		return r.Scan(box, store.Prefix().All(), func(_, _ []byte) error {
			n++
			if n == 2 {
				return stop
			}
			return nil
		})
	})
	if n != 2 {
		t.Errorf("the scan went on to %d", n)
	}
}

func errorEnds(t *testing.T, st store.Store) {
	put(t, st, "a", "b")
	err := st.View(t.Context(), func(r store.Reader) error {
		return r.Scan(box, store.Prefix().All(), func(_, _ []byte) error { return errBoom })
	})
	if !errors.Is(err, errBoom) {
		t.Errorf("got %v, want %v", err, errBoom)
	}
}

func zeroLimitRefused(t *testing.T, st store.Store) {
	for _, limit := range []int{0, -2} {
		err := st.View(t.Context(), func(r store.Reader) error {
			return r.Scan(box, store.Range{Limit: limit}, func(_, _ []byte) error { return nil })
		})
		wantClass(t, err, fault.ClassInternal)
	}
}

func fill(t *testing.T, st store.Store, n int) {
	t.Helper()
	update(t, st, func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(box, store.Key(i), []byte("old")); err != nil {
				return err
			}
		}
		return nil
	})
}

func deleteWhileScanning(t *testing.T, st store.Store) { deleteInScan(t, st, false) }

func deleteWhileReversing(t *testing.T, st store.Store) { deleteInScan(t, st, true) }

func deleteInScan(t *testing.T, st store.Store, reverse bool) {
	t.Helper()
	const n = 700
	fill(t, st, n)
	update(t, st, func(tx store.Tx) error {
		seen := 0
		err := tx.Scan(box, store.Range{Limit: store.NoLimit, Reverse: reverse}, func(k, _ []byte) error {
			seen++
			return tx.Delete(box, k)
		})
		if seen != n {
			t.Errorf("saw %d keys, want %d", seen, n)
		}
		return err
	})
	want(t, st)
}

func overEmptied(t *testing.T, st store.Store) { scanEmptied(t, st, 500, 2500, false) }

func overEmptiedReverse(t *testing.T, st store.Store) {
	scanEmptied(t, st, 500, 2500, true)
}

func allEmptied(t *testing.T, st store.Store) {
	scanEmptied(t, st, 0, 3000, true)
}

// scanEmptied deletes from <= i < to of 3000 committed keys and scans the rest
// in the same transaction, also from bounds inside the gap.
func scanEmptied(t *testing.T, st store.Store, from, to int, reverse bool) {
	t.Helper()
	const n = 3000
	fill(t, st, n)
	update(t, st, func(tx store.Tx) error {
		for i := from; i < to; i++ {
			if err := tx.Delete(box, store.Key(i)); err != nil {
				return err
			}
		}
		for _, row := range []struct {
			span store.Range
			want int
		}{
			{store.Range{}, n - (to - from)},
			{store.Range{From: store.Key((from + to) / 2)}, n - to},
			{store.Range{To: store.Key((from + to) / 2)}, from},
			{store.Range{From: store.Key(from), To: store.Key(to)}, 0},
		} {
			row.span.Limit, row.span.Reverse = store.NoLimit, reverse
			if got, err := keysOf(tx, row.span); err != nil || len(got) != row.want {
				t.Errorf("scanned %d keys, want %d: %v", len(got), row.want, err)
			}
		}
		return nil
	})
}

func deleteAhead(t *testing.T, st store.Store) {
	put(t, st, "a", "b", "c", "d")
	scanDoing(t, st, "abd", func(tx store.Tx, k string) error {
		if k != "b" {
			return nil
		}
		return tx.Delete(box, []byte("c"))
	})
}

func putAhead(t *testing.T, st store.Store) {
	put(t, st, "a", "c")
	scanDoing(t, st, "abc", func(tx store.Tx, k string) error {
		if k != "a" {
			return nil
		}
		return putAll(tx, "b")
	})
}

func putBehind(t *testing.T, st store.Store) {
	put(t, st, "b", "c")
	scanDoing(t, st, "bc", func(tx store.Tx, k string) error {
		if k != "b" {
			return nil
		}
		return putAll(tx, "a")
	})
}

func scanDoing(t *testing.T, st store.Store, want string, do func(tx store.Tx, k string) error) {
	t.Helper()
	update(t, st, func(tx store.Tx) error {
		var seen string
		err := tx.Scan(box, store.Prefix().All(), func(k, _ []byte) error {
			seen += string(k)
			return do(tx, string(k))
		})
		if seen != want {
			t.Errorf("saw %q, want %q", seen, want)
		}
		return err
	})
}

func replaceWhileScanning(t *testing.T, st store.Store) {
	const n = 700
	fill(t, st, n)
	update(t, st, func(tx store.Tx) error {
		seen := 0
		err := tx.Scan(box, store.Prefix().All(), func(k, v []byte) error {
			seen++
			if string(v) != "old" {
				t.Errorf("key %x comes twice", k)
			}
			return tx.Put(box, k, []byte("a new and much longer value than the one before"))
		})
		if seen != n {
			t.Errorf("saw %d keys, want %d", seen, n)
		}
		return err
	})
}

func nestedScans(t *testing.T, st store.Store) {
	put(t, st, "a", "b", "c")
	var seen string
	view(t, st, func(r store.Reader) error {
		return r.Scan(box, store.Prefix().All(), func(k, _ []byte) error {
			inner, err := keysOf(r, store.Range{From: k, Limit: store.NoLimit})
			seen += join(inner) + " "
			return err
		})
	})
	if seen != "abc bc c " {
		t.Errorf("saw %q", seen)
	}
}

func prefixOfKeys(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		for _, k := range [][]byte{
			store.Key("a"), store.Key("a", 1), store.Key("a", 2), store.Key("a", -1), store.Key("ab", 1), store.Key("a\x00", 1), store.Key("b"),
		} {
			if err := tx.Put(box, k, nil); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, st, func(r store.Reader) error {
		n := 0
		err := r.Scan(box, store.Prefix("a").All(), func(_, _ []byte) error { n++; return nil })
		if n != 4 {
			t.Errorf("the prefix covers %d keys, want 4", n)
		}
		return err
	})
}
