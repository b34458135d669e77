package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"

	"tradewind.example/sdk/fault"
)

// Query asks for documents in the order of an index.
type Query struct {
	Index  string // "" = by id
	Prefix []byte // [Key] of the leading parts that all results share; nil = all
	// From and To bound the parts after Prefix: with Prefix Key(org), From
	// Key(t1) and To Key(t2) mean t1 <= t < t2 within org. nil = open.
	From, To []byte
	Cursor   string // the Next of the page before; only for List
	Limit    int    // List: 1..[MaxList]; Each: >= 1 or [NoLimit]
	Reverse  bool
}

// Page is a part of a list. Next is "" at the end.
type Page[T any] struct {
	Items []Doc[T]
	Next  string
}

// List returns one page. A document with several entries under the prefix is
// listed once for each. A cursor that this query did not make is an invalid
// fault on the field "cursor".
func (c *Collection[T]) List(r Reader, q Query) (Page[T], error) {
	return c.Choose(r, q, q.Limit, func(*T) (bool, error) { return true, nil })
}

// Choose is [Collection.List] of the documents that keep admits. It looks at no
// more than most of them: a page that is not full and has a Next means that the
// rest was not looked at yet. An error of keep ends it and is returned, except
// [Stop], which says that nothing further on is wanted: the page has no Next.
func (c *Collection[T]) Choose(r Reader, q Query, most int, keep func(*T) (bool, error)) (Page[T], error) {
	if q.Limit < 1 || q.Limit > MaxList {
		return Page[T]{}, fault.Invalid("limit", "must be from 1 to %d", MaxList)
	}
	span, bucket, err := c.span(q)
	if err != nil {
		return Page[T]{}, err
	}
	tag := c.cursorTag(q)
	if span, err = resume(span, tag, q.Cursor); err != nil {
		return Page[T]{}, err
	}
	most = max(most, q.Limit)
	span.Limit = most + 1
	page := Page[T]{Items: make([]Doc[T], 0, min(q.Limit, 64))}
	var last []byte
	looked := 0
	err = r.Scan(bucket, span, func(k, v []byte) error {
		if len(page.Items) == q.Limit || looked == most {
			page.Next = encodeCursor(tag, last)
			return Stop
		}
		last, looked = k, looked+1
		d, err := c.resolve(r, q.Index, v)
		if err != nil {
			return err
		}
		kept, err := keep(&d.Value)
		if kept {
			page.Items = append(page.Items, d)
		}
		return err
	})
	if err != nil {
		return Page[T]{}, err
	}
	return page, nil
}

// Each calls fn for each document of the query, in order, keeping one at a
// time. An error of fn ends it and is returned, except [Stop].
func (c *Collection[T]) Each(r Reader, q Query, fn func(Doc[T]) error) error {
	if q.Limit == 0 || q.Cursor != "" {
		return fault.Internal(nil, "each of %s wants a limit and no cursor", c.name)
	}
	span, bucket, err := c.span(q)
	if err != nil {
		return err
	}
	span.Limit = q.Limit
	return r.Scan(bucket, span, func(_, v []byte) error {
		d, err := c.resolve(r, q.Index, v)
		if err != nil {
			return err
		}
		return fn(d)
	})
}

// resolve turns a row of the scanned bucket into its document.
func (c *Collection[T]) resolve(r Reader, index string, v []byte) (Doc[T], error) {
	if index == "" {
		return c.decode("", v)
	}
	d, ok, err := c.Find(r, string(v))
	if err == nil && !ok {
		err = fault.Internal(nil, "index %q of %s points to %q, which does not exist", index, c.name, v)
	}
	return d, err
}

func (c *Collection[T]) span(q Query) (Range, Bucket, error) {
	bucket := c.bucket
	if q.Index != "" {
		ix, err := c.lookup(q.Index)
		if err != nil {
			return Range{}, "", err
		}
		bucket = ix.bucket
	}
	span := PrefixOf(q.Prefix)
	if q.From != nil {
		span.From = join(q.Prefix, q.From)
	}
	if q.To != nil {
		span.To = join(q.Prefix, q.To)
	}
	span.Reverse = q.Reverse
	return span, bucket, nil
}

func join(a, b []byte) []byte { return append(append(make([]byte, 0, len(a)+len(b)), a...), b...) }

// A cursor is base64url of: 4 bytes that tie it to collection, index and
// direction, then the last key of the page. It is checked, not secret: it only
// ever moves within the range its query may read.
const maxCursor = 2 << 10

func (c *Collection[T]) cursorTag(q Query) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(Key(c.name, q.Index, q.Reverse))
	return h.Sum32()
}

func encodeCursor(tag uint32, last []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, tag), last...))
}

// resume cuts from the range what the pages before have shown.
func resume(span Range, tag uint32, cursor string) (Range, error) {
	if cursor == "" {
		return span, nil
	}
	wrong := fault.Invalid("cursor", "is not one that this list returned: start again without it")
	if len(cursor) > maxCursor {
		return span, wrong
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= 4 || binary.BigEndian.Uint32(raw) != tag {
		return span, wrong
	}
	last := raw[4:]
	if bytes.Compare(last, span.From) < 0 || span.To != nil && bytes.Compare(last, span.To) >= 0 {
		return span, wrong
	}
	if span.Reverse {
		span.To = last
	} else {
		span.From = append(last, 0)
	}
	return span, nil
}
