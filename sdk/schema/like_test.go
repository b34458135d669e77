package schema_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tradewind.example/sdk/schema"
)

// likeSchemas use every keyword that is offered.
func likeSchemas() []string {
	return []string{
		`true`, `false`, `{}`,
		`{"type":"integer","minimum":-2,"maximum":10,"multipleOf":2}`,
		`{"type":["number","null"],"exclusiveMinimum":0.5,"exclusiveMaximum":2}`,
		`{"enum":[1,"a",null,[1],{"a":1.0}]}`,
		`{"const":{"a":[1,2]}}`,
		`{"type":"string","minLength":2,"maxLength":3,"pattern":"^ä|b"}`,
		`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3,"uniqueItems":true}`,
		`{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}`,
		`{"contains":{"const":1},"minContains":1,"maxContains":2}`,
		`{"contains":{"const":1},"minContains":0}`,
		`{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}`,
		`{"patternProperties":{"^x-":true,"^n":{"type":"integer"}},"additionalProperties":{"type":"string"}}`,
		`{"propertyNames":{"maxLength":1},"minProperties":1,"maxProperties":2,"dependentRequired":{"a":["b"]}}`,
		`{"anyOf":[{"type":"string"},{"minimum":2}],"oneOf":[{"type":"integer"},{"maximum":3}],"allOf":[{"not":{"const":5}}]}`,
		`{"if":{"type":"object","properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["b"]},"else":{"type":"integer"}}`,
		`{"$defs":{"t~/x":{"type":"object","properties":{"a":{"$ref":"#/$defs/t~0~1x"}},"additionalProperties":false}},"$ref":"#/$defs/t~0~1x"}`,
		`{"type":"array","items":{"$ref":"#"}}`,
		`{"format":"ipv4"}`, `{"format":"ipv6"}`, `{"format":"uuid"}`, `{"format":"date"}`, `{"format":"password"}`, `{"format":"uri"}`,
	}
}

func likeDocs() []string {
	return []string{
		`null`, `true`, `0`, `1`, `1.0`, `2`, `-2`, `3`, `4`, `5`, `10`, `12`, `0.75`, `1e1`, `"a"`, `"b"`, `"bb"`, `"ä1"`, `"bbbb"`, `""`,
		`[]`, `[1]`, `[1,1]`, `[1,1.0,1]`, `[1,2,3,4]`, `["a",1]`, `["a","b"]`, `[[]]`, `[[1]]`, `[{"a":1},{"a":1.0}]`,
		`{}`, `{"a":1}`, `{"a":1.0}`, `{"a":[1,2]}`, `{"a":1,"b":2}`, `{"a":{"a":{}}}`, `{"a":{"b":1}}`, `{"x-a":1,"n":2}`, `{"n":"a","z":"b"}`, `{"long":1}`,
		`"127.0.0.1"`, `"127.0.0.256"`, `"::1"`, `"0b7d3ed2-7a51-4dd8-a1a2-1f7b0f6c2a01"`, `"0b7d3ed2-7a51-4dd8-a1a2-1f7b0f6c2a0"`, `"2026-02-29"`, `"2026-02-28"`,
		`"https://cloud.example/a"`, `"/a"`,
	}
}

// library is the verdict of a general implementation of the draft.
func library(t testing.TB, raw string) func(doc []byte) (ok, known bool) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(raw)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("urn:like", parsed); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:like")
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return func(doc []byte) (ok, known bool) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		return err == nil && s.Validate(v) == nil, err == nil
	}
}

func ours(t testing.TB, raw string) func(doc []byte) bool {
	t.Helper()
	v, err := schema.Compile(json.RawMessage(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return func(doc []byte) bool { return v.Validate(doc, "doc") == nil }
}

// TestLikeALibrary: the verdicts of a general implementation are the reference.
func TestLikeALibrary(t *testing.T) {
	t.Parallel()
	for _, raw := range likeSchemas() {
		reference, own := library(t, raw), ours(t, raw)
		for _, doc := range likeDocs() {
			if want, _ := reference([]byte(doc)); own([]byte(doc)) != want {
				t.Errorf("schema %s, document %s: want valid %v", raw, doc, want)
			}
		}
	}
}

func FuzzLikeALibrary(f *testing.F) {
	all := likeSchemas()[:19] // formats are read more or less strictly by everybody
	references, owns := []func([]byte) (bool, bool){}, []func([]byte) bool{}
	for i, raw := range all {
		references, owns = append(references, library(f, raw)), append(owns, ours(f, raw))
		for _, doc := range likeDocs() {
			f.Add(uint8(i), []byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, no uint8, doc []byte) {
		if len(bytes.TrimSpace(doc)) == 0 || bytes.ContainsAny(doc, "eE") && bytes.ContainsAny(doc, "0123456789") {
			return // counts as {} here; and numbers of many digits are not understood here
		}
		i := int(no) % len(all)
		if want, known := references[i](doc); known && owns[i](doc) != want {
			t.Errorf("schema %s, document %s: want valid %v", all[i], doc, want)
		}
	})
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	for reason, raw := range map[string]string{
		"not JSON":                           `{`,
		"two documents":                      `{} {}`,
		"a text is no schema":                `"string"`,
		"no such type":                       `{"type":"text"}`,
		"a type that is a number":            `{"type":1}`,
		"a bound that is a text":             `{"minimum":"1"}`,
		"a length below 0":                   `{"minLength":-1}`,
		"a length with a fraction":           `{"maxItems":1.5}`,
		"a multiple of 0":                    `{"multipleOf":0}`,
		"a broken pattern":                   `{"pattern":"("}`,
		"a broken pattern of names":          `{"patternProperties":{"(":true}}`,
		"required as a text":                 `{"required":"a"}`,
		"a list of names with a number":      `{"dependentRequired":{"a":[1]}}`,
		"an empty choice":                    `{"anyOf":[]}`,
		"a deep mistake":                     `{"properties":{"a":{"items":{"type":"x"}}}}`,
		"a mistake that nothing refers to":   `{"$defs":{"a":{"type":"x"}}}`,
		"a reference to nothing":             `{"$ref":"#/$defs/a"}`,
		"a reference to itself":              `{"$ref":"#"}`,
		"a choice that leads back to itself": `{"anyOf":[{"$ref":"#"},{"type":"string"}]}`,
		"a keyword that is not offered":      `{"unevaluatedProperties":false}`,
		"a format that is not offered":       `{"format":"duration"}`,
		"a number without end":               `{"minimum":1e999999999}`,
	} {
		if _, err := schema.Compile(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: %s was compiled", reason, raw)
		}
	}
}

func TestHugeNumbersAreNoWork(t *testing.T) {
	t.Parallel()
	if ours(t, `{"type":"integer","maximum":5}`)([]byte(`1e999999999`)) {
		t.Error("a number of a billion digits is an integer of at most 5")
	}
	if ours(t, `{"type":"number"}`)([]byte(`[`)) {
		t.Error("no JSON is valid")
	}
}

func TestDeepDocumentsAreNoWork(t *testing.T) {
	t.Parallel()
	deep := append(bytes.Repeat([]byte(`[`), 5000), bytes.Repeat([]byte(`]`), 5000)...)
	if ours(t, `{"type":"array","items":{"$ref":"#"}}`)(deep) {
		t.Error("5,000 lists in each other are looked into")
	}
}
