package bolt

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/store"
)

// TestScanIsOneOrderedView holds the scan over committed rows and two layers
// against a plain map.
func TestScanIsOneOrderedView(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	rapid.Check(t, func(rt *rapid.T) {
		name := store.Bucket(rapid.StringMatching(`[a-z]{12}`).Draw(rt, "bucket"))
		removeAll(t, db, name)
		key := rapid.StringMatching(`[a-d]{1,3}`)
		model := map[string]string{}
		committed := rapid.SliceOfN(key, 1, 12).Draw(rt, "committed")
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for _, k := range committed {
				model[k] = "base"
				if err := tx.Put(name, []byte(k), []byte("base")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		var above [4]*rows
		for i, what := range slices.Backward([]string{"own", "below", "fresh", "sealed"}) {
			if above[i] = (&rows{}); rapid.Bool().Draw(rt, "has "+what) {
				overlay(rt, above[i], what, key, model)
			}
		}
		from, to := rapid.StringMatching(`[a-d]{0,2}`).Draw(rt, "from"), rapid.StringMatching(`[a-e]{0,2}`).Draw(rt, "to")
		span := store.Range{From: []byte(from), Reverse: rapid.Bool().Draw(rt, "reverse")}
		if to != "" {
			span.To = []byte(to)
		}
		if err := db.journal.checkpoint(false, nil); err != nil {
			rt.Fatal(err)
		}
		now, err := db.journal.open()
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = now.tx.Rollback() }()
		x := now.box(name)
		x.layers = above
		got := []string{}
		s := newScan(span, x)
		for k, v := s.next(); k != nil; k, v = s.next() {
			got = append(got, string(k)+"="+string(v))
		}
		if diff := cmp.Diff(expected(model, span), got); diff != "" {
			rt.Fatalf("from %q to %q reverse %t (-want +got):\n%s", from, to, span.Reverse, diff)
		}
	})
}

func removeAll(t *testing.T, db *DB, name store.Bucket) {
	t.Helper()
	err := db.Update(t.Context(), func(tx store.Tx) error {
		return tx.Scan(name, store.Range{Limit: store.NoLimit}, func(k, _ []byte) error { return tx.Delete(name, k) })
	})
	if err != nil {
		t.Fatal(err)
	}
}

// overlay writes some keys and deletions into a layer and the model.
func overlay(rt *rapid.T, l *rows, what string, key *rapid.Generator[string], model map[string]string) {
	for _, k := range rapid.SliceOfN(key, 0, 8).Draw(rt, what) {
		if rapid.Bool().Draw(rt, "delete") {
			l.Set(k, nil)
			delete(model, k)
			continue
		}
		l.Set(k, []byte(what))
		model[k] = what
	}
}

func expected(model map[string]string, span store.Range) []string {
	out := []string{}
	for k, v := range model {
		if k >= string(span.From) && (span.To == nil || k < string(span.To)) {
			out = append(out, k+"="+v)
		}
	}
	slices.Sort(out)
	if span.Reverse {
		slices.Reverse(out)
	}
	return out
}
