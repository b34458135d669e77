// Package schema describes JSON by Go types and checks JSON against such
// descriptions: it derives a JSON Schema (draft 2020-12) from a struct's tags,
// compiles schemas, and reports what is wrong by dotted field path. It knows
// nothing of kinds or of plugins, and it loads no schema from anywhere.
//
// A message names the field and the rule, never the offending value, which may
// be a secret. A compiled [Validator] is immutable and safe for concurrent use.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"tradewind.example/sdk/fault"
)

// Validator is a compiled schema.
type Validator struct{ compiled *jsonschema.Schema }

// location is the name under which a schema is compiled; nothing is read there.
const location = "urn:tradewind:schema"

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("schema refers to %q: put it into the schema itself", url)
}

// Compile prepares a schema of draft 2020-12.
func Compile(raw json.RawMessage) (*Validator, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("adding schema: %w", err)
	}
	s, err := c.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("compiling schema: %w", err)
	}
	return &Validator{compiled: s}, nil
}

// Validate checks doc and returns an invalid fault whose paths start with
// root ("spec"), or nil. An empty doc counts as {}.
func (v *Validator) Validate(doc json.RawMessage, root string) error {
	if len(bytes.TrimSpace(doc)) == 0 {
		doc = json.RawMessage("{}")
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return fault.Invalid(root, "is not JSON")
	}
	err = v.compiled.Validate(instance)
	if err == nil {
		return nil
	}
	var bad *jsonschema.ValidationError
	if !errors.As(err, &bad) {
		return fault.Internal(err, "the schema cannot be applied")
	}
	return fault.InvalidFields(fields(nil, bad, instance, root))
}

// fields collects the leaves of a validation error.
func fields(out []fault.Field, e *jsonschema.ValidationError, instance any, root string) []fault.Field {
	for _, c := range e.Causes {
		out = fields(out, c, instance, root)
	}
	if len(e.Causes) > 0 {
		return out
	}
	path := dotted(root, e.InstanceLocation, instance)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			out = append(out, fault.Field{Path: path + "." + name, Message: "is required"})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			out = append(out, fault.Field{Path: path + "." + name, Message: "is not known; remove it"})
		}
	default:
		out = append(out, fault.Field{Path: path, Message: message(e.ErrorKind)})
	}
	return out
}

// dotted writes a place as "spec.disks[0].size_gb".
func dotted(root string, tokens []string, instance any) string {
	var b strings.Builder
	b.WriteString(root)
	for _, t := range tokens {
		switch at := instance.(type) {
		case []any:
			fmt.Fprintf(&b, "[%s]", t)
			if i, err := strconv.Atoi(t); err == nil && i < len(at) {
				instance = at[i]
			}
		case map[string]any:
			b.WriteString("." + t)
			instance = at[t]
		}
	}
	return b.String()
}

// message words a rule without the value that broke it.
func message(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + article(strings.Join(k.Want, " or "))
	case *kind.Enum:
		return "must be one of " + list(k.Want)
	case *kind.Const:
		return "must be " + list([]any{k.Want})
	case *kind.Format:
		return "must be a valid " + k.Want
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items", k.Want)
	case *kind.Pattern:
		return "must match " + k.Want
	case *kind.UniqueItems:
		return "must not hold the same item twice"
	default:
		return "breaks the rule " + strings.Join(k.KeywordPath(), "/")
	}
}

func article(word string) string {
	if strings.HasPrefix(word, "a") || strings.HasPrefix(word, "o") || strings.HasPrefix(word, "i") {
		return "an " + word
	}
	return "a " + word
}

func list(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, ", ")
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(9), "0")
}
