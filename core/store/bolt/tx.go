package bolt

import (
	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// reader reads one committed state.
type reader struct {
	state
	known []knownBox
}

type knownBox struct {
	name store.Bucket
	box  box
}

func (r *reader) box(name store.Bucket) *box {
	for i := range r.known {
		if r.known[i].name == name {
			return &r.known[i].box
		}
	}
	r.known = append(r.known, knownBox{name, r.state.box(name)})
	return &r.known[len(r.known)-1].box
}

// Get implements [store.Reader].
func (r *reader) Get(name store.Bucket, key []byte) ([]byte, error) {
	if err := checkKey(name, key); err != nil {
		return nil, err
	}
	return r.box(name).get(key), nil
}

// Scan implements [store.Reader].
func (r *reader) Scan(name store.Bucket, span store.Range, fn func(k, v []byte) error) error {
	if err := checkSpan(name, span); err != nil {
		return err
	}
	s := newScan(span, *r.box(name))
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
	*layer        // of the batch
	below  *layer // of the batch before, nil when base has it
	base   state  // its tx is nil while the committer rests
	known  map[store.Bucket]*box
	log    []change // of the update that runs, oldest first
	// changes counts writes: a scan finds its place again after one.
	changes int
}

// box is one bucket as a transaction sees it; what does not exist is nil.
type box struct {
	layers [4]*rows // the newest first: of the batch, of the one before, of the state
	base   *bbolt.Bucket
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
func (b *batchTx) enter(open func() (state, error)) (err error) {
	b.base, err = open()
	return err
}

// leave lets the committed state go: while it is held, the file cannot be
// mapped anew when it grows.
func (b *batchTx) leave() {
	if b.base.tx == nil {
		return
	}
	_ = b.base.tx.Rollback() // nothing was written
	b.base = state{}
	clear(b.known)
}

func (b *batchTx) box(name store.Bucket) *box {
	if x := b.known[name]; x != nil {
		return x
	}
	x := b.base.box(name)
	x.layers[0] = b.boxes[name]
	if b.below != nil {
		x.layers[1] = b.below.boxes[name]
	}
	b.known[name] = &x
	return &x
}

// box returns a bucket of the state.
func (s state) box(name store.Bucket) box {
	x := box{base: s.tx.Bucket([]byte(name))}
	for i, l := range s.layers {
		if l != nil {
			x.layers[2+i] = l.boxes[name]
		}
	}
	return x
}

func (x *box) get(key []byte) []byte {
	for _, l := range x.layers {
		if v, there := l.get(key); there {
			return v
		}
	}
	if x.base == nil {
		return nil
	}
	return x.base.Get(key)
}

// set writes a value the layer may keep, nil for a deletion.
func (b *batchTx) set(name store.Bucket, x *box, key, value []byte) {
	if x.layers[0] == nil {
		x.layers[0] = b.layer.box(name)
	}
	own := string(key)
	old, there := x.layers[0].Set(own, value)
	b.log = append(b.log, change{rows: x.layers[0], key: own, old: old, there: there})
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
	s := newScan(span, *x)
	changes := t.changes
	for k, v := s.next(); k != nil; k, v = s.next() {
		if err := fn(k, v); err != nil {
			return unlessStop(err)
		}
		if span.Limit--; span.Limit == 0 {
			return nil
		}
		if changes != t.changes {
			s.follow(x.layers[0], k)
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
