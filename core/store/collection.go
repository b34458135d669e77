package store

import (
	"errors"
	"fmt"

	"tradewind.example/sdk/fault"
)

// MaxList is the greatest limit of one page.
const MaxList = 1000

// ErrStale is the cause of the conflict that [Collection.Update] and
// [Collection.Delete] answer when the document changed meanwhile.
var ErrStale = errors.New("the revision is not the stored one")

// Index declares a second order of a collection's documents.
type Index[T any] struct {
	Name   string
	Unique bool // at most one document per key; the others are refused with a conflict
	// Keys returns the document's entries, each made by [Key]; none = not
	// indexed. It depends on the document alone.
	Keys func(*T) [][]byte
}

// Doc is a stored document with its revision, which counts its writes from 1.
type Doc[T any] struct {
	Value T
	Rev   uint64
}

// UniqueError is the cause of the conflict of a unique index.
type UniqueError struct {
	Collection string
	Index      string
	Holder     string // the id of the document that has the key
}

// Error names the index; the holder is for operators.
func (e *UniqueError) Error() string {
	return fmt.Sprintf("%s index %q: held by %q", e.Collection, e.Index, e.Holder)
}

// Collection keeps documents of one type under their ids, with indexes that
// are maintained in the same transaction. It has no state of its own and is
// safe for concurrent use. The collection's name is the bucket of the
// documents and the word for one of them in errors: "order".
type Collection[T any] struct {
	name    string
	bucket  Bucket
	id      func(*T) string
	indexes []index[T]
}

type index[T any] struct {
	Index[T]
	bucket Bucket
}

// NewCollection declares a collection. id returns a document's identifier,
// which never changes. Documents that exist already are not in an index that
// is declared later until a migration calls [Collection.Reindex].
func NewCollection[T any](name string, id func(*T) string, indexes ...Index[T]) *Collection[T] {
	c := &Collection[T]{name: name, bucket: Bucket(name), id: id}
	for _, ix := range indexes {
		c.indexes = append(c.indexes, index[T]{Index: ix, bucket: Bucket(name + "/" + ix.Name)})
	}
	return c
}

// Get returns the document, or a not_found fault.
func (c *Collection[T]) Get(r Reader, id string) (Doc[T], error) {
	d, ok, err := c.Find(r, id)
	if err == nil && !ok {
		return d, fault.NotFound(c.name, id)
	}
	return d, err
}

// Find returns the document and whether it exists.
func (c *Collection[T]) Find(r Reader, id string) (Doc[T], bool, error) {
	raw, err := r.Get(c.bucket, Key(id))
	if err != nil || raw == nil {
		return Doc[T]{}, false, err
	}
	d, err := c.decode(id, raw)
	return d, err == nil, err
}

// Insert stores a new document as revision 1. An id that exists, or a key of a
// unique index that another document has, is a conflict.
func (c *Collection[T]) Insert(tx Tx, v T) (Doc[T], error) {
	id := c.id(&v)
	if id == "" {
		return Doc[T]{}, fault.Internal(nil, "%s without an id", c.name)
	}
	old, err := tx.Get(c.bucket, Key(id))
	if err != nil {
		return Doc[T]{}, err
	}
	if old != nil {
		return Doc[T]{}, fault.Conflict("%s %q exists already", c.name, id)
	}
	return c.write(tx, id, Doc[T]{Value: v, Rev: 1}, nil)
}

// Update replaces a document and its index entries. rev is the revision the
// change was made from, or 0 for any; another one stored is a conflict whose
// cause is [ErrStale]. A missing document is a not_found fault.
func (c *Collection[T]) Update(tx Tx, v T, rev uint64) (Doc[T], error) {
	id := c.id(&v)
	old, err := c.current(tx, id, rev)
	if err != nil {
		return Doc[T]{}, err
	}
	return c.write(tx, id, Doc[T]{Value: v, Rev: old.rev + 1}, old.entries)
}

// Delete removes a document and its index entries; rev as for Update.
func (c *Collection[T]) Delete(tx Tx, id string, rev uint64) error {
	old, err := c.current(tx, id, rev)
	if err != nil {
		return err
	}
	for _, e := range old.entries {
		if err := tx.Delete(c.indexBucket(e.index), e.stored(id)); err != nil {
			return err
		}
	}
	return tx.Delete(c.bucket, Key(id))
}

// By returns the document that has the key in a unique index.
func (c *Collection[T]) By(r Reader, index string, key []byte) (Doc[T], bool, error) {
	ix, err := c.lookup(index)
	if err != nil {
		return Doc[T]{}, false, err
	}
	if !ix.Unique {
		return Doc[T]{}, false, fault.Internal(nil, "index %q of %s is not unique", index, c.name)
	}
	id, err := r.Get(ix.bucket, key)
	if err != nil || id == nil {
		return Doc[T]{}, false, err
	}
	d, err := c.Get(r, string(id))
	return d, err == nil, err
}

// Reindex rewrites the index entries of every document. A migration calls it
// after an index was added or its Keys changed.
func (c *Collection[T]) Reindex(tx Tx) error {
	return tx.Scan(c.bucket, Prefix().All(), func(_, raw []byte) error {
		d, err := c.decode("", raw)
		if err != nil {
			return err
		}
		id := c.id(&d.Value)
		old, err := c.open(id, raw)
		if err != nil {
			return err
		}
		_, err = c.write(tx, id, d, old.entries)
		return err
	})
}
