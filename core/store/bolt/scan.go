package bolt

import (
	"bytes"
	"errors"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// scan walks a range over the committed rows of a bucket and the layers on top
// of them, as if they were one.
type scan struct {
	span  store.Range
	sides []side  // the uppermost first: of equal keys it counts
	room  [5]side // of sides
}

// side is the place of a scan in one of the things it walks over.
type side struct {
	cursor *bbolt.Cursor // of the committed rows; nil: a layer
	layer  *rows         // nil: nothing is there
	iter   btree.MapIter[string, []byte]
	k, v   []byte // of the place; k is nil when it has run out
}

// newScan always has the uppermost layer as its first side: it may be written
// while it is walked over.
func newScan(span store.Range, x box) *scan {
	s := &scan{span: span}
	s.sides = append(s.room[:0], side{layer: x.layers[0]})
	for _, l := range x.layers[1:] {
		if l != nil && l.Len() > 0 {
			s.sides = append(s.sides, side{layer: l})
		}
	}
	if x.base != nil {
		s.sides = append(s.sides, side{cursor: x.base.Cursor()})
	}
	for i := range s.sides {
		s.begin(&s.sides[i])
	}
	return s
}

func (s *scan) begin(d *side) {
	if s.span.Reverse {
		d.before(s.span.To)
	} else {
		d.from(s.span.From)
	}
}

// follow brings the uppermost side, whose rows were changed, behind last again.
func (s *scan) follow(own *rows, last []byte) {
	d := &s.sides[0]
	d.layer = own
	if s.span.Reverse {
		d.before(last)
		return
	}
	if d.from(last); bytes.Equal(d.k, last) {
		d.step(false)
	}
}

// next returns the next row of the range; k is nil at its end.
func (s *scan) next() (k, v []byte) {
	for {
		top := s.nearest()
		if top == nil || !s.within(top.k) {
			return nil, nil
		}
		deleted := top.cursor == nil && top.v == nil
		k, v = top.k, top.v
		for i := range s.sides {
			if d := &s.sides[i]; d.k != nil && bytes.Equal(d.k, k) {
				d.step(s.span.Reverse)
			}
		}
		if !deleted {
			return k, v
		}
	}
}

func (s *scan) nearest() *side {
	var top *side
	for i := range s.sides {
		d := &s.sides[i]
		if d.k == nil {
			continue
		}
		if top == nil {
			top = d
			continue
		}
		if c := bytes.Compare(d.k, top.k); c < 0 && !s.span.Reverse || c > 0 && s.span.Reverse {
			top = d
		}
	}
	return top
}

func (s *scan) within(k []byte) bool {
	return bytes.Compare(k, s.span.From) >= 0 && (s.span.To == nil || bytes.Compare(k, s.span.To) < 0)
}

// from places the side on the smallest key from start on.
func (d *side) from(start []byte) {
	switch {
	case d.cursor != nil:
		d.k, d.v = d.cursor.Seek(start)
	case d.open():
		d.take(d.iter.Seek(textOf(start)))
	}
}

// before places the side on the greatest key under end; nil: of all.
func (d *side) before(end []byte) {
	switch {
	case d.cursor != nil:
		d.k, d.v = nil, nil
		if end != nil {
			d.k, d.v = d.cursor.Seek(end)
		}
		if d.k != nil {
			d.k, d.v = d.cursor.Prev()
		} else {
			d.k, d.v = d.cursor.Last()
		}
	case d.open():
		if end != nil && d.iter.Seek(textOf(end)) {
			d.take(d.iter.Prev())
		} else {
			d.take(d.iter.Last())
		}
	}
}

func (d *side) open() bool {
	d.k, d.v = nil, nil
	if d.layer == nil || d.layer.Len() == 0 {
		return false
	}
	d.iter = d.layer.Iter()
	return true
}

func (d *side) step(back bool) {
	switch {
	case d.cursor != nil && back:
		d.k, d.v = d.cursor.Prev()
	case d.cursor != nil:
		d.k, d.v = d.cursor.Next()
	case back:
		d.take(d.iter.Prev())
	default:
		d.take(d.iter.Next())
	}
}

func (d *side) take(there bool) {
	d.k, d.v = nil, nil
	if there {
		d.k, d.v = bytesOf(d.iter.Key()), d.iter.Value()
	}
}

func checkSpan(name store.Bucket, span store.Range) error {
	if span.Limit == 0 || span.Limit < store.NoLimit {
		return fault.Internal(nil, "a scan of %q has no limit", name)
	}
	return nil
}

func unlessStop(err error) error {
	if errors.Is(err, store.Stop) {
		return nil
	}
	return err
}
