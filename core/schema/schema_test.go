package schema_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/schema"
	"tradewind.example/sdk/fault"
)

const object = `{"type":"object","required":["size"],"additionalProperties":false,
	"properties":{"size":{"type":"integer","minimum":1},"disks":{"type":"array","items":{"type":"object","properties":{"gb":{"type":"integer"}}}}}}`

func TestCheck(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, schema, value string
		class                 fault.Class
		paths                 []string
	}{
		"Good":      {reason: "a value that fits", schema: object, value: `{"size":3}`},
		"NoSchema":  {reason: "nothing is declared", schema: "", value: `[1]`},
		"NoValue":   {reason: "an absent value is an empty object", schema: object, value: "", class: fault.ClassInvalid, paths: []string{"spec.size"}},
		"BadField":  {reason: "the wrong place is named", schema: object, value: `{"size":0}`, class: fault.ClassInvalid, paths: []string{"spec.size"}},
		"Unknown":   {reason: "what nobody declared is a place of its own", schema: object, value: `{"size":1,"nope":1,"more":2}`, class: fault.ClassInvalid, paths: []string{"spec.more", "spec.nope"}},
		"Deep":      {reason: "places in arrays are named", schema: object, value: `{"size":1,"disks":[{"gb":1},{"gb":"x"}]}`, class: fault.ClassInvalid, paths: []string{"spec.disks[1].gb"}},
		"NotJSON":   {reason: "no JSON at all", schema: object, value: `{`, class: fault.ClassInvalid, paths: []string{"spec"}},
		"Broken":    {reason: "a broken schema is the plugin's", schema: `{"type":7}`, value: `{}`, class: fault.ClassInternal},
		"Elsewhere": {reason: "nothing is loaded from elsewhere", schema: `{"$ref":"https://schemas.example/x.json"}`, value: `{}`, class: fault.ClassInternal},
	}
	c := schema.NewCache()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // compiled, then cached
				err := c.Check("spec", json.RawMessage(tc.schema), json.RawMessage(tc.value))
				if fault.ClassOf(err) != tc.class {
					t.Fatalf("%s: %v", tc.reason, err)
				}
				var paths []string
				var f *fault.Error
				if errors.As(err, &f) {
					for _, field := range f.Fields {
						paths = append(paths, field.Path)
					}
				}
				if diff := cmp.Diff(tc.paths, paths); diff != "" {
					t.Errorf("%s: paths (-want +got):\n%s", tc.reason, diff)
				}
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(object, `{"size":1}`)
	c := schema.NewCache()
	f.Fuzz(func(t *testing.T, s, v string) {
		_ = c.Check("spec", json.RawMessage(s), json.RawMessage(v))
	})
}
