// Package schema checks JSON values against the JSON Schemas that plugins
// declare, and names each wrong place by its path.
//
// Schemas are foreign input: they are compiled without loading anything from
// elsewhere, and a broken one is the plugin's fault. A [Cache] and a [Schema]
// are safe for concurrent use.
package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tradewind.example/sdk/fault"
)

// Schema is one compiled schema. Make it with [Compile].
type Schema struct{ compiled *jsonschema.Schema }

// Flaw is one place of a value that does not fit.
type Flaw struct {
	Location []string // from the top of the value; empty: the value itself
	Keyword  string   // of the schema, like properties/size/minimum
	Text     string   // in words; it may repeat the value
	Missing  []string // fields that are required there
	Unknown  []string // fields that nothing declares there
}

// Compile reads a schema. One that cannot be used, or that wants something from
// elsewhere, is an internal fault of the plugin.
func Compile(text json.RawMessage) (*Schema, error) {
	s, err := compile(text)
	if err != nil {
		return nil, fault.Internal(err, "a schema of the plugin cannot be used: ask its author").From(fault.SourcePlugin)
	}
	return &Schema{s}, nil
}

// Parse reads JSON as [Schema.Flaws] wants it: numbers keep all their digits.
func Parse(text []byte) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(text)) }

// Flaws returns where the value does not fit, always in the same order; none
// when it does. The value is made by [Parse], or of maps, slices and what Parse
// returns.
func (s *Schema) Flaws(value any) ([]Flaw, error) {
	err := s.compiled.Validate(value)
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return nil, err
	}
	all := leaves(nil, wrong)
	slices.SortStableFunc(all, func(a, b Flaw) int { return slices.Compare(a.Location, b.Location) })
	return all, nil
}

// leaves flattens the tree of causes.
func leaves(all []Flaw, e *jsonschema.ValidationError) []Flaw {
	for _, cause := range e.Causes {
		all = leaves(all, cause)
	}
	if len(e.Causes) > 0 {
		return all
	}
	f := Flaw{
		Location: e.InstanceLocation, Keyword: strings.Join(e.ErrorKind.KeywordPath(), "/"),
		Text: e.ErrorKind.LocalizedString(message.NewPrinter(language.English)),
	}
	if r, ok := e.ErrorKind.(*kind.Required); ok {
		f.Missing = r.Missing
	}
	if a, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		f.Unknown = slices.Sorted(slices.Values(a.Properties))
	}
	return append(all, f)
}

// maxCompiled bounds the cache; when it is full, everything is compiled anew.
const maxCompiled = 1024

// Cache keeps compiled schemas by their text.
type Cache struct {
	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*Schema
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{compiled: map[[sha256.Size]byte]*Schema{}} }

// Check returns nil when value fits the schema, else an invalid fault with the
// wrong places below path. An empty schema allows everything; an empty value
// counts as {}.
func (c *Cache) Check(path string, schema, value json.RawMessage) error {
	if len(bytes.TrimSpace(schema)) == 0 {
		return nil
	}
	compiled, err := c.get(schema)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(value)) == 0 {
		value = json.RawMessage("{}")
	}
	doc, err := Parse(value)
	if err != nil {
		return fault.Invalid(path, "must be JSON")
	}
	flaws, err := compiled.Flaws(doc)
	if err != nil {
		return err
	}
	return fault.InvalidFields(fields(path, flaws))
}

func (c *Cache) get(schema json.RawMessage) (*Schema, error) {
	key := sha256.Sum256(schema)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.compiled[key]; s != nil {
		return s, nil
	}
	s, err := Compile(schema)
	if err != nil {
		return nil, err
	}
	if len(c.compiled) >= maxCompiled {
		clear(c.compiled)
	}
	c.compiled[key] = s
	return s, nil
}

// closed refuses to load schemas from anywhere.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("schema %q is not part of the plugin's own", url)
}

func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := Parse(schema)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(closed{})
	if err := c.AddResource("plugin.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("plugin.json")
}

// fields names the wrong places; what is missing, and what is too much, is one
// of its own.
func fields(path string, flaws []Flaw) []fault.Field {
	var out []fault.Field
	for _, f := range flaws {
		at := place(path, f.Location)
		for _, name := range f.Missing {
			out = append(out, fault.Field{Path: at + "." + name, Message: "is required"})
		}
		for _, name := range f.Unknown {
			out = append(out, fault.Field{Path: at + "." + name, Message: "there is no such field"})
		}
		if len(f.Missing)+len(f.Unknown) == 0 {
			out = append(out, fault.Field{Path: at, Message: f.Text})
		}
	}
	return out
}

// place writes a location as a dotted path: spec.disks[0].size_gb.
func place(path string, location []string) string {
	var b strings.Builder
	b.WriteString(path)
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
			continue
		}
		b.WriteString("." + part)
	}
	return b.String()
}
