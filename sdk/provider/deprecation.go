package provider

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Deprecation is one thing that a plugin still offers and is going to take away.
type Deprecation struct {
	// Place is what is to go: "config.project", "instance", "instance.spec.size",
	// "instance.actions.reboot", "instance.actions.reboot.input.hard".
	Place string `json:"place"`
	// Instead says what to use.
	Instead string `json:"instead"`
}

// Deprecations returns all that is to go, by place: kinds and actions that say
// so, and the fields of the config, of specs and of inputs whose schema does (the
// tag deprecated of package schema). Schemas that cannot be read have none.
func (d Description) Deprecations() []Deprecation {
	out := deprecatedFields("config", d.Config)
	for _, k := range d.Kinds {
		if k.Deprecated != "" {
			out = append(out, Deprecation{k.Name, k.Deprecated})
		}
		out = append(out, deprecatedFields(k.Name+".spec", k.Spec)...)
		for _, a := range k.Actions {
			place := k.Name + ".actions." + a.Name
			if a.Deprecated != "" {
				out = append(out, Deprecation{place, a.Deprecated})
			}
			out = append(out, deprecatedFields(place+".input", a.Input)...)
		}
	}
	slices.SortFunc(out, func(a, b Deprecation) int { return cmp.Compare(a.Place, b.Place) })
	return out
}

// described is what matters here of a schema.
type described struct {
	Deprecated bool                 `json:"deprecated"`
	Instead    string               `json:"x-instead"`
	Properties map[string]described `json:"properties"`
	Items      *described           `json:"items"`
}

func deprecatedFields(place string, raw json.RawMessage) []Deprecation {
	var s described
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return s.fields(place)
}

func (s described) fields(place string) (out []Deprecation) {
	for name, field := range s.Properties {
		at := place + "." + name
		if field.Deprecated {
			instead := field.Instead
			if instead == "" {
				instead = "see its description"
			}
			out = append(out, Deprecation{at, instead})
		}
		out = append(out, field.fields(at)...)
	}
	if s.Items != nil {
		out = append(out, s.Items.fields(place+"[]")...)
	}
	return out
}
