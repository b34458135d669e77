// Package paging fills a page of a list with the documents that pass a filter,
// reading a bounded number of others on the way.
//
// It knows nothing of what is listed. Its functions are safe for concurrent
// use as far as the reader given to them is.
package paging

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// mostLooked bounds how many documents are looked at to fill one page, however
// small that is. A page that comes back short has a cursor to go on from.
const mostLooked = 4000

// Where returns up to q.Limit documents that keep admits, in the order of the
// query. A short page with a Next means that the rest was not looked at yet.
func Where[T any](r store.Reader, c *store.Collection[T], q store.Query, keep func(*T) bool) (store.Page[T], error) {
	return Until(r, c, q, func(v *T) (bool, error) { return keep(v), nil })
}

// Until is [Where] with a keep that can end the list with [store.Stop]: nothing
// further on is wanted, so that the page has no Next.
func Until[T any](r store.Reader, c *store.Collection[T], q store.Query, keep func(*T) (bool, error)) (store.Page[T], error) {
	return c.Choose(r, q, mostLooked, keep)
}

// Sorts are the keys that a list can be sorted by, each with the name of the
// index that serves it. The empty key, when there is one, is the list's own order.
type Sorts map[string]string

// Index returns the index of a key. An unknown key is an invalid fault on the
// field "sort" that names those there are.
func (s Sorts) Index(key string) (string, error) {
	index, ok := s[key]
	if !ok {
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(s)), func(k string) bool { return k == "" })
		return "", fault.Invalid("sort", "must be one of %s", strings.Join(keys, ", "))
	}
	return index, nil
}

// Between bounds an index whose first part after the prefix is a time: from is
// in, to is out, and a zero time is no bound.
func Between(from, to time.Time) (least, beyond []byte) {
	if !from.IsZero() {
		least = store.Key(from)
	}
	if !to.IsZero() {
		beyond = store.Key(to)
	}
	return least, beyond
}
