package api

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"tradewind.example/sdk/fault"
)

// inside names the context that a wrapper embeds: its own name is a method's.
type inside huma.Context

// decoded is a request whose path parameters are the texts that the client
// meant. The router compares paths as they were sent, so that a / inside a
// parameter, sent as %2F, does not end it.
type decoded struct {
	inside
	params map[string]string
}

func (d decoded) Param(name string) string { return d.params[name] }

// Unwrap leads to the adapter's context.
func (d decoded) Unwrap() huma.Context { return d.inside }

// decodePath decodes the parameters of the path, once, before anything reads
// them, and refuses what is no text.
func (s *Server) decodePath(hc huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(hc)
	if plainPath(c.Path()) {
		next(hc)
		return
	}
	d := decoded{inside: hc, params: map[string]string{}}
	for _, name := range c.Route().Params {
		text, ok := pathText(c.Params(name))
		if !ok {
			_ = s.answer(c, fault.Invalid("path."+name, "must be UTF-8 without control characters, percent-encoded once"))
			return
		}
		d.params[name] = text
	}
	next(d)
}

// checkQuery refuses a query that is no text, before anything reads it: what a
// plugin is asked travels as UTF-8, and breaks on anything else.
func (s *Server) checkQuery(hc huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(hc)
	for name, value := range c.Context().QueryArgs().All() {
		if !utf8.Valid(name) || !utf8.Valid(value) {
			_ = s.answer(c, fault.Invalid("query."+string(bytes.ToValidUTF8(name, nil)), "must be UTF-8, percent-encoded once"))
			return
		}
	}
	next(hc)
}

// pathParam is a parameter of the path, decoded; false when it is no text.
func pathParam(c *fiber.Ctx, name string) (string, bool) {
	if plainPath(c.Path()) {
		return c.Params(name), true
	}
	return pathText(c.Params(name))
}

// plainPath reports whether a path is the same decoded.
func plainPath(path string) bool {
	for i := range len(path) {
		if b := path[i]; b == '%' || b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

func pathText(sent string) (string, bool) {
	text, err := url.PathUnescape(sent)
	return text, err == nil && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
