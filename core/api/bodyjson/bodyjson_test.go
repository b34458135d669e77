package bodyjson_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/api/bodyjson"
)

type inner struct {
	Unit string `json:"unit,omitempty" enum:"s,m" default:"m"`
	Size int    `json:"size" minimum:"-1" maximum:"99"`
}

type body struct {
	Name  string         `json:"name" minLength:"1" maxLength:"5"`
	Inner inner          `json:"inner,omitempty"`
	List  []inner        `json:"list,omitempty" maxItems:"2"`
	Free  map[string]any `json:"free,omitempty"`
	On    bool           `json:"on,omitempty"`
	Not   string         `json:"-"`
}

func readerOf[T any]() (*bodyjson.Reader, bool) {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	t := reflect.TypeFor[T]()
	return bodyjson.New(t, r.Schema(t, true, "Body"), r)
}

func TestRead(t *testing.T) {
	t.Parallel()
	x, ok := readerOf[body]()
	if !ok {
		t.Fatal("the type is not known")
	}
	for name, c := range map[string]struct {
		reason, text string
		want         *body // nil: declined
	}{
		"Least":    {"what is absent gets its default, also inside", `{"name":"a"}`, &body{Name: "a", Inner: inner{Unit: "m"}}},
		"Whole":    {"every kind of member", ` {"inner":{"size":-1,"unit":"s"},"name":"äöüäö","list":[{"size":9}],"free":{"x":[1,{"y":"}"}]},"on":true} `, &body{Name: "äöüäö", Inner: inner{Unit: "s", Size: -1}, List: []inner{{Unit: "m", Size: 9}}, Free: map[string]any{"x": []any{json.Number("1"), map[string]any{"y": "}"}}}, On: true}},
		"Required": {"a missing member", `{"on":true}`, nil},
		"Inside":   {"a missing member inside", `{"name":"a","inner":{}}`, nil},
		"TooLong":  {"six letters", `{"name":"äöüäöü"}`, nil},
		"Range":    {"out of bounds", `{"name":"a","inner":{"size":100}}`, nil},
		"Enum":     {"none of the list", `{"name":"a","inner":{"size":1,"unit":"h"}}`, nil},
		"Items":    {"too many", `{"name":"a","list":[{"size":1},{"size":1},{"size":1}]}`, nil},
		"Hidden":   {"a member that JSON does not have", `{"name":"a","Not":"x"}`, nil},
		"Twice":    {"a repeated member", `{"name":"a","name":"a"}`, nil},
		"Rest":     {"something behind", `{"name":"a"}{}`, nil},
	} {
		var got body
		read := x.Read([]byte(c.text), reflect.ValueOf(&got).Elem())
		if read != (c.want != nil) {
			t.Errorf("%s: %s: read %v", name, c.reason, read)
			continue
		}
		if !read {
			continue
		}
		if n, ok := got.Free["x"].([]any); ok { // numbers of free-form objects are those of encoding/json
			n[0] = json.Number("1")
		}
		if diff := cmp.Diff(*c.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, c.reason, diff)
		}
	}
}

func TestUnknownTypesAreLeftToHuma(t *testing.T) {
	t.Parallel()
	known := map[string]func() (*bodyjson.Reader, bool){
		"Time":     readerOf[struct{ At time.Time }],
		"Bytes":    readerOf[struct{ Raw []byte }],
		"Raw":      readerOf[struct{ Raw json.RawMessage }],
		"Number":   readerOf[struct{ N *int }],
		"Unnamed":  readerOf[struct{ Name string }],
		"Embedded": readerOf[struct{ inner }],
		"Map":      readerOf[struct{ M map[string]string }],
		"Fraction": readerOf[struct {
			N int `json:"n" minimum:"0.5"`
		}],
		"Multiple": readerOf[struct {
			N int `json:"n" multipleOf:"2"`
		}],
		"Format": readerOf[struct {
			Mail string `json:"mail" format:"email"`
		}],
		"Unique": readerOf[struct {
			List []string `json:"list" uniqueItems:"true"`
		}],
		"Quoted": readerOf[struct {
			N int `json:"n,string"`
		}],
	}
	for name, reader := range known {
		if _, ok := reader(); ok {
			t.Errorf("%s: the type is read here", name)
		}
	}
}
