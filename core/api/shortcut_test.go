package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
)

type part struct {
	Size  int    `json:"size,omitempty" minimum:"1" maximum:"9" default:"3"`
	Label string `json:"label" maxLength:"4"`
}

type plainIn struct {
	Key
	ID   string `path:"id" minLength:"2" maxLength:"8"`
	Body struct {
		Name  string         `json:"name" minLength:"1" maxLength:"5"`
		Kind  string         `json:"kind,omitempty" enum:"one,two" default:"two"`
		Code  string         `json:"code,omitempty" pattern:"^[a-z]+$"`
		Count int8           `json:"count,omitempty" minimum:"-2" maximum:"1000"`
		On    bool           `json:"on,omitempty"`
		Spec  map[string]any `json:"spec,omitempty"`
		Main  part           `json:"main,omitempty"`
		Parts []part         `json:"parts,omitempty" minItems:"1" maxItems:"2"`
		Tags  []string       `json:"tags,omitempty"`
	}
}

// plainOut tells what the use-case was given.
type plainOut struct {
	Body struct {
		In   any    `json:"in"`
		ID   string `json:"id"`
		Key  string `json:"key"`
		User string `json:"user"`
	}
}

// plainServer serves a route that has a shortcut.
func plainServer(t testing.TB) (*Server, *shortcut[plainIn, plainOut]) {
	t.Helper()
	s := testServer(t, func(c *Config) { c.RatePerSecond = 0 })
	fn := func(ctx context.Context, c access.Caller, in *plainIn) (*plainOut, error) {
		if in.Body.Name == "fail" {
			return nil, fault.Conflict("there is one already")
		}
		out := &plainOut{}
		out.Body.In, out.Body.ID, out.Body.Key, out.Body.User = in.Body, in.ID, in.IdempotencyKey, c.UserID+requestIDOf(ctx)
		if _, ok := ctx.Deadline(); !ok {
			t.Error("a use-case has no deadline")
		}
		return out, nil
	}
	r := Route{Method: http.MethodPost, Path: "/v1/plain/{id}", ID: "plain", Tag: "test", Summary: "Plain", Status: http.StatusCreated}
	Handle(s, r, fn)
	short := newShortcut(s, r, places{}, fn)
	short.learn(s.huma.OpenAPI())
	if short.body == nil {
		t.Fatal("the route has no shortcut")
	}
	return s, short
}

// bodies are well formed and not, usual and not.
var bodies = []string{
	`{"name":"ann"}`, ` { "name" : "ann" , "kind":"one" } `, `{"name":"fail"}`, `{"name":"云云"}`, `{"name":"云云云云云云"}`, `{"name":""}`, `{}`, ``, `null`, `[]`,
	`{"name":"ann","kind":"three"}`, `{"name":"ann","kind":""}`, `{"name":"ann","Kind":"one"}`, `{"name":"a","name":"b"}`, `{"name":null}`,
	`{"name":"a\n"}`, `{"name":"a\u0041"}`, "{\"name\":\"a\x01\"}", "{\"name\":\"a\xff\"}", `{"name":"ann","count":7}`, `{"name":"ann","count":-2}`,
	`{"name":"ann","count":-0}`, `{"name":"ann","count":1.0}`, `{"name":"ann","count":1e1}`, `{"name":"ann","count":01}`, `{"name":"ann","count":200}`,
	`{"name":"ann","count":12345678901234567890}`, `{"name":"ann","count":-}`, `{"name":"ann","on":true}`, `{"name":"ann","on":false}`, `{"name":"ann","on":1}`,
	`{"name":"ann","on":truex}`, `{"name":"ann","spec":{}}`, `{"name":"ann","spec":{"a":{"b":[1,"}",null]},"c":"\"}"}}`, `{"name":"ann","spec":{"a":]}}`,
	`{"name":"ann","spec":[]}`, `{"name":"ann","spec":{"a":1,"a":2}}`, `{"name":"ann","main":{"label":"x"}}`, `{"name":"ann","main":{"size":0,"label":"x"}}`,
	`{"name":"ann","main":{}}`, `{"name":"ann","parts":[]}`, `{"name":"ann","parts":[{"label":"a"},{"label":"b","size":4}]}`,
	`{"name":"ann","parts":[{"label":"a"},{"label":"b"},{"label":"c"}]}`, `{"name":"ann","parts":[{"label":"a"},]}`, `{"name":"ann","tags":["a","b"]}`,
	`{"name":"ann","tags":[]}`, `{"name":"ann","tags":["a" "b"]}`, `{"name":"ann","code":"abc"}`, `{"name":"ann","code":"ABC"}`, `{"name":"ann",}`,
	`{"name":"ann"}x`, `{"name":"ann"} `, `{"name":"ann"`, `{"name" "ann"}`, `{"name":"ann" "kind":"one"}`, `{,"name":"ann"}`, `{"nme":"ann"}`, "\xef\xbb\xbf{\"name\":\"ann\"}",
}

// sameBothWays sends a request the short way, where it goes, and huma's way, to
// which an unusual Accept header leads.
func sameBothWays(t *testing.T, s *Server, path, body string) {
	t.Helper()
	header := map[string]string{"Idempotency-Key": "k1", "X-Request-Id": "r1", "Content-Type": "application/json"}
	short, shortBody := send(t, s, http.MethodPost, path, "good", body, header)
	header["Accept"] = "application/json;q=0.9"
	long, longBody := send(t, s, http.MethodPost, path, "good", body, header)
	// Huma lists the problems of a body in any order.
	refused := long.StatusCode == http.StatusUnprocessableEntity
	if short.StatusCode != long.StatusCode || !refused && strings.TrimSpace(shortBody) != strings.TrimSpace(longBody) {
		t.Errorf("%s with %q:\nshort %d %s\nlong  %d %s", path, body, short.StatusCode, shortBody, long.StatusCode, longBody)
	}
	for _, name := range []string{"Content-Type", "X-Request-Id", "Cache-Control", "Retry-After"} {
		if got, want := short.Header.Get(name), long.Header.Get(name); got != want {
			t.Errorf("%s with %q: %s is %q the short way, %q the long one", path, body, name, got, want)
		}
	}
}

func TestShortcutAnswersAsHuma(t *testing.T) {
	t.Parallel()
	s, _ := plainServer(t)
	for _, body := range bodies {
		sameBothWays(t, s, "/v1/plain/abc", body)
	}
	for _, path := range []string{"/v1/plain/a", "/v1/plain/abcdefghi", "/v1/plain/abc?x=1", "/v1/plain/a%20b"} {
		sameBothWays(t, s, path, `{"name":"ann"}`)
	}
}

func FuzzShortcutAnswersAsHuma(f *testing.F) {
	s, _ := plainServer(f)
	for _, body := range bodies {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) { sameBothWays(t, s, "/v1/plain/abc", body) })
}

func TestShortcutIsTaken(t *testing.T) {
	t.Parallel()
	_, short := plainServer(t)
	taken := false
	app := fiber.New()
	app.Post("/v1/plain/:id", func(c *fiber.Ctx) error {
		taken = short.plain(c) && short.read(c, reflect.ValueOf(new(plainIn)).Elem())
		return nil
	})
	for name, c := range map[string]struct {
		reason, body string
		header       map[string]string
		short        bool
	}{
		"Plain":    {reason: "a plain body", body: `{"name":"ann","main":{"label":"x"},"parts":[{"label":"y"}],"spec":{"a":1}}`, short: true},
		"Chinese":  {reason: "text that is no ASCII", body: `{"name":"云"}`, short: true},
		"Escape":   {reason: "an escape", body: `{"name":"a\n"}`},
		"NoKey":    {reason: "a missing header", body: `{"name":"ann"}`, header: map[string]string{"Idempotency-Key": ""}},
		"BadKey":   {reason: "a header out of its pattern", body: `{"name":"ann"}`, header: map[string]string{"Idempotency-Key": "a b"}},
		"Charset":  {reason: "another charset", body: `{"name":"ann"}`, header: map[string]string{"Content-Type": "application/json; charset=latin1"}},
		"Accepts":  {reason: "another answer wanted", body: `{"name":"ann"}`, header: map[string]string{"Accept": "text/html"}},
		"Unknown":  {reason: "an unknown field", body: `{"name":"ann","x":1}`},
		"Encoding": {reason: "an encoded body", body: `{"name":"ann"}`, header: map[string]string{"Content-Encoding": "gzip"}},
		"Long":     {reason: "a long body", body: `{"name":"ann","tags":["` + strings.Repeat("x", plainBody) + `"]}`},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/plain/abc", strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "k1")
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		resp, err := app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if taken != c.short {
			t.Errorf("%s: %s: taken %v, want %v", name, c.reason, taken, c.short)
		}
	}
}

type publicOut struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

func TestRoutesWithoutShortcut(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	type queried struct {
		Paging
		Body part
	}
	type versioned struct {
		ETag string `header:"ETag"`
		Body part
	}
	post := Route{Method: http.MethodPost, Path: "/v1/x", ID: "x"}
	public := post
	public.Public = true
	if newShortcut[plainIn, publicOut](s, public, nil, nil) != nil {
		t.Error("a public route has one")
	}
	if newShortcut[queried, publicOut](s, post, nil, nil) != nil {
		t.Error("a route that reads its query has one")
	}
	if newShortcut[plainIn, versioned](s, post, nil, nil) != nil {
		t.Error("a route that answers with a header has one")
	}
	if newShortcut[plainIn, publicOut](s, post, nil, nil) == nil {
		t.Error("a plain route has none")
	}
}
