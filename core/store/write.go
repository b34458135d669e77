package store

import (
	"tradewind.example/sdk/fault"
)

// current reads the envelope of a document that is about to change and checks
// its revision.
func (c *Collection[T]) current(tx Tx, id string, rev uint64) (envelope, error) {
	raw, err := tx.Get(c.bucket, Key(id))
	if err != nil {
		return envelope{}, err
	}
	if raw == nil {
		return envelope{}, fault.NotFound(c.name, id)
	}
	old, err := c.open(id, raw)
	if err != nil {
		return envelope{}, err
	}
	if rev != 0 && rev != old.rev {
		return envelope{}, fault.Conflict("%s %q was changed meanwhile: read it again", c.name, id).With(ErrStale)
	}
	return old, nil
}

// write stores the document and brings its index entries from old to what its
// content says now.
func (c *Collection[T]) write(tx Tx, id string, d Doc[T], old []entry) (Doc[T], error) {
	body, err := marshalValue(&d.Value)
	if err != nil {
		return Doc[T]{}, fault.Internal(err, "%s %q cannot be encoded", c.name, id)
	}
	entries := c.entries(&d.Value)
	if err := c.move(tx, id, old, entries); err != nil {
		return Doc[T]{}, err
	}
	raw := envelope{rev: d.Rev, entries: entries, body: body}.encode()
	if err := tx.Put(c.bucket, Key(id), raw); err != nil {
		return Doc[T]{}, err
	}
	return d, nil
}

func (c *Collection[T]) entries(v *T) []entry {
	var out []entry
	for _, ix := range c.indexes {
		for _, k := range ix.Keys(v) {
			e := entry{index: ix.Name, unique: ix.Unique, key: k}
			if !e.in(out) {
				out = append(out, e)
			}
		}
	}
	return out
}

// move removes the entries that are gone and adds the new ones.
func (c *Collection[T]) move(tx Tx, id string, old, now []entry) error {
	for _, e := range old {
		if e.in(now) {
			continue
		}
		if err := tx.Delete(c.indexBucket(e.index), e.stored(id)); err != nil {
			return err
		}
	}
	for _, e := range now {
		if e.in(old) {
			continue
		}
		if err := c.add(tx, id, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *Collection[T]) add(tx Tx, id string, e entry) error {
	b, k := c.indexBucket(e.index), e.stored(id)
	if e.unique {
		holder, err := tx.Get(b, k)
		if err != nil {
			return err
		}
		if holder != nil && string(holder) != id {
			cause := &UniqueError{Collection: c.name, Index: e.index, Holder: string(holder)}
			return fault.Conflict("another %s has the same %s", c.name, e.index).With(cause)
		}
	}
	return tx.Put(b, k, []byte(id))
}

func (c *Collection[T]) indexBucket(name string) Bucket {
	for _, ix := range c.indexes {
		if ix.Name == name {
			return ix.bucket
		}
	}
	return Bucket(c.name + "/" + name)
}

func (c *Collection[T]) lookup(name string) (*index[T], error) {
	for i := range c.indexes {
		if c.indexes[i].Name == name {
			return &c.indexes[i], nil
		}
	}
	return nil, fault.Internal(nil, "%s has no index %q", c.name, name)
}
