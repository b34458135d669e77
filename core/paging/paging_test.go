package paging_test

import (
	"errors"
	"fmt"
	"testing"

	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
)

type number struct {
	ID string
	N  int
}

func TestWhere(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	c := store.NewCollection("number", func(n *number) string { return n.ID })
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for i := range 1000 {
			if _, err := c.Insert(tx, number{ID: fmt.Sprintf("%04d", i), N: i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		keep func(*number) bool
		most int // pages
	}{
		"All":    {func(*number) bool { return true }, 100},
		"Some":   {func(n *number) bool { return n.N%7 == 3 }, 15},
		"Sparse": {func(n *number) bool { return n.N == 999 }, 1}, // a page reads on past what does not fit
		"None":   {func(*number) bool { return false }, 1},
	} {
		keep := tc.keep
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := 0
			for i := range 1000 {
				if keep(&number{N: i}) {
					want++
				}
			}
			got, pages, cursor := 0, 0, ""
			for {
				var page store.Page[number]
				err := st.View(t.Context(), func(r store.Reader) (err error) {
					page, err = paging.Where(r, c, store.Query{Cursor: cursor, Limit: 10}, keep)
					return err
				})
				if err != nil || len(page.Items) > 10 {
					t.Fatalf("a page of %d: %v", len(page.Items), err)
				}
				got, pages = got+len(page.Items), pages+1
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if got != want || pages > tc.most {
				t.Errorf("%d documents in %d pages, want %d in at most %d", got, pages, want, tc.most)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	c := store.NewCollection("number", func(n *number) string { return n.ID })
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for i := range 20 {
			if _, err := c.Insert(tx, number{ID: fmt.Sprintf("%04d", i), N: i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		reason string
		end    error
		want   int
		err    error
	}{
		"Stop":  {reason: "nothing further on is wanted", end: store.Stop, want: 3},
		"Error": {reason: "what keep finds wrong is told", end: boom, err: boom},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var page store.Page[number]
			err := st.View(t.Context(), func(r store.Reader) (err error) {
				page, err = paging.Until(r, c, store.Query{Limit: 10}, func(n *number) (bool, error) {
					if n.N >= 6 {
						return false, tc.end
					}
					return n.N%2 == 0, nil
				})
				return err
			})
			if !errors.Is(err, tc.err) || len(page.Items) != tc.want || page.Next != "" {
				t.Errorf("%s: %d documents, next %q, error %v; want %d, no next, %v", tc.reason, len(page.Items), page.Next, err, tc.want, tc.err)
			}
		})
	}
}
