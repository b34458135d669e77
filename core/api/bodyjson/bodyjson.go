// Package bodyjson reads JSON request bodies that plainly fit their schema, in
// one pass: it validates and fills a Go value at once.
//
// It never refuses. It reads what is certain to be valid and declines the rest,
// for huma to judge: a body that it reads is one that huma accepts, and the
// value is the one that huma would have made of it, defaults included. Escaped
// text, repeated names, null and numbers with a fraction are declined for
// simplicity's sake; so are types and schema words it does not know.
//
// A [Reader] is immutable and safe for concurrent use.
package bodyjson

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Reader reads bodies of one type.
type Reader struct {
	of    reflect.Type
	shape shape
}

// New returns a reader of values of type t by their schema; false when one of
// its parts is not known here.
func New(t reflect.Type, s *huma.Schema, r huma.Registry) (*Reader, bool) {
	x, ok := compile(t, s, r)
	return &Reader{of: t, shape: x}, ok
}

// Read fills v, a settable zero value of the reader's type. When it declines,
// v is spoilt.
func (x *Reader) Read(body []byte, v reflect.Value) bool {
	c := &cursor{text: body}
	if v.Type() != x.of || !x.shape.read(c, v) || !c.ended() {
		return false
	}
	if x.shape.fill != nil {
		x.shape.fill(v)
	}
	return true
}
