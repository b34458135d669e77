package conformance

import (
	"encoding/json"
	"maps"
	"slices"
)

// shape is what the suite reads of an object's schema: enough to leave a field
// out or to add a wrong one.
type shape struct {
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
	Additional *bool               `json:"additionalProperties"`
}

type property struct {
	Type   any  `json:"type"`
	Secret bool `json:"x-secret"`
}

// shapeOf reads a schema; what cannot be read has no fields.
func shapeOf(raw json.RawMessage) shape {
	var s shape
	if json.Unmarshal(raw, &s) != nil {
		return shape{}
	}
	return s
}

// secrets returns the names of the secret fields.
func (s shape) secrets() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if s.Properties[name].Secret {
			out = append(out, name)
		}
	}
	return out
}

// unknownField is a name that no schema has.
const unknownField = "conformance_unknown_field"

// with returns doc with a field set; value nil takes it out.
func with(doc json.RawMessage, name string, value any) (json.RawMessage, error) {
	fields := map[string]any{}
	if len(doc) > 0 {
		if err := json.Unmarshal(doc, &fields); err != nil {
			return nil, err
		}
	}
	fields[name] = value
	if value == nil {
		delete(fields, name)
	}
	return json.Marshal(fields)
}
