package bolt

import (
	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// reader reads the committed state of one bbolt transaction.
type reader struct {
	tx      *bbolt.Tx
	buckets []namedBucket
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

// Snapshot names the state that is read; a transaction's number never comes back.
func (r *reader) Snapshot() store.Snapshot { return store.NewSnapshot(r.tx.DB(), uint64(r.tx.ID())) }

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
	if err := checkSpan(name, span); err != nil {
		return err
	}
	s := newScan(span, nil, nil, r.bucket(name))
	for k, v := s.next(); k != nil; k, v = s.next() {
		if err := fn(k, v); err != nil {
			return unlessStop(err)
		}
		if span.Limit--; span.Limit == 0 {
			return nil
		}
	}
	return nil
}

// batchTx is what a batch of updates shares: the committed state, on it the
// batch that is on its way to the disk, and on that what the batch itself has
// written so far.
type batchTx struct {
	*layer           // of the batch
	below  *layer    // of the batch before, nil when base has it
	base   *bbolt.Tx // committed; nil while the committer rests
	known  map[store.Bucket]*box
	log    []change // of the update that runs, oldest first
	// changes counts writes: a scan finds its place again after one.
	changes int
}

// box is one bucket as the batch sees it; what does not exist is nil.
type box struct {
	own, below *rows
	base       *bbolt.Bucket
}

// change remembers what a write replaced in the batch's layer.
type change struct {
	rows  *rows
	key   string
	old   []byte
	there bool // the layer had the key
}

func newBatchTx() *batchTx { return &batchTx{layer: newLayer(), known: map[store.Bucket]*box{}} }

// enter opens the committed state.
func (b *batchTx) enter(file *bbolt.DB) (err error) {
	b.base, err = file.Begin(false)
	return err
}

// leave lets the committed state go: while it is held, the file cannot be
// mapped anew when it grows.
func (b *batchTx) leave() {
	if b.base == nil {
		return
	}
	_ = b.base.Rollback() // nothing was written
	b.base = nil
	clear(b.known)
}

func (b *batchTx) box(name store.Bucket) *box {
	if x := b.known[name]; x != nil {
		return x
	}
	x := &box{own: b.boxes[name], base: b.base.Bucket([]byte(name))}
	if b.below != nil {
		x.below = b.below.boxes[name]
	}
	b.known[name] = x
	return x
}

func (x *box) get(key []byte) []byte {
	if v, there := x.own.get(key); there {
		return v
	}
	if v, there := x.below.get(key); there {
		return v
	}
	if x.base == nil {
		return nil
	}
	return x.base.Get(key)
}

// set writes a value the layer may keep, nil for a deletion.
func (b *batchTx) set(name store.Bucket, x *box, key, value []byte) {
	if x.own == nil {
		x.own = b.layer.box(name)
	}
	own := string(key)
	old, there := x.own.Set(own, value)
	b.log = append(b.log, change{rows: x.own, key: own, old: old, there: there})
	b.bytes += len(key) + len(value)
	b.changes++
}

// undo brings back what the update that runs has replaced.
func (b *batchTx) undo() {
	for i := len(b.log) - 1; i >= 0; i-- {
		c := b.log[i]
		if c.there {
			c.rows.Set(c.key, c.old)
		} else {
			c.rows.Delete(c.key)
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

// Get implements [store.Reader].
func (t *updateTx) Get(name store.Bucket, key []byte) ([]byte, error) {
	if err := t.check(name, key, nil); err != nil {
		return nil, err
	}
	return t.box(name).get(key), nil
}

// Scan implements [store.Reader].
func (t *updateTx) Scan(name store.Bucket, span store.Range, fn func(k, v []byte) error) error {
	if err := checkSpan(name, span); err != nil {
		return err
	}
	if t.over {
		return endedTx(name)
	}
	x := t.box(name)
	s := newScan(span, x.own, x.below, x.base)
	changes := t.changes
	for k, v := s.next(); k != nil; k, v = s.next() {
		if err := fn(k, v); err != nil {
			return unlessStop(err)
		}
		if span.Limit--; span.Limit == 0 {
			return nil
		}
		if changes != t.changes {
			s.follow(x.own, k)
			changes = t.changes
		}
	}
	return nil
}

// Put implements [store.Tx].
func (t *updateTx) Put(name store.Bucket, key, value []byte) error {
	if err := t.check(name, key, value); err != nil {
		return err
	}
	t.set(name, t.box(name), key, append(make([]byte, 0, len(value)), value...))
	return nil
}

// Delete implements [store.Tx].
func (t *updateTx) Delete(name store.Bucket, key []byte) error {
	if err := t.check(name, key, nil); err != nil {
		return err
	}
	if x := t.box(name); x.get(key) != nil {
		t.set(name, x, key, nil)
	}
	return nil
}

// OnCommit implements [store.Tx].
func (t *updateTx) OnCommit(fn func()) { t.request.hooks = append(t.request.hooks, fn) }

func (t *updateTx) check(name store.Bucket, key, value []byte) error {
	if t.over {
		return endedTx(name)
	}
	if len(value) > store.MaxValue {
		return fault.Internal(nil, "a value for %q has %d bytes, more than %d", name, len(value), store.MaxValue)
	}
	return checkKey(name, key)
}

func endedTx(name store.Bucket) error {
	return fault.Internal(nil, "a transaction of %q is used after its end", name)
}

func checkKey(name store.Bucket, key []byte) error {
	if name == "" || len(key) == 0 || len(key) > store.MaxKey {
		return fault.Internal(nil, "a key of %d bytes for bucket %q: want a bucket and 1 to %d bytes", len(key), name, store.MaxKey)
	}
	return nil
}
