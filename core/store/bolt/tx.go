package bolt

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// fillPercent packs pages fuller than bbolt's half when they split: ids ascend
// with time, so that most rows land at the end and full pages stay full.
const fillPercent = 0.9

// reader reads one bbolt transaction.
type reader struct {
	tx      *bbolt.Tx
	buckets []namedBucket
	changes int  // writes so far: a scan whose page was written under it seeks again
	writes  bool // pages may have been emptied by deletes and not merged yet
}

type namedBucket struct {
	name   store.Bucket
	bucket *bbolt.Bucket
}

// bucket returns nil for a bucket that does not exist.
func (r *reader) bucket(name store.Bucket) *bbolt.Bucket {
	for i := range r.buckets {
		if r.buckets[i].name == name {
			return r.buckets[i].bucket
		}
	}
	b := r.tx.Bucket([]byte(name))
	if b != nil {
		r.buckets = append(r.buckets, namedBucket{name, b})
	}
	return b
}

// Get implements [store.Reader].
func (r *reader) Get(name store.Bucket, key []byte) ([]byte, error) {
	if err := checkKey(name, key); err != nil {
		return nil, err
	}
	b := r.bucket(name)
	if b == nil {
		return nil, nil
	}
	return b.Get(key), nil
}

// Scan implements [store.Reader].
func (r *reader) Scan(name store.Bucket, span store.Range, fn func(k, v []byte) error) error {
	if span.Limit == 0 || span.Limit < store.NoLimit {
		return fault.Internal(nil, "a scan of %q has no limit", name)
	}
	b := r.bucket(name)
	if b == nil {
		return nil
	}
	s := scan{bucket: b, cursor: b.Cursor(), span: span, dirty: r.writes}
	var changes int
	for k, v := s.first(); k != nil; k, v = s.next(k, changes != r.changes) {
		changes = r.changes
		if err := fn(k, v); err != nil {
			return unlessStop(err)
		}
		if span.Limit--; span.Limit == 0 {
			return nil
		}
	}
	return nil
}

func unlessStop(err error) error {
	if errors.Is(err, store.Stop) {
		return nil
	}
	return err
}

// scan walks a range with a cursor.
type scan struct {
	bucket *bbolt.Bucket
	cursor *bbolt.Cursor
	span   store.Range
	dirty  bool
}

func (s *scan) first() (k, v []byte) {
	if s.span.Reverse {
		return s.before(s.span.To)
	}
	return s.within(s.cursor.Seek(s.span.From))
}

// next moves on from last. When rows were written since, the cursor's place may
// have moved and it seeks its place again.
func (s *scan) next(last []byte, moved bool) (k, v []byte) {
	switch {
	case moved && s.span.Reverse:
		return s.before(last)
	case moved:
		if k, v = s.cursor.Seek(last); bytes.Equal(k, last) {
			k, v = s.cursor.Next()
		}
		return s.within(k, v)
	case s.span.Reverse:
		return s.previous(last)
	default:
		return s.within(s.cursor.Next())
	}
}

// before places the cursor on the greatest key under limit; nil: of all.
func (s *scan) before(limit []byte) (k, v []byte) {
	if limit != nil {
		if k, _ = s.cursor.Seek(limit); k != nil {
			return s.previous(limit)
		}
	}
	// Last does not return when deletes have emptied every page.
	if s.dirty && !s.any(limit) {
		return nil, nil
	}
	return s.within(s.cursor.Last())
}

// previous moves the cursor back to the greatest key under limit. Prev reports
// the beginning when it meets a page that deletes have emptied: while a key
// under limit exists, it is asked again.
func (s *scan) previous(limit []byte) (k, v []byte) {
	k, v = s.cursor.Prev()
	if k == nil && s.dirty && s.any(limit) {
		for k == nil {
			k, v = s.cursor.Prev()
		}
	}
	return s.within(k, v)
}

// any says whether there is a key under limit; nil: any at all.
func (s *scan) any(limit []byte) bool {
	k, _ := s.bucket.Cursor().First()
	return k != nil && (limit == nil || bytes.Compare(k, limit) < 0)
}

func (s *scan) within(k, v []byte) ([]byte, []byte) {
	if k == nil || bytes.Compare(k, s.span.From) < 0 || s.span.To != nil && bytes.Compare(k, s.span.To) >= 0 {
		return nil, nil
	}
	return k, v
}

// batchTx is the bbolt transaction that a batch of updates shares.
type batchTx struct {
	reader
	log    []change // of the update that runs, oldest first
	bytes  int      // written by the batch
	dirty  bool     // something may differ from the committed state
	failed error    // a write that bbolt refused: the batch cannot be trusted
}

// change remembers what a write replaced.
type change struct {
	bucket  *bbolt.Bucket
	key     []byte
	old     []byte // stays valid: bbolt neither reuses a page nor a value before the commit
	existed bool
}

func (b *batchTx) writable(name store.Bucket) (*bbolt.Bucket, error) {
	if found := b.bucket(name); found != nil {
		found.FillPercent = fillPercent
		return found, nil
	}
	made, err := b.tx.CreateBucket([]byte(name))
	if err != nil {
		return nil, fmt.Errorf("making the bucket %q: %w", name, err)
	}
	made.FillPercent = fillPercent
	b.buckets = append(b.buckets, namedBucket{name, made})
	b.dirty = true
	return made, nil
}

func (b *batchTx) remember(bucket *bbolt.Bucket, key []byte) []byte {
	old := bucket.Get(key)
	key = bytes.Clone(key)
	b.log = append(b.log, change{bucket: bucket, key: key, old: old, existed: old != nil})
	b.dirty = true
	b.changes++
	return key
}

// undo brings back what the update that runs has replaced.
func (b *batchTx) undo() {
	for i := len(b.log) - 1; i >= 0; i-- {
		c := b.log[i]
		var err error
		if c.existed {
			err = c.bucket.Put(c.key, c.old)
		} else {
			err = c.bucket.Delete(c.key)
		}
		if err != nil && b.failed == nil {
			b.failed = fmt.Errorf("undoing a write: %w", err)
		}
		b.changes++
	}
	b.log = b.log[:0]
}

// updateTx is what one update function sees.
type updateTx struct {
	*batchTx
	request *request
	over    bool
}

// Put implements [store.Tx].
func (t *updateTx) Put(name store.Bucket, key, value []byte) error {
	if err := t.check(name, key, value); err != nil {
		return err
	}
	b, err := t.writable(name)
	if err != nil {
		return err
	}
	key = t.remember(b, key)
	t.bytes += len(key) + len(value)
	return b.Put(key, append(make([]byte, 0, len(value)), value...))
}

// Delete implements [store.Tx].
func (t *updateTx) Delete(name store.Bucket, key []byte) error {
	if err := t.check(name, key, nil); err != nil {
		return err
	}
	b := t.bucket(name)
	if b == nil || b.Get(key) == nil {
		return nil
	}
	key = t.remember(b, key)
	t.bytes += len(key)
	return b.Delete(key)
}

// OnCommit implements [store.Tx].
func (t *updateTx) OnCommit(fn func()) { t.request.hooks = append(t.request.hooks, fn) }

func (t *updateTx) check(name store.Bucket, key, value []byte) error {
	if t.over {
		return fault.Internal(nil, "a transaction of %q is used after its end", name)
	}
	if len(value) > store.MaxValue {
		return fault.Internal(nil, "a value for %q has %d bytes, more than %d", name, len(value), store.MaxValue)
	}
	return checkKey(name, key)
}

func checkKey(name store.Bucket, key []byte) error {
	if name == "" || len(key) == 0 || len(key) > store.MaxKey {
		return fault.Internal(nil, "a key of %d bytes for bucket %q: want a bucket and 1 to %d bytes", len(key), name, store.MaxKey)
	}
	return nil
}
