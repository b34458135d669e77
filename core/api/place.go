package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gofiber/fiber/v2"
)

// places tells in which part of a route's requests a member is: "body", "path",
// "query" or "header". Use-cases name a wrong place from their input's top,
// "spec.disks[0]"; requests have it at body.spec.disks[0]. It is filled before
// the first request and read-only then.
type places map[string]string

// learn takes the members over from the document. Where two parts have the same
// one, the body's is meant: a use-case looks at what it was asked to change.
func (p places) learn(doc *huma.OpenAPI, r Route) {
	op := operationOf(doc.Paths[r.Path], r.Method)
	if op == nil {
		return
	}
	for _, x := range op.Parameters {
		p[x.Name] = x.In
	}
	if op.RequestBody == nil || op.RequestBody.Content[fiber.MIMEApplicationJSON] == nil {
		return
	}
	body := op.RequestBody.Content[fiber.MIMEApplicationJSON].Schema
	for body != nil && body.Ref != "" {
		body = doc.Components.Schemas.SchemaFromRef(body.Ref)
	}
	if body == nil {
		return
	}
	for name := range body.Properties {
		p[name] = "body"
	}
}

// locate writes the problem's places from the request's root, all alike.
func (p places) locate(problem *Problem) *Problem {
	for i, e := range problem.Errors {
		member := e.Path
		if end := strings.IndexAny(member, ".["); end >= 0 {
			member = member[:end]
		}
		if part, known := p[member]; known {
			problem.Errors[i].Path = part + "." + e.Path
		}
	}
	return problem
}

// The two halves of huma's text for a member that is required and absent.
var missingBefore, missingAfter, _ = strings.Cut(validation.MsgExpectedRequiredProperty, "%s")

// wrongTime begins huma's text for a parameter that is no time, which goes on
// with a layout that only programmers of Go can read.
const wrongTime = "invalid date/time for format"

// fieldOf is a problem of huma's as one of ours: a missing member has a place of
// its own, as every wrong one has.
func fieldOf(e *huma.ErrorDetail) ProblemField {
	if strings.HasPrefix(e.Message, wrongTime) {
		return ProblemField{Path: e.Location, Message: "must be a time by RFC 3339 such as 2026-01-31T08:00:00Z"}
	}
	name, ok := strings.CutPrefix(e.Message, missingBefore)
	if ok {
		name, ok = strings.CutSuffix(name, missingAfter)
	}
	if !ok {
		return ProblemField{Path: e.Location, Message: e.Message}
	}
	return ProblemField{Path: e.Location + "." + name, Message: "is required"}
}
