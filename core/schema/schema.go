// Package schema checks JSON values against the JSON Schemas that plugins
// declare, and names each wrong place by its path.
//
// Schemas are foreign input: they are compiled without loading anything from
// elsewhere, and a broken one is the plugin's fault. A [Cache] is safe for
// concurrent use.
package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tradewind.example/sdk/fault"
)

// maxCompiled bounds the cache; when it is full, everything is compiled anew.
const maxCompiled = 1024

// Cache keeps compiled schemas by their text.
type Cache struct {
	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*jsonschema.Schema
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{compiled: map[[sha256.Size]byte]*jsonschema.Schema{}} }

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
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return fault.Invalid(path, "must be JSON")
	}
	err = compiled.Validate(doc)
	var wrong *jsonschema.ValidationError
	if errors.As(err, &wrong) {
		return fault.InvalidFields(fields(path, wrong))
	}
	return err
}

func (c *Cache) get(schema json.RawMessage) (*jsonschema.Schema, error) {
	key := sha256.Sum256(schema)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.compiled[key]; s != nil {
		return s, nil
	}
	s, err := compile(schema)
	if err != nil {
		return nil, fault.Internal(err, "a schema of the plugin cannot be used: ask its author").From(fault.SourcePlugin)
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
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
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

// fields flattens the tree of causes into its leaves.
func fields(path string, e *jsonschema.ValidationError) []fault.Field {
	if len(e.Causes) == 0 {
		text := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
		return []fault.Field{{Path: place(path, e.InstanceLocation), Message: text}}
	}
	var out []fault.Field
	for _, cause := range e.Causes {
		out = append(out, fields(path, cause)...)
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
