package memo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/memo"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
)

func TestTable(t *testing.T) {
	t.Parallel()
	st, table := storetest.Open(t), memo.NewTable("things")
	other := memo.NewTable("others")
	at := func(x *memo.Table) memo.Stamp {
		var out memo.Stamp
		err := st.View(t.Context(), func(r store.Reader) (err error) {
			out, err = x.At(r)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	touch := func(end error) memo.Stamp {
		var inside memo.Stamp
		err := st.Update(t.Context(), func(tx store.Tx) (err error) {
			if err := table.Touch(tx); err != nil {
				return err
			}
			if inside, err = table.At(tx); err != nil {
				return err
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
		return inside
	}
	if at(table) != 0 {
		t.Error("before the first change the stamp is not 0")
	}
	first := touch(nil)
	if got := at(table); got != first || got == 0 {
		t.Errorf("the stamp is %d, inside the transaction it was %d", got, first)
	}
	boom := errors.New("boom")
	lost := touch(boom)
	if got := at(table); got != first {
		t.Errorf("a rolled-back change left the stamp %d", got)
	}
	if second := touch(nil); second == lost || second == first {
		t.Error("a stamp came back")
	}
	if at(other) != 0 {
		t.Error("touching one table touched another")
	}
}

// counting counts the reads of a store.
type counting struct {
	store.Reader
	reads *int
}

func (c counting) Get(b store.Bucket, key []byte) ([]byte, error) {
	*c.reads++
	return c.Reader.Get(b, key)
}

func (c counting) Snapshot() store.Snapshot { return store.SnapshotOf(c.Reader) }

func TestTableIsReadOncePerState(t *testing.T) {
	t.Parallel()
	st, table, reads := storetest.Open(t), memo.NewTable("things"), 0
	for _, want := range []int{1, 1, 2} {
		if want == 2 {
			if err := st.Update(t.Context(), table.Touch); err != nil {
				t.Fatal(err)
			}
		}
		err := st.View(t.Context(), func(r store.Reader) error {
			_, err := table.At(counting{r, &reads})
			return err
		})
		if err != nil || reads != want {
			t.Errorf("%d reads, want %d, error %v", reads, want, err)
		}
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := memo.NewCache[string, int](4)
	c.Put("a", 1, 10)
	if v, ok := c.Get("a", 1); !ok || v != 10 {
		t.Errorf("got %d, %v", v, ok)
	}
	if _, ok := c.Get("a", 2); ok {
		t.Error("an answer of another stamp was given")
	}
	c.Put("a", 2, 20)
	if v, ok := c.Get("a", 2); !ok || v != 20 {
		t.Errorf("after a new answer got %d, %v", v, ok)
	}
	for i := range 100 {
		c.Put(fmt.Sprint(i), 1, i)
		if v, ok := c.Get("a", 2); !ok || v != 20 {
			t.Fatalf("what is asked for was forgotten after %d others", i)
		}
		if n := c.Len(); n > 4 {
			t.Fatalf("the cache of 4 holds %d", n)
		}
	}
	c.Clear()
	if c.Len() != 0 {
		t.Error("cleared it still holds answers")
	}
}

// TestCacheAgainstMap holds random use against a map: the cache may forget, but
// never answers anything else.
func TestCacheAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := memo.NewCache[int, int](rapid.IntRange(1, 10).Draw(rt, "limit"))
		type answer struct {
			at memo.Stamp
			v  int
		}
		want := map[int]answer{}
		for i := range rapid.IntRange(0, 200).Draw(rt, "steps") {
			k, at := rapid.IntRange(0, 15).Draw(rt, "key"), memo.Stamp(rapid.IntRange(0, 2).Draw(rt, "stamp"))
			if rapid.Bool().Draw(rt, "put") {
				c.Put(k, at, i)
				want[k] = answer{at, i}
				continue
			}
			if v, ok := c.Get(k, at); ok && (want[k] != answer{at, v}) {
				rt.Fatalf("key %d at %d answered %d, was put as %+v", k, at, v, want[k])
			}
		}
	})
}

func BenchmarkHit(b *testing.B) {
	st, table := storetest.Open(b), memo.NewTable("things")
	c := memo.NewCache[string, int](1024)
	c.Put("a", 0, 1)
	_ = st.View(context.Background(), func(r store.Reader) error {
		for b.Loop() {
			at, _ := table.At(r)
			if _, ok := c.Get("a", at); !ok {
				b.Fatal("missed")
			}
		}
		return nil
	})
}
