package paging_test

import (
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
	for name, keep := range map[string]func(*number) bool{
		"All":    func(*number) bool { return true },
		"Some":   func(n *number) bool { return n.N%7 == 3 },
		"Sparse": func(n *number) bool { return n.N == 999 },
		"None":   func(*number) bool { return false },
	} {
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
			if got != want || pages > 101 {
				t.Errorf("%d documents in %d pages, want %d", got, pages, want)
			}
		})
	}
}
