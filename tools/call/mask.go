package call

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// minSecret is the shortest credential that is looked for in texts: a shorter
// one would be found by chance.
const minSecret = 4

// mask turns answers into trees that can be shown.
type mask struct {
	known  *strings.Replacer // the account's credentials
	fields map[string]bool   // names that a schema marks as secret
}

func newMask(d provider.Description, r Request) *mask {
	var pairs []string
	for _, v := range r.Account.Credentials {
		if text := v.Reveal(); len(text) >= minSecret {
			quoted, _ := json.Marshal(text) // a string always has a JSON form
			pairs = append(pairs, text, secret.Mask, strings.Trim(string(quoted), `"`), secret.Mask)
		}
	}
	m := &mask{known: strings.NewReplacer(pairs...), fields: map[string]bool{}}
	for _, k := range d.Kinds {
		schemas := []json.RawMessage{k.Spec, k.State}
		for _, a := range k.Actions {
			schemas = append(schemas, a.Input, a.Output)
		}
		for _, s := range schemas {
			var tree any
			if json.Unmarshal(s, &tree) == nil {
				m.learn(tree)
			}
		}
	}
	return m
}

// learn collects the properties that a schema marks as secret.
func (m *mask) learn(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name, p := range properties {
			if p, ok := p.(map[string]any); ok && p["x-secret"] == true {
				m.fields[name] = true
			}
		}
		for _, inner := range s {
			m.learn(inner)
		}
	case []any:
		for _, inner := range s {
			m.learn(inner)
		}
	}
}

// error takes credentials out of an error's text and keeps its fault.
func (m *mask) error(err error) error {
	if err == nil {
		return nil
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		return errors.New(m.known.Replace(err.Error()))
	}
	clean := *e
	clean.Cause = nil
	clean.Message = m.known.Replace(e.Message)
	clean.Fields = slices.Clone(e.Fields)
	for i := range clean.Fields {
		clean.Fields[i].Message = m.known.Replace(clean.Fields[i].Message)
	}
	return &clean
}

// tree is v as maps, lists and texts; fields of structs are in lower case with
// underscores, empty ones are left out.
func (m *mask) tree(v any) any {
	switch v := v.(type) {
	case json.RawMessage:
		var doc any
		if json.Unmarshal(v, &doc) != nil {
			return nil
		}
		return m.document(doc)
	case secret.Value:
		return v.String()
	case time.Time:
		return v.Format(time.RFC3339)
	case time.Duration:
		return v.String()
	case error:
		return m.error(v).Error()
	}
	return m.reflected(reflect.ValueOf(v))
}

func (m *mask) reflected(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return m.tree(v.Elem().Interface())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() && !f.IsZero() {
				out[snake(v.Type().Field(i).Name)] = m.tree(f.Interface())
			}
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[key.String()] = m.tree(v.MapIndex(key).Interface())
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range v.Len() {
			out[i] = m.tree(v.Index(i).Interface())
		}
		return out
	case reflect.String:
		return m.known.Replace(v.String())
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	default:
		return nil
	}
}

// document masks inside a plugin's own JSON.
func (m *mask) document(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if m.fields[name] && inner != nil && inner != "" {
				v[name] = secret.Mask
			} else {
				v[name] = m.document(inner)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = m.document(v[i])
		}
		return v
	case string:
		return m.known.Replace(v)
	default:
		return v
	}
}

// snake writes a Go name in lower case with underscores: "RawStatus", "ID".
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(name[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
