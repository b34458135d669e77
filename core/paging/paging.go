// Package paging fills a page of a list with the documents that pass a filter,
// reading a bounded number of others on the way.
//
// It knows nothing of what is listed. Its functions are safe for concurrent
// use as far as the reader given to them is.
package paging

import "tradewind.example/core/store"

// maxRounds bounds how many pages are read to fill one: a page may come back
// short, with a cursor to go on from.
const maxRounds = 20

// Where returns up to q.Limit documents that keep admits, in the order of the
// query. A short page with a Next means that the rest was not looked at yet.
func Where[T any](r store.Reader, c *store.Collection[T], q store.Query, keep func(*T) bool) (store.Page[T], error) {
	want := q.Limit
	var out store.Page[T]
	for range maxRounds {
		page, err := c.List(r, q)
		if err != nil {
			return store.Page[T]{}, err
		}
		for i := range page.Items {
			if keep(&page.Items[i].Value) {
				out.Items = append(out.Items, page.Items[i])
			}
		}
		out.Next = page.Next
		if page.Next == "" || len(out.Items) >= want {
			return out, nil
		}
		q.Cursor, q.Limit = page.Next, want-len(out.Items)
	}
	return out, nil
}
