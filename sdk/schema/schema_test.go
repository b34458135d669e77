package schema_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/schema"
	"tradewind.example/sdk/secret"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type disk struct {
	Type   string `json:"type" enum:"ssd,hdd" default:"ssd"`
	SizeGB int    `json:"size_gb" min:"10" max:"4000" required:"true" title:"Size" doc:"In GiB."`
}

type common struct {
	Zone string `json:"zone" pattern:"^[a-z]+$"`
}

type machine struct {
	common
	Name     string            `json:"name" min:"1" max:"8" required:"true"`
	CPU      uint8             `json:"cpu" enum:"1,2,4" default:"2"`
	Ratio    float64           `json:"ratio" min:"0.5"`
	Spot     *bool             `json:"spot" default:"true"`
	Disks    []disk            `json:"disks" min:"1" max:"2"`
	Boot     disk              `json:"boot"`
	Tags     map[string]string `json:"tags"`
	Password secret.Value      `json:"password" min:"8" required:"true"`
	Link     string            `json:"link" secret:"true"`
	Until    time.Time         `json:"until"`
	Raw      json.RawMessage   `json:"raw"`
	Blob     []byte            `json:"blob"`
	Hidden   chan int          `json:"-"`
	private  int
}

func TestDerivedSchema(t *testing.T) {
	t.Parallel()
	_ = machine{}.private
	got, err := schema.For[machine]()
	if err != nil {
		t.Fatal(err)
	}
	var pretty any
	if err := json.Unmarshal(got, &pretty); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(pretty, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/machine.schema.json"
	if *update {
		if err := os.WriteFile(golden, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

type loop struct {
	Next *loop `json:"next"`
}

func TestWhatCannotBeDerived(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{
		"a field without a json name": second(schema.For[struct{ A int }]()),
		"a duration has no unit": second(schema.For[struct {
			D time.Duration `json:"d"`
		}]()),
		"a type that contains itself": second(schema.For[loop]()),
		"a channel": second(schema.For[struct {
			C chan int `json:"c"`
		}]()),
		"a map with other keys": second(schema.For[struct {
			M map[int]string `json:"m"`
		}]()),
		"a bound that is no number": second(schema.For[struct {
			N int `json:"n" min:"few"`
		}]()),
		"a bound on a boolean": second(schema.For[struct {
			B bool `json:"b" max:"1"`
		}]()),
		"a default of another type": second(schema.For[struct {
			N int `json:"n" default:"x"`
		}]()),
		"a secret number": second(schema.For[struct {
			N int `json:"n" secret:"true"`
		}]()),
	} {
		if err == nil {
			t.Errorf("%s: derived; want an error", reason)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func TestValidation(t *testing.T) {
	t.Parallel()
	raw, err := schema.For[machine]()
	if err != nil {
		t.Fatal(err)
	}
	v, err := schema.Compile(raw)
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"name":"a","password":"long-enough","disks":[{"size_gb":10}],"cpu":4,"until":"2026-01-02T03:04:05Z"}`
	if err := v.Validate([]byte(good), "spec"); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for doc, want := range map[string]map[string]string{
		``:                                  {"spec.name": "is required", "spec.password": "is required"},
		`[]`:                                {"spec": "must be an object"},
		`{"name":"a","password":"hunter2"}`: {"spec.password": "must have at least 8 characters"},
		`{"name":"a","password":"long-enough","disks":[{"size_gb":10},{"size_gb":5,"colour":1}]}`: {
			"spec.disks[1].size_gb": "must be at least 10", "spec.disks[1].colour": "is not known; remove it"},
		`{"name":"a","password":"long-enough","disks":[]}`:     {"spec.disks": "must have at least 1 items"},
		`{"name":"a","password":"long-enough","cpu":3}`:        {"spec.cpu": "must be one of 1, 2, 4"},
		`{"name":"a","password":"long-enough","ratio":0.25}`:   {"spec.ratio": "must be at least 0.5"},
		`{"name":"a","password":"long-enough","zone":"Z9"}`:    {"spec.zone": "must match ^[a-z]+$"},
		`{"name":"a","password":"long-enough","until":"soon"}`: {"spec.until": "must be a valid date-time"},
		`{"name":7,"password":"long-enough"}`:                  {"spec.name": "must be a string"},
		`{"name":`:                                             {"spec": "is not JSON"},
	} {
		got := map[string]string{}
		for _, f := range fieldsOf(v.Validate([]byte(doc), "spec")) {
			got[f.Path] = f.Message
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc, diff)
		}
	}
}

func fieldsOf(err error) []fault.Field {
	if e := fault.As(err); e != nil {
		return e.Fields
	}
	return nil
}

func TestASchemaLoadsNothing(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"file:///etc/hostname", "https://schemas.example/a.json"} {
		if _, err := schema.Compile([]byte(`{"$ref":"` + ref + `"}`)); err == nil {
			t.Errorf("%s was loaded", ref)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	m, err := schema.Decode[machine]([]byte(`{"name":"a","cpu":4}`))
	if err != nil {
		t.Fatal(err)
	}
	if m.CPU != 4 || m.Boot.Type != "ssd" || m.Spot == nil || !*m.Spot {
		t.Errorf("cpu %d, boot %q, spot %v; want 4 as given, ssd and true as defaults", m.CPU, m.Boot.Type, m.Spot)
	}
	if n, err := schema.Decode[struct{}](nil); err != nil {
		t.Errorf("empty: %v, %v", n, err)
	}
}

func FuzzValidate(f *testing.F) {
	raw, err := schema.For[machine]()
	if err != nil {
		f.Fatal(err)
	}
	v, err := schema.Compile(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"name":"a","disks":[{"size_gb":1e400}]}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, field := range fieldsOf(v.Validate(doc, "spec")) {
			if !strings.HasPrefix(field.Path, "spec") || field.Message == "" {
				t.Errorf("field %+v", field)
			}
		}
	})
}

func ExampleFor() {
	type spec struct {
		Text string `json:"text" required:"true" max:"280" doc:"What to remember."`
	}
	s, err := schema.For[spec]()
	fmt.Println(string(s), err)
	// Output: {"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,"properties":{"text":{"description":"What to remember.","maxLength":280,"type":"string"}},"required":["text"],"type":"object"} <nil>
}
