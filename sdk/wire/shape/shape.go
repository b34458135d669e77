// Package shape describes a message of the contract by the names, types and
// lengths of its fields, so that a report of a crash can tell what was being
// worked on without telling any value. It reads messages and changes nothing.
package shape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	maxFields = 100
	maxDepth  = 6
	maxJSON   = 64 << 10 // bytes; longer documents are not looked into
)

// word matches names that come from a schema. A key of another form may itself
// be a value, such as an address.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// Of lists the fields of m that are set, as "path type(length)", in order of
// their paths. The list is bounded.
func Of(m proto.Message) []string {
	if m == nil {
		return nil
	}
	var l list
	l.message("", m.ProtoReflect(), 0)
	slices.Sort(l.fields)
	if l.more > 0 {
		l.fields = append(l.fields, fmt.Sprintf("… and %d more", l.more))
	}
	return l.fields
}

type list struct {
	fields []string
	more   int
}

func (l *list) add(path, typ string, length int) {
	if len(l.fields) == maxFields {
		l.more++
		return
	}
	text := path + " " + typ
	if length >= 0 {
		text += fmt.Sprintf("(%d)", length)
	}
	l.fields = append(l.fields, text)
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func (l *list) message(path string, m protoreflect.Message, depth int) {
	if depth > maxDepth {
		l.add(path, "message", -1)
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		l.field(join(path, string(f.Name())), f, v, depth)
		return true
	})
}

func (l *list) field(path string, f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) {
	switch {
	case hidden(f):
		l.secret(path, f, v)
	case f.IsMap():
		l.add(path, "map", v.Map().Len())
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			if word.MatchString(k.String()) {
				l.value(join(path, k.String()), f.MapValue(), v, depth)
			}
			return true
		})
	case f.IsList():
		l.add(path, "list", v.List().Len())
		if v.List().Len() > 0 {
			l.value(path+"[0]", f, v.List().Get(0), depth)
		}
	default:
		l.value(path, f, v, depth)
	}
}

// hidden reports whether the contract marks the field as secret.
func hidden(f protoreflect.FieldDescriptor) bool {
	o, ok := f.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

// secret tells of a secret field no more than that it is there.
func (l *list) secret(path string, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if f.IsMap() {
		l.add(path, "secrets", v.Map().Len())
		return
	}
	l.add(path, "secret", -1)
}

func (l *list) value(path string, f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		l.message(path, v.Message(), depth+1)
	case protoreflect.StringKind:
		l.add(path, "string", len(v.String()))
	case protoreflect.BytesKind:
		l.bytes(path, v.Bytes())
	case protoreflect.EnumKind:
		l.add(path, "enum", -1)
	default:
		l.add(path, f.Kind().String(), -1)
	}
}

// bytes looks into what is a JSON document, as specs, states and inputs are.
func (l *list) bytes(path string, raw []byte) {
	l.add(path, "bytes", len(raw))
	if len(raw) > maxJSON || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return
	}
	var doc map[string]any
	if json.Unmarshal(raw, &doc) == nil {
		l.document(path, doc, 0)
	}
}

func (l *list) document(path string, v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		if depth > 0 {
			l.add(path, "object", len(v))
		}
		for name, inner := range v {
			if word.MatchString(name) && depth < maxDepth {
				l.document(join(path, name), inner, depth+1)
			}
		}
	case []any:
		l.add(path, "list", len(v))
		if len(v) > 0 && depth < maxDepth {
			l.document(path+"[0]", v[0], depth+1)
		}
	case string:
		l.add(path, "string", len(v))
	case bool:
		l.add(path, "bool", -1)
	case nil:
		l.add(path, "null", -1)
	default:
		l.add(path, "number", -1)
	}
}
