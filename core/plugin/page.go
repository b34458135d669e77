package plugin

import (
	"slices"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// maxCursor bounds a cursor in bytes.
const maxCursor = 512

// Query asks for one page of a list.
type Query struct {
	Cursor  string // Next of the page before; "" for the first
	Limit   int    // 1..store.MaxList
	Reverse bool   // from the list's end
}

// Page is a part of a list. Next is "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

func (q Query) validate() error {
	if q.Limit < 1 || q.Limit > store.MaxList {
		return fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	if len(q.Cursor) > maxCursor {
		return fault.Invalid("cursor", "is not one that this list returned: start again without it")
	}
	return nil
}

// page cuts a page out of a list. The cursor is the key of the last row of the
// page before: a row that comes or goes meanwhile moves no other.
func page[T any](q Query, all []T, key func(T) string) Page[T] {
	rest := slices.Clone(all)
	if q.Reverse {
		slices.Reverse(rest)
	}
	if q.Cursor != "" {
		if i := slices.IndexFunc(rest, func(x T) bool { return key(x) == q.Cursor }); i >= 0 {
			rest = rest[i+1:]
		} else {
			rest = slices.DeleteFunc(rest, func(x T) bool { return key(x) < q.Cursor != q.Reverse })
		}
	}
	if len(rest) <= q.Limit {
		return Page[T]{Items: rest}
	}
	return Page[T]{Items: rest[:q.Limit], Next: key(rest[q.Limit-1])}
}
