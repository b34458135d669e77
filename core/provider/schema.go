package provider

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/core/schema"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// configSchema is a plugin's config schema, split into what is secret and what not.
type configSchema struct {
	types    map[string]string // declared name -> JSON type
	secrets  map[string]bool
	compiled *schema.Schema
}

type schemaText struct {
	Properties map[string]struct {
		Type   any  `json:"type"`
		Secret bool `json:"x-secret"`
	} `json:"properties"`
}

// parseSchema reads a config schema; an empty one declares no fields. A partial
// schema requires nothing: it is for defaults that others complete.
func parseSchema(raw json.RawMessage, partial bool) (*configSchema, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage(`{"type":"object"}`)
	}
	if partial {
		raw = requiringNothing(raw)
	}
	compiled, err := schema.Compile(raw)
	if err != nil {
		return nil, err
	}
	var text schemaText
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fault.Internal(err, "the plugin's config schema cannot be used: ask its author").From(fault.SourcePlugin)
	}
	s := &configSchema{types: map[string]string{}, secrets: map[string]bool{}, compiled: compiled}
	for name, p := range text.Properties {
		s.types[name], _ = p.Type.(string)
		if p.Secret {
			s.secrets[name] = true
		}
	}
	return s, nil
}

// requiringNothing leaves out what a schema requires at its top; what is no
// object stays as it is.
func requiringNothing(raw json.RawMessage) json.RawMessage {
	var top map[string]json.RawMessage
	if json.Unmarshal(raw, &top) != nil {
		return raw
	}
	delete(top, "required")
	delete(top, "dependentRequired")
	out, err := json.Marshal(top)
	if err != nil {
		return raw
	}
	return out
}

// check reports, as fields, how settings and credentials do not fit. It never
// repeats the value of a secret.
func (s *configSchema) check(f *fields, settings map[string]string, credentials map[string]secret.Value) {
	all := make(map[string]any, len(settings)+len(credentials))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if s.secrets[name] {
			f.Add("settings."+name, "is secret: give it under credentials")
		} else if s.known(f, "settings."+name, name) {
			all[name] = typed(s.types[name], settings[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		if !s.known(f, "credentials."+name, name) {
			continue
		}
		if !s.secrets[name] {
			f.Add("credentials."+name, "is not secret: give it under settings")
			continue
		}
		all[name] = typed(s.types[name], credentials[name].Reveal())
	}
	if len(f.Problems) > 0 {
		return
	}
	flaws, err := s.compiled.Flaws(all)
	if err != nil {
		f.Add("settings", "cannot be held against the plugin's config schema")
	}
	for _, flaw := range flaws {
		s.explain(f, flaw)
	}
	slices.SortStableFunc(f.Problems, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
}

func (s *configSchema) known(f *fields, path, name string) bool {
	if _, ok := s.types[name]; !ok {
		f.Add(path, "is not in the plugin's config schema")
		return false
	}
	return true
}

// typed reads the text of a setting as its declared type; what cannot be read
// stays text, and the schema says so.
func typed(want, text string) any {
	switch want {
	case "integer", "number":
		if v, err := schema.Parse([]byte(text)); err == nil {
			if n, ok := v.(json.Number); ok {
				return n
			}
		}
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	return text
}

// explain says in words what does not fit.
func (s *configSchema) explain(f *fields, flaw schema.Flaw) {
	switch {
	case len(flaw.Location) == 0 && len(flaw.Missing) > 0:
		for _, name := range flaw.Missing {
			f.Add(s.place(name), "is required by the plugin")
		}
	case len(flaw.Location) == 0:
		f.Add("settings", "do not fit the plugin's config schema (%s)", flaw.Keyword)
	case s.secrets[flaw.Location[0]]:
		f.Add(s.place(flaw.Location[0]), "does not fit the plugin's config schema (%s)", flaw.Keyword)
	default:
		f.Add(s.place(flaw.Location[0]), "%s", flaw.Text)
	}
}

func (s *configSchema) place(name string) string {
	if s.secrets[name] {
		return "credentials." + name
	}
	return "settings." + name
}
