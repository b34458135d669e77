package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/secret"
)

// Schemer is implemented by types that describe themselves, by value receiver.
type Schemer interface {
	// JSONSchema returns the keywords of the type's schema; the caller may add
	// to the map.
	JSONSchema() map[string]any
}

// Draft is the value of $schema in derived schemas.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// For derives the schema of T. A struct's fields are named by their json tag
// and described by these tags:
//
//	title:"Size"  doc:"In GiB."    for people
//	required:"true"                must be given
//	enum:"small,large"             the only values
//	min:"1" max:"8"                of a number, a text's length, a list's length
//	pattern:"^[a-z]+$"             of a text
//	default:"small"                see [SetDefaults]
//	secret:"true"                  like a field of type secret.Value
//	deprecated:"Use zone."         it is to go, and what to use instead
//
// Fields of embedded structs count as those of the outer one, which may say
// anew what one of them is. Unknown fields are refused. A field without a json name is an error, and so
// is a type that JSON cannot say exactly (a duration, a channel, a recursion).
func For[T any]() (json.RawMessage, error) { return ForType(reflect.TypeFor[T]()) }

// ForType is [For] for a type known at run time.
func ForType(t reflect.Type) (json.RawMessage, error) {
	d := deriver{open: map[reflect.Type]bool{}}
	s, err := d.typ(t)
	if err != nil {
		return nil, fmt.Errorf("deriving the schema of %s: %w", t, err)
	}
	s["$schema"] = Draft
	return json.Marshal(s)
}

type deriver struct{ open map[reflect.Type]bool }

var (
	secretType   = reflect.TypeFor[secret.Value]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	schemerType  = reflect.TypeFor[Schemer]()
	textType     = reflect.TypeFor[encoding.TextMarshaler]()
)

// secretKeywords mark a value that is shown to nobody.
func secretKeywords() map[string]any {
	return map[string]any{"type": "string", "format": "password", "x-secret": true, "writeOnly": true}
}

func (d *deriver) typ(t reflect.Type) (map[string]any, error) {
	switch {
	case t == secretType:
		return secretKeywords(), nil
	case t.Implements(schemerType) && t.Kind() != reflect.Pointer:
		return reflect.Zero(t).Interface().(Schemer).JSONSchema(), nil
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}, nil
	case t == rawType:
		return map[string]any{}, nil
	case t == durationType:
		return nil, fmt.Errorf("a duration has no unit in JSON: use a whole number and put the unit into the name")
	case t.Kind() != reflect.Pointer && t.Implements(textType):
		return map[string]any{"type": "string"}, nil
	}
	return d.kind(t)
}

func (d *deriver) kind(t reflect.Type) (map[string]any, error) {
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}, nil
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case reflect.Interface:
		return map[string]any{}, nil
	case reflect.Pointer:
		return d.typ(t.Elem())
	case reflect.Slice, reflect.Array:
		return d.list(t)
	case reflect.Map:
		return d.dictionary(t)
	case reflect.Struct:
		return d.object(t)
	default:
		return nil, fmt.Errorf("type %s cannot be written in JSON", t)
	}
}

func (d *deriver) list(t reflect.Type) (map[string]any, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return map[string]any{"type": "string", "contentEncoding": "base64"}, nil
	}
	items, err := d.typ(t.Elem())
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": "array", "items": items}, nil
}

func (d *deriver) dictionary(t reflect.Type) (map[string]any, error) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("type %s: keys must be texts", t)
	}
	values, err := d.typ(t.Elem())
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": "object", "additionalProperties": values}, nil
}

func (d *deriver) object(t reflect.Type) (map[string]any, error) {
	if d.open[t] {
		return nil, fmt.Errorf("type %s contains itself", t)
	}
	d.open[t] = true
	defer delete(d.open, t)
	properties, required := map[string]any{}, []string{}
	if err := d.fields(t, properties, &required); err != nil {
		return nil, err
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out, nil
}

// fields adds those of embedded structs first: as in encoding/json, a field of
// the outer struct stands in the place of an embedded one of the same name.
func (d *deriver) fields(t reflect.Type, properties map[string]any, required *[]string) error {
	for i := range t.NumField() {
		if f := t.Field(i); embedded(f) {
			if err := d.fields(indirect(f.Type), properties, required); err != nil {
				return err
			}
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, use := jsonName(f)
		switch {
		case !use || embedded(f):
			continue
		case name == "":
			return fmt.Errorf("field %s of %s has no json name: add a tag", f.Name, t)
		}
		s, err := d.typ(f.Type)
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		if err := describe(s, f); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		*required = slices.DeleteFunc(*required, func(one string) bool { return one == name })
		if f.Tag.Get("required") == "true" {
			*required = append(*required, name)
		}
		properties[name] = s
	}
	return nil
}

// embedded reports whether the fields of f count as those of its struct.
func embedded(f reflect.StructField) bool {
	name, use := jsonName(f)
	return use && f.Anonymous && name == "" && indirect(f.Type).Kind() == reflect.Struct
}

// jsonName returns the tagged name; use is false for fields JSON leaves out.
func jsonName(f reflect.StructField) (name string, use bool) {
	tag := f.Tag.Get("json")
	name, _, _ = strings.Cut(tag, ",")
	if tag == "-" || (!f.IsExported() && !f.Anonymous) {
		return "", false
	}
	return name, true
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// describe adds what the tags of f say to s.
func describe(s map[string]any, f reflect.StructField) error {
	if f.Tag.Get("secret") == "true" {
		if s["type"] != "string" {
			return fmt.Errorf("only a text can be secret")
		}
		for k, v := range secretKeywords() {
			s[k] = v
		}
	}
	for tag, keyword := range map[string]string{"title": "title", "doc": "description", "pattern": "pattern", "deprecated": "x-instead"} {
		if v := f.Tag.Get(tag); v != "" {
			s[keyword] = v
		}
	}
	if f.Tag.Get("deprecated") != "" {
		s["deprecated"] = true
	}
	if err := bounds(s, f.Tag); err != nil {
		return err
	}
	return values(s, f)
}

// bounds adds min and max, which mean another keyword for each type.
func bounds(s map[string]any, tag reflect.StructTag) error {
	keywords := map[any][2]string{
		"integer": {"minimum", "maximum"}, "number": {"minimum", "maximum"},
		"string": {"minLength", "maxLength"}, "array": {"minItems", "maxItems"},
	}[s["type"]]
	for i, name := range []string{"min", "max"} {
		v, ok := tag.Lookup(name)
		if !ok {
			continue
		}
		if keywords[i] == "" {
			return fmt.Errorf("tag %s does not fit the type", name)
		}
		if !json.Valid([]byte(v)) || strings.ContainsAny(v, `"[{`) {
			return fmt.Errorf("tag %s: %q is not a number", name, v)
		}
		s[keywords[i]] = json.Number(v)
	}
	return nil
}

// values adds enum and default, written in the field's type.
func values(s map[string]any, f reflect.StructField) error {
	if tag, ok := f.Tag.Lookup("enum"); ok {
		var all []any
		for text := range strings.SplitSeq(tag, ",") {
			v, err := parse(f.Type, text)
			if err != nil {
				return fmt.Errorf("tag enum: %w", err)
			}
			all = append(all, v)
		}
		s["enum"] = all
	}
	if tag, ok := f.Tag.Lookup("default"); ok {
		v, err := parse(f.Type, tag)
		if err != nil {
			return fmt.Errorf("tag default: %w", err)
		}
		s["default"] = v
	}
	return nil
}

// parse reads a tag's text as a value of a plain type.
func parse(t reflect.Type, text string) (any, error) {
	switch t = indirect(t); t.Kind() {
	case reflect.String:
		return text, nil
	case reflect.Bool:
		return strconv.ParseBool(text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.ParseInt(text, 10, t.Bits())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.ParseUint(text, 10, t.Bits())
	case reflect.Float32, reflect.Float64:
		return strconv.ParseFloat(text, t.Bits())
	default:
		return nil, fmt.Errorf("type %s cannot have values in a tag", t)
	}
}

// HasSecret reports whether a value of t can hold a secret.Value, which every
// encoder masks.
func HasSecret(t reflect.Type) bool { return hasSecret(t, map[reflect.Type]bool{}) }

func hasSecret(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == secretType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasSecret(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if hasSecret(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}
