package apitest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// schema is the part of a JSON Schema that the walks understand.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"` // a word, or a list of words with "null"
	Format     string            `json:"format"`
	Pattern    string            `json:"pattern"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	MinLength  int               `json:"minLength"`
	Minimum    *json.Number      `json:"minimum"`
	More       any               `json:"additionalProperties"`
}

// is reports whether the schema is of a type.
func (s schema) is(kind string) bool {
	switch t := s.Type.(type) {
	case string:
		return t == kind
	case []any:
		return slices.Contains(t, any(kind))
	}
	return false
}

// param is a path, query or header parameter.
type param struct {
	Name, In string
	Required bool
	Schema   schema
}

// operation is one route of the document.
type operation struct {
	ID, method, path string
	Parameters       []param
	RequestBody      *struct {
		Required bool
		Content  map[string]struct{ Schema schema }
	}
	Responses map[string]any
	Security  []any
}

func (o operation) has(in, name string) bool {
	return slices.ContainsFunc(o.Parameters, func(p param) bool { return p.In == in && p.Name == name })
}

// takesSession reports whether it is a session that opens the route: sign-in
// takes a password, and a console a ticket.
func (o operation) takesSession() bool {
	return slices.ContainsFunc(o.Security, func(x any) bool {
		way, _ := x.(map[string]any)
		_, bearer := way["bearer"]
		return bearer
	})
}

// body returns the schema of the JSON body; false when there is none.
func (o operation) body() (schema, bool) {
	if o.RequestBody == nil {
		return schema{}, false
	}
	return o.RequestBody.Content["application/json"].Schema, true
}

// document is the OpenAPI document of a running server.
type document struct {
	raw        []byte
	operations []operation
	schemas    map[string]schema
}

// read gets the document and lists its routes in a stable order.
func read(t testing.TB, c *client) document {
	t.Helper()
	a := c.send(t, request{method: http.MethodGet, path: "/openapi.json"})
	if a.status != http.StatusOK {
		t.Fatalf("the document: %d %s", a.status, a.body)
	}
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(a.body, &doc); err != nil {
		t.Fatal(err)
	}
	out := document{raw: a.body, schemas: doc.Components.Schemas}
	for _, path := range sortedKeys(doc.Paths) {
		for _, method := range sortedKeys(doc.Paths[path]) {
			var o struct {
				operation
				OperationID string
			}
			if err := json.Unmarshal(doc.Paths[path][method], &o); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			o.ID, o.method, o.path = o.OperationID, strings.ToUpper(method), path
			out.operations = append(out.operations, o.operation)
		}
	}
	if len(out.operations) < 90 {
		t.Fatalf("the document has only %d operations", len(out.operations))
	}
	return out
}

// resolve follows a reference.
func (d document) resolve(s schema) schema {
	for s.Ref != "" {
		s = d.schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	return s
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
