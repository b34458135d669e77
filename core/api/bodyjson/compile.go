package bodyjson

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// shape is how values of one type are read.
type shape struct {
	// read reads the value at the cursor into v, which is zero; false declines.
	read func(c *cursor, v reflect.Value) bool
	// fill sets the defaults inside v; nil: there are none.
	fill func(v reflect.Value)
}

// compile returns the shape of a type by its schema; false when either says
// something that is not known here.
func compile(t reflect.Type, s *huma.Schema, r huma.Registry) (shape, bool) {
	for s != nil && s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	if s == nil || strange(s) || readsItself(t) {
		return shape{}, false
	}
	switch kind := t.Kind(); {
	case kind == reflect.String && s.Type == huma.TypeString && s.Format == "":
		return text(s)
	case kind >= reflect.Int && kind <= reflect.Int64 && s.Type == huma.TypeInteger && len(s.Enum) == 0:
		return whole(s)
	case kind == reflect.Bool && s.Type == huma.TypeBoolean && len(s.Enum) == 0:
		return shape{read: boolean}, true
	case kind == reflect.Struct && s.Type == huma.TypeObject:
		return object(t, s, r)
	case kind == reflect.Slice && s.Type == huma.TypeArray && t.Elem().Kind() != reflect.Uint8:
		return list(t, s, r)
	case t == reflect.TypeFor[map[string]any]() && s.Type == huma.TypeObject && anything(s):
		return shape{read: freeForm}, true
	}
	return shape{}, false
}

// strange tells schemas with words that no step looks at.
func strange(s *huma.Schema) bool {
	return s.OneOf != nil || s.AnyOf != nil || s.AllOf != nil || s.Not != nil || s.ContentEncoding != "" ||
		s.ExclusiveMinimum != nil || s.ExclusiveMaximum != nil || s.MultipleOf != nil || s.UniqueItems ||
		s.MinProperties != nil || s.MaxProperties != nil || len(s.DependentRequired) > 0 || s.ReadOnly
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// anything reports whether an object may hold whatever it likes.
func anything(s *huma.Schema) bool {
	more, ok := s.AdditionalProperties.(*huma.Schema)
	return ok && len(s.Properties) == 0 && len(s.Required) == 0 && more.Type == "" && more.Ref == "" && !strange(more) && len(more.Enum) == 0
}

func text(s *huma.Schema) (shape, bool) {
	var pattern *regexp.Regexp
	if s.Pattern != "" {
		var err error
		if pattern, err = regexp.Compile(s.Pattern); err != nil {
			return shape{}, false
		}
	}
	fewest, most := 0, -1
	if s.MinLength != nil {
		fewest = *s.MinLength
	}
	if s.MaxLength != nil {
		most = *s.MaxLength
	}
	words, ok := wordsOf(s)
	return shape{read: func(c *cursor, v reflect.Value) bool {
		raw, ok := c.string()
		if !ok {
			return false
		}
		for _, w := range words {
			if string(raw) == w {
				v.SetString(w)
				return true
			}
		}
		if n := utf8.RuneCount(raw); len(words) > 0 || n < fewest || most >= 0 && n > most || pattern != nil && !pattern.Match(raw) {
			return false
		}
		v.SetString(string(raw))
		return true
	}}, ok
}

// wordsOf returns the closed list that a text is of; a list beside other bounds
// is not known here.
func wordsOf(s *huma.Schema) (words []string, ok bool) {
	for _, e := range s.Enum {
		w, isText := e.(string)
		if !isText {
			return nil, false
		}
		words = append(words, w)
	}
	return words, len(words) == 0 || s.MinLength == nil && s.MaxLength == nil && s.Pattern == ""
}

func whole(s *huma.Schema) (shape, bool) {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if s.Minimum != nil {
		least = int64(*s.Minimum)
	}
	if s.Maximum != nil {
		most = int64(*s.Maximum)
	}
	round := (s.Minimum == nil || math.Trunc(*s.Minimum) == *s.Minimum) && (s.Maximum == nil || math.Trunc(*s.Maximum) == *s.Maximum)
	return shape{read: func(c *cursor, v reflect.Value) bool {
		n, ok := c.whole()
		if !ok || n < least || n > most || v.OverflowInt(n) {
			return false
		}
		v.SetInt(n)
		return true
	}}, round
}

func boolean(c *cursor, v reflect.Value) bool {
	if c.word("true") {
		v.SetBool(true)
		return true
	}
	return c.word("false")
}

func freeForm(c *cursor, v reflect.Value) bool {
	raw, ok := c.object()
	return ok && json.Unmarshal(raw, v.Addr().Interface()) == nil
}

func list(t reflect.Type, s *huma.Schema, r huma.Registry) (shape, bool) {
	item, ok := compile(t.Elem(), s.Items, r)
	if !ok {
		return shape{}, false
	}
	out := shape{read: func(c *cursor, v reflect.Value) bool { return readList(c, v, s, item) }}
	if item.fill != nil {
		out.fill = func(v reflect.Value) {
			for i := range v.Len() {
				item.fill(v.Index(i))
			}
		}
	}
	return out, true
}

func readList(c *cursor, v reflect.Value, s *huma.Schema, item shape) bool {
	if !c.take('[') {
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for !c.take(']') {
		n := v.Len()
		if n > 0 && !c.take(',') || s.MaxItems != nil && n >= *s.MaxItems {
			return false
		}
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		if !item.read(c, v.Index(n)) {
			return false
		}
	}
	return s.MinItems == nil || v.Len() >= *s.MinItems
}
