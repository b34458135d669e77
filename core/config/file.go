package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// reading fills a Config from one YAML document. It goes on after a problem, so
// that all of them are told, each with its path and its line.
type reading struct {
	*problems
	file string // its name, which is the path of what concerns the whole
}

// document reads a file of one document; false when it is no YAML, so that
// nothing is known of its settings.
func (r reading) document(raw []byte, cfg *Config) bool {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return true
	case err != nil:
		r.add(r.file, "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return false
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.add(r.file, "must be one YAML document")
		return false
	}
	return r.value("", doc.Content[0], reflect.ValueOf(cfg).Elem())
}

// value reads a node into v; false when it is not of v's kind. Null leaves v as
// it is. The types of settings are finite, and so is the walk over a file whose
// aliases are not.
func (r reading) value(path string, n *yaml.Node, v reflect.Value) bool {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch kind := v.Kind(); {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return true
	case kind == reflect.Struct && n.Kind == yaml.MappingNode:
		r.section(path, n, v)
	case kind == reflect.Map && n.Kind == yaml.MappingNode:
		r.table(path, n, v)
	case kind == reflect.Slice && n.Kind == yaml.SequenceNode:
		r.list(path, n, v)
	case n.Kind == yaml.ScalarNode && scalar(n, v):
	default:
		r.wrong(path, n, "must be %s", wanted(v.Type()))
		return false
	}
	return true
}

// wrong tells a problem of a node; what concerns the whole file has its name.
func (r reading) wrong(path string, n *yaml.Node, format string, args ...any) {
	if path == "" {
		path = r.file
	}
	r.add(path, "%s (line %d)", fmt.Sprintf(format, args...), n.Line)
}

// section reads the settings of a struct.
func (r reading) section(path string, n *yaml.Node, v reflect.Value) {
	r.members(path, n, func(key, value *yaml.Node, at string) {
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == key.Value {
				r.value(at, value, v.Field(i))
				return
			}
		}
		r.wrong(at, key, "unknown setting")
	})
}

// table reads a map whose keys are names.
func (r reading) table(path string, n *yaml.Node, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	r.members(path, n, func(key, value *yaml.Node, at string) {
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(at, value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
}

// members calls do for every member of a mapping once.
func (r reading) members(path string, n *yaml.Node, do func(key, value *yaml.Node, at string)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		switch {
		case key.Kind != yaml.ScalarNode:
			r.wrong(path, key, "must have names as its keys")
		case seen[key.Value]:
			r.wrong(at, key, "is set twice")
		default:
			seen[key.Value] = true
			do(key, n.Content[i+1], at)
		}
	}
}

func (r reading) list(path string, n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		r.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

// scalar reads a text, a number, a duration or a truth.
func scalar(n *yaml.Node, v reflect.Value) bool {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(n.Value)
		if err == nil {
			v.SetInt(int64(d))
		}
		return err == nil
	}
	got := reflect.New(v.Type())
	if n.Decode(got.Interface()) != nil {
		return false
	}
	v.Set(got.Elem())
	return true
}

// wanted says what a value of a type is in a file.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.String:
		return "a text"
	}
	return "a section of settings"
}
