package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// schema is a plugin's config schema, split into what is secret and what not.
type schema struct {
	types    map[string]string // declared name -> JSON type
	secrets  map[string]bool
	compiled *jsonschema.Schema
}

type schemaText struct {
	Properties map[string]struct {
		Type   any  `json:"type"`
		Secret bool `json:"x-secret"`
	} `json:"properties"`
}

// parseSchema reads a config schema; an empty one declares no fields. A partial
// schema requires nothing: it is for defaults that others complete.
func parseSchema(raw json.RawMessage, partial bool) (*schema, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage(`{"type":"object"}`)
	}
	var text schemaText
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, brokenSchema(err)
	}
	s := &schema{types: map[string]string{}, secrets: map[string]bool{}}
	for name, p := range text.Properties {
		s.types[name], _ = p.Type.(string)
		if p.Secret {
			s.secrets[name] = true
		}
	}
	var err error
	s.compiled, err = compile(raw, partial)
	return s, err
}

func compile(raw json.RawMessage, partial bool) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, brokenSchema(err)
	}
	if top, ok := doc.(map[string]any); ok && partial {
		delete(top, "required")
		delete(top, "dependentRequired")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(closedLoader{})
	if err := c.AddResource("config.json", doc); err != nil {
		return nil, brokenSchema(err)
	}
	out, err := c.Compile("config.json")
	if err != nil {
		return nil, brokenSchema(err)
	}
	return out, nil
}

func brokenSchema(err error) error {
	return fault.Internal(err, "the plugin's config schema cannot be used: ask its author").From(fault.SourcePlugin)
}

// closedLoader keeps a plugin's schema from having us read files or addresses.
type closedLoader struct{}

func (closedLoader) Load(url string) (any, error) {
	return nil, errors.New("the schema refers to " + strconv.Quote(url) + ", outside itself")
}

// check reports, as fields, how settings and credentials do not fit. It never
// repeats the value of a secret.
func (s *schema) check(f *fields, settings map[string]string, credentials map[string]secret.Value) {
	all := make(map[string]any, len(settings)+len(credentials))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if s.secrets[name] {
			f.add("settings."+name, "is secret: give it under credentials")
		} else if s.known(f, "settings."+name, name) {
			all[name] = typed(s.types[name], settings[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		if !s.known(f, "credentials."+name, name) {
			continue
		}
		if !s.secrets[name] {
			f.add("credentials."+name, "is not secret: give it under settings")
			continue
		}
		all[name] = typed(s.types[name], credentials[name].Reveal())
	}
	if len(*f) > 0 {
		return
	}
	var bad *jsonschema.ValidationError
	if errors.As(s.compiled.Validate(all), &bad) {
		s.explain(f, bad)
		// The validator walks maps: give the same answer every time.
		slices.SortStableFunc(*f, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
	}
}

func (s *schema) known(f *fields, path, name string) bool {
	if _, ok := s.types[name]; !ok {
		f.add(path, "is not in the plugin's config schema")
		return false
	}
	return true
}

// typed reads the text of a setting as its declared type; what cannot be read
// stays text, and the schema says so.
func typed(want, text string) any {
	switch want {
	case "integer", "number":
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
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

// explain turns the leaves of a schema error into fields.
func (s *schema) explain(f *fields, e *jsonschema.ValidationError) {
	for _, c := range e.Causes {
		s.explain(f, c)
	}
	if len(e.Causes) > 0 {
		return
	}
	if r, ok := e.ErrorKind.(*kind.Required); ok && len(e.InstanceLocation) == 0 {
		for _, name := range r.Missing {
			f.add(s.place(name), "is required by the plugin")
		}
		return
	}
	if len(e.InstanceLocation) == 0 {
		f.add("settings", "do not fit the plugin's config schema (%s)", strings.Join(e.ErrorKind.KeywordPath(), "/"))
		return
	}
	name := e.InstanceLocation[0]
	if s.secrets[name] {
		f.add(s.place(name), "does not fit the plugin's config schema (%s)", strings.Join(e.ErrorKind.KeywordPath(), "/"))
		return
	}
	f.add(s.place(name), "%s", e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}

func (s *schema) place(name string) string {
	if s.secrets[name] {
		return "credentials." + name
	}
	return "settings." + name
}
