package bodyjson

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// field is one member of an object.
type field struct {
	name     string
	index    int
	of       shape
	required bool
	def      reflect.Value // what a zero becomes; invalid: it stays
}

// maxFields is how many members an object may have: those read are bits.
const maxFields = 64

func object(t reflect.Type, s *huma.Schema, r huma.Registry) (shape, bool) {
	if more, ok := s.AdditionalProperties.(bool); !ok || more || t.NumField() > maxFields {
		return shape{}, false
	}
	var fields []field
	fills := false
	for i := range t.NumField() {
		f, used, ok := fieldOf(t.Field(i), s, r)
		if !ok {
			return shape{}, false
		}
		if used {
			f.index = i
			fields = append(fields, f)
			fills = fills || f.def.IsValid() || f.of.fill != nil
		}
	}
	out := shape{read: func(c *cursor, v reflect.Value) bool { return readObject(c, v, fields) }}
	if fills {
		out.fill = func(v reflect.Value) { fill(v, fields) }
	}
	return out, len(fields) == len(s.Properties)
}

func fieldOf(sf reflect.StructField, s *huma.Schema, r huma.Registry) (f field, used, ok bool) {
	name, option, _ := strings.Cut(sf.Tag.Get("json"), ",")
	if !sf.IsExported() || name == "-" {
		return field{}, false, !sf.Anonymous
	}
	prop := s.Properties[name]
	if name == "" || sf.Anonymous || prop == nil || prop.ReadOnly || option == "string" {
		return field{}, false, false
	}
	f = field{name: name, required: slices.Contains(s.Required, name)}
	if f.of, ok = compile(sf.Type, prop, r); !ok {
		return field{}, false, false
	}
	if sf.Tag.Get("default") != "" {
		f.def, ok = defaultOf(sf.Type, prop.Default)
	}
	return f, true, ok
}

// defaultOf is the default of a text or a number as a value of its type.
func defaultOf(t reflect.Type, def any) (reflect.Value, bool) {
	v := reflect.ValueOf(def)
	if !v.IsValid() || (t.Kind() == reflect.String) != (v.Kind() == reflect.String) || !v.CanConvert(t) {
		return reflect.Value{}, false
	}
	return v.Convert(t), true
}

func readObject(c *cursor, v reflect.Value, fields []field) bool {
	if !c.take('{') {
		return false
	}
	var seen uint64
	for first := true; !c.take('}'); first = false {
		if !first && !c.take(',') {
			return false
		}
		name, ok := c.string()
		if !ok || !c.take(':') {
			return false
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == string(name) })
		if i < 0 || seen&(1<<i) != 0 || !fields[i].of.read(c, v.Field(fields[i].index)) {
			return false
		}
		seen |= 1 << i
	}
	for i := range fields {
		if fields[i].required && seen&(1<<i) == 0 {
			return false
		}
	}
	return true
}

func fill(v reflect.Value, fields []field) {
	for i := range fields {
		f, member := &fields[i], v.Field(fields[i].index)
		if f.def.IsValid() && member.IsZero() {
			member.Set(f.def)
		}
		if f.of.fill != nil {
			f.of.fill(member)
		}
	}
}
