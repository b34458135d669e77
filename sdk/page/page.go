// Package page walks the paged lists of a cloud's API row by row: by offset and
// limit, or by a token for the next page. It bounds the walk and notices a
// cloud that gives the same page again. It makes no call itself and retries
// nothing; the fetch function does, with package retry.
//
// Nothing is kept but the page at hand and the keys of the one before it.
package page

import (
	"context"

	"tradewind.example/sdk/fault"
)

// Defaults of [Options].
const (
	DefaultSize     = 100
	DefaultMaxPages = 10_000
)

// Options bounds a walk. The zero value means the defaults.
type Options struct {
	Size     int // rows asked for in one page
	MaxPages int // pages after which the walk fails
}

func (o Options) withDefaults() Options {
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.MaxPages <= 0 {
		o.MaxPages = DefaultMaxPages
	}
	return o
}

// UnknownTotal is what a fetch function answers when the cloud tells no total.
const UnknownTotal = -1

// FetchOffset gets the rows from offset on, at most limit, and the total.
type FetchOffset[T any] func(ctx context.Context, offset, limit int) (rows []T, total int, err error)

// FetchToken gets the page of token ("" for the first) and the token of the
// next one, "" when there is none.
type FetchToken[T any] func(ctx context.Context, token string, limit int) (rows []T, next string, err error)

// ByOffset yields every row in the cloud's order and stops at the first error
// of fetch or yield, which it returns. It ends at the total or, without one, at
// the first page that is not full. key identifies a row.
func ByOffset[T any](ctx context.Context, o Options, fetch FetchOffset[T], key func(T) string, yield func(T) error) error {
	o = o.withDefaults()
	w := walk[T]{key: key, yield: yield}
	for offset := 0; ; {
		if w.pages == o.MaxPages {
			return tooMany(o.MaxPages)
		}
		rows, total, err := fetch(ctx, offset, o.Size)
		if err != nil {
			return err
		}
		if err := w.page(ctx, rows); err != nil {
			return err
		}
		offset += len(rows)
		if len(rows) == 0 || (total >= 0 && offset >= total) || (total < 0 && len(rows) < o.Size) {
			return nil
		}
	}
}

// ByToken yields every row in the cloud's order and stops at the first error
// of fetch or yield, which it returns. key identifies a row.
func ByToken[T any](ctx context.Context, o Options, fetch FetchToken[T], key func(T) string, yield func(T) error) error {
	o = o.withDefaults()
	w := walk[T]{key: key, yield: yield}
	for token := ""; ; {
		if w.pages == o.MaxPages {
			return tooMany(o.MaxPages)
		}
		rows, next, err := fetch(ctx, token, o.Size)
		if err != nil {
			return err
		}
		if err := w.page(ctx, rows); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		if next == token {
			return fault.New(fault.ClassInternal, "the cloud gave the same page token twice").From(fault.SourceCloud)
		}
		token = next
	}
}

// walk yields pages and remembers the keys of the last one.
type walk[T any] struct {
	key   func(T) string
	yield func(T) error
	pages int
	last  map[string]bool
}

func (w *walk[T]) page(ctx context.Context, rows []T) error {
	w.pages++
	keys, repeated := make(map[string]bool, len(rows)), 0
	for _, row := range rows {
		k := w.key(row)
		if w.last[k] {
			repeated++
		}
		keys[k] = true
	}
	if len(rows) > 0 && repeated == len(rows) {
		return fault.New(fault.ClassInternal, "the cloud gave the same page twice").From(fault.SourceCloud)
	}
	for _, row := range rows {
		if w.last[w.key(row)] {
			continue // it moved here from the page before, while we walked
		}
		if err := ctx.Err(); err != nil {
			return fault.Unavailable("the list was not read to its end in time").With(err)
		}
		if err := w.yield(row); err != nil {
			return err
		}
	}
	w.last = keys
	return nil
}

func tooMany(pages int) error {
	return fault.New(fault.ClassInternal, "the list has more than %d pages; ask for less", pages)
}
