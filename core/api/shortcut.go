package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/api/bodyjson"
	"tradewind.example/sdk/fault"
)

// shortcut serves the plain requests of a route, those that are certain to be
// valid, at a fraction of huma's time. Whatever is unusual about a request it
// leaves to huma, untouched, which judges it and words what is wrong.
type shortcut[I, O any] struct {
	s      *Server
	route  Route
	fn     func(context.Context, access.Caller, *I) (*O, error)
	where  places
	params []param
	body   *bodyjson.Reader // nil: every request is left to huma
	index  int              // of the input's Body

	scratch sync.Pool // of *[]byte, where answers are written
}

// param is a text of the header or the path that fills a field of the input.
type param struct {
	name   string
	path   bool
	index  []int
	schema *huma.Schema
}

// plainBody bounds the bodies that are read here.
const plainBody = 32 << 10

// Appender is implemented by answers that write their own JSON, the very bytes
// that encoding/json would.
type Appender interface {
	AppendJSON(b []byte) []byte
}

// newShortcut returns nil for a route that has none: one that is public, reads
// anything else than text parameters and a JSON body, or answers more than one.
func newShortcut[I, O any](s *Server, r Route, where places, fn func(context.Context, access.Caller, *I) (*O, error)) *shortcut[I, O] {
	in, out := reflect.TypeFor[I](), reflect.TypeFor[O]()
	if r.Public || r.Hidden || out.NumField() != 1 || out.Field(0).Name != "Body" || out.Field(0).Type.Kind() != reflect.Struct {
		return nil
	}
	body, ok := in.FieldByName("Body")
	if !ok || len(body.Index) != 1 || body.Type.Kind() != reflect.Struct || body.Tag != "" {
		return nil
	}
	x := &shortcut[I, O]{s: s, route: r, where: where, fn: fn, index: body.Index[0]}
	for _, f := range reflect.VisibleFields(in) {
		if f.Anonymous || f.Index[0] == x.index {
			continue
		}
		p := param{name: f.Tag.Get("header"), index: f.Index}
		if name := f.Tag.Get("path"); name != "" {
			p.name, p.path = name, true
		}
		if p.name == "" || f.Type.Kind() != reflect.String || !f.IsExported() {
			return nil
		}
		x.params = append(x.params, p)
	}
	return x
}

// learn takes the schemas over from huma's document. Requests come later.
func (x *shortcut[I, O]) learn(doc *huma.OpenAPI) {
	op := operationOf(doc.Paths[x.route.Path], x.route.Method)
	if op == nil || op.RequestBody == nil || op.RequestBody.Content[fiber.MIMEApplicationJSON] == nil {
		return
	}
	for i := range x.params {
		p := &x.params[i]
		for _, known := range op.Parameters {
			if known.Name == p.name {
				p.schema = known.Schema
			}
		}
		if p.schema == nil || p.schema.Ref != "" {
			return
		}
	}
	schema := op.RequestBody.Content[fiber.MIMEApplicationJSON].Schema
	if body, ok := bodyjson.New(reflect.TypeFor[I]().Field(x.index).Type, schema, doc.Components.Schemas); ok {
		x.body = body
	}
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	if item == nil {
		return nil
	}
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodDelete:
		return item.Delete
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	}
	return nil
}

// serve is a handler of the route, before huma's own.
func (x *shortcut[I, O]) serve(c *fiber.Ctx) error {
	r := requestOf(c.UserContext())
	in := new(I)
	if x.body == nil || !r.signedIn || !x.plain(c) || !x.read(c, reflect.ValueOf(in).Elem()) {
		return c.Next()
	}
	out, err := x.fn(r, r.caller, in)
	if err == nil {
		err = x.write(c, out)
	}
	if err != nil {
		return x.s.write(c, x.where.locate(ProblemOf(err)), err)
	}
	return nil
}

// bind puts the shortcut before the handler that huma is about to add.
func (x *shortcut[I, O]) bind() {
	path := strings.NewReplacer("{", ":", "}", "").Replace(x.route.Path)
	x.s.app.Add(x.route.Method, path, x.serve)
}

// plain reports whether nothing but the parameters and the body is to be read.
func (x *shortcut[I, O]) plain(c *fiber.Ctx) bool {
	h := &c.Request().Header
	kind, accept := string(h.ContentType()), string(h.Peek(fiber.HeaderAccept))
	return len(c.Request().URI().QueryString()) == 0 &&
		(kind == fiber.MIMEApplicationJSON || kind == fiber.MIMEApplicationJSONCharsetUTF8) &&
		(accept == "" || accept == "*/*" || accept == fiber.MIMEApplicationJSON) &&
		len(h.Peek(fiber.HeaderContentEncoding)) == 0
}

func (x *shortcut[I, O]) read(c *fiber.Ctx, in reflect.Value) bool {
	for i := range x.params {
		p := &x.params[i]
		value, ok := c.Get(p.name), true
		if p.path {
			value, ok = pathParam(c, p.name)
		}
		if !ok || value == "" || !p.admits(value) {
			return false
		}
		in.FieldByIndex(p.index).SetString(value)
	}
	body := c.Request().Body()
	most := int64(plainBody)
	if x.route.MaxBody > 0 {
		most = min(most, x.route.MaxBody)
	}
	return int64(len(body)) < most && x.body.Read(body, in.Field(x.index))
}

// admits asks huma.
func (p *param) admits(value string) bool {
	var res huma.ValidateResult
	huma.Validate(nil, p.schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, value, &res)
	return len(res.Errors) == 0
}

func (x *shortcut[I, O]) write(c *fiber.Ctx, out *O) error {
	status := x.route.Status
	if status == 0 {
		status = http.StatusOK
	}
	body := reflect.ValueOf(out).Elem().Field(0).Addr().Interface()
	resp := c.Response()
	if own, ok := body.(Appender); ok {
		scratch, _ := x.scratch.Get().(*[]byte)
		if scratch == nil {
			scratch = new([]byte)
		}
		*scratch = append(own.AppendJSON((*scratch)[:0]), '\n')
		resp.SetBody(*scratch) // copies
		x.scratch.Put(scratch)
	} else {
		enc := json.NewEncoder(resp.BodyWriter())
		enc.SetEscapeHTML(false)
		if err := enc.Encode(body); err != nil {
			resp.ResetBody()
			return fault.Internal(err, "the answer cannot be written")
		}
	}
	resp.SetStatusCode(status)
	resp.Header.SetContentType(fiber.MIMEApplicationJSON)
	return nil
}
