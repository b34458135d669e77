package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// descriptionRules prove what can be known without the cloud.
func descriptionRules() []Rule {
	return []Rule{
		{ID: "describe-same", Title: "the description is the same in every instance and call, and equals the published manifest", run: describeSame},
		{ID: "describe-schemas", Title: "every schema is valid JSON Schema 2020-12 and describes an object", run: describeSchemas},
		{ID: "describe-fixture", Title: "the specs and inputs of the fixture fit the schemas", with: []need{kindsGiven}, run: describeFixture},
		{ID: "common-kinds", Title: "kinds and actions of common names have the common fields, and need no others", run: commonKinds},
		{ID: "health", Title: "health answers within a second", run: healthAnswers},
	}
}

// describeSame compares the description with those of a second call, of another
// instance, and of the manifest.
func describeSame(ctx context.Context, s *session) error {
	again, err := s.Describe(ctx)
	if err != nil {
		return fmt.Errorf("describing again: %w", err)
	}
	errs := []error{same("a second call", s.d, again)}
	other, err := s.another(ctx)
	if err != nil {
		return fmt.Errorf("describing another instance: %w", err)
	}
	errs = append(errs, same("another instance", s.d, other))
	if s.target.Manifest != nil {
		published, err := readManifest(s.target.Manifest)
		if err != nil {
			return err
		}
		errs = append(errs, same("the manifest", s.d, published))
	}
	return errors.Join(errs...)
}

// another describes an instance of its own: what the binary prints, or a new
// provider. A connection has no other.
func (s *session) another(ctx context.Context) (provider.Description, error) {
	switch {
	case s.process != nil:
		return describeBinary(ctx, s.target.Binary)
	case s.served == nil:
		return s.d, nil
	}
	p, err := s.target.New()
	if err != nil {
		return provider.Description{}, err
	}
	served, err := plugintest.Serve(ctx, p, plugintest.Config{})
	if err != nil {
		return provider.Description{}, err
	}
	return served.Description(), served.Close()
}

// same compares two descriptions in the form that is published.
func same(what string, want, got provider.Description) error {
	a, err := fieldsOf(want)
	if err != nil {
		return err
	}
	b, err := fieldsOf(got)
	if err != nil {
		return err
	}
	var errs []error
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			errs = append(errs, fmt.Errorf("%s differs in %q", what, name))
		}
		delete(b, name)
	}
	for name := range b {
		errs = append(errs, fmt.Errorf("%s has %q more", what, name))
	}
	return errors.Join(errs...)
}

func fieldsOf(d provider.Description) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encoding the description: %w", err)
	}
	var out map[string]json.RawMessage
	return out, json.Unmarshal(raw, &out)
}

// describeSchemas compiles every schema that is described.
func describeSchemas(_ context.Context, s *session) error {
	errs := []error{object("config", s.d.Config)}
	for _, k := range s.d.Kinds {
		errs = append(errs, object(k.Name+".spec", k.Spec), object(k.Name+".state", k.State))
		for _, a := range k.Actions {
			errs = append(errs, object(k.Name+"."+a.Name+".input", a.Input), object(k.Name+"."+a.Name+".output", a.Output))
		}
	}
	return errors.Join(errs...)
}

func object(place string, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	if _, err := schema.Compile(raw); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	if err := standard(raw); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	var top struct {
		Type  string `json:"type"`
		Draft string `json:"$schema"`
	}
	if err := json.Unmarshal(raw, &top); err != nil || top.Type != "object" {
		return fmt.Errorf("%s: the schema must describe an object", place)
	}
	if top.Draft != "" && top.Draft != schema.Draft {
		return fmt.Errorf("%s: the schema is of the draft %q; it must be %q", place, top.Draft, schema.Draft)
	}
	return nil
}

// standard compiles a schema as hosts and other tools do, which hold it to the
// schema of schemas too.
func standard(raw json.RawMessage) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("the schema is not JSON: %w", err)
	}
	const location = "urn:tradewind:schema"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(location, doc); err != nil {
		return fmt.Errorf("the schema cannot be added: %w", err)
	}
	_, err = c.Compile(location)
	return err
}

// describeFixture holds the fixture's documents to the schemas.
func describeFixture(_ context.Context, s *session) error {
	var errs []error
	for _, k := range s.d.Kinds {
		given, ok := s.fix.Kinds[k.Name]
		if !ok {
			continue
		}
		errs = append(errs, fits(k.Name+".spec", k.Spec, given.Spec))
		if given.Update != nil {
			errs = append(errs, fits(k.Name+".update", k.Spec, given.Update))
		}
		for _, a := range k.Actions {
			if input, ok := given.Actions[a.Name]; ok {
				errs = append(errs, fits(k.Name+"."+a.Name+".input", a.Input, input))
			}
		}
	}
	return errors.Join(errs...)
}

// commonKinds holds kinds that other clouds have too to what they share, so that
// one call works on all of them.
func commonKinds(_ context.Context, s *session) error {
	var errs []error
	for _, k := range s.d.Kinds {
		check := kinds.Check
		if slices.Contains(s.fix.Own, k.Name) {
			check = kinds.CheckTypes
		}
		errs = append(errs, check(k))
	}
	return errors.Join(errs...)
}

// fits validates doc when there is a schema.
func fits(place string, raw, doc json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	v, err := schema.Compile(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return v.Validate(doc, place)
}

func healthAnswers(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, promptly)
	defer cancel()
	if err := s.Health(ctx); err != nil {
		return fmt.Errorf("health: %w", err)
	}
	return nil
}
