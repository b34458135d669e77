// Package schema describes JSON by Go types and checks JSON against such
// descriptions: it derives a JSON Schema (draft 2020-12) from a struct's tags,
// compiles schemas, and reports what is wrong by dotted field path. It knows
// nothing of kinds or of plugins, and it loads no schema from anywhere.
//
// The checker is our own: every plugin has it, and what a general library does
// when a program starts costs a plugin's start more than all its other packages.
// It knows the draft but for the keywords in [Compile]'s description; a schema that needs one
// of those is an error, never a check that is left out.
//
// A message names the field and the rule, never the offending value, which may
// be a secret. A compiled [Validator] is immutable and safe for concurrent use.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"tradewind.example/sdk/fault"
)

// Validator is a compiled schema.
type Validator struct{ root *node }

// Validate checks doc and returns an invalid fault whose paths start with
// root ("spec"), or nil. An empty doc counts as {}.
func (v *Validator) Validate(doc json.RawMessage, root string) error {
	if len(bytes.TrimSpace(doc)) == 0 {
		doc = json.RawMessage("{}")
	}
	instance, err := decode(doc)
	if err != nil {
		return fault.Invalid(root, "is not JSON")
	}
	return fault.InvalidFields(v.root.check(instance, place{text: root}, 0))
}

// decode reads one document with its numbers as they are written.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return v, nil
}

// place is where in a document a value stands, written when it is needed.
type place struct {
	up   *place
	text string // the root, or a field with its dot
	item int    // of a list, when text is empty
}

func (p place) field(name string) place { return place{up: &p, text: "." + name} }
func (p place) at(i int) place          { return place{up: &p, item: i} }

// String writes a place as "spec.disks[0].size_gb".
func (p place) String() string {
	text := p.text
	if text == "" {
		text = "[" + strconv.Itoa(p.item) + "]"
	}
	if p.up != nil {
		return p.up.String() + text
	}
	return text
}

func wrong(at place, format string, args ...any) []fault.Field {
	return []fault.Field{{Path: at.String(), Message: fmt.Sprintf(format, args...)}}
}
