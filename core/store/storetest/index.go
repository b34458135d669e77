package storetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func indexCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Index/UniqueConflict":   {"a taken unique key is a conflict that names the index and, to operators, the holder", uniqueConflict},
		"Index/UniqueOnUpdate":   {"an update cannot take a unique key either", uniqueOnUpdate},
		"Index/UniqueSelf":       {"a document keeps its own unique key", uniqueSelf},
		"Index/UniqueFreed":      {"a unique key that was given up is free", uniqueFreed},
		"Index/UniqueAbsent":     {"documents without the key do not clash", uniqueAbsent},
		"Index/By":               {"a unique key finds its document", byUnique},
		"Index/ByMissing":        {"a unique key that nobody has finds nothing", byMissing},
		"Index/ByOrdinary":       {"By on an ordinary index is a defect", byOrdinary},
		"Index/Unknown":          {"an index that was not declared is a defect", unknownIndex},
		"Index/MovesWithUpdate":  {"an update moves exactly the entries that changed", movesWithUpdate},
		"Index/SeveralEntries":   {"a document may have several entries", severalEntries},
		"Index/RepeatedEntry":    {"an entry given twice is one", repeatedEntry},
		"Index/Reindex":          {"an index declared later is filled by Reindex", reindex},
		"Index/RemovedIndexDies": {"entries of an index that is no longer declared go with their document", removedIndex},
	}
}

func uniqueConflict(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := shelf().Insert(tx, item{ID: "2", Code: "a"})
		return err
	})
	wantClass(t, err, fault.ClassConflict)
	var u *store.UniqueError
	if !errors.As(err, &u) || u.Index != "code" || u.Holder != "1" || u.Collection != "item" {
		t.Errorf("got the cause %+v", u)
	}
	wantItems(t, st, store.Query{}, "1")
}

func uniqueOnUpdate(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"}, item{ID: "2", Code: "b"})
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "2", Code: "a"}, 0)
		return err
	})
	wantClass(t, err, fault.ClassConflict)
	wantItems(t, st, store.Query{Index: "code", Prefix: store.Key("b")}, "2")
}

func uniqueSelf(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	update(t, st, func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "1", Code: "a", Size: 2}, 0)
		return err
	})
}

func uniqueFreed(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	update(t, st, func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "1", Code: "b"}, 0)
		return err
	})
	insert(t, st, item{ID: "2", Code: "a"})
	wantItems(t, st, store.Query{Index: "code"}, "2 1")
}

func uniqueAbsent(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"}, item{ID: "2"})
	wantItems(t, st, store.Query{Index: "code"}, "")
}

func byUnique(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"}, item{ID: "2", Code: "b"})
	view(t, st, func(r store.Reader) error {
		d, ok, err := shelf().By(r, "code", store.Key("b"))
		if !ok || d.Value.ID != "2" || d.Rev != 1 {
			t.Errorf("got %+v %v", d, ok)
		}
		return err
	})
}

func byMissing(t *testing.T, st store.Store) {
	view(t, st, func(r store.Reader) error {
		_, ok, err := shelf().By(r, "code", store.Key("b"))
		if ok {
			t.Error("found what does not exist")
		}
		return err
	})
}

func byOrdinary(t *testing.T, st store.Store) {
	wantClass(t, st.View(t.Context(), func(r store.Reader) error {
		_, _, err := shelf().By(r, "owner", store.Key("b"))
		return err
	}), fault.ClassInternal)
}

func unknownIndex(t *testing.T, st store.Store) {
	wantClass(t, st.View(t.Context(), func(r store.Reader) error {
		_, err := shelf().List(r, store.Query{Index: "colour", Limit: 1})
		return err
	}), fault.ClassInternal)
}

func movesWithUpdate(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Owner: "o", Size: 1, Tags: []string{"x", "y"}})
	update(t, st, func(tx store.Tx) error {
		_, err := shelf().Update(tx, item{ID: "1", Owner: "p", Size: 1, Tags: []string{"y", "z"}}, 0)
		return err
	})
	for prefix, ids := range map[string]string{"x": "", "y": "1", "z": "1"} {
		wantItems(t, st, store.Query{Index: "tag", Prefix: store.Key(prefix)}, ids)
	}
	wantItems(t, st, store.Query{Index: "owner", Prefix: store.Key("o")}, "")
	wantItems(t, st, store.Query{Index: "owner", Prefix: store.Key("p")}, "1")
}

func severalEntries(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Tags: []string{"x", "y"}}, item{ID: "2", Tags: []string{"x"}})
	wantItems(t, st, store.Query{Index: "tag"}, "1 2 1")
	wantItems(t, st, store.Query{Index: "tag", Prefix: store.Key("x")}, "1 2")
}

func repeatedEntry(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Tags: []string{"x", "x"}})
	wantItems(t, st, store.Query{Index: "tag"}, "1")
	update(t, st, func(tx store.Tx) error { return shelf().Delete(tx, "1", 0) })
	wantItems(t, st, store.Query{Index: "tag"}, "")
}

// bare is the shelf before it had indexes.
func bare() *store.Collection[item] {
	return store.NewCollection("item", func(i *item) string { return i.ID })
}

func reindex(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		for i := range 300 {
			if _, err := bare().Insert(tx, item{ID: fmt.Sprintf("%03d", i), Owner: "o", Size: -i}); err != nil {
				return err
			}
		}
		return nil
	})
	wantItems(t, st, store.Query{Index: "owner"}, "")
	update(t, st, shelf().Reindex)
	wantItems(t, st, store.Query{Index: "owner", Prefix: store.Key("o"), To: store.Key(-297)}, "299 298")
	view(t, st, func(r store.Reader) error {
		d, err := shelf().Get(r, "000")
		if d.Rev != 1 {
			t.Errorf("reindexing counts as a write: revision %d", d.Rev)
		}
		return err
	})
}

func removedIndex(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1", Code: "a"})
	update(t, st, func(tx store.Tx) error { return bare().Delete(tx, "1", 0) })
	wantItems(t, st, store.Query{Index: "code"}, "")
}

func listCases() map[string]suiteCase {
	rows := map[string]struct {
		query store.Query
		want  string
	}{
		"ByID":            {store.Query{}, "1 2 3 4 5"},
		"ByIDReverse":     {store.Query{Reverse: true}, "5 4 3 2 1"},
		"ByIDFrom":        {store.Query{From: store.Key("3")}, "3 4 5"},
		"ByIDTo":          {store.Query{To: store.Key("3")}, "1 2"},
		"Index":           {store.Query{Index: "owner"}, "3 1 2 5 4"},
		"IndexReverse":    {store.Query{Index: "owner", Reverse: true}, "4 5 2 1 3"},
		"Prefix":          {store.Query{Index: "owner", Prefix: store.Key("o")}, "3 1 2"},
		"PrefixReverse":   {store.Query{Index: "owner", Prefix: store.Key("o"), Reverse: true}, "2 1 3"},
		"PrefixFrom":      {store.Query{Index: "owner", Prefix: store.Key("o"), From: store.Key(1)}, "1 2"},
		"PrefixTo":        {store.Query{Index: "owner", Prefix: store.Key("o"), To: store.Key(2)}, "3 1"},
		"PrefixFromTo":    {store.Query{Index: "owner", Prefix: store.Key("o"), From: store.Key(1), To: store.Key(2)}, "1"},
		"ReverseFromTo":   {store.Query{Index: "owner", Prefix: store.Key("o"), From: store.Key(-9), To: store.Key(2), Reverse: true}, "1 3"},
		"PrefixNoNeighbr": {store.Query{Index: "owner", Prefix: store.Key("ow")}, "5"},
		"PrefixWhole":     {store.Query{Index: "owner", Prefix: store.Key("p", 0)}, "4"},
		"PrefixNone":      {store.Query{Index: "owner", Prefix: store.Key("q")}, ""},
	}
	out := map[string]suiteCase{
		"List/LimitRefused": {"a page has a limit from 1 to the greatest", listLimits},
		"List/NextIsEmpty":  {"the last page has no next, also when it is full", nextEmpty},
		"List/EachStops":    {"Stop ends Each without an error", eachStops},
		"List/EachLimit":    {"Each obeys its limit and refuses to have none", eachLimit},
	}
	for name, row := range rows {
		out["List/"+name] = suiteCase{"pages and Each yield the same, in the order of the index", func(t *testing.T, st store.Store) {
			insert(t, st,
				item{ID: "1", Owner: "o", Size: 1}, item{ID: "2", Owner: "o", Size: 2}, item{ID: "3", Owner: "o", Size: -5},
				item{ID: "4", Owner: "p"}, item{ID: "5", Owner: "ow"})
			wantItems(t, st, row.query, row.want)
		}}
	}
	return out
}

func listLimits(t *testing.T, st store.Store) {
	for _, limit := range []int{0, -1, store.MaxList + 1} {
		wantClass(t, listWith(t, st, store.Query{Limit: limit}), fault.ClassInvalid)
	}
}

func listWith(t *testing.T, st store.Store, q store.Query) error {
	t.Helper()
	return st.View(t.Context(), func(r store.Reader) error {
		_, err := shelf().List(r, q)
		return err
	})
}

func nextEmpty(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"}, item{ID: "2"})
	view(t, st, func(r store.Reader) error {
		p, err := shelf().List(r, store.Query{Limit: 2})
		if len(p.Items) != 2 || p.Next != "" {
			t.Errorf("got %d items and next %q", len(p.Items), p.Next)
		}
		return err
	})
}

func eachStops(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"}, item{ID: "2"})
	n := 0
	view(t, st, func(r store.Reader) error {
		return shelf().Each(r, store.Query{Limit: store.NoLimit}, func(store.Doc[item]) error {
			n++
			return store.Stop
		})
	})
	if n != 1 {
		t.Errorf("saw %d documents", n)
	}
}

func eachLimit(t *testing.T, st store.Store) {
	insert(t, st, item{ID: "1"}, item{ID: "2"})
	n := 0
	each := func(q store.Query) error {
		return st.View(t.Context(), func(r store.Reader) error {
			return shelf().Each(r, q, func(store.Doc[item]) error { n++; return nil })
		})
	}
	if err := each(store.Query{Limit: 1}); err != nil || n != 1 {
		t.Errorf("saw %d documents, %v", n, err)
	}
	wantClass(t, each(store.Query{}), fault.ClassInternal)
}

func cursorCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Cursor/Malformed":       {"what is not a cursor is invalid on the field cursor", cursorMalformed},
		"Cursor/TooLong":         {"a cursor is bounded", cursorTooLong},
		"Cursor/OtherIndex":      {"a cursor belongs to its index", cursorOtherIndex},
		"Cursor/OtherDirection":  {"a cursor belongs to its direction", cursorOtherDirection},
		"Cursor/OtherPrefix":     {"a cursor never leads out of the range its query may read", cursorOtherPrefix},
		"Cursor/SurvivesDelete":  {"a page goes on when the last document of the one before is gone", cursorSurvives},
		"Cursor/SeesInsertAhead": {"a page shows what was inserted ahead of it", cursorInsertAhead},
	}
}

func firstCursor(t *testing.T, st store.Store, q store.Query) string {
	t.Helper()
	q.Limit = 1
	var next string
	view(t, st, func(r store.Reader) error {
		p, err := shelf().List(r, q)
		next = p.Next
		return err
	})
	if next == "" {
		t.Fatal("the first page has no next")
	}
	return next
}

func stocked(t *testing.T, st store.Store) {
	t.Helper()
	insert(t, st, item{ID: "1", Owner: "o"}, item{ID: "2", Owner: "o"}, item{ID: "3", Owner: "p"}, item{ID: "4", Owner: "p"})
}

func wantBadCursor(t *testing.T, st store.Store, q store.Query) {
	t.Helper()
	q.Limit = 1
	err := listWith(t, st, q)
	wantClass(t, err, fault.ClassInvalid)
	if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Path != "cursor" {
		t.Errorf("got %v, want it on the field cursor", err)
	}
}

func cursorMalformed(t *testing.T, st store.Store) {
	stocked(t, st)
	good := firstCursor(t, st, store.Query{})
	for _, c := range []string{"x", "!!!!", "AAAA", "AAAAAAAA", good + "=", good[1:], " " + good, strings.ToUpper(good) + "a", "\x00"} {
		wantBadCursor(t, st, store.Query{Cursor: c})
	}
}

func cursorTooLong(t *testing.T, st store.Store) {
	stocked(t, st)
	raw, _ := base64.RawURLEncoding.DecodeString(firstCursor(t, st, store.Query{}))
	long := append(raw, make([]byte, 64<<10)...)
	wantBadCursor(t, st, store.Query{Cursor: base64.RawURLEncoding.EncodeToString(long)})
}

func cursorOtherIndex(t *testing.T, st store.Store) {
	stocked(t, st)
	wantBadCursor(t, st, store.Query{Index: "owner", Cursor: firstCursor(t, st, store.Query{})})
}

func cursorOtherDirection(t *testing.T, st store.Store) {
	stocked(t, st)
	wantBadCursor(t, st, store.Query{Reverse: true, Cursor: firstCursor(t, st, store.Query{})})
}

func cursorOtherPrefix(t *testing.T, st store.Store) {
	stocked(t, st)
	o := firstCursor(t, st, store.Query{Index: "owner", Prefix: store.Key("o")})
	p := firstCursor(t, st, store.Query{Index: "owner", Prefix: store.Key("p")})
	wantBadCursor(t, st, store.Query{Index: "owner", Prefix: store.Key("p"), Cursor: o})
	wantBadCursor(t, st, store.Query{Index: "owner", Prefix: store.Key("o"), Cursor: p})
}

func cursorSurvives(t *testing.T, st store.Store) {
	stocked(t, st)
	next := firstCursor(t, st, store.Query{})
	update(t, st, func(tx store.Tx) error { return shelf().Delete(tx, "1", 0) })
	wantFrom(t, st, next, "2 3 4")
}

func cursorInsertAhead(t *testing.T, st store.Store) {
	stocked(t, st)
	next := firstCursor(t, st, store.Query{})
	insert(t, st, item{ID: "0"}, item{ID: "15"})
	wantFrom(t, st, next, "15 2 3 4")
}

func wantFrom(t *testing.T, st store.Store, cursor, want string) {
	t.Helper()
	view(t, st, func(r store.Reader) error {
		got, err := pages(r, store.Query{Cursor: cursor}, 2)
		if strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}
