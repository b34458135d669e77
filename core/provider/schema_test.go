package provider

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/field"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestSchemaReadsNothingElsewhere(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"File":    `{"$ref": "file:///etc/passwd"}`,
		"Address": `{"$ref": "http://127.0.0.1:1/schema.json"}`,
		"Broken":  `{"type": 7}`,
		"NoJSON":  `{`,
	} {
		if _, err := parseSchema(json.RawMessage(text), false); !fault.Is(err, fault.ClassInternal) {
			t.Errorf("%s: a schema that cannot be used: %v", name, err)
		}
	}
}

func TestSchemaWithoutText(t *testing.T) {
	t.Parallel()
	s, err := parseSchema(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	var f fields
	s.check(&f, map[string]string{"a": "b"}, map[string]secret.Value{"c": secret.New("d")})
	want := fields{field.Problems{
		{Path: "settings.a", Message: "is not in the plugin's config schema"},
		{Path: "credentials.c", Message: "is not in the plugin's config schema"},
	}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("a plugin without a schema takes nothing (-want +got):\n%s", diff)
	}
}

// FuzzSchema feeds schemas and values: nothing panics, and no message repeats
// the secret.
func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"k":{"type":"string","x-secret":true,"pattern":"^a"},"s":{"type":"integer"}}}`, "s", "1")
	f.Add(`{"properties":{"k":{"const":"x","x-secret":true}},"required":["q"]}`, "k", "v")
	f.Add(`{"properties":{"k":{"x-secret":true,"enum":["a"]}},"minProperties":9}`, "", "")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		const marker = "MARKER-7f3a-secret"
		for _, partial := range []bool{false, true} {
			s, err := parseSchema(json.RawMessage(text), partial)
			if err != nil {
				continue
			}
			var wrong fields
			s.check(&wrong, map[string]string{name: value}, map[string]secret.Value{"k": secret.New(marker)})
			if err := wrong.Err(); err != nil && strings.Contains(err.Error(), marker) && !strings.Contains(text+name+value, marker) {
				t.Errorf("the message repeats the secret: %v", err)
			}
		}
	})
}
