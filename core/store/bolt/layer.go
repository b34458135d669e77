package bolt

import (
	"fmt"
	"unsafe"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
)

// fillPercent packs pages fuller than bbolt's half when they split: ids ascend
// with time, so that most rows land at the end and full pages stay full.
const fillPercent = 0.9

// layer is what was written on top of some state: by a batch of updates, or by
// many of them since a checkpoint. It is filled by one goroutine and read only
// from then on.
type layer struct {
	boxes map[store.Bucket]*rows
	bytes int // written in all, what was replaced since included
}

// rows are the written keys of one bucket in their order; a nil value is a
// deletion.
type rows struct {
	btree.Map[string, []byte]
}

func newLayer() *layer { return &layer{boxes: map[store.Bucket]*rows{}} }

func (l *layer) box(name store.Bucket) *rows {
	b := l.boxes[name]
	if b == nil {
		b = &rows{}
		l.boxes[name] = b
	}
	return b
}

// empty says whether nothing differs from the state below.
func (l *layer) empty() bool {
	for _, b := range l.boxes {
		if b.Len() > 0 {
			return false
		}
	}
	return true
}

// take puts the rows of another layer over its own. It keeps parts of them.
func (l *layer) take(above *layer) {
	for name, b := range above.boxes {
		to := l.box(name)
		b.Scan(func(k string, v []byte) bool {
			to.Set(k, v)
			return true
		})
	}
	l.bytes += above.bytes
}

// copy returns the layer as it is now. It costs little: both share their rows
// until one of them changes.
func (l *layer) copy() *layer {
	out := &layer{boxes: make(map[store.Bucket]*rows, len(l.boxes)), bytes: l.bytes}
	for name, b := range l.boxes {
		out.boxes[name] = &rows{*b.Copy()}
	}
	return out
}

// apply writes the layer into a transaction, every bucket in the order of its
// keys, so that each page is looked for once and filled in one go.
func (l *layer) apply(tx *bbolt.Tx) error {
	for name, b := range l.boxes {
		if b.Len() == 0 {
			continue
		}
		bucket, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return fmt.Errorf("making the bucket %q: %w", name, err)
		}
		bucket.FillPercent = fillPercent
		if err := b.apply(bucket); err != nil {
			return fmt.Errorf("writing to the bucket %q: %w", name, err)
		}
	}
	return nil
}

func (b *rows) apply(to *bbolt.Bucket) (err error) {
	b.Scan(func(k string, v []byte) bool {
		if v == nil {
			err = to.Delete(bytesOf(k))
		} else {
			err = to.Put(bytesOf(k), v)
		}
		return err == nil
	})
	return err
}

// get returns a key's value and whether the layer has the key at all.
func (b *rows) get(key []byte) ([]byte, bool) {
	if b == nil || b.Len() == 0 {
		return nil, false
	}
	return b.Get(textOf(key))
}

// textOf and bytesOf look at the same bytes as another type without copying
// them. Nobody changes keys: those of a layer are its own, and a text made from
// a caller's key is dropped before the caller goes on.
func textOf(b []byte) string  { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // see above
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) } //nolint:gosec // see above
