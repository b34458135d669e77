package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// item is the document of the suite.
type item struct {
	ID    string
	Code  string // unique
	Owner string // ordinary, with Size
	Size  int
	Tags  []string // several entries
}

// shelf declares the collection anew: it has no state.
func shelf() *store.Collection[item] {
	return store.NewCollection("item", func(i *item) string { return i.ID },
		store.Index[item]{Name: "code", Unique: true, Keys: func(i *item) [][]byte {
			if i.Code == "" {
				return nil
			}
			return [][]byte{store.Key(i.Code)}
		}},
		store.Index[item]{Name: "owner", Keys: func(i *item) [][]byte {
			return [][]byte{store.Key(i.Owner, i.Size)}
		}},
		store.Index[item]{Name: "tag", Keys: func(i *item) [][]byte {
			var keys [][]byte
			for _, tag := range i.Tags {
				keys = append(keys, store.Key(tag))
			}
			return keys
		}},
	)
}

func insert(t *testing.T, st store.Store, items ...item) {
	t.Helper()
	c := shelf()
	update(t, st, func(tx store.Tx) error {
		for _, i := range items {
			if _, err := c.Insert(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func documentCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Document/RoundTrip":        {"a document comes back as it was stored, as revision 1", docRoundTrip},
		"Document/GetMissing":       {"a missing document is not_found and named", docMissing},
		"Document/FindMissing":      {"Find tells missing from failing", docFindMissing},
		"Document/InsertTwice":      {"an id is inserted once", docInsertTwice},
		"Document/InsertWithoutID":  {"a document without an id is refused", docWithoutID},
		"Document/UpdateCounts":     {"each write counts the revision up", docUpdateCounts},
		"Document/UpdateStale":      {"a change made from an old revision is a conflict with the cause ErrStale", docUpdateStale},
		"Document/UpdateMissing":    {"updating what does not exist is not_found", docUpdateMissing},
		"Document/Delete":           {"a deleted document is missing, in every index", docDelete},
		"Document/DeleteStale":      {"a delete made from an old revision is a conflict", docDeleteStale},
		"Document/DeleteMissing":    {"deleting what does not exist is not_found", docDeleteMissing},
		"Document/InsertAfterDel":   {"a deleted id and its unique keys are free again", docInsertAfterDelete},
		"Document/OddIDs":           {"ids are any text", docOddIDs},
		"Document/FailedUpdateUndo": {"a failed update leaves document and indexes as they were", docUndo},
	}
}

func docRoundTrip(t *testing.T, st store.Store) {
	in := item{ID: "1", Code: "c", Owner: "o", Size: -3, Tags: []string{"x", "y"}}
	insert(t, st, in)
	view(t, st, func(r store.Reader) error {
		d, err := shelf().Get(r, "1")
		if fmt.Sprint(d.Value) != fmt.Sprint(in) || d.Rev != 1 {
			t.Errorf("got %+v revision %d, want %+v revision 1", d.Value, d.Rev, in)
		}
		return err
	})
}

func docMissing(t *testing.T, st store.Store) {
	err := st.View(t.Context(), func(r store.Reader) error {
		_, err := shelf().Get(r, "nobody")
		return err
	})
	wantClass(t, err, fault.ClassNotFound)
	if err != nil && !strings.Contains(err.Error(), `item "nobody"`) {
		t.Errorf("%q does not name the document", err)
	}
}

func docFindMissing(t *testing.T, st store.Store) {
	view(t, st, func(r store.Reader) error {
		_, ok, err := shelf().Find(r, "nobody")
		if ok {
			t.Error("found what does not exist")
		}
		return err
	})
}

func docInsertTwice(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := shelf().Insert(tx, item{ID: "1", Code: "b"})
		return err
	})
	wantClass(t, err, fault.ClassConflict)
}

func docWithoutID(t *testing.T, st store.Store) {
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := shelf().Insert(tx, item{Code: "b"})
		return err
	})
	wantClass(t, err, fault.ClassInternal)
}

func docUpdateCounts(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"})
	for rev := range uint64(5) {
		update(t, st, func(tx store.Tx) error {
			d, err := shelf().Update(tx, item{ID: "1", Size: int(rev)}, rev%2*(rev+1))
			if d.Rev != rev+2 {
				t.Errorf("revision %d, want %d", d.Rev, rev+2)
			}
			return err
		})
	}
}

func docUpdateStale(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"})
	set := func(size int, rev uint64) error {
		return st.Update(t.Context(), func(tx store.Tx) error {
			_, err := shelf().Update(tx, item{ID: "1", Size: size}, rev)
			return err
		})
	}
	if err := set(1, 1); err != nil {
		t.Error(err)
	}
	err := set(2, 1)
	wantClass(t, err, fault.ClassConflict)
	if !errors.Is(err, store.ErrStale) {
		t.Errorf("got %v, want the cause %v", err, store.ErrStale)
	}
}

func docUpdateMissing(t *testing.T, st store.Store) {
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "1"}, 0)
		return err
	})
	wantClass(t, err, fault.ClassNotFound)
}

func docDelete(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a", Owner: "o", Tags: []string{"x", "y"}}, item{ID: "2", Code: "b", Owner: "o"})
	update(t, st, func(tx store.Tx) error { return shelf().Delete(tx, "1", 1) })
	wantItems(t, st, store.Query{}, "2")
	wantItems(t, st, store.Query{Index: "code"}, "2")
	wantItems(t, st, store.Query{Index: "owner"}, "2")
	wantItems(t, st, store.Query{Index: "tag"}, "")
}

func docDeleteStale(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"})
	err := st.Update(t.Context(), func(tx store.Tx) error { return shelf().Delete(tx, "1", 7) })
	wantClass(t, err, fault.ClassConflict)
	wantItems(t, st, store.Query{}, "1")
}

func docDeleteMissing(t *testing.T, st store.Store) {
	err := st.Update(t.Context(), func(tx store.Tx) error { return shelf().Delete(tx, "1", 0) })
	wantClass(t, err, fault.ClassNotFound)
}

func docInsertAfterDelete(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	update(t, st, func(tx store.Tx) error { return shelf().Delete(tx, "1", 0) })
	insert(t, st, item{ID: "1", Code: "a"})
	wantItems(t, st, store.Query{Index: "code"}, "1")
}

func docOddIDs(t *testing.T, st store.Store) {
	ids := []string{" ", "\x00", "a\x00b", "中文", strings.Repeat("long", 200)}
	for _, id := range ids {
		insert(t, st, item{ID: id, Code: id, Owner: id})
	}
	view(t, st, func(r store.Reader) error {
		for _, id := range ids {
			d, ok, err := shelf().By(r, "code", store.Key(id))
			if err != nil || !ok || d.Value.ID != id {
				t.Errorf("id %q: found %v %v", id, ok, err)
			}
		}
		return nil
	})
}

func docUndo(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a", Owner: "o", Tags: []string{"x"}})
	fails(t, st, func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "1", Code: "b", Owner: "p", Tags: []string{"y"}}, 0)
		return err
	})
	wantItems(t, st, store.Query{Index: "code", Prefix: store.Key("a")}, "1")
	wantItems(t, st, store.Query{Index: "owner", Prefix: store.Key("o")}, "1")
	wantItems(t, st, store.Query{Index: "tag", Prefix: store.Key("y")}, "")
}

// wantItems compares the ids of a query, through Each and through pages of two.
func wantItems(t *testing.T, st store.Store, q store.Query, want string) {
	t.Helper()
	c := shelf()
	view(t, st, func(r store.Reader) error {
		q.Limit = store.NoLimit
		var each []string
		err := c.Each(r, q, func(d store.Doc[item]) error {
			each = append(each, d.Value.ID)
			return nil
		})
		if err != nil {
			return err
		}
		if got := strings.Join(each, " "); got != want {
			t.Errorf("%+v yields %q, want %q", q, got, want)
		}
		paged, err := pages(r, q, 2)
		if got := strings.Join(paged, " "); got != want {
			t.Errorf("%+v in pages yields %q, want %q", q, got, want)
		}
		return err
	})
}

func pages(r store.Reader, q store.Query, limit int) ([]string, error) {
	var out []string
	q.Limit = limit
	for {
		p, err := shelf().List(r, q)
		if err != nil {
			return nil, err
		}
		for _, d := range p.Items {
			out = append(out, d.Value.ID)
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return out, nil
		}
	}
}
